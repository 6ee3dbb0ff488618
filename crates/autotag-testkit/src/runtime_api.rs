//! An implementation of Lambda's runtime API. Tests invoke the real binary of a function with it.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use crate::connection_reset::ConnectionReset;
use crate::lock;
use crate::reply::Reply;
use crate::server::{HandlerResult, Server, read_request};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Method, Request};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::Ipv4Addr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};

/// The function ARN of every invocation. Its account is the emulator's.
pub const FUNCTION_ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:tag-handler";

/// A Lambda runtime API that serves one function process at a time.
#[derive(Debug)]
pub struct RuntimeApi {
    server: Server,
    shared: Arc<Shared>,
}

/// The end of an invocation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// The function's answer. A string if it is not JSON.
    Response(Value),
    /// The function's error, with `errorType` and `errorMessage`.
    Error(Value),
    /// The process reported that it could not start.
    InitError(Value),
    /// The process did not answer before the deadline. Lambda would kill the process; here it stays alive.
    TimedOut,
    /// The process ended, or the test abandoned the invocation.
    Lost,
}

/// A queued invocation. It borrows nothing, so several can be awaited concurrently.
pub type PendingInvocation = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// The payload of an invocation.
#[derive(Debug, Clone)]
pub struct Payload(Bytes);

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<&[u8]> for Payload {
    fn from(bytes: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

impl From<&Value> for Payload {
    fn from(value: &Value) -> Self {
        Self(value.to_string().into())
    }
}

impl RuntimeApi {
    /// Starts the server on a free port.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.into_std()?;
        let shared = Arc::new(Shared::default());
        let answering = Arc::clone(&shared);
        let server = Server::start(listener, move |request| Arc::clone(&answering).answer(request))?;
        Ok(Self { server, shared })
    }

    /// The value of `AWS_LAMBDA_RUNTIME_API`: `127.0.0.1:port`.
    pub fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// Invokes the function. The invocation is queued when this returns. The future resolves when it ends. `deadline` counts
    /// from the moment a process takes the invocation.
    pub fn invoke(&self, payload: impl Into<Payload>, deadline: Duration) -> PendingInvocation {
        let answer = self.shared.queue(payload.into().0, deadline);
        Box::pin(async move { answer.await.unwrap_or(Answer::Lost) })
    }

    /// Ends all queued and running invocations with [`Answer::Lost`].
    pub fn abandon(&self) {
        self.shared.abandon();
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }
}

/// The invocations of a runtime API.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Wakes the requests that wait in `next`.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The number of invocations so far.
    invoked: u64,
    /// The number of processes that have ended. A `next` of an ended process may still be open and must take no invocation.
    ended: u64,
    waiting: VecDeque<Invocation>,
    taken: BTreeMap<String, oneshot::Sender<Answer>>,
    /// The error of a process that could not start while no invocation was queued.
    init_error: Option<Value>,
}

#[derive(Debug)]
struct Invocation {
    id: String,
    number: u64,
    payload: Bytes,
    deadline: Duration,
    answer: oneshot::Sender<Answer>,
}

impl Shared {
    fn queue(&self, payload: Bytes, deadline: Duration) -> oneshot::Receiver<Answer> {
        let (answer, receiver) = oneshot::channel();
        let mut state = lock(&self.state);
        if let Some(error) = state.init_error.take() {
            let _ = answer.send(Answer::InitError(error));
            return receiver;
        }
        state.invoked += 1;
        let number = state.invoked;
        let id = format!("00000000-0000-4000-8000-{number:012x}");
        state.waiting.push_back(Invocation { id, number, payload, deadline, answer });
        drop(state);
        self.changed.notify_waiters();
        receiver
    }

    fn abandon(&self) {
        lock(&self.state).resolve_all(&Answer::Lost);
    }

    /// Forgets the error of the previous process.
    pub(crate) fn process_starts(&self) {
        lock(&self.state).init_error = None;
    }

