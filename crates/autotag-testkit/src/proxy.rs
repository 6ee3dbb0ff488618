//! An HTTP proxy between AWS clients and an emulator. It injects faults, counts calls, and adds and rewrites answers.

use crate::call::Call;
use crate::call_log::{CallLog, increment};
use crate::connection_reset::ConnectionReset;
use crate::fault::{Fault, FaultPlan, Faults};
use crate::reply::Reply;
use crate::server::{Body, HandlerResult, Server, listener, read_request};
use crate::upstream::{HttpUpstream, PartialRefusal};
use crate::{routes, stub_answers};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Request, Response};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use std::{fmt, io};

type Rule = Box<dyn Fn(&Call) -> Option<Fault> + Send + Sync>;
type Route = Box<dyn Fn(&Call) -> Option<Reply> + Send + Sync>;
type Rewrite = Box<dyn Fn(&Call, Reply) -> Reply + Send + Sync>;

/// An HTTP server that AWS clients use as endpoint (`AWS_ENDPOINT_URL`), and that forwards their calls.
///
/// A call passes, in this order: the rules, in the order they were added; the seeded faults; the routes; the upstream,
/// whose answer the rewrites change. All of them can be changed while calls are made.
///
/// The upstream is a server ([`Proxy::start`]), or the proxy answers every call with success ([`Proxy::stub`]).
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use autotag_testkit::{Emulator, Fault, Faults, Proxy};
///
/// let emulator = Emulator::start(env!("CARGO_MANIFEST_DIR"))?;
/// let proxy = Proxy::start(&emulator.url())?.with_our_routes();
/// proxy.rule(|call| (call.operation == "PutBucketTagging").then(|| Fault::refused("OperationAborted")));
/// proxy.not_found_first("i-0123456789abcdef0", 2);
/// proxy.faults(1, Faults { throttled: 0.1, ..Faults::default() }, |call| call.service == "tagging");
/// # Ok(())
/// # }
/// ```
pub struct Proxy {
    server: Server,
    inner: Arc<Inner>,
}

struct Inner {
    upstream: Upstream,
    rules: RwLock<Vec<Rule>>,
    /// Seeded faults. The rules come first.
    faults: RwLock<Vec<Rule>>,
    routes: RwLock<Vec<Route>>,
    /// Each with the prefix of the path.
    rewrites: RwLock<Vec<(String, Rewrite)>>,
    log: CallLog,
}

/// The source of answers to calls without a fault or a route.
enum Upstream {
    Server(Box<HttpUpstream>),
    /// No server: the proxy answers with success after this delay.
    Stub(Duration),
}

impl Proxy {
    /// A proxy that forwards calls to `upstream`, `http://host:port`.
    ///
    /// # Errors
    /// `upstream` is not such a URL, or no port can be bound.
    pub fn start(upstream: &str) -> io::Result<Self> {
        Self::with_upstream(Upstream::Server(Box::new(HttpUpstream::new(upstream)?)))
    }

    /// A proxy without a server: it answers every call with success, `delay` after the call. For benchmarks, which would
    /// otherwise measure the emulator.
    ///
    /// Tag calls get the success answer of their service, look-ups an empty one. `AssumeRole` returns keys that begin with
    /// `ASIA` and the account of the role. Nothing is remembered. Routes are answered after the delay too, faults at once.
    /// Calls do not wait for each other.
    ///
    /// # Errors
    /// No port can be bound.
    pub fn stub(delay: Duration) -> io::Result<Self> {
        Self::with_upstream(Upstream::Stub(delay))
    }

    fn with_upstream(upstream: Upstream) -> io::Result<Self> {
        let inner = Arc::new(Inner {
            upstream,
            rules: RwLock::default(),
            faults: RwLock::default(),
            routes: RwLock::default(),
            rewrites: RwLock::default(),
            log: CallLog::default(),
        });
        let answering = Arc::clone(&inner);
        let handler = move |request| Arc::clone(&answering).answer(request);
        let server = Server::start(listener()?, handler)?;
        Ok(Self { server, inner })
    }

