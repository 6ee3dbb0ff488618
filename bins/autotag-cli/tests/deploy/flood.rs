//! One account floods the hub while others send an event a second: how long the others wait.
//!
//! The queues are a model of SQS. Their settings (invocations at once, messages of a batch, message groups) are those of the
//! generated templates, and the duration of an invocation is that of docs/costs.md. A fair queue serves noisy groups last. By AWS's
//! documentation a group is noisy if it has at least 30 messages in flight, and more than a tenth of all. Of several noisy groups the
//! one with the fewest comes first. The model forgets at once that a group was noisy; SQS remembers it until its backlog is
//! processed, so the model is the worse case. Without groups the oldest message comes first.

use crate::generated;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::fs;
use std::path::Path;

/// Events of the flood, all at the start.
const FLOOD: usize = 100_000;
/// Accounts that send one event a second.
const OTHERS: usize = 100;
/// Seconds for which they do.
const SECONDS: u64 = 900;
/// Messages in flight that make a group noisy.
const NOISY: usize = 30;

struct Hub {
    /// Milliseconds of an invocation.
    invocation: u64,
    concurrency: usize,
    batch: usize,
    is_fair: bool,
}

impl Hub {
    /// The settings of a template.
    fn of_template(folder: &Path, template: &str, invocation: u64) -> Self {
        let text = fs::read_to_string(folder.join(template)).unwrap();
        let number = |mark: &str| -> usize {
            let rest = text.split_once(mark).unwrap().1;
            rest.trim_start().split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
        };
        Self {
            invocation,
            concurrency: number("  MaximumConcurrency:\n    Type: Number\n    Default:"),
            batch: number("BatchSize:"),
            is_fair: text.contains("MessageGroupId: $.account"),
        }
    }

    /// The longest wait of an event of the quiet accounts, in milliseconds, from its arrival to the end of its invocation.
    fn longest_wait(&self) -> u64 {
        // Arrivals by account: account 0 is the noisy one.
        let mut waiting: BTreeMap<usize, VecDeque<u64>> = BTreeMap::from([(0, vec![0; FLOOD].into())]);
        let mut in_flight: BTreeMap<usize, usize> = BTreeMap::new();
        let mut running = BinaryHeap::new();
        let mut batches: Vec<Vec<(usize, u64)>> = Vec::new();
        let (mut longest, mut handled, mut now) = (0, 0, 0);
        while handled < OTHERS * usize::try_from(SECONDS).unwrap() {
            if now % 1_000 == 0 && now / 1_000 < SECONDS {
                (1..=OTHERS).for_each(|account| waiting.entry(account).or_default().push_back(now));
            }
            while running.peek().is_some_and(|Reverse((end, _))| *end <= now) {
                let Reverse((end, number)) = running.pop().unwrap();
                let batch: &mut Vec<(usize, u64)> = &mut batches[number];
                for (account, arrival) in std::mem::take(batch) {
                    *in_flight.get_mut(&account).unwrap() -= 1;
                    if account > 0 {
                        longest = longest.max(end - arrival);
                        handled += 1;
                    }
                }
            }
            while running.len() < self.concurrency {
                let batch = self.receive(&mut waiting, &mut in_flight);
                if batch.is_empty() {
                    break;
                }
                running.push(Reverse((now + self.invocation, batches.len())));
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
            let all: usize = in_flight.values().sum();
            let noise = |account: &usize| {
                let own = in_flight.get(account).copied().unwrap_or(0);
                if self.is_fair && own >= NOISY && own * 10 > all { own } else { 0 }
            };
            let first = waiting.iter().filter_map(|(account, queue)| Some((*account, *queue.front()?)));
            let next = first.min_by_key(|(account, arrival)| (noise(account), *arrival));
            let Some((account, arrival)) = next else { break };
            waiting.get_mut(&account).unwrap().pop_front();
            *in_flight.entry(account).or_default() += 1;
            batch.push((account, arrival));
        }
        batch
    }
}

/// docs/costs.md states these bounds.
#[test]
fn a_flood_of_one_account_does_not_hold_up_the_others() {
    let folder = generated();
    for (template, invocation, bound) in [("hub.yaml", 500, 1_000), ("session.yaml", 100, 500)] {
        let hub = Hub::of_template(&folder, template, invocation);
        assert!(hub.is_fair, "{template}: a target has no message group");
        let fair = hub.longest_wait();
        assert!(fair <= bound, "{template}: others wait {fair} ms");
        let plain = Hub { is_fair: false, ..hub }.longest_wait();
        println!("{template}: {fair} ms, without groups {plain} ms");
        assert!(plain > 100 * fair, "{template}: without groups they would wait {plain} ms only");
    }
}
