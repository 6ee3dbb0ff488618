use super::*;
use crate::SessionStore;
use crate::{MemoryStore, RETENTION};
use autotag_model::identity::AccessKeyId;
use autotag_model::session::SessionKind;
use futures_executor::block_on;
use std::error::Error as _;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("sessions.redb");
    (folder, file)
}

fn session(name: &str, second: i64) -> Session {
    let mut session =
        Session::new(name, Timestamp::from_second(second).unwrap(), SessionKind::AssumeRoleWithWebIdentity);
    session.access_key = AccessKeyId::new("ASIAONE");
    session.tags = vec![("Team".to_owned(), "\u{0}\"\u{10ffff}".to_owned())];
    session
}

fn found(store: &impl SessionStore, name: &str) -> Vec<Session> {
    block_on(store.find(name)).unwrap()
}

fn refused(path: &Path) -> SessionStoreError {
    let error = EmbeddedStore::open(path).expect_err("opened");
    assert!(error.to_string().contains(&path.display().to_string()), "{error} does not name the file");
    error
}

#[cfg(feature = "conformance")]
mod against_memory {
    use super::*;
    use crate::conformance;
    use std::cell::Cell;

    /// Stores in files of their own.
    fn stores(folder: &TempDir) -> impl Fn() -> EmbeddedStore {
        let (folder, count) = (folder.path().to_owned(), Cell::new(0));
        move || {
            count.set(count.get() + 1);
            // The previous file is closed by now; a thousand of them would be gigabytes.
            let _ = fs::remove_file(folder.join((count.get() - 1).to_string()));
            EmbeddedStore::open(folder.join(count.get().to_string())).unwrap()
        }
    }

    #[test]
    fn every_answer_is_that_of_the_memory() {
        let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
        conformance::check(stores(&folders[0]), 128, |work| block_on(work));
        conformance::check_expiring(stores(&folders[1]), 128, |work| block_on(work));
    }

    #[test]
    fn reports_put_at_once_are_all_merged() {
        let folder = TempDir::new().unwrap();
        conformance::check_racing(stores(&folder), 8, |work| block_on(work));
    }
}

#[test]
fn a_reopened_file_gives_the_same_answers() {
    let (_folder, file) = folder();
    let memory = MemoryStore::new();
    // Enough for a tree of several levels; most sessions have one name, and they are put in random order.
    let names = ["AROA:a", "AROA:a", "AROA:a\0", "AROA:ab"].iter().cycle();
    let sessions: Vec<Session> =
        names.zip(0..4_000_i64).map(|(name, number)| session(name, number * 7_919 % 3_001)).collect();
    {
        let store = EmbeddedStore::open(&file).unwrap();
        store.put_all(&sessions).unwrap();
        block_on(store.put(&sessions[0])).unwrap();
    }
    for session in &sessions {
        block_on(memory.put(session)).unwrap();
    }
    let store = EmbeddedStore::open(&file).unwrap();
    for name in ["AROA:a", "AROA:a\0", "AROA:ab", "AROA:", ""] {
        assert_eq!(found(&store, name), found(&memory, name), "{name:?}");
    }
    let now = Timestamp::from_second(1_500).unwrap() + RETENTION + jiff::SignedDuration::from_hours(36);
    assert_eq!(block_on(Expiring::expire(&store, now)).unwrap(), memory.expire(now));
    drop(store);
    let store = EmbeddedStore::open(&file).unwrap();
    assert_eq!(found(&store, "AROA:a"), found(&memory, "AROA:a"));
    assert!(!memory.is_empty());
}

#[test]
fn all_are_kept_or_none() {
    let (_folder, file) = folder();
    let store = EmbeddedStore::open(&file).unwrap();
    plant(&store, &session("AROA:b", 0), &[9, b'{', b'}']);
    let batch = [session("AROA:a", 0), session("AROA:b", 0)];
    assert!(store.put_all(&batch).is_err(), "the second cannot be merged");
    assert_eq!(found(&store, "AROA:a"), []);
    store.put_all(&[]).unwrap();
}

#[test]
fn a_crash_loses_nothing_that_was_kept() {
    let (folder, file) = folder();
    let store = EmbeddedStore::open(&file).unwrap();
    let kept: Vec<Session> = (0..500).map(|second| session("AROA:kept", second)).collect();
    store.put_all(&kept).unwrap();

    // A crash leaves what is on the disk during a write.
    let transaction = store.db.begin_write().unwrap();
    {
        let mut table = transaction.open_table(SESSIONS).unwrap();
        for second in 0..5_000 {
            store.merge_in(&mut table, &session("AROA:under way", second)).unwrap();
        }
        table.remove(key_of(&kept[0])).unwrap();
    }
    let left = folder.path().join("left.redb");
    fs::copy(&file, &left).unwrap();
    // The process does not close the file either.
    std::mem::forget(transaction);
    std::mem::forget(store);

    let store = EmbeddedStore::open(&left).unwrap();
    assert_eq!(found(&store, "AROA:kept"), kept);
    assert_eq!(found(&store, "AROA:under way"), []);
    block_on(store.put(&session("AROA:after", 0))).unwrap();
    assert_eq!(found(&store, "AROA:after").len(), 1);
}

