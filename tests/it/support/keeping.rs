//! A wire that takes every mail and keeps it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mail_parser::MessageParser;
use postiljon::clock::Clock;
use postiljon::delivery::wire::{Attempt, Sending, Sent, Wire, WireMail};
use postiljon::mail::reply::Reply;
use tokio::sync::watch;

/// How long a test waits for a mail.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone)]
pub struct Kept {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// The header as it came.
    pub list_unsubscribe: String,
}

impl Kept {
    /// Every address of our own site in the mail, in each of its parts.
    pub fn links(&self, site: &str) -> Vec<String> {
        let mut links = Vec::new();
        for part in [&self.text, &self.html, &self.list_unsubscribe] {
            for (at, _) in part.match_indices(site) {
                let rest = &part[at..];
                let end =
                    rest.find(|c: char| c.is_whitespace() || "\"<>)]'".contains(c)).unwrap_or(rest.len());
                links.push(rest[..end].replace("&amp;", "&"));
            }
        }
        links.sort();
        links.dedup();
        links
    }
}

#[derive(Debug, Default)]
pub struct Keeping {
    kept: Mutex<Vec<Kept>>,
    count: watch::Sender<usize>,
}

impl Keeping {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub fn all(&self) -> Vec<Kept> {
        self.kept.lock().expect("no panic").clone()
    }

    /// Waits until so many mails are here.
    pub async fn wait_for(&self, count: usize) -> Vec<Kept> {
        let mut counted = self.count.subscribe();
        let reached = counted.wait_for(|there| *there >= count);
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        assert!(reached.is_ok(), "{} mails came, not {count}", self.all().len());
        self.all()
    }

    /// The same while the clock goes on, a second at a time: who looked just before it was set ahead waits for it to move.
    pub async fn wait_with(&self, clock: &Clock, count: usize) -> Vec<Kept> {
        self.wait_in_steps(clock, Duration::from_secs(1), count).await
    }

    /// The same for what comes days later: the clock goes on by `step` each time that nothing came for a moment.
    pub async fn wait_in_steps(&self, clock: &Clock, step: Duration, count: usize) -> Vec<Kept> {
        const MOMENT: Duration = Duration::from_millis(50);
        let mut counted = self.count.subscribe();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while *counted.borrow_and_update() < count {
            let is_late = tokio::time::Instant::now() >= deadline;
            assert!(!is_late, "{} mails came, not {count}", self.all().len());
            if tokio::time::timeout(MOMENT, counted.changed()).await.is_err() {
                clock.advance(step);
            }
        }
        self.all()
    }
}

impl Wire for Keeping {
    fn send<'a>(&'a self, mail: &'a WireMail) -> Sending<'a> {
        let parsed = MessageParser::default().parse(&mail.octets).expect("a message");
        let head = String::from_utf8_lossy(&mail.octets).replace("\r\n ", "").replace("\r\n\t", "");
        let list_unsubscribe =
            head.lines().find(|line| line.starts_with("List-Unsubscribe:")).unwrap_or_default();
        self.kept.lock().expect("no panic").push(Kept {
            to: mail.to.to_string(),
            subject: parsed.subject().unwrap_or_default().to_owned(),
            text: parsed.body_text(0).unwrap_or_default().into_owned(),
            html: parsed.body_html(0).unwrap_or_default().into_owned(),
            list_unsubscribe: list_unsubscribe.to_owned(),
        });
        self.count.send_modify(|count| *count += 1);
        let reply = Reply::new(250, Some((2, 0, 0)), "ok");
        Box::pin(async move { Ok(Sent { attempt: Attempt::Accepted { reply }, relay: Arc::from("main") }) })
    }
}
