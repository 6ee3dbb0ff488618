//! Templates pass cfn-lint, and their policies parliament.

use crate::{FOLDER, deploy, installed, python, text};
use autotag_testkit::Tools;
use std::process::Command;

/// Templates, with parameters that create all their policies.
const TEMPLATES: [(&str, &[&str]); 6] = [
    ("guard.yaml", &["ScpTargets=r-exmp", "ScpObjects=yes", "ScpStrict=yes"]),
    ("guard.yaml", &["ScpTargets=r-exmp", "Exempt=a,b*", "ExemptValues1=x,y", "RolePath=/tools/"]),
    ("org-metadata.yaml", &["Place=tool"]),
    ("org-metadata.yaml", &["Place=management", "ResourceExplorer=yes", "ExternalId=x"]),
    ("org-metadata.yaml", &["Place=member"]),
    (
        "backfill.yaml",
        &[
            "TrailBucket=trail",
            "TrailKeyArn=arn:aws:kms:eu-west-1:111122223333:key/x",
            "TagHandlerRoleName=x",
            "SessionHandlerRoleName=y",
        ],
    ),
];

/// Templates of one stack, with parameters that create all their policies. `tests/deploy` has cfn-lint check them.
const COMPOSED: [(&str, &[&str]); 3] = [
    ("single.yaml", &["CreateTrail=true", "CreateLedger=true", "WatchTags=true"]),
    (
        "single.yaml",
        &[
            "UseKey=true",
            "TrailBucket=trail",
            "TrailKeyArn=arn:aws:kms:eu-west-1:111122223333:key/x",
            "PolicyParameter=/autotag/policy",
            "RolePath=/tools/",
        ],
    ),
    ("org.yaml", &["OrganizationId=o-exampleorgid", "ExternalId=e-1", "OwnRegion=true"]),
];

/// False findings of parliament.
const FALSE_FINDINGS: [&str; 3] = [
    // It expects each type of resource that an action has. The state machine does not start express executions.
    "BackfillRole: RESOURCE_MISMATCH [{'action': 'states:DescribeExecution', 'required_format': \
     'arn:*:states:*:*:express:*:*:*'}]",
    // The policy of a bus is made of statements, without a version.
    "BusPolicy: NO_VERSION ",
    "BusPolicyOrganization: NO_VERSION ",
];

/// Policies of the catalogue's actions. `permissions.rs` has parliament check them but for the actions that are newer than its data.
const OF_CATALOGUE: &str = "TagPermissions";

#[test]
fn cfn_lint_accepts_the_templates() {
    let folder = deploy(None);
    let mut lint = Command::new(installed(Tools::start(FOLDER)).cfn_lint());
    let paths = TEMPLATES.map(|(template, _)| folder.path().join("deploy").join(template));
    let output = lint.args(paths).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn parliament_accepts_the_policies() {
    let folder = deploy(None);
    for (template, parameters) in TEMPLATES.into_iter().chain(COMPOSED) {
        let findings = python("lint.py", &folder.path().join("deploy").join(template), parameters);
        let is_new = |finding: &&str| !FALSE_FINDINGS.contains(finding) && !finding.starts_with(OF_CATALOGUE);
        let new: Vec<&str> = findings.lines().filter(is_new).collect();
        assert!(new.is_empty(), "{template} {parameters:?}\n{}", new.join("\n"));
    }
}

/// The settings for other programs are valid YAML, and name the keys of the policy.
#[test]
fn settings_for_other_programs_can_be_read_and_name_the_keys() {
    let policy = "[identity]\n\"team:made-by\" = \"{owner}\"\n[static]\nManaged = \"autotag\"\n";
    let folder = deploy(Some(policy));
    let settings = folder.path().join("deploy/ignore-tags");
    let mut count = 0;
    for file in std::fs::read_dir(&settings).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("team:made-by") && text.contains("Managed"), "{}\n{text}", path.display());
        count += 1;
    }
    assert_eq!(count, 9);
    let read = |name: &str| -> serde_json::Value {
        let code = "import json, sys, yaml; print(json.dumps(next(yaml.safe_load_all(open(sys.argv[1])))))";
        let mut python = Command::new(installed(Tools::start(FOLDER)).python());
        serde_json::from_str(&text(&python.args(["-c", code]).arg(settings.join(name)).output().unwrap()))
            .unwrap()
    };
    let keys = serde_json::json!(["team:made-by", "Managed"]);
    assert_eq!(read("load-balancer-controller.yaml")["externalManagedTags"], keys);
    assert_eq!(read("pulumi.yaml")["config"]["aws:ignoreTags"]["keys"], keys);
    assert_eq!(read("cloud-custodian.yaml")["policies"][0]["actions"][0]["preserve"], keys);
    let builder = read("image-builder.yaml");
    let tags = &builder["Resources"]["InfrastructureConfiguration"]["Properties"]["ResourceTags"];
    assert_eq!(tags, &serde_json::json!({"Team": "example"}), "none of the keys");
    assert!(read("ack.yaml").is_object() && read("crossplane.yaml").is_object());
    let expression = read("karpenter.yaml")["spec"]["validations"][0]["expression"].to_string();
    assert!(expression.contains("['team:made-by', 'Managed']"), "{expression}");
}