#[test]
fn a_file_that_is_something_else_is_refused_and_left_alone() {
    let (_folder, file) = folder();
    for content in [&b"x"[..], b"{\"Records\": []}\n", &[0; 8_192], &[0xff; 10_000], b"redb"] {
        fs::write(&file, content).unwrap();
        let error = refused(&file);
        assert!(matches!(error, SessionStoreError::NotAStore { .. }), "{error}");
        assert_eq!(fs::read(&file).unwrap(), content);
    }
    fs::write(&file, b"").unwrap();
    EmbeddedStore::open(&file).expect("an empty file is an empty store");
}

#[test]
fn the_database_of_another_program_is_refused_and_left_alone() {
    let (_folder, file) = folder();
    let make = |definition: TableDefinition<'_, u64, u64>| {
        let _ = fs::remove_file(&file);
        let db = Database::create(&file).unwrap();
        let transaction = db.begin_write().unwrap();
        transaction.open_table(definition).unwrap();
        transaction.commit().unwrap();
    };
    for name in ["orders", "sessions"] {
        make(TableDefinition::new(name));
        let error = refused(&file);
        assert!(matches!(error, SessionStoreError::NotAStore { .. }), "{error:?}");
        let tables = Database::open(&file).unwrap().begin_read().unwrap();
        assert_eq!(tables.list_tables().unwrap().count(), 1);
    }
}

#[test]
fn a_folder_a_missing_folder_and_a_missing_permission() {
    let (folder, file) = folder();
    assert!(matches!(refused(folder.path()), SessionStoreError::NotAStore { .. }));
    let error = refused(&folder.path().join("no/such/folder/sessions.redb"));
    assert!(error.to_string().contains("create its folder"), "{error}");
    assert!(error.source().is_some() && !error.is_retryable());
    let denied = redb::Error::Io(std::io::Error::from(ErrorKind::PermissionDenied));
    assert!(matches!(explain("x", denied), SessionStoreError::Denied { .. }));
    drop(EmbeddedStore::open(&file).unwrap());
}

#[test]
fn opened_twice_is_in_use() {
    let (_folder, file) = folder();
    let store = EmbeddedStore::open(&file).unwrap();
    let error = refused(&file);
    assert!(matches!(error, SessionStoreError::InUse { .. }) && error.is_retryable(), "{error:?}");
    drop(store);
    EmbeddedStore::open(&file).unwrap();
}

/// Writes a value unchecked, as another program may do.
fn plant(store: &EmbeddedStore, session: &Session, value: &[u8]) {
    let transaction = store.db.begin_write().unwrap();
    transaction.open_table(SESSIONS).unwrap().insert(key_of(session), value).unwrap();
    transaction.commit().unwrap();
}

