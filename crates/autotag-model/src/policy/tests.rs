use super::*;
use crate::identity::Principal;
use crate::rule::Evidence;
use crate::tags::{TagConstraints, is_reserved};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

fn ana() -> Principal {
    Principal::from_value(&json!({"type": "AssumedRole", "principalId": "AROAX:ana",
        "arn": "arn:aws:sts::111122223333:assumed-role/Dev/ana"}))
}

fn context(principal: &Principal) -> TemplateContext<'_> {
    TemplateContext {
        owner: Some("ana@example.com"),
        owner_source: Some("identity-center"),
        owner_proof: Some("person"),
        owner_account: Some("111122223333"),
        channel: Some("console"),
        principal,
        workload: None,
        event_time: Some("2026-03-02T09:00:00Z"),
        event_name: "CreateQueue",
        event_source: "sqs.amazonaws.com",
        event_id: Some("e1"),
        account: Some("111122223333"),
        region: Some("eu-west-1"),
        source_ip: None,
        user_agent: None,
        subject: None,
        actor: None,
    }
}

struct Case {
    iam: Vec<(String, String)>,
    session: Vec<(&'static str, &'static str)>,
    requested: Vec<(String, String)>,
    present: Vec<(String, String)>,
    constraints: TagConstraints,
    existing: bool,
    by_service: Option<&'static str>,
    event_source: &'static str,
}

impl Default for Case {
    fn default() -> Self {
        let constraints = TagConstraints::default();
        Self {
            iam: vec![],
            session: vec![],
            requested: vec![],
            present: vec![],
            constraints,
            existing: false,
            by_service: None,
            event_source: "sqs.amazonaws.com",
        }
    }
}

