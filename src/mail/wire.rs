//! The bytes between us and a relay: TCP without delay, TLS that is always checked, and a count of
//! what was written.
//!
//! lettre speaks SMTP over the [`Wire`]. The wire itself makes TLS, also after STARTTLS: so there is one
//! set of rules for certificates, nothing that was read before the handshake can reach the session after
//! it, and the count is one of SMTP's bytes, not of TLS records.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, version};

use super::reply::Reply;

/// Longest greeting or answer to EHLO that is read before TLS, in bytes. Ten times what servers send.
const CLEAR_REPLY_MAX_BYTES: usize = 16 * 1024;
/// A session expects a greeting, but after STARTTLS the server sends none (RFC 3207, 4.2).
const GREETING_AFTER_STARTTLS: &[u8] = b"220 continued after STARTTLS\r\n";

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

/// How much was written, readable while lettre owns the [`Wire`].
#[derive(Debug)]
pub(super) struct Written(Mutex<(u64, Instant)>);

impl Written {
    fn add(&self, bytes: usize) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *written = (written.0.saturating_add(bytes as u64), Instant::now());
    }

    /// Bytes that left us, or may have. Bytes that are not counted have certainly not left.
    pub(super) fn bytes(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// When the last of them was written.
    pub(super) fn last_at(&self) -> Instant {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

#[derive(Debug)]
enum Stream {
    Clear(TcpStream),
    // Boxed: some hundred times larger than the other.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connected stream for lettre.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    written: Arc<Written>,
    /// Read before anything that comes from the stream.
    first: &'static [u8],
}

impl Wire {
    fn new(stream: Stream, first: &'static [u8]) -> Self {
        Self { stream, written: Arc::new(Written(Mutex::new((0, Instant::now())))), first }
    }

    pub(super) fn clear(tcp: TcpStream) -> Self {
        Self::new(Stream::Clear(tcp), b"")
    }

    /// TLS from the first byte.
    pub(super) fn implicit_tls(tls: TlsStream<TcpStream>) -> Self {
        Self::new(Stream::Tls(Box::new(tls)), b"")
    }

    /// TLS on a connection on which STARTTLS was said.
    pub(super) fn after_starttls(tls: TlsStream<TcpStream>) -> Self {
        Self::new(Stream::Tls(Box::new(tls)), GREETING_AFTER_STARTTLS)
    }

    pub(super) fn written(&self) -> Arc<Written> {
        Arc::clone(&self.written)
    }

    fn stream(&mut self) -> Pin<&mut dyn Duplex> {
        match &mut self.stream {
            Stream::Clear(tcp) => Pin::new(tcp),
            Stream::Tls(tls) => Pin::new(tls.as_mut()),
        }
    }
}

/// The handshake, with the name of the relay checked against its certificate.
pub(super) async fn handshake(
    connector: &TlsConnector,
    host: &str,
    tcp: TcpStream,
) -> Result<TlsStream<TcpStream>, String> {
    let name =
        ServerName::try_from(host.to_owned()).map_err(|_| format!("{host} is not a name TLS can check"))?;
    connector.connect(name, tcp).await.map_err(|error| error.to_string())
}

/// Greeting, EHLO and STARTTLS in the clear, up to where the handshake begins.
///
/// # Errors
/// What the server said instead, or that it offers no STARTTLS, or that it said more than was asked:
/// bytes behind the answer to STARTTLS come from someone in between (CVE-2011-0411).
pub(super) async fn say_starttls(tcp: &mut TcpStream, hello_name: &str) -> Result<(), String> {
    expect(&clear_reply(tcp).await?, 220)?;
    let offers = clear_command(tcp, &format!("EHLO {hello_name}\r\n")).await?;
    expect(&offers, 250)?;
    if !offers.iter().skip(1).any(|line| line.get(4..).unwrap_or("").trim().eq_ignore_ascii_case("STARTTLS"))
    {
        return Err("the relay does not offer STARTTLS; nothing was sent in the clear".to_owned());
    }
    expect(&clear_command(tcp, "STARTTLS\r\n").await?, 220)
}

async fn clear_command(tcp: &mut TcpStream, command: &str) -> Result<Vec<String>, String> {
    tcp.write_all(command.as_bytes()).await.map_err(|error| error.to_string())?;
    clear_reply(tcp).await
}

fn expect(lines: &[String], code: u16) -> Result<(), String> {
    let words: Vec<&str> = lines.iter().map(|line| line.get(4..).unwrap_or("")).collect();
    let said = lines.last().and_then(|line| line.get(..3)?.parse().ok()).unwrap_or(0);
    let reply = Reply::parse(said, &words.join(" "));
    (said == code).then_some(()).ok_or_else(|| reply.to_string())
}

/// The lines of exactly one reply. More than one is refused: we do not pipeline in the clear.
async fn clear_reply(tcp: &mut TcpStream) -> Result<Vec<String>, String> {
    let mut read = Vec::with_capacity(512);
    loop {
        if tcp.read_buf(&mut read).await.map_err(|error| error.to_string())? == 0 {
            return Err("the relay closed the connection".to_owned());
        }
        let text = String::from_utf8_lossy(&read);
        let mut lines = text.split_inclusive('\n');
        if lines.any(|line| line.ends_with('\n') && line.as_bytes().get(3) != Some(&b'-')) {
            return match lines.next() {
                None => Ok(text.lines().map(str::to_owned).collect()),
                Some(_) => Err("the relay answered more than was asked before TLS".to_owned()),
            };
        }
        if read.len() > CLEAR_REPLY_MAX_BYTES {
            return Err(format!("the relay's answer is longer than {CLEAR_REPLY_MAX_BYTES} bytes"));
        }
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.stream {
            Stream::Clear(tcp) => tcp.peer_addr(),
            Stream::Tls(tls) => tls.get_ref().0.peer_addr(),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.first.is_empty() {
            let (now, later) = self.first.split_at(self.first.len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.first = later;
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(self.stream().poll_read(cx, buffer))?;
        // Some servers answer in Latin-1, and lettre drops a connection that is not UTF-8: the words then
        // lose their accents, the verdict is kept.
        for byte in buffer.filled_mut().iter_mut().skip(before).filter(|byte| !byte.is_ascii()) {
            *byte = b'?';
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // Over TLS the bytes counted may still wait in rustls: the count is then too high, never too low.
        // An error means that the last record was not written whole, and so was not counted either.
        let count = ready!(self.stream().poll_write(cx, bytes))?;
        self.written.add(count);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }
}
