//! A run that is killed at any point is finished by the next one.

use crate::common::{stderr, stdout};
use crate::estate::{Estate, HUB, REGIONS, emulator};
use autotag_testkit::Fault;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const POINTS: u64 = 20;
const PAUSE: Duration = Duration::from_millis(2);

/// Runs the program, and kills it at its n-th call: before the call is made, or after it, without an answer. Whether it was killed.
fn killed(estate: &Estate, args: &[&str], at: u64) -> bool {
    let (slot, calls) = (Arc::new(Mutex::new(None::<Child>)), AtomicU64::new(0));
    let process = Arc::clone(&slot);
    estate.proxy.rule(move |_| {
        if calls.fetch_add(1, Ordering::SeqCst) + 1 != at {
            return None;
        }
        // The first call may be made before the slot is filled.
        while process.lock().unwrap().as_mut().is_none_or(|child| child.kill().is_err()) {
            std::thread::sleep(PAUSE);
        }
        Some(if at.is_multiple_of(2) { Fault::Reset } else { Fault::AnswerLost })
    });
    let mut command = estate.command(&Estate::with_templates(args));
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    *slot.lock().unwrap() = Some(child);
    let status = loop {
        if let Some(status) = slot.lock().unwrap().as_mut().unwrap().try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(PAUSE);
    };
    estate.proxy.repair();
    status.code().is_none()
}

fn calls(estate: &Estate) -> u64 {
    estate.proxy.counts().values().sum()
}

#[test]
fn a_deployment_that_is_killed_anywhere_comes_to_the_same_end() {
    let emulator = emulator();
    let whole = Estate::new(&emulator, "autotag-k");
    whole.deployed(&[]);
    let (end, all) = (whole.end_state(), calls(&whole));
    let args = ["--yes", "--regions", REGIONS];
    let mut kills = 0;
    for point in 0..POINTS {
        let estate = Estate::new(&emulator, &format!("autotag-k{point}"));
        let at = 1 + point * (all - 1) / POINTS;
        kills += u64::from(killed(&estate, &args, at));
        let again = estate.deploy(&args);
        assert_eq!(again.status.code(), Some(0), "killed at call {at} of {all}: {}", stderr(&again));
        assert_eq!(
            estate.end_state(),
            end,
            "killed at call {at} of {all}: {}{}",
            stdout(&again),
            stderr(&again)
        );
    }
    assert_eq!(kills, POINTS, "each run was killed");
}

#[test]
fn an_upgrade_and_a_rollback_that_are_killed_anywhere_come_to_the_same_end() {
    let emulator = emulator();
    let new = |name: &str| {
        let estate = Estate::new(&emulator, name);
        estate.deployed(&[]);
        estate.package("2");
        estate
    };
    let whole = new("autotag-u");
    let first = whole.hub("Release");
    whole.proxy.forget_calls();
    whole.deployed(&[]);
    let (second, all) = (whole.hub("Release"), calls(&whole));
    whole.proxy.forget_calls();
    assert_eq!(whole.deploy(&["--rollback", "--yes"]).status.code(), Some(0));
    let all_of_rollback = calls(&whole);
    for point in 0..POINTS / 2 {
        let estate = new(&format!("autotag-u{point}"));
        let at = 1 + point * (all - 1) / (POINTS / 2);
        assert!(killed(&estate, &["--yes"], at), "killed at call {at} of {all}");
        let again = estate.deploy(&["--yes"]);
        assert_eq!(again.status.code(), Some(0), "killed at call {at} of {all}: {}", stderr(&again));
        assert_eq!(estate.hub("Release").len(), second.len());
        let upgraded = estate.hub("Release");
        let at = 1 + point * (all_of_rollback - 1) / (POINTS / 2);
        assert!(killed(&estate, &["--rollback", "--yes"], at), "killed at call {at} of {all_of_rollback}");
        let again = estate.deploy(&["--rollback", "--yes"]);
        let said = stderr(&again);
        // The last call of a rollback is the one that says that it is done.
        assert_eq!(again.status.code(), Some(0), "killed at call {at} of {all_of_rollback}: {said}");
        assert_ne!(estate.hub("Release"), upgraded, "killed at call {at} of {all_of_rollback}: {said}");
        assert_eq!(estate.hub("Release").len(), first.len());
        assert_eq!(estate.formation.stack(HUB, &estate.name).unwrap().status, "UPDATE_COMPLETE");
    }
}