    /// Ends the running and the queued invocations. Without a process the queued ones would never end.
    pub(crate) fn process_ended(&self) {
        let mut state = lock(&self.state);
        state.ended += 1;
        state.resolve_all(&Answer::Lost);
        drop(state);
        self.changed.notify_waiters();
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> HandlerResult {
        let (parts, body) = read_request(request).await?;
        let Some(path) = parts.uri.path().strip_prefix("/2018-06-01/runtime/") else {
            return Ok(Reply::empty(404).into_response());
        };
        let path: Vec<&str> = path.split('/').collect();
        let reply = match (&parts.method, path.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => self.next().await?,
            (&Method::POST, ["invocation", id, "response"]) => {
                self.answered(id, Answer::Response(json_of(&body)))
            }
            (&Method::POST, ["invocation", id, "error"]) => self.answered(id, Answer::Error(json_of(&body))),
            (&Method::POST, ["init", "error"]) => self.cannot_start(json_of(&body)),
            _ => Reply::empty(404),
        };
        Ok(reply.into_response())
    }

    async fn next(self: &Arc<Self>) -> Result<Reply, ConnectionReset> {
        let ended = lock(&self.state).ended;
        loop {
            let mut changed = pin!(self.changed.notified());
            // Registered before the check, so that no notification is missed.
            changed.as_mut().enable();
            if let Some(reply) = self.take(ended)? {
                return Ok(reply);
            }
            changed.await;
        }
    }

    fn take(self: &Arc<Self>, ended: u64) -> Result<Option<Reply>, ConnectionReset> {
        let mut state = lock(&self.state);
        if state.ended != ended {
            return Err(ConnectionReset);
        }
        while let Some(invocation) = state.waiting.pop_front() {
            // The caller no longer waits, for example because of its own timeout.
            if invocation.answer.is_closed() {
                continue;
            }
            let Invocation { id, number, payload, deadline, answer } = invocation;
            state.taken.insert(id.clone(), answer);
            tokio::spawn(Arc::clone(self).time_out(id.clone(), deadline));
            let reply = Reply::new(200, "application/json", payload)
                .with_header("lambda-runtime-aws-request-id", id)
                .with_header("lambda-runtime-deadline-ms", milliseconds_from_now(deadline))
                .with_header("lambda-runtime-invoked-function-arn", FUNCTION_ARN)
                .with_header("lambda-runtime-trace-id", format!("Root=1-00000000-{number:024x};Sampled=0"));
            return Ok(Some(reply));
        }
        Ok(None)
    }

    async fn time_out(self: Arc<Self>, id: String, deadline: Duration) {
        tokio::time::sleep(deadline).await;
        if let Some(answer) = lock(&self.state).taken.remove(&id) {
            let _ = answer.send(Answer::TimedOut);
        }
    }

    fn answered(&self, id: &str, end: Answer) -> Reply {
        let Some(answer) = lock(&self.state).taken.remove(id) else {
            let why = "no invocation with this id waits for an answer";
            return Reply::json(400, &json!({ "errorType": "InvalidRequestID", "errorMessage": why }));
        };
        // The caller may have stopped waiting.
        let _ = answer.send(end);
        Reply::json(202, &json!({ "status": "OK" }))
    }

    fn cannot_start(&self, error: Value) -> Reply {
        let mut state = lock(&self.state);
        if state.resolve_all(&Answer::InitError(error.clone())) == 0 {
            state.init_error = Some(error);
        }
        Reply::json(202, &json!({ "status": "OK" }))
    }
}

impl State {
    /// Ends all invocations and returns how many callers were waiting.
    fn resolve_all(&mut self, answer: &Answer) -> usize {
        let waiting = self.waiting.drain(..).map(|invocation| invocation.answer);
        let taken = std::mem::take(&mut self.taken).into_values();
        waiting.chain(taken).filter_map(|one| one.send(answer.clone()).ok()).count()
    }
}

fn json_of(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}

/// The deadline in milliseconds since 1970, the unit of the runtime API.
fn milliseconds_from_now(deadline: Duration) -> String {
    #[expect(clippy::disallowed_methods, reason = "the function compares it with its own clock")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |now| (now + deadline).as_millis()).to_string()
}
