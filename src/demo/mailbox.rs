//! The built-in mailbox: keeps what the demo's SMTP listener received, and shows each mail as a reader sees
//! it. In memory, and bounded: it is for looking, not for keeping.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use mail_parser::{Message, MessageParser};
use tokio::sync::watch;

use crate::model::Timestamp;

/// Most mails kept; the oldest go first.
const MAILS_MAX: usize = 1_000;

/// The mails received so far. Cheap to clone; clones are the same mailbox.
#[derive(Debug, Clone)]
pub struct Mailbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    mails: Mutex<VecDeque<Arc<Mail>>>,
    received: watch::Sender<u64>,
}

/// One mail as it came over the wire.
#[derive(Debug)]
pub struct Mail {
    /// Counts from 1.
    pub number: u64,
    pub received_at: Timestamp,
    pub envelope_from: String,
    pub envelope_to: Vec<String>,
    pub bytes: Vec<u8>,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self(Arc::new(Inner { mails: Mutex::default(), received: watch::Sender::new(0) }))
    }
}

impl Mailbox {
    pub fn deliver(
        &self,
        envelope_from: String,
        envelope_to: Vec<String>,
        bytes: Vec<u8>,
        received_at: Timestamp,
    ) {
        let mut mails = self.0.mails.lock().unwrap_or_else(PoisonError::into_inner);
        let number = *self.0.received.borrow() + 1;
        if mails.len() == MAILS_MAX {
            mails.pop_front();
        }
        mails.push_back(Arc::new(Mail { number, received_at, envelope_from, envelope_to, bytes }));
        self.0.received.send_replace(number);
    }

    /// The newest first.
    pub fn all(&self) -> Vec<Arc<Mail>> {
        self.0.mails.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
    }

    pub fn get(&self, number: u64) -> Option<Arc<Mail>> {
        self.0
            .mails
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .find(|mail| mail.number == number)
            .cloned()
    }

    /// How many were received in all.
    pub fn received(&self) -> u64 {
        *self.0.received.borrow()
    }

    /// The newest mail to an address, waiting for it if it has not come after mail `after`.
    pub async fn wait_for(&self, to: &str, after: u64) -> Arc<Mail> {
        let mut changes = self.0.received.subscribe();
        loop {
            changes.mark_unchanged();
            let found = self
                .all()
                .into_iter()
                .find(|mail| mail.number > after && mail.envelope_to.iter().any(|address| address == to));
            if let Some(mail) = found {
                return mail;
            }
            // The sender lives as long as the mailbox.
            let _ = changes.changed().await;
        }
    }
}

impl Mail {
    pub fn parsed(&self) -> Option<Message<'_>> {
        MessageParser::default().parse(&self.bytes)
    }

    pub fn subject(&self) -> String {
        self.parsed().and_then(|message| message.subject().map(str::to_owned)).unwrap_or_default()
    }

    /// Who it says it is from, by name.
    pub fn from_name(&self) -> String {
        self.parsed()
            .and_then(|message| {
                let from = message.from()?.first()?;
                from.name().or_else(|| from.address()).map(str::to_owned)
            })
            .unwrap_or_else(|| self.envelope_from.clone())
    }

    pub fn html(&self) -> Option<String> {
        self.parsed()?.body_html(0).map(std::borrow::Cow::into_owned)
    }

    pub fn text(&self) -> Option<String> {
        self.parsed()?.body_text(0).map(std::borrow::Cow::into_owned)
    }

    /// Head and body as received.
    pub fn source(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The head, folded lines and all.
    pub fn head(&self) -> String {
        let source = self.source();
        source.split_once("\r\n\r\n").map_or(source.clone(), |(head, _)| head.to_owned())
    }

    /// The value of a header on one line, as it stands in the source.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.head().replace("\r\n ", " ").replace("\r\n\t", " ");
        head.lines().find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    /// How many headers of that name there are.
    pub fn header_count(&self, name: &str) -> usize {
        let is_it =
            |line: &&str| line.split_once(':').is_some_and(|(field, _)| field.eq_ignore_ascii_case(name));
        self.head().lines().filter(is_it).count()
    }

    /// The https (or, here, http) address of `List-Unsubscribe`.
    pub fn unsubscribe_url(&self) -> Option<String> {
        let value = self.header("List-Unsubscribe")?;
        value.split(',').find_map(|part| {
            let url = part.trim().strip_prefix('<')?.strip_suffix('>')?;
            url.starts_with("http").then(|| url.to_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mail_is_waited_for_and_found_by_its_reader() {
        let mailbox = Mailbox::default();
        let waiting = tokio::spawn({
            let mailbox = mailbox.clone();
            async move { mailbox.wait_for("an@example.be", 0).await }
        });
        let source = "List-Unsubscribe: <http://x/u/abc>,\r\n <mailto:u@x>\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\n\r\nHallo\r\n";
        for to in ["bob@example.be", "an@example.be"] {
            mailbox.deliver("a@b.be".into(), vec![to.into()], source.into(), Timestamp::from_millis(0));
        }
        let mail = waiting.await.expect("a mail");
        assert_eq!((mail.number, mail.subject().as_str()), (2, "Café"));
        assert_eq!(mail.unsubscribe_url().as_deref(), Some("http://x/u/abc"));
        assert_eq!(mail.header_count("subject"), 1);
        assert_eq!(mailbox.received(), 2);
    }

    #[test]
    fn the_mailbox_is_bounded() {
        let mailbox = Mailbox::default();
        for _ in 0..MAILS_MAX + 5 {
            mailbox.deliver(String::new(), Vec::new(), Vec::new(), Timestamp::from_millis(0));
        }
        assert_eq!(mailbox.all().len(), MAILS_MAX);
        assert!(mailbox.get(5).is_none() && mailbox.get(6).is_some());
    }
}
