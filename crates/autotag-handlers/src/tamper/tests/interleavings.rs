//! 100,000 interleavings of autotag, two people and a Terraform that puts back its state, while events come late, twice and in
//! any order. The seeds are fixed, so each one can be repeated.
//!
//! With k principals who tamper there are at most k + 1 writes, and one more for each time that two handlers work at once or
//! that one dies between its write and its entry.

use super::decisions::{EVE, TERRAFORM, change, pairs};
use crate::event::EventSummary;
use crate::owner::Proof;
use crate::tamper::{ExpectedTags, OwnRoles, Reaction, TagChange, TamperHistory, TamperInput, decide};
use autotag_model::identity::Principal;
use autotag_model::policy::Policy;
use autotag_model::tags::TagConstraints;
use jiff::Timestamp;
use serde_json::json;
use std::sync::{Arc, LazyLock};

const BOB: &str = "arn:aws:iam::111122223333:user/bob";
const OWN: &str = "arn:aws:iam::111122223333:role/autotag-member";

/// The parts that do not change from one interleaving to the next.
struct Fixed {
    policy: Policy,
    expected: ExpectedTags,
    constraints: TagConstraints,
    own: OwnRoles,
    /// A change without a caller, and by each principal.
    changes: [TagChange; 5],
}

const NOBODY: usize = 0;
const BY_EVE: usize = 1;
const BY_BOB: usize = 2;
const BY_TERRAFORM: usize = 3;
const BY_AUTOTAG: usize = 4;

static FIXED: LazyLock<Fixed> = LazyLock::new(|| {
    let user = |arn: &str| Principal::from_value(&json!({"type": "IAMUser", "arn": arn}));
    let role = |role: &str, session: &str| {
        let arn = format!("arn:aws:sts::111122223333:assumed-role/{role}/{session}");
        Principal::from_value(&json!({"type": "AssumedRole", "arn": arn}))
    };
    let by = |principal| change("e", 0, principal);
    Fixed {
        policy: Policy::from_toml("[tamper]\naction = \"repair\"\n").unwrap(),
        expected: ExpectedTags {
            tags: pairs(&[("Owner", "ana"), ("PrincipalId", "AIDAEXAMPLE")]),
            proof: Some(Proof::Person),
            owner_arn: None,
        },
        constraints: TagConstraints::default(),
        own: OwnRoles::new([OWN]).unwrap(),
        changes: [
            by(None),
            by(Some(user(EVE))),
            by(Some(user(BOB))),
            by(Some(role("Terraform", "run"))),
            by(Some(role("autotag-member", "run"))),
        ],
    }
});

/// Numbers by a seed (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }
}

#[derive(Clone, Copy)]
struct Event {
    number: u32,
    second: i64,
    by: usize,
}

/// A reaction between its decision and its write.
struct InFlight {
    event: Event,
    change: TagChange,
    read: Timestamp,
    reaction: Reaction,
}

/// One resource, its events on their way, and what autotag knows.
struct Simulation {
    random: Random,
    second: i64,
    tags: Vec<(String, String)>,
    queue: Vec<Event>,
    events: u32,
    history: TamperHistory,
    in_flight: Option<InFlight>,
    /// True if handlers overlap and die.
    rough: bool,
    writes: usize,
    /// How often handlers overlapped or died.
    mishaps: usize,
    truces: usize,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

impl Simulation {
    fn new(seed: u64, rough: bool) -> Self {
        Self {
            random: Random(seed),
            second: 1,
            tags: FIXED.expected.tags.iter().cloned().chain(pairs(&[("Team", "shop")])).collect(),
            queue: Vec::new(),
            events: 0,
            history: TamperHistory::default(),
            in_flight: None,
            rough,
            writes: 0,
            mishaps: 0,
            truces: 0,
        }
    }

    /// AWS tells of a change: the record of the call, perhaps twice, and the event of `aws.tag`, which names no caller.
    fn tell(&mut self, by: usize) {
        for by in [by, NOBODY] {
            self.events += 1;
            let event = Event { number: self.events, second: self.second, by };
            let copies = 1 + usize::from(self.random.one_in(3));
            self.queue.extend(std::iter::repeat_n(event, copies));
        }
    }

    fn has(&self, key: &str) -> bool {
        self.tags.iter().any(|(known, _)| known == key)
    }

    fn set(&mut self, key: &str, value: &str) {
        self.tags.retain(|(known, _)| known != key);
        self.tags.push((key.to_owned(), value.to_owned()));
    }

    /// Somebody removes a tag, names themselves, or puts the owner back.
    fn person(&mut self, by: usize) {
        match self.random.below(5) {
            0 | 1 => self.tags.retain(|(key, _)| key != "Owner"),
            2 => self.tags.retain(|(key, _)| key != "PrincipalId"),
            3 => self.set("Owner", if by == BY_EVE { "eve" } else { "bob" }),
            _ => self.set("Owner", "ana"),
        }
        self.tell(by);
    }

    /// Terraform knows one tag, and removes all others.
    fn terraform(&mut self) {
        if self.has("Owner") || self.has("PrincipalId") {
            self.tags.retain(|(key, _)| key == "Team");
            self.tell(BY_TERRAFORM);
        }
    }

