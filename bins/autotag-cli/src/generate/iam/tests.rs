use super::*;
use autotag_handlers::catalog::Catalog;

fn inventory(policy: &str) -> Inventory {
    let policy = autotag_model::policy::Policy::from_toml(policy).unwrap();
    Inventory::new(Catalog::embedded().services().unwrap(), policy)
}

fn set(resources: &[&str]) -> BTreeSet<String> {
    resources.iter().map(|resource| (*resource).to_owned()).collect()
}

#[test]
fn a_template_becomes_a_pattern() {
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
fn patterns_that_say_no_more_are_left_out() {
    let one = |resources: &[&str]| {
        let narrowed = narrowed(Needs::from([("x:Tag", set(resources))]));
        narrowed.into_values().next().unwrap()
    };
    assert_eq!(one(&["arn:p:x:*:a:*", "arn:p:x:*:a:kind/*"]), set(&["arn:p:x:*:a:*"]));
    assert_eq!(one(&["*", "arn:p:x:*:a:kind/*"]), set(&["*"]));
    let others = ["arn:p:x:*:a:*", "arn:p:x:*::kind/*", "arn:p:x::a:kind/*"];
    assert_eq!(one(&others), set(&others), "another account or region is not meant by a star elsewhere");
    let kinds: Vec<String> = (0..=KINDS).map(|kind| format!("arn:p:x:*:a:kind{kind}/*")).collect();
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
    assert_eq!(one(&kinds), set(&["arn:p:x:*:a:*"]));
    assert_eq!(one(&kinds[1..]), set(&kinds[1..]));
}

#[test]
fn policies_are_split_where_they_would_be_too_long() {
    let inventory = inventory("");
    let policies = policies(&inventory).unwrap();
    assert!(policies.len() > 2 && policies.len() <= POLICIES_LIMIT, "{}", policies.len());
    for policy in &policies {
        assert!(policy.size() <= POLICY_LIMIT, "{} has {}", policy.name, policy.size());
    }
    let granted = policies.iter().flat_map(|policy| &policy.statements).flat_map(|statement| {
        statement
            .actions
            .iter()
            .flat_map(|action| statement.resources.iter().map(move |on| (action.clone(), on.clone())))
    });
    let granted: BTreeSet<(String, String)> = granted.collect();
    let needs = [writing(&inventory), reading(&inventory)];
    let needed = needs
        .iter()
        .flatten()
        .flat_map(|(action, on)| on.iter().map(|on| ((*action).to_owned(), on.clone())));
    assert_eq!(granted, needed.collect());
}

#[test]
fn a_statement_that_fits_nowhere_is_refused() {
    let kinds = (0..300).map(|kind| format!("arn:{{partition}}:x:*:{{account}}:kind{kind}/*")).collect();
    let error = split("tag", &Needs::from([("x:Tag", kinds)])).unwrap_err().to_string();
    assert!(error.contains("too long"), "{error}");
}

#[test]
fn what_the_policy_ignores_needs_no_permission() {
    let inventory = inventory("[ignore]\nservices = [\"sqs\", \"autoscaling\"]");
    assert!(!writing(&inventory).contains_key("sqs:TagQueue"));
    assert!(!reading(&inventory).contains_key("sqs:ListQueueTags"));
    assert!(writing(&inventory).contains_key("sns:TagResource"));
    assert!(
        reading(&inventory).contains_key("autoscaling:DescribeTags"),
        "the owner of an instance is on its group"
    );
}

#[test]
fn principals_are_asked_only_if_their_tags_are_copied() {
    assert!(reading(&inventory("")).contains_key("iam:ListUserTags"));
    let without = "[copy]\niam_tags = false\n[ignore]\nservices = [\"iam\"]";
    assert!(!reading(&inventory(without)).contains_key("iam:ListUserTags"));
}

/// A document as the template has it is the one that is counted and tested.
#[test]
fn yaml_and_json_say_the_same() {
    let statement = Statement {
        actions: vec!["s3:PutBucketTagging".to_owned()],
        resources: vec!["*".to_owned(), "arn:{partition}:s3:::*".to_owned()],
    };
    let policy = Policy { name: "tag-1".to_owned(), statements: vec![statement] };
    let yaml = "  Version: \"2012-10-17\"\n  Statement:\n    - Effect: Allow\n      Action:\n        - s3:PutBucketTagging\n      \
                Resource:\n        - \"*\"\n        - !Sub \"arn:${AWS::Partition}:s3:::*\"\n      Condition:\n        \
                StringEquals:\n          aws:ResourceAccount: \"${aws:PrincipalAccount}\"";
    assert_eq!(policy.yaml(2).unwrap(), yaml);
    let json = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Action": ["s3:PutBucketTagging"],
        "Resource": ["*", "arn:aws:s3:::*"],
        "Condition": {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}},
    }]});
    assert_eq!(policy.json("aws", "*"), json);
}