    /// The endpoint URL of the proxy.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The variables that direct any AWS client to this proxy.
    pub fn environment(&self) -> [(&'static str, String); 6] {
        crate::environment(self.url())
    }

    /// Adds a rule that injects a fault into chosen calls. The first rule that returns a fault wins.
    pub fn rule(&self, rule: impl Fn(&Call) -> Option<Fault> + Send + Sync + 'static) {
        write(&self.inner.rules).push(Box::new(rule));
    }

    /// Lets the first `calls` calls that mention this id or ARN fail with [`Fault::NotFound`].
    pub fn not_found_first(&self, id: &str, calls: u32) {
        let (id, left) = (id.to_owned(), AtomicU32::new(calls));
        self.rule(move |call| {
            let one_less =
                || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            (call.mentions(&id) && one_less().is_ok()).then(|| Fault::NotFound(vec![id.clone()]))
        });
    }

    /// Injects random faults into the calls for which `applies` holds. The same seed and the same calls give the same faults,
    /// in any order of calls.
    pub fn faults(&self, seed: u64, faults: Faults, applies: impl Fn(&Call) -> bool + Send + Sync + 'static) {
        let plan = FaultPlan::new(seed, faults);
        let rule = move |call: &Call| applies(call).then(|| plan.fault(call)).flatten();
        write(&self.inner.faults).push(Box::new(rule));
    }

    /// Removes all rules and seeded faults.
    pub fn repair(&self) {
        write(&self.inner.rules).clear();
        write(&self.inner.faults).clear();
    }

    /// Answers calls whose path begins with `path` instead of the upstream, if `answer` returns a reply.
    pub fn route(&self, path: &str, answer: impl Fn(&Call) -> Option<Reply> + Send + Sync + 'static) {
        let path = path.to_owned();
        let route = move |call: &Call| call.path.starts_with(&path).then(|| answer(call)).flatten();
        write(&self.inner.routes).push(Box::new(route));
    }

    /// Changes the upstream's answers to calls whose path begins with `path`: for answers of AWS that an emulator lacks, over
    /// the emulator's own data. Answers of rules and routes are not changed. Rewrites apply in the order they were added.
    pub fn rewrite(&self, path: &str, rewrite: impl Fn(&Call, Reply) -> Reply + Send + Sync + 'static) {
        write(&self.inner.rewrites).push((path.to_owned(), Box::new(rewrite)));
    }

    /// Adds the calls that moto lacks (see `routes.rs`). Their answers have the header `x-answered-by: our-routes`.
    #[must_use]
    pub fn with_our_routes(self) -> Self {
        self.route("/", routes::ours());
        self
    }

    /// Starts to keep every call, with its body, for [`Proxy::calls`].
    pub fn keep_bodies(&self) {
        self.inner.log.keep();
    }

    /// The calls since [`Proxy::keep_bodies`], in the order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        self.inner.log.kept()
    }

    /// The number of calls of an operation, including those with a fault.
    pub fn count(&self, service: &str, operation: &str) -> u64 {
        self.inner.log.count(service, operation)
    }

    /// The number of calls by service and operation, including those with a fault.
    pub fn counts(&self) -> BTreeMap<(String, String), u64> {
        self.inner.log.counts()
    }

    /// The number of calls that reached the upstream.
    pub fn forwarded(&self) -> u64 {
        self.inner.log.forwarded.load(Ordering::Relaxed)
    }

    /// The number of calls with a fault.
    pub fn faulted(&self) -> u64 {
        self.inner.log.faulted.load(Ordering::Relaxed)
    }

    /// Resets all counts and the kept calls.
    pub fn forget_calls(&self) {
        self.inner.log.clear();
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Inner {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> HandlerResult {
        let (parts, body) = read_request(request).await?;
        let call = Call::read(&parts, body.clone());
        self.log.record(&call);
        let Some(fault) = self.fault(&call) else {
            return self.answer_without_fault(parts, &call, body).await;
        };
        increment(&self.log.faulted);
        let refusal = PartialRefusal::read(&call, &fault);
        if let (Some(refusal), Upstream::Server(upstream)) = (refusal, &self.upstream) {
            return self.rewritten(&call, upstream.forward_rest(parts, &call, refusal).await?).await;
        }
        match (fault.reply(&call), fault) {
            (Some(reply), _) => Ok(reply.into_response()),
            (None, Fault::AnsweredSlowly(reply, pause)) => Ok(reply.into_slow_response(pause)),
            (None, Fault::AnswerLost) => {
                self.answer_without_fault(parts, &call, body).await?;
                Err(ConnectionReset)
            }
            (None, Fault::CutOff(after)) => {
                let answer = self.answer_without_fault(parts, &call, body).await?;
                Ok(Reply::read(answer).await?.into_cut_response(after))
            }
            (None, Fault::Slow(delay)) => {
                tokio::time::sleep(delay).await;
                self.answer_without_fault(parts, &call, body).await
            }
            (None, _) => Err(ConnectionReset),
        }
    }

    fn fault(&self, call: &Call) -> Option<Fault> {
        let first = |rules: &RwLock<Vec<Rule>>| {
            rules.read().unwrap_or_else(PoisonError::into_inner).iter().find_map(|rule| rule(call))
        };
        first(&self.rules).or_else(|| first(&self.faults))
    }

    async fn answer_without_fault(&self, parts: Parts, call: &Call, body: Bytes) -> HandlerResult {
        let routed = self.routed(call);
        if routed.is_none() {
            increment(&self.log.forwarded);
        }
        match (&self.upstream, routed) {
            (Upstream::Server(upstream), None) => {
                self.rewritten(call, upstream.forward(parts, body).await?).await
            }
            (Upstream::Server(_), Some(reply)) => Ok(reply.into_response()),
            (Upstream::Stub(delay), routed) => {
                if !delay.is_zero() {
                    tokio::time::sleep(*delay).await;
                }
                match routed {
                    Some(reply) => Ok(reply.into_response()),
                    None => self.rewritten(call, stub_answers::answer(call).into_response()).await,
                }
            }
        }
    }

    async fn rewritten(&self, call: &Call, answer: Response<Body>) -> HandlerResult {
        let applies = |(path, _): &&(String, Rewrite)| call.path.starts_with(path);
        // Answers without a rewrite are streamed.
        if !self.rewrites.read().unwrap_or_else(PoisonError::into_inner).iter().any(|one| applies(&one)) {
            return Ok(answer);
        }
        let reply = Reply::read(answer).await?;
        let rewrites = self.rewrites.read().unwrap_or_else(PoisonError::into_inner);
        let reply = rewrites.iter().filter(applies).fold(reply, |reply, (_, rewrite)| rewrite(call, reply));
        Ok(reply.into_response())
    }

    fn routed(&self, call: &Call) -> Option<Reply> {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        routes.iter().find_map(|route| route(call))
    }
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
