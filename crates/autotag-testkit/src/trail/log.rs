//! The files of a trail, each made from its number.

use super::damage::Damage;
use super::gzip::gzip;
use super::ids::{Numbers, mix};
use super::odd::odd;
use super::people::{Session, User};
use super::record::{Call, Caller, push_call, push_session, time};
use super::shape::{REGIONS, Shape, ShapeError, millionths};
use super::template::Templates;
use super::wrap::{packed, rewritten};
use std::fmt;

/// A log file of a trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailFile {
    /// The key that CloudTrail would give it in a bucket, with `/` between folders.
    pub path: String,
    /// The content: almost always gzip.
    pub bytes: Vec<u8>,
    /// The size of its text, before wrapping, damage and compression.
    pub text: u64,
}

/// A trail that has the asked [`Shape`].
pub struct Trail {
    shape: Shape,
    /// Shares in millionths.
    creations: u64,
    sessions: u64,
    odd: u64,
    accounts: Vec<String>,
    files: u64,
    /// The length of what the files of one delivery cover, in milliseconds.
    slot: u64,
    templates: Templates,
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trail")
            .field("shape", &self.shape)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

/// 1 January 2026, in milliseconds.
const START: u64 = 1_767_225_600_000;
const DAY: u64 = 86_400_000;

/// How long a session may be used, in milliseconds.
const SESSION: u64 = 43_200_000;

/// How often a caller is looked for among the sessions of the last hours, before it is a user.
const TRIES: u64 = 8;

/// Services that call others by themselves.
const SERVICES: [&str; 4] = [
    "autoscaling.amazonaws.com",
    "config.amazonaws.com",
    "resource-explorer-2.amazonaws.com",
    "backup.amazonaws.com",
];

/// The purposes of numbers; each use gets others.
mod purpose {
    pub(super) const ORDER: u64 = 1;
    pub(super) const FORM: u64 = 2;
    pub(super) const SESSION: u64 = 3;
    pub(super) const RECORD: u64 = 4;
    pub(super) const FILE_NAME: u64 = 5;
    pub(super) const TRAIL: u64 = 6;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Creation,
    /// It begins the session of this number in its file.
    Session(u64),
    Other,
}

/// The number of a file, with its account, region and time.
#[derive(Debug, Clone, Copy)]
struct Place {
    file: u64,
    slot: u64,
    account: u64,
    region: u64,
}

impl Trail {
    /// The trail of a shape.
    ///
    /// # Errors
    /// Numbers and shares that no trail has.
    pub fn new(shape: Shape) -> Result<Self, ShapeError> {
        shape.check()?;
        let files = shape.records.div_ceil(shape.records_a_file);
        let slots = files.div_ceil(shape.accounts * shape.regions);
        let account = |number: u64| if number == 0 { 111_122_223_333 } else { 444_455_550_000 + number };
        Ok(Self {
            creations: millionths(shape.creations),
            sessions: millionths(shape.sessions),
            odd: millionths(shape.odd),
            accounts: (0..shape.accounts).map(|number| account(number).to_string()).collect(),
            files,
            slot: shape.days * DAY / slots,
            templates: Templates::new(),
            shape,
        })
    }

    /// How many files it has.
    pub fn files(&self) -> u64 {
        self.files
    }

    /// How many records it has.
    pub fn records(&self) -> u64 {
        self.shape.records
    }

    /// How many records tell of creations. Where records are odd, some of them tell of a failed one, or cannot be read.
    pub fn creations(&self) -> u64 {
        upto(self.shape.records, self.creations)
    }

    /// How many records begin sessions.
    pub fn sessions(&self) -> u64 {
        upto(self.shape.records, self.sessions)
    }

    /// The file of a number below [`Trail::files`].
    pub fn file(&self, number: u64) -> TrailFile {
        let mut numbers = Numbers::new(self.shape.seed, &[purpose::FORM, number]);
        let wrapped = numbers.chance(millionths(self.shape.wrapped));
        let damage =
            if numbers.chance(millionths(self.shape.damaged)) { Damage::any(&mut numbers) } else { None };
        let log = self.log(number);
        let (path, size) = (self.path(number), log.len() as u64);
        let mut text = if wrapped {
            let mut records = Vec::new();
            self.each_record(number, &mut |record| records.push(record.to_owned()));
            rewritten(&mut numbers, log, &records).into_bytes()
        } else {
            log.into_bytes()
        };
        if let Some(Damage::Text(change)) = damage {
            change(&mut numbers, &mut text);
        }
        let (mut bytes, ending) =
            if wrapped { packed(&mut numbers, text) } else { (gzip(&text), ".json.gz") };
        if let Some(Damage::File(change)) = damage {
            change(&mut numbers, &mut bytes);
        }
        TrailFile { path: path.replace(".json.gz", ending), bytes, text: size }
    }

