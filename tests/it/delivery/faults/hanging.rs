//! R10, R11 and D40: servers that are slow, silent, or stop reading.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::*;
use crate::support::database::both_dbs;
use crate::support::smtp_server::At;

/// Short, so that it runs out in the test; long enough for an answer of a busy machine.
const STAGE: Duration = Duration::from_secs(1);
const HANGS: [&str; 4] = ["hang-at-rcpt", "hang-at-data", "hang-in-data", "hang-at-dot"];
/// Two, not one more: a third would be the relay's own fault.
const HANGS_ONCE: [&str; 2] = ["hang-at-rcpt-1", "hang-in-data-1"];

fn impatient(settings: RelaySettings) -> RelaySettings {
    RelaySettings { timeouts: all_stages(STAGE), ..settings }
}

/// Two of the four connections at most for the destination that hangs.
async fn rig_with_a_destination_that_hangs(
    store: &Store,
    change: impl FnOnce(RelaySettings) -> RelaySettings,
) -> Rig {
    let mut rig = Rig::with(store, Options::default(), change).await;
    let table = "[\"hangs.example\"]\nat_once = 2\n";
    rig.bench.parts.settings.destinations.add(table).expect("a table");
    rig.bench.parts.settings.drain = Duration::from_millis(200);
    rig
}

both_dbs!(mails_that_hang_free_their_connections_in_time_and_hold_back_nobody_else, |store| {
    let hanging = HANGS_ONCE.iter().map(|what| format!("{what}@hangs.example"));
    let mailing = mailing_to(&store, hanging.chain(fine(150))).await;
    let rig = rig_with_a_destination_that_hangs(&store, impatient).await;
    let engine = rig.bench.start();
    rig.server.wait_for_accepted(150).await;
    let sent = rig.until_sent(&engine, &mailing).await;
    let copies = rig.server.copies();
    assert_eq!((copies.len(), sent.account.sent), (152, 152));
    assert!(copies.values().all(|copies| *copies == 1), "the server has taken none that hung: {copies:?}");
    let tries: Vec<i64> =
        rig.ledger(&sent).await.iter().take(HANGS_ONCE.len()).map(|row| row.attempts).collect();
    assert_eq!(tries, [2; HANGS_ONCE.len()]);
    // The one that does not read learns of the end only now.
    rig.server.release();
    rig.close(engine).await;
});

both_dbs!(others_are_all_served_while_one_destination_hangs_and_a_stop_does_not_wait_for_it, |store| {
    let hanging = (1..=20).map(|n| format!("{}+{n}@hangs.example", &HANGS[n % HANGS.len()]));
    let mailing = mailing_to(&store, hanging.chain(fine(150))).await;
    let rig = rig_with_a_destination_that_hangs(&store, |settings| settings).await;
    let engine = rig.bench.start();
    let served = rig.bench.until(&engine, &mailing, Duration::ZERO, |mailing| mailing.account.sent == 150);
    let served = served.await;
    assert_eq!(served.status, MailingStatus::Sending);
    let at_the_one_that_hangs =
        rig.server.commands().iter().filter(|line| line.contains("hangs.example")).count();
    assert!(at_the_one_that_hangs <= 2, "{at_the_one_that_hangs} mails hang");
    rig.server.release();
    let server = rig.close(engine).await;
    assert_eq!(server.copies().len(), 150);
});

/// Until nothing happens any more.
async fn until_quiet(engine: &EngineHandle) {
    let mut activity = engine.activity();
    while tokio::time::timeout(Duration::from_millis(500), activity.changed()).await.is_ok() {}
}

