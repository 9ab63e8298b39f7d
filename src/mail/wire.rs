//! The bytes between us and a relay: TCP without delay, TLS that is always checked, whole replies, and a
//! count of what was written.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, version};

use super::reply::{BadReply, Lines, Replies};
use super::smtp::Cause;

/// Makes TLS connectors: the system's authorities and those of `extra_roots_pem`, TLS 1.2 or newer,
/// certificate and name always checked.
///
/// # Errors
/// When the PEM text holds no certificate or a broken one, or the system's store cannot be read.
pub(super) fn tls_connector(extra_roots_pem: Option<&str>) -> Result<TlsConnector, String> {
    let roots = match extra_roots_pem {
        None => Vec::new(),
        Some(pem) => CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("a certificate among the extra authorities is broken: {error}"))?,
    };
    if extra_roots_pem.is_some() && roots.is_empty() {
        return Err("the extra authorities hold no certificate in PEM form".to_owned());
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(roots, Arc::clone(&provider))
        .map_err(|error| format!("the authorities of this system cannot be used: {error}"))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[derive(Debug)]
enum Stream {
    Clear(TcpStream),
    // Boxed: some hundred times larger than the other.
    Tls(Box<TlsStream<TcpStream>>),
}

/// No reply could be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("the relay closed the connection")]
    Closed,
    #[error(transparent)]
    Broken(#[from] io::Error),
    #[error(transparent)]
    Bad(#[from] BadReply),
}

/// Nobody could be connected to.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectFailure {
    #[error(transparent)]
    NoSuchHost(io::Error),
    #[error(transparent)]
    Broken(#[from] io::Error),
}

impl ConnectFailure {
    pub(super) fn cause(&self) -> Cause {
        match self {
            Self::NoSuchHost(_) => Cause::NoSuchHost,
            Self::Broken(error) => error.kind().into(),
        }
    }
}

/// No TLS could be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsFailure {
    #[error("the relay answered more than was asked before TLS")]
    Injected,
    #[error("{0} is not a name TLS can check")]
    BadName(String),
    #[error(transparent)]
    Handshake(#[from] io::Error),
}

impl TlsFailure {
    pub(super) fn cause(&self) -> Cause {
        let Self::Handshake(error) = self else { return Cause::BadCertificate };
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            // What the verifier of the system says that has no name of its own.
            Some(rustls::Error::InvalidCertificate(_) | rustls::Error::General(_)) => Cause::BadCertificate,
            // Bytes that are no TLS, or an end of the connection instead of them.
            _ => Cause::NoTls,
        }
    }
}

/// A connected stream.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    replies: Replies,
    written: u64,
}

impl Wire {
    fn new(stream: Stream) -> Self {
        Self { stream, replies: Replies::default(), written: 0 }
    }

    /// # Errors
    /// When nobody answers there.
    pub(super) async fn connect(host: &str, port: u16) -> Result<Self, ConnectFailure> {
        let found = tokio::net::lookup_host((host, port)).await.map_err(ConnectFailure::NoSuchHost)?;
        let tcp = TcpStream::connect(found.collect::<Vec<_>>().as_slice()).await?;
        // Without it the kernel holds back the end of each flight for 40 ms.
        tcp.set_nodelay(true)?;
        Ok(Self::new(Stream::Clear(tcp)))
    }

    /// The handshake, with the name of the relay checked against its certificate.
    ///
    /// # Errors
    /// When the relay cannot prove who it is, or something was said in the clear that nobody asked for:
    /// bytes behind the answer to STARTTLS come from someone in between (CVE-2011-0411).
    pub(super) async fn secure(self, connector: &TlsConnector, host: &str) -> Result<Self, TlsFailure> {
        if !self.replies.is_empty() {
            return Err(TlsFailure::Injected);
        }
        let Stream::Clear(tcp) = self.stream else { return Ok(self) };
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsFailure::BadName(host.to_owned()))?;
        let tls = connector.connect(name, tcp).await?;
        Ok(Self::new(Stream::Tls(Box::new(tls))))
    }

    /// Bytes that left us, or may have. Bytes that are not counted have certainly not left.
    ///
    /// Over TLS some of those counted may still wait in rustls: the count is then too high, never too low.
    pub(super) const fn written(&self) -> u64 {
        self.written
    }

    /// Writes all of it. Dropping the future leaves the count as it is then.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = match &mut self.stream {
                Stream::Clear(tcp) => tcp.write(rest).await?,
                Stream::Tls(tls) => tls.write(rest).await?,
            };
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.written = self.written.saturating_add(count as u64);
            rest = rest.get(count..).unwrap_or_default();
        }
        match &mut self.stream {
            Stream::Clear(_) => Ok(()),
            Stream::Tls(tls) => tls.flush().await,
        }
    }

    /// The next reply. Dropping the future loses nothing.
    pub(super) async fn read(&mut self) -> Result<Lines<'_>, ReadError> {
        let length = loop {
            if let Some(length) = self.replies.whole()? {
                break length;
            }
            let room = self.replies.room();
            let count = match &mut self.stream {
                Stream::Clear(tcp) => tcp.read(room).await?,
                Stream::Tls(tls) => tls.read(room).await?,
            };
            if count == 0 {
                return Err(ReadError::Closed);
            }
            self.replies.fill(count);
        };
        Ok(self.replies.take(length))
    }
}
