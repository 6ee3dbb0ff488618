use autotag_testkit::{CannotStart, Tools};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::{env, fs, process};

const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

fn tools() -> Tools {
    Tools::start(FOLDER).unwrap_or_else(|error: CannotStart| panic!("{error}"))
}

fn lint(name: &str, template: &str) -> Output {
    let path: PathBuf = env::temp_dir().join(format!("{name}-{}.yaml", process::id()));
    fs::write(&path, template).unwrap();
    let output = Command::new(tools().cfn_lint()).arg(&path).output().unwrap();
    fs::remove_file(path).unwrap();
    output
}

#[test]
fn cfn_lint_accepts_a_valid_and_refuses_an_invalid_template() {
    let good = lint("good", "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n");
    assert!(good.status.success(), "{good:?}");
    let bad = lint("bad", "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties: {Nonsense: 1}\n");
    assert!(String::from_utf8_lossy(&bad.stdout).contains("Nonsense"), "{bad:?}");
    assert!(!bad.status.success(), "{bad:?}");
}

#[test]
fn parliament_knows_the_actions_of_services() {
    let output = |action: &str| {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#
        );
        let output = Command::new(tools().parliament()).args(["--string", &policy]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(!output("account:ListRegions").contains("Unknown action"), "{}", output("account:ListRegions"));
    assert!(output("account:GetRegions").contains("Unknown action"), "{}", output("account:GetRegions"));
}

#[test]
fn python_imports_the_tools() {
    let script = "import cfnlint, parliament, yaml, boto3; assert parliament.iam_definition";
    let output = Command::new(tools().python()).args(["-c", script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
