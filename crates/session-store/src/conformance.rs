//! A conformance suite for stores: random sequences of operations on a store and on [`MemoryStore`], whose answers must
//! be equal.
//!
//! For tests. The sessions are drawn from a small set, so that copies of the same session, sessions of the same name
//! and time, and names that a wrong key would confuse are frequent. The caller passes an executor; the suite has no
//! async runtime.
//!
//! ```
//! use session_store::{MemoryStore, conformance};
//!
//! conformance::check(MemoryStore::new, 16, |work| futures_executor::block_on(work));
//! ```

use crate::{
    ANY_TIME, Expiring, MemoryStore, SessionReader as _, SessionStore, SessionStoreError, SessionWriter as _,
};
use autotag_model::session::Session;
use jiff::Timestamp;
use operation::{Operation, brief};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::pin::Pin;

mod operation;
mod samples;

/// A running sequence, which the caller's executor drives to its end.
pub type Work<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs `cases` random sequences of puts and finds on stores that `make` returns and on [`MemoryStore`].
///
/// `make` returns an empty store. It is called once for each sequence, outside of `block_on`, and more often while a
/// failing sequence is shortened. `block_on` drives a future to its end, for example `|work| runtime.block_on(work)`.
///
/// # Panics
/// If an answer differs. The message has the shortest sequence found that shows it.
pub fn check<S: SessionStore>(make: impl Fn() -> S, cases: u32, block_on: impl Fn(Work<'_>)) {
    run(make, cases, block_on, samples::operations(false), &async |_, _| Ok(0));
}

/// As [`check`], with sessions that expire in between, for stores that implement [`Expiring`].
///
/// # Panics
/// As [`check`].
pub fn check_expiring<S: Expiring>(make: impl Fn() -> S, cases: u32, block_on: impl Fn(Work<'_>)) {
    run(make, cases, block_on, samples::operations(true), &async |store: &S, now| store.expire(now).await);
}

/// Puts different copies of the same session from several threads at once, `rounds` times. All must be merged.
///
/// # Panics
/// If a copy is lost or a put fails.
#[expect(clippy::panic, reason = "an assertion, for tests: a result could go unread")]
pub fn check_racing<S: SessionStore>(make: impl Fn() -> S, rounds: u32, block_on: impl Fn(Work<'_>) + Sync) {
    for round in 0..rounds {
        let store = make();
        let reports = samples::reports_of_one();
        let (store, block_on) = (&store, &block_on);
        std::thread::scope(|scope| {
            for report in &reports {
                scope.spawn(move || {
                    block_on(Box::pin(async move {
                        if let Err(error) = store.put(report).await {
                            panic!("round {round}: put {} failed: {error:?}", brief(report));
                        }
                    }));
                });
            }
        });
        let mut result = Err("`block_on` returned before the work was done".to_owned());
        block_on(Box::pin(async { result = holds_all(store, &reports).await }));
        if let Err(difference) = result {
            panic!("round {round}: reports put at the same time: {difference}");
        }
    }
}

#[expect(clippy::panic, reason = "an assertion, for tests: a result could go unread")]
fn run<S: SessionStore>(
    make: impl Fn() -> S,
    cases: u32,
    block_on: impl Fn(Work<'_>),
    sequences: impl Strategy<Value = Vec<Operation>>,
    expire: &impl AsyncFn(&S, Timestamp) -> Result<usize, SessionStoreError>,
) {
    // A failing sequence is printed in full and becomes a test with a name, so that no file of seeds is needed.
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&sequences, |operations| {
        let (store, memory) = (make(), MemoryStore::new());
        let mut result = Err("`block_on` returned before the work was done".to_owned());
        block_on(Box::pin(async { result = run_sequence(&store, &memory, &operations, expire).await }));
        result.map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(difference, operations)) => panic!("{difference}{}", script(&operations)),
        Err(error @ TestError::Abort(_)) => panic!("{error}"),
    }
}

async fn holds_all(store: &impl SessionStore, reports: &[Session]) -> Result<(), String> {
    let memory = MemoryStore::new();
    for report in reports {
        memory.put(report).await.map_err(|error| error.to_string())?;
    }
    compare_all(store, &memory).await
}

/// Runs the operations on both stores and compares every answer and, at the end, their contents.
async fn run_sequence<S: SessionStore>(
    store: &S,
    memory: &MemoryStore,
    operations: &[Operation],
    expire: &impl AsyncFn(&S, Timestamp) -> Result<usize, SessionStoreError>,
) -> Result<(), String> {
    for operation in operations {
        match operation {
            Operation::Put(session) => {
                let answers = (store.put(session).await, memory.put(session).await);
                same("put", &answers, |()| "done".to_owned())?;
            }
            Operation::Find(id) => compare(store, memory, id, &ANY_TIME).await?,
            Operation::FindIssued(id, between) => compare(store, memory, id, between).await?,
            Operation::Expire(now) => {
                let answers = (expire(store, *now).await, Ok(memory.expire(*now)));
                same("expire", &answers, |forgotten| format!("{forgotten} removed"))?;
            }
        }
    }
    compare_all(store, memory).await
}

async fn compare_all(store: &impl SessionStore, memory: &MemoryStore) -> Result<(), String> {
    for id in samples::ROLE_SESSIONS {
        compare(store, memory, id, &ANY_TIME).await?;
    }
    Ok(())
}

async fn compare(
    store: &impl SessionStore,
    memory: &MemoryStore,
    id: &str,
    between: &RangeInclusive<Timestamp>,
) -> Result<(), String> {
    let answers = (store.find_issued(id, between).await, memory.find_issued(id, between).await);
    same(&format!("find {id:?}"), &answers, |sessions| {
        let lines: Vec<String> = sessions.iter().map(brief).collect();
        format!("{} sessions\n    {}", lines.len(), lines.join("\n    "))
    })
}

fn same<T: PartialEq>(
    question: &str,
    answers: &(Result<T, SessionStoreError>, Result<T, SessionStoreError>),
    show: impl Fn(&T) -> String,
) -> Result<(), String> {
    let shown = |answer: &Result<T, SessionStoreError>| match answer {
        Ok(answer) => show(answer),
        Err(error) => format!("{error:?}"),
    };
    match answers {
        (Ok(of_store), Ok(of_memory)) if of_store == of_memory => Ok(()),
        (of_store, of_memory) => Err(format!(
            "{question}\n  the store says: {}\n  the memory says: {}",
            shown(of_store),
            shown(of_memory)
        )),
    }
}

/// The sequence, one operation a line.
fn script(operations: &[Operation]) -> String {
    let mut lines = format!("\nafter these {} operations:", operations.len());
    for (index, operation) in operations.iter().enumerate() {
        // Writing to a string does not fail.
        let _ = write!(lines, "\n  {}. {operation:?}", index + 1);
    }
    lines
}

#[cfg(test)]
mod tests;
