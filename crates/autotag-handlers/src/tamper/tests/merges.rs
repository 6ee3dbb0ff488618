//! Histories merge to one value.

use crate::tamper::{MAX_REPAIRS, RecordedChange, RecordedRepair, TamperHistory, TruceMark};
use jiff::Timestamp;
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn one() -> impl Strategy<Value = TamperHistory> {
    let who = prop::sample::select(vec!["eve", "ci", ""]).prop_map(str::to_owned);
    let event = (0_u8..40).prop_map(|number| format!("e-{number}"));
    prop_oneof![
        6 => (0_i64..60, event.clone(), who.clone())
            .prop_map(|(time, event, by)| TamperHistory::of_change(RecordedChange { time: at(time), event, by })),
        4 => (0_i64..60, event)
            .prop_map(|(time, answers)| TamperHistory::of_repair(RecordedRepair { time: at(time), answers })),
        1 => (0_i64..60, who).prop_map(|(time, with)| TamperHistory::of_truce(TruceMark { time: at(time), with })),
        1 => (0_i64..60).prop_map(|time| TamperHistory::of_resumption(at(time))),
    ]
}

fn folded(parts: impl IntoIterator<Item = TamperHistory>) -> TamperHistory {
    parts.into_iter().fold(TamperHistory::default(), TamperHistory::merge)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Redelivered and reordered events end in the same history, also where more happened than it keeps.
    #[test]
    fn any_order_and_any_copies_give_the_same(parts in prop::collection::vec(one(), 0..200), seed in any::<u64>()) {
        let whole = folded(parts.clone());
        let mut random = fastrand_like(seed);
        let mut shuffled: Vec<TamperHistory> = parts.iter().chain(parts.iter().step_by(3)).cloned().collect();
        for from in (1..shuffled.len()).rev() {
            let to = usize::try_from(random() % (u64::try_from(from).unwrap() + 1)).unwrap();
            shuffled.swap(from, to);
        }
        prop_assert_eq!(&folded(shuffled), &whole);
        let (front, back) = parts.split_at(parts.len() / 2);
        let (front, back) = (folded(front.to_vec()), folded(back.to_vec()));
        prop_assert_eq!(&front.clone().merge(back.clone()), &whole);
        prop_assert_eq!(&back.merge(front), &whole);
        prop_assert_eq!(&whole.clone().merge(whole.clone()), &whole);
        prop_assert!(whole.changes().count() <= 64 && whole.repairs().count() <= MAX_REPAIRS);
    }

    #[test]
    fn a_history_survives_its_serialization(parts in prop::collection::vec(one(), 0..30)) {
        let whole = folded(parts);
        let text = serde_json::to_string(&whole).unwrap();
        prop_assert_eq!(serde_json::from_str::<TamperHistory>(&text).unwrap(), whole);
    }
}

/// Numbers by a seed (xorshift).
fn fastrand_like(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

#[test]
fn what_is_after_the_end_of_a_truce_counts_alone() {
    let change = |time, event: &str| {
        TamperHistory::of_change(RecordedChange {
            time: at(time),
            event: event.to_owned(),
            by: "eve".to_owned(),
        })
    };
    let truce = TamperHistory::of_truce(TruceMark { time: at(5), with: "eve".to_owned() });
    let history = folded([change(1, "e-1"), truce, TamperHistory::of_resumption(at(9)), change(10, "e-2")]);
    assert_eq!(history.truce(), None);
    assert_eq!(history.changes().map(|change| change.event.as_str()).collect::<Vec<_>>(), ["e-2"]);
    assert!(history.is_past(at(9)) && !history.is_past(at(10)));
    // A change from before that comes later counts no more.
    assert_eq!(history.clone().merge(change(3, "e-0")), history);
}

#[test]
fn a_repair_is_undone_by_changes_after_it_and_once() {
    let change = |time, event: &str, by: &str| {
        TamperHistory::of_change(RecordedChange {
            time: at(time),
            event: event.to_owned(),
            by: by.to_owned(),
        })
    };
    let repair = |time, answers: &str| {
        TamperHistory::of_repair(RecordedRepair { time: at(time), answers: answers.to_owned() })
    };
    let history = folded([
        // Three calls of one burst, then a repair in the second of the call that it answers.
        change(1, "e-1", "eve"),
        change(1, "e-2", "eve"),
        change(2, "e-3", "eve"),
        repair(2, "e-3"),
        // Undone by two calls.
        change(5, "e-4", "eve"),
        change(6, "e-5", "eve"),
        repair(8, "e-4"),
        change(9, "e-6", "ci"),
        change(9, "e-7", ""),
    ]);
    assert_eq!(history.undone().into_iter().collect::<Vec<_>>(), [("ci", 1), ("eve", 1)]);
    assert!(history.is_answered("e-3") && !history.is_answered("e-1") && history.knows("e-7"));
}
