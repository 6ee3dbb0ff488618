use super::*;
use crate::arn::{Partition, Region};
use proptest::prelude::*;
use serde_json::{Value, json};

const HEAD: &str = "source = \"ec2.amazonaws.com\"\nname = \"EC2\"\n";

fn rule(body: &str) -> Arc<Rule> {
    let rules =
        ServiceRules::from_toml(&format!("{HEAD}[[rule]]\ntype = \"AWS::EC2::Thing\"\n{body}")).unwrap();
    Arc::clone(&rules.rules[0])
}

fn parsed(request: Value, response: Value) -> ParsedRecord {
    ParsedRecord { request, response, ..ParsedRecord::default() }
}

fn scope() -> Scope {
    Scope {
        partition: Partition::new("aws"),
        region: Region::new("eu-west-1"),
        account: AccountId::new("111122223333"),
    }
}

fn arns(located: Located) -> Vec<String> {
    match located {
        Located::Resources(found) => {
            found.iter().map(|resource| resource.arn.as_ref().unwrap().to_string()).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn why_no_arn(located: Located) -> String {
    match located {
        Located::NoArn(error) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn lists_wrappers_and_letter_case() {
    let flow_logs = rule(
        "event = \"CreateFlowLogs\"\nid = \"response.flowLogIdSet[]\"\narn = \"arn:{partition}:ec2:{region}:{account}:vpc-flow-log/{id}\"",
    );
    let want = ["arn:aws:ec2:eu-west-1:111122223333:vpc-flow-log/fl-1"];
    for response in [
        json!({"flowLogIdSet": {"items": ["fl-1"]}}),
        json!({"CreateFlowLogsResponse": {"flowLogIdSet": {"item": "fl-1"}, "unsuccessful": ""}}),
        json!({"CreateFlowLogsResponse": {"flowLogIdSet": {"item": ["fl-1", "fl-1"]}}}),
        json!({"FlowLogIdSet": "fl-1"}),
    ] {
        assert_eq!(
            arns(flow_logs.locate(&parsed(Value::Null, response.clone()), &scope())),
            want,
            "{response}"
        );
    }
    for nothing in
        [json!(null), json!({}), json!(""), json!({"flowLogIdSet": {}}), json!({"flowLogIdSet": ""})]
    {
        assert_eq!(flow_logs.locate(&parsed(Value::Null, nothing), &scope()), Located::NoId);
    }
}

#[test]
fn alternatives_arns_and_filters() {
    let rule = rule(
        "event = \"CreateDBInstance\"\nid = [\"response.dBInstanceArn\", \"request.dBInstanceIdentifier\"]\narn = \"arn:{partition}:rds:{region}:{account}:db:{id|lower}\"\nregion = \"arn\"",
    );
    let by_arn = parsed(json!({}), json!({"dBInstanceARN": "arn:aws:rds:us-east-1:111122223333:db:x"}));
    let Located::Resources(found) = rule.locate(&by_arn, &scope()) else { panic!() };
    assert_eq!(
        found[0].region.as_ref().unwrap().as_str(),
        "us-east-1",
        "the rule says that the region of the ARN counts"
    );
    let by_name = parsed(json!({"dBInstanceIdentifier": "MyDB"}), json!(null));
    assert_eq!(arns(rule.locate(&by_name, &scope())), ["arn:aws:rds:eu-west-1:111122223333:db:mydb"]);
}

#[test]
fn a_name_that_looks_like_an_arn_is_a_name() {
    let job = rule(
        "event = \"CreateJob\"\nid = [\"response.name\", \"request.name\"]\narn = \"arn:{partition}:glue:{region}:{account}:job/{id}\"",
    );
    let victim = "arn:aws:glue:eu-west-1:111122223333:job/victim";
    let hostile = parsed(json!({"name": victim}), json!({"name": victim}));
    assert_eq!(
        arns(job.locate(&hostile, &scope())),
        [format!("arn:aws:glue:eu-west-1:111122223333:job/{victim}")]
    );
    let by_request = rule("event = \"CreateThing\"\nid = \"request.thingArn\"");
    let Located::Resources(found) =
        by_request.locate(&parsed(json!({"thingArn": victim}), json!(null)), &scope())
    else {
        panic!()
    };
    assert_eq!(found[0].arn, None, "what the request says, the caller has chosen");
}

#[test]
fn composite_arns_name_what_is_missing() {
    let table = rule(
        "event = \"CreateTable\"\nid = \"request.tableInput.name\"\narn = \"arn:{partition}:glue:{region}:{account}:table/{request.databaseName}/{id}\"",
    );
    let whole = parsed(json!({"databaseName": "db", "tableInput": {"name": "t"}}), json!(null));
    assert_eq!(arns(table.locate(&whole, &scope())), ["arn:aws:glue:eu-west-1:111122223333:table/db/t"]);
    let part = parsed(json!({"tableInput": {"name": "t"}}), json!(null));
    assert_eq!(why_no_arn(table.locate(&part, &scope())), "the record does not say the request.databaseName");
    let nowhere = Scope { account: None, ..scope() };
    assert_eq!(why_no_arn(table.locate(&whole, &nowhere)), "the record does not say the account");
}

#[test]
fn an_arn_without_a_readable_account_is_refused() {
    let cluster = rule("event = \"CreateCluster\"\nid = \"response.clusterArn\"");
    let located = |arn: &str| {
        let answer = parsed(json!(null), json!({"clusterArn": arn}));
        cluster.locate(&answer, &Scope { account: None, ..scope() })
    };
    for account in ["YOUR_ACCOUNT_ID", "12", "1111222233334"] {
        let arn = format!("arn:aws:kafka:eu-west-1:{account}:cluster/c/u");
        let why = format!("`{arn}` does not name an account: expected twelve digits, found `{account}`");
        assert_eq!(why_no_arn(located(&arn)), why);
    }
    // No account, an account, and AWS itself.
    for account in ["", "111122223333", "aws", "aws-marketplace"] {
        let arn = format!("arn:aws:kafka:eu-west-1:{account}:cluster/c/u");
        assert_eq!(arns(located(&arn)), [arn]);
    }
}

/// An answer may name other resources beside the new one, such as the role of a workspace. The owner's tags must not go
/// onto them.
#[test]
fn an_arn_of_another_kind_is_refused() {
    let workspace = "event = \"CreateWorkspace\"\nid = \"response.arn\"\n";
    let located = |more: &str, arn: &str| {
        rule(&format!("{workspace}{more}")).locate(&parsed(Value::Null, json!({"arn": arn})), &scope())
    };
    let (role, ours) =
        ("arn:aws:iam::111122223333:role/Admin", "arn:aws:grafana:eu-west-1:111122223333:/workspaces/g-1");
    let kind = "kind = \"grafana:/workspaces/*\"";
    assert_eq!(arns(located(kind, ours)), [ours]);
    assert_eq!(
        why_no_arn(located(kind, role)),
        format!("`{role}` is `iam:role/Admin`; the rule expects `grafana:/workspaces/*`")
    );
    assert_eq!(arns(located("kind = [\"iam:role/*\", \"grafana:/workspaces/*\"]", role)), [role]);
    assert_eq!(
        why_no_arn(located("kind = [\"iam:user/*\", \"grafana:/workspaces/*\"]", role)),
        format!("`{role}` is `iam:role/Admin`; the rule expects `iam:user/*` or `grafana:/workspaces/*`")
    );
    let template = "arn = \"arn:{partition}:grafana:{region}:{account}:/workspaces/{id}\"";
    assert_eq!(arns(located(template, ours)), [ours]);
    assert!(why_no_arn(located(template, role)).contains("expects `grafana:/workspaces/*`"));
    let both = format!("{template}\nkind = \"iam:role/*\"");
    assert_eq!(arns(located(&both, role)), [role], "an explicit kind replaces that of the template");
    assert!(
        why_no_arn(located(&both, "g-1")).contains("expects `iam:role/*`"),
        "also for what the template gives"
    );
}

#[test]
fn an_arn_of_another_region_is_refused_unless_the_rule_takes_any() {
    let located = |more: &str, arn: &str| {
        let rule = rule(&format!(
            "event = \"CreateKey\"\nid = \"response.arn\"\nkind = [\"kms:key/*\", \"wafv2:*\"]\n{more}"
        ));
        rule.locate(&parsed(Value::Null, json!({"arn": arn})), &scope())
    };
    let (here, there) =
        ("arn:aws:kms:eu-west-1:111122223333:key/k", "arn:aws:kms:us-east-1:111122223333:key/k");
    assert_eq!(arns(located("", here)), [here]);
    assert_eq!(arns(located("", "arn:aws:kms::111122223333:key/k")), ["arn:aws:kms::111122223333:key/k"]);
    assert_eq!(
        why_no_arn(located("", there)),
        format!("`{there}` is in us-east-1; the rule expects eu-west-1")
    );
    let global = "region = \"global\"";
    assert_eq!(arns(located(global, there)), [there], "us-east-1 is the global region");
    assert_eq!(
        why_no_arn(located(global, here)),
        format!("`{here}` is in eu-west-1; the rule expects us-east-1")
    );
    let Located::Resources(found) = located("region = \"arn\"", there) else { panic!() };
    assert_eq!(found[0].region.as_ref().map(Region::as_str), Some("us-east-1"));
}

#[test]
fn a_rule_says_its_evidence_or_takes_that_of_its_file() {
    let evidence = |head: &str, of_rule: &str| {
        let text = format!(
            "{HEAD}{head}[[rule]]\nevent = \"E\"\ntype = \"AWS::X::Y\"\nid = \"response.x\"\n{of_rule}"
        );
        ServiceRules::from_toml(&text).map(|rules| rules.rules[0].evidence).map_err(|error| error.to_string())
    };
    assert_eq!(evidence("", ""), Ok(Evidence::Documented), "a person wrote the file");
    assert_eq!(evidence("evidence = \"derived\"\n", ""), Ok(Evidence::Derived));
    assert_eq!(evidence("evidence = \"derived\"\n", "evidence = \"seen\""), Ok(Evidence::Seen));
    let error = evidence("", "evidence = \"guessed\"").unwrap_err();
    assert!(
        error.contains("line 7, column 12") && error.contains("`seen`, `documented`, `derived`"),
        "{error}"
    );
}

#[test]
fn conditions() {
    let v2 = rule(
        "event = \"CreateLoadBalancer\"\nid = \"response.loadBalancers[].loadBalancerArn\"\nwhen = \"response.loadBalancers\"",
    );
    let classic = parsed(json!({"loadBalancerName": "web"}), json!({"dNSName": "x"}));
    assert_eq!(v2.locate(&classic, &scope()), Located::NotApplicable);
    let docdb = rule(
        "event = \"CreateDBCluster\"\nid = \"response.dBClusterArn\"\nunless = { path = \"response.engine\", is = [\"docdb\"] }",
    );
    let cluster = |engine| {
        parsed(
            json!(null),
            json!({"engine": engine, "dBClusterArn": "arn:aws:rds:eu-west-1:111122223333:cluster:c"}),
        )
    };
    assert_eq!(docdb.locate(&cluster("DocDB"), &scope()), Located::NotApplicable);
    assert_eq!(arns(docdb.locate(&cluster("aurora"), &scope())).len(), 1);
}

#[test]
fn global_resources_are_tagged_in_the_partitions_global_region() {
    let role = rule("event = \"CreateRole\"\nid = \"response.role.arn\"\nregion = \"global\"");
    let record = parsed(json!(null), json!({"role": {"arn": "arn:aws-cn:iam::111122223333:role/x"}}));
    let china =
        Scope { partition: Partition::new("aws-cn"), region: Region::new("cn-northwest-1"), account: None };
    let Located::Resources(found) = role.locate(&record, &china) else { panic!() };
    assert_eq!(found[0].region.as_ref().unwrap().as_str(), "cn-north-1");
    assert_eq!(found[0].account.as_ref().unwrap().as_str(), "111122223333");
}

#[test]
fn masks_are_no_ids() {
    let rule = rule("event = \"CreateGuardrail\"\nid = \"response.name\"");
    let masked = parsed(json!(null), json!({"name": "HIDDEN_DUE_TO_SECURITY_REASONS"}));
    assert_eq!(rule.locate(&masked, &scope()), Located::NoId);
}

/// The fallback of the file is for rules with the tagging API. A rule with a native call names its own.
#[test]
fn fallback_of_file_and_rule() {
    let calls = "tag = \"One\"\notherwise = \"Two\"\n[native.One]\napi = \"sdk\"\nparams = {}\ntags = \"Tags\"\nshape = \"map\"\n\
                 [native.Two]\napi = \"sdk\"\nparams = {}\ntags = \"Tags\"\nshape = \"map\"\n";
    let fallback = |of_rule: &str| {
        let rule = "[[rule]]\nevent = \"E\"\ntype = \"AWS::X::Y\"\nid = \"response.x\"\nnote = \"n\"\n";
        let rules = ServiceRules::from_toml(&format!("{HEAD}{calls}{rule}{of_rule}"));
        rules.map(|rules| rules.rules[0].fallback.as_ref().map(|call| call.name.clone()))
    };
    let named = |name: &str| Ok(Some(name.to_owned()));
    assert_eq!(fallback(""), Ok(None));
    assert_eq!(fallback("otherwise = \"Two\""), named("Two"));
    assert_eq!(fallback("tag = \"tagging-api\""), named("Two"));
    assert_eq!(fallback("tag = \"tagging-api\"\notherwise = \"One\""), named("One"));
    assert_eq!(fallback("tag = \"none\"\notherwise = \"Two\""), Ok(None));
    let error = fallback("otherwise = \"Three\"").unwrap_err().to_string();
    assert!(error.contains("expected a [native.*] of this file (One, Two), found `Three`"), "{error}");
}

#[test]
fn read_with_reads_what_cannot_be_tagged() {
    let rules = |of_rule: &str| {
        let call = "[native.One]\napi = \"sdk\"\nparams = {}\ntags = \"Tags\"\nshape = \"map\"\n";
        let rule = "[[rule]]\nevent = \"E\"\ntype = \"AWS::X::Y\"\nid = \"response.x\"\nnote = \"n\"\n";
        ServiceRules::from_toml(&format!("{HEAD}{call}{rule}{of_rule}"))
    };
    let read = rules("tag = \"none\"\nread_by = \"One\"").unwrap();
    assert_eq!(read.rules[0].read_with.as_ref().map(|call| call.name.as_str()), Some("One"));
    let error = rules("tag = \"One\"\nread_by = \"One\"").unwrap_err().to_string();
    assert!(error.contains("expected `read_with` only beside `tag = \"none\"`"), "{error}");
}

/// Most reads need the IAM action of their own name.
#[test]
fn what_a_read_needs() {
    let api = "[api.one]\nprotocol = \"json-1.1\"\nhost = \"h\"\nsigning = \"one\"\ntarget = \"T\"\n";
    let read_of = |head: &str, call: &str, of_rule: &str| {
        let call = format!("{api}[native.One]\n{call}params = {{}}\ntags = \"Tags\"\nshape = \"map\"\n");
        let rule = "[[rule]]\nevent = \"E\"\ntype = \"AWS::X::Y\"\nid = \"response.x\"\nnote = \"n\"\n";
        (format!("{HEAD}{head}{call}"), format!("{rule}{of_rule}"))
    };
    let actions = |head: &str, call: &str, read: &str, of_rule: &str| {
        let (file, rule) = read_of(head, call, of_rule);
        let read = if read.is_empty() { String::new() } else { format!("[native.One.read]\n{read}") };
        let rules =
            ServiceRules::from_toml(&format!("{file}{read}{rule}")).map_err(|error| error.to_string())?;
        Ok::<_, String>(rules.rules[0].read_actions().join(" "))
    };
    let list = "operation = \"ListTags\"\ntags = \"Tags\"\n";
    let own = "actions = [\"a:Get\", \"a:List\"]\n";
    let (native, api_first) = ("tag = \"One\"\n", "tag = \"tagging-api\"\notherwise = \"One\"\n");
    let ok = |text: &str| Ok(text.to_owned());
    assert_eq!(actions("actions = [\"svc:Tag\"]\n", "", list, native), ok("svc:ListTags"));
    assert_eq!(
        actions("", "", list, native),
        ok("one:ListTags"),
        "without actions it is what requests are signed for"
    );
    assert_eq!(actions("", "", &format!("{list}{own}"), native), ok("a:Get a:List"));
    assert_eq!(actions("", "api = \"sdk\"\n", own, native), ok("a:Get a:List"));
    assert_eq!(actions("", "", list, api_first), ok("one:ListTags tag:GetResources"));
    assert_eq!(actions("", "", list, "tag = \"tagging-api\"\n"), ok("tag:GetResources"));
    assert_eq!(actions("", "", list, "tag = \"none\"\nread_by = \"One\"\n"), ok("one:ListTags"));
    assert_eq!(actions("", "", list, "tag = \"none\"\n"), ok(""));
    assert_eq!(actions("", "", "", native), ok(""));
    for (call, read, expected) in [
        ("", "tags = \"Tags\"\n", "expected `operation` and `tags`"),
        ("", "actions = [\"a:Get\"]\n", "expected `operation` and `tags`"),
        ("", &format!("{list}actions = []\n"), "expected `actions` of the read"),
        ("api = \"sdk\"\n", list, "expected `actions` only"),
    ] {
        let error = actions("", call, read, native).unwrap_err();
        assert!(error.contains(expected), "{read}: {error}");
    }
}

#[test]
fn a_member_that_tells_of_a_failure_is_for_described_calls_with_json() {
    let call = |protocol: &str, of_call: &str| {
        let api = format!("[api.one]\nprotocol = \"{protocol}\"\nhost = \"h\"\nsigning = \"one\"\n");
        let native = "[native.One]\nparams = {}\ntags = \"Tags\"\nshape = \"Key/Value\"\n";
        let rules = ServiceRules::from_toml(&format!("{HEAD}{api}{native}{of_call}"));
        rules.map(|rules| rules.native["One"].fails.clone()).map_err(|error| error.to_string())
    };
    let fails = "fails = { path = \"operations.status\", is = [\"Failed\"] }\n";
    let read = call("json-1.1", fails).unwrap().unwrap();
    assert_eq!(
        (read.path.as_str(), read.is, read.code),
        ("operations.status", vec!["Failed".to_owned()], None)
    );
    assert_eq!(call("json-1.1", ""), Ok(None));
    for (protocol, of_call) in [("query", fails), ("json-1.1", &format!("api = \"sdk\"\n{fails}"))] {
        let error = call(protocol, of_call).unwrap_err();
        assert!(error.contains("expected no `fails`"), "{error}");
    }
    let error = call("json-1.1", "fails = { at = \"x\" }\n").unwrap_err();
    assert!(error.contains("unknown field `at`"), "{error}");
}

#[test]
fn a_wrong_rule_file_is_refused_with_its_position() {
    let rule = "[[rule]]\nevent = \"CreateQueue\"\ntype = \"AWS::SQS::Queue\"\n";
    for (text, scope, what) in [
        ("source = 7".to_owned(), "line 1, column 10", "expected a string"),
        (
            format!("{HEAD}[[rule]]\nevent = \"Create Queue\"\ntype = \"AWS::X::Y\"\nid = \"response.x\""),
            "line 4, column 9",
            "event name",
        ),
        (format!("{HEAD}{rule}id = \"respond.x\""), "line 6, column 6", "begins with `request.`"),
        (format!("{HEAD}{rule}id = []"), "line 6, column 6", "a path"),
        (format!("{HEAD}{rule}id = \"response.x\"\nkind = []"), "line 7, column 8", "a kind such as"),
        (
            format!("{HEAD}{rule}id = \"response.x\"\nkind = \"iam\""),
            "line 7, column 8",
            "expected `service:resource`",
        ),
        (
            format!("{HEAD}{rule}id = \"response.x\"\nregion = \"here\""),
            "line 7, column 10",
            "expected `global` or `arn`",
        ),
        (
            format!("{HEAD}{rule}id = \"response.x\"\narn = \"arn:{{oops}}\""),
            "line 7, column 7",
            "no placeholder `oops`",
        ),
        (
            format!("{HEAD}{rule}id = \"response.x\"\narn = \"arn:{{id|upper}}\""),
            "line 7, column 7",
            "no filter `upper`",
        ),
        (format!("{HEAD}{rule}id = \"response.x\"\ntag = \"TagIt\""), "line 7, column 7", "found `TagIt`"),
        (format!("{HEAD}{rule}id = \"response.x\"\ntag = \"none\""), "line 4, column 9", "`note`"),
        (format!("{HEAD}{rule}id = \"response.x\"\nextra = 1"), "line 7, column 1", "unknown field `extra`"),
        (format!("{HEAD}{rule}id = \"response.x\"\nwhen = 1"), "line 7, column 8", "a path, or a table"),
        (format!("{HEAD}{rule}"), "line 3, column 1", "missing field `id`"),
    ] {
        let error = ServiceRules::from_toml(&text).unwrap_err().to_string();
        assert!(error.contains(scope) && error.contains(what), "{text}\n{error}");
    }
}

proptest! {
    #[test]
    fn no_placeholder_is_left_in_an_arn(id in "\\PC{1,40}", name in "\\PC{1,40}") {
        let rule = rule(
            "event = \"E\"\nid = \"request.id\"\narn = \"arn:{partition}:x:{region}:{account}:a/{request.name}/{id|last}\"",
        );
        if let Located::Resources(found) = rule.locate(&parsed(json!({"id": id, "name": name}), json!(null)), &scope()) {
            for resource in found {
                let arn = resource.arn.unwrap();
                let left = arn.resource().contains("{request.name}") || arn.resource().contains("{id");
                prop_assert!(!left || name.contains('{') || id.contains('{'), "{}", arn);
            }
        }
    }
}

#[test]
fn a_resource_lies_in_the_account_that_the_call_or_the_records_list_names() {
    let database = rule(
        "event = \"CreateThing\"\nid = \"request.name\"\naccount = [\"request.catalogId\", \"request.accountId\"]\narn = \"arn:{partition}:glue:{region}:{account}:database/{id}\"",
    );
    let arn = |account: &str| vec![format!("arn:aws:glue:eu-west-1:{account}:database/sales")];
    let by_call = |more: Value| {
        let mut request = json!({"name": "sales"});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        database.locate(&parsed(request, Value::Null), &scope())
    };
    assert_eq!(arns(by_call(json!({}))), arn("111122223333"));
    assert_eq!(arns(by_call(json!({"catalogId": "444455556666"}))), arn("444455556666"));
    assert_eq!(arns(by_call(json!({"accountId": 444_455_556_666_u64}))), arn("444455556666"));
    let nested = "111122223333:catalog";
    assert_eq!(by_call(json!({"catalogId": nested})), Located::NoAccount(nested.to_owned()));

    let listed = |resources: Value| {
        let mut record = parsed(json!({"name": "sales"}), Value::Null);
        record.resources = resources;
        arns(database.locate(&record, &scope()))
    };
    let thing = |account: &str, kind: &str| json!({"accountId": account, "type": kind, "ARN": "arn:x"});
    assert_eq!(listed(json!([thing("444455556666", "AWS::EC2::Thing")])), arn("444455556666"));
    assert_eq!(listed(json!([thing("444455556666", "AWS::KMS::Key")])), arn("111122223333"));
    let source_and_own =
        json!([thing("444455556666", "AWS::EC2::Thing"), thing("111122223333", "AWS::EC2::Thing"),]);
    assert_eq!(listed(source_and_own), arn("111122223333"), "the other one was only read");
}

#[test]
fn what_a_record_says_about_the_creation() {
    let thing = rule(
        "event = \"CreateThing\"\nid = \"response.set[].id\"\ncreated = \"response.set[].time\"\nnew_if = { path = \"response.version\", is = [\"1\"] }\nrequest_tags = [\"request.config.tags\", \"request.more\"]",
    );
    let created = |times: &[Value]| {
        let set: Vec<Value> = times.iter().map(|time| json!({"id": "x", "time": time})).collect();
        thing.created(&parsed(Value::Null, json!({"set": {"items": set}}))).map(|time| time.to_string())
    };
    let (one, two) = (json!(1_772_539_200_000_i64), json!("2026-03-04T12:00:00Z"));
    assert_eq!(created(&[two.clone(), one]).as_deref(), Some("2026-03-03T12:00:00Z"), "the oldest counts");
    assert_eq!(created(&[json!(3), two]).as_deref(), Some("2026-03-04T12:00:00Z"), "3 is not a time");
    assert_eq!(created(&[]), None);

    let older =
        |version: Value| thing.changed_an_older_one(&parsed(Value::Null, json!({"version": version})));
    assert!(older(json!(7)) && !older(json!(1)) && !older(Value::Null));

    let request = json!({"config": {"tags": {"a": "1"}}, "more": "b=2", "tags": {"c": "3"}});
    let mut tags = thing.requested_tags(&parsed(request, Value::Null), None);
    tags.sort();
    let keys: Vec<&str> = tags.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["a", "b", "c"]);

    let token = |request: Value| thing.has_idempotency_token(&parsed(request, Value::Null));
    assert!(token(json!({"clientToken": "t"})) && token(json!({"CreateThingRequest": {"ClientToken": "t"}})));
    assert!(!token(json!({"clientToken": ""})) && !token(json!({"nextToken": "t"})) && !token(Value::Null));
}

/// No ARN looks like a mask. What somebody named can.
#[test]
fn in_the_place_of_an_arn_a_mask_is_absent() {
    let topic = rule(
        "event = \"CreateTopic\"\nid = [\"response.topicArn\", \"request.name\"]\narn = \"arn:{partition}:sns:{region}:{account}:{id}\"",
    );
    let only_arns = rule("event = \"CreateTopic\"\nid = [\"response.topic\", \"response.topicArn\"]");
    let named = "arn:aws:sns:eu-west-1:111122223333:***";
    for mask in ["HIDDEN_DUE_TO_SECURITY_REASONS", "***", "[REDACTED]"] {
        let masked = parsed(json!({"name": "orders"}), json!({"topicArn": mask}));
        let found = arns(topic.locate(&masked, &scope()));
        assert_eq!(found, ["arn:aws:sns:eu-west-1:111122223333:orders"], "{mask}");
        let masked = parsed(Value::Null, json!({"topic": mask, "topicArn": mask}));
        assert_eq!(only_arns.locate(&masked, &scope()), Located::NoId, "{mask}");
    }
    let masked = parsed(json!({"name": "***"}), json!({"topicArn": "***"}));
    assert_eq!(arns(topic.locate(&masked, &scope())), [named]);
    let beside = parsed(Value::Null, json!({"topic": "***", "topicArn": named}));
    assert_eq!(arns(only_arns.locate(&beside, &scope())), [named]);
}

#[test]
fn the_resource_of_an_arn_goes_into_a_template() {
    let rules = ServiceRules::from_toml(
        r#"
        source = "mediaconnect.amazonaws.com"
        name = "MediaConnect"
        [[rule]]
        event = "AddFlowVpcInterfaces"
        type = "AWS::MediaConnect::FlowVpcInterface"
        also = ["AWS::Other::Name"]
        id = "response.vpcInterfaces[].name"
        arn = "arn:{partition}:mediaconnect:{region}:{account}:{response.flowArn|resource}/vpcInterface/{id}"
        "#,
    )
    .unwrap();
    let response = json!({"flowArn": "arn:aws:mediaconnect:eu-west-1:111122223333:flow:1-a:live",
        "vpcInterfaces": [{"name": "studio"}]});
    let parsed = ParsedRecord { response, ..ParsedRecord::default() };
    let Located::Resources(found) = rules.rules[0].locate(&parsed, &scope()) else { panic!() };
    let arn = "arn:aws:mediaconnect:eu-west-1:111122223333:flow:1-a:live/vpcInterface/studio";
    assert_eq!(found[0].display(), arn);
    for elsewhere in ["eu-west-1:999900001111", "us-east-1:111122223333"] {
        let response = json!({"flowArn": format!("arn:aws:mediaconnect:{elsewhere}:flow:1-a:live"),
            "vpcInterfaces": [{"name": "studio"}]});
        let parsed = ParsedRecord { response, ..ParsedRecord::default() };
        let Located::NoArn(why) = rules.rules[0].locate(&parsed, &scope()) else { panic!("{elsewhere}") };
        let message = "the record does not say the response.flowArn of this account and region";
        assert_eq!(why.to_string(), message);
    }
    let types: Vec<&str> = rules.rules[0].types().collect();
    assert_eq!(types, ["AWS::MediaConnect::FlowVpcInterface", "AWS::Other::Name"]);
}
