//! A response body that ends too early.

use crate::connection_reset::ConnectionReset;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// The client gets the first part before the connection is reset: a reset drops what it has not read yet.
const PAUSE: Duration = Duration::from_millis(50);

/// Sends the first bytes, then resets the connection. The answer announces the whole length.
#[derive(Debug)]
pub(crate) struct CutBody {
    first: Option<Bytes>,
    length: u64,
    sleep: Pin<Box<Sleep>>,
}

impl CutBody {
    pub(crate) fn new(body: &Bytes, after: usize) -> Self {
        let length = body.len() as u64;
        let first = Some(body.slice(..after.min(body.len()))).filter(|first| !first.is_empty());
        Self { first, length, sleep: Box::pin(sleep(PAUSE)) }
    }
}

impl Body for CutBody {
    type Data = Bytes;
    type Error = ConnectionReset;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ConnectionReset>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
            None => self.sleep.as_mut().poll(context).map(|()| Some(Err(ConnectionReset))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
