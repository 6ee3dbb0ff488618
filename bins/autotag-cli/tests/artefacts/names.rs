//! Names of the resources: an upgrade replaces none, and two deployments fit into one account.

use crate::{deploy, python, resolved};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// With these, the templates make all that they can make.
const EVERYTHING: [&str; 4] =
    ["CreateLedger=true", "WatchTags=true", "ForwardDeletions=true", "ForwardTagChanges=true"];

/// The names in the region eu-west-1 under default parameters, since the first version of the templates: template, logical id, and
/// the values of the properties that name the resource. Numbers at the end are left out. A resource that is renamed is replaced, and what
/// is in it is lost.
const NAMES: &[(&str, &str, &str)] = &[
    ("hub.yaml", "Bus", "autotag"),
    ("hub.yaml", "Creations", "autotag-creations autotag"),
    ("hub.yaml", "Deletions", "autotag-deletions autotag"),
    ("hub.yaml", "TagChanges", "autotag-tag-changes autotag"),
    ("hub.yaml", "TagEvents", "autotag-tag-events autotag"),
    ("hub.yaml", "TagQueue", "autotag-tag"),
    ("hub.yaml", "TagDeadLetters", "autotag-tag-dead"),
    ("hub.yaml", "RuleDeadLetters", "autotag-rule-dead"),
    ("hub.yaml", "TagHandlerLogs", "/aws/lambda/autotag-tag-handler"),
    ("hub.yaml", "TagHandlerRole", "autotag-tag-handler"),
    ("hub.yaml", "TagHandler", "autotag-tag-handler"),
    ("hub.yaml", "SessionTable", "autotag-sessions"),
    ("hub.yaml", "LedgerTable", "autotag-ledger"),
    ("session.yaml", "SessionRule", "autotag-sessions autotag"),
    ("session.yaml", "SessionQueue", "autotag-session"),
    ("session.yaml", "SessionDeadLetters", "autotag-session-dead"),
    ("session.yaml", "SessionRuleDeadLetters", "autotag-session-rule-dead"),
    ("session.yaml", "SessionHandlerLogs", "/aws/lambda/autotag-session-handler"),
    ("session.yaml", "SessionHandler", "autotag-session-handler"),
    ("region.yaml", "Creations", "autotag-creations"),
    ("region.yaml", "Deletions", "autotag-deletions"),
    ("region.yaml", "TagChanges", "autotag-tag-changes"),
    ("region.yaml", "TagEvents", "autotag-tag-events"),
    ("region.yaml", "Sessions", "autotag-sessions"),
    ("region.yaml", "ForwardRole", "autotag-forward-eu-west"),
    ("region.yaml", "ForwardDeadLetters", "autotag-forward-dead"),
    ("member.yaml", "MemberRole", "autotag-member"),
];

const TEMPLATES: [&str; 4] = ["hub.yaml", "session.yaml", "region.yaml", "member.yaml"];

/// Templates of one stack.
const COMPOSED: [&str; 2] = ["single.yaml", "org.yaml"];

/// Logical ids and the values of naming properties, of all resources that hold data or are named elsewhere.
fn names(folder: &Path, template: &str, parameters: &[&str]) -> Vec<(String, Vec<String>)> {
    let arguments: Vec<&str> = EVERYTHING.iter().chain(parameters).copied().collect();
    let path = folder.join("deploy").join(template);
    let arguments: Vec<&str> = [path.to_str().unwrap()].into_iter().chain(arguments).collect();
    let named: Value = serde_json::from_str(&python("resolve.py", Path::new("--names"), &arguments)).unwrap();
    let named = named.as_object().unwrap().iter();
    named
        .map(|(id, properties)| {
            // RoleName before Path, and Name before EventBusName.
            let values = properties.as_object().unwrap().values().rev();
            (id.clone(), values.map(|value| value.as_str().unwrap().to_owned()).collect())
        })
        .collect()
}

fn without_number(text: &str) -> &str {
    text.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-')
}

#[test]
fn default_parameters_give_the_names_of_older_versions() {
    let folder = deploy(None);
    for template in TEMPLATES {
        let found: BTreeSet<(String, String)> = names(folder.path(), template, &[])
            .into_iter()
            .filter(|(id, _)| !id.starts_with("Alarm") && !id.starts_with("Query") && id != "Dashboard")
            .map(|(id, values)| {
                let values: Vec<&str> = values.iter().map(|value| without_number(value)).collect();
                (without_number(&id).to_owned(), values.join(" "))
            })
            .collect();
        let wanted = NAMES.iter().filter(|(of, ..)| *of == template);
        let wanted: BTreeSet<(String, String)> =
            wanted.map(|(_, id, values)| ((*id).to_owned(), (*values).to_owned())).collect();
        assert_eq!(found, wanted, "{template}");
    }
}

