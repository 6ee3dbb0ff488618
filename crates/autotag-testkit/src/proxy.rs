//! A proxy between AWS clients and an emulator: it makes faults, counts the calls, and answers what the emulator cannot.

use crate::call::Call;
use crate::fault::{Fault, Faults, Plan};
use crate::forward::{Partly, Upstream};
use crate::ledger::{Ledger, one_more};
use crate::reply::Reply;
use crate::server::{Answered, Body, Cut, Server, listener, whole};
use crate::{routes, stub};
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

/// An HTTP server that AWS clients take for AWS (by `AWS_ENDPOINT_URL`), and that passes their calls on.
///
/// A call meets, in this order: the rules, as they were given; the seeded faults; our routes; the server behind, whose
/// answer the rewrites then change. Everything can be changed while calls are made.
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
    behind: Behind,
    rules: RwLock<Vec<Rule>>,
    /// Behind the rules.
    faults: RwLock<Vec<Rule>>,
    routes: RwLock<Vec<Route>>,
    /// With how the path begins.
    rewrites: RwLock<Vec<(String, Rewrite)>>,
    ledger: Ledger,
}

/// Who answers when nothing goes wrong.
enum Behind {
    Server(Box<Upstream>),
    Stub(Duration),
}

impl Proxy {
    /// A proxy before `upstream`, `http://host:port`.
    ///
    /// # Errors
    /// `upstream` is no such URL, or there is no free port.
    pub fn start(upstream: &str) -> io::Result<Self> {
        Self::before(Behind::Server(Box::new(Upstream::new(upstream)?)))
    }

    pub(crate) fn stub(delay: Duration) -> io::Result<Self> {
        Self::before(Behind::Stub(delay))
    }

    fn before(behind: Behind) -> io::Result<Self> {
        let inner = Arc::new(Inner {
            behind,
            rules: RwLock::default(),
            faults: RwLock::default(),
            routes: RwLock::default(),
            rewrites: RwLock::default(),
            ledger: Ledger::default(),
        });
        let answering = Arc::clone(&inner);
        let handler = move |request| Arc::clone(&answering).answer(request);
        let server = Server::start(listener()?, handler)?;
        Ok(Self { server, inner })
    }

