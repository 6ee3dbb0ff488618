//! Sessions of one role and one name: with source identities, of pods, of the account access manager, at the end of role
//! chains. Their records and the calls made in them come in any order and any number of copies, late or never, and each
//! call is evaluated again if evidence about it was missing.
//!
//! In every interleaving, after every step:
//! - no resource carries a session tag of another session;
//! - a proven owner who is not the session's own is provisional: the evaluation asked for a recheck.
//!
//! In the end:
//! - a proven owner is the session's own;
//! - an unproven one is a name that this session itself has: its session name, that of a session in its chain, or its source
//!   identity;
//! - if all its records came and the call is tied to the session, the owner, the proof and all tags are those of the session.
//!
//! `AUTOTAG_INTERLEAVINGS` is the number of interleavings.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

use autotag_handlers::outcome::Outcome;
use autotag_handlers::plan::Execution;
use autotag_handlers::recheck;
use autotag_handlers::records::PlanRequest;
use autotag_model::policy::Policy;
use autotag_model::session::Session;
use common::{HERE, Setup};
use futures_executor::block_on;
use generator::{BROKER, Generated, GeneratedCall, GeneratedSession, HOP, generate, issued};
use random::Random;
use session_store::SessionWriter as _;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

#[expect(dead_code, reason = "each test file uses a part of it")]
mod common;
#[path = "late_sessions/generator.rs"]
mod generator;
#[path = "late_sessions/random.rs"]
mod random;

/// How many interleavings are run if the environment does not say.
const INTERLEAVINGS: u64 = 100_000;

/// One input.
#[derive(Clone)]
enum Step<'g> {
    /// An STS record.
    Session(&'g Session),
    /// The record of a call, by the numbers of its session and of the call.
    Call(usize, usize),
    /// The same record once more, with the tags that its first evaluation wrote.
    Recheck(usize, usize, Vec<(String, String)>),
}

fn policy() -> Policy {
    Policy::from_toml(&format!(
        "[identity]\nOwner = \"{{owner}}\"\nProof = \"{{owner_proof}}\"\n\
         [trust]\nsource_identity = [\"arn:aws:iam::{HERE}:user/{BROKER}\"]\n"
    ))
    .unwrap()
}

fn setup(generated: &Generated) -> Setup {
    let setup = Setup { now: issued(1_200), ..common::setup() };
    if let Some((id, name)) = &generated.directory {
        setup.backend.put_user(id, name);
    }
    setup
}

/// The records that arrive, each in one copy or more.
fn arriving<'g>(generated: &'g Generated, random: &mut Random) -> Vec<Step<'g>> {
    let mut open = Vec::new();
    let mut add = |step: Step<'g>| {
        let copies = if random.once_in(3) { 2 } else { 1 };
        open.extend(std::iter::repeat_n(step, copies));
    };
    for (number, session) in generated.sessions.iter().enumerate() {
        let record = Some(&session.session).filter(|_| session.has_record);
        let copy = session.copy.as_ref().filter(|_| session.has_copy);
        let parents = session.parents.iter().filter(|_| session.has_parents);
        record.into_iter().chain(copy).chain(parents).for_each(|session| add(Step::Session(session)));
        (0..session.calls.len()).for_each(|call| add(Step::Call(number, call)));
    }
    open
}

/// Delivers what arrives, in a random order. Returns the backend and the store at the end.
fn deliver(generated: &Generated, policy: &Policy, random: &mut Random) -> Setup {
    let setup = setup(generated);
    let mut open = arriving(generated, random);
    let mut rechecks: Vec<Step<'_>> = Vec::new();
    // Rechecks come after all records: their queue delays them for longer than records take.
    while !open.is_empty() || !rechecks.is_empty() {
        let queue = if open.is_empty() { &mut rechecks } else { &mut open };
        let at = random.below(u32::try_from(queue.len()).unwrap()) as usize;
        match queue.swap_remove(at) {
            Step::Session(session) => block_on(setup.sessions.put(session)).unwrap(),
            Step::Call(session, call) => {
                let tags = evaluate(&setup, policy, generated, session, call);
                rechecks.extend(tags.map(|tags| Step::Recheck(session, call, tags)));
            }
            Step::Recheck(session, call, tags) => {
                evaluate_again(&setup, policy, &generated.sessions[session].calls[call], tags);
            }
        }
        assert_no_tags_of_others(generated, &setup);
    }
    setup
}

