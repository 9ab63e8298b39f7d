//! One SMTP session with a relay, stage by stage.
//!
//! It stands on lettre's connection and not on lettre's transport, because delivery must know two things
//! that the transport does not say: at which stage a connection was cut, and whether a refusal was the
//! recipient's or the relay's. The boundary that matters is the final dot:
//!
//! - cut before the last byte of it was written: nothing was taken ([`Attempt::Lost`]);
//! - cut after that: nobody knows ([`Attempt::Uncertain`]);
//! - a reply, whichever: known ([`Attempt::Accepted`], [`Attempt::Refused`]).
//!
//! To add an SMTP extension: read its keyword in [`Offers`], and use it in [`Session::send`].

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{self, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Auth, Ehlo, Quit, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use tokio::net::TcpStream;
use tokio::time::{timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::reply::Reply;
use super::wire::{self, Wire, Written};
use crate::model::{AuthMethod, Credentials, EmailAddress, RelaySettings, StageTimeouts, TlsMode};

/// Most challenges of a login that are answered; LOGIN has two.
const LOGIN_CHALLENGES_MAX: usize = 4;

/// Where in a session something happened, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Connect,
    Tls,
    Hello,
    Login,
    Mail,
    Recipient,
    Data,
    /// Writing the message, up to and with its final dot.
    Message,
    /// Waiting for the answer to the final dot.
    FinalDot,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Tls => "TLS",
            Self::Hello => "greeting",
            Self::Login => "login",
            Self::Mail => "MAIL FROM",
            Self::Recipient => "RCPT TO",
            Self::Data => "DATA",
            Self::Message => "the message",
            Self::FinalDot => "the final dot",
        })
    }
}

/// One message for one recipient.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Where bounces go; `None` is the empty path of RFC 5321, 4.5.5.
    pub envelope_from: Option<&'a EmailAddress>,
    pub to: &'a EmailAddress,
    /// The whole message. Lines end with CRLF; a bare CR, LF or NUL is refused, not sent.
    pub bytes: &'a [u8],
}

/// What became of one message on one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The relay answered 2xx to the final dot: it is the relay's now.
    Accepted(Reply),
    /// The relay refused with 4xx or 5xx ([`Reply::classify`]), or we did in its place before anything
    /// was sent. A refusal at [`Stage::Mail`] is about the sender, later ones are about the recipient or
    /// the message.
    Refused { stage: Stage, reply: Reply },
    /// The session broke before the final dot was written: the relay has not taken the message.
    Lost { stage: Stage, reason: String },
    /// The session broke between the final dot and its answer: the relay may have taken the message.
    Uncertain(String),
}

/// No session could be opened, or the relay wants another login. It says nothing about any recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectError {
    pub stage: Stage,
    /// What happened. Never holds a password.
    pub reason: String,
}

impl ConnectError {
    pub(super) fn new(stage: Stage, reason: impl Into<String>) -> Self {
        Self { stage, reason: reason.into() }
    }

    /// What the person who runs the service can do.
    pub const fn advice(&self) -> &'static str {
        match self.stage {
            Stage::Connect => "check the relay's host and port, and that no firewall is in between",
            Stage::Tls => {
                "check the relay's TLS mode and port, and that its certificate is valid for this host name"
            }
            Stage::Login => "check the relay's user name and password",
            _ => "look at the relay's own log, or ask who runs it",
        }
    }
}

/// What the relay offers (EHLO keywords, compared without case: RFC 5321, 2.4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offers {
    pipelining: bool,
    smtputf8: bool,
    eight_bit_mime: bool,
    dsn: bool,
    /// `Some(0)` is a relay that offers SIZE without a limit (RFC 1870, 4).
    size: Option<usize>,
    mechanisms: Vec<Mechanism>,
    name: String,
}

impl Offers {
    fn read(response: &Response) -> Self {
        let mut offers = Self {
            name: response.first_word().unwrap_or("").chars().filter(|c| !c.is_control()).collect(),
            ..Self::default()
        };
        for line in response.message().skip(1) {
            // Some old servers write AUTH=LOGIN.
            let mut words = line.split([' ', '=', '\t']).map(str::to_ascii_uppercase);
            match words.next().as_deref() {
                Some("PIPELINING") => offers.pipelining = true,
                Some("SMTPUTF8") => offers.smtputf8 = true,
                Some("8BITMIME") => offers.eight_bit_mime = true,
                Some("DSN") => offers.dsn = true,
                Some("SIZE") => {
                    offers.size = Some(words.next().and_then(|limit| limit.parse().ok()).unwrap_or(0));
                }
                Some("AUTH") => offers.mechanisms.extend(words.filter_map(|word| match word.as_str() {
                    "PLAIN" => Some(Mechanism::Plain),
                    "LOGIN" => Some(Mechanism::Login),
                    "XOAUTH2" => Some(Mechanism::Xoauth2),
                    _ => None,
                })),
                _ => {}
            }
        }
        offers
    }
}

