//! Random sequences of operations, a store against [`MemoryStore`]: every answer must be equal.
//!
//! For tests. The sessions come from a small universe, so that reports of the same session, sessions of the same name
//! and time, and names that a careless key would confuse all meet often. No async runtime is chosen here: the caller
//! hands one in.
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
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use serde_json::Value;
use std::fmt::{self, Write as _};
use std::ops::RangeInclusive;
use std::pin::Pin;

mod universe;

/// A sequence at work, to be driven to its end by the caller's executor.
pub type Work<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// One operation of a sequence.
#[derive(Clone)]
enum Operation {
    Put(Box<Session>),
    Find(&'static str),
    FindIssued(&'static str, RangeInclusive<Timestamp>),
    Expire(Timestamp),
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put(session) => write!(f, "put {}", brief(session)),
            Self::Find(id) => write!(f, "find {id:?}"),
            Self::FindIssued(id, between) => {
                write!(f, "find {id:?} issued from {} to {}", between.start(), between.end())
            }
            Self::Expire(now) => write!(f, "expire {now}"),
        }
    }
}

/// Runs `cases` random sequences of puts and finds against stores that `make` gives and against [`MemoryStore`].
///
/// `make` gives an empty store; it is called once for each sequence (often, while a failing one is made shorter), outside
/// of `block_on`. `block_on` drives a future to its end, for example `|work| runtime.block_on(work)`.
///
/// # Panics
/// When an answer differs: with the shortest sequence found that shows it.
pub fn check<S: SessionStore>(make: impl Fn() -> S, cases: u32, block_on: impl Fn(Work<'_>)) {
    run(make, cases, block_on, universe::operations(false), &async |_, _| Ok(0));
}

/// As [`check`], with sessions expiring in between: for stores that forget when they are told to.
///
/// # Panics
/// As [`check`].
pub fn check_expiring<S: Expiring>(make: impl Fn() -> S, cases: u32, block_on: impl Fn(Work<'_>)) {
    run(make, cases, block_on, universe::operations(true), &async |store: &S, now| store.expire(now).await);
}

/// Has many threads put different reports of the same session at once, `rounds` times: all must be merged, none lost.
///
/// # Panics
/// When a report is lost or a put fails.
#[expect(clippy::panic, reason = "an assertion, for tests: a result could go unread")]
pub fn check_racing<S: SessionStore>(make: impl Fn() -> S, rounds: u32, block_on: impl Fn(Work<'_>) + Sync) {
    for round in 0..rounds {
        let store = make();
        let reports = universe::reports_of_one();
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
        let mut verdict = Err("`block_on` returned before the work was done".to_owned());
        block_on(Box::pin(async { verdict = holds_all(store, &reports).await }));
        if let Err(difference) = verdict {
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
    // The failing sequence is printed whole and becomes a named test; there is no file of seeds to keep.
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&sequences, |operations| {
        let (store, memory) = (make(), MemoryStore::new());
        let mut verdict = Err("`block_on` returned before the work was done".to_owned());
        block_on(Box::pin(async { verdict = play(&store, &memory, &operations, expire).await }));
        verdict.map_err(TestCaseError::fail)
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

/// Runs the operations on both and compares every answer, and at the end all that they hold.
async fn play<S: SessionStore>(
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
                same("expire", &answers, |forgotten| format!("{forgotten} forgotten"))?;
            }
        }
    }
    compare_all(store, memory).await
}

async fn compare_all(store: &impl SessionStore, memory: &MemoryStore) -> Result<(), String> {
    for id in universe::ROLE_SESSIONS {
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

/// What is known of a session, and nothing of what is not.
fn brief(session: &Session) -> String {
    let mut known = serde_json::to_value(session).unwrap_or_default();
    drop_empty(&mut known);
    known.to_string()
}

fn drop_empty(value: &mut Value) {
    if let Value::Object(members) = value {
        members.values_mut().for_each(drop_empty);
        let empty = |value: &Value| {
            value.is_null()
                || value.as_array().is_some_and(Vec::is_empty)
                || value.as_object().is_some_and(serde_json::Map::is_empty)
        };
        members.retain(|_, value| !empty(value));
    }
}

/// The sequence, an operation a line.
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
