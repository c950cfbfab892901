//! Listening: connections with time limits, and an end that loses no request.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use futures::FutureExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower::Service as _;

use super::Peer;
use super::wakeful::Wakeful;

/// How long a connection may take to its first request, handshake included.
const FIRST_REQUEST: Duration = Duration::from_secs(15);
/// How long the head of a request may take, and how long a connection may idle between requests.
const HEAD: Duration = Duration::from_secs(30);
/// Largest head of a request, bytes.
const HEAD_SIZE: u32 = 64 * 1024;
/// How long connections that were accepted last may take to send their request once the server stops.
const LINGER: Duration = Duration::from_millis(200);
/// How long requests that are being answered may take once the server stops.
const LAST_ANSWERS: Duration = Duration::from_secs(30);

/// Opens a listening socket.
///
/// # Errors
/// The system's, with the address.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))
}

/// Serves `router` on a socket until `stop` turns true, then to the end of what was begun.
pub async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router, mut stop: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let spawn = |stream: TcpStream, peer: SocketAddr| {
        let (router, watcher, tls) = (router.clone(), graceful.watcher(), tls.clone());
        tokio::spawn(Wakeful::new(accepted(stream, peer.ip(), tls, router, watcher)));
    };
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => spawn(stream, peer),
                Err(error) => {
                    // Too many open files, most likely: some will be closed.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            () = told(&mut stop) => break,
        }
    }
    // Whoever is connected already, though not accepted, would be cut off.
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        spawn(stream, peer);
    }
    drop(listener);
    tokio::time::sleep(LINGER).await;
    if tokio::time::timeout(LAST_ANSWERS, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still being answered at the end");
    }
}

/// Until it is time to stop; whoever would say so may be gone.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn accepted(stream: TcpStream, peer: IpAddr, tls: Option<TlsAcceptor>, router: Router, watcher: Watcher) {
    // Small answers go out at once.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return connection(stream, Peer { address: peer, tls: false }, router, watcher).await;
    };
    match tokio::time::timeout(FIRST_REQUEST, tls.accept(stream)).await {
        Ok(Ok(stream)) => connection(stream, Peer { address: peer, tls: true }, router, watcher).await,
        Ok(Err(error)) => tracing::debug!(%error, client_ip = %peer, "TLS handshake failed"),
        Err(_) => tracing::debug!(client_ip = %peer, "TLS handshake took too long"),
    }
}

async fn connection<S>(stream: S, peer: Peer, router: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let asked = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&asked);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        noted.store(true, Ordering::Relaxed);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        router.clone().call(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_SIZE as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .max_header_list_size(HEAD_SIZE)
        .keep_alive_interval(HEAD)
        .keep_alive_timeout(HEAD);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let mut connection = pin!(watcher.watch(connection));
    tokio::select! {
        _ = &mut connection => return,
        () = tokio::time::sleep(FIRST_REQUEST) => {}
    }
    if asked.load(Ordering::Relaxed) {
        let _ = connection.await;
    }
}
