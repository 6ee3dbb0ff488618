//! Counts of events by their source and name. Their number is bounded: a log file may have any names.

use std::collections::BTreeMap;

/// Events by source and name.
pub(crate) type EventCounts = BTreeMap<(String, String), u64>;

/// The most events that are told apart. AWS has about as many.
const MOST_EVENTS: usize = 20_000;

/// The longest source and the longest name, in characters. AWS's are shorter.
const LONGEST_NAME: usize = 128;

/// The name of all events that are not told apart.
const FURTHER_EVENTS: &str = "further events";

/// The key by which an event is counted.
pub(crate) fn event_key(source: &str, name: &str) -> (String, String) {
    let cut = |text: &str| text.chars().take(LONGEST_NAME).collect();
    (cut(source), cut(name))
}

/// Counts so many events more. If there are too many names, further ones are counted together.
pub(crate) fn count_events(counts: &mut EventCounts, event: (String, String), more: u64) {
    let is_known = counts.len() < MOST_EVENTS || counts.contains_key(&event);
    let event = if is_known { event } else { (String::new(), FURTHER_EVENTS.to_owned()) };
    *counts.entry(event).or_default() += more;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_names_is_counted_in_bounded_memory() {
        let mut counts = EventCounts::new();
        let many = MOST_EVENTS as u64 + 500;
        for number in 0..many {
            count_events(&mut counts, event_key("s", &format!("{number}{}", "x".repeat(2_000))), 1);
        }
        count_events(&mut counts, event_key("s", &format!("0{}", "x".repeat(2_000))), 1);
        assert_eq!(counts.len(), MOST_EVENTS + 1);
        assert_eq!(counts.values().sum::<u64>(), many + 1);
        assert_eq!(counts[&(String::new(), FURTHER_EVENTS.to_owned())], 500);
        assert_eq!(counts[&event_key("s", &format!("0{}", "x".repeat(127)))], 2);
        assert!(counts.keys().all(|(_, name)| name.chars().count() <= LONGEST_NAME));
    }
}