    /// autotag handles one of the events, whichever comes.
    fn handle(&mut self) {
        if self.queue.is_empty() {
            return;
        }
        let event = self.queue.swap_remove(self.random.below(self.queue.len()));
        let mut change = FIXED.changes[event.by].clone();
        let id = Some(format!("e-{}", event.number));
        let time = Some(at(event.second).to_string());
        change.event =
            Arc::new(EventSummary { id: id.clone(), dedup_id: id, time, ..EventSummary::default() });
        if change
            .principal
            .as_ref()
            .is_some_and(|principal| FIXED.own.is_own(principal, Some("111122223333")))
        {
            return;
        }
        let reaction = decide(&TamperInput {
            change: &change,
            expected: Some(&FIXED.expected),
            present: &self.tags,
            history: &self.history,
            policy: &FIXED.policy,
            constraints: &FIXED.constraints,
        });
        let is_write = matches!(reaction, Reaction::Repair { .. } | Reaction::Truce { .. });
        assert!(!is_write || change.principal.is_some(), "an event without a caller led to {reaction:?}");
        let next = InFlight { event, change, read: at(self.second), reaction };
        if self.rough && self.in_flight.is_none() && self.random.one_in(4) {
            self.mishaps += usize::from(is_write);
            self.in_flight = Some(next);
        } else {
            self.finish(&next);
        }
    }

    fn finish(&mut self, done: &InFlight) {
        if let Reaction::Repair { tags, .. } = &done.reaction {
            for (key, value) in tags {
                assert!(
                    FIXED.expected.tags.contains(&(key.clone(), value.clone())),
                    "{key}={value} was written"
                );
                self.set(key, value);
            }
            self.writes += 1;
            self.tell(BY_AUTOTAG);
            if self.rough && self.random.one_in(8) {
                // It dies, and the message comes again.
                self.mishaps += 1;
                self.queue.push(done.event);
                return;
            }
        }
        self.truces += usize::from(matches!(done.reaction, Reaction::Truce { .. }));
        let history = std::mem::take(&mut self.history);
        self.history = history.merge(done.reaction.recorded(&done.change, done.read));
    }

    fn finish_what_is_in_flight(&mut self) {
        if let Some(done) = self.in_flight.take() {
            self.finish(&done);
        }
    }

    fn handle_all(&mut self) {
        self.finish_what_is_in_flight();
        while !self.queue.is_empty() {
            self.handle();
            self.second += i64::from(self.random.one_in(2));
        }
        self.finish_what_is_in_flight();
    }

    fn steps(&mut self, people: bool) {
        for _ in 0..self.random.below(24) {
            match self.random.below(8) {
                0 if people => self.person(BY_EVE),
                1 if people => self.person(BY_BOB),
                2 | 3 => self.terraform(),
                4 => self.finish_what_is_in_flight(),
                _ => self.handle(),
            }
            self.second += i64::try_from(self.random.below(3)).unwrap();
        }
        self.handle_all();
    }
}

fn run(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let (people, rough) = (seed % 4 != 0, seed % 2 == 0);
        let mut simulation = Simulation::new(seed, rough);
        simulation.steps(people);
        // Terraform goes on, one run after the other. A handler that dies has undone its own work for it.
        let mut runs = 0;
        while runs < 4 || (simulation.history.truce().is_none() && runs < 4 + simulation.mishaps) {
            runs += 1;
            simulation.second += 5;
            simulation.terraform();
            simulation.handle_all();
        }
        let principals = if people { 3 } else { 1 };
        assert!(
            simulation.writes <= principals + 1 + simulation.mishaps,
            "seed {seed}: {} writes, {} mishaps",
            simulation.writes,
            simulation.mishaps
        );
        let truce = simulation.history.truce().unwrap_or_else(|| panic!("seed {seed}: no truce"));
        assert!(people || truce.with == TERRAFORM, "seed {seed}: a truce with {}", truce.with);
        assert!(
            [EVE, BOB, TERRAFORM].contains(&truce.with.as_str()),
            "seed {seed}: a truce with {}",
            truce.with
        );
        // From then on nothing is written, whatever comes.
        let writes = simulation.writes;
        simulation.steps(people);
        simulation.terraform();
        simulation.handle_all();
        assert_eq!(simulation.writes, writes, "seed {seed}: a write after the truce");
        assert!(simulation.truces <= 1 + simulation.mishaps, "seed {seed}: {} truces", simulation.truces);
    }
}

#[test]
fn the_first_25_000_interleavings() {
    run(0..25_000);
}

#[test]
fn the_second_25_000_interleavings() {
    run(25_000..50_000);
}

#[test]
fn the_third_25_000_interleavings() {
    run(50_000..75_000);
}

#[test]
fn the_fourth_25_000_interleavings() {
    run(75_000..100_000);
}

/// Of autotag's own writes come records and events of `aws.tag`, too. They lead to nothing.
#[test]
fn own_writes_cause_no_reaction() {
    for seed in 0..1_000 {
        let mut simulation = Simulation::new(seed, false);
        simulation.tags.retain(|(key, _)| key != "Owner");
        simulation.tell(BY_EVE);
        simulation.handle_all();
        assert_eq!((simulation.writes, simulation.history.repairs().count()), (1, 1), "seed {seed}");
        // Even if somebody takes the tag off and no record of it has come yet.
        simulation.second += 5;
        simulation.tags.retain(|(key, _)| key != "Owner");
        simulation.tell(BY_AUTOTAG);
        simulation.handle_all();
        assert_eq!(simulation.writes, 1, "seed {seed}");
    }
}
