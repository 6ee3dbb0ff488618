//! Records as texts with slots, which are split once.

/// The content of a slot differs in each record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Account,
    Region,
    /// A number of two digits.
    Digits,
    /// Milliseconds since 1970.
    Milliseconds,
    /// A part of a name, different in each record.
    Name,
    /// The time in CloudTrail's format.
    Time,
    /// A UUID.
    Uuid,
    /// 17 hexadecimal digits, different in each record: the id of what the record is about.
    Id,
    /// 17 hexadecimal digits of another resource.
    OtherId,
}

impl Slot {
    fn of(mark: &str) -> Option<Self> {
        Some(match mark {
            "A" => Self::Account,
            "R" => Self::Region,
            "D" => Self::Digits,
            "M" => Self::Milliseconds,
            "N" => Self::Name,
            "T" => Self::Time,
            "U" => Self::Uuid,
            "V" => Self::Id,
            "W" => Self::OtherId,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Text(&'static str),
    Slot(Slot),
}

/// One kind of call: who is called, and the texts of request and response.
#[derive(Debug)]
pub(super) struct Template {
    /// `ec2`: the domain is always `.amazonaws.com`.
    pub(super) service: &'static str,
    pub(super) event: &'static str,
    pub(super) read_only: bool,
    pub(super) request: Vec<Part>,
    pub(super) response: Vec<Part>,
}

/// Every call that creates a resource, and every other call.
#[derive(Debug)]
pub(super) struct Templates {
    pub(super) creations: Vec<Template>,
    pub(super) others: Vec<Template>,
}

impl Templates {
    pub(super) fn new() -> Self {
        let creations = lines(include_str!("creations.tsv")).filter_map(|line| match line.as_slice() {
            [service, event, request, response] => Some(template(service, event, "false", request, response)),
            _ => None,
        });
        let others = lines(include_str!("others.tsv")).filter_map(|line| match line.as_slice() {
            [service, event, read_only, request, response] => {
                Some(template(service, event, read_only, request, response))
            }
            _ => None,
        });
        Self { creations: creations.collect(), others: others.collect() }
    }
}

fn lines(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().map(|line| line.split('\t').collect())
}

fn template(
    service: &'static str,
    event: &'static str,
    read_only: &str,
    request: &'static str,
    response: &'static str,
) -> Template {
    Template {
        service,
        event,
        read_only: read_only == "true",
        request: parts(request),
        response: parts(response),
    }
}

/// Marks are one letter between two `@`.
fn parts(text: &'static str) -> Vec<Part> {
    let part = |(number, piece)| {
        let slot = if number % 2 == 1 { Slot::of(piece) } else { None };
        slot.map_or(Part::Text(piece), Part::Slot)
    };
    text.split('@').enumerate().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_template_with_known_slots() {
        let templates = Templates::new();
        assert_eq!(templates.creations.len(), include_str!("creations.tsv").lines().count());
        assert_eq!(templates.others.len(), include_str!("others.tsv").lines().count());
        for template in templates.creations.iter().chain(&templates.others) {
            for parts in [&template.request, &template.response] {
                let slots = parts.iter().filter(|part| matches!(part, Part::Slot(_))).count();
                assert_eq!(slots, parts.len() / 2, "{} has an unknown mark", template.event);
            }
        }
    }
}