#[test]
fn an_unknown_version_is_refused_and_kept() {
    let (_folder, file) = folder();
    let store = EmbeddedStore::open(&file).unwrap();
    let theirs = session("AROA:theirs", 0);
    plant(&store, &theirs, &[7, b'{', b'}']);
    block_on(store.put(&session("AROA:ours", 0))).unwrap();
    let (find, put) = (block_on(store.find("AROA:theirs")).map(drop), block_on(store.put(&theirs)));
    let expire = block_on(Expiring::expire(&store, Timestamp::MAX)).map(drop);
    for answer in [find, put, expire] {
        let error = answer.unwrap_err();
        assert!(matches!(error, SessionStoreError::UnknownVersion { found: 7, known: 1, .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("version 7") && text.contains(&file.display().to_string()), "{text}");
    }
    assert_eq!(found(&store, "AROA:ours").len(), 1, "the others are not affected, and none was forgotten");
}

#[test]
fn a_damaged_session_is_an_error_and_not_none() {
    let (_folder, file) = folder();
    let store = EmbeddedStore::open(&file).unwrap();
    for value in [&[][..], &[VERSION], &[VERSION, b'{'], &[VERSION, b'{', b'}'], &[VERSION, 0xff]] {
        plant(&store, &session("AROA:\n", 0), value);
        let error = block_on(store.find("AROA:\n")).unwrap_err();
        assert!(matches!(error, SessionStoreError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains(r#""AROA:\n""#), "no line break in a log line: {error}");
    }
}

#[test]
fn a_cut_file_is_an_error() {
    let (_folder, file) = folder();
    EmbeddedStore::open(&file).unwrap().put_all(&[session("AROA:a", 0)]).unwrap();
    let whole = fs::read(&file).unwrap();
    for length in [10, 100, 4_096, 9_000, whole.len() - 4_096] {
        fs::write(&file, &whole[..length]).unwrap();
        let error = refused(&file);
        assert!(!error.is_retryable(), "{length}: {error:?}");
    }
}

/// A failing disk, or another program: nothing of such a file is believed, and nothing stops the program.
#[test]
fn a_damaged_file_is_refused_without_a_panic() {
    let (_folder, file) = folder();
    let sessions: Vec<Session> =
        (0..300).map(|number| session(&format!("AROA:{number:05}"), number)).collect();
    EmbeddedStore::open(&file).unwrap().put_all(&sessions).unwrap();
    let whole = fs::read(&file).unwrap();
    let mut refusals = 0;
    for page in 0..whole.len() / 4_096 {
        let begin = page * 4_096;
        let zeroed = |bytes: &mut Vec<u8>| bytes[begin..begin + 4_096].fill(0);
        let changed = |bytes: &mut Vec<u8>| bytes[begin + 100] ^= 1;
        for damage in [&zeroed as &dyn Fn(&mut Vec<u8>), &changed] {
            let mut bytes = whole.clone();
            damage(&mut bytes);
            fs::write(&file, &bytes).unwrap();
            let read = EmbeddedStore::open(&file).and_then(|store| store.all());
            match read {
                // The page was not in use.
                Ok(read) => assert_eq!(read, sessions, "page {page}"),
                Err(error) => {
                    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
                    refusals += 1;
                }
            }
        }
    }
    assert!(refusals > 10, "{refusals}");
}

/// If this fails, existing files can no longer be read: give the new fields a default, or write a new version.
#[test]
fn what_version_1_wrote_is_read() {
    let (_folder, file) = folder();
    let store = EmbeddedStore::open(&file).unwrap();
    let json = r#"{"role_session":"AROA:a","issued":"2026-03-02T09:00:00Z","access_key":"ASIAONE",
        "expires":"2026-03-02T10:00:00Z","kind":"AssumeRoleWithSaml","role_arn":null,"tags":[["Team","shop"]],
        "incoming_tags":[],"transitive_keys":["Team"],"source_identity":"ana","subject":null,"provider":null,
        "caller":{"kind":{"Other":"Martian"},"principal_id":"idp:ana","session":{"created":"2026-03-02T08:00:00Z"}},
        "event_id":"e1"}"#;
    let mut value = vec![1];
    value.extend(json.as_bytes());
    let key = Session::new("AROA:a", Timestamp::UNIX_EPOCH, SessionKind::AssumeRole);
    plant(&store, &key, &value);
    let found = &found(&store, "AROA:a")[0];
    assert_eq!(found.kind, SessionKind::AssumeRoleWithSaml);
    assert_eq!(found.tags, [("Team".to_owned(), "shop".to_owned())]);
    assert_eq!(found.caller.principal_id.as_deref(), Some("idp:ana"));
}

#[test]
fn a_store_without_a_name_keeps_sessions_and_hands_them_on_in_batches() {
    let store = EmbeddedStore::in_file(tempfile::tempfile().unwrap(), "a temporary file").unwrap();
    let sessions: Vec<Session> = (0..7).map(|second| session("AROA:a", second)).collect();
    store.put_all(&sessions).unwrap();
    assert_eq!(found(&store, "AROA:a"), sessions);
    let mut batches = Vec::new();
    let kept = store.each_batch(3, |batch| {
        batches.push(batch.to_vec());
        Ok(())
    });
    kept.unwrap();
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
    assert_eq!(batches.concat(), sessions);
}

#[test]
fn a_store_in_memory_of_many_sessions_merges_copies() {
    let (mut copy, known) = (session("AROA:a", 0), session("AROA:a", 0));
    copy.tags.clear();
    let store = MemoryStore::from_iter([copy, known.clone(), session("AROA:b", 0)]);
    assert_eq!((store.len(), found(&store, "AROA:a")), (2, vec![known]));
}

/// redb writes the magic number of a new file last: a kill before leaves a header without it, or nothing but zeros.
#[test]
fn a_file_whose_creation_was_killed_is_created_again() {
    let (_folder, file) = folder();
    drop(EmbeddedStore::open(&file).unwrap());
    let header: Vec<u8> = fs::read(&file).unwrap().into_iter().take(320).collect();
    let length = 1 << 20;
    let mut unfinished = vec![0; length];
    unfinished[9..320].copy_from_slice(&header[9..]);
    for bytes in [unfinished, vec![0; length]] {
        fs::write(&file, bytes).unwrap();
        let store = EmbeddedStore::open(&file).unwrap();
        store.put_all(&[session("AROAJUMP:mara", 1)]).unwrap();
        drop(store);
        assert_eq!(found(&EmbeddedStore::open(&file).unwrap(), "AROAJUMP:mara").len(), 1);
    }
}

#[test]
fn a_file_of_another_program_is_not_taken_for_an_unfinished_one() {
    let (_folder, file) = folder();
    let mut disk = vec![0; 1 << 20];
    disk[700_000] = 1;
    let mut begun = vec![0; 1 << 20];
    begun[0] = b'r';
    for bytes in [disk, begun] {
        fs::write(&file, &bytes).unwrap();
        refused(&file);
        assert_eq!(fs::read(&file).unwrap(), bytes);
    }
}

#[test]
fn a_file_that_is_being_created_is_not_emptied() {
    let (_folder, file) = folder();
    fs::write(&file, vec![0; 1 << 20]).unwrap();
    let other = fs::File::options().read(true).write(true).open(&file).unwrap();
    other.try_lock().unwrap();
    refused(&file);
    assert_eq!(fs::metadata(&file).unwrap().len(), 1 << 20);
}
