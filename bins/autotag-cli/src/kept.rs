//! What a plan keeps of its inputs until everything is read: creations, and rows that are decided already.

use crate::spill::{Bytes, Spill};
use autotag_handlers::classify::{Classification, Classifier, Envelope};
use autotag_handlers::event::EventSummary;
use autotag_handlers::records::PlanRequest;
use autotag_handlers::services::TagTarget;
use autotag_model::arn::AccountId;
use autotag_model::envelope::EventBridgeEnvelope;
use autotag_model::record::Record;
use jiff::Timestamp;
use std::cmp::Ordering;
use std::io::{self, ErrorKind, Read, Write};

/// The number of an input, and a number in it that grows with the position.
pub(crate) type Place = (u64, u64);

/// About how many bytes a classified creation takes in memory with its texts, its resources not counted.
const REQUEST_BYTES: usize = 2_000;

/// A creation. On disk it is the text of its record, which is classified once more when it is planned.
#[derive(Debug)]
pub(crate) struct KeptCreation {
    pub(crate) time: Option<Timestamp>,
    pub(crate) id: Option<String>,
    pub(crate) place: Place,
    /// The hash of what copies of the event have in common.
    pub(crate) copy: Option<u64>,
    pub(crate) record: String,
    pub(crate) account: Option<AccountId>,
    pub(crate) event_bridge: Option<EventBridgeEnvelope>,
    /// `None` if it comes from disk.
    pub(crate) request: Option<Box<PlanRequest>>,
}

impl KeptCreation {
    /// The order in which creations are decided: [`oldest_first`](autotag_handlers::plan::oldest_first), of equal ones the first
    /// in the inputs.
    fn key(&self) -> (Option<Timestamp>, Option<&str>, Place) {
        (self.time, self.id.as_deref(), self.place)
    }

    /// The creation, classified again if it was on disk.
    pub(crate) fn into_request(self, classifier: &Classifier) -> io::Result<PlanRequest> {
        if let Some(request) = self.request {
            return Ok(*request);
        }
        let changed =
            || io::Error::new(ErrorKind::InvalidData, "a record in a temporary file is no creation any more");
        let record: Record<'_> = serde_json::from_str(&self.record)?;
        let envelope = Envelope { event_bridge: self.event_bridge.as_ref(), account: self.account.as_ref() };
        match classifier.classify_in(&record, envelope) {
            Classification::Creation(creation) => Ok(PlanRequest::from(*creation)),
            _ => Err(changed()),
        }
    }
}

impl Ord for KeptCreation {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for KeptCreation {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for KeptCreation {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for KeptCreation {}

impl Spill for KeptCreation {
    fn size(&self) -> usize {
        let classified = |request: &PlanRequest| {
            REQUEST_BYTES + request.creation.targets.len() * 2 * size_of::<TagTarget>()
        };
        size_of::<Self>() + self.record.len() + self.request.as_deref().map_or(0, classified)
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.time.encode(out)?;
        self.id.encode(out)?;
        self.place.0.encode(out)?;
        self.place.1.encode(out)?;
        self.copy.encode(out)?;
        self.record.encode(out)?;
        self.account.as_ref().map(|account| account.as_str().to_owned()).encode(out)?;
        self.event_bridge.is_some().encode(out)?;
        if let Some(event) = &self.event_bridge {
            for text in [&event.source, &event.detail_type, &event.account, &event.region] {
                text.encode(out)?;
            }
        }
        Ok(())
    }

    fn read(input: &mut impl Read) -> io::Result<Self> {
        let (time, id) = (Option::decode(input)?, Option::decode(input)?);
        let place = (u64::decode(input)?, u64::decode(input)?);
        let (copy, record) = (Option::decode(input)?, String::decode(input)?);
        let account = Option::<String>::decode(input)?.and_then(|account| AccountId::new(&account));
        let event_bridge = if bool::decode(input)? { Some(read_event(input)?) } else { None };
        Ok(Self { time, id, place, copy, record, account, event_bridge, request: None })
    }
}

fn read_event(input: &mut impl Read) -> io::Result<EventBridgeEnvelope> {
    let mut event = EventBridgeEnvelope::default();
    for text in [&mut event.source, &mut event.detail_type, &mut event.account, &mut event.region] {
        *text = String::decode(input)?;
    }
    Ok(event)
}

/// A row of a record that leads to no resource.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeptRow {
    pub(crate) time: Option<Timestamp>,
    pub(crate) written_time: Option<String>,
    /// Uncovered events come after all others of their time.
    pub(crate) is_uncovered: bool,
    pub(crate) place: Place,
    /// The row as it is printed. Of an uncovered event the record itself: who called is known only with all sessions.
    pub(crate) text: Vec<u8>,
    /// The account in the path of the input, of an uncovered event.
    pub(crate) account: Option<AccountId>,
}

impl KeptRow {
    /// A row that is decided when its record is read; `text` is the row as it is printed.
    pub(crate) fn decided(event: &EventSummary, place: Place, text: Vec<u8>) -> Self {
        let (time, written_time) = (event.timestamp(), event.time.clone());
        Self { time, written_time, is_uncovered: false, place, text, account: None }
    }

    /// The row of an event that no rule covers, by its record.
    pub(crate) fn uncovered(
        event: &EventSummary,
        place: Place,
        record: &str,
        account: Option<&AccountId>,
    ) -> Self {
        let row = Self::decided(event, place, record.as_bytes().to_vec());
        Self { is_uncovered: true, account: account.cloned(), ..row }
    }
}

impl Spill for KeptRow {
    fn size(&self) -> usize {
        size_of::<Self>() + self.text.len() + self.written_time.as_ref().map_or(0, String::len)
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.time.encode(out)?;
        self.written_time.encode(out)?;
        self.is_uncovered.encode(out)?;
        self.place.0.encode(out)?;
        self.place.1.encode(out)?;
        self.text.encode(out)?;
        self.account.as_ref().map(|account| account.as_str().to_owned()).encode(out)
    }

    fn read(input: &mut impl Read) -> io::Result<Self> {
        Ok(Self {
            time: Option::decode(input)?,
            written_time: Option::decode(input)?,
            is_uncovered: bool::decode(input)?,
            place: (u64::decode(input)?, u64::decode(input)?),
            text: Vec::decode(input)?,
            account: Option::<String>::decode(input)?.and_then(|account| AccountId::new(&account)),
        })
    }
}
