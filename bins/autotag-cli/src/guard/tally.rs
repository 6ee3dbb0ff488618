//! Counts the calls that are denied, or may be denied, in groups.

use super::verdict::Verdict;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// The longest text of a record in a group, in characters. Callers choose some of these texts.
const LONGEST: usize = 300;

/// The properties that the calls of a group share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Subject {
    /// The index of the profile.
    pub(crate) profile: usize,
    /// The index of the statement among those of the profile.
    pub(crate) statement: usize,
    pub(crate) verdict: Verdict,
    pub(crate) principal: String,
    pub(crate) event_source: String,
    pub(crate) event_name: String,
    /// The guarded keys that the calls name.
    pub(crate) keys: Vec<String>,
}

/// The calls of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) count: u64,
    pub(crate) first: Option<Timestamp>,
    pub(crate) last: Option<Timestamp>,
    /// The id of the first event that has one.
    example: Option<(Option<Timestamp>, String)>,
}

/// Groups of calls, at most as many as its bound. The same calls give the same groups, in whatever order and parts they come.
#[derive(Debug)]
pub(crate) struct Tally {
    groups: BTreeMap<Subject, Group>,
    most: usize,
    /// How many calls are in no group.
    pub(crate) others: u64,
}

impl Group {
    /// The id of an event of the group.
    pub(crate) fn example(&self) -> Option<&str> {
        self.example.as_ref().map(|(_, id)| id.as_str())
    }

    fn append(&mut self, other: Self) {
        self.count += other.count;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
        self.example = [self.example.take(), other.example].into_iter().flatten().min();
    }
}

impl Tally {
    pub(super) fn new(most: usize) -> Self {
        Self { groups: BTreeMap::new(), most, others: 0 }
    }

    /// The groups, in an order of their own.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (&Subject, &Group)> {
        self.groups.iter()
    }

    pub(super) fn add(&mut self, subject: Subject, time: Option<Timestamp>, id: Option<&str>) {
        let example = id.map(|id| (time, cut(id)));
        self.append_group(subject, Group { count: 1, first: time, last: time, example });
    }

    pub(super) fn append(&mut self, other: Self) {
        self.others += other.others;
        for (subject, group) in other.groups {
            self.append_group(subject, group);
        }
    }

    /// The groups with the smallest subjects are kept. A group that is left out once is never among them again, so the numbers of
    /// those that are kept are whole.
    fn append_group(&mut self, subject: Subject, group: Group) {
        if let Some(known) = self.groups.get_mut(&subject) {
            return known.append(group);
        }
        self.groups.insert(subject, group);
        if self.groups.len() > self.most
            && let Some((_, left_out)) = self.groups.pop_last()
        {
            self.others += left_out.count;
        }
    }
}

/// At most the first characters of a text.
pub(super) fn cut(text: &str) -> String {
    let mut kept: String = text.chars().take(LONGEST).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(principal: usize) -> Subject {
        Subject {
            profile: 0,
            statement: 0,
            verdict: Verdict::Denied,
            principal: format!("arn:aws:iam::111122223333:role/r{principal:03}"),
            event_source: "sqs.amazonaws.com".to_owned(),
            event_name: "TagQueue".to_owned(),
            keys: Vec::new(),
        }
    }

    fn tally(principals: &[usize]) -> Tally {
        let mut tally = Tally::new(3);
        for principal in principals {
            let time = Timestamp::from_second(i64::try_from(*principal).unwrap()).ok();
            tally.add(subject(*principal), time, Some("id"));
        }
        tally
    }

    #[test]
    fn the_groups_are_bounded_and_do_not_depend_on_the_order() {
        let calls = [5, 1, 4, 1, 2, 5, 3, 1, 2];
        let reversed: Vec<usize> = calls.iter().rev().copied().collect();
        let (left, right) = calls.split_at(4);
        let mut joined = tally(right);
        joined.append(tally(left));
        let all = [tally(&calls), tally(&reversed), joined];
        for tally in &all {
            let counts: Vec<u64> = tally.groups().map(|(_, group)| group.count).collect();
            assert_eq!((counts, tally.others), (vec![3, 2, 1], 3));
            assert!(tally.groups().eq(all[0].groups()));
        }
    }

    #[test]
    fn a_group_has_its_first_and_last_time_and_the_id_of_the_first_event() {
        let time = |second| Timestamp::from_second(second).ok();
        let mut tally = Tally::new(3);
        tally.add(subject(1), time(20), Some("later"));
        tally.add(subject(1), time(10), Some("earlier"));
        tally.add(subject(1), time(5), None);
        let (_, group) = tally.groups().next().unwrap();
        assert_eq!((group.first, group.last, group.example()), (time(5), time(20), Some("earlier")));
    }

    #[test]
    fn long_texts_of_records_are_cut() {
        assert_eq!(cut(&"ä".repeat(LONGEST)).chars().count(), LONGEST);
        assert_eq!(cut(&"ä".repeat(LONGEST + 1)).chars().count(), LONGEST + 1);
        assert!(cut(&"x".repeat(1_000_000)).ends_with("x…"));
    }
}
