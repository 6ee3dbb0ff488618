//! The HTTP server below all others here.

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, io};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// Ours, or one that is passed on as it comes in.
pub(crate) type Body = Either<Full<Bytes>, Incoming>;

/// An answer, or none: then the connection is reset.
pub(crate) type Answered = Result<Response<Body>, Cut>;

/// The connection is to be reset.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection reset on purpose")
    }
}

impl std::error::Error for Cut {}

/// A server on a thread of its own, with a runtime of its own. It and its connections end when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start<H, F>(listener: TcpListener, handler: H) -> io::Result<Self>
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + Unpin + 'static,
        F: Future<Output = Answered> + Send + 'static,
    {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("emulator".to_owned()).spawn(move || {
            let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
            runtime.block_on(async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                tokio::spawn(accept(listener, handler));
                // Sent or dropped; the runtime then drops all that still runs on it.
                let _ = stopped.await;
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic over there has been printed, and the client has seen its connection end.
            let _ = thread.join();
        }
    }
}

/// A free port. By Tokio's hand and not by the standard library's, which lets only 128 connections wait: of a thousand clients
/// at once, most would then try again after a second. On a thread of its own, as the caller may be on a runtime already.
pub(crate) fn listener() -> io::Result<TcpListener> {
    let bind = || {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?.into_std()
    };
    thread::spawn(bind).join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
}

async fn accept<H, F>(listener: tokio::net::TcpListener, handler: H)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Unpin + 'static,
    F: Future<Output = Answered> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, handler.clone()));
            }
            // Out of file descriptors, say: later there may be some.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve<H, F>(stream: TcpStream, handler: H)
where
    H: Fn(Request<Incoming>) -> F + Unpin,
    F: Future<Output = Answered>,
{
    // Without it, small answers wait for the client's acknowledgements.
    let _ = stream.set_nodelay(true);
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(handler));
    if (&mut connection).await.is_err_and(|error| error.is_user()) {
        // An orderly close would be an end of file at the client; this makes it a reset.
        let _ = connection.into_parts().io.into_inner().set_zero_linger();
    }
}

/// The whole request. A client that breaks off gets no answer.
pub(crate) async fn whole(request: Request<Incoming>) -> Result<(Parts, Bytes), Cut> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?;
    Ok((parts, body.to_bytes()))
}
