//! The inputs that were findings once stay repaired; the harness finds the faults that it is made for.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

use autotag_fuzz::run::{Finding, keep_panics, most_memory, run};
use autotag_fuzz::seeds::SeedTexts;
use autotag_fuzz::slice::{input, run_slice};
use autotag_fuzz::target::Target;
use autotag_fuzz::targets::{self, OPEN};
use std::fs;
use std::path::{Path, PathBuf};

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn all() -> Vec<Box<dyn Target>> {
    keep_panics();
    targets::all(&SeedTexts::read(here().parent().unwrap()).unwrap())
}

/// The files of a folder, with the target that their folder names.
fn inputs(folder: &str) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for target in fs::read_dir(here().join(folder)).into_iter().flatten() {
        let target = target.unwrap().path();
        let name = target.file_name().unwrap().to_str().unwrap().to_owned();
        found.extend(fs::read_dir(&target).unwrap().map(|file| (name.clone(), file.unwrap().path())));
    }
    found.sort();
    found
}

fn named<'t>(all: &'t [Box<dyn Target>], name: &str) -> &'t dyn Target {
    all.iter().find(|target| target.name() == name).unwrap_or_else(|| panic!("no target `{name}`")).as_ref()
}

#[test]
fn what_was_found_once_stays_repaired() {
    let all = all();
    let inputs = inputs("corpus");
    assert!(inputs.len() >= all.len(), "the corpus is not there");
    for (target, file) in inputs {
        let seen = run(named(&all, &target), &fs::read(&file).unwrap());
        assert_eq!(seen.finding, None, "{}", file.display());
    }
}

#[test]
fn a_fault_that_is_repaired_is_not_open_any_more() {
    let all = all();
    let mut shown = Vec::new();
    for (target, file) in inputs("pending") {
        let finding = run(named(&all, &target), &fs::read(&file).unwrap()).finding;
        let fault = finding.map(|finding| finding.fault()).unwrap_or_default();
        let open = OPEN.iter().any(|open| open.target == target && open.fault == fault);
        let file = file.strip_prefix(here()).unwrap().display();
        assert!(open, "repaired: move fuzz/{file} to fuzz/corpus/{target}, and remove its fault from OPEN");
        shown.push((target, fault));
    }
    for open in OPEN {
        let has_input = shown.iter().any(|(target, fault)| target == open.target && fault == open.fault);
        assert!(has_input, "`{}` of `{}` has no input in pending/", open.fault, open.target);
    }
}

#[test]
fn a_few_inputs_of_each_target_find_nothing_new() {
    for target in all() {
        let report = run_slice(target.as_ref(), 1, 0, 1_500);
        assert_eq!(report.inputs, 1_500);
        let open: Vec<_> = OPEN.iter().filter(|open| open.target == target.name()).copied().collect();
        assert_eq!(report.new_faults(&open), [], "{}: {:?}", target.name(), report.found);
    }
}

#[test]
fn an_input_follows_from_seed_and_number() {
    for target in all() {
        let made = |seed, number| {
            let mut bytes = b"what was there before".to_vec();
            input(target.as_ref(), seed, number, &mut bytes);
            bytes
        };
        assert_eq!(made(7, 5), made(7, 5), "{}", target.name());
        let different = (0..20).filter(|number| made(7, *number) != made(8, *number)).count();
        assert!(different > 10, "{}: another seed gives other inputs", target.name());
    }
}

#[test]
fn most_inputs_reach_the_code_behind_the_parser() {
    let all = all();
    let of = |name: &str, accepted: &dyn Fn(&[u8]) -> bool| {
        let target = named(&all, name);
        let mut bytes = Vec::new();
        let reach = |number: &u64| {
            input(target, 3, *number, &mut bytes);
            accepted(&bytes)
        };
        (0..300).filter(reach).count()
    };
    let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).is_ok();
    let policy = |bytes: &[u8]| {
        std::str::from_utf8(bytes).is_ok_and(|text| autotag_model::policy::Policy::from_toml(text).is_ok())
    };
    let session = |bytes: &[u8]| {
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let record = serde_json::from_slice::<autotag_model::record::Record<'_>>(line);
        let reading = record.ok().and_then(|record| autotag_model::session::Session::read(&record).ok());
        matches!(reading, Some(autotag_model::session::SessionReading::Session(_)))
    };
    for (name, reached, least) in [
        ("record", of("record", &json), 150),
        ("payload", of("payload", &json), 150),
        ("policy", of("policy", &policy), 30),
        ("sts", of("sts", &session), 100),
    ] {
        assert!(reached >= least, "{name}: {reached} of 300");
    }
}

#[test]
fn shares_add_up_to_a_thousand() {
    assert_eq!(all().iter().map(|target| target.share()).sum::<u64>(), 1_000);
}

/// Does what its input says.
struct Obedient;

impl Target for Obedient {
    fn name(&self) -> &'static str {
        "obedient"
    }

    fn share(&self) -> u64 {
        0
    }

    fn generate(&self, rng: &mut fastrand::Rng, out: &mut Vec<u8>) {
        out.push(if rng.u8(..10) == 0 { b'p' } else { b'-' });
    }

    fn check(&self, input: &[u8]) -> Result<(), autotag_fuzz::target::Violation> {
        match input.iter().find(|byte| b"pvsm".contains(byte)) {
            Some(b'p') => panic!("told to"),
            Some(b'v') => {
                Err(autotag_fuzz::target::Violation { property: "obedience", detail: "told to".to_owned() })
            }
            Some(b's') => {
                std::thread::sleep(std::time::Duration::from_millis(1_050));
                Ok(())
            }
            Some(_) => {
                std::hint::black_box(vec![1_u8; most_memory(input.len()) + 1]);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

#[test]
fn panics_violations_hangs_and_memory_are_found() {
    keep_panics();
    let finding = |input: &[u8]| run(&Obedient, input).finding;
    assert_eq!(finding(b"-"), None);
    assert!(matches!(finding(b"p"), Some(Finding::Crash(message)) if message.ends_with("told to")));
    assert!(matches!(finding(b"v"), Some(Finding::Property(violation)) if violation.property == "obedience"));
    assert!(matches!(finding(b"s"), Some(Finding::Hang(_))));
    assert!(matches!(finding(b"m"), Some(Finding::Memory(_))));
    let report = run_slice(&Obedient, 1, 0, 1_000);
    assert!((50..200).contains(&report.crashes), "{report:?}");
    assert_eq!(report.found.len(), 5, "the first few of a fault are kept");
    assert_eq!(report.new_faults(&[]).len(), 1);
}

#[test]
fn a_finding_is_shortened_to_what_it_needs() {
    keep_panics();
    assert_eq!(autotag_fuzz::minimize::minimize(&Obedient, b"------v-----"), b"v");
    assert_eq!(autotag_fuzz::minimize::minimize(&Obedient, b"----"), b"----");
}
