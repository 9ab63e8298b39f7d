//! Notices which relays cannot be used, for those who work with the desk: a mailing that does not move must say why.
//!
//! A relay that comes and goes is not told of. What lasts is a row as long as it lasts, which every process that sends
//! says again while it finds it so; and after some minutes those who may set relays get a mail of it, one each time,
//! where another relay can carry that.

use std::collections::HashMap;
use std::time::Duration;

use crate::clock::Clock;
use crate::i18n::Texts;
use crate::mail::relay::ConnectError;
use crate::mail::relays::Relays;
use crate::mail::render::{RelayAlarmView, RenderedMail, render_relay_alarm};
use crate::mail::reply::without_identities;
use crate::model::{Permission, RelayTrouble, Timestamp};
use crate::setup::connection::in_plain_words;
use crate::store::outbox_contents::{ToUser, WrittenMail, write_to_user};
use crate::store::{Result, Store, Tx, newsletters, relay_troubles, users};

/// What passes within this is not told of.
const LASTS_FROM: Duration = Duration::from_secs(15);
/// How often it is said again.
const AGAIN_EVERY: Duration = Duration::from_secs(60);
/// What was not said again for so long is not known any more.
const KNOWN_FOR: Duration = Duration::from_secs(180);
/// What was seen before a process began is known for so long still: whoever sees it says so again within it.
const DOUBTED_FOR: Duration = Duration::from_secs(75);
/// A mail of it goes out after so long.
const MAIL_AFTER: Duration = Duration::from_secs(300);
/// Characters of what was said that are kept.
const DETAIL_MAX: usize = 300;

/// The relays that cannot be used now, as far as is known.
pub async fn troubles(db: crate::store::Db<'_>, now: Timestamp) -> Result<Vec<RelayTrouble>> {
    relay_troubles::seen_since(db, now.minus(KNOWN_FOR)).await
}

/// What one process that sends has seen.
#[derive(Debug)]
pub struct RelayWatch {
    store: Store,
    clock: Clock,
    relays: Relays,
    public_url: String,
    known: HashMap<String, Seen>,
    /// Whether what was seen before this process began is doubted already.
    has_doubted: bool,
}

/// Moments on [`Clock::elapsed`].
#[derive(Debug)]
struct Seen {
    first: Duration,
    since: Timestamp,
    /// On both clocks: how long ago, and as the row has it.
    said: Option<(Duration, Timestamp)>,
    has_told: bool,
}

impl RelayWatch {
    pub fn new(store: &Store, clock: &Clock, relays: &Relays, public_url: &str) -> Self {
        Self {
            store: store.clone(),
            clock: clock.clone(),
            relays: relays.clone(),
            public_url: public_url.trim_end_matches('/').to_owned(),
            known: HashMap::new(),
            has_doubted: false,
        }
    }

    /// Looks how things are; costs nothing where all is well.
    ///
    /// # Errors
    /// When that cannot be written down; the next look does it again.
    pub async fn look(&mut self) -> Result<()> {
        let now = self.clock.now();
        if !self.has_doubted {
            let mut tx = self.store.begin().await?;
            relay_troubles::doubt(&mut tx, now.minus(KNOWN_FOR - DOUBTED_FOR)).await?;
            tx.commit().await?;
            self.has_doubted = true;
        }
        self.relays.try_unless_used(AGAIN_EVERY);
        let found = self.relays.troubles();
        let is_gone = |name: &String| !found.iter().any(|(relay, _)| **relay.name() == **name);
        let gone: Vec<String> = self.known.keys().filter(|name| is_gone(name)).cloned().collect();
        for name in gone {
            if let Some((_, said_at)) = self.known.get(&name).and_then(|seen| seen.said) {
                let mut tx = self.store.begin().await?;
                relay_troubles::delete(&mut tx, &name, said_at).await?;
                tx.commit().await?;
            }
            self.known.remove(&name);
        }
        let others_work = found.len() < self.relays.count();
        for (relay, error) in &found {
            let settings = relay.settings();
            let trouble = |since| trouble(relay.name(), &settings.host, settings.port, error, since, now);
            self.see(relay.name(), trouble, others_work, now).await?;
        }
        Ok(())
    }

    async fn see(
        &mut self,
        name: &str,
        trouble: impl FnOnce(Timestamp) -> RelayTrouble,
        others_work: bool,
        now: Timestamp,
    ) -> Result<()> {
        let elapsed = self.clock.elapsed();
        let first = Seen { first: elapsed, since: now, said: None, has_told: false };
        let seen = self.known.entry(name.to_owned()).or_insert(first);
        let age = elapsed.saturating_sub(seen.first);
        let is_due = seen.said.is_none_or(|(said, _)| elapsed.saturating_sub(said) >= AGAIN_EVERY);
        let tells = others_work && !seen.has_told && age >= MAIL_AFTER;
        if age < LASTS_FROM || !(is_due || tells) {
            return Ok(());
        }
        let trouble = trouble(seen.since);
        let mut tx = self.store.begin().await?;
        relay_troubles::put(&mut tx, &trouble, now.minus(KNOWN_FOR)).await?;
        if tells && relay_troubles::claim_telling(&mut tx, name, now).await? {
            tell(&mut tx, &self.public_url, &trouble, now).await?;
        }
        tx.commit().await?;
        seen.said = Some((elapsed, now));
        seen.has_told |= tells;
        Ok(())
    }
}

fn trouble(
    name: &str,
    host: &str,
    port: u16,
    error: &ConnectError,
    since: Timestamp,
    now: Timestamp,
) -> RelayTrouble {
    RelayTrouble {
        relay: name.to_owned(),
        host: host.to_owned(),
        port: port.into(),
        cause: error.cause,
        detail: without_identities(&error.reason)
            .chars()
            .filter(|c| !c.is_control())
            .take(DETAIL_MAX)
            .collect(),
        since,
        seen_at: now,
        told_at: None,
    }
}

/// Tells everybody who may set relays, in the name of the first newsletter: without one there is nothing to send.
async fn tell(tx: &mut Tx, public_url: &str, trouble: &RelayTrouble, now: Timestamp) -> Result<()> {
    let Some(newsletter) = newsletters::all(tx.db()).await?.into_iter().next() else { return Ok(()) };
    let url = format!("{public_url}/admin/settings/relays");
    for user in users::who_may(tx.db(), Permission::SetRelays, None).await? {
        let reason = in_plain_words(trouble.cause, &trouble.host, trouble.port);
        let reason = reason.in_words(Texts::new(user.language));
        let view = RelayAlarmView {
            newsletter: &newsletter,
            language: user.language,
            relay: &trouble.relay,
            since: trouble.since,
            reason: &reason,
            url: &url,
        };
        let RenderedMail { subject, html, text } = match render_relay_alarm(&view) {
            Ok(rendered) => rendered,
            Err(error) => {
                tracing::error!(%error, "an alarm could not be written");
                continue;
            }
        };
        let to = ToUser { user: &user, newsletter: newsletter.id, issue: None, nonce: &[] };
        write_to_user(tx, to, &WrittenMail { subject, html, text }, now).await?;
    }
    Ok(())
}
