//! The engine and several real relays: a relay that refuses is no recipient's fault.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use postiljon::delivery::wire::{Held, LastLook, Sending, SendingAnnouncing, Wire, WireMail};
use postiljon::mail::relay::Relay;
use postiljon::mail::relays::Relays;
use postiljon::model::{AuthMethod, Credentials, NamedRelay, RelaySettings};

use super::single_mails::asked;
use super::{Bench, PATIENCE, due_mailing, mailing_of};
use crate::mail::smtp::settings;
use crate::support::database::both_dbs;
use crate::support::smtp_server::{At, Options, SmtpServer};

fn with_login(name: &str, weight: u32, server: &SmtpServer) -> NamedRelay {
    let credentials = Some(Credentials {
        method: AuthMethod::Password,
        username: "user".to_owned(),
        password: "secret".to_owned(),
    });
    NamedRelay { name: name.into(), weight, settings: RelaySettings { credentials, ..settings(server.addr) } }
}

both_dbs!(a_relay_that_refuses_the_login_fails_no_recipient, |store| {
    for answer in ["535 5.7.8 wrong", "454 4.7.0 later"] {
        let refusing =
            SmtpServer::start(Options { auth: true, at_auth: At::Say(answer), ..Options::default() }).await;
        let good = SmtpServer::start(Options { auth: true, ..Options::default() }).await;
        let relays = Relays::new(vec![with_login("refusing", 3, &refusing), with_login("good", 1, &good)]);
        let newsletter = crate::support::samples::newsletter(&store, &format!("n{}", &answer[..3])).await;
        let mailing = mailing_of(&store, &newsletter, 20).await;
        let bench = Bench::new(&store, Arc::new(relays.expect("relays")));
        let engine = bench.start();
        let sent = bench.until_sent(&engine, &mailing, Duration::ZERO).await;
        engine.stop().await;
        assert_eq!((sent.account.sent, sent.account.bounced, good.accepted().len()), (20, 0, 20));
        assert!(!refusing.commands().iter().any(|line| line.starts_with("MAIL")));
    }
});

both_dbs!(when_every_login_is_refused_all_wait_until_one_is_taken, |store| {
    let server =
        |answer| SmtpServer::start(Options { auth: true, at_auth: At::Say(answer), ..Options::default() });
    let (one, two) = (server("535 5.7.8 wrong").await, server("454 4.7.0 later").await);
    let relays = Relays::new(vec![with_login("one", 1, &one), with_login("two", 1, &two)]).expect("relays");
    let (_, mailing) = due_mailing(&store, 10).await;
    let bench = Bench::new(&store, Arc::new(relays.clone()));
    let engine = bench.start();
    while relays.ready_in("").is_zero() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    two.change(|options| options.at_auth = At::Fine);
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(1)).await;
    engine.stop().await;
    assert_eq!((sent.account.sent, sent.account.expired, two.accepted().len()), (10, 0, 10));
});

/// The relays, and how often they were asked in vain.
#[derive(Debug)]
struct Counting {
    relays: Relays,
    in_vain: AtomicUsize,
}

impl Wire for Counting {
    fn send<'a>(&'a self, mail: &'a WireMail) -> Sending<'a> {
        Wire::send(&self.relays, mail)
    }

    fn send_announcing<'a>(
        &'a self,
        mail: &'a WireMail,
        held: Held,
        next: Option<&'a WireMail>,
        look: &'a dyn LastLook,
    ) -> SendingAnnouncing<'a> {
        Box::pin(async move {
            let sent = Wire::send_announcing(&self.relays, mail, held, next, look).await;
            self.in_vain.fetch_add(usize::from(sent.is_err()), Ordering::Relaxed);
            sent
        })
    }

    fn wait(&self, preferred: &str) -> Duration {
        Wire::wait(&self.relays, preferred)
    }

    fn take_turn(&self, preferred: &str) -> Result<Held, Duration> {
        Wire::take_turn(&self.relays, preferred)
    }

    fn take_next_turn(&self, preferred: &str) -> (Held, Duration) {
        Wire::take_next_turn(&self.relays, preferred)
    }
}

both_dbs!(a_rate_is_no_failure_and_a_confirmation_has_the_next_turn, |store| {
    const INTERVAL: Duration = Duration::from_millis(2500);
    let server = SmtpServer::start(Options::default()).await;
    let settings =
        RelaySettings { connections: 10, mails_per_hour: NonZeroU32::new(1440), ..settings(server.addr) };
    let relays = Relays::from(Relay::new("main", settings).expect("a relay"));
    let wire = Arc::new(Counting { relays, in_vain: AtomicUsize::new(0) });
    let (newsletter, _) = due_mailing(&store, 30).await;
    let mut bench = Bench::new(&store, wire.clone());
    bench.parts.settings.senders = 10;
    // The relay knows the time of the machine alone: the clock of the test goes with it.
    let ticking = tokio::spawn({
        let clock = bench.clock.clone();
        async move {
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                clock.advance(Duration::from_millis(20));
            }
        }
    });
    let until = async |count: usize| {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while server.accepted().len() < count {
            assert!(tokio::time::Instant::now() < deadline, "{} mails came", server.accepted().len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let engine = bench.start();
    until(1).await;
    let begun = tokio::time::Instant::now();
    asked(&store, &bench, newsletter.id, "late@example.org", 9).await;
    engine.wake();
    until(4).await;
    let took = begun.elapsed();
    engine.stop().await;
    ticking.abort();
    let place = server.accepted().iter().position(|mail| mail.to == "late@example.org");
    assert!(place.is_some_and(|place| (1..=2).contains(&place)), "{place:?}");
    assert!(took > INTERVAL * 3 - Duration::from_millis(500), "{took:?}");
    assert!(took < INTERVAL * 4, "each turn is used: {took:?}");
    assert_eq!(wire.in_vain.load(Ordering::Relaxed), 0);
});
