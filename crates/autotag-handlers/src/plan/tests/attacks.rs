//! Tests of the tags on a resource when names of sessions and keys of session tags are chosen to mislead.

use super::*;

const DEPLOY: &str = "arn:aws:iam::111122223333:role/Deploy";

/// The tags on a queue that mallory makes in a session of this name with these tags, and what is said about them.
fn made_in(name: &str, tags: &[(&str, &str)], is_known: bool) -> (InMemory, ResourceOutcome) {
    let memory = memory();
    let tags: Value = tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    if is_known {
        creations(memory.sessions(), &[assume(&user("mallory"), "Deploy", name, "ASIAONE", &tags)]);
    }
    let mut rows = rows(&memory, &[queue("09:00:00", &role("Deploy", "", name, "ASIAONE"), "orders")]);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].status, Outcome::Tagged, "`{name}`");
    (memory, rows.remove(0))
}

#[test]
fn whatever_a_session_is_called_its_resources_belong_to_who_asked_for_it() {
    let (long, dots) = ("x".repeat(64), ".".repeat(64));
    for name in [
        "i-123",
        "i-0123456789abcdef0",
        "awslambda_x",
        "awslambda_55_20240602202712548",
        "boss@example.com",
        "AWSCloudFormation",
        "AutoScaling",
        "root",
        "botocore-session-1",
        "bоss@example.com",
        "ｂｏｓｓ@example.com",
        &long,
        &dots,
    ] {
        let queue = queue_arn("orders");
        let (memory, row) = made_in(name, &[], true);
        assert_eq!(owner_on(&memory, &queue).as_deref(), Some("mallory"), "`{name}`");
        assert_eq!(row.owner.as_ref().and_then(|owner| owner.source), Some(OwnerSource::RoleChain));
        assert_eq!(tag(&memory, &queue, "PrincipalId"), Some(format!("AROADeploy:{name}")));
        let arn = format!("arn:aws:sts::{HERE}:assumed-role/Deploy/{name}");
        assert_eq!(tag(&memory, &queue, "CreatedBy"), Some(arn));
        // If the requester of the session is unknown, only the name is left, and the proof says so.
        let (memory, row) = made_in(name, &[], false);
        assert_eq!(owner_on(&memory, &queue).as_deref(), Some(name));
        let owner = row.owner.unwrap();
        assert_eq!(
            owner.source,
            Some(OwnerSource::RoleSession),
            "`{name}`: no instance, no function, no person"
        );
        assert!(owner.pending.is_some(), "`{name}`: and looked for again");
    }
}

/// The result for a session tag.
#[derive(Debug)]
enum Ends<'a> {
    /// It is a key of ours: not copied, and reported.
    Protected,
    /// It is a key of AWS's: not copied, and reported.
    Reserved,
    /// STS cannot have given it: not copied.
    Nowhere,
    /// It has invisible characters: not copied, and reported.
    Invisible,
    /// A key like any other: beside ours, under this name.
    As(&'a str),
}

