use super::super::{JobSessions, KeptSessions, SessionRuns, Storage};
use super::*;
use autotag_model::identity::AccessKeyId;
use autotag_model::session::SessionKind;
use futures_executor::block_on;
use session_store::{ANY_TIME, MemoryStore, SessionWriter as _};

/// Sessions of few names and times, so that many of them are copies, or differ in their access key alone.
fn sessions(count: u64, names: u64) -> Vec<Session> {
    let one = |number: u64| {
        // A fixed order without a pattern.
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        let issued = Timestamp::from_second(i64::try_from(mixed % 97).unwrap()).unwrap();
        let mut session =
            Session::new(&format!("AROA:{}", mixed / 97 % names), issued, SessionKind::AssumeRole);
        session.access_key = match mixed / 7 % 3 {
            0 => None,
            key => AccessKeyId::new(&format!("ASIA{key}")),
        };
        if mixed.is_multiple_of(5) {
            session.tags.push(("Team".to_owned(), format!("team-{}", mixed % 11)));
        }
        session
    };
    (0..count).map(one).collect()
}

/// The same sessions in a file, gathered by two jobs that have this much memory.
fn in_file(sessions: &[Session], bound: usize) -> SessionFile {
    let folder = tempfile::tempdir().unwrap();
    let runs = SessionRuns::new(&Storage::new(Some(&folder.path().join("state")), None));
    let mut jobs = vec![JobSessions::new(bound), JobSessions::new(bound)];
    for (number, session) in sessions.iter().enumerate() {
        runs.keep(&mut jobs[number % 2], session.clone()).unwrap();
    }
    match runs.join(jobs).unwrap() {
        KeptSessions::Disk(file) => file,
        KeptSessions::Memory(_) => panic!("the bound is too large for this test"),
    }
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn a_file_finds_what_the_store_in_memory_finds() {
    for (count, names, bound) in [(1, 1, 0), (900, 1, 0), (6_000, 40, 100_000), (6_000, 5_000, 20_000)] {
        let sessions = sessions(count, names);
        let (file, memory) = (in_file(&sessions, bound), MemoryStore::new());
        for session in &sessions {
            block_on(memory.put(session)).unwrap();
        }
        for name in 0..names.min(200) + 2 {
            for between in
                [ANY_TIME, second(10)..=second(10), second(0)..=second(50), second(90)..=second(200)]
            {
                let name = format!("AROA:{name}");
                let found = block_on(file.find_issued(&name, &between)).unwrap();
                assert_eq!(
                    found,
                    block_on(memory.find_issued(&name, &between)).unwrap(),
                    "{name} {between:?}"
                );
            }
        }
        assert!(block_on(file.find_issued("", &ANY_TIME)).unwrap().is_empty());
        assert!(block_on(file.find_issued("zzz", &ANY_TIME)).unwrap().is_empty());
        let never = second(2)..=second(1);
        assert!(block_on(file.find_issued("AROA:0", &never)).unwrap().is_empty());
        let mut moved = Vec::new();
        let all = file.each_batch(7, |batch| {
            assert!(batch.len() <= 7);
            moved.extend_from_slice(batch);
            Ok(())
        });
        all.unwrap();
        assert_eq!(moved, memory.all());
    }
}

/// The keys of blocks stay in memory, so there must not be more and more of them.
#[test]
fn a_large_file_has_larger_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let file = File::options().read(true).write(true).create_new(true).open(folder.path().join("x")).unwrap();
    let session = |number: u64| {
        let name = format!("{number:09}{}", "x".repeat(2_000));
        PackedSession::new(&Session::new(&name, Timestamp::UNIX_EPOCH, SessionKind::AssumeRole)).unwrap()
    };
    let count = 2 * MAX_BLOCKS as u64;
    let file = SessionFile::write(file, (0..count).map(|number| Ok(session(number)))).unwrap();
    assert!((MAX_BLOCKS / 4..=MAX_BLOCKS).contains(&file.blocks.len()), "{}", file.blocks.len());
    for number in [0, 1, 4_711, count - 1] {
        let name = session(number).role_session;
        assert_eq!(block_on(file.find_issued(&name, &ANY_TIME)).unwrap().len(), 1, "{number}");
    }
}