both_dbs!(a_mail_that_is_announced_behind_one_that_hangs_goes_another_way, |store| {
    // Those that hang come when all are busy, and others behind each of them.
    let later = (1..=3).flat_map(|round| {
        let behind = (1..=5).map(move |n| format!("fine@r{round}n{n}.example"));
        [format!("hang-at-dot@i{round}.example")].into_iter().chain(behind)
    });
    let rest = (9..=45).map(|n| format!("fine@d{n}.example"));
    let mailing = mailing_to(&store, fine(8).chain(later).chain(rest)).await;
    // As from far away: else nothing is announced.
    let options = Options { answers_after: Duration::from_millis(12), ..Options::default() };
    let mut rig = Rig::with(&store, options, |settings| settings).await;
    rig.bench.parts.settings.drain = Duration::from_millis(200);
    let engine = rig.bench.start();
    rig.server.wait_for_accepted(40).await;
    until_quiet(&engine).await;
    let before = rig.server.accepted().len();
    assert!((57..60).contains(&before), "one or more wait behind those that hang: {before} of 60 arrived");
    rig.bench.clock.advance(Duration::from_secs(2));
    let found =
        rig.bench.until(&engine, &mailing, Duration::ZERO, |mailing| mailing.account.sent == 60).await;
    assert_eq!(found.status, MailingStatus::Sending, "those that hang have no outcome yet");
    assert!(rig.server.copies().values().all(|copies| *copies == 1));
    rig.close(engine).await;
});

both_dbs!(no_claim_is_lost_where_one_destination_hangs_and_another_blocks_us, |store| {
    let blocked = |round: u8| (1..=8).map(move |n| format!("reject-data+{round}{n}@blocked.example"));
    let hanging = |round: u8| format!("hang-at-dot@i{round}.example");
    let mixed = (1..=3).flat_map(|round| {
        let fine = (1..=5).map(move |n| format!("fine@r{round}n{n}.example"));
        blocked(round).chain([hanging(round)]).chain(fine)
    });
    let mailing = mailing_to(&store, fine(15).chain(mixed)).await;
    let options = Options { answers_after: Duration::from_millis(12), ..Options::default() };
    let mut rig = Rig::with(&store, options, |settings| settings).await;
    rig.bench.parts.settings.destinations.add("[\"blocked.example\"]\nat_once = 2\n").expect("a table");
    rig.bench.parts.settings.drain = Duration::from_millis(200);
    let engine = rig.bench.start();
    rig.server.wait_for_accepted(27).await;
    until_quiet(&engine).await;
    rig.bench.clock.advance(Duration::from_secs(2));
    rig.bench.until(&engine, &mailing, Duration::ZERO, |mailing| mailing.account.sent == 30).await;
    until_quiet(&engine).await;
    let ledger = rig.ledger(&mailing).await;
    let claimed = ledger.iter().filter(|row| row.outcome == Outcome::Claimed).count();
    assert_eq!(claimed, 3, "those that hang: {ledger:?}");
    rig.close(engine).await;
});

both_dbs_each!(
    a_server_that_is_silent_before_any_recipient_is_given_up_in_time,
    [
        ("greeting", At::Hang, At::Fine, At::Fine),
        ("hello", At::Fine, At::Hang, At::Fine),
        ("mail", At::Fine, At::Fine, At::Hang),
    ],
    |store, (what, at_greeting, at_hello, at_mail)| {
        let mailing = mailing_to(&store, fine(20)).await;
        let options = Options { at_greeting, at_hello, at_mail, times: Some(2), ..Options::default() };
        let rig = Rig::with(&store, options, impatient).await;
        let engine = rig.bench.start();
        let sent = rig.until_sent(&engine, &mailing).await;
        rig.everybody_has_one(&sent, what).await;
        rig.close(engine).await;
    }
);

both_dbs!(a_server_that_answers_late_but_in_time_gets_every_mail_once, |store| {
    let mailing = mailing_to(&store, fine(12)).await;
    let answers_after = Duration::from_millis(60);
    let rig = Rig::with(&store, Options { answers_after, ..Options::default() }, impatient).await;
    let engine = rig.bench.start();
    let sent = rig.until_sent(&engine, &mailing).await;
    rig.everybody_has_one(&sent, "late").await;
    assert!(rig.ledger(&sent).await.iter().all(|row| row.attempts == 1));
    rig.close(engine).await;
});