#[test]
fn two_deployments_have_no_name_in_common() {
    let folder = deploy(None);
    let all = |name: &str| -> Vec<(String, Vec<String>)> {
        TEMPLATES
            .into_iter()
            .chain(COMPOSED)
            .flat_map(|template| {
                names(folder.path(), template, &[name, "AlarmTopicArn=arn:aws:sns:eu-west-1:111122223333:x"])
            })
            .collect()
    };
    let (production, test) = (all("Name=autotag"), all("Name=autotag-test"));
    assert!(production.len() > 100, "{} names", production.len());
    assert_eq!(production.len(), test.len());
    // The first value is the name; the others say where it counts.
    let taken: BTreeSet<&String> = production.iter().filter_map(|(_, values)| values.first()).collect();
    let twice: Vec<_> =
        test.iter().filter(|(_, values)| values.iter().any(|value| taken.contains(value))).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

/// The guard covers the names of the parts, doctor looks for them, and people know them.
#[test]
fn one_stack_has_the_names_of_the_parts() {
    let folder = deploy(None);
    let of = |template: &str, parameters: &[&str]| -> BTreeSet<Vec<String>> {
        let all = names(folder.path(), template, parameters).into_iter();
        all.map(|(_, values)| values.into_iter().take(1).collect()).collect()
    };
    let topic = "AlarmTopicArn=arn:aws:sns:eu-west-1:111122223333:x";
    let parts: BTreeSet<Vec<String>> =
        TEMPLATES.into_iter().flat_map(|template| of(template, &[topic])).collect();
    for template in COMPOSED {
        let others: Vec<Vec<String>> =
            of(template, &[topic, "OwnRegion=true"]).difference(&parts).cloned().collect();
        assert!(others.is_empty(), "{template}: {others:?}");
    }
}

/// Each role and function has the settings that organizations require.
#[test]
fn every_role_has_the_boundary_path_and_tag() {
    let folder = deploy(None);
    for (template, roles) in [
        ("hub.yaml", 1),
        ("session.yaml", 1),
        ("region.yaml", 1),
        ("member.yaml", 1),
        ("single.yaml", 2),
        ("org.yaml", 2),
    ] {
        let text = std::fs::read_to_string(folder.path().join("deploy").join(template)).unwrap();
        let count = |part: &str| text.matches(part).count();
        assert_eq!(count("Type: AWS::IAM::Role\n"), roles, "{template}");
        assert_eq!(
            count("{Boundary: !Select [1, !Split [\":policy/\", !Ref PermissionsBoundaryArn]]}"),
            roles,
            "{template}"
        );
        assert_eq!(count("Path: !If [HasRolePath, !Ref RolePath,"), roles, "{template}");
        assert_eq!(count("{Key: !Ref RoleTagKey, Value: !Ref RoleTagValue}"), roles, "{template}");
        let functions = count("Type: AWS::Lambda::Function\n");
        assert_eq!(count("VpcConfig: !If"), functions, "{template}");
        assert_eq!(count("ReservedConcurrentExecutions: !If"), functions, "{template}");
    }
    let of_hub = names(folder.path(), "hub.yaml", &["RolePath=/tools/"]);
    let (_, values) = of_hub.iter().find(|(id, _)| id == "TagHandlerRole").unwrap();
    assert_eq!(values, &["autotag-tag-handler", "/tools/"]);
}

/// Lambda needs network interfaces in a VPC, with the function's role. The function itself may not use them.
#[test]
fn only_functions_in_a_vpc_have_permissions_for_networks() {
    let folder = deploy(None);
    for template in ["hub.yaml", "session.yaml"] {
        let path = folder.path().join("deploy").join(template);
        let statements = |parameters: &[&str]| -> Vec<Value> {
            let all = resolved(&path, parameters);
            let all = all
                .as_object()
                .unwrap()
                .values()
                .flat_map(|one| one["Statement"].as_array().unwrap().clone());
            all.filter(|one| one["Sid"] == "Lambda" || one["Sid"] == "NotTheFunction").collect()
        };
        assert!(statements(&[]).is_empty(), "{template}");
        let [allowed, denied] =
            statements(&["SubnetIds=subnet-1,subnet-2", "SecurityGroupIds=sg-1"]).try_into().unwrap();
        assert_eq!((&allowed["Effect"], &denied["Effect"]), (&json!("Allow"), &json!("Deny")), "{template}");
        assert_eq!(allowed["Action"], denied["Action"], "{template}");
        // https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
        let needed = [
            "CreateNetworkInterface",
            "DeleteNetworkInterface",
            "DescribeNetworkInterfaces",
            "DescribeSubnets",
        ];
        let needed = needed.into_iter().chain(["AssignPrivateIpAddresses", "UnassignPrivateIpAddresses"]);
        let needed: BTreeSet<String> = needed.map(|action| format!("ec2:{action}")).collect();
        let actions =
            allowed["Action"].as_array().unwrap().iter().map(|action| action.as_str().unwrap().to_owned());
        assert_eq!(actions.collect::<BTreeSet<String>>(), needed, "{template}");
        let function = denied["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"].as_str().unwrap();
        assert!(function.ends_with("-handler"), "{template}: {function}");
    }
}

/// The hub's bus lets in the roles that region.yaml makes with the same parameters. Other principals of the organization have no use for
/// it but to flood it.
#[test]
fn the_bus_admits_only_forward_roles_of_the_organization() {
    let folder = deploy(None);
    let template = folder.path().join("deploy/hub.yaml");
    for (more, role) in [
        ("Name=autotag", "role/autotag-forward-*"),
        ("RolePath=/tools/", "role/tools/autotag-forward-*"),
        ("Name=autotag-test", "role/autotag-test-forward-*"),
    ] {
        let policies = resolved(&template, &["OrganizationId=o-example0001", more]);
        let condition = &policies["BusPolicyOrganization"]["Statement"][0]["Condition"];
        let expected = json!({"StringEquals": {"aws:PrincipalOrgID": "o-example0001"},
            "ArnLike": {"aws:PrincipalArn": format!("arn:aws:iam::*:{role}")}});
        assert_eq!(condition, &expected, "{more}");
    }
}