    /// The endpoint to use instead of AWS's.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The environment that leads any AWS client to this proxy.
    pub fn environment(&self) -> [(&'static str, String); 6] {
        crate::environment(self.url())
    }

    /// What goes wrong with which calls, exactly. The first rule that answers holds.
    pub fn rule(&self, rule: impl Fn(&Call) -> Option<Fault> + Send + Sync + 'static) {
        write(&self.inner.rules).push(Box::new(rule));
    }

    /// The first `calls` calls that mention this id or ARN do not find it.
    pub fn not_found_first(&self, id: &str, calls: u32) {
        let (id, left) = (id.to_owned(), AtomicU32::new(calls));
        self.rule(move |call| {
            let one_less =
                || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            (call.mentions(&id) && one_less().is_ok()).then(|| Fault::NotFound(vec![id.clone()]))
        });
    }

    /// Faults by a seed, for the calls that `applies` names: the same seed and the same calls give the same faults, in
    /// whatever order they are made.
    pub fn faults(&self, seed: u64, faults: Faults, applies: impl Fn(&Call) -> bool + Send + Sync + 'static) {
        let plan = Plan::new(seed, faults);
        let rule = move |call: &Call| applies(call).then(|| plan.fault(call)).flatten();
        write(&self.inner.faults).push(Box::new(rule));
    }

    /// From now on nothing goes wrong: rules and seeded faults are forgotten.
    pub fn repair(&self) {
        write(&self.inner.rules).clear();
        write(&self.inner.faults).clear();
    }

    /// Answers in place of the server behind, to calls whose path begins like this. The answer is made when the call comes;
    /// before a [`Stub`](crate::Stub) it is sent after the stub's delay.
    pub fn route(&self, path: &str, answer: impl Fn(&Call) -> Option<Reply> + Send + Sync + 'static) {
        let path = path.to_owned();
        let route = move |call: &Call| call.path.starts_with(&path).then(|| answer(call)).flatten();
        write(&self.inner.routes).push(Box::new(route));
    }

    /// Changes what the server behind (or the stub) has answered to calls whose path begins like this: for answers that AWS
    /// gives and an emulator does not, over the emulator's own data. Answers of rules and routes are not changed. Several
    /// rewrites are made one after the other, as they were given.
    pub fn rewrite(&self, path: &str, rewrite: impl Fn(&Call, Reply) -> Reply + Send + Sync + 'static) {
        write(&self.inner.rewrites).push((path.to_owned(), Box::new(rewrite)));
    }

    /// Adds what moto lacks, in our own words: see `routes.rs`. Such answers have the header `x-answered-by: our-routes`.
    #[must_use]
    pub fn with_our_routes(self) -> Self {
        self.route("/", routes::ours());
        self
    }

    /// From now on, keeps every call for [`Proxy::calls`], with its body.
    pub fn keep_bodies(&self) {
        self.inner.ledger.keep();
    }

    /// The calls since [`Proxy::keep_bodies`], in the order they came.
    pub fn calls(&self) -> Vec<Call> {
        self.inner.ledger.kept()
    }

    /// How often this was called, faults included.
    pub fn count(&self, service: &str, operation: &str) -> u64 {
        self.inner.ledger.count(service, operation)
    }

    /// How often what was called, by service and operation, faults included.
    pub fn counts(&self) -> BTreeMap<(String, String), u64> {
        self.inner.ledger.counts()
    }

    /// How many calls the server behind (or the stub) has done.
    pub fn forwarded(&self) -> u64 {
        self.inner.ledger.forwarded.load(Ordering::Relaxed)
    }

    /// With how many calls something went wrong.
    pub fn faulted(&self) -> u64 {
        self.inner.ledger.faulted.load(Ordering::Relaxed)
    }

    /// Counts from zero again.
    pub fn forget_calls(&self) {
        self.inner.ledger.clear();
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Inner {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answered {
        let (parts, body) = whole(request).await?;
        let call = Call::read(&parts, body.clone());
        self.ledger.note(&call);
        let Some(fault) = self.fault(&call) else { return self.done(parts, &call, body).await };
        one_more(&self.ledger.faulted);
        if let (Some(partly), Behind::Server(upstream)) = (Partly::read(&call, &fault), &self.behind) {
            return self.rewritten(&call, upstream.forward_rest(parts, &call, partly).await?).await;
        }
        match (fault.reply(&call), fault) {
            (Some(reply), _) => Ok(reply.into_response()),
            (None, Fault::AnswerLost) => {
                self.done(parts, &call, body).await?;
                Err(Cut)
            }
            (None, Fault::Slow(delay)) => {
                tokio::time::sleep(delay).await;
                self.done(parts, &call, body).await
            }
            (None, _) => Err(Cut),
        }
    }

    fn fault(&self, call: &Call) -> Option<Fault> {
        let first = |rules: &RwLock<Vec<Rule>>| {
            rules.read().unwrap_or_else(PoisonError::into_inner).iter().find_map(|rule| rule(call))
        };
        first(&self.rules).or_else(|| first(&self.faults))
    }

    async fn done(&self, parts: Parts, call: &Call, body: Bytes) -> Answered {
        let ours = self.routed(call);
        if ours.is_none() {
            one_more(&self.ledger.forwarded);
        }
        match (&self.behind, ours) {
            (Behind::Server(upstream), None) => {
                self.rewritten(call, upstream.forward(parts, body).await?).await
            }
            (Behind::Server(_), Some(reply)) => Ok(reply.into_response()),
            (Behind::Stub(delay), ours) => {
                if !delay.is_zero() {
                    tokio::time::sleep(*delay).await;
                }
                match ours {
                    Some(reply) => Ok(reply.into_response()),
                    None => self.rewritten(call, stub::answer(call).into_response()).await,
                }
            }
        }
    }

    async fn rewritten(&self, call: &Call, answer: Response<Body>) -> Answered {
        let meant = |(path, _): &&(String, Rewrite)| call.path.starts_with(path);
        // Most answers are not rewritten, and go through as they come in.
        if !self.rewrites.read().unwrap_or_else(PoisonError::into_inner).iter().any(|one| meant(&one)) {
            return Ok(answer);
        }
        let reply = Reply::read(answer).await?;
        let rewrites = self.rewrites.read().unwrap_or_else(PoisonError::into_inner);
        let reply = rewrites.iter().filter(meant).fold(reply, |reply, (_, rewrite)| rewrite(call, reply));
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
