//! Stores creations and decided rows of a plan until everything is read.

use crate::spill::{Bytes, Spill};
use autotag_handlers::classify::{Classification, Classifier, Creation, Envelope};
use autotag_handlers::event::EventSummary;
use autotag_handlers::packed::Packer;
use autotag_handlers::records::PlanRequest;
use autotag_handlers::row::OriginId;
use autotag_handlers::services::TagTarget;
use autotag_model::arn::AccountId;
use autotag_model::envelope::{EventBridgeEnvelope, LocatedRecord};
use autotag_model::record::Record;
use jiff::Timestamp;
use std::cmp::Ordering;
use std::io::{self, ErrorKind, Read, Write};

/// The number of an input, and a number in it that grows with the position.
pub(crate) type Place = (u64, u64);

/// About how many bytes a classified creation takes in memory with its texts, its resources not counted.
const REQUEST_BYTES: usize = 2_000;

/// How many bytes most packed creations do not exceed.
const PACKED_BYTES: usize = 768;

/// A creation.
#[derive(Debug)]
pub(crate) struct KeptCreation {
    pub(crate) time: Option<Timestamp>,
    pub(crate) id: Option<String>,
    pub(crate) place: Place,
    /// The hash of what copies of the event have in common.
    pub(crate) copy: Option<u64>,
    /// The position of the record in its input, if that is to be shown.
    pub(crate) position: Option<String>,
    form: Form,
}

/// The place of a record of a creation.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) place: Place,
    /// The position in the input, if it is to be shown.
    pub(crate) position: Option<String>,
}

/// How a creation is kept.
#[derive(Debug)]
enum Form {
    /// In memory. Beside it is its record if the creation cannot be packed.
    Whole(Box<PlanRequest>, Option<Box<KeptRecord>>),
    /// In few bytes, to be written to disk.
    Packed(Vec<u8>),
    /// As its record, which is classified once more when it is planned.
    Record(Box<KeptRecord>),
}

/// The record of a creation, and what is known about it beside its text.
#[derive(Debug)]
struct KeptRecord {
    text: String,
    account: Option<AccountId>,
    event_bridge: Option<EventBridgeEnvelope>,
}

/// Turns what was kept of a creation into the creation.
#[derive(Debug)]
pub(crate) struct Unpacker<'c> {
    pub(crate) classifier: &'c Classifier,
    pub(crate) packer: &'c Packer,
}

impl KeptCreation {
    pub(crate) fn new(
        request: PlanRequest,
        place: Place,
        copy: Option<u64>,
        record: &LocatedRecord<'_>,
        account: Option<&AccountId>,
    ) -> Self {
        let kept_record = || {
            Box::new(KeptRecord {
                text: record.raw.to_owned(),
                account: account.cloned(),
                event_bridge: record.event_bridge.clone(),
            })
        };
        let record = (!Packer::can_pack(&request)).then(kept_record);
        let event = &request.creation.event;
        let (time, id) = (event.timestamp(), event.id.clone());
        Self { time, id, place, copy, position: None, form: Form::Whole(Box::new(request), record) }
    }

    /// The order in which creations are decided: [`oldest_first`](autotag_handlers::plan::oldest_first), of equal ones the first
    /// in the inputs.
    fn key(&self) -> (Option<Timestamp>, Option<&str>, Place) {
        (self.time, self.id.as_deref(), self.place)
    }

    /// The creation, as long as it is in memory.
    pub(crate) fn request(&self) -> Option<&PlanRequest> {
        match &self.form {
            Form::Whole(request, _) => Some(request),
            Form::Packed(_) | Form::Record(_) => None,
        }
    }

    /// Makes it as small as it is on disk.
    pub(crate) fn pack(&mut self, packer: &Packer) {
        let Form::Whole(request, record) = &mut self.form else { return };
        if let Some(record) = record.take() {
            self.form = Form::Record(record);
        } else if let Some(bytes) = packer.pack(request, Vec::with_capacity(PACKED_BYTES)) {
            self.form = Form::Packed(bytes);
        }
    }

    /// The place of its record.
    pub(crate) fn take_origin(&mut self) -> Origin {
        Origin { place: self.place, position: self.position.take() }
    }

    /// The creation, classified again if it was kept as its record.
    ///
    /// Its origin is the number of the input.
    pub(crate) fn into_request(self, unpacker: &Unpacker<'_>) -> io::Result<PlanRequest> {
        let origin = OriginId(usize::try_from(self.place.0).unwrap_or(usize::MAX));
        let mut request = self.into_unplaced(unpacker)?;
        request.set_origin(origin);
        Ok(request)
    }

    fn into_unplaced(self, unpacker: &Unpacker<'_>) -> io::Result<PlanRequest> {
        let kept = match self {
            Self { form: Form::Whole(request, _), .. } => return Ok(*request),
            kept => kept,
        };
        let creation = |_: &Record<'_>, _: &str, classification| match classification {
            Classification::Creation(creation) => Some(*creation),
            _ => None,
        };
        let request = kept.to_request(unpacker, creation)?;
        request.ok_or_else(|| changed("a record in a temporary file is not a creation any more"))
    }

    /// A copy of the creation. `creation` makes it of the record, its text and its classification, if it was kept as its record.
    pub(crate) fn to_request(
        &self,
        unpacker: &Unpacker<'_>,
        creation: impl FnOnce(&Record<'_>, &str, Classification) -> Option<Creation>,
    ) -> io::Result<Option<PlanRequest>> {
        let record = match &self.form {
            Form::Whole(request, _) => return Ok(Some((**request).clone())),
            Form::Packed(bytes) => {
                let request = unpacker.packer.unpack(bytes);
                return request.map(Some).map_err(|_| changed("a temporary file was changed"));
            }
            Form::Record(record) => record,
        };
        let KeptRecord { text, account, event_bridge } = &**record;
        let record: Record<'_> = serde_json::from_str(text)?;
        let envelope = Envelope { event_bridge: event_bridge.as_ref(), account: account.as_ref() };
        let classification = unpacker.classifier.classify_in(&record, envelope);
        Ok(creation(&record, text, classification).map(PlanRequest::from))
    }
}

