//! The listening server.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::{Compress, NormalizePath, TrailingSlash, from_fn};
use actix_web::web::{Data, PayloadConfig, ServiceConfig};
use actix_web::{App as ActixApp, HttpServer};

use super::{App, access, api, error, headers, routes};

/// Largest body: an article of 200,000 characters, each in its longest encoding.
pub const BODY_MAX_OCTETS: usize = 2 * 1024 * 1024;
/// How long a client may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long requests in progress may take at a stop.
const STOP_TIMEOUT_SECONDS: u64 = 10;

/// More routes than the service's own: the demo's mailbox.
pub type ExtraRoutes = std::sync::Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>;

/// A server that listens already, so that nobody finds the port closed.
pub struct WebServer {
    pub address: SocketAddr,
    pub handle: ServerHandle,
    /// Runs until [`ServerHandle::stop`].
    pub server: Server,
}

/// Binds and prepares the server; it answers once `server` is awaited.
///
/// # Errors
/// When the address cannot be listened on.
pub fn bind(
    app: App,
    listen: SocketAddr,
    workers: usize,
    extra: Option<ExtraRoutes>,
) -> std::io::Result<WebServer> {
    let listener = TcpListener::bind(listen)?;
    let address = listener.local_addr()?;
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(Data::new(app.clone()))
            .app_data(PayloadConfig::new(BODY_MAX_OCTETS))
            .wrap(from_fn(access::guard))
            .wrap(from_fn(api::v1::access::guard))
            .wrap(from_fn(error::render))
            .wrap(Compress::default())
            .wrap(from_fn(headers::secure))
            .wrap(from_fn(headers::log))
            .wrap(NormalizePath::new(TrailingSlash::Trim))
            .configure(routes::configure)
            .configure(|config| {
                if let Some(extra) = &extra {
                    extra(config);
                }
            })
    })
    .workers(workers.max(1))
    .client_request_timeout(HEAD_TIMEOUT)
    .shutdown_timeout(STOP_TIMEOUT_SECONDS)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(WebServer { address, handle: server.handle(), server })
}
