//! The event of a record, by its members `eventSource` and `eventName`.

/// The members of one record that name its event.
#[derive(Default)]
pub(super) struct EventMembers {
    source: Member,
    name: Member,
    /// True if only the parser can tell: the names of these two may be spelled by codes, or a member of the record may have
    /// a value that cannot be read.
    pub(super) needs_parser: bool,
}

/// The place of a member.
#[derive(Default, Clone, Copy)]
enum Member {
    #[default]
    Absent,
    At(usize),
    /// More than one may have this name.
    Repeated,
}

/// The first bytes of the two names. They tell them from all other members that CloudTrail writes.
const SOURCE: &[u8; 8] = b"eventSou";
const NAME: &[u8; 8] = b"eventNam";

impl EventMembers {
    /// Notes a member of the record. `at` is the quote before its name.
    pub(super) fn key(&mut self, text: &[u8], at: usize) {
        let member = match text.get(at + 1..).and_then(<[u8]>::first_chunk) {
            Some(SOURCE) => &mut self.source,
            Some(NAME) => &mut self.name,
            _ => return,
        };
        *member = match member {
            Member::Absent => Member::At(at),
            _ => Member::Repeated,
        };
    }

    /// Event source and event name. `None` if the record has to be parsed to tell, or to tell whether it is a record.
    pub(super) fn of(self, text: &[u8]) -> Option<(&str, &str)> {
        if self.needs_parser {
            return None;
        }
        let source = self.source.value(text, b"\"eventSource\":\"")?;
        let name = self.name.value(text, b"\"eventName\":\"")?;
        // Deliveries of S3, SQS and SNS have an event source, too.
        (!source.starts_with("aws:")).then_some((source, name))
    }
}

impl Member {
    /// The text that is the member's value, if it is plain. `before` is all that comes before it.
    fn value<'t>(self, text: &'t [u8], before: &[u8]) -> Option<&'t str> {
        let Self::At(at) = self else { return None };
        let rest = text.get(at..)?.strip_prefix(before)?;
        let end = memchr::memchr2(b'"', b'\\', rest)?;
        let value = rest.get(..end)?;
        // The parser resolves escapes, trims names, and takes an empty one for none.
        let is_plain = rest.get(end) == Some(&b'"')
            && value.first().is_some_and(u8::is_ascii_graphic)
            && value.last().is_some_and(u8::is_ascii_graphic);
        if is_plain { std::str::from_utf8(value).ok() } else { None }
    }
}
