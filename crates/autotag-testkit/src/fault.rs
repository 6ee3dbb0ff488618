//! Faults that a proxy injects. A seeded plan decides which calls get one.

use crate::call::Call;
use crate::reply::Reply;
use crate::{errors, lock};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

/// One injected fault.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The service answers its own throttling error.
    Throttled,
    /// The service answers its own error with status 503.
    Unavailable,
    /// These resources (ids, ARNs, or their endings) do not exist. The tagging API refuses only them and tags the others;
    /// other services refuse the whole call. An empty list means the first resource of the call.
    NotFound(Vec<String>),
    /// The service refuses the call, in the call's protocol.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The error code, such as `AccessDenied`.
        code: String,
        /// The error message.
        message: String,
    },
    /// As `Refused` with status 400, but the tagging API refuses only these resources and tags the others.
    RefusedFor {
        /// The ARNs, or their endings.
        resources: Vec<String>,
        /// The error code, such as `InvalidReplicationGroupState`.
        code: String,
    },
    /// The given answer.
    Answered(Reply),
    /// The given answer, with a pause before each byte of its body.
    AnsweredSlowly(Reply, Duration),
    /// The connection is reset without an answer, and the call is not made.
    Reset,
    /// The call is made, and then the connection is reset: the client cannot tell whether it was made.
    AnswerLost,
    /// The call is made, and the connection is reset after so many bytes of its answer's body. The answer announces the whole
    /// length.
    CutOff(usize),
    /// The call is made after this delay.
    Slow(Duration),
}

impl Fault {
    /// A refusal with status 400 and this code.
    pub fn refused(code: &str) -> Self {
        Self::Refused { status: 400, code: code.to_owned(), message: format!("{code}, injected by the test") }
    }

    /// The answer of this fault. `None` if the fault is not an answer.
    pub(crate) fn reply(&self, call: &Call) -> Option<Reply> {
        match self {
            Self::Throttled => Some(errors::throttled(call)),
            Self::Unavailable => Some(errors::unavailable(call)),
            Self::NotFound(ids) => Some(errors::not_found(call, ids)),
            Self::Refused { status, code, message } => Some(errors::error(call, *status, code, message)),
            Self::RefusedFor { resources, code } => {
                let message = format!("{code} for {}, injected by the test", resources.join(", "));
                Some(errors::error(call, 400, code, &message))
            }
            Self::Answered(reply) => Some(reply.clone()),
            Self::AnsweredSlowly(..) | Self::Reset | Self::AnswerLost | Self::CutOff(_) | Self::Slow(_) => {
                None
            }
        }
    }
}

/// The rate of each fault, from 0 to 1. Together they are at most 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Faults {
    /// [`Fault::Throttled`].
    pub throttled: f64,
    /// [`Fault::Unavailable`].
    pub unavailable: f64,
    /// [`Fault::Reset`].
    pub reset: f64,
    /// [`Fault::AnswerLost`].
    pub answer_lost: f64,
    /// [`Fault::NotFound`] for the first resource of the call.
    pub not_found: f64,
    /// [`Fault::Slow`], with the delay `slow_for`.
    pub slow: f64,
    /// The delay of slow calls.
    pub slow_for: Duration,
}

impl Faults {
    /// The fault for a drawn number from 0 to 1.
    fn at(&self, point: f64) -> Option<Fault> {
        let shares = [
            (self.throttled, Fault::Throttled),
            (self.unavailable, Fault::Unavailable),
            (self.reset, Fault::Reset),
            (self.answer_lost, Fault::AnswerLost),
            (self.not_found, Fault::NotFound(Vec::new())),
            (self.slow, Fault::Slow(self.slow_for)),
        ];
        let mut upto = 0.0;
        shares.into_iter().find_map(|(share, fault)| {
            upto += share;
            (point < upto).then_some(fault)
        })
    }
}

/// Draws faults from a seed.
///
/// The fault of a call depends on the seed, the call's content, and how often the same call was made before. It does not
/// depend on the order of calls, which varies between runs of concurrent clients.
pub(crate) struct FaultPlan {
    seed: u64,
    faults: Faults,
    /// How often each call was made, by fingerprint.
    made: Mutex<HashMap<u64, u32>>,
}

impl FaultPlan {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        Self { seed, faults, made: Mutex::default() }
    }

    pub(crate) fn fault(&self, call: &Call) -> Option<Fault> {
        let said = fingerprint(call);
        let times = {
            let mut made = lock(&self.made);
            let times = made.entry(said).or_default();
            *times += 1;
            *times
        };
        let drawn = mixed(mixed(self.seed ^ said).wrapping_add(u64::from(times)));
        let drawn = u32::try_from(drawn >> 32).unwrap_or(u32::MAX);
        self.faults.at(f64::from(drawn) / (f64::from(u32::MAX) + 1.0))
    }
}

/// FNV-1a over the call's content. The signature is left out because it contains the time.
fn fingerprint(call: &Call) -> u64 {
    let parts = [&call.service, &call.region, &call.operation, &call.path, &call.query].map(String::as_bytes);
    let bytes = parts.into_iter().chain([&*call.body]).flat_map(|part| part.iter().chain(&[0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The output function of splitmix64: it maps neighbouring inputs to unrelated outputs.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Protocol;

    fn call(number: usize) -> Call {
        Call {
            service: "tagging".into(),
            region: "eu-west-1".into(),
            access_key: "testing".into(),
            operation: "TagResources".into(),
            method: "POST".into(),
            path: "/".into(),
            query: String::new(),
            protocol: Protocol::Json,
            body: format!("{{\"number\":{number}}}").into(),
        }
    }

    fn drawn(seed: u64, order: impl Iterator<Item = usize>) -> Vec<Option<Fault>> {
        let slow_for = Duration::from_millis(1);
        let faults =
            Faults { throttled: 0.2, unavailable: 0.1, reset: 0.1, slow: 0.1, slow_for, ..Faults::default() };
        let plan = FaultPlan::new(seed, faults);
        let mut drawn: Vec<_> = order.map(|number| (number, plan.fault(&call(number)))).collect();
        drawn.sort_by_key(|(number, _)| *number);
        drawn.into_iter().map(|(_, fault)| fault).collect()
    }

    #[test]
    fn seed_gives_the_same_faults_in_any_order() {
        assert_eq!(drawn(1, 0..1000), drawn(1, (0..1000).rev()));
        assert_ne!(drawn(1, 0..1000), drawn(2, 0..1000), "another seed, the same faults");
    }

    #[test]
    fn fault_rates_match_the_configuration() {
        let faults = drawn(7, 0..10_000);
        for (fault, share) in [(Fault::Throttled, 2000), (Fault::Unavailable, 1000), (Fault::Reset, 1000)] {
            let count = faults.iter().flatten().filter(|drawn| **drawn == fault).count();
            assert!(count.abs_diff(share) < 200, "{fault:?}: {count} of 10,000, not about {share}");
        }
    }

    #[test]
    fn repeated_call_is_drawn_again() {
        let plan = FaultPlan::new(3, Faults { throttled: 0.5, ..Faults::default() });
        let faults = (0..100).filter(|_| plan.fault(&call(1)).is_some()).count();
        assert!((30..70).contains(&faults), "{faults} of 100");
    }

    #[test]
    fn zero_rates_inject_no_fault() {
        let plan = FaultPlan::new(0, Faults::default());
        assert!((0..1000).all(|number| plan.fault(&call(number)).is_none()));
    }
}
