use super::*;
use autotag_handlers::catalog::Catalog;
use serde_json::json;

fn inventory(policy: &str) -> Inventory {
    let policy = autotag_model::policy::Policy::from_toml(policy).unwrap();
    Inventory::new(Catalog::embedded().services().unwrap(), policy)
}

fn set(resources: &[&str]) -> BTreeSet<String> {
    resources.iter().map(|resource| (*resource).to_owned()).collect()
}

#[test]
fn an_arn_template_becomes_a_pattern() {
    for (template, expected) in [
        ("arn:{partition}:sqs:{region}:{account}:{id}", "arn:{partition}:sqs:*:{account}:*"),
        ("arn:{partition}:s3:::{request.bucketName}/{id}", "arn:{partition}:s3:::*/*"),
        (
            "arn:{partition}:rds:{region}:{account}:cluster:{id|lower}",
            "arn:{partition}:rds:*:{account}:cluster:*",
        ),
        ("arn:{partition}:iam::{account}:role{request.path}{id}", "arn:{partition}:iam::{account}:role*"),
        ("arn:{partition}:ec2:{region}::image/{id}", "arn:{partition}:ec2:*::image/*"),
    ] {
        assert_eq!(pattern(template), expected);
    }
}

#[test]
fn subsumed_patterns_are_left_out() {
    let one = |resources: &[&str]| {
        let compact = compact(ActionMap::from([("x:Tag", set(resources))]), MAX_RESOURCE_PATTERNS[0]);
        compact.into_values().next().unwrap()
    };
    assert_eq!(one(&["arn:p:x:*:a:*", "arn:p:x:*:a:kind/*"]), set(&["arn:p:x:*:a:*"]));
    assert_eq!(one(&["*", "arn:p:x:*:a:kind/*"]), set(&["*"]));
    let others = ["arn:p:x:*:a:*", "arn:p:x:*::kind/*", "arn:p:x::a:kind/*"];
    assert_eq!(one(&others), set(&others), "a star in one part does not match other regions or accounts");
    let kinds: Vec<String> =
        (0..=MAX_RESOURCE_PATTERNS[0]).map(|kind| format!("arn:p:x:*:a:kind{kind}/*")).collect();
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
    assert_eq!(one(&kinds), set(&["arn:p:x:*:a:*"]));
    assert_eq!(one(&kinds[1..]), set(&kinds[1..]));
}

#[test]
fn policies_are_split_at_the_maximum_length() {
    let inventory = inventory("");
    let policies = policies(&inventory).unwrap();
    assert!(policies.len() > 2 && policies.len() <= MAX_POLICIES, "{}", policies.len());
    for policy in &policies {
        assert!(policy.size() <= MAX_POLICY_LENGTH, "{} has {}", policy.name, policy.size());
    }
    let granted = policies.iter().flat_map(|policy| &policy.statements).flat_map(|statement| {
        statement
            .actions
            .iter()
            .flat_map(|action| statement.resources.iter().map(move |on| (action.clone(), on.clone())))
    });
    let granted: BTreeSet<(String, String)> = granted.collect();
    let needs = [write_actions(&inventory), read_actions(&inventory)];
    let needed = needs
        .iter()
        .flatten()
        .flat_map(|(action, on)| on.iter().map(|on| ((*action).to_owned(), on.clone())));
    let needed: BTreeSet<(String, String)> = needed.collect();
    for (action, on) in &needed {
        let allows =
            |(known, pattern): &(String, String)| known == action && (pattern == on || subsumes(pattern, on));
        assert!(granted.iter().any(allows), "{action} is not allowed on {on}");
    }
    // The other allowed resources are a whole service in place of many kinds, or ARNs of another service, which
    // have no effect.
    let service = |resource: &str| resource.split(':').nth(2).map(str::to_owned);
    for (action, on) in granted.difference(&needed) {
        let of_action: Vec<&str> =
            needed.iter().filter(|(known, _)| known == action).map(|(_, on)| on.as_str()).collect();
        let is_whole_service = of_action.iter().any(|needed| whole_service(needed) == *on);
        let is_elsewhere =
            service(on).is_some() && of_action.iter().all(|needed| service(needed) != service(on));
        assert!(is_whole_service || is_elsewhere, "{action} is allowed on {on}");
    }
}

/// Names of partitions are of different lengths, and a policy that is too long fails only where the name is long.
#[test]
fn every_policy_fits_in_every_partition() {
    let strict = "[policy]\ncopy = \"strict\"\nopt_in = [\"codebuild\"]\n[copy]\nallow = [\"Team\"]";
    for policy in ["", strict] {
        for policy in policies(&inventory(policy)).unwrap() {
            for partition in autotag_model::arn::PARTITIONS {
                let text = policy.json(partition.name, "111122223333").to_string();
                let length = text.chars().filter(|c| !c.is_whitespace()).count();
                assert!(length <= MAX_POLICY_LENGTH, "{} in {} has {length}", policy.name, partition.name);
                assert!(length <= policy.size());
            }
        }
    }
}

