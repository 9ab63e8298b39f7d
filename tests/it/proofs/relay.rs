//! A relay that takes every mail and keeps the books: how many copies each recipient was sent, under which
//! Message-ID, and by which process, known by the name in its EHLO.
//!
//! A copy counts from the moment its final dot has been read, before the answer is written: whoever dies in
//! between has sent it all the same.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// One mail that the relay took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    pub message_id: String,
    /// The name in the EHLO of who sent it.
    pub sender: String,
}

/// Numbers to wait for.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Recipients with at least one copy.
    pub recipients: usize,
    pub copies: usize,
    /// Final dots that wait for their answer.
    pub held: usize,
    /// Copies by sender.
    pub by: BTreeMap<String, usize>,
}

impl Tally {
    pub fn of(&self, sender: &str) -> usize {
        self.by.get(sender).copied().unwrap_or_default()
    }

    /// Copies beyond the first of each recipient.
    pub const fn too_many(&self) -> usize {
        self.copies - self.recipients
    }
}

#[derive(Debug)]
struct Books {
    copies: Mutex<HashMap<String, Vec<Copy>>>,
    tally: watch::Sender<Tally>,
    holds: watch::Sender<bool>,
}

/// A running relay; it ends when dropped.
#[derive(Debug)]
pub struct Relay {
    pub address: SocketAddr,
    books: Arc<Books>,
    _tasks: JoinSet<()>,
}

impl Relay {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let books = Arc::new(Books {
            copies: Mutex::default(),
            tally: watch::Sender::default(),
            holds: watch::Sender::new(false),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&books)));
        Self { address, books, _tasks: tasks }
    }

    /// From now on final dots get no answer, until it is `false` again: then all that wait get theirs.
    pub fn hold(&self, holds: bool) {
        self.books.holds.send_replace(holds);
    }

    pub fn tally(&self) -> Tally {
        self.books.tally.borrow().clone()
    }

    /// Waits for numbers.
    pub async fn until(&self, is_so: impl Fn(&Tally) -> bool) -> Tally {
        let mut tally = self.books.tally.subscribe();
        tally.wait_for(|tally| is_so(tally)).await.expect("the relay runs").clone()
    }

    /// The copies of each recipient, in the order in which they came.
    pub fn copies(&self) -> HashMap<String, Vec<Copy>> {
        self.books.copies.lock().expect("the books").clone()
    }
}

async fn accept(listener: TcpListener, books: Arc<Books>) {
    let mut connections = JoinSet::new();
    while let Ok((tcp, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let books = Arc::clone(&books);
        // A client that goes away was killed: the next one begins anew.
        connections.spawn(async move {
            let _ = serve(tcp, &books).await;
        });
    }
}

/// `None` is the end of a connection, whatever the reason.
async fn serve(tcp: TcpStream, books: &Books) -> Option<()> {
    tcp.set_nodelay(true).ok()?;
    let mut stream = BufReader::new(tcp);
    let (mut sender, mut to, mut line) = (String::new(), String::new(), String::new());
    stream.write_all(b"220 proof ESMTP\r\n").await.ok()?;
    loop {
        line.clear();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let (verb, rest) = line.trim_end().split_once([' ', ':']).unwrap_or((line.trim_end(), ""));
        let answer: &[u8] = match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                rest.clone_into(&mut sender);
                b"250-proof\r\n250-8BITMIME\r\n250 PIPELINING\r\n"
            }
            "RCPT" => {
                to = rest.split(['<', '>']).nth(1)?.to_owned();
                b"250 2.1.5 ok\r\n"
            }
            "DATA" => {
                stream.write_all(b"354 go\r\n").await.ok()?;
                let message_id = message(&mut stream).await?;
                books.take(&to, Copy { message_id, sender: sender.clone() });
                books.answer_allowed().await;
                b"250 2.0.0 taken\r\n"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await.ok()?;
                return None;
            }
            _ => b"250 ok\r\n",
        };
        stream.write_all(answer).await.ok()?;
    }
}

/// Reads up to the final dot. Answers the Message-ID, which must be there.
async fn message(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut message_id = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await.ok()? == 0 {
            return None;
        }
        if line == b".\r\n" {
            return Some(message_id.unwrap_or_default());
        }
        if message_id.is_none() && line.len() > 11 && line[..11].eq_ignore_ascii_case(b"message-id:") {
            message_id = Some(String::from_utf8_lossy(&line[11..]).trim().to_owned());
        }
    }
}

impl Books {
    fn take(&self, to: &str, copy: Copy) {
        let sender = copy.sender.clone();
        let mut all = self.copies.lock().expect("the books");
        let copies = all.entry(to.to_owned()).or_default();
        let is_first = copies.is_empty();
        copies.push(copy);
        drop(all);
        self.tally.send_modify(|tally| {
            tally.copies += 1;
            tally.recipients += usize::from(is_first);
            *tally.by.entry(sender).or_default() += 1;
        });
    }

    async fn answer_allowed(&self) {
        let mut holds = self.holds.subscribe();
        if *holds.borrow() {
            self.tally.send_modify(|tally| tally.held += 1);
            let _ = holds.wait_for(|holds| !holds).await;
            self.tally.send_modify(|tally| tally.held -= 1);
        }
    }
}
