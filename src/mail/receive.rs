//! A small SMTP server: for mail that comes to us. The demo's mailbox listens on it.
//!
//! Only CRLF ends a line, and only `CRLF . CRLF` ends a message: a bare CR or LF is content, whatever
//! stands behind it (SMTP smuggling, CVE-2023-51764). What to do with mail is a [`Mailbox`].

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::reply::Reply;

/// Longest command line in bytes: RFC 5321, 4.5.3.1.4 says 512, and extensions add to it.
const LINE_MAX_BYTES: usize = 2_048;
/// Largest message in bytes: several times what we send ourselves.
const MESSAGE_MAX_BYTES: usize = 10 * 1024 * 1024;
/// Most recipients of one message (RFC 5321, 4.5.3.1.8 asks for 100).
const RECIPIENTS_MAX: usize = 100;
/// Most connections at once: each may hold one message in memory.
const CONNECTIONS_MAX: usize = 50;
/// Most wrong commands on one connection: what makes more of them is no mail server.
const ERRORS_MAX: u32 = 20;
/// Longest wait for the next bytes (RFC 5321, 4.5.3.2.7).
const SILENCE_MAX: Duration = Duration::from_secs(300);
/// Longest time for one message, so that a byte a minute does not hold a connection for ever.
const MESSAGE_MAX_TIME: Duration = Duration::from_secs(900);
/// How long [`Receiver::stop`] waits for messages that are being received.
const STOP_MAX_TIME: Duration = Duration::from_secs(5);
/// Bytes read at once.
const READ_BYTES: usize = 16 * 1024;

/// A message as it came, dots unstuffed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMail {
    /// The envelope sender; empty for a bounce.
    pub from: String,
    pub to: Vec<String>,
    pub bytes: Vec<u8>,
}

/// What is done with mail that arrives.
pub trait Mailbox: Send + Sync + 'static {
    /// Whether there is a mailbox of that name; the refusal is the answer to RCPT.
    ///
    /// # Errors
    /// A reply of 4xx or 5xx.
    fn accepts(&self, to: &str) -> Result<(), Reply>;

    /// Takes a message. With a 2xx reply it is ours; otherwise the sender keeps it.
    fn deliver(&self, mail: ReceivedMail) -> impl Future<Output = Reply> + Send;
}

/// A running server. Dropped, it is cut; [`Receiver::stop`] lets messages end.
pub struct Receiver {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinSet<()>,
}

impl Receiver {
    /// Listens and serves until stopped. Port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn bind<M: Mailbox>(address: SocketAddr, mailbox: M) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, Arc::new(mailbox), stopped));
        Ok(Self { address, stop, accepting })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, lets those that are in a message finish it, and ends.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let _ = timeout(STOP_MAX_TIME, self.accepting.join_next()).await;
    }
}