    /// The text of a file in CloudTrail's form, neither damaged nor wrapped.
    pub fn log(&self, number: u64) -> String {
        let mut text =
            String::with_capacity(usize::try_from(self.shape.records_a_file).unwrap_or_default() * 1300);
        text.push_str(r#"{"Records":["#);
        let mut first = true;
        self.each_record(number, &mut |record| {
            if !std::mem::take(&mut first) {
                text.push(',');
            }
            text.push_str(record);
        });
        text.push_str("]}");
        text
    }

    /// Passes each record of a file to `visit`, in the order in which the file has them.
    fn each_record(&self, file: u64, visit: &mut dyn FnMut(&str)) {
        let place = self.place(file);
        let mut record = String::new();
        for (position, kind) in self.kinds(file).into_iter().enumerate() {
            let number = file * self.shape.records_a_file + position as u64;
            let mut numbers = Numbers::new(self.shape.seed, &[purpose::RECORD, number]);
            record.clear();
            self.push_record(&mut numbers, place, number, kind, &mut record);
            if numbers.chance(self.odd) {
                record = odd(&mut numbers, &record);
            }
            visit(&record);
        }
    }

    /// The kinds of the records of a file, in order.
    fn kinds(&self, file: u64) -> Vec<Kind> {
        let first = file * self.shape.records_a_file;
        let end = (first + self.shape.records_a_file).min(self.shape.records);
        let creations = upto(end, self.creations) - upto(first, self.creations);
        let sessions = (0..self.sessions_of(file)).map(Kind::Session);
        let marked = (0..creations).map(|_| Kind::Creation).chain(sessions);
        let count = usize::try_from(end - first).unwrap_or_default();
        let mut kinds: Vec<Kind> = marked.chain(std::iter::repeat(Kind::Other)).take(count).collect();
        Numbers::new(self.shape.seed, &[purpose::ORDER, file]).shuffle(&mut kinds);
        kinds
    }

    fn sessions_of(&self, file: u64) -> u64 {
        let first = file * self.shape.records_a_file;
        let end = (first + self.shape.records_a_file).min(self.shape.records);
        upto(end, self.sessions).saturating_sub(upto(first, self.sessions))
    }

    fn push_record(&self, numbers: &mut Numbers, place: Place, number: u64, kind: Kind, out: &mut String) {
        let position = number - place.file * self.shape.records_a_file;
        let within = position * self.slot / self.shape.records_a_file;
        let mut call = Call {
            account: self.account(place.account),
            region: region(place.region),
            time: milliseconds(self.start(place.slot) + within),
            // Other seeds have other ids.
            unique: mix(number ^ Numbers::new(self.shape.seed, &[purpose::TRAIL]).any()),
            number,
            fails: numbers.chance(self.odd / 10),
        };
        let templates = match kind {
            Kind::Session(which) => {
                let issued = self.issued(place, which);
                let session = self.session(place.file, which, issued);
                call.time = milliseconds(issued);
                call.fails = false;
                push_session(&call, &self.caller(numbers, place, issued), &session, out);
                return;
            }
            Kind::Creation => &self.templates.creations,
            Kind::Other => &self.templates.others,
        };
        // Much of what is read and none of what is created is the work of AWS itself.
        let caller = if kind == Kind::Other && numbers.chance(250_000) {
            Caller::Service(numbers.pick(&SERVICES).copied().unwrap_or_default())
        } else {
            self.caller(numbers, place, self.start(place.slot) + within)
        };
        if let Some(template) = numbers.pick(templates) {
            push_call(&call, &caller, template, out);
        }
    }

    /// The caller: mostly a session that began in the same account and is still valid.
    fn caller(&self, numbers: &mut Numbers, place: Place, now: u64) -> Caller {
        let slots = (SESSION / self.slot.max(1) + 1).min(place.slot + 1);
        let tries = if numbers.chance(150_000) { 0 } else { TRIES };
        for _ in 0..tries {
            let slot = place.slot - numbers.below(slots);
            let region = numbers.below(self.shape.regions);
            let file = (slot * self.shape.accounts + place.account) * self.shape.regions + region;
            let sessions = if file < self.files { self.sessions_of(file) } else { 0 };
            if sessions == 0 {
                continue;
            }
            let which = numbers.below(sessions);
            let issued = self.issued(self.place(file), which);
            if issued < now && now < issued + SESSION {
                return Caller::Session(self.session(file, which, issued));
            }
        }
        Caller::User(User::any(numbers))
    }

    /// When a session of a file begins.
    fn issued(&self, place: Place, which: u64) -> u64 {
        self.start(place.slot) + which * self.slot / self.sessions_of(place.file).max(1)
    }

    fn session(&self, file: u64, which: u64, issued: u64) -> Session {
        let mut numbers = Numbers::new(self.shape.seed, &[purpose::SESSION, file, which]);
        Session::new(&mut numbers, file, which, time(milliseconds(issued)))
    }

    fn place(&self, file: u64) -> Place {
        let (of_account, region) = (file / self.shape.regions, file % self.shape.regions);
        Place {
            file,
            slot: of_account / self.shape.accounts,
            account: of_account % self.shape.accounts,
            region,
        }
    }

    fn start(&self, slot: u64) -> u64 {
        START + slot * self.slot
    }

    fn account(&self, number: u64) -> &str {
        usize::try_from(number).ok().and_then(|number| self.accounts.get(number)).map_or("", String::as_str)
    }

    fn path(&self, file: u64) -> String {
        let place = self.place(file);
        let (account, region) = (self.account(place.account), region(place.region));
        let delivered = time(milliseconds(self.start(place.slot) + self.slot.saturating_sub(1)));
        let day = delivered.get(..10).unwrap_or_default().replace('-', "/");
        let minute: String = delivered.chars().take(16).filter(|c| !"-:".contains(*c)).collect();
        let mut name = String::new();
        super::ids::push_base32(
            Numbers::new(self.shape.seed, &[purpose::FILE_NAME, file]).any(),
            8,
            &mut name,
        );
        super::ids::push_base32(file, 8, &mut name);
        format!(
            "AWSLogs/{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{minute}Z_{name}.json.gz"
        )
    }
}

fn region(number: u64) -> &'static str {
    usize::try_from(number).ok().and_then(|number| REGIONS.get(number)).copied().unwrap_or_default()
}

fn milliseconds(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

/// How many of the first `count` records have a share of so many millionths.
fn upto(count: u64, millionths: u64) -> u64 {
    count * millionths / 1_000_000
}
