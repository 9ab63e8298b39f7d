//! One SMTP session with a relay, stage by stage.
//!
//! It speaks SMTP itself, because delivery must know two things: at which stage a connection was cut, and
//! whether a refusal was the recipient's or the relay's (`docs/decisions/0008-session.md`). The boundary that
//! matters is the final dot:
//!
//! - cut before the last byte of it was written: nothing was taken ([`Attempt::Lost`]);
//! - cut after that: nobody knows ([`Attempt::Uncertain`]);
//! - a reply, whichever: known ([`Attempt::Accepted`], [`Attempt::Refused`]).
//!
//! A message can be announced behind the one before it, in the same flight: then each costs one round trip instead of
//! two. Nothing of it is in doubt by that, since its own octets follow only when everything else was answered.
//!
//! To add an SMTP extension: read its keyword in [`Offers`], and use it in [`Prepared::hold`].

use std::fmt::{self, Write as _};
use std::time::Duration;

use data_encoding::BASE64;
use lettre::transport::smtp::authentication::{self, Mechanism};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::payload::Payload;
use super::reply::{Lines, Reply};
use super::wire::{ReadError, Wire};
pub use crate::model::RelayCause as Cause;
use crate::model::{AuthMethod, Credentials, EmailAddress, RelaySettings, StageTimeouts, TlsMode};

/// Most challenges of a login that are answered; LOGIN has two.
const LOGIN_CHALLENGES_MAX: usize = 4;
/// How long the answer to MAIL may take that was said behind the message before, from that one's answer on.
const ANNOUNCED_ANSWER: Duration = Duration::from_secs(10);
/// Longest ENVID, encoded (RFC 3461, 4.4).
const ENVELOPE_ID_MAX_BYTES: usize = 100;

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
    /// Names this message in bounces, where the relay offers DSN (RFC 3461, 4.4): printable ASCII, the same
    /// for every attempt.
    pub envelope_id: Option<&'a str>,
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

impl From<std::io::ErrorKind> for Cause {
    fn from(kind: std::io::ErrorKind) -> Self {
        use std::io::ErrorKind;
        match kind {
            ErrorKind::ConnectionRefused => Self::NobodyListens,
            ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
                Self::TimedOut
            }
            _ => Self::Broken,
        }
    }
}

/// Whether mail goes out over another relay while this one is silent; `None` where there is no other.
pub(super) type Elsewhere<'e> = Option<&'e (dyn Fn() -> bool + Send + Sync)>;

/// So long a relay is waited for where another one answers meanwhile. Shorter than a destination may be silent before it
/// counts as hanging.
pub(super) const SILENT_MAX: Duration = Duration::from_secs(15);

/// No session could be opened, or the relay wants another login. It says nothing about any recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectError {
    pub stage: Stage,
    /// What happened. Never holds a password.
    pub reason: String,
    pub cause: Cause,
    /// Whether waiting may help: the relay answered 4xx, or not at all. 535 is for a person to repair, 454
    /// passes.
    pub is_temporary: bool,
}

impl ConnectError {
    pub(super) fn new(stage: Stage, reason: impl Into<String>) -> Self {
        Self { stage, reason: reason.into(), cause: Cause::Broken, is_temporary: true }
    }

    fn because(self, cause: Cause) -> Self {
        Self { cause, ..self }
    }

    /// No answer in time, or in vain.
    pub(super) fn silent(limit: Duration) -> Self {
        Self::late(Stage::Hello, limit)
    }

    /// No answer in time.
    fn late(stage: Stage, limit: Duration) -> Self {
        let cause = if stage == Stage::Hello { Cause::Silent } else { Cause::TimedOut };
        Self::new(stage, no_answer(limit)).because(cause)
    }