impl fmt::Display for Offers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words: Vec<String> = [
            (self.pipelining, "PIPELINING"),
            (self.eight_bit_mime, "8BITMIME"),
            (self.smtputf8, "SMTPUTF8"),
            (self.dsn, "DSN"),
        ]
        .into_iter()
        .filter(|(offered, _)| *offered)
        .map(|(_, word)| word.to_owned())
        .collect();
        words.extend(self.size.map(|limit| format!("SIZE {limit}")));
        words.extend(self.mechanisms.iter().map(|mechanism| format!("AUTH {mechanism}")));
        write!(f, "{}: {}", self.name, words.join(", "))
    }
}

/// An open session, logged in. Dropped, it is cut; [`Session::quit`] ends it politely.
pub struct Session {
    connection: AsyncSmtpConnection,
    written: Arc<Written>,
    offers: Offers,
    timeouts: StageTimeouts,
    usable: bool,
    pub(super) messages: usize,
}

impl Session {
    /// Connects, makes TLS, greets and logs in. `tls` must be there unless the mode is `None`.
    ///
    /// # Errors
    /// [`ConnectError`] with the stage that failed. No credentials were sent unless the stage is
    /// [`Stage::Login`].
    pub(super) async fn open(
        settings: &RelaySettings,
        tls: Option<&TlsConnector>,
    ) -> Result<Self, ConnectError> {
        let limits = settings.timeouts;
        let wire = connect(settings, tls).await?;
        let written = wire.written();
        let hello = ClientId::Domain(settings.hello_name.clone());
        let greeted = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &hello);
        let mut connection = in_time(limits.command, greeted)
            .await
            .and_then(|answer| answer.map_err(|error| said(&error)))
            .map_err(|reason| ConnectError::new(Stage::Hello, reason))?;
        // Once more, because lettre reads four keywords only, and in capitals.
        let answer = in_time(limits.command, connection.command(Ehlo::new(hello)))
            .await
            .and_then(|answer| answer.map_err(|error| said(&error)))
            .map_err(|reason| ConnectError::new(Stage::Hello, reason))?;
        let mut session = Self {
            connection,
            written,
            offers: Offers::read(&answer),
            timeouts: limits,
            usable: true,
            messages: 0,
        };
        if let Some(credentials) = &settings.credentials {
            session.log_in(credentials).await.map_err(|reason| ConnectError::new(Stage::Login, reason))?;
        }
        Ok(session)
    }

    /// What the relay offers.
    pub fn offers(&self) -> &Offers {
        &self.offers
    }

    /// Whether another message can be sent on it.
    pub fn is_usable(&self) -> bool {
        self.usable
    }

    async fn log_in(&mut self, credentials: &Credentials) -> Result<(), String> {
        let (known, missing): (&[Mechanism], _) = match credentials.method {
            AuthMethod::Password => {
                (&[Mechanism::Plain, Mechanism::Login], "the relay offers neither AUTH PLAIN nor AUTH LOGIN")
            }
            AuthMethod::XOAuth2 => (&[Mechanism::Xoauth2], "the relay does not offer AUTH XOAUTH2"),
        };
        let mechanism =
            known.iter().copied().find(|known| self.offers.mechanisms.contains(known)).ok_or(missing)?;
        let credentials =
            authentication::Credentials::new(credentials.username.clone(), credentials.password.clone());
        let mut command = Auth::new(mechanism, credentials.clone(), None).map_err(|error| said(&error))?;
        for _ in 0..=LOGIN_CHALLENGES_MAX {
            let answer = in_time(self.timeouts.command, self.connection.command(command)).await?;
            let response = answer.map_err(|error| said(&error))?;
            if !response.has_code(334) {
                return Ok(());
            }
            if mechanism == Mechanism::Xoauth2 {
                // The challenge says why the token was refused; an empty answer fetches the refusal itself.
                let refusal = self.command(self.timeouts.command, "\r\n").await;
                return Err(refusal.map_or_else(|reason| reason, |reply| reply.to_string()));
            }
            command = Auth::new_from_response(mechanism, credentials.clone(), &response)
                .map_err(|error| said(&error))?;
        }
        Err("the relay asks for the login again and again".to_owned())
    }

    /// Sends one message. Afterwards the session can be used again if [`Session::is_usable`].
    ///
    /// # Errors
    /// When the relay demands another login (530 at MAIL): that is no recipient's fault.
    ///
    /// Dropping the future cuts the session, and the fate of the message is then unknown.
    pub async fn send(&mut self, mail: &Outgoing<'_>) -> Result<Attempt, ConnectError> {
        // Until the end is reached: a future dropped on the way must not leave a session to reuse.
        self.usable = false;
        let (envelope, payload) = match self.prepare(mail) {
            Ok(prepared) => prepared,
            Err(reply) => {
                self.usable = true;
                return Ok(Attempt::Refused { stage: Stage::Mail, reply });
            }
        };
        self.messages += 1;
        let attempt = match self.open_transaction(&envelope).await {
            Ok(()) => self.transfer(&payload).await,
            Err(attempt) => attempt,
        };
        match attempt {
            Attempt::Refused { stage: Stage::Mail, reply } if reply.code == 530 => {
                self.usable = false;
                Err(ConnectError::new(Stage::Login, reply.to_string()))
            }
            attempt => Ok(attempt),
        }
    }

    /// The command lines and the payload, or the refusal we know without asking the relay.
    fn prepare(&self, mail: &Outgoing<'_>) -> Result<([String; 3], String), Reply> {
        let refused = |code, subject, detail, text| Err(Reply::new(code, Some((5, subject, detail)), text));
        let utf8 = mail.to.needs_smtputf8() || mail.envelope_from.is_some_and(EmailAddress::needs_smtputf8);
        if utf8 && !self.offers.smtputf8 {
            return refused(553, 6, 7, "the relay cannot deliver to an address beyond ASCII (no SMTPUTF8)");
        }
        let Some(text) = std::str::from_utf8(mail.bytes).ok().filter(|_| has_only_whole_lines(mail.bytes))
        else {
            return refused(554, 6, 0, "the message holds a bare CR, LF or NUL, or is not UTF-8");
        };
        let eight_bit = !text.is_ascii();
        if eight_bit && !self.offers.eight_bit_mime {
            return refused(554, 6, 3, "the message is not 7-bit and the relay does not offer 8BITMIME");
        }
        let mut from =
            format!("MAIL FROM:<{}>", mail.envelope_from.map(EmailAddress::to_smtp).unwrap_or_default());
        if let Some(limit) = self.offers.size {
            if limit > 0 && mail.bytes.len() > limit {
                return refused(552, 3, 4, "the message is larger than the relay takes");
            }
            // Writing to a String cannot fail.
            let _ = write!(from, " SIZE={}", mail.bytes.len());
        }
        if eight_bit {
            from.push_str(" BODY=8BITMIME");
        }
        if utf8 {
            from.push_str(" SMTPUTF8");
        }
        from.push_str("\r\n");
        let to = format!("RCPT TO:<{}>\r\n", mail.to.to_smtp());
        Ok(([from, to, "DATA\r\n".to_owned()], dot_stuffed(text)))
    }

    /// MAIL, RCPT and DATA: in one flight if the relay offers PIPELINING, one by one otherwise.
    /// `Ok` when the relay waits for the message.
    async fn open_transaction(&mut self, envelope: &[String; 3]) -> Result<(), Attempt> {
        let pipelining = self.offers.pipelining;
        let mut refusal: Option<(Stage, Reply)> = None;
        let mut go_ahead = false;
        for (stage, line) in [Stage::Mail, Stage::Recipient, Stage::Data].into_iter().zip(envelope) {
            let limit = if stage == Stage::Data { self.timeouts.data } else { self.timeouts.command };
            let answer = match (pipelining, stage) {
                (true, Stage::Mail) => self.command(limit, &envelope.concat()).await,
                (true, _) => reply_in_time(limit, self.connection.read_response()).await,
                (false, _) if refusal.is_some() => break,
                (false, _) => self.command(limit, line).await,
            };
            let expected = if stage == Stage::Data { 3 } else { 2 };
            match answer {
                Ok(reply) if reply.code / 100 == expected => go_ahead = stage == Stage::Data,
                Ok(reply) if reply.code >= 400 => {
                    let closes = reply.closes();
                    refusal.get_or_insert((stage, reply));
                    if closes {
                        return Err(refused(refusal));
                    }
                }
                // The first refusal is known, even if the connection breaks behind it.
                _ if refusal.is_some() => return Err(refused(refusal)),
                Ok(reply) => {
                    return Err(Attempt::Lost { stage, reason: format!("unexpected answer: {reply}") });
                }
                Err(reason) => return Err(Attempt::Lost { stage, reason }),
            }
        }
        if refusal.is_none() {
            return Ok(());
        }
        // Once DATA was answered with 354, a lone dot is the only way out (RFC 2920, 3.1).
        let way_out = if go_ahead { ".\r\n".to_owned() } else { Rset.to_string() };
        let answer = self.command(self.timeouts.command, &way_out).await;
        self.usable = answer.is_ok_and(|reply| !reply.closes());
        Err(refused(refusal))
    }

    /// Message and final dot in one write, then the answer.
    async fn transfer(&mut self, payload: &str) -> Attempt {
        let whole = self.written.bytes().saturating_add(payload.len() as u64);
        let limits = self.timeouts;
        let mut exchange = std::pin::pin!(self.connection.command(payload));
        let answer = match timeout(limits.block, &mut exchange).await {
            Ok(answer) => answer,
            Err(_) if self.written.bytes() < whole => {
                let reason = format!("the relay stopped taking the message for {:?}", limits.block);
                return Attempt::Lost { stage: Stage::Message, reason };
            }
            Err(_) => match timeout_at(self.written.last_at() + limits.final_dot, &mut exchange).await {
                Ok(answer) => answer,
                Err(_) => {
                    return Attempt::Uncertain(format!(
                        "no answer to the final dot in {:?}",
                        limits.final_dot
                    ));
                }
            },
        };
        let reply = match answer {
            Ok(response) => Reply::from(&response),
            Err(error) => match Reply::from_error(&error) {
                Some(reply) => reply,
                None if self.written.bytes() < whole => {
                    return Attempt::Lost { stage: Stage::Message, reason: said(&error) };
                }
                None => return Attempt::Uncertain(said(&error)),
            },
        };
        self.usable = !reply.closes();
        match reply.code {
            200..=299 => Attempt::Accepted(reply),
            400.. => Attempt::Refused { stage: Stage::FinalDot, reply },
            _ => {
                self.usable = false;
                Attempt::Uncertain(format!("unexpected answer to the final dot: {reply}"))
            }
        }
    }

    async fn command(&mut self, limit: Duration, line: &str) -> Result<Reply, String> {
        reply_in_time(limit, self.connection.command(line)).await
    }

    /// Ends the session; what the relay says to that does not matter.
    pub async fn quit(mut self) {
        if self.usable {
            let _ = timeout(self.timeouts.quit, self.connection.command(Quit)).await;
        }
    }
}

