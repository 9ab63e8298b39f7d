//! An SMTP server that misbehaves on demand.
//!
//! How it treats a message is in the local part of the recipient; what is wrong with the whole server is
//! in [`Options`]. A number at the end makes it happen so many times, and then all is well: `defer-2`.
//! What stands behind a plus is only there to make addresses different: `reject+7`.
//!
//! | Local part | What happens |
//! |---|---|
//! | `defer`, `reject` | 451, 550 to RCPT |
//! | `reject-data`, `defer-dot` | 554, 452 to the final dot |
//! | `drop-at-rcpt`, `drop-at-data`, `drop-in-data` | closes instead of the answer; in the middle of the message |
//! | `drop-after-dot` | keeps the message and closes without an answer |
//! | `close-421` | 421 to RCPT, and closes |
//! | `slow` | answers the final dot only after [`SmtpServer::release`] |
//! | `hang-at-rcpt`, `hang-at-data`, `hang-in-data`, `hang-at-dot` | never answers; `in-data` stops reading |
//! | `450-at-rcpt`, `552-at-data`, `421-at-dot`, .. | this code, without an enhanced one; 421 closes |
//! | anything else | accepted |
//!
//! At MAIL the recipient is not known yet: what happens there, and before, is in [`Options`].
//!
//! To add a behaviour: a row above, and a name where it belongs in [`Talk`].

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto::aws_lc_rs};

/// What the server answers instead of the usual at one point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum At {
    #[default]
    Fine,
    Say(&'static str),
    /// Closes without an answer.
    Drop,
    /// Never answers.
    Hang,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tls {
    /// No TLS at all, also when STARTTLS is wanted.
    #[default]
    None,
    Implicit,
    /// By STARTTLS.
    Upgrade,
}

#[derive(Debug, Clone)]
pub struct Options {
    pub pipelining: bool,
    /// EHLO keywords beside PIPELINING, STARTTLS and AUTH.
    pub keywords: &'static [&'static str],
    /// Whether AUTH is offered.
    pub auth: bool,
    pub tls: Tls,
    /// Whose name is on the certificate.
    pub certificate_name: &'static str,
    /// Whether the certificate ended years ago.
    pub certificate_expired: bool,
    pub at_greeting: At,
    pub at_hello: At,
    pub at_auth: At,
    pub at_mail: At,
    /// Answers 354 to DATA although every recipient was refused.
    pub lies: bool,
    /// Said in the same packet as the answer to STARTTLS.
    pub injected: &'static str,
    /// Closes a connection after so many messages, while the client keeps it.
    pub closes_after_messages: Option<usize>,
    /// How often what is wrong up to MAIL happens, on all connections together; then all is well.
    pub times: Option<u32>,
    /// Throws away what was said behind a message before the answer to it.
    pub forgets_behind_messages: bool,
    /// More than so many at once are told 421.
    pub most_connections: Option<usize>,
    /// Ends connections with RST, which throws away what is on its way.
    pub resets: bool,
    /// The answer to EHLO comes so late, as from far away.
    pub hello_after: Duration,
    /// Each answer comes so late.
    pub answers_after: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pipelining: true,
            keywords: &["8BITMIME", "SIZE 1000000"],
            auth: false,
            tls: Tls::None,
            certificate_name: "localhost",
            certificate_expired: false,
            at_greeting: At::Fine,
            at_hello: At::Fine,
            at_auth: At::Fine,
            at_mail: At::Fine,
            lies: false,
            injected: "",
            closes_after_messages: None,
            times: None,
            forgets_behind_messages: false,
            most_connections: None,
            resets: false,
            hello_after: Duration::ZERO,
            answers_after: Duration::ZERO,
        }
    }
}

/// A message the server took, or took and did not say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub from: String,
    pub to: String,
    /// Dots unstuffed.
    pub bytes: Vec<u8>,
}

#[derive(Default)]
struct Record {
    accepted: Vec<Accepted>,
    /// Command lines of all connections, in order; AUTH without its secret.
    commands: Vec<String>,
    /// When each connection was opened.
    opened: Vec<Instant>,
    most_open: usize,
    /// How often a behaviour with a number happened.
    counted: HashMap<String, u32>,
    /// Whose messages came with MAIL, RCPT and DATA of the next one.
    announced_behind: Vec<String>,
    /// How often something was wrong up to MAIL.
    troubles: u32,
}

struct Shared {
    options: Mutex<Options>,
    record: Mutex<Record>,
    /// Counts accepted messages, for who waits for them.
    accepted: watch::Sender<usize>,
    /// How many connections are open.
    open: watch::Sender<usize>,
    /// How many `slow` final dots came.
    slow: watch::Sender<usize>,
    released: watch::Sender<bool>,
    acceptor: TlsAcceptor,
}