both_dbs!(a_tarpit_is_given_up_at_its_first_answer_and_all_are_sent_once_it_is_gone, |store| {
    let mailing = mailing_to(&store, fine(12)).await;
    let answers_after = STAGE * 2;
    let rig = Rig::with(&store, Options { answers_after, ..Options::default() }, impatient).await;
    let engine = rig.bench.start();
    let given_up = async {
        while rig.relays.ready_in("").is_zero() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, given_up).await.expect("given up in time");
    assert!(!rig.server.commands().iter().any(|line| line.starts_with("MAIL")));
    rig.server.change(|options| options.answers_after = Duration::ZERO);
    let sent = rig.until_sent(&engine, &mailing).await;
    rig.everybody_has_one(&sent, "tarpit").await;
    assert!(rig.ledger(&sent).await.iter().all(|row| row.attempts == 1), "a tarpit costs nobody a try");
    rig.close(engine).await;
});

/// An address that answers nothing at all, as where packets vanish: the queue of its port is full, so the system drops what
/// asks for a connection.
struct BlackHole {
    at: SocketAddr,
    _port: TcpListener,
    _queue: Vec<TcpStream>,
}

impl BlackHole {
    async fn open() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("bound");
        let port = socket.listen(1).expect("listens");
        let at = port.local_addr().expect("an address");
        let mut queue = Vec::new();
        while let Ok(connected) = tokio::time::timeout(STAGE / 5, TcpStream::connect(at)).await {
            queue.push(connected.expect("connected"));
            assert!(queue.len() < 16, "the queue of the port has no end");
        }
        Self { at, _port: port, _queue: queue }
    }
}

both_dbs!(a_relay_whose_packets_vanish_is_given_up_in_time_and_fails_nobody, |store| {
    let hole = BlackHole::open().await;
    let mailing = mailing_to(&store, fine(30)).await;
    let into_it = |settings| RelaySettings { port: hole.at.port(), ..impatient(settings) };
    let rig = Rig::with(&store, Options::default(), into_it).await;
    let engine = rig.bench.start();
    let given_up = async {
        while rig.relays.troubles().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            rig.bench.clock.advance(PAUSE_MIN);
        }
    };
    tokio::time::timeout(SOON * 2, given_up).await.expect("given up in time, and tried again");
    let waiting = read!(store, |db| mailings::by_id(db, mailing.id)).expect("the mailing");
    assert_eq!(waiting.account.settled(), 0, "nobody failed");
    rig.relays.replace(vec![main_relay(settings(&rig.server))]).await.expect("replaced");
    let sent = rig.until_sent(&engine, &mailing).await;
    rig.everybody_has_one(&sent, "black hole").await;
    assert!(rig.ledger(&sent).await.iter().all(|row| row.attempts == 1), "nobody was tried in vain");
    rig.close(engine).await;
});

both_dbs!(a_slow_answer_to_the_final_dot_is_waited_for_and_makes_one_copy, |store| {
    let mailing = mailing_to(&store, ill("slow", 4).chain(fine(20))).await;
    let rig = Rig::with(&store, Options::default(), |settings| {
        let timeouts = StageTimeouts { final_dot: AMPLE, ..all_stages(STAGE / 2) };
        RelaySettings { timeouts, ..settings }
    })
    .await;
    let engine = rig.bench.start();
    tokio::time::timeout(AMPLE, rig.server.wait_for_slow(2)).await.expect("they wait");
    // Longer than any other stage may take, of both kinds of time.
    tokio::time::sleep(STAGE).await;
    rig.bench.clock.advance(Duration::from_secs(590));
    tokio::time::sleep(STAGE / 5).await;
    rig.server.release();
    let sent = rig.until_sent(&engine, &mailing).await;
    rig.everybody_has_one(&sent, "slow").await;
    assert!(rig.ledger(&sent).await.iter().all(|row| row.attempts == 1));
    rig.close(engine).await;
});
