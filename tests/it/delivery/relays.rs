//! The engine and several real relays: a relay that refuses is no recipient's fault.

use std::sync::Arc;
use std::time::Duration;

use postiljon::mail::relays::Relays;
use postiljon::model::{AuthMethod, Credentials, NamedRelay, RelaySettings};

use super::{Bench, due_mailing, mailing_of};
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