/// A running server; it ends when dropped.
pub struct SmtpServer {
    pub addr: SocketAddr,
    /// The authority that signed its certificate, for `extra_roots_pem`.
    pub authority_pem: String,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl SmtpServer {
    pub async fn start(options: Options) -> Self {
        let (acceptor, authority_pem) = certificate(options.certificate_name, options.certificate_expired);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            options: Mutex::new(options),
            record: Mutex::default(),
            accepted: watch::Sender::new(0),
            open: watch::Sender::new(0),
            slow: watch::Sender::new(0),
            released: watch::Sender::new(false),
            acceptor,
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared)));
        Self { addr, authority_pem, shared, _tasks: tasks }
    }

    pub fn accepted(&self) -> Vec<Accepted> {
        self.shared.record.lock().unwrap().accepted.clone()
    }

    /// How many connections there were in all.
    pub fn connections(&self) -> usize {
        self.shared.record.lock().unwrap().opened.len()
    }

    /// When each of them was opened.
    pub fn opened(&self) -> Vec<Instant> {
        self.shared.record.lock().unwrap().opened.clone()
    }

    /// Waits until the client has closed every connection.
    pub async fn wait_until_all_closed(&self) {
        self.shared.open.subscribe().wait_for(|open| *open == 0).await.unwrap();
    }

    /// Waits until so many final dots came that are answered slowly.
    pub async fn wait_for_slow(&self, count: usize) {
        self.shared.slow.subscribe().wait_for(|slow| *slow >= count).await.unwrap();
    }

    /// How many copies each recipient was sent.
    pub fn copies(&self) -> HashMap<String, usize> {
        let mut copies = HashMap::new();
        for mail in &self.shared.record.lock().unwrap().accepted {
            *copies.entry(mail.to.clone()).or_default() += 1;
        }
        copies
    }

    /// To whom messages came in whose flight the next one was announced.
    pub fn announced_behind(&self) -> Vec<String> {
        self.shared.record.lock().unwrap().announced_behind.clone()
    }

    /// How many there were at the same time, at most.
    pub fn most_open(&self) -> usize {
        self.shared.record.lock().unwrap().most_open
    }

    /// Command lines so far, of all connections.
    pub fn commands(&self) -> Vec<String> {
        self.shared.record.lock().unwrap().commands.clone()
    }

    /// Waits until so many messages were accepted in all.
    pub async fn wait_for_accepted(&self, count: usize) {
        self.shared.accepted.subscribe().wait_for(|accepted| *accepted >= count).await.unwrap();
    }

    /// Answers those that wait as `slow`, and from now on at once; those that hang in data are closed.
    pub fn release(&self) {
        self.shared.released.send_replace(true);
    }

    /// Changes what is wrong, for connections from now on; [`Options::times`] counts anew.
    pub fn change(&self, change: impl FnOnce(&mut Options)) {
        self.shared.record.lock().unwrap().troubles = 0;
        change(&mut self.shared.options.lock().unwrap());
    }
}

/// An authority of its own and a certificate for `name`.
fn certificate(name: &str, expired: bool) -> (TlsAcceptor, String) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut leaf = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    if expired {
        leaf.not_before = rcgen::date_time_ymd(2020, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(2021, 1, 1);
    }
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), authority_pem)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((tcp, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let mut options = shared.options.lock().unwrap().clone();
            shared.open.send_modify(|open| *open += 1);
            if options.most_connections.is_some_and(|most| *shared.open.borrow() > most) {
                options.at_greeting = At::Say("421 4.7.0 too many connections");
            }
            {
                let mut record = shared.record.lock().unwrap();
                record.opened.push(Instant::now());
                record.most_open = record.most_open.max(*shared.open.borrow());
            }
            // A client that goes away is a test that is over.
            let _ = serve(tcp, &shared, options).await;
            shared.open.send_modify(|open| *open -= 1);
        });
    }
}

/// `None` is the end of a connection, whatever the reason.
async fn serve(tcp: TcpStream, shared: &Shared, options: Options) -> Option<()> {
    tcp.set_nodelay(true).ok()?;
    if options.resets {
        tcp.set_zero_linger().ok()?;
    }
    if options.tls == Tls::Implicit {
        let tls = shared.acceptor.accept(tcp).await.ok()?;
        return Talk::new(tls, shared, options, true).run(true).await.map(|_| ());
    }
    let talk = Talk::new(tcp, shared, options.clone(), false).run(true).await?;
    let tls = shared.acceptor.accept(talk.into_inner()).await.ok()?;
    Talk::new(tls, shared, options, true).run(false).await.map(|_| ())
}