/// Plans and executes a call. Returns the tags that it wrote if it asks for a recheck.
fn evaluate(
    setup: &Setup,
    policy: &Policy,
    generated: &Generated,
    number: usize,
    call: usize,
) -> Option<Vec<(String, String)>> {
    let session = &generated.sessions[number];
    let creation = session.calls[call].creation.clone();
    let records = creation.event.id.iter().map(|id| (id.clone(), "its record".to_owned())).collect();
    let plan = common::plan_with(policy, &setup.sessions, &setup.backend, setup.now, vec![creation.into()]);
    let recheck = recheck::needed(&plan, &records, setup.now).pop();
    for row in block_on(plan.execute(&setup.backend, &Execution::at(setup.now))) {
        assert_eq!(row.status, Outcome::Tagged, "{row:?}");
        let is_own = row.owner_name() == Some(session.owner.as_str()) || row.proof() == Some("name-only");
        assert!(is_own || recheck.is_some(), "session {number} has another's owner for good: {row:?}");
    }
    recheck.map(|recheck| recheck.tags.into_iter().collect())
}

fn evaluate_again(setup: &Setup, policy: &Policy, call: &GeneratedCall, tags: Vec<(String, String)>) {
    let mut request = PlanRequest::from(call.creation.clone());
    request.previous_tags = Some(tags);
    let plan = common::plan_with(policy, &setup.sessions, &setup.backend, setup.now, vec![request]);
    let rows = block_on(plan.execute(&setup.backend, &Execution::at(setup.now)));
    assert!(rows.iter().all(|row| !row.status.is_returned()), "{rows:?}");
}

/// The tags on the resources of a call.
fn tags_of<'s>(
    setup: &'s Setup,
    call: &'s GeneratedCall,
) -> impl Iterator<Item = BTreeMap<String, String>> + 's {
    call.creation.targets.iter().map(|target| setup.backend.tags_on(&target.resource.display()))
}

/// No resource carries what only another session has.
fn assert_no_tags_of_others(generated: &Generated, setup: &Setup) {
    for (number, session) in generated.sessions.iter().enumerate() {
        for tags in session.calls.iter().flat_map(|call| tags_of(setup, call)) {
            for other in (0..generated.sessions.len()).filter(|other| *other != number) {
                let theirs = [format!("team-{other}"), format!("only-{other}"), format!("app-{other}")];
                let taken = tags.values().any(|value| theirs.contains(value));
                assert!(!taken, "a resource of session {number} carries a tag of session {other}: {tags:?}");
            }
        }
    }
}

/// A proven owner is the session's own, and an unproven one is a name that the session itself has.
fn assert_no_owner_of_others(generated: &Generated, setup: &Setup) {
    for (number, session) in generated.sessions.iter().enumerate() {
        for tags in session.calls.iter().flat_map(|call| tags_of(setup, call)) {
            let owner = tags["Owner"].as_str();
            if tags["Proof"] == "name-only" {
                let own_names = [Some(generated.name), Some(HOP), session.source_identity.as_deref()];
                assert!(own_names.contains(&Some(owner)), "session {number} has not this name: {tags:?}");
            } else {
                assert_eq!(owner, session.owner, "session {number} has another's owner: {tags:?}");
            }
        }
    }
}

/// True if all records of the session and of its chain arrive.
fn is_complete(session: &GeneratedSession) -> bool {
    session.has_record && (session.has_parents || session.parents.is_empty())
}

