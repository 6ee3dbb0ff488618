//! The file of a killed run, and the run that continues it.

use super::*;
use futures_util::future::FutureExt as _;
use serde_json::{Map, Value, json};

fn settings(role: &str) -> Map<String, Value> {
    Map::from_iter([("role".to_owned(), json!(role))])
}

fn run() -> Run {
    Run { started: "2026-03-02T09:00:00Z".parse().unwrap(), settings: settings("reader") }
}

fn fetch(cache: &ResumeCache, question: &str, answer: Result<u32, Failure>) -> Result<u32, Failure> {
    cache.get_or_fetch(question, async { answer }).now_or_never().unwrap()
}

fn failure() -> Failure {
    Failure::new("GetResources", "ThrottledException", Some(400))
}

struct TempFile {
    path: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

impl TempFile {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { path: folder.path().join(FILE), _folder: folder }
    }

    fn resume(&self) -> (Run, ResumeCache) {
        ResumeCache::resume(&self.path, &settings("reader")).unwrap().unwrap()
    }
}

#[test]
fn the_next_run_has_the_answers_and_not_the_failures() {
    let file = TempFile::new();
    let cache = ResumeCache::create(&file.path, &run()).unwrap();
    assert_eq!(fetch(&cache, "a", Ok(1)), Ok(1));
    assert_eq!(fetch(&cache, "b", Err(failure())), Err(failure()));
    drop(cache);
    let (resumed, cache) = file.resume();
    assert_eq!(resumed, run());
    assert_eq!(fetch(&cache, "a", Ok(2)), Ok(1), "the answer is not fetched again");
    assert_eq!(fetch(&cache, "b", Ok(3)), Ok(3));
    // Continued a second time: both answers are there.
    drop(cache);
    let (_, cache) = file.resume();
    assert_eq!((cache.get::<u32>("a"), cache.get::<u32>("b")), (Some(1), Some(3)));
}

#[test]
fn whole_lines_survive_a_kill_at_any_byte() {
    let file = TempFile::new();
    let cache = ResumeCache::create(&file.path, &run()).unwrap();
    cache.insert("ü1", &"é");
    cache.insert("ü2", &"é");
    drop(cache);
    let whole = std::fs::read(&file.path).unwrap();
    let ends: Vec<usize> = (0..whole.len()).filter(|at| whole.get(*at) == Some(&b'\n')).collect();
    for cut in 0..=whole.len() {
        std::fs::write(&file.path, whole.get(..cut).unwrap()).unwrap();
        let lines = ends.iter().filter(|end| cut > **end).count();
        let Some((_, cache)) = ResumeCache::resume(&file.path, &settings("reader")).unwrap() else {
            assert_eq!(lines, 0, "cut at {cut}");
            continue;
        };
        let known = ["ü1", "ü2"].map(|question| cache.get::<String>(question).is_some());
        assert_eq!(known, [lines > 1, lines > 2], "cut at {cut}");
        cache.insert("ü3", &3);
        drop(cache);
        let (_, cache) = file.resume();
        assert_eq!(cache.get::<u32>("ü3"), Some(3), "lines after a truncated one are whole; cut at {cut}");
    }
}

#[test]
fn a_run_is_continued_only_with_the_same_settings() {
    let file = TempFile::new();
    drop(ResumeCache::create(&file.path, &run()).unwrap());
    let error = ResumeCache::resume(&file.path, &settings("other")).unwrap_err().to_string();
    assert!(error.contains("another `role`") && error.contains("without --resume"), "{error}");
}

#[test]
fn without_a_file_there_is_nothing_to_continue() {
    let file = TempFile::new();
    assert!(ResumeCache::resume(&file.path, &settings("reader")).unwrap().is_none());
}

#[test]
fn an_answer_that_cannot_be_written_is_still_returned() {
    // A device that is always full.
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let cache = ResumeCache { file: Some(Mutex::new(full)), ..ResumeCache::default() };
    assert_eq!(fetch(&cache, "a", Ok(1)), Ok(1));
    assert!(cache.write_error().is_some());
}
