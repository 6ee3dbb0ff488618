//! Templates pass cfn-lint, and their policies parliament.

use crate::{FOLDER, checked, deploy, installed};
use autotag_testkit::Tools;
use std::process::Command;

/// Templates, and parameters with which all their policies are there.
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

/// What parliament says and is wrong about.
const MISTAKEN: [&str; 1] = [
    // It wants each type of resource that an action takes. Express executions, which it misses, are not started here.
    "BackfillRole: RESOURCE_MISMATCH [{'action': 'states:DescribeExecution', 'required_format': \
     'arn:*:states:*:*:express:*:*:*'}]",
];

#[test]
fn cfn_lint_has_nothing_against_the_templates() {
    let folder = deploy(None);
    let mut lint = Command::new(installed(Tools::start(FOLDER)).cfn_lint());
    let paths = TEMPLATES.map(|(template, _)| folder.path().join("deploy").join(template));
    let output = lint.args(paths).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn parliament_has_nothing_against_the_policies() {
    let folder = deploy(None);
    for (template, parameters) in TEMPLATES {
        let findings = checked("lint.py", &folder.path().join("deploy").join(template), parameters);
        let new: Vec<&str> = findings.lines().filter(|finding| !MISTAKEN.contains(finding)).collect();
        assert!(new.is_empty(), "{template} {parameters:?}\n{}", new.join("\n"));
    }
}