async fn connect(settings: &RelaySettings, tls: Option<&TlsConnector>) -> Result<Wire, ConnectError> {
    let limits = settings.timeouts;
    let failed = |stage| move |reason: String| ConnectError::new(stage, reason);
    let mut tcp = in_time(limits.connect, TcpStream::connect((settings.host.as_str(), settings.port)))
        .await
        .and_then(|tcp| tcp.map_err(|error| error.to_string()))
        .map_err(failed(Stage::Connect))?;
    // Without it the kernel holds back the end of each flight for 40 ms.
    tcp.set_nodelay(true).map_err(|error| failed(Stage::Connect)(error.to_string()))?;
    if settings.tls == TlsMode::None {
        return Ok(Wire::clear(tcp));
    }
    let connector = tls.ok_or_else(|| ConnectError::new(Stage::Tls, "TLS was not set up"))?;
    if settings.tls == TlsMode::StartTls {
        let asked = wire::say_starttls(&mut tcp, &settings.hello_name);
        in_time(limits.command, asked).await.and_then(|asked| asked).map_err(failed(Stage::Tls))?;
    }
    let stream = in_time(limits.command, wire::handshake(connector, &settings.host, tcp))
        .await
        .and_then(|stream| stream)
        .map_err(failed(Stage::Tls))?;
    Ok(match settings.tls {
        TlsMode::StartTls => Wire::after_starttls(stream),
        _ => Wire::implicit_tls(stream),
    })
}