/// Asserts that a resource has the owner, the proof and the tags of its session, if all records of that session
/// came.
fn assert_own_tags(generated: &Generated, setup: &Setup) {
    for (number, session) in generated.sessions.iter().enumerate().filter(|(_, session)| is_complete(session))
    {
        for tags in session.calls.iter().filter(|call| call.is_tied).flat_map(|call| tags_of(setup, call)) {
            let has = |key: &str, value: &str| tags.get(key).is_some_and(|known| known == value);
            assert!(
                has("Owner", &session.owner)
                    && has("Proof", session.proof)
                    && has("Team", &format!("team-{number}"))
                    && has(&format!("Only{number}"), &format!("only-{number}")),
                "a resource of session {number} ({}): {tags:?}",
                session.owner
            );
        }
    }
}

/// How many interleavings are run: more for a campaign.
#[expect(clippy::disallowed_methods, reason = "a test has no configuration but its environment")]
fn interleavings() -> u64 {
    std::env::var("AUTOTAG_INTERLEAVINGS").map_or(INTERLEAVINGS, |number| number.parse().unwrap())
}

#[test]
fn in_any_order_each_resource_ends_with_the_tags_of_its_own_session_alone() {
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let (sessions, incomplete, exceptions) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let count = |counter: &AtomicU64, number: u64| counter.fetch_add(number, Ordering::Relaxed);
    let run = |seed: u64, classifier: &_, policy: &_| {
        let mut random = Random::new(seed);
        let generated = generate(classifier, &mut random);
        let setup = deliver(&generated, policy, &mut random);
        assert_no_owner_of_others(&generated, &setup);
        assert_own_tags(&generated, &setup);
        count(&sessions, generated.sessions.len() as u64);
        count(&incomplete, generated.sessions.iter().filter(|session| !is_complete(session)).count() as u64);
        count(&exceptions, generated.exceptions);
    };
    let run = &run;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let (classifier, policy) = (common::classifier(), policy());
                for seed in (thread..interleavings()).step_by(usize::try_from(threads).unwrap()) {
                    let one = std::panic::AssertUnwindSafe(|| run(seed, &classifier, &policy));
                    assert!(std::panic::catch_unwind(one).is_ok(), "interleaving {seed}: see above");
                }
            });
        }
    });
    let [sessions, incomplete, exceptions] = [sessions, incomplete, exceptions].map(AtomicU64::into_inner);
    println!(
        "{} interleavings, {sessions} sessions, {incomplete} of them with records lost for good; {exceptions} more \
         would have lost the only record that shows a call not to be a near session's",
        interleavings()
    );
    assert!(incomplete > 0 && exceptions > 0, "the generator loses records");
}

fn generated() -> Generated {
    generate(&common::classifier(), &mut Random::new(1))
}

#[test]
#[should_panic(expected = "carries a tag of session 1")]
fn a_tag_of_another_session_is_noticed() {
    let generated = generated();
    let setup = setup(&generated);
    let resource = generated.sessions[0].calls[0].creation.targets[0].resource.display();
    setup.backend.put_tags(&resource, &[("Team", "team-1")]);
    assert_no_tags_of_others(&generated, &setup);
}

#[test]
#[should_panic(expected = "has another's owner")]
fn an_owner_of_another_session_is_noticed() {
    let generated = generated();
    let setup = setup(&generated);
    for session in &generated.sessions {
        for target in session.calls.iter().flat_map(|call| &call.creation.targets) {
            let owner = [("Owner", session.owner.as_str()), ("Proof", session.proof)];
            setup.backend.put_tags(&target.resource.display(), &owner);
        }
    }
    let resource = generated.sessions[0].calls[0].creation.targets[0].resource.display();
    assert_no_owner_of_others(&generated, &setup);
    setup.backend.put_tags(&resource, &[("Owner", "person-1"), ("Proof", "person")]);
    assert_no_owner_of_others(&generated, &setup);
}