async fn accept<M: Mailbox>(listener: TcpListener, mailbox: Arc<M>, mut stopped: watch::Receiver<bool>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        // Waiting for a slot leaves further connections in the kernel's queue.
        let slot = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            slot = Arc::clone(&slots).acquire_owned() => slot,
        };
        let accepted = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, _)) => {
                let conversation = Conversation::new(tcp, Arc::clone(&mailbox), stopped.clone());
                connections.spawn(async move {
                    let _slot = slot;
                    // A client that goes away in the middle is nothing to report.
                    let _ = conversation.run().await;
                });
            }
            // Out of file descriptors, mostly: without a pause this loop would burn the processor.
            Err(error) => {
                tracing::warn!(%error, "a connection for incoming mail could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// One connection.
struct Conversation<M> {
    tcp: TcpStream,
    mailbox: Arc<M>,
    stopped: watch::Receiver<bool>,
    /// Read and not yet understood.
    input: Vec<u8>,
    /// Answers that were not yet written: pipelined commands are answered in one write.
    output: Vec<u8>,
    errors: u32,
    greeted: bool,
    from: Option<String>,
    to: Vec<String>,
}

#[derive(PartialEq)]
enum Next {
    Command,
    Message,
    Close,
}

impl<M: Mailbox> Conversation<M> {
    const fn new(tcp: TcpStream, mailbox: Arc<M>, stopped: watch::Receiver<bool>) -> Self {
        Self {
            tcp,
            mailbox,
            stopped,
            input: Vec::new(),
            output: Vec::new(),
            errors: 0,
            greeted: false,
            from: None,
            to: Vec::new(),
        }
    }

    async fn run(mut self) -> io::Result<()> {
        self.tcp.set_nodelay(true)?;
        self.say("220 postiljon ESMTP");
        loop {
            let next = match self.line().await? {
                Some(line) => self.answer(&line),
                None => Next::Close,
            };
            match next {
                Next::Command => {}
                Next::Message => match timeout(MESSAGE_MAX_TIME, self.message()).await {
                    Ok(received) => received?,
                    Err(_) => {
                        self.say("421 4.4.2 that took too long");
                        return self.flush().await;
                    }
                },
                Next::Close => return self.flush().await,
            }
        }
    }

    fn say(&mut self, line: &str) {
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }

    fn wrong(&mut self, line: &str) -> Next {
        self.errors += 1;
        if self.errors > ERRORS_MAX {
            self.say("421 4.7.0 too many wrong commands");
            return Next::Close;
        }
        self.say(line);
        Next::Command
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.tcp.write_all(&self.output).await?;
        self.output.clear();
        Ok(())
    }

    /// Reads more; `false` when the client has closed.
    async fn read(&mut self) -> io::Result<bool> {
        self.flush().await?;
        self.input.reserve(READ_BYTES);
        let read = timeout(SILENCE_MAX, self.tcp.read_buf(&mut self.input));
        read.await.map_or(Ok(false), |read| read.map(|count| count > 0))
    }

    /// The next command without its CRLF; `None` when the conversation is over.
    async fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.input.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.input.drain(..=end).collect();
                match line.strip_suffix(b"\r\n") {
                    Some(line) if line.len() <= LINE_MAX_BYTES && !line.contains(&b'\r') => {
                        return Ok(Some(String::from_utf8_lossy(line).into_owned()));
                    }
                    _ => self.say("500 5.5.2 a line ends with CRLF and is not that long"),
                }
                return Ok(None);
            }
            if self.input.len() > LINE_MAX_BYTES {
                self.say("500 5.5.2 the line is too long");
                return Ok(None);
            }
            let mut stopped = self.stopped.clone();
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => {
                    self.say("421 4.3.2 closing down");
                    return Ok(None);
                }
                open = self.read() => if !open? { return Ok(None) },
            }
        }
    }

    fn answer(&mut self, line: &str) -> Next {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                self.greeted = true;
                self.reset();
                self.say("250-postiljon");
                self.say("250-PIPELINING");
                self.say("250-8BITMIME");
                self.say("250-SMTPUTF8");
                self.say("250-ENHANCEDSTATUSCODES");
                self.say(&format!("250 SIZE {MESSAGE_MAX_BYTES}"));
            }
            "HELO" => {
                self.greeted = true;
                self.reset();
                self.say("250 postiljon");
            }
            "MAIL" => return self.mail(rest),
            "RCPT" => return self.rcpt(rest),
            "DATA" if !self.to.is_empty() => {
                self.say("354 end with a dot on a line of its own");
                return Next::Message;
            }
            "DATA" => return self.wrong("503 5.5.1 there is no recipient"),
            "RSET" => {
                self.reset();
                self.say("250 2.0.0 forgotten");
            }
            "NOOP" => self.say("250 2.0.0 nothing done"),
            "VRFY" => self.say("252 2.5.0 send it, and you will see"),
            "HELP" => self.say("214 2.0.0 RFC 5321"),
            "QUIT" => {
                self.say("221 2.0.0 goodbye");
                return Next::Close;
            }
            _ => return self.wrong("500 5.5.1 that command is not known here"),
        }
        Next::Command
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    fn mail(&mut self, rest: &str) -> Next {
        if !self.greeted || self.from.is_some() {
            return self.wrong("503 5.5.1 MAIL comes once, after EHLO");
        }
        let Some((from, parameters)) = path(rest, "FROM:") else {
            return self.wrong("501 5.1.7 that is no sender");
        };
        let size = parameters
            .split(' ')
            .find_map(|parameter| parameter.to_ascii_uppercase().strip_prefix("SIZE=")?.parse().ok());
        if size.is_some_and(|size: usize| size > MESSAGE_MAX_BYTES) {
            self.say("552 5.3.4 the message is too large");
        } else {
            self.from = Some(from.to_owned());
            self.say("250 2.1.0 ok");
        }
        Next::Command
    }

    fn rcpt(&mut self, rest: &str) -> Next {
        if self.from.is_none() {
            return self.wrong("503 5.5.1 MAIL comes first");
        }
        let Some((to, _)) = path(rest, "TO:").filter(|(to, _)| !to.is_empty()) else {
            return self.wrong("501 5.1.3 that is no recipient");
        };
        if self.to.len() >= RECIPIENTS_MAX {
            self.say("452 4.5.3 too many recipients");
        } else if let Err(reply) = self.mailbox.accepts(to) {
            self.say(&reply.to_string());
        } else {
            self.to.push(to.to_owned());
            self.say("250 2.1.5 ok");
        }
        Next::Command
    }

    /// Reads a message up to its final dot, and answers it.
    async fn message(&mut self) -> io::Result<()> {
        const END: &[u8] = b"\r\n.\r\n";
        // As if a line had ended before: then the first line is one like any other.
        let mut message = b"\r\n".to_vec();
        let mut too_large = false;
        loop {
            let searched = message.len().saturating_sub(END.len() - 1);
            message.append(&mut self.input);
            if let Some(at) = message.windows(END.len()).skip(searched).position(|bytes| bytes == END) {
                let end = searched + at;
                self.input = message.split_off(end + END.len());
                message.truncate(end + 2);
                break;
            }
            if message.len() > MESSAGE_MAX_BYTES {
                too_large = true;
                message.drain(..message.len() - (END.len() - 1));
            }
            if !self.read().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let from = self.from.take().unwrap_or_default();
        let to = std::mem::take(&mut self.to);
        let reply = if too_large {
            Reply::new(552, Some((5, 3, 4)), "the message is too large")
        } else {
            self.mailbox.deliver(ReceivedMail { from, to, bytes: unstuffed(&message) }).await
        };
        self.say(&reply.to_string());
        Ok(())
    }
}

