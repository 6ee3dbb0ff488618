use crate::client::send;
use autotag_testkit::{CannotStart, Emulator, Fault, Proxy};
use std::process::Command;

const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

fn emulator() -> Emulator {
    Emulator::start(FOLDER).unwrap_or_else(|error: CannotStart| panic!("{error}"))
}

/// Runs one of the scripts beside this file with boto3; it asserts by itself.
fn run(script: &str, proxy: &Proxy) {
    let python = Emulator::python(FOLDER).unwrap_or_else(|error| panic!("{error}"));
    let output = Command::new(python)
        .arg(format!("{}/tests/harness/{script}", env!("CARGO_MANIFEST_DIR")))
        .envs(proxy.environment())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {said}");
}

#[test]
fn moto_starts_and_answers_over_http() {
    let emulator = emulator();
    let answer = send(&emulator.url(), "GET", "/moto-api/data.json", &[], b"").unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.json().is_object(), "{answer:?}");
}

#[test]
fn each_emulator_has_a_world_of_its_own() {
    let (one, other) = (emulator(), emulator());
    assert_ne!(one.url(), other.url());
}

/// All services whose resources the end-to-end tests create, and what we add to moto.
#[test]
fn the_services_we_test_with_are_there() {
    let emulator = emulator();
    let proxy = Proxy::start(&emulator.url()).unwrap().with_our_routes();
    run("services.py", &proxy);
    assert!(proxy.forwarded() > 40, "{:?}", proxy.counts());
    assert_eq!(proxy.faulted(), 0);
}

/// A real client reads our errors for what they are, in each protocol.
#[test]
fn boto3_reads_our_errors() {
    let emulator = emulator();
    let proxy = Proxy::start(&emulator.url()).unwrap();
    proxy.rule(|call| match call.access_key.as_str() {
        "throttled" => Some(Fault::Throttled),
        "unavailable" => Some(Fault::Unavailable),
        "missing" => Some(Fault::NotFound(Vec::new())),
        "denied" => {
            let (code, message) = ("AccessDenied".to_owned(), "You <may> not & cannot".to_owned());
            Some(Fault::Refused { status: 403, code, message })
        }
        "reset" => Some(Fault::Reset),
        _ => None,
    });
    run("errors.py", &proxy);
}