#[test]
fn no_key_of_a_session_or_role_tag_sets_or_hides_the_owner() {
    use Ends::{As, Invisible, Nowhere, Protected, Reserved};
    let (longest, too_long) = ("k".repeat(128), "k".repeat(129));
    let like_owner = format!("Owner{}x", " ".repeat(122));
    for (key, ends) in [
        ("Owner", Protected),
        ("owner", Protected),
        ("OWNER", Protected),
        ("OWNER ", Protected),
        (" Owner", Protected),
        ("\u{a0}Owner\u{2003}", Protected),
        ("PrincipalId", Protected),
        ("principalid", Protected),
        ("PRINCIPALID ", Protected),
        ("CreatedBy", Protected),
        ("createdby", Protected),
        ("aws:x", Reserved),
        ("AWS:x", Reserved),
        (" aWs:x", Reserved),
        ("aws:createdBy", Reserved),
        // Other keys to AWS, and to us: they stand beside ours, which they only look like.
        ("ａｗｓ:x", As("ａｗｓ:x")),
        ("Оwner", As("Оwner")),
        ("Ｏｗｎｅｒ", As("Ｏｗｎｅｒ")),
        ("Prıncipalid", As("Prıncipalid")),
        ("Own\u{200b}er", Invisible),
        ("\u{feff}Owner", Invisible),
        ("\u{202e}Owner", Invisible),
        ("\u{200b}aws:x", Invisible),
        // Letters to Unicode, so that STS takes them.
        ("Owner\u{3164}", Invisible),
        ("Owner\u{115f}", Invisible),
        ("\u{ffa0}Owner", Invisible),
        (&longest, As(&longest)),
        (&like_owner, As(&like_owner)),
        (&too_long, Nowhere),
        ("", Nowhere),
    ] {
        let (memory, row) = made_in("work", &[(key, "boss"), ("Team", "shop")], true);
        let mut want = BTreeMap::from(
            [
                ("CreatedBy", "arn:aws:sts::111122223333:assumed-role/Deploy/work"),
                ("Owner", "mallory"),
                ("PrincipalId", "AROADeploy:work"),
                ("Team", "shop"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
        );
        if let As(name) = ends {
            want.insert(name.to_owned(), "boss".to_owned());
        }
        assert_eq!(memory.tags_on(&queue_arn("orders")), want, "`{key}`");
        let said = |note: &Note| row.notes.contains(note);
        assert_eq!(
            said(&Note::Protected(key.to_owned())),
            matches!(ends, Protected),
            "`{key}` {:?}",
            row.notes
        );
        assert_eq!(
            said(&Note::Reserved(key.to_owned())),
            matches!(ends, Reserved),
            "`{key}` {:?}",
            row.notes
        );
        assert_eq!(
            said(&Note::Invisible(key.to_owned())),
            matches!(ends, Invisible),
            "`{key}` {:?}",
            row.notes
        );

        // A tag of the role says no more than one of the session. IAM keeps to the same limits as STS.
        if !matches!(ends, Nowhere) {
            let memory = self::memory();
            memory.put_principal(DEPLOY, &[(key, "boss"), ("Team", "shop")]);
            let records = [
                assume(&user("mallory"), "Deploy", "work", "ASIAONE", &json!([])),
                queue("09:00:00", &role("Deploy", "", "work", "ASIAONE"), "orders"),
            ];
            rows(&memory, &records);
            assert_eq!(memory.tags_on(&queue_arn("orders")), want, "`{key}` of the role");
        }
    }
}

// Guards against: a map of tags in which one is called `key` is taken for that one tag. A forged owner beside it is not seen
// then, and nothing is said about it.
#[test]
fn a_tag_called_key_hides_no_forged_owner() {
    let memory = memory();
    memory.put_tags(&queue_arn("orders"), &[("Owner", "boss"), ("key", "x")]);
    let mut made = queue("09:00:00", &user("mallory"), "orders");
    made["requestParameters"]["tags"] = json!({"Owner": "boss", "key": "x"});
    let rows = rows(&memory, &[made]);
    assert!(
        matches!(rows[0].status, Outcome::AlreadyTagged(why) if why.contains("cannot be told")),
        "{rows:?}"
    );
    assert_eq!(rows[0].notes, [Note::Forged { key: "Owner".into(), replaced: false }]);
}

/// `RunInstances` takes existing network interfaces, in the call itself or by a launch template.
#[test]
fn an_interface_that_is_attached_at_launch_stays_its_makers() {
    let card = ec2_arn("network-interface", "eni-1");
    let launch = |request: &Value, is_deleted_with_instance: bool| {
        let response = json!({"instancesSet": {"items": [{"instanceId": "i-1", "networkInterfaceSet": {"items": [
            {"networkInterfaceId": "eni-1", "attachment": {"deleteOnTermination": is_deleted_with_instance}}]}}]}});
        call("09:30:00", &user("mallory"), "ec2:RunInstances", request, &response)
    };
    let made = || {
        let memory = memory();
        let response = json!({"networkInterface": {"networkInterfaceId": "eni-1"}});
        rows(
            &memory,
            &[call("09:00:00", &user("anna"), "ec2:CreateNetworkInterface", &json!({}), &response)],
        );
        assert_eq!(owner_on(&memory, &card).as_deref(), Some("anna"));
        memory
    };
    let names_it =
        json!({"networkInterfaceSet": {"items": [{"deviceIndex": 0, "networkInterfaceId": "eni-1"}]}});
    let by_template = json!({"launchTemplate": {"launchTemplateId": "lt-1"}});
    for request in [&names_it, &by_template] {
        let memory = made();
        rows(&memory, &[launch(request, false)]);
        assert_eq!(owner_on(&memory, &card).as_deref(), Some("anna"), "{request}");
        assert_eq!(owner_on(&memory, &ec2_arn("instance", "i-1")).as_deref(), Some("mallory"));
    }
    let without_tags = memory();
    rows(&without_tags, &[launch(&names_it, false)]);
    assert_eq!(owner_on(&without_tags, &card), None, "the launch has not made it");
    let new = memory();
    rows(&new, &[launch(&by_template, true)]);
    assert_eq!(owner_on(&new, &card).as_deref(), Some("mallory"), "it came with the instance");
}
