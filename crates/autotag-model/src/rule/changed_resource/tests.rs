use crate::arn::{AccountId, Partition, Region};
use crate::record::ParsedRecord;
use crate::rule::{ChangedTags, Scope, ServiceRules};
use serde_json::{Value, json};

const SERVICE: &str = r#"
    source = "things.amazonaws.com"
    name = "Things"

    [[rule]]
    event = "CreateThing"
    type = "AWS::Things::Thing"
    id = "response.thingId"
    arn = "arn:{partition}:things:{region}:{account}:thing/{id}"

    [[rule]]
    event = "CreateBox"
    type = "AWS::Things::Box"
    id = "response.boxId"
    arn = "arn:{partition}:things:{region}:{account}:box/{id}"

    [[rule]]
    event = "CreatePart"
    type = "AWS::Things::Part"
    id = "response.partId"
    arn = "arn:{partition}:things:{region}:{account}:box/{request.boxId}/part/{id}"

    [tag_changes]
    TagThing = { writes = "request.tags", resource = "request.thingArn" }
    UntagThing = { removes = "request.tagKeys", resource = ["request.thingArn", "request.ids[]"] }
    UntagBox = { removes = "request.tags", resource = "request.boxId", types = "AWS::Things::Box" }
    UntagByType = { removes = "request.tagKeys", resource = "request.id", types_by = { path = "request.type", types = { thing = "AWS::Things::Thing", box = "AWS::Things::Box" } } }
    UntagRole = { removes = "request.tagKeys", resource = "request.roleName", types = "AWS::IAM::Role", arn = "arn:{partition}:iam::{account}:role/{id}" }
    PutThingTagging = { replaces = "request.tagging", resource = "request.thingArn" }
    DeleteThingTagging = { clears = true, resource = "request.key", never_arn = true, types = "AWS::Things::Thing" }
    UpdateThing = { replaces = "request.tags", resource = "request.thingArn" }
    ChangeThing = { writes = "request.addTags", removes = "request.removeTagKeys", resource = "request.thingArn" }
    UntagThings = { removes = "request.tagKeys", resource = "request.arns[]", failed = "response.failed" }
"#;

fn parsed(request: Value, response: Value) -> ParsedRecord {
    ParsedRecord { request, response, ..ParsedRecord::default() }
}

fn scope() -> Scope {
    Scope {
        partition: Partition::default(),
        region: Region::new("eu-west-1"),
        account: AccountId::new("111122223333"),
    }
}

fn tags(event: &str, request: Value) -> Option<ChangedTags> {
    let service = ServiceRules::from_toml(SERVICE).unwrap();
    let call = service.tag_changes.iter().find(|call| call.event == event).unwrap();
    call.tags(&parsed(request, Value::Null))
}

/// Text and candidates, each ARN without what all have in common.
fn resources(event: &str, request: Value, response: Value) -> Vec<(String, Vec<String>)> {
    let service = ServiceRules::from_toml(SERVICE).unwrap();
    let call = service.tag_changes.iter().find(|call| call.event == event).unwrap();
    let found = call.resources(&service.rules, &parsed(request, response), &scope());
    let short = |text: String| text.replace("arn:aws:things:eu-west-1:111122223333:", "");
    let each = found.into_iter().map(|one| {
        (short(one.text.clone()), one.candidates.iter().map(|resource| short(resource.display())).collect())
    });
    each.collect()
}

const THING: &str = "arn:aws:things:eu-west-1:111122223333:thing/t-1";

#[test]
fn keys_and_tags_are_found_in_every_form() {
    for request in [
        json!({"tagKeys": ["Owner", "Team"]}),
        json!({"tagKeys": {"items": ["Owner", "Team"]}}),
        json!({"TagKeys": [{"key": "Owner"}, {"Key": "Team", "Value": "shop"}]}),
    ] {
        let changed = tags("UntagThing", request.clone()).unwrap();
        assert_eq!(changed.removed, ["Owner", "Team"], "{request}");
        assert!(!changed.any && changed.may_touch("OWNER") && !changed.may_touch("CreatedBy"), "{request}");
    }
    let changed = tags("TagThing", json!({"tags": [{"key": "Owner", "value": "eve"}]})).unwrap();
    assert_eq!(changed.written, [("Owner".to_owned(), "eve".to_owned())]);
    let both = json!({"addTags": {"Team": "shop"}, "removeTagKeys": ["Owner"]});
    let changed = tags("ChangeThing", both).unwrap();
    assert!(changed.may_touch("Team") && changed.may_touch("Owner") && !changed.may_touch("CreatedBy"));
}

