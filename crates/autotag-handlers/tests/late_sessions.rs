//! Sessions of one role and one name with other tags and overlapping lives; their records and the calls made in them come
//! in any order and any number of copies, and each call is looked at once more where its session was not known. No
//! resource ever carries a tag of another session, and in the end each has those of its own.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

use autotag_handlers::classify::{Classifier, Creation};
use autotag_handlers::outcome::Outcome;
use autotag_handlers::plan::Execution;
use autotag_handlers::recheck;
use autotag_handlers::records::PlanRequest;
use autotag_model::identity::{AccessKeyId, Principal};
use autotag_model::session::{Session, SessionKind};
use common::{HERE, World, call, user};
use dice::Dice;
use futures_executor::block_on;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use session_store::SessionWriter as _;

#[expect(dead_code, reason = "each test file uses a part of it")]
mod common;

const INTERLEAVINGS: u64 = 100_000;
const NAME: &str = "AROAOps:shift";

/// One session and the calls made in it.
struct Life {
    session: Session,
    /// What the role's own account is told of it.
    poor: Session,
    owner: String,
    calls: Vec<Creation>,
}

/// What comes in.
#[derive(Clone)]
enum Step {
    Sts(usize),
    PoorSts(usize),
    First(usize, usize),
    Second(usize, usize, Vec<(String, String)>),
}

fn issued(offset: i64) -> Timestamp {
    let nine: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
    nine + SignedDuration::from_secs(offset)
}

/// The identity of a call in the session issued then.
fn identity(offset: i64, key: Option<&str>) -> Value {
    let mut identity = json!({"type": "AssumedRole", "principalId": NAME, "accountId": HERE,
        "arn": format!("arn:aws:sts::{HERE}:assumed-role/Ops/shift"),
        "sessionContext": {"attributes": {"creationDate": issued(offset).to_string()},
            "sessionIssuer": {"type": "Role", "userName": "Ops", "principalId": "AROAOps",
                "arn": format!("arn:aws:iam::{HERE}:role/Ops")}}});
    if let Some(key) = key {
        identity["accessKeyId"] = json!(key);
    }
    identity
}

/// The sessions of one interleaving. Where calls have not their session's own key, sessions are far enough apart: nearer
/// ones cannot be told apart by what such a record says.
fn lives(classifier: &Classifier, dice: &mut Dice) -> Vec<Life> {
    let near = dice.below(2) == 0;
    let count = 2 + dice.below(3);
    let mut offset = 0;
    (0..count)
        .map(|number| {
            offset += if near { i64::from(dice.below(2)) } else { 5 + i64::from(dice.below(600)) };
            let key = format!("ASIA{number}");
            let saml = !near && dice.below(3) == 0;
            let kind = if saml { SessionKind::AssumeRoleWithSaml } else { SessionKind::AssumeRole };
            let mut poor = Session::new(NAME, issued(offset), kind);
            poor.access_key = AccessKeyId::new(&key);
            let mut session = poor.clone();
            let owner = format!("person-{number}");
            session.tags = vec![
                ("Team".to_owned(), format!("team-{number}")),
                (format!("Only{number}"), format!("only-{number}")),
            ];
            session.caller = Principal::from_value(&user(&owner));
            session.subject = saml.then(|| owner.clone());
            poor.caller = Principal::from_value(&json!({"type": "AWSAccount", "accountId": "444455556666"}));
            let calls = (0..=dice.below(2))
                .map(|call_number| {
                    let used = match dice.below(4) {
                        0 if !near => None,
                        1 if saml => Some("ASIAFURTHER"),
                        _ => Some(key.as_str()),
                    };
                    let second = 60 * number + call_number;
                    let id = format!("vol-{number}-{call_number}");
                    let who = identity(offset, used);
                    let record = call(second, &who, "ec2:CreateVolume", &json!({}), &json!({"volumeId": id}));
                    common::creation(classifier, &record)
                })
                .collect();
            Life { session, poor, owner, calls }
        })
        .collect()
}

fn world() -> World {
    World { now: issued(1_200), ..common::world() }
}

