//! The HTTP server that the proxy and the runtime API share.

use crate::connection_reset::ConnectionReset;
use crate::cut_body::CutBody;
use crate::slow_body::SlowBody;
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// A body made here: at once, slowly, or not to its end.
pub(crate) type Made = Either<Full<Bytes>, Either<SlowBody, CutBody>>;

/// A body made here, or a forwarded body that is streamed.
pub(crate) type Body = Either<Made, Incoming>;

/// A handler's answer. On an error the connection is reset.
pub(crate) type HandlerResult = Result<Response<Body>, ConnectionReset>;

/// A server with its own thread and its own async runtime. Dropping it ends the server and its connections.
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
        F: Future<Output = HandlerResult> + Send + 'static,
    {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("emulator".to_owned()).spawn(move || {
            let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
            runtime.block_on(async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                tokio::spawn(accept(listener, handler));
                // The runtime drops the remaining tasks when this future ends.
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
            // A panic of the thread is already printed, and the client has seen its connection end.
            let _ = thread.join();
        }
    }
}

/// Binds a free port.
///
/// Tokio's backlog is larger than the standard library's 128 connections. With the smaller one, most of a thousand concurrent
/// clients would retry after a second. Runs on its own thread because the caller may already be inside a runtime.
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
    F: Future<Output = HandlerResult> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, handler.clone()));
            }
            // For example out of file descriptors: retry later.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve<H, F>(stream: TcpStream, handler: H)
where
    H: Fn(Request<Incoming>) -> F + Unpin,
    F: Future<Output = HandlerResult>,
{
    // With Nagle's algorithm small answers would wait for the client's acknowledgements.
    let _ = stream.set_nodelay(true);
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(handler));
    if (&mut connection).await.is_err_and(|error| error.is_user()) {
        // The client would read an orderly close as the end of the stream. Zero linger makes it a reset.
        let _ = connection.into_parts().io.into_inner().set_zero_linger();
    }
}

/// Reads the whole request. Fails if the client disconnects.
pub(crate) async fn read_request(request: Request<Incoming>) -> Result<(Parts, Bytes), ConnectionReset> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| ConnectionReset)?;
    Ok((parts, body.to_bytes()))
}
