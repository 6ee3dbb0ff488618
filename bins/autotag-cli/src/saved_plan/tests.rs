use super::reader::SavedPlan;
use super::{Header, PlanFile};
use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::Classifier;
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::plan::{Action, PlannedResource, Planner};
use autotag_handlers::records::ClassifiedRecords;
use autotag_model::policy::Policy;
use futures_executor::block_on;
use jiff::Timestamp;
use session_store::MemoryStore;
use std::fs;
use std::path::{Path, PathBuf};

/// The plan of a fixture.
fn planned(fixture: &str) -> Vec<PlannedResource> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(fixture);
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    let mut records = ClassifiedRecords::default();
    for file in walkdir::WalkDir::new(path) {
        let file = file.unwrap();
        if file.file_type().is_file() {
            let one = ClassifiedRecords::read(&*fs::read(file.path()).unwrap(), &classifier);
            records.creations.extend(one.creations);
        }
    }
    let (store, backend) = (MemoryStore::new(), MemoryBackend::offline());
    let planner = Planner::new(classifier.policy(), &store, &backend, Timestamp::UNIX_EPOCH);
    block_on(planner.plan(records)).into_resources().collect()
}

fn header() -> Header {
    Header::new(&Catalog::embedded(), &Policy::default()).unwrap()
}

struct Saved {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Saved {
    fn new(rows: &[PlannedResource]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.jsonl");
        let mut file = PlanFile::create("--out", &path, &header()).unwrap();
        file.add(rows).unwrap();
        assert!(!path.exists(), "a plan that is not complete has its name already");
        file.finish().unwrap();
        Self { _folder: folder, path }
    }

    fn open(&self) -> SavedPlan {
        SavedPlan::open(self.path.to_str().unwrap()).unwrap().unwrap()
    }

    /// Why the plan is refused after its text was changed.
    fn refusal(&self, change: impl FnOnce(String) -> String) -> String {
        fs::write(&self.path, change(fs::read_to_string(&self.path).unwrap())).unwrap();
        format!("{:#}", self.open().check(&Catalog::embedded()).unwrap_err())
    }
}

fn would_tag(rows: &[PlannedResource]) -> Vec<&PlannedResource> {
    rows.iter().filter(|row| matches!(row.status, Action::Tag(_))).collect()
}

#[test]
fn a_saved_plan_has_the_writes_of_the_plan() {
    for fixture in ["trail", "owners"] {
        let rows = planned(fixture);
        let saved = Saved::new(&rows);
        let plan = saved.open();
        plan.expect(&header()).unwrap();
        let catalog = Catalog::embedded();
        let read: Vec<PlannedResource> = plan.rows(&catalog).unwrap().map(Result::unwrap).collect();
        let expected = would_tag(&rows);
        assert!(expected.len() > 10, "{fixture}: {}", expected.len());
        assert_eq!(read.len(), expected.len());
        for (read, row) in read.iter().zip(expected) {
            assert_eq!((&read.status, &read.tags, &read.resource), (&row.status, &row.tags, &row.resource));
            assert_eq!((read.owner_name(), read.owner_source()), (row.owner_name(), row.owner_source()));
            assert_eq!((read.channel(), read.proof()), (row.channel(), row.proof()));
            assert_eq!((&read.event.id, read.event.timestamp()), (&row.event.id, row.event.timestamp()));
        }
        assert_eq!(plan.check(&catalog).unwrap().count, read.len() as u64);
    }
}

#[test]
fn a_plan_that_was_cut_or_changed_is_refused() {
    let rows = planned("trail");
    let refusal = |change: fn(String) -> String| Saved::new(&rows).refusal(change);
    let cut = refusal(|text| text.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n");
    assert!(cut.contains("the plan is cut"), "{cut}");
    let shorter = refusal(|text| {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.remove(2);
        lines.join("\n")
    });
    assert!(shorter.contains("its end says"), "{shorter}");
    let reserved = refusal(|text| text.replacen(r#""key":"Owner""#, r#""key":"aws:owner""#, 1));
    assert!(reserved.contains("line 2") && reserved.contains("aws:owner"), "{reserved}");
    let call = refusal(|text| text.replacen(r#""call":""#, r#""call":"Delete"#, 1));
    assert!(call.contains("no rule"), "{call}");
    let damaged = refusal(|text| text.replacen(r#"{"event":"#, r#"{"event""#, 1));
    assert!(
        damaged.ends_with("line 2: column 9: not JSON: no colon after the name of a member"),
        "{damaged}"
    );
    let renamed = refusal(|text| text.replacen(r#"{"event":"#, r#"{"secret":"#, 1));
    assert!(renamed.ends_with("not a resource of a plan: a member has an unknown name"), "{renamed}");
    let longer =
        refusal(|text| text.replacen(r#""value":""#, &format!(r#""value":"{}"#, "x".repeat(300)), 1));
    assert!(longer.contains("does not fit"), "{longer}");
}

#[test]
fn a_damaged_header_is_described_in_plain_words() {
    let saved = Saved::new(&planned("trail"));
    for (damage, words) in [
        (
            "\"autotag_plan\":,",
            "line 1: column 17: not JSON: a value is missing, or a text has no double quotes",
        ),
        ("\"autotag_plan\":\"secret\",", "not the header of a plan: a member has a value of another type"),
    ] {
        let text = fs::read_to_string(&saved.path).unwrap();
        fs::write(&saved.path, text.replacen("\"autotag_plan\":1,", damage, 1)).unwrap();
        let refusal = SavedPlan::open(saved.path.to_str().unwrap()).unwrap_err().to_string();
        assert!(refusal.contains(words) && !refusal.contains("secret"), "{refusal}");
        fs::write(&saved.path, text).unwrap();
    }
}

#[test]
fn a_plan_of_another_policy_or_catalogue_is_refused() {
    let saved = Saved::new(&planned("trail"));
    let other = Policy::from_toml("[static]\nTeam = \"shop\"\n").unwrap();
    let policy = Header::new(&Catalog::embedded(), &other).unwrap();
    let refusal = format!("{:#}", saved.open().expect(&policy).unwrap_err());
    assert!(refusal.contains("another policy (--policy)"), "{refusal}");
    let catalogue = Header::new(&Catalog::empty(), &Policy::default()).unwrap();
    let refusal = format!("{:#}", saved.open().expect(&catalogue).unwrap_err());
    assert!(refusal.contains("another catalogue (--rules)"), "{refusal}");
}

#[test]
fn a_trail_is_not_taken_for_a_plan() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trail.json");
    fs::write(&file, r#"{"Records":[]}"#).unwrap();
    for path in [file.as_path(), folder.path(), Path::new("-"), Path::new("s3://bucket/prefix")] {
        assert!(SavedPlan::open(path.to_str().unwrap()).unwrap().is_none(), "{}", path.display());
    }
}
