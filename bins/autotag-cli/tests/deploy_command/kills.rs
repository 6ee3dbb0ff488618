//! A run that is killed at any point is finished by the next one.

use crate::common::{stderr, stdout};
use crate::estate::{Estate, HUB, REGIONS, emulator};
use autotag_testkit::Fault;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

const POINTS: u64 = 20;

/// Runs the program, and kills it at its n-th call: before the call is made, or after it, without an answer.
fn killed(estate: &Estate, args: &[&str], at: u64) -> bool {
    let (pid, calls) = (Arc::new(AtomicI32::new(0)), AtomicU64::new(0));
    let process = Arc::clone(&pid);
    estate.proxy.rule(move |_| {
        if calls.fetch_add(1, Ordering::SeqCst) + 1 != at {
            return None;
        }
        while process.load(Ordering::SeqCst) == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        // It may have ended by itself if the points are beyond its calls.
        let _ = kill(Pid::from_raw(process.load(Ordering::SeqCst)), Signal::SIGKILL);
        Some(if at.is_multiple_of(2) { Fault::Reset } else { Fault::AnswerLost })
    });
    let args = [&["--templates", "templates"], args].concat();
    let child = estate.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    pid.store(i32::try_from(child.id()).unwrap(), Ordering::SeqCst);
    let output = child.wait_with_output().unwrap();
    estate.proxy.repair();
    output.status.code().is_none()
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