fn own(tags: &[(&str, &str)]) -> Vec<(String, String)> {
    tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn decide(policy: &Policy, case: &Case) -> Decision {
    let principal = ana();
    policy.decide(&DecisionInput {
        context: &TemplateContext { event_source: case.event_source, ..context(&principal) },
        iam_tags: &case.iam,
        session_tags: &case.session,
        requested: &case.requested,
        present: &case.present,
        previous_tags: None,
        constraints: &case.constraints,
        may_have_existed: case.existing,
        by_service: case.by_service,
    })
}

fn pairs(decision: &Decision) -> Vec<(&str, &str)> {
    decision.tags.pairs().collect()
}

const IDENTITY: [(&str, &str); 3] = [
    ("Owner", "ana@example.com"),
    ("PrincipalId", "AROAX:ana"),
    ("CreatedBy", "arn:aws:sts::111122223333:assumed-role/Dev/ana"),
];

#[test]
fn the_default_policy_writes_identity_tags() {
    assert_eq!(pairs(&decide(&Policy::default(), &Case::default())), IDENTITY);
}

#[test]
fn session_tags_beat_iam_tags_and_neither_sets_identity() {
    let case = Case {
        iam: own(&[("team", "old"), ("OWNER ", "mallory"), ("Center", "7")]),
        session: vec![
            ("Team", "shop"),
            ("owner", "mallory"),
            ("principalid", "x"),
            ("aws:y", "1"),
            ("AWS:z", "1"),
        ],
        ..Case::default()
    };
    let decision = decide(&Policy::default(), &case);
    let want = [&IDENTITY[..], &[("Team", "shop"), ("Center", "7")]].concat();
    assert_eq!(pairs(&decision), want);
    let count = |note: &Note| decision.notes.iter().filter(|known| *known == note).count();
    assert_eq!(count(&Note::Protected("owner".into())), 1);
    assert_eq!(count(&Note::Protected("OWNER ".into())), 1);
    assert_eq!(count(&Note::Reserved("AWS:z".into())), 1);
}

#[test]
fn a_forged_identity_tag_is_replaced_and_other_tags_of_the_user_stay() {
    let case = Case {
        requested: own(&[("PrincipalId", "AROAVICTIM:eve"), ("Team", "mine"), ("owner", "eve")]),
        session: vec![("Team", "shop")],
        ..Case::default()
    };
    let decision = decide(&Policy::default(), &case);
    assert_eq!(pairs(&decision), IDENTITY);
    assert!(decision.notes.contains(&Note::Forged { key: "PrincipalId".into(), replaced: true }));
    assert!(decision.notes.contains(&Note::Forged { key: "owner".into(), replaced: false }));
    assert!(decision.notes.contains(&Note::Kept("Team".into())));
    let reporting = Policy { enforced: vec![], ..Policy::default() };
    let decision = decide(&reporting, &case);
    assert_eq!(pairs(&decision), [IDENTITY[0], IDENTITY[2]]);
}

#[test]
fn the_first_writer_wins_on_what_may_have_existed() {
    let case = Case { present: own(&[("Owner", "first")]), existing: true, ..Case::default() };
    let decision = decide(&Policy::default(), &case);
    assert_eq!((decision.no_write, decision.tags.len()), (Some(NoWriteReason::HasOwner), 0));
    let told = Policy { replace_existing: true, ..Policy::default() };
    assert_eq!(pairs(&decide(&told, &case)), IDENTITY);
    let untagged = Case { existing: true, present: own(&[("Name", "x")]), ..Case::default() };
    assert_eq!(pairs(&decide(&Policy::default(), &untagged)), IDENTITY);
}

#[test]
fn asking_for_identity_tags_neither_evades_nor_takes_over() {
    let forged = own(&[("Owner", "eve")]);
    // A new resource, or one whose tags are not known: the forged tag is replaced.
    let new = Case { requested: forged.clone(), existing: true, ..Case::default() };
    let decision = decide(&Policy::default(), &new);
    assert_eq!(pairs(&decision), IDENTITY);
    assert!(decision.notes.contains(&Note::Forged { key: "Owner".into(), replaced: true }));
    let reporting = Policy { enforced: vec![], ..Policy::default() };
    let decision = decide(&reporting, &Case { requested: forged.clone(), existing: true, ..Case::default() });
    assert_eq!(pairs(&decision), IDENTITY[1..], "only reported");
    // The resource has the tags that the call asked for: they may be forged or older.
    let unclear = Case { present: forged.clone(), ..new };
    let decision = decide(&Policy::default(), &unclear);
    assert_eq!(decision.no_write, Some(NoWriteReason::MayBeForged));
    assert_eq!(decision.notes, [Note::Forged { key: "Owner".into(), replaced: false }]);
    // The resource has another owner, who was first.
    let first = Case { present: own(&[("Owner", "alice")]), ..unclear };
    assert_eq!(decide(&Policy::default(), &first).no_write, Some(NoWriteReason::HasOwner));
}

/// The tags that the default policy writes to a resource whose creating call asked for these tags.
fn written(case: &Case) -> (Vec<(String, String)>, Vec<Note>) {
    let decision = decide(&Policy::default(), case);
    (decision.tags.pairs().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(), decision.notes)
}

#[test]
fn a_declared_created_by_is_kept_and_reported() {
    let case = Case { requested: own(&[("CreatedBy", "terraform")]), ..Case::default() };
    let (tags, notes) = written(&case);
    assert_eq!(tags, own(&IDENTITY[..2]));
    assert_eq!(notes, [Note::Forged { key: "CreatedBy".into(), replaced: false }]);
    let all = Policy::from_toml("[existing]\nenforce = [\"owner\", \"CreatedBy\"]").unwrap();
    assert_eq!(all.enforced, ["Owner", "CreatedBy"]);
    assert_eq!(pairs(&decide(&all, &case)), IDENTITY);
}

#[test]
fn a_declared_created_by_shows_no_earlier_owner() {
    let declared = own(&[("CreatedBy", "terraform")]);
    let case =
        Case { requested: declared.clone(), present: declared.clone(), existing: true, ..Case::default() };
    assert_eq!(written(&case).0, own(&IDENTITY[..2]));
    // A tag that the call did not ask for was there before.
    let older = Case { present: declared, existing: true, ..Case::default() };
    assert_eq!(decide(&Policy::default(), &older).no_write, Some(NoWriteReason::HasOwner));
}

#[test]
fn what_aws_expects_is_kept_whoever_set_it_and_nothing_is_written_beside_it() {
    for (key, value) in [("Owner", "IoTDeviceTester"), ("owner", "IoTDeviceTester")] {
        let case =
            Case { requested: own(&[(key, value)]), event_source: "ec2.amazonaws.com", ..Case::default() };
        let (tags, notes) = written(&case);
        assert_eq!(tags, own(&IDENTITY[1..]), "{key}");
        assert_eq!(notes, [Note::ExpectedByAws(key.into())]);
    }
    // No condition of AWS is about that value on a queue.
    let case = Case { requested: own(&[("Owner", "IoTDeviceTester")]), ..Case::default() };
    assert_eq!(written(&case).0, own(&IDENTITY));
    let glue = |owner: &str| {
        let requested = own(&[("owner", owner)]);
        written(&Case { requested, event_source: "glue.amazonaws.com", ..Case::default() }).0
    };
    assert_eq!(glue("AROAX:ana"), own(&IDENTITY[1..]), "the caller's own id");
    assert_eq!(glue("AROAX:bob"), own(&IDENTITY), "somebody else's");
}

#[test]
fn a_session_tag_makes_no_value_an_expected_one() {
    // AWS's Glue policies compare `owner` with a tag of the caller, and the caller who assumes a role chooses the
    // tags of the session.
    let glue = |iam: &[(&str, &str)], session: Vec<(&'static str, &'static str)>| {
        let (iam, requested) = (own(iam), own(&[("Owner", "boss@example.com")]));
        written(&Case { iam, session, requested, event_source: "glue.amazonaws.com", ..Case::default() }).0
    };
    assert!(glue(&[], vec![("owner", "boss@example.com")]).contains(&own(&IDENTITY[..1])[0]));
    assert!(
        !glue(&[("owner", "boss@example.com")], vec![]).contains(&own(&IDENTITY[..1])[0]),
        "the role's own tag"
    );
    assert!(
        glue(&[("owner", "boss@example.com")], vec![("owner", "x")]).contains(&own(&IDENTITY[..1])[0]),
        "a session tag hides the role's"
    );
}

#[test]
fn what_a_service_set_at_creation_is_kept() {
    let case = |service, requested: &[(&str, &str)]| Case {
        requested: own(requested),
        by_service: Some(service),
        ..Case::default()
    };
    let (tags, notes) =
        written(&case("ops.apigateway.amazonaws.com", &[("Owner", "vpc-link"), ("principalid", "x")]));
    assert_eq!(tags, own(&IDENTITY[2..]));
    assert_eq!(notes, [Note::SetByService("Owner".into()), Note::SetByService("principalid".into())]);
}

#[test]
fn tags_of_a_launch_template_or_stack_are_those_of_the_customer() {
    for by_service in ["autoscaling.amazonaws.com", "cloudformation.amazonaws.com"] {
        let requested = own(&[("Owner", "boss")]);
        let (tags, notes) = written(&Case { requested, by_service: Some(by_service), ..Case::default() });
        assert_eq!(tags, own(&IDENTITY), "{by_service}");
        assert_eq!(notes, [Note::Forged { key: "Owner".into(), replaced: true }]);
    }
}

#[test]
fn a_service_keeps_nothing_that_was_there_before() {
    let present = own(&[("Owner", "boss")]);
    let by_service = Some("ops.apigateway.amazonaws.com");
    assert_eq!(written(&Case { present, by_service, ..Case::default() }).0, own(&IDENTITY));
}

#[test]
fn the_profile_declared_keeps_a_declared_owner() {
    let policy = Policy::from_toml("[policy]\nprofile = \"declared\"").unwrap();
    assert_eq!(policy.enforced, ["PrincipalId"]);
    assert_eq!(Policy::default().enforced, ["Owner", "PrincipalId"]);
    let requested = own(&[("Owner", "team-shop"), ("PrincipalId", "AROAVICTIM:eve")]);
    for existing in [false, true] {
        let case = Case { requested: requested.clone(), existing, ..Case::default() };
        assert_eq!(pairs(&decide(&policy, &case)), IDENTITY[1..]);
    }
    assert_eq!(pairs(&decide(&policy, &Case::default())), IDENTITY);
    let called_otherwise =
        "[policy]\nprofile = \"declared\"\n[identity]\nBy = \"{owner}\"\nId = \"{principal.id}\"";
    assert_eq!(Policy::from_toml(called_otherwise).unwrap().enforced, ["Id"]);
}

#[test]
fn the_earlier_spelling_of_enforce_is_still_read() {
    let enforced = |text: &str| Policy::from_toml(text).unwrap().enforced;
    assert_eq!(enforced("[existing]\nforged = \"enforce\""), ["Owner", "PrincipalId", "CreatedBy"]);
    assert_eq!(enforced("[existing]\nforged = \"report\""), [""; 0]);
}

#[test]
fn tags_that_differ_from_run_to_run_are_not_copied_by_default() {
    let per_run =
        ["kubernetes-pod-name", "kubernetes-pod-uid", "Commit", "RunId", "GITHUB_RUN_ID", "build-number"];
    let mut session: Vec<(&str, &str)> = per_run.map(|key| (key, "1")).to_vec();
    session.extend([("kubernetes-namespace", "shop"), ("Repository", "example/shop"), ("TrunId", "7")]);
    let case = Case { session, ..Case::default() };
    let copied = |policy: &Policy| {
        let keys = decide(policy, &case).tags;
        keys.pairs().skip(3).map(|(key, _)| key.to_owned()).collect::<Vec<_>>()
    };
    let stay = ["kubernetes-namespace", "Repository", "TrunId"];
    assert_eq!(copied(&Policy::default()), stay);
    let policy = |text: &str| Policy::from_toml(text).unwrap();
    assert_eq!(copied(&policy("[copy]\nallow = [\"commit\", \"repo*\"]")), ["Commit", "Repository"]);
    assert_eq!(
        copied(&policy("[copy]\nallow = [\"*\"]\ndeny = [\"*i*\", \"repo*\"]")),
        ["kubernetes-pod-name", "kubernetes-namespace"]
    );
    assert_eq!(
        copied(&policy("[copy]\ndeny = [\"repo*\"]")),
        ["kubernetes-namespace", "TrunId"],
        "added to the default"
    );
}

#[test]
fn invisible_characters_in_a_key_or_value_are_refused_and_reported() {
    for c in [
        "\u{3164}",
        "\u{115f}",
        "\u{1160}",
        "\u{ffa0}",
        "\u{200b}",
        "\u{202e}",
        "\u{2066}",
        "\u{e0041}",
        "\u{fe0f}",
        "\u{ad}",
    ] {
        let key = format!("Owner{c}");
        let value = format!("bo{c}ss");
        let iam = own(&[(&key, "boss"), ("Boss", &value), ("Team", "shop")]);
        let (tags, notes) = written(&Case { iam, ..Case::default() });
        assert_eq!(tags, own(&[&IDENTITY[..], &[("Team", "shop")]].concat()), "{key:?}");
        assert_eq!(notes, [Note::Invisible(key), Note::Invisible("Boss".into())]);
    }
    let shown = Note::Invisible("Owner\u{3164}".into()).to_string();
    assert!(shown.contains("`Owner\\u{3164}`"), "{shown}");
}

#[test]
fn a_strict_policy_copies_listed_keys_as_they_are_listed() {
    let policy = Policy::from_toml(
        "[policy]\ncopy = \"strict\"\n[copy]\nallow = [\"Team\", \"CostCenter\"]\n[static]\nBy = \"autotag\"",
    )
    .unwrap();
    let case = Case { session: vec![("team", "shop"), ("Environment", "prod")], ..Case::default() };
    assert_eq!(pairs(&decide(&policy, &case)).split_off(3), [("By", "autotag"), ("Team", "shop")]);
    let keys = ["Owner", "PrincipalId", "CreatedBy", "By", "Team", "CostCenter"];
    assert_eq!(policy.closed_keys().unwrap(), keys);
    assert_eq!(Policy::default().closed_keys(), None);
    assert!(policy.may_copy("TEAM") && !policy.may_copy("Environment") && !policy.may_copy("Owner"));
    assert!(Policy::default().may_copy("Environment") && !Policy::default().may_copy("aws:x"));
}

#[test]
fn a_policy_says_what_derived_rules_do() {
    let of = |text: &str| {
        let policy = Policy::from_toml(text).unwrap();
        let both = [Evidence::Derived, Evidence::Documented];
        (
            policy.derived,
            both.map(|evidence| policy.applies(evidence)),
            both.map(|evidence| policy.writes_by(evidence)),
        )
    };
    assert_eq!(of(""), (DerivedRules::Tag, [true, true], [true, true]));
    assert_eq!(of("[policy]\nderived = \"tag\""), of(""));
    assert_eq!(of("[policy]\nderived = \"plan\""), (DerivedRules::Plan, [true, true], [false, true]));
    assert_eq!(of("[policy]\nderived = \"off\""), (DerivedRules::Off, [false, true], [false, true]));
    let error = Policy::from_toml("[policy]\nderived = false").unwrap_err().to_string();
    assert!(error.contains("line 2, column 11"), "{error}");
    let error = Policy::from_toml("[policy]\nderived = \"never\"").unwrap_err().to_string();
    assert!(error.contains("`tag`, `plan`, `off`"), "{error}");
}

#[test]
fn a_second_decision_writes_nothing() {
    let case = Case { present: own(&IDENTITY), ..Case::default() };
    let decision = decide(&Policy::default(), &case);
    assert_eq!((decision.no_write, decision.notes), (Some(NoWriteReason::Complete), vec![]));
}

#[test]
fn opting_out_is_off_by_default() {
    let case = Case { present: own(&[("autotag", "off")]), ..Case::default() };
    assert_eq!(decide(&Policy::default(), &case).no_write, None);
    let policy = Policy { opt_out: Some("autotag".into()), ..Policy::default() };
    assert_eq!(decide(&policy, &case).no_write, Some(NoWriteReason::OptedOut));
    let back_in = Case { present: own(&[("autotag", "false")]), ..Case::default() };
    assert_eq!(decide(&policy, &back_in).no_write, None);
}

#[test]
fn a_full_resource_keeps_the_users_tags() {
    let users: Vec<(String, String)> = (0..48).map(|n| (format!("k{n}"), String::new())).collect();
    let case = Case { present: users, session: vec![("Team", "shop")], ..Case::default() };
    let decision = decide(&Policy::default(), &case);
    assert_eq!(pairs(&decision), IDENTITY[..2]);
    assert!(decision.notes.contains(&Note::NoRoom("CreatedBy".into())));
    assert!(decision.notes.contains(&Note::NoRoom("Team".into())));
    let aws: Vec<(String, String)> = (0..50).map(|n| (format!("aws:k{n}"), String::new())).collect();
    assert_eq!(pairs(&decide(&Policy::default(), &Case { present: aws, ..Case::default() })), IDENTITY);
}

#[test]
fn a_policy_file() {
    let policy = Policy::from_toml(
        r#"
        [identity]
        Owner = "{owner}"
        By = "{principal.arn}"
        [static]
        "autotag:by" = "{event.source} {{{event.name}}}"
        Ip = "{source_ip}"
        [copy]
        iam_tags = false
        session_tags = ["team*"]
        [existing]
        enforce = ["Owner"]
        [ignore]
        services = ["s3"]
        events = ["sqs:Create*"]
        accounts = ["444455556666"]
        principals = ["arn:aws:iam::*:role/Terraform*"]
        "#,
    )
    .unwrap();
    let case = Case {
        session: vec![("Teamwork", "a"), ("Center", "b")],
        iam: own(&[("Team", "c")]),
        ..Case::default()
    };
    let decision = decide(&policy, &case);
    assert_eq!(
        pairs(&decision),
        [
            ("Owner", "ana@example.com"),
            ("By", "arn:aws:sts::111122223333:assumed-role/Dev/ana"),
            ("autotag:by", "sqs.amazonaws.com _CreateQueue_"),
            ("Teamwork", "a")
        ]
    );
    assert!(decision.notes.contains(&Note::NoValue("Ip".into())));
    let ignore = &policy.ignore;
    assert!(ignore.event("s3.amazonaws.com", "CreateBucket", None).is_some());
    assert!(ignore.event("sqs.amazonaws.com", "CreateQueue", None).is_some());
    assert!(ignore.event("sqs.amazonaws.com", "TagQueue", AccountId::new("444455556666").as_ref()).is_some());
    assert!(ignore.event("sqs.amazonaws.com", "TagQueue", AccountId::new("111122223333").as_ref()).is_none());
    assert!(ignore.principal([None, Some("arn:aws:iam::1:role/TerraformPlan")]));
    assert!(!ignore.principal([Some("arn:aws:iam::1:role/Dev")]));
}

#[test]
fn a_wrong_policy_file_is_refused_with_its_position() {
    for (text, place, what) in [
        (
            "[identity]\nA = \"{owner}\"\nOwner = \"{onwer}\"",
            "line 3, column 9",
            "`Owner`: no placeholder `onwer`",
        ),
        (
            "[static]\nTeam = \"{session.Team}\"",
            "`Team`: no placeholder `session.Team`",
            "session tags are copied by `[copy] session_tags`",
        ),
        ("[copy]\niam_tags = 7", "line 2", "true, false or a list"),
        ("[ignore]\naccounts = [\"12\"]", "line 2", "twelve digits"),
        ("[ingore]", "line 1", "unknown field `ingore`"),
        ("[static]\n\"aws:x\" = \"1\"", "line 2, column 1", "belong to AWS"),
        ("[static]\n\"a,b\" = \"1\"", "line 2, column 1", "`a,b` is not a valid tag key"),
        ("[static]\nowner = \"1\"", "", "is an identity key"),
        ("[static]\nA = \"1\"\na = \"2\"", "line 1", "duplicate tag key `a`"),
        (
            "[existing]\nopt_out = \"owner\"",
            "existing.opt_out",
            "autotag itself writes `owner`; choose a key",
        ),
        (
            "[static]\nBy = \"1\"\n[existing]\nopt_out = \"By\"",
            "existing.opt_out",
            "autotag itself writes `By`",
        ),
        (
            "[existing]\nopt_out = \"aws:x\"",
            "line 2",
            "`opt_out`: tag keys that begin with `aws:` belong to AWS; name",
        ),
        ("[existing]\nopt_out = \"\"", "line 2", "`opt_out`: a tag key must not be empty; name a tag key"),
        ("[existing]\nopt_out = \"a,b\"", "line 2", "`opt_out` is not a valid tag key"),
        ("[ignore]\nservices = [\"\"]", "2 | services", "an empty pattern matches nothing: remove it"),
        ("[ignore]\nevents = [\"sqs:*\", \" \"]", "2 | events", "an empty pattern"),
        ("[ignore]\nprincipals = [\"\"]", "2 | principals", "an empty pattern"),
        ("[copy]\nsession_tags = [\"\"]", "2 | session_tags", "an empty pattern"),
        ("[copy]\nallow = [\"\"]", "2 | allow", "an empty pattern"),
        (
            "[existing]\nenforce = [\"Team\"]",
            "existing.enforce",
            "not an identity key; there are Owner, PrincipalId",
        ),
        (
            "[existing]\nenforce = []\nforged = \"report\"",
            "existing.enforce",
            "its earlier form; remove that one",
        ),
        ("[policy]\ncopy = \"strict\"", "copy.allow", "list them, or write `allow = []`"),
        ("[policy]\ncopy = \"strict\"\n[copy]\nallow = [\"Te*\"]", "copy.allow", "needs whole keys"),
        ("[policy]\nprofile = \"prof\"", "line 2", "unknown variant `prof`, expected `proof` or `declared`"),
    ] {
        let error = Policy::from_toml(text).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains(what), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn whatever_is_passed_identity_is_ours_and_limits_hold(
        session in proptest::collection::vec((any::<String>(), any::<String>()), 0..70),
        present in proptest::collection::vec(("[A-Za-z:]{1,6}", "[a-z]{0,3}"), 0..60),
        limit in prop_oneof![Just(10_usize), Just(50)],
    ) {
        let session: Vec<(&str, &str)> = session.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let principal = ana();
        let constraints = TagConstraints { tags: limit, ..TagConstraints::default() };
        let policy = Policy::default();
        let decision = policy.decide(&DecisionInput {
            context: &context(&principal), iam_tags: &[], session_tags: &session, requested: &[], present: &present,
            previous_tags: None, constraints: &constraints, may_have_existed: false, by_service: None,
        });
        for (key, value) in decision.tags.pairs() {
            if policy.is_identity_key(key) {
                prop_assert!(IDENTITY.contains(&(key, value)));
            }
            prop_assert!(!is_reserved(key));
        }
        let users: std::collections::BTreeSet<&str> =
            present.iter().map(|(k, _)| k.as_str()).filter(|k| !is_reserved(k)).collect();
        let total = users.iter().filter(|k| decision.tags.get(k).is_none()).count() + decision.tags.len();
        prop_assert!(total <= limit.max(users.len()));
    }
}

#[test]
fn the_parts_of_a_subject_are_placeholders_and_a_part_that_is_missing_gives_no_tag() {
    let principal = ana();
    let github = Some("https://token.actions.githubusercontent.com");
    let read = |text: &str| crate::subject::read_subject(text, github, &Trust::default());
    let of_branch = read("repo:example@1/shop@2:ref:refs/heads/main");
    let of_environment = read("repo:example/shop:environment:prod");
    let filled = |template: &str, fields: Option<&BTreeMap<String, String>>, actor: Option<&'static str>| {
        let context = TemplateContext { subject: fields, actor, ..context(&principal) };
        template.parse::<TagTemplate>().unwrap().fill(&context)
    };
    let repository = "{subject.organization}/{subject.repository}";
    for read in [&of_branch, &of_environment] {
        assert_eq!(filled(repository, Some(&read.fields), None).as_deref(), Some("example/shop"));
    }
    let branch = "{subject.branch|subject.environment}";
    assert_eq!(filled(branch, Some(&of_branch.fields), None).as_deref(), Some("main"));
    assert_eq!(filled(branch, Some(&of_environment.fields), None).as_deref(), Some("prod"));
    assert_eq!(filled("{subject.repository_id}", Some(&of_branch.fields), None).as_deref(), Some("2"));
    assert_eq!(filled("{subject.repository_id}", Some(&of_environment.fields), None), None);
    assert_eq!(filled(repository, None, None), None);
    // The person is passed on by the pipeline. No part of a subject takes its place.
    let with_actor = read("repo:example/shop:ref:refs/heads/main:actor:anna");
    assert_eq!(filled("{subject.actor}", Some(&with_actor.fields), None), None);
    assert_eq!(filled("{subject.actor}", None, Some("boris")).as_deref(), Some("boris"));
    assert_eq!(filled("{subject.user}", Some(&with_actor.fields), None).as_deref(), Some("anna"));
    let error = |template: &str| template.parse::<TagTemplate>().unwrap_err().to_string();
    assert!(error("{subject.repo}").contains("subject.repository"), "{}", error("{subject.repo}"));
    assert!(error("{onwer}").ends_with("subject.* (docs/subjects.md)"), "{}", error("{onwer}"));
    assert!(!error("{onwer}").contains("subject.branch"));
}

#[test]
fn only_services_that_need_it_can_be_opted_in() {
    let policy = |list: &str| Policy::from_toml(&format!("[policy]\nopt_in = [{list}]"));
    let opted_in = policy("\"codebuild\"").unwrap();
    for source in ["codebuild.amazonaws.com", "sqs.amazonaws.com"] {
        assert!(opted_in.writes_to(source));
        assert_eq!(Policy::default().writes_to(source), source.starts_with("sqs"));
    }
    let error = policy("\"codebuild\", \"sqs\"").unwrap_err().to_string();
    assert!(error.contains("policy.opt_in") && error.contains("`sqs` needs no opt-in"), "{error}");
}
