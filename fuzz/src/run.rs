//! Runs one input: catches panics, takes the time, and measures the memory.

use crate::target::{Target, Violation, shortened};
use peak_alloc::PeakAlloc;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counts what is allocated.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The longest that one input may take.
pub const MOST_TIME: Duration = Duration::from_secs(1);

/// The most memory that an input of so many bytes may need, in bytes: 64 MB and 50 bytes a byte.
pub fn most_memory(bytes: usize) -> usize {
    (64 << 20) + 50 * bytes
}

/// The fault of an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The code panicked; the message and its place.
    #[error("crash: {0}")]
    Crash(String),
    /// A property does not hold.
    #[error("property: {0}")]
    Property(Violation),
    /// It took longer than [`MOST_TIME`], also when it was run again.
    #[error("hang: {0:?}")]
    Hang(Duration),
    /// It needed more than [`most_memory`] bytes.
    #[error("memory: {0} bytes")]
    Memory(usize),
}

impl Finding {
    /// The text that findings of one fault share.
    pub fn fault(&self) -> String {
        match self {
            Self::Crash(message) => format!("crash: {}", message.split(": ").next().unwrap_or_default()),
            Self::Property(violation) => format!("property: {}", violation.property),
            Self::Hang(_) => "hang".to_owned(),
            Self::Memory(_) => "memory".to_owned(),
        }
    }
}

/// How one input ended.
#[derive(Debug)]
pub struct Observation {
    /// How long it took.
    pub took: Duration,
    /// The most memory at a time beside what was there before, in bytes.
    pub peak: usize,
    /// The fault, if there is one.
    pub finding: Option<Finding>,
}

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the message of a panic for its [`Finding`] instead of printing it. Call it once, before [`run`].
pub fn keep_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let message = info.payload_as_str().unwrap_or("a panic without a text");
        PANIC.with(|kept| *kept.borrow_mut() = format!("{place}: {message}"));
    }));
}

/// Runs one input.
pub fn run(target: &dyn Target, input: &[u8]) -> Observation {
    let mut seen = once(target, input);
    // Another program may have had the processor: a hang is one that takes as long again and again.
    for _ in 0..2 {
        if seen.took <= MOST_TIME || seen.finding.is_some() {
            break;
        }
        let again = once(target, input);
        seen.took = seen.took.min(again.took);
        seen.finding = again.finding;
    }
    if seen.finding.is_none() && seen.took > MOST_TIME {
        seen.finding = Some(Finding::Hang(seen.took));
    }
    if seen.finding.is_none() && seen.peak > most_memory(input.len()) {
        seen.finding = Some(Finding::Memory(seen.peak));
    }
    seen
}

/// Memory is counted for the whole process: inputs that run beside each other would get each other's.
static ALONE: Mutex<()> = Mutex::new(());

fn once(target: &dyn Target, input: &[u8]) -> Observation {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let began = Instant::now();
    let ended = panic::catch_unwind(AssertUnwindSafe(|| target.check(input)));
    let took = began.elapsed();
    let peak = MEMORY.peak_usage().saturating_sub(before);
    let finding = match ended {
        Ok(Ok(())) => None,
        Ok(Err(violation)) => Some(Finding::Property(violation)),
        Err(_) => Some(Finding::Crash(PANIC.with(|kept| shortened(kept.borrow())))),
    };
    Observation { took, peak, finding }
}
