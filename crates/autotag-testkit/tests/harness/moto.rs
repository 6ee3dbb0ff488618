use crate::client::send;
use autotag_testkit::{CannotStart, Emulator, Fault, Proxy};
use std::process::Command;

const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

fn emulator() -> Emulator {
    Emulator::start(FOLDER).unwrap_or_else(|error: CannotStart| panic!("{error}"))
}

/// Runs a script of this folder with boto3. The script makes its own assertions.
fn run(script: &str, proxy: &Proxy) {
    let python = Emulator::python(FOLDER).unwrap_or_else(|error| panic!("{error}"));
    let output = Command::new(python)
        .arg(format!("{}/tests/harness/{script}", env!("CARGO_MANIFEST_DIR")))
        .envs(proxy.environment())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {stderr}");
}

#[test]
fn moto_starts_and_answers_over_http() {
    let emulator = emulator();
    let answer = send(&emulator.url(), "GET", "/moto-api/data.json", &[], b"").unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.json().is_object(), "{answer:?}");
}

#[test]
fn each_emulator_has_its_own_state() {
    let (one, other) = (emulator(), emulator());
    assert_ne!(one.url(), other.url());
}

/// The services whose resources the end-to-end tests create, and the routes that are added to moto.
#[test]
fn tested_services_are_available() {
    let emulator = emulator();
    let proxy = Proxy::start(&emulator.url()).unwrap().with_our_routes();
    run("services.py", &proxy);
    assert!(proxy.forwarded() > 40, "{:?}", proxy.counts());
    assert_eq!(proxy.faulted(), 0);
}

/// A real client understands the injected errors in each protocol.
#[test]
fn boto3_understands_injected_errors() {
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