/// One connection before or after TLS.
struct Talk<'a, S> {
    stream: BufReader<S>,
    shared: &'a Shared,
    options: Options,
    secure: bool,
    from: String,
    /// MAIL was accepted.
    has_sender: bool,
    to: Option<String>,
    messages: usize,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Talk<'a, S> {
    fn new(stream: S, shared: &'a Shared, options: Options, secure: bool) -> Self {
        let stream = BufReader::new(stream);
        Self {
            stream,
            shared,
            options,
            secure,
            from: String::new(),
            has_sender: false,
            to: None,
            messages: 0,
        }
    }

    async fn say(&mut self, line: &str) -> Option<()> {
        if !self.options.answers_after.is_zero() {
            tokio::time::sleep(self.options.answers_after).await;
        }
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).await.ok()?;
        self.stream.get_mut().flush().await.ok()
    }

    async fn at(&mut self, at: At, usual: &str) -> Option<()> {
        match at {
            At::Fine => self.say(usual).await,
            At::Say(line) => {
                self.say(line).await?;
                (!line.starts_with("421")).then_some(())
            }
            At::Drop => None,
            At::Hang => self.hang().await,
        }
    }

    /// What is wrong up to MAIL, as long as it is.
    fn for_now(&self, at: At) -> At {
        if at == At::Fine {
            return at;
        }
        let times = self.shared.options.lock().unwrap().times;
        let mut record = self.shared.record.lock().unwrap();
        record.troubles += 1;
        if times.is_some_and(|times| record.troubles > times) { At::Fine } else { at }
    }

    /// Listens, and says nothing more.
    async fn hang(&mut self) -> Option<()> {
        while self.stream.read_u8().await.is_ok() {}
        None
    }

    /// Until the end, or until STARTTLS: then the stream comes back.
    async fn run(mut self, greet: bool) -> Option<BufReader<S>> {
        if greet {
            self.at(self.for_now(self.options.at_greeting), "220 test ESMTP").await?;
        }
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.strip_suffix("\r\n")?;
            let verb = line.split([' ', ':']).next().unwrap_or("").to_ascii_uppercase();
            let noted = if verb == "AUTH" { "AUTH" } else { line };
            self.shared.record.lock().unwrap().commands.push(noted.to_owned());
            match verb.as_str() {
                "EHLO" => self.hello().await?,
                "STARTTLS" if self.options.tls == Tls::Upgrade => {
                    self.say(&format!("220 go ahead{}", self.options.injected)).await?;
                    return Some(self.stream);
                }
                "AUTH" => self.auth(line).await?,
                "MAIL" => {
                    self.from = between_brackets(line);
                    self.to = None;
                    // Also when it was changed after the connection was made.
                    let at = self.shared.options.lock().unwrap().at_mail;
                    let at = self.for_now(at);
                    self.has_sender = at == At::Fine;
                    self.at(at, "250 2.1.0 ok").await?;
                }
                "RCPT" => self.rcpt(line).await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    self.to = None;
                    self.say("250 ok").await?;
                }
                "QUIT" => {
                    self.say("221 bye").await?;
                    return None;
                }
                _ => self.say("500 what").await?,
            }
            if self.options.closes_after_messages.is_some_and(|limit| self.messages >= limit) {
                return None;
            }
        }
    }

    async fn hello(&mut self) -> Option<()> {
        if !self.options.hello_after.is_zero() {
            tokio::time::sleep(self.options.hello_after).await;
        }
        let mut lines = vec!["test"];
        lines.extend(self.options.keywords);
        lines.extend(self.options.pipelining.then_some("PIPELINING"));
        lines.extend((self.options.tls == Tls::Upgrade && !self.secure).then_some("starttls"));
        lines.extend(self.options.auth.then_some("AUTH LOGIN PLAIN"));
        let last = lines.len() - 1;
        let lines: Vec<String> = lines
            .iter()
            .enumerate()
            .map(|(at, line)| format!("250{}{line}", if at == last { ' ' } else { '-' }))
            .collect();
        self.at(self.for_now(self.options.at_hello), &lines.join("\r\n")).await
    }

    /// PLAIN of `user` and `secret`, or XOAUTH2 of `user` and `right`, unless the options say otherwise.
    async fn auth(&mut self, line: &str) -> Option<()> {
        let xoauth2 = line.starts_with("AUTH XOAUTH2 ");
        let right = line == "AUTH PLAIN AHVzZXIAc2VjcmV0"
            || line == "AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHJpZ2h0AQE=";
        if xoauth2 && !right {
            // What is wrong comes as a challenge, and the refusal after an empty answer to it.
            self.say("334 eyJzdGF0dXMiOiI0MDEifQ==").await?;
            let mut answer = String::new();
            self.stream.read_line(&mut answer).await.ok()?;
            if answer != "\r\n" {
                return None;
            }
        }
        let usual = if right { "235 2.7.0 welcome" } else { "535 5.7.8 wrong" };
        self.at(self.for_now(self.options.at_auth), usual).await
    }

    /// Whether the recipient asks for `behaviour`, and its number has not run out.
    fn wants(&self, to: &str, behaviour: &str) -> bool {
        let local = to.split(['@', '+']).next().unwrap_or("");
        let Some(rest) = local.strip_prefix(behaviour) else { return false };
        if rest.is_empty() {
            return true;
        }
        let Some(times) = rest.strip_prefix('-').and_then(|times| times.parse::<u32>().ok()) else {
            return false;
        };
        let mut record = self.shared.record.lock().unwrap();
        let count = record.counted.entry(to.to_owned()).or_default();
        *count += 1;
        *count <= times
    }

    /// The answer of a recipient that names it: `451-at-rcpt`.
    fn code(&self, to: &str, stage: &str) -> Option<String> {
        let code = to.get(..3).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()))?;
        self.wants(to, &format!("{code}-at-{stage}")).then(|| format!("{code} as you wish"))
    }

    /// Says it, and goes on unless it is 421.
    async fn say_code(&mut self, line: &str) -> Option<()> {
        self.say(line).await?;
        (!line.starts_with("421")).then_some(())
    }

    async fn rcpt(&mut self, line: &str) -> Option<()> {
        if !self.has_sender {
            return self.say("503 5.5.1 no sender").await;
        }
        let to = between_brackets(line);
        if let Some(answer) = self.code(&to, "rcpt") {
            return self.say_code(&answer).await;
        }
        let at = [
            ("defer", At::Say("451 4.3.0 later")),
            ("reject", At::Say("550 5.1.1 no such user")),
            ("close-421", At::Say("421 4.3.2 closing")),
            ("drop-at-rcpt", At::Drop),
            ("hang-at-rcpt", At::Hang),
        ]
        .into_iter()
        .find_map(|(behaviour, at)| self.wants(&to, behaviour).then_some(at))
        .unwrap_or_default();
        if at == At::Fine {
            self.to = Some(to);
        }
        self.at(at, "250 2.1.5 ok").await
    }

    async fn data(&mut self) -> Option<()> {
        let Some(to) = self.to.take() else {
            if !self.options.lies {
                return self.say("503 5.5.1 no recipient").await;
            }
            self.say("354 go").await?;
            self.message().await?;
            return self.say("554 5.5.1 no recipient").await;
        };
        if self.wants(&to, "drop-at-data") {
            return None;
        }
        if self.wants(&to, "hang-at-data") {
            return self.hang().await;
        }
        if let Some(answer) = self.code(&to, "data") {
            return self.say_code(&answer).await;
        }
        self.say("354 go").await?;
        if self.wants(&to, "drop-in-data") {
            let mut some = [0; 100];
            self.stream.read_exact(&mut some).await.ok()?;
            return None;
        }
        if self.wants(&to, "hang-in-data") {
            self.shared.released.subscribe().wait_for(|released| *released).await.ok()?;
            return None;
        }
        let bytes = self.message().await?;
        let behind = self.stream.buffer();
        if behind.starts_with(b"MAIL") && behind.ends_with(b"DATA\r\n") {
            self.shared.record.lock().unwrap().announced_behind.push(to.clone());
        }
        if self.options.forgets_behind_messages {
            let forgotten = behind.len();
            self.stream.consume(forgotten);
        }
        if let Some(answer) = self.code(&to, "dot") {
            return self.say_code(&answer).await;
        }
        if self.wants(&to, "reject-data") {
            return self.say("554 5.7.1 not this").await;
        }
        if self.wants(&to, "defer-dot") {
            return self.say("452 4.2.2 full").await;
        }
        if self.wants(&to, "hang-at-dot") {
            return self.hang().await;
        }
        if self.wants(&to, "slow") {
            self.shared.slow.send_modify(|count| *count += 1);
            self.shared.released.subscribe().wait_for(|released| *released).await.ok()?;
        }
        let silent = self.wants(&to, "drop-after-dot");
        let accepted = Accepted { from: self.from.clone(), to, bytes };
        self.shared.record.lock().unwrap().accepted.push(accepted);
        self.shared.accepted.send_modify(|count| *count += 1);
        self.messages += 1;
        if silent {
            return None;
        }
        self.say("250 2.0.0 taken as 1234").await
    }

    /// Up to the final dot, dots unstuffed. Lines end with LF here: a client that sends a bare one is seen.
    async fn message(&mut self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let start = bytes.len();
            if self.stream.read_until(b'\n', &mut bytes).await.ok()? == 0 {
                return None;
            }
            if &bytes[start..] == b".\r\n" {
                bytes.truncate(start);
                return Some(bytes);
            }
            if bytes[start] == b'.' {
                bytes.remove(start);
            }
        }
    }
}

fn between_brackets(line: &str) -> String {
    line.split(['<', '>']).nth(1).unwrap_or("").to_owned()
}
