//! ARNs that are not those of the resource that the call makes, and rules that no record has confirmed.

use super::*;
use autotag_model::policy::DerivedRules;
use autotag_model::rule::Evidence;

/// The creation of an Amazon Managed Grafana workspace. The answer may name the workspace's role.
fn workspace(arn: &str) -> Value {
    let request = json!({"workspaceName": "team"});
    record("grafana.amazonaws.com", "CreateWorkspace", request, json!({"workspace": {"arn": arn}}))
}

const WORKSPACE: &str = "arn:aws:grafana:eu-west-1:111122223333:/workspaces/g-1";

/// The class of a record by a derived rule for Grafana's workspaces.
fn by_derived_rule(record: &Value, policy: Policy) -> Classification {
    let rules = "source = \"grafana.amazonaws.com\"\nname = \"Grafana\"\nevidence = \"derived\"\n\n[[rule]]\n\
                 event = \"CreateWorkspace\"\ntype = \"AWS::Grafana::Workspace\"\nid = \"response.workspace.arn\"\n\
                 kind = \"grafana:/workspaces/*\"\n\n[[rule]]\nevent = \"ActivateThing\"\n\
                 type = \"AWS::Grafana::Thing\"\nid = \"response.arn\"\n";
    let mut catalog = Catalog::empty();
    catalog.add("grafana.toml", rules).unwrap();
    let text = record.to_string();
    let record: Record<'_> = serde_json::from_str(&text).unwrap();
    Classifier::new(catalog, policy).classify(&record)
}