fn refused(refusal: Option<(Stage, Reply)>) -> Attempt {
    match refusal {
        Some((stage, reply)) => Attempt::Refused { stage, reply },
        None => Attempt::Lost { stage: Stage::Data, reason: "the relay gave no answer".to_owned() },
    }
}

async fn in_time<T>(limit: Duration, step: impl Future<Output = T>) -> Result<T, String> {
    timeout(limit, step).await.map_err(|_| format!("no answer in {limit:?}"))
}

/// Any reply, also a refusal; an error is a connection that broke or answers nonsense.
async fn reply_in_time(
    limit: Duration,
    step: impl Future<Output = Result<Response, Error>>,
) -> Result<Reply, String> {
    match in_time(limit, step).await? {
        Ok(response) => Ok(Reply::from(&response)),
        Err(error) => Reply::from_error(&error).ok_or_else(|| said(&error)),
    }
}

/// The relay's words if it said any, otherwise what happened to the connection.
fn said(error: &Error) -> String {
    match Reply::from_error(error) {
        Some(reply) => reply.to_string(),
        // What lettre calls a reply that ends in the middle is mostly no reply at all.
        None if error.is_response() => {
            format!("the connection was closed, or the answer is not SMTP ({error})")
        }
        None => error.to_string(),
    }
}