/// A caller who may update a project can make it run other code.
#[test]
fn no_role_may_update_codebuild_unless_the_policy_opts_in() {
    let of_codebuild = |policy: &str| -> Vec<String> {
        let inventory = inventory(policy);
        let actions = write_actions(&inventory);
        actions
            .keys()
            .filter(|action| action.starts_with("codebuild:"))
            .map(|action| (*action).to_owned())
            .collect()
    };
    assert_eq!(of_codebuild(""), [""; 0]);
    let opted_in = of_codebuild("[policy]\nopt_in = [\"codebuild\"]");
    assert_eq!(opted_in, ["codebuild:UpdateFleet", "codebuild:UpdateProject", "codebuild:UpdateReportGroup"]);
}

/// Few services fit with their kinds, the whole catalogue only with whole services.
#[test]
fn the_fewer_services_the_more_exact_the_resources() {
    let resources = |inventory: &Inventory| {
        let policies = policies(inventory).unwrap();
        let statements = policies.iter().flat_map(|policy| &policy.statements);
        let of_iam: Vec<&Statement> =
            statements.filter(|one| one.actions.iter().any(|action| action == "iam:TagRole")).collect();
        of_iam.iter().flat_map(|one| one.resources.clone()).collect::<BTreeSet<String>>()
    };
    let iam = inventory("").only(&["iam".to_owned()]).unwrap();
    assert_eq!(resources(&iam), set(&["arn:{partition}:iam::{account}:role/*"]));
    assert!(policies(&inventory("")).unwrap().len() <= MAX_POLICIES);
}

#[test]
fn a_statement_longer_than_a_policy_is_an_error() {
    let kinds = (0..300).map(|kind| format!("arn:{{partition}}:x:*:{{account}}:kind{kind}/*")).collect();
    let error =
        split("tag", &ActionMap::from([("x:Tag", kinds)]), &ClosedKeys::default()).unwrap_err().to_string();
    assert!(error.contains("too long"), "{error}");
}

#[test]
fn ignored_events_need_no_permission() {
    let inventory = inventory("[ignore]\nservices = [\"sqs\", \"autoscaling\"]");
    assert!(!write_actions(&inventory).contains_key("sqs:TagQueue"));
    assert!(!read_actions(&inventory).contains_key("sqs:ListQueueTags"));
    assert!(write_actions(&inventory).contains_key("sns:TagResource"));
    assert!(
        read_actions(&inventory).contains_key("autoscaling:DescribeTags"),
        "the owner of an instance is a tag of its group"
    );
}

#[test]
fn reading_principals_is_allowed_only_if_their_tags_are_copied() {
    assert!(read_actions(&inventory("")).contains_key("iam:ListUserTags"));
    let without = "[copy]\niam_tags = false\n[ignore]\nservices = [\"iam\"]";
    assert!(!read_actions(&inventory(without)).contains_key("iam:ListUserTags"));
}

/// The length of the JSON is measured, and the YAML is deployed.
#[test]
fn yaml_and_json_are_the_same_document() {
    let statement = Statement {
        actions: vec!["s3:PutBucketTagging".to_owned()],
        resources: vec!["*".to_owned(), "arn:{partition}:s3:::*".to_owned()],
        tag_keys: vec!["Owner".to_owned()],
    };
    let policy = Policy { name: "tag-1".to_owned(), statements: vec![statement] };
    let yaml = "  Version: \"2012-10-17\"\n  Statement:\n    - Effect: Allow\n      Action:\n        - s3:PutBucketTagging\n      \
                Resource:\n        - \"*\"\n        - !Sub \"arn:${AWS::Partition}:s3:::*\"\n      Condition:\n        \
                StringEquals:\n          aws:ResourceAccount: \"${aws:PrincipalAccount}\"\n        ForAllValues:StringEquals:\n          \
                aws:TagKeys:\n            - \"Owner\"";
    assert_eq!(policy.yaml(2).unwrap(), yaml);
    let json = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Action": ["s3:PutBucketTagging"],
        "Resource": ["*", "arn:aws:s3:::*"],
        "Condition": {
            "StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["Owner"]},
        },
    }]});
    assert_eq!(policy.json("aws", "*"), json);
}

#[test]
fn a_strict_policy_names_all_keys_that_may_be_written() {
    let inventory =
        inventory("[policy]\ncopy = \"strict\"\n[copy]\nallow = [\"Team\"]\n[static]\n\"by@\" = \"autotag\"");
    let keys = ["CreatedBy", "Owner", "PrincipalId", "Team", "by@", "by_"];
    let replacing = "s3:PutBucketTagging";
    let policies = policies(&inventory).unwrap();
    let statements = policies.iter().flat_map(|policy| &policy.statements);
    let of = |action: &str| {
        statements.clone().find(|one| one.actions.iter().any(|known| known == action)).unwrap()
    };
    assert_eq!(of("sqs:TagQueue").tag_keys, keys);
    assert_eq!(of("sqs:ListQueueTags").tag_keys, [""; 0]);
    let closed = closed_keys(&inventory);
    assert_eq!(closed.of("sqs:TagQueue"), keys);
    assert_eq!(closed.of(replacing), [""; 0], "it names the tags of the user too");
    assert_eq!(closed_keys(&self::inventory("")).of("sqs:TagQueue"), [""; 0]);
}