fn malformed(classified: Classification) -> String {
    let Classification::Rejected(rows) = classified else { panic!("{classified:?}") };
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert!(row.resource_type.is_some(), "{row:?}");
    match &row.status {
        Outcome::Malformed(why) => why.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_resource_of_another_kind_that_an_answer_names_is_not_tagged() {
    let role = "arn:aws:iam::111122223333:role/Admin";
    let why = malformed(by_derived_rule(&workspace(role), Policy::default()));
    assert_eq!(why, format!("`{role}` is `iam:role/Admin`; the rule expects `grafana:/workspaces/*`"));

    let cluster = json!({"clusterArn": role, "clusterName": "c"});
    let why = malformed(classify(&record("kafka.amazonaws.com", "CreateCluster", json!({}), cluster)));
    assert_eq!(why, format!("`{role}` is `iam:role/Admin`; the rule expects `kafka:cluster/*/*`"));
}

#[test]
fn a_resource_of_another_region_that_an_answer_names_is_not_tagged() {
    let there = "arn:aws:kafka:us-east-1:111122223333:cluster/c/u";
    let cluster = |arn: &str| {
        let answer = json!({"clusterArn": arn});
        classify(&record("kafka.amazonaws.com", "CreateCluster", json!({}), answer))
    };
    assert_eq!(malformed(cluster(there)), format!("`{there}` is in us-east-1; the rule expects eu-west-1"));
    let here = "arn:aws:kafka:eu-west-1:111122223333:cluster/c/u";
    assert_eq!(arns(&creation(cluster(here))), [here]);
}

#[test]
fn a_replica_of_a_key_lies_in_another_region_than_the_call() {
    let replica = "arn:aws:kms:us-east-1:111122223333:key/mrk-1";
    let answer = json!({"replicaKeyMetadata": {"arn": replica}});
    let call = record("kms.amazonaws.com", "ReplicateKey", json!({"replicaRegion": "us-east-1"}), answer);
    let found = creation(classify(&call));
    assert_eq!(arns(&found), [replica]);
    assert_eq!(found.targets[0].resource.region.as_ref().map(Region::as_str), Some("us-east-1"));
}

/// Publishers of trails replace account ids by other texts.
#[test]
fn an_arn_whose_account_is_another_text_is_not_tagged() {
    let arn = "arn:aws:kafka:eu-west-1:YOUR_ACCOUNT_ID:cluster/c/u";
    let call = record("kafka.amazonaws.com", "CreateCluster", json!({}), json!({"clusterArn": arn}));
    let call = with(
        without(call, "recipientAccountId"),
        "userIdentity",
        json!({"type": "IAMUser", "userName": "mary"}),
    );
    let why = malformed(classify(&call));
    assert_eq!(
        why,
        format!("`{arn}` does not name an account: expected twelve digits, found `YOUR_ACCOUNT_ID`")
    );
}

/// An answer without the beginning of its ARN, by a rule of the catalogue.
#[test]
fn a_text_that_lacks_the_beginning_of_an_arn_is_not_tagged() {
    let answer = json!({"clusterArn": "aws:kafka:eu-west-1:111122223333:cluster/c/u"});
    let why = malformed(classify(&record("kafka.amazonaws.com", "CreateCluster", json!({}), answer)));
    assert!(why.contains("`aws:kafka:eu-west-1:111122223333:cluster/c/u` is not an ARN"), "{why}");
}

fn policy(derived: DerivedRules) -> Policy {
    let mut policy = Policy::default();
    policy.derived = derived;
    policy
}

#[test]
fn a_derived_rule_applies_unless_the_policy_says_off() {
    for derived in [DerivedRules::Tag, DerivedRules::Plan] {
        let found = creation(by_derived_rule(&workspace(WORKSPACE), policy(derived)));
        assert_eq!(arns(&found), [WORKSPACE]);
        assert_eq!(found.targets[0].rule.evidence, Evidence::Derived);
    }
    let uncovered = by_derived_rule(&workspace(WORKSPACE), policy(DerivedRules::Off));
    assert!(matches!(uncovered, Classification::Uncovered(_)), "{uncovered:?}");
}

/// The catalogue knows that it creates, so its name does not count.
#[test]
fn an_event_of_a_derived_rule_that_is_off_is_uncovered_whatever_its_name() {
    let call = record("grafana.amazonaws.com", "ActivateThing", json!({}), json!({"arn": WORKSPACE}));
    let off = policy(DerivedRules::Off);
    let uncovered = by_derived_rule(&call, off.clone());
    assert!(matches!(uncovered, Classification::Uncovered(_)), "{uncovered:?}");
    let failed = with(call, "errorCode", json!("AccessDenied"));
    assert_eq!(by_derived_rule(&failed, off), Classification::Other, "it created nothing");
}

#[test]
fn rules_of_other_evidence_apply_whatever_the_policy_says_about_derived_ones() {
    for derived in [DerivedRules::Tag, DerivedRules::Plan, DerivedRules::Off] {
        let found = creation(classify_with(&queue(), &policy(derived), None));
        assert_eq!(found.targets.len(), 1);
    }
}

#[test]
fn a_row_says_the_evidence_of_its_rule_also_if_the_record_names_no_resource() {
    let classified = by_derived_rule(&workspace(""), Policy::default());
    let Classification::Rejected(rows) = classified else { panic!("{classified:?}") };
    assert_eq!(rows[0].evidence, Some(Evidence::Derived));
}

/// The answer lists the variables that failed, such as those that exist already, and not those that the call made.
#[test]
fn a_batch_that_fails_in_part_tags_none_of_its_variables() {
    let variables = json!({"variableEntries": [{"name": "ip"}, {"name": "email"}]});
    let batch =
        |errors| record("frauddetector.amazonaws.com", "BatchCreateVariable", variables.clone(), errors);
    let made = classify(&batch(json!({"errors": []})));
    let Classification::Creation(made) = made else { panic!("{made:?}") };
    assert_eq!(made.targets.len(), 2);
    let failed = json!({"errors": [{"name": "ip", "code": 400, "message": "the variable exists"}]});
    let failed = classify(&batch(failed));
    assert!(!matches!(failed, Classification::Creation(_)), "{failed:?}");
}