/// Bare CR and LF are what SMTP smuggling is made of (CVE-2023-51764), and NUL is in no message.
fn has_only_whole_lines(bytes: &[u8]) -> bool {
    let mut after_cr = false;
    for &byte in bytes {
        if (byte == b'\n') != after_cr || byte == 0 {
            return false;
        }
        after_cr = byte == b'\r';
    }
    !after_cr
}

/// The message as it goes on the wire (RFC 5321, 4.5.2), with its final dot.
fn dot_stuffed(text: &str) -> String {
    const DOTS_EXPECTED: usize = 64;
    let mut payload = String::with_capacity(text.len() + DOTS_EXPECTED);
    if text.starts_with('.') {
        payload.push('.');
    }
    let mut rest = text;
    while let Some(at) = rest.find("\n.") {
        let (line, dotted) = rest.split_at(at + 1);
        payload.push_str(line);
        payload.push_str("..");
        rest = dotted.get(1..).unwrap_or("");
    }
    payload.push_str(rest);
    payload.push_str(if text.ends_with("\r\n") { ".\r\n" } else { "\r\n.\r\n" });
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_at_the_start_of_a_line_are_doubled_and_a_last_line_is_ended() {
        for (text, payload) in [
            ("a\r\n", "a\r\n.\r\n"),
            ("a", "a\r\n.\r\n"),
            (".\r\n", "..\r\n.\r\n"),
            ("..a\r\n.b\r\nc.\r\n", "...a\r\n..b\r\nc.\r\n.\r\n"),
            ("a\r\n.\r\n.\r\nMAIL FROM:<x@y>\r\n", "a\r\n..\r\n..\r\nMAIL FROM:<x@y>\r\n.\r\n"),
            ("a\r\n.", "a\r\n..\r\n.\r\n"),
        ] {
            assert_eq!(dot_stuffed(text), payload, "{text:?}");
        }
    }

    #[test]
    fn a_bare_line_end_is_found_wherever_it_is() {
        for whole in ["", "a", "a\r\n", "a\r\n\r\nb\r\n"] {
            assert!(has_only_whole_lines(whole.as_bytes()), "{whole:?}");
        }
        for broken in ["\n", "\r", "a\nb", "a\rb\r\n", "a\r\n.\n", "a\r", "a\r\r\n", "a\n\r\n", "a\0"] {
            assert!(!has_only_whole_lines(broken.as_bytes()), "{broken:?}");
        }
    }

    #[test]
    fn keywords_are_read_in_any_case() {
        let response: Response =
            "250-mx.example\r\n250-pipelining\r\n250-Size 1000\r\n250-SmtpUtf8\r\n250 auth=LOGIN plain x\r\n"
                .parse()
                .unwrap();
        let offers = Offers::read(&response);
        assert!(offers.pipelining && offers.smtputf8 && !offers.eight_bit_mime);
        assert_eq!(offers.size, Some(1000));
        assert_eq!(offers.mechanisms, [Mechanism::Login, Mechanism::Plain]);
        assert_eq!(offers.to_string(), "mx.example: PIPELINING, SMTPUTF8, SIZE 1000, AUTH LOGIN, AUTH PLAIN");
    }
}