/// The address between angle brackets behind `FROM:` or `TO:`, and the parameters.
fn path<'a>(text: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let head = text.get(..keyword.len())?;
    let rest = head.eq_ignore_ascii_case(keyword).then(|| text.get(keyword.len()..))??;
    rest.trim_start().strip_prefix('<')?.split_once('>')
}

/// Without the first CRLF, and without the dot that was added to lines that begin with one.
fn unstuffed(message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(message.len());
    let mut previous = [0, 0];
    for &byte in message {
        if !(byte == b'.' && previous == *b"\r\n") {
            bytes.push(byte);
        }
        previous = [previous[1], byte];
    }
    bytes.drain(..2.min(bytes.len()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_dot_that_was_added_is_dropped() {
        for (wire, bytes) in
            [("\r\n..a\r\n.b\r\n", ".a\r\nb\r\n"), ("\r\na\n.\r.b..\r\n", "a\n.\r.b..\r\n"), ("\r\n", "")]
        {
            assert_eq!(unstuffed(wire.as_bytes()), bytes.as_bytes(), "{wire:?}");
        }
    }

    #[test]
    fn a_path_is_what_stands_between_the_brackets() {
        assert_eq!(path("from: <a@b> SIZE=3", "FROM:"), Some(("a@b", " SIZE=3")));
        assert_eq!(path("FROM:<>", "FROM:"), Some(("", "")));
        assert_eq!(path("FROM:a@b", "FROM:"), None);
        assert_eq!(path("TÖ:<a@b>", "TO:"), None);
    }
}