    /// The relay said no.
    pub(super) fn refused(stage: Stage, reply: &Reply) -> Self {
        let cause = match stage {
            _ if reply.code < 500 => Cause::NotNow,
            Stage::Login => Cause::LoginRefused,
            _ => Cause::Refused,
        };
        Self { stage, reason: reply.to_string(), cause, is_temporary: reply.code < 500 }
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
    starttls: bool,
    /// `Some(0)` is a relay that offers SIZE without a limit (RFC 1870, 4).
    size: Option<usize>,
    mechanisms: Vec<Mechanism>,
    name: String,
}

impl Offers {
    fn read(lines: Lines<'_>) -> Self {
        let mut lines = lines.words();
        let greeting = lines.next().unwrap_or_default();
        let name = greeting.split_whitespace().next().unwrap_or("");
        let mut offers = Self { name: name.chars().filter(|c| !c.is_control()).collect(), ..Self::default() };
        for line in lines {
            // Some old servers write AUTH=LOGIN.
            let mut words = line.split([' ', '=', '\t']).map(str::to_ascii_uppercase);
            match words.next().as_deref() {
                Some("PIPELINING") => offers.pipelining = true,
                Some("SMTPUTF8") => offers.smtputf8 = true,
                Some("8BITMIME") => offers.eight_bit_mime = true,
                Some("DSN") => offers.dsn = true,
                Some("STARTTLS") => offers.starttls = true,
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
    wire: Wire,
    offers: Offers,
    timeouts: StageTimeouts,
    message: Prepared,
    /// Behind the last message MAIL, RCPT and DATA of this one were said (RFC 2920, 3.1); nothing else can follow.
    announced: Option<Prepared>,
    /// Memory for the next.
    spare: Prepared,
    /// Between EHLO and its answer.
    pub(super) round_trip: Duration,
    usable: bool,
    pub(super) messages: usize,
}

/// One message as it goes out.
#[derive(Debug, Default)]
struct Prepared {
    envelope: Envelope,
    payload: Payload,
}

/// MAIL, RCPT and DATA of one message: in one text, so that they can go in one flight.
#[derive(Debug, Default)]
struct Envelope {
    text: String,
    /// Where RCPT and DATA begin.
    rcpt: usize,
    data: usize,
}

impl Envelope {
    fn line(&self, stage: Stage) -> &[u8] {
        let range = match stage {
            Stage::Mail => 0..self.rcpt,
            Stage::Recipient => self.rcpt..self.data,
            _ => self.data..self.text.len(),
        };
        self.text.as_bytes().get(range).unwrap_or_default()
    }
}

impl Prepared {
    /// Makes the command lines and the payload, or the refusal we know without asking the relay: at the stage of what it
    /// is about.
    fn hold(&mut self, mail: &Outgoing<'_>, offers: &Offers) -> Result<(), (Stage, Reply)> {
        let refused = |stage, code, subject, detail, text| {
            Err((stage, Reply::new(code, Some((5, subject, detail)), text)))
        };
        let is_sender_utf8 = mail.envelope_from.is_some_and(EmailAddress::needs_smtputf8);
        let utf8 = mail.to.needs_smtputf8() || is_sender_utf8;
        if utf8 && !offers.smtputf8 {
            let stage = if is_sender_utf8 { Stage::Mail } else { Stage::Recipient };
            let text = "the relay cannot deliver to an address beyond ASCII (no SMTPUTF8)";
            return refused(stage, 553, 6, 7, text);
        }
        if offers.size.is_some_and(|limit| limit > 0 && mail.bytes.len() > limit) {
            return refused(Stage::Message, 552, 3, 4, "the message is larger than the relay takes");
        }
        let Ok(eight_bit) = self.payload.hold(mail.bytes) else {
            return refused(Stage::Message, 554, 6, 0, "the message holds a bare CR, LF or NUL");
        };
        if eight_bit && !offers.eight_bit_mime {
            let text = "the message is not 7-bit and the relay does not offer 8BITMIME";
            return refused(Stage::Message, 554, 6, 3, text);
        }
        let Envelope { text, rcpt, data } = &mut self.envelope;
        text.clear();
        // Writing to a String cannot fail.
        let from = mail.envelope_from.map(EmailAddress::to_smtp).unwrap_or_default();
        let _ = write!(text, "MAIL FROM:<{from}>");
        if offers.size.is_some() {
            let _ = write!(text, " SIZE={}", mail.bytes.len());
        }
        text.push_str(if eight_bit { " BODY=8BITMIME" } else { "" });
        text.push_str(if utf8 { " SMTPUTF8" } else { "" });
        let to = mail.to.to_smtp();
        if offers.dsn {
            // A bounce with the whole issue in it helps nobody.
            text.push_str(" RET=HDRS");
            if let Some(id) = mail.envelope_id {
                text.push_str(" ENVID=");
                push_xtext(text, id, ENVELOPE_ID_MAX_BYTES);
            }
        }
        text.push_str("\r\n");
        *rcpt = text.len();
        let _ = write!(text, "RCPT TO:<{to}>");
        if offers.dsn {
            text.push_str(" NOTIFY=FAILURE");
            // An address beyond ASCII would need another type (RFC 6533), and may be left out.
            if !mail.to.needs_smtputf8() {
                text.push_str(" ORCPT=rfc822;");
                push_xtext(text, &to, usize::MAX);
            }
        }
        text.push_str("\r\n");
        *data = text.len();
        text.push_str("DATA\r\n");
        Ok(())
    }
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
        let (wire, offers, round_trip) = greet(settings, tls).await?;
        let mut session = Self {
            wire,
            offers,
            timeouts: settings.timeouts,
            message: Prepared::default(),
            announced: None,
            spare: Prepared::default(),
            round_trip,
            usable: true,
            messages: 0,
        };
        if let Some(credentials) = &settings.credentials {
            session.log_in(credentials).await?;
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

    async fn log_in(&mut self, credentials: &Credentials) -> Result<(), ConnectError> {
        let failed = |reason: String| ConnectError::new(Stage::Login, reason);
        let (mechanisms, words): (&[_], _) = match credentials.method {
            AuthMethod::Password => {
                (&[Mechanism::Plain, Mechanism::Login], "neither AUTH PLAIN nor AUTH LOGIN")
            }
            AuthMethod::XOAuth2 => (&[Mechanism::Xoauth2], "no AUTH XOAUTH2"),
        };
        let mechanism = *mechanisms
            .iter()
            .find(|mechanism| self.offers.mechanisms.contains(mechanism))
            .ok_or_else(|| failed(format!("the relay offers {words}")).because(Cause::NoLogin))?;
        let known =
            authentication::Credentials::new(credentials.username.clone(), credentials.password.clone());
        let mut line = format!("AUTH {mechanism}");
        if mechanism.supports_initial_response() {
            let response = mechanism.response(&known, None).map_err(|error| failed(error.to_string()))?;
            let _ = write!(line, " {}", BASE64.encode(response.as_bytes()));
        }
        for _ in 0..=LOGIN_CHALLENGES_MAX {
            line.push_str("\r\n");
            let limit = self.timeouts.command;
            // The limit here is told as such; that of the command is never reached.
            let reply = match timeout(limit, self.command(Duration::MAX, line.as_bytes())).await {
                Ok(reply) => reply.map_err(failed)?,
                Err(_) => return Err(ConnectError::late(Stage::Login, limit)),
            };
            match reply.code {
                200..=299 => return Ok(()),
                // XOAUTH2 tells in a challenge why not; only after an empty answer it says so in a reply.
                334 if mechanism == Mechanism::Xoauth2 => line.clear(),
                334 => {
                    let challenge = BASE64.decode(reply.text.as_bytes()).unwrap_or_default();
                    let challenge = String::from_utf8_lossy(&challenge);
                    let response = mechanism
                        .response(&known, Some(&challenge))
                        .map_err(|error| failed(error.to_string()))?;
                    line = BASE64.encode(response.as_bytes());
                }
                _ => return Err(ConnectError::refused(Stage::Login, &reply)),
            }
        }
        Err(failed("the relay asks for the login again and again".to_owned()))
    }

    /// Whether the next message is announced: only [`Session::send_announced`] can follow then.
    pub fn has_announced(&self) -> bool {
        self.announced.is_some()
    }

    /// Sends one message, and announces the `next` one in the same flight if the relay offers PIPELINING. Afterwards
    /// the session can be used again if [`Session::is_usable`].
    ///
    /// # Errors
    /// When the relay demands another login (530 at MAIL): that is no recipient's fault.
    ///
    /// Dropping the future cuts the session, and the fate of the message is then unknown.
    pub async fn send(
        &mut self,
        mail: &Outgoing<'_>,
        next: Option<&Outgoing<'_>>,
        elsewhere: Elsewhere<'_>,
    ) -> Result<Attempt, ConnectError> {
        debug_assert!(self.announced.is_none(), "another message is announced");
        // Until the end is reached: a future dropped on the way must not leave a session to reuse.
        self.usable = false;
        if let Err((stage, reply)) = self.message.hold(mail, &self.offers) {
            self.usable = true;
            return Ok(Attempt::Refused { stage, reply });
        }
        self.run(false, next, elsewhere).await
    }

    /// As [`Session::send`], for the message that was announced.
    pub async fn send_announced(
        &mut self,
        next: Option<&Outgoing<'_>>,
        elsewhere: Elsewhere<'_>,
    ) -> Result<Attempt, ConnectError> {
        self.usable = false;
        let Some(announced) = self.announced.take() else {
            let reason = "no message was announced".to_owned();
            return Ok(Attempt::Lost { stage: Stage::Mail, reason });
        };
        self.spare = std::mem::replace(&mut self.message, announced);
        self.run(true, next, elsewhere).await
    }

    /// The message that is prepared. `is_said`: its MAIL, RCPT and DATA were.
    async fn run(
        &mut self,
        is_said: bool,
        next: Option<&Outgoing<'_>>,
        elsewhere: Elsewhere<'_>,
    ) -> Result<Attempt, ConnectError> {
        self.messages += 1;
        let attempt = match self.open_transaction(is_said, elsewhere).await {
            Ok(()) => self.transfer(next).await,
            Err(attempt) => attempt,
        };
        match attempt {
            Attempt::Refused { stage: Stage::Mail, reply } if reply.code == 530 => {
                self.usable = false;
                Err(ConnectError::refused(Stage::Login, &reply))
            }
            attempt => Ok(attempt),
        }
    }

    /// MAIL, RCPT and DATA: in one flight if the relay offers PIPELINING, one by one otherwise.
    /// `Ok` when the relay waits for the message.
    async fn open_transaction(&mut self, is_said: bool, elsewhere: Elsewhere<'_>) -> Result<(), Attempt> {
        let pipelining = self.offers.pipelining;
        let mut refusal: Option<(Stage, Reply)> = None;
        let mut go_ahead = false;
        for stage in [Stage::Mail, Stage::Recipient, Stage::Data] {
            let limit = match stage {
                // A relay that forgets what is said behind a message would not answer at all.
                Stage::Mail if is_said => self.timeouts.command.min(ANNOUNCED_ANSWER),
                Stage::Data => self.timeouts.data,
                _ => self.timeouts.command,
            };
            let said = match (pipelining, stage) {
                (true, Stage::Mail) if !is_said => Some(self.message.envelope.text.as_bytes()),
                (true, _) => None,
                (false, _) if refusal.is_some() => break,
                (false, _) => Some(self.message.envelope.line(stage)),
            };
            let expected = if stage == Stage::Data { 3 } else { 2 };
            let answer = unexpected(&mut self.wire, limit, said, expected);
            match unless_in_vain(answer, elsewhere).await.unwrap_or_else(|| Err(in_vain())) {
                Ok(None) => go_ahead = stage == Stage::Data,
                Ok(Some(reply)) if reply.code >= 400 => {
                    let closes = reply.closes();
                    refusal.get_or_insert((stage, reply));
                    if closes {
                        return Err(refused(refusal));
                    }
                }
                // The first refusal is known, even if the connection breaks behind it.
                _ if refusal.is_some() => return Err(refused(refusal)),
                Ok(Some(reply)) => {
                    return Err(Attempt::Lost { stage, reason: format!("unexpected answer: {reply}") });
                }
                Err(reason) => return Err(Attempt::Lost { stage, reason }),
            }
        }
        if refusal.is_none() {
            return Ok(());
        }
        // Once DATA was answered with 354, a lone dot is the only way out (RFC 2920, 3.1).
        let way_out: &[u8] = if go_ahead { b".\r\n" } else { b"RSET\r\n" };
        let answer = self.command(self.timeouts.command, way_out).await;
        self.usable = answer.is_ok_and(|reply| !reply.closes());
        Err(refused(refusal))
    }

    /// Message, final dot and what is said of the next one in one write; then the answer to this one.
    async fn transfer(&mut self, next: Option<&Outgoing<'_>>) -> Attempt {
        let limits = self.timeouts;
        let whole = self.wire.written().saturating_add(self.message.payload.bytes().len() as u64);
        // What we would refuse ourselves is refused when its turn comes.
        let announces =
            self.offers.pipelining && next.is_some_and(|next| self.spare.hold(next, &self.offers).is_ok());
        if announces {
            self.message.payload.add(self.spare.envelope.text.as_bytes());
        }
        let flight = self.message.payload.bytes();
        let broken = match timeout(limits.block, self.wire.write(flight)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("the relay stopped taking the message for {:?}", limits.block)),
        };
        match broken {
            Some(reason) if self.wire.written() < whole => {
                return Attempt::Lost { stage: Stage::Message, reason };
            }
            Some(reason) => return Attempt::Uncertain(reason),
            None => {}
        }
        let reply = match timeout(limits.final_dot, self.wire.read()).await {
            Ok(Ok(lines)) => Reply::from(lines),
            Ok(Err(error)) => return Attempt::Uncertain(error.to_string()),
            Err(_) => {
                return Attempt::Uncertain(format!("no answer to the final dot in {:?}", limits.final_dot));
            }
        };
        self.usable = !reply.closes();
        self.announced = announces.then(|| std::mem::take(&mut self.spare));
        match reply.code {
            200..=299 => Attempt::Accepted(reply),
            400.. => Attempt::Refused { stage: Stage::FinalDot, reply },
            _ => {
                self.usable = false;
                Attempt::Uncertain(format!("unexpected answer to the final dot: {reply}"))
            }
        }
    }

    /// A command and its answer, also a refusal.
    async fn command(&mut self, limit: Duration, line: &[u8]) -> Result<Reply, String> {
        exchange(&mut self.wire, limit, Some(line)).await
    }

    /// Ends the session; what the relay says to that does not matter. One that waits for a message is cut.
    pub async fn quit(mut self) {
        if self.usable && self.announced.is_none() {
            let _ = self.command(self.timeouts.quit, b"QUIT\r\n").await;
        }
    }
}

/// Connects, makes TLS as the settings say, and introduces us. What was offered before TLS counts for nothing
/// after it (RFC 3207, 4.2).
async fn greet(
    settings: &RelaySettings,
    tls: Option<&TlsConnector>,
) -> Result<(Wire, Offers, Duration), ConnectError> {
    let limits = settings.timeouts;
    let failed = |stage| move |reason: String| ConnectError::new(stage, reason);
    let mut wire = connect(settings).await?;
    let secured = async |wire: Wire| {
        let connector = tls.ok_or_else(|| ConnectError::new(Stage::Tls, "TLS was not set up"))?;
        match timeout(limits.command, wire.secure(connector, &settings.host)).await {
            Ok(secured) => secured
                .map_err(|error| ConnectError::new(Stage::Tls, error.to_string()).because(error.cause())),
            Err(_) => Err(ConnectError::late(Stage::Tls, limits.command)),
        }
    };
    if settings.tls == TlsMode::Implicit {
        wire = secured(wire).await?;
    }
    // One limit, which is told as silence: the other is never reached.
    let greeting = match timeout(limits.command, exchange(&mut wire, Duration::MAX, None)).await {
        Ok(greeting) => greeting.map_err(failed(Stage::Hello))?,
        Err(_) => return Err(ConnectError::late(Stage::Hello, limits.command)),
    };
    if greeting.code != 220 {
        return Err(ConnectError::refused(Stage::Hello, &greeting));
    }
    let asked_at = Instant::now();
    let mut offers = hello(&mut wire, settings).await?;
    let round_trip = asked_at.elapsed();
    if settings.tls == TlsMode::StartTls {
        if !offers.starttls {
            let reason = "the relay does not offer STARTTLS; nothing was sent in the clear";
            let error = ConnectError::new(Stage::Tls, reason).because(Cause::NoStartTls);
            return Err(ConnectError { is_temporary: false, ..error });
        }
        let answer =
            exchange(&mut wire, limits.command, Some(b"STARTTLS\r\n")).await.map_err(failed(Stage::Tls))?;
        if answer.code != 220 {
            return Err(ConnectError::refused(Stage::Tls, &answer));
        }
        wire = secured(wire).await?;
        offers = hello(&mut wire, settings).await?;
    }
    Ok((wire, offers, round_trip))
}

async fn connect(settings: &RelaySettings) -> Result<Wire, ConnectError> {
    let limit = settings.timeouts.connect;
    match timeout(limit, Wire::connect(&settings.host, settings.port)).await {
        Ok(Ok(wire)) => Ok(wire),
        Ok(Err(error)) => Err(ConnectError::new(Stage::Connect, error.to_string()).because(error.cause())),
        Err(_) => Err(ConnectError::late(Stage::Connect, limit)),
    }
}

async fn hello(wire: &mut Wire, settings: &RelaySettings) -> Result<Offers, ConnectError> {
    let line = format!("EHLO {}\r\n", settings.hello_name);
    let limit = settings.timeouts.command;
    let answer = timeout(limit, async {
        wire.write(line.as_bytes()).await?;
        wire.read().await
    });
    let lines = answer.await.map_err(|_| ConnectError::late(Stage::Hello, limit))?;
    let lines = lines.map_err(|error| ConnectError::new(Stage::Hello, error.to_string()))?;
    if lines.code() == 250 {
        Ok(Offers::read(lines))
    } else {
        Err(ConnectError::refused(Stage::Hello, &Reply::from(lines)))
    }
}

fn refused(refusal: Option<(Stage, Reply)>) -> Attempt {
    match refusal {
        Some((stage, reply)) => Attempt::Refused { stage, reply },
        None => Attempt::Lost { stage: Stage::Data, reason: "the relay gave no answer".to_owned() },
    }
}

async fn in_time<T>(limit: Duration, step: impl Future<Output = T>) -> Result<T, String> {
    timeout(limit, step).await.map_err(|_| no_answer(limit))
}

/// What an answer says, however late; `None` once it is late and mail goes out elsewhere. Before a message was handed over
/// nothing is in doubt by it.
pub(super) async fn unless_in_vain<T>(
    answer: impl Future<Output = T>,
    elsewhere: Elsewhere<'_>,
) -> Option<T> {
    let Some(elsewhere) = elsewhere else { return Some(answer.await) };
    tokio::pin!(answer);
    loop {
        if let Ok(answer) = timeout(SILENT_MAX, &mut answer).await {
            return Some(answer);
        }
        if elsewhere() {
            return None;
        }
    }
}

fn in_vain() -> String {
    format!("no answer in {SILENT_MAX:?}, while another relay answers")
}

fn no_answer(limit: Duration) -> String {
    format!("no answer in {limit:?}")
}

/// Says something, or nothing, and waits for a reply, whichever. An error is a connection that broke or
/// answers nonsense.
async fn exchange(wire: &mut Wire, limit: Duration, said: Option<&[u8]>) -> Result<Reply, String> {
    // No reply is of that class.
    let answer = unexpected(wire, limit, said, 0).await?;
    answer.ok_or_else(|| "the answer is not SMTP".to_owned())
}

/// The same; `None` for a reply of the class that was expected, whose words then interest nobody.
async fn unexpected(
    wire: &mut Wire,
    limit: Duration,
    said: Option<&[u8]>,
    class: u16,
) -> Result<Option<Reply>, String> {
    let answer = in_time(limit, async {
        if let Some(said) = said {
            wire.write(said).await?;
        }
        let lines = wire.read().await?;
        Ok::<_, ReadError>((lines.code() / 100 != class).then(|| Reply::from(lines)))
    });
    answer.await?.map_err(|error| error.to_string())
}

/// `xtext` of RFC 3461, 4, up to so many bytes.
fn push_xtext(line: &mut String, text: &str, max_bytes: usize) {
    let mut room = max_bytes;
    for byte in text.bytes() {
        let literal = byte.is_ascii_graphic() && !matches!(byte, b'+' | b'=');
        let width = if literal { 1 } else { 3 };
        if width > room {
            return;
        }
        room -= width;
        if literal {
            line.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(line, "+{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::reply::Replies;

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_waited_for_unless_mail_goes_out_elsewhere_meanwhile() {
        let late = || tokio::time::sleep(SILENT_MAX * 3);
        let (here, there) = (|| false, || true);
        for (elsewhere, comes, waited) in [
            (None, true, SILENT_MAX * 3),
            (Some(&here as &(dyn Fn() -> bool + Send + Sync)), true, SILENT_MAX * 3),
            (Some(&there as &(dyn Fn() -> bool + Send + Sync)), false, SILENT_MAX),
        ] {
            let begin = Instant::now();
            assert_eq!(unless_in_vain(late(), elsewhere).await.is_some(), comes);
            assert!(begin.elapsed() >= waited && begin.elapsed() < waited + Duration::from_secs(1));
        }
    }

    #[test]
    fn keywords_are_read_in_any_case() {
        let mut replies = Replies::default();
        let said = b"250-mx.example hi\r\n250-pipelining\r\n250-Size 1000\r\n250-SmtpUtf8\r\n250-dsn\r\n\
            250 auth=LOGIN plain xoauth2 x\r\n";
        replies.room()[..said.len()].copy_from_slice(said);
        replies.fill(said.len());
        let offers = Offers::read(replies.take(said.len()));
        assert!(offers.pipelining && offers.smtputf8 && !offers.eight_bit_mime);
        assert_eq!(offers.size, Some(1000));
        assert_eq!(offers.mechanisms, [Mechanism::Login, Mechanism::Plain, Mechanism::Xoauth2]);
        assert_eq!(
            offers.to_string(),
            "mx.example: PIPELINING, SMTPUTF8, DSN, SIZE 1000, AUTH LOGIN, AUTH PLAIN, AUTH XOAUTH2"
        );
    }
    #[test]
    fn xtext_hides_what_would_end_a_parameter() {
        let encode = |text, max| {
            let mut line = String::new();
            push_xtext(&mut line, text, max);
            line
        };
        assert_eq!(encode("a+b=c d\u{e9}@x", 100), "a+2Bb+3Dc+20d+C3+A9@x");
        assert_eq!(encode("abc++", 6), "abc+2B");
    }
}