#[test]
fn where_the_record_does_not_show_the_keys_any_may_be_gone() {
    for (event, request) in [
        ("UntagThing", json!({"tagKeys": "HIDDEN_DUE_TO_SECURITY_REASONS"})),
        ("UntagThing", json!({"keysInAnotherMember": ["Owner"]})),
        ("UntagThing", json!({"omitted": true})),
        ("PutThingTagging", json!({})),
        ("PutThingTagging", json!({"tagging": {"TagSet": {"Tag": {"Key": "Team", "Value": "shop"}}}})),
        ("DeleteThingTagging", json!({"key": "x"})),
        ("UpdateThing", json!({"tags": []})),
    ] {
        assert!(tags(event, request.clone()).unwrap().may_touch("Owner"), "{event} {request}");
    }
}

#[test]
fn a_call_that_leaves_tags_alone_changes_none() {
    assert_eq!(tags("UpdateThing", json!({"description": "new"})), None);
    assert_eq!(tags("UpdateThing", json!({"tags": null})), None);
}

#[test]
fn an_arn_is_one_resource_and_an_id_those_that_it_can_mean() {
    let of = |event, request| resources(event, request, Value::Null);
    assert_eq!(
        of("UntagThing", json!({"thingArn": THING})),
        [("thing/t-1".to_owned(), vec!["thing/t-1".to_owned()])]
    );
    let ids = json!({"ids": {"items": ["t-1", "t-1", "b-2"]}});
    let candidates = |id: &str| vec![format!("thing/{id}"), format!("box/{id}")];
    assert_eq!(
        of("UntagThing", ids),
        [("t-1".to_owned(), candidates("t-1")), ("b-2".to_owned(), candidates("b-2"))]
    );
    assert_eq!(of("UntagBox", json!({"boxId": "b-2"})), [("b-2".to_owned(), vec!["box/b-2".to_owned()])]);
    let typed = |kind: &str| of("UntagByType", json!({"type": kind, "id": "x"}));
    assert_eq!(typed("Box"), [("x".to_owned(), vec!["box/x".to_owned()])]);
    assert_eq!(typed("thing"), [("x".to_owned(), vec!["thing/x".to_owned()])]);
    let role = of("UntagRole", json!({"roleName": "ci"}));
    assert_eq!(role, [("ci".to_owned(), vec!["arn:aws:iam::111122223333:role/ci".to_owned()])]);
}

#[test]
fn the_type_of_an_arn_is_that_of_the_rule_with_its_kind() {
    let service = ServiceRules::from_toml(SERVICE).unwrap();
    let call = service.tag_changes.iter().find(|call| call.event == "TagThing").unwrap();
    let of = |arn: &str| {
        let found = call.resources(&service.rules, &parsed(json!({"thingArn": arn}), Value::Null), &scope());
        found[0].candidates[0].resource_type.clone()
    };
    assert_eq!(of(THING), "AWS::Things::Thing");
    assert_eq!(of("arn:aws:things:eu-west-1:111122223333:plan/p-1"), "");
}

#[test]
fn resources_of_others_are_left_out() {
    let foreign = "arn:aws:things:eu-west-1:444455556666:thing/t-1";
    assert!(resources("UntagThing", json!({"thingArn": foreign}), Value::Null).is_empty());
    assert!(resources("UntagThing", json!({"thingArn": "arn:aws:things"}), Value::Null).is_empty());
    let arns = json!({"arns": [THING, "arn:aws:things:eu-west-1:111122223333:thing/t-2"]});
    let found = resources("UntagThings", arns, json!({"failed": {THING: {"statusCode": 400}}}));
    assert_eq!(found, [("thing/t-2".to_owned(), vec!["thing/t-2".to_owned()])]);
}

/// An object named like the ARN of another resource does not change that one.
#[test]
fn a_text_that_callers_choose_freely_is_never_an_arn() {
    let found = resources("DeleteThingTagging", json!({"key": THING}), Value::Null);
    let [(_, candidates)] = found.as_slice() else { panic!("{found:?}") };
    assert!(!candidates.contains(&"thing/t-1".to_owned()), "{candidates:?}");
}

#[test]
fn what_a_file_says_wrongly_about_tag_changes_is_refused_with_its_position() {
    let file = |entry: &str| {
        let text = format!("source = \"x.amazonaws.com\"\nname = \"X\"\n[tag_changes]\n{entry}\n");
        ServiceRules::from_toml(&text).unwrap_err().to_string()
    };
    for (entry, why) in [
        ("UntagX = { resource = \"request.arn\" }", "expected `writes`"),
        ("UntagX = { removes = \"request.keys\" }", "missing field `resource`"),
        ("UntagX = { removes = \"keys\", resource = \"request.arn\" }", "is not a path"),
        ("\"Untag X\" = { clears = true, resource = \"request.arn\" }", "expected an event name"),
        (
            "UntagX = { clears = true, resource = \"request.id\", arn = \"arn:{partition}:x::{account}:{id}\" }",
            "expected one of `types`",
        ),
        ("UntagX = { clear = true, resource = \"request.arn\" }", "unknown field"),
    ] {
        let error = file(entry);
        assert!(error.contains(why) && error.contains("line 4"), "{entry}: {error}");
    }
}
