//! R13: a login that is refused is nobody's fault, until somebody repairs it.

use postiljon::model::{AuthMethod, Credentials};

use super::*;
use crate::support::database::both_dbs;

fn with_password(settings: RelaySettings, password: &str) -> RelaySettings {
    let credentials = Credentials {
        method: AuthMethod::Password,
        username: "user".to_owned(),
        password: password.to_owned(),
    };
    RelaySettings { credentials: Some(credentials), ..settings }
}

both_dbs!(a_wrong_password_fails_nobody_and_the_right_one_sends_all, |store| {
    let mailing = mailing_to(&store, fine(30)).await;
    let options = Options { auth: true, ..Options::default() };
    let rig = Rig::with(&store, options, |settings| with_password(settings, "old")).await;
    let engine = rig.bench.start();
    // As long as it is refused again, too.
    while rig.server.commands().iter().filter(|line| *line == "AUTH").count() < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        rig.bench.clock.advance(PAUSE_MIN);
    }
    let waiting = read!(store, |db| mailings::by_id(db, mailing.id)).expect("the mailing");
    assert_eq!((waiting.status, waiting.account.settled()), (MailingStatus::Sending, 0));
    assert!(!rig.server.commands().iter().any(|line| line.starts_with("MAIL")));
    let repaired = with_password(settings(&rig.server), "secret");
    rig.relays.replace(vec![main_relay(repaired)]).await.expect("replaced");
    let sent = rig.until_sent(&engine, &mailing).await;
    rig.everybody_has_one(&sent, "535").await;
    assert!(rig.ledger(&sent).await.iter().all(|row| row.attempts == 1), "nobody was tried in vain");
    rig.close(engine).await;
});
