//! Reads the inputs of an invocation: texts from the payload, log files from S3.

use crate::deadline::half_way;
use crate::invocation::{Job, Source};
use autotag_aws::TrailReader;
use autotag_handlers::classify::{Classifier, account_of_path};
use autotag_handlers::outcome::Outcome;
use autotag_handlers::records::{Collector, read};
use autotag_handlers::row::OriginId;
use futures_util::stream::{self, StreamExt as _};
use std::num::NonZeroUsize;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// Reads all jobs, and collects them in their order. A job that cannot be read, or is not read at `deadline`, is a
/// row of the result. Log files are read at most `concurrency` at a time; texts do not wait for them. If there are
/// more log files than that, each has half of the time, so that those after a slow one are read too.
pub async fn read_jobs<C: Collector>(
    trail: &TrailReader,
    jobs: &[Job],
    classifier: &Classifier,
    concurrency: NonZeroUsize,
    deadline: Instant,
) -> C {
    let objects = jobs.iter().filter(|job| matches!(job.source, Source::Object { .. })).count();
    let (slots, all_at_once) = (&Semaphore::new(concurrency.get()), objects <= concurrency.get());
    let readings = jobs.iter().map(|job| async move {
        let reading = async {
            let _slot = match job.source {
                // The semaphore is never closed, so this never fails.
                Source::Object { .. } => slots.acquire().await.ok(),
                Source::Text(_) | Source::Unusable(_) => None,
            };
            let until = if all_at_once { deadline } else { half_way(deadline) };
            timeout_at(until, read_job(trail, job, classifier)).await
        };
        // Waiting for a slot ends at the deadline too.
        timeout_at(deadline, reading).await.and_then(|read| read).unwrap_or_else(|_| {
            failed(job.origin, Outcome::Deferred("out of time before it was read".to_owned()))
        })
    });
    let readings: Vec<_> = readings.collect();
    let mut all = C::new(OriginId::default());
    let mut readings = stream::iter(readings).buffered(jobs.len().max(1));
    while let Some(one) = readings.next().await {
        all.append(one);
    }
    debug_assert!(all.adds_up(), "a record was counted twice or not at all");
    all
}

async fn read_job<C: Collector>(trail: &TrailReader, job: &Job, classifier: &Classifier) -> C {
    let origin = job.origin;
    match &job.source {
        Source::Text(text) => {
            let mut collector = C::new(origin);
            read(text.as_bytes(), classifier, None, &mut collector);
            collector
        }
        Source::Unusable(why) => failed(origin, Outcome::Malformed((*why).to_owned())),
        Source::Object { bucket, key } => {
            let (classifier, account) = (classifier.clone(), account_of_path(key));
            let collect = move |object: &mut dyn std::io::Read| {
                let mut collector = C::new(origin);
                read(object, &classifier, account.as_ref(), &mut collector);
                collector
            };
            trail.read(bucket, key, collect).await.unwrap_or_else(|outcome| failed(origin, outcome))
        }
    }
}

fn failed<C: Collector>(origin: OriginId, outcome: Outcome) -> C {
    let mut collector = C::new(origin);
    collector.unreadable(outcome);
    collector
}
