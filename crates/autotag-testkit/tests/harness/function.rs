use autotag_testkit::{Answer, Emulator, FunctionProcess, RuntimeApi};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const LONG: Duration = Duration::from_mins(1);

/// A function in Python that does what its payload says.
fn function(api: &RuntimeApi) -> FunctionProcess {
    let python = Emulator::python(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = format!("{}:/usr/bin:/bin", python.parent().unwrap().display());
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harness/function.py");
    FunctionProcess::start(&program, &[("PATH", path)], api).unwrap()
}

async fn invoked(api: &RuntimeApi, payload: Value) -> Answer {
    tokio::time::timeout(LONG, api.invoke(payload, LONG)).await.expect("no answer for a minute")
}

#[tokio::test]
async fn process_answers_and_its_logs_are_read() {
    let api = RuntimeApi::start().await.unwrap();
    let function = function(&api);
    let Answer::Response(environment) = invoked(&api, json!("environment")).await else {
        panic!("{function:?}")
    };
    assert_eq!(environment["AWS_LAMBDA_FUNCTION_NAME"], "tag-handler");
    assert_eq!(environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "128");
    assert_eq!(environment["HOME"], Value::Null, "the function inherits the test's environment");
    let failed = invoked(&api, json!("fail")).await;
    assert!(matches!(&failed, Answer::Error(error) if error["errorType"] == "Told"), "{failed:?}");
    assert_eq!(function.ended(), None);
    function.kill();
    assert!(function.ended().is_some());
    let logs = function.logs();
    for line in ["to stdout: \"environment\"\n", "to stderr: \"fail\"\n"] {
        assert!(logs.contains(line), "no {line:?} in {logs}");
    }
}

#[tokio::test]
async fn killed_process_loses_its_invocation_and_the_next_process_answers() {
    let api = RuntimeApi::start().await.unwrap();
    let first = function(&api);
    let hanging = api.invoke(json!("hang"), LONG);
    while !first.logs().contains("hang") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    first.kill();
    assert_eq!(hanging.await, Answer::Lost);
    let second = function(&api);
    assert_ne!(first.pid(), second.pid());
    assert!(matches!(invoked(&api, json!("environment")).await, Answer::Response(_)), "{}", second.logs());
}

#[tokio::test]
async fn exited_process_loses_its_invocation() {
    let api = RuntimeApi::start().await.unwrap();
    let function = function(&api);
    assert_eq!(invoked(&api, json!("exit")).await, Answer::Lost);
    assert_eq!(function.ended().and_then(|status| status.code()), Some(3));
}

#[tokio::test]
async fn missing_program_is_an_error() {
    let api = RuntimeApi::start().await.unwrap();
    let none: [(&str, &str); 0] = [];
    assert!(FunctionProcess::start(Path::new("/nonexistent"), &none, &api).is_err());
}
