//! Templates pass cfn-lint, and their policies parliament.

use crate::{FOLDER, deploy, installed, python};
use autotag_testkit::Tools;
use std::process::Command;

/// Templates, with parameters that create all their policies.
const TEMPLATES: [(&str, &[&str]); 5] = [
    ("guard.yaml", &["ScpTargets=r-exmp", "ScpObjects=yes", "ScpStrict=yes"]),
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

/// False findings of parliament.
const FALSE_FINDINGS: [&str; 1] = [
    // It expects each type of resource that an action has. The state machine does not start express executions.
    "BackfillRole: RESOURCE_MISMATCH [{'action': 'states:DescribeExecution', 'required_format': \
     'arn:*:states:*:*:express:*:*:*'}]",
];

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
    for (template, parameters) in TEMPLATES {
        let findings = python("lint.py", &folder.path().join("deploy").join(template), parameters);
        let new: Vec<&str> = findings.lines().filter(|finding| !FALSE_FINDINGS.contains(finding)).collect();
        assert!(new.is_empty(), "{template} {parameters:?}\n{}", new.join("\n"));
    }
}