fn changed(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
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
        let of_record = |record: &KeptRecord| size_of::<KeptRecord>() + record.text.len();
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        size_of::<Self>()
            + text(&self.id)
            + text(&self.position)
            + match &self.form {
                Form::Whole(request, record) => classified(request) + record.as_deref().map_or(0, of_record),
                Form::Packed(bytes) => bytes.capacity(),
                Form::Record(record) => of_record(record),
            }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.time.encode(out)?;
        self.id.encode(out)?;
        self.place.0.encode(out)?;
        self.place.1.encode(out)?;
        self.copy.encode(out)?;
        self.position.encode(out)?;
        let packed = match &self.form {
            Form::Packed(bytes) => Some(bytes),
            Form::Whole(..) | Form::Record(_) => None,
        };
        packed.is_some().encode(out)?;
        match (packed, &self.form) {
            (Some(bytes), _) => bytes.encode(out),
            (None, Form::Whole(_, Some(record)) | Form::Record(record)) => record.write(out),
            (None, _) => Err(io::Error::other("a creation is not packed before it is written")),
        }
    }

    fn read(input: &mut impl Read) -> io::Result<Self> {
        let (time, id) = (Option::decode(input)?, Option::decode(input)?);
        let place = (u64::decode(input)?, u64::decode(input)?);
        let (copy, position) = (Option::decode(input)?, Option::decode(input)?);
        let form = if bool::decode(input)? {
            Form::Packed(Vec::decode(input)?)
        } else {
            Form::Record(Box::new(KeptRecord::read(input)?))
        };
        Ok(Self { time, id, place, copy, position, form })
    }
}

impl KeptRecord {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.text.encode(out)?;
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
        let text = String::decode(input)?;
        let account = Option::<String>::decode(input)?.and_then(|account| AccountId::new(&account));
        let event_bridge = if bool::decode(input)? { Some(read_event(input)?) } else { None };
        Ok(Self { text, account, event_bridge })
    }
}

fn read_event(input: &mut impl Read) -> io::Result<EventBridgeEnvelope> {
    let mut event = EventBridgeEnvelope::default();
    for text in [&mut event.source, &mut event.detail_type, &mut event.account, &mut event.region] {
        *text = String::decode(input)?;
    }
    Ok(event)
}

/// The kind of a [`KeptRow`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RowKind {
    /// Decided when its record was read.
    Decided,
    /// An event that no rule covers.
    Uncovered,
    /// An event that deletes something.
    Deleting,
}

/// A row of a record that leads to no resource.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeptRow {
    pub(crate) time: Option<Timestamp>,
    pub(crate) written_time: Option<String>,
    /// Uncovered events come after all others of their time.
    pub(crate) kind: RowKind,
    pub(crate) place: Place,
    /// The row as it is printed. Of an uncovered event and a deletion the record itself: who called is known only with all
    /// sessions.
    pub(crate) text: Vec<u8>,
    /// The account in the path of the input, where the text is a record.
    pub(crate) account: Option<AccountId>,
}

impl KeptRow {
    /// A row that is decided when its record is read; `text` is the row as it is printed.
    pub(crate) fn decided(event: &EventSummary, place: Place, text: Vec<u8>) -> Self {
        let (time, written_time) = (event.timestamp(), event.time.clone());
        Self { time, written_time, kind: RowKind::Decided, place, text, account: None }
    }

    /// A row by its record.
    pub(crate) fn of_record(
        kind: RowKind,
        event: &EventSummary,
        place: Place,
        record: &str,
        account: Option<&AccountId>,
    ) -> Self {
        let row = Self::decided(event, place, record.as_bytes().to_vec());
        Self { kind, account: account.cloned(), ..row }
    }
}

impl Spill for KeptRow {
    fn size(&self) -> usize {
        size_of::<Self>() + self.text.len() + self.written_time.as_ref().map_or(0, String::len)
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.time.encode(out)?;
        self.written_time.encode(out)?;
        (self.kind == RowKind::Uncovered).encode(out)?;
        (self.kind == RowKind::Deleting).encode(out)?;
        self.place.0.encode(out)?;
        self.place.1.encode(out)?;
        self.text.encode(out)?;
        self.account.as_ref().map(|account| account.as_str().to_owned()).encode(out)
    }

    fn read(input: &mut impl Read) -> io::Result<Self> {
        Ok(Self {
            time: Option::decode(input)?,
            written_time: Option::decode(input)?,
            kind: match (bool::decode(input)?, bool::decode(input)?) {
                (true, _) => RowKind::Uncovered,
                (_, true) => RowKind::Deleting,
                _ => RowKind::Decided,
            },
            place: (u64::decode(input)?, u64::decode(input)?),
            text: Vec::decode(input)?,
            account: Option::<String>::decode(input)?.and_then(|account| AccountId::new(&account)),
        })
    }
}
