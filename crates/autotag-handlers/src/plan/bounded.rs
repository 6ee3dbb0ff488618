//! Runs a limited number of futures at the same time.

use futures_util::stream::{self, StreamExt as _};
use std::future::Future;
use std::num::NonZeroUsize;

/// How many calls to a backend wait at the same time unless the caller asks for another number. Over AWS one write or read
/// may itself be up to 8 requests that wait together, where AWS takes few resources a request.
pub const CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);

/// Runs at most `concurrency` futures at once and returns their outputs in the order of the input. A slow future does not
/// delay the start of the next.
pub(super) async fn join_bounded<F: Future>(
    futures: impl Iterator<Item = F>,
    concurrency: NonZeroUsize,
) -> Vec<F::Output> {
    let numbered = futures.enumerate().map(|(number, future)| async move { (number, future.await) });
    let mut outputs: Vec<_> = stream::iter(numbered).buffer_unordered(concurrency.get()).collect().await;
    outputs.sort_by_key(|(number, _)| *number);
    outputs.into_iter().map(|(_, output)| output).collect()
}
