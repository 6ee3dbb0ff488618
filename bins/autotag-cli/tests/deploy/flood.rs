//! One account floods the hub while others create a resource a second: how long the others wait.
//!
//! The queue is a model of SQS. Settings (invocations at once, messages of a batch, message groups) are those of the generated
//! template. A fair queue hands out messages of the groups that have the fewest messages in flight; without groups, the oldest
//! message comes first. An invocation takes half a second, as docs/costs.md assumes.

use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::cmp::Reverse;

/// Milliseconds of an invocation.
const INVOCATION: u64 = 500;
/// Events of the flood, all at the start.
const FLOOD: usize = 100_000;
/// Accounts that send one event a second.
const OTHERS: usize = 100;
/// Seconds for which they do.
const SECONDS: u64 = 900;

struct Hub {
    concurrency: usize,
    batch: usize,
    is_fair: bool,
}

impl Hub {
    /// The settings of `hub.yaml`.
    fn of_template() -> Self {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/hub.yaml")).unwrap();
        let after = |mark: &str| text.split_once(mark).unwrap().1;
        let number = |text: &str| -> usize {
            text.trim_start().split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
        };
        let targets = text.matches("Arn: !GetAtt TagQueue.Arn\n            DeadLetterConfig").count();
        let groups = text.matches("MessageGroupId: $.account").count();
        Self {
            concurrency: number(after("  MaximumConcurrency:\n    Type: Number\n    Default:")),
            batch: number(after("BatchSize:")),
            is_fair: groups > 0 && groups >= targets,
        }
    }

    /// The longest wait of an event of the quiet accounts, in milliseconds, from its arrival to the end of its invocation.
    fn longest_wait(&self) -> u64 {
        // Arrivals by account: account 0 is the noisy one.
        let mut waiting: BTreeMap<usize, VecDeque<u64>> = BTreeMap::from([(0, vec![0; FLOOD].into())]);
        let mut in_flight: BTreeMap<usize, usize> = BTreeMap::new();
        let mut busy: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        let mut batches: Vec<Vec<(usize, u64)>> = Vec::new();
        let (mut longest, mut handled) = (0, 0);
        let mut now = 0;
        while handled < OTHERS * usize::try_from(SECONDS).unwrap() {
            if now % 1000 == 0 && now / 1000 < SECONDS {
                (1..=OTHERS).for_each(|account| waiting.entry(account).or_default().push_back(now));
            }
            while busy.peek().is_some_and(|Reverse((end, _))| *end <= now) {
                let Reverse((end, number)) = busy.pop().unwrap();
                for (account, arrival) in std::mem::take(&mut batches[number]) {
                    *in_flight.get_mut(&account).unwrap() -= 1;
                    if account > 0 {
                        longest = longest.max(end - arrival);
                        handled += 1;
                    }
                }
            }
            while busy.len() < self.concurrency {
                let batch = self.receive(&mut waiting, &mut in_flight);
                if batch.is_empty() {
                    break;
                }
                busy.push(Reverse((now + INVOCATION, batches.len())));
                batches.push(batch);
            }
            now += 50;
        }
        longest
    }

    fn receive(
        &self,
        waiting: &mut BTreeMap<usize, VecDeque<u64>>,
        in_flight: &mut BTreeMap<usize, usize>,
    ) -> Vec<(usize, u64)> {
        let mut batch = Vec::new();
        while batch.len() < self.batch {
            let next = waiting.iter().filter_map(|(account, queue)| Some((*account, *queue.front()?))).min_by_key(
                |(account, arrival)| {
                    let load = if self.is_fair { in_flight.get(account).copied().unwrap_or(0) } else { 0 };
                    (load, *arrival)
                },
            );
            let Some((account, arrival)) = next else { break };
            waiting.get_mut(&account).unwrap().pop_front();
            *in_flight.entry(account).or_default() += 1;
            batch.push((account, arrival));
        }
        batch
    }
}

/// docs/costs.md states both numbers.
#[test]
fn a_flood_of_one_account_does_not_hold_up_the_others() {
    let hub = Hub::of_template();
    assert!(hub.is_fair, "a target of the tag queue has no message group");
    let fair = hub.longest_wait();
    assert!(fair <= 1_000, "others wait {fair} ms");
    let plain = Hub { is_fair: false, ..hub }.longest_wait();
    assert!(plain > 100 * fair, "without groups they would wait {plain} ms: the flood is too small to tell");
}
