//! Faults: parts of an input that are not records, with their position.

use super::position::Position;
use std::io;

/// A part of an input that is not a record. The reader goes on with the parts around it.
#[derive(Debug, thiserror::Error)]
#[error("{position}: {kind}")]
#[non_exhaustive]
pub struct Malformed {
    /// Its place.
    pub position: Position,
    /// The fault.
    pub kind: MalformedKind,
}

impl Malformed {
    /// The number of parts of the input that it represents: more than one at [`MalformedKind::Repeated`].
    pub fn parts(&self) -> u64 {
        match &self.kind {
            MalformedKind::Repeated { more, .. } => more.saturating_add(1),
            _ => 1,
        }
    }

    /// True if nothing is read after it: the input itself, and not a value in it, could not be read or ends too early.
    pub(super) fn ends_the_input(&self) -> bool {
        let of_input = matches!(self.kind, MalformedKind::Read(_) | MalformedKind::Empty);
        of_input && self.position.is_of_input()
    }

    /// The event that CloudTrail did not send, if the part is one: see [`MalformedKind::NotFromCloudTrail`].
    pub fn not_from_cloudtrail(&self) -> Option<String> {
        match &self.kind {
            MalformedKind::NotFromCloudTrail(event) => Some(event.clone()),
            MalformedKind::Repeated { first, more, .. } => match &**first {
                MalformedKind::NotFromCloudTrail(event) => Some(format!("{event}; and {more} more events")),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The fault of a part of an input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedKind {
    /// The input holds no value.
    #[error("the input is empty")]
    Empty,
    /// The rest of the input could not be read or decompressed.
    #[error("cannot be read any further: {0}")]
    Read(#[from] io::Error),
    /// The input ends inside this value.
    #[error("the input ends inside this value; it was cut")]
    Cut,
    /// The value is longer than [`Limits::value_bytes`](super::Limits::value_bytes).
    #[error("longer than {0} bytes, more than any record; skipped")]
    TooLong(usize),
    /// The value is gzipped, and longer than it may be after decompression: see
    /// [`Limits::inflated_bytes`](super::Limits::inflated_bytes).
    #[error("`awslogs.data` is longer than {0} bytes when it is decompressed; skipped")]
    Inflates(usize),
    /// The value is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// The value is not JSON, or not JSON of this kind; the text says what is wrong, and repeats at most one byte of the input.
    #[error("{0}")]
    NotJson(String),
    /// The value is well-formed JSON, but neither a record nor a known wrapping of one.
    #[error("not a CloudTrail record: {0}")]
    NotARecord(&'static str),
    /// The value is an `EventBridge` event without a record in its `detail`, and CloudTrail did not send it. What is in its
    /// `detail` is not read.
    #[error("not an event that CloudTrail sends: {0}")]
    NotFromCloudTrail(String),
    /// More parts of the input than [`Limits::faults`](super::Limits::faults) are not records. This is the next one, and
    /// the number of those after it.
    #[error("{first}; {more} more parts of the input cannot be read, the last is record {last}")]
    Repeated {
        /// The fault of the part at the position.
        first: Box<MalformedKind>,
        /// How many parts after it are not records.
        more: u64,
        /// The [`Position::record`] of the last of them.
        last: u64,
    },
}

impl MalformedKind {
    pub(super) fn is_not_from_cloudtrail(&self) -> bool {
        matches!(self, Self::NotFromCloudTrail(_))
    }
}

type Visit<'v> = &'v mut dyn FnMut(Malformed);

/// Passes on the first faults of an input and counts the others, so that an input of nothing but faults costs no more
/// than one of a few.
pub(super) struct Faults {
    shown: u64,
    /// Of parts that cannot be read, and of events that CloudTrail did not send.
    groups: [Group; 2],
}

#[derive(Default)]
struct Group {
    seen: u64,
    first: Option<Malformed>,
    last: u64,
}

impl Faults {
    pub(super) fn new(shown: u64) -> Self {
        Self { shown, groups: Default::default() }
    }

    pub(super) fn add(&mut self, fault: Malformed, visit: Visit<'_>) {
        let [unreadable, foreign] = &mut self.groups;
        let group = if fault.kind.is_not_from_cloudtrail() { foreign } else { unreadable };
        group.seen += 1;
        if group.seen <= self.shown {
            return visit(fault);
        }
        group.last = fault.position.record;
        group.first.get_or_insert(fault);
    }

    /// Passes on what was only counted.
    pub(super) fn end(self, visit: Visit<'_>) {
        for Group { seen, first, last } in self.groups {
            let Some(Malformed { position, kind }) = first else { continue };
            let more = seen.saturating_sub(self.shown).saturating_sub(1);
            let kind = match more {
                0 => kind,
                more => MalformedKind::Repeated { first: Box::new(kind), more, last },
            };
            visit(Malformed { position, kind });
        }
    }
}
