//! What a killed run leaves behind, and what the next one makes of it.

use super::*;
use futures_util::future::FutureExt as _;
use serde_json::{Map, Value, json};

fn settings(role: &str) -> Map<String, Value> {
    Map::from_iter([("role".to_owned(), json!(role))])
}

fn run() -> Run {
    Run { started: "2026-03-02T09:00:00Z".parse().unwrap(), settings: settings("reader") }
}

fn ask(answers: &Answers, question: &str, answer: Result<u32, Failure>) -> Result<u32, Failure> {
    answers.ask(question, async { answer }).now_or_never().unwrap()
}

fn failure() -> Failure {
    Failure::new("GetResources", "ThrottledException", Some(400))
}

struct Place {
    path: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { path: folder.path().join(FILE), _folder: folder }
    }

    fn resume(&self) -> (Run, Answers) {
        Answers::resume(&self.path, &settings("reader")).unwrap().unwrap()
    }
}

#[test]
fn answers_are_known_to_the_next_run_and_failures_are_not() {
    let place = Place::new();
    let answers = Answers::begin(&place.path, &run()).unwrap();
    assert_eq!(ask(&answers, "a", Ok(1)), Ok(1));
    assert_eq!(ask(&answers, "b", Err(failure())), Err(failure()));
    drop(answers);
    let (resumed, answers) = place.resume();
    assert_eq!(resumed, run());
    assert_eq!(ask(&answers, "a", Ok(2)), Ok(1), "it is not asked again");
    assert_eq!(ask(&answers, "b", Ok(3)), Ok(3));
    // Continued a second time: both are known.
    drop(answers);
    let (_, answers) = place.resume();
    assert_eq!((answers.known::<u32>("a"), answers.known::<u32>("b")), (Some(1), Some(3)));
}

#[test]
fn wherever_a_kill_cuts_the_file_whole_lines_are_known() {
    let place = Place::new();
    let answers = Answers::begin(&place.path, &run()).unwrap();
    answers.keep("ü1", &"é");
    answers.keep("ü2", &"é");
    drop(answers);
    let whole = std::fs::read(&place.path).unwrap();
    let ends: Vec<usize> = (0..whole.len()).filter(|at| whole.get(*at) == Some(&b'\n')).collect();
    for cut in 0..=whole.len() {
        std::fs::write(&place.path, whole.get(..cut).unwrap()).unwrap();
        let lines = ends.iter().filter(|end| cut > **end).count();
        let Some((_, answers)) = Answers::resume(&place.path, &settings("reader")).unwrap() else {
            assert_eq!(lines, 0, "cut at {cut}");
            continue;
        };
        let known = ["ü1", "ü2"].map(|question| answers.known::<String>(question).is_some());
        assert_eq!(known, [lines > 1, lines > 2], "cut at {cut}");
        answers.keep("ü3", &3);
        drop(answers);
        let (_, answers) = place.resume();
        assert_eq!(answers.known::<u32>("ü3"), Some(3), "what follows a cut is whole; cut at {cut}");
    }
}

#[test]
fn a_run_is_continued_with_the_same_settings_only() {
    let place = Place::new();
    drop(Answers::begin(&place.path, &run()).unwrap());
    let error = Answers::resume(&place.path, &settings("other")).unwrap_err().to_string();
    assert!(error.contains("another `role`") && error.contains("without --resume"), "{error}");
}

#[test]
fn without_a_file_there_is_nothing_to_continue() {
    let place = Place::new();
    assert!(Answers::resume(&place.path, &settings("reader")).unwrap().is_none());
}

#[test]
fn an_answer_that_cannot_be_kept_is_an_answer_all_the_same() {
    // The device that is always full.
    let file = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let answers = Answers { file: Some(Mutex::new(file)), ..Answers::default() };
    assert_eq!(ask(&answers, "a", Ok(1)), Ok(1));
    assert!(answers.lost().is_some());
}