/// Plays one interleaving; the world at its end.
fn play(lives: &[Life], dice: &mut Dice) -> World {
    let world = world();
    let mut open: Vec<Step> = Vec::new();
    for (number, life) in lives.iter().enumerate() {
        let copies = |dice: &mut Dice| 1 + dice.below(3);
        open.extend((0..copies(dice)).map(|_| Step::Sts(number)));
        open.extend((0..dice.below(2)).map(|_| Step::PoorSts(number)));
        for call in 0..life.calls.len() {
            open.extend((0..copies(dice)).map(|_| Step::First(number, call)));
        }
    }
    let mut looked = 0;
    while !open.is_empty() {
        // Rechecks come after all records: their queue delays them for longer than records take.
        let first = open.iter().filter(|step| !matches!(step, Step::Second(..))).count();
        let among: Vec<usize> =
            (0..open.len()).filter(|index| first == 0 || !matches!(open[*index], Step::Second(..))).collect();
        let at = among[dice.below(u32::try_from(among.len()).unwrap()) as usize];
        match open.swap_remove(at) {
            Step::Sts(life) => {
                block_on(world.sessions.put(&lives[life].session)).unwrap();
                continue;
            }
            Step::PoorSts(life) => {
                block_on(world.sessions.put(&lives[life].poor)).unwrap();
                continue;
            }
            Step::First(life, call) => {
                let found = lives[life].calls[call].clone();
                let records = found.event.id.iter().map(|id| (id.clone(), "its record".to_owned())).collect();
                let plan = common::plan_over(&world.sessions, &world.backend, world.now, vec![found.into()]);
                let rechecks = recheck::needed(&plan, &records, world.now).into_iter();
                for row in block_on(plan.execute(&world.backend, &Execution::at(world.now))) {
                    let done = matches!(row.status, Outcome::Tagged | Outcome::AlreadyTagged(_));
                    assert!(done, "{row:?}");
                }
                open.extend(
                    rechecks.map(|recheck| Step::Second(life, call, recheck.tags.into_iter().collect())),
                );
            }
            Step::Second(life, call, ours) => {
                let mut request = PlanRequest::from(lives[life].calls[call].clone());
                request.previous_tags = Some(ours);
                let rows = common::run_over(&world.sessions, &world.backend, world.now, vec![request]);
                assert!(rows.iter().all(|row| !row.status.is_returned()), "{rows:?}");
                looked += 1;
            }
        }
        assert!(looked < 100, "rechecks end");
        nobody_elses(lives, &world);
    }
    world
}

fn resources(life: &Life) -> impl Iterator<Item = String> {
    life.calls.iter().flat_map(|found| &found.targets).map(|target| target.resource.display())
}

/// No resource carries what only another session has.
fn nobody_elses(lives: &[Life], world: &World) {
    for (number, life) in lives.iter().enumerate() {
        for resource in resources(life) {
            let tags = world.backend.tags_on(&resource);
            for other in (0..lives.len()).filter(|other| *other != number) {
                let theirs = [format!("team-{other}"), format!("only-{other}"), format!("person-{other}")];
                let taken = tags.values().any(|value| theirs.contains(value));
                assert!(!taken, "{resource} of session {number} carries a tag of session {other}: {tags:?}");
            }
        }
    }
}

/// Each has those of its own.
fn all_of_its_own(lives: &[Life], world: &World) {
    for (number, life) in lives.iter().enumerate() {
        for resource in resources(life) {
            let tags = world.backend.tags_on(&resource);
            let has = |key: &str, value: &str| tags.get(key).is_some_and(|known| known == value);
            assert!(
                has("Owner", &life.owner)
                    && has("Team", &format!("team-{number}"))
                    && has(&format!("Only{number}"), &format!("only-{number}")),
                "{resource} of session {number}: {tags:?}"
            );
        }
    }
}

fn one(seed: u64, classifier: &Classifier) {
    let mut dice = Dice::new(seed);
    let lives = lives(classifier, &mut dice);
    let world = play(&lives, &mut dice);
    all_of_its_own(&lives, &world);
}

#[test]
fn in_any_order_each_resource_ends_with_the_tags_of_its_own_session_alone() {
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let classifier = common::classifier();
                for seed in (thread..INTERLEAVINGS).step_by(usize::try_from(threads).unwrap()) {
                    let played =
                        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| one(seed, &classifier)));
                    assert!(played.is_ok(), "interleaving {seed}: see above");
                }
            });
        }
    });
}

/// The judge notices a resource that has taken over what another session has.
#[test]
#[should_panic(expected = "carries a tag of session 1")]
fn a_tag_of_somebody_else_is_noticed() {
    let classifier = common::classifier();
    let lives = lives(&classifier, &mut Dice::new(1));
    let world = world();
    let resource = resources(&lives[0]).next().unwrap();
    world.backend.put_tags(&resource, &[("Team", "team-1")]);
    nobody_elses(&lives, &world);
}

mod dice {
    /// Throws that a seed repeats, by the splitmix64 generator.
    pub(crate) struct Dice(u64);

    impl Dice {
        pub(crate) fn new(seed: u64) -> Self {
            Self(seed)
        }

        /// A number from 0 to one below `sides`.
        pub(crate) fn below(&mut self, sides: u32) -> u32 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            u32::try_from(mixed >> 32).unwrap_or(0) % sides
        }
    }
}
