//! R12: TLS that is not to be trusted, or breaks off: no mail and no login goes out in the clear, nobody fails, and
//! all are sent once it is repaired. The single sessions are in `mail::relays` and `mail::smtp`.

use postiljon::model::{AuthMethod, Credentials, TlsMode};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::mail::relays::hello_of_tls_1_1;
use crate::support::smtp_server::Tls;

/// What is wrong with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Expired,
    OtherName,
    /// Signed by nobody that we know.
    SelfSigned,
    /// It does not offer what we need.
    Stripped,
    /// It closes instead of a handshake.
    Cut,
    /// It knows nothing newer.
    Version11,
}

impl Fault {
    const ALL: [Self; 6] =
        [Self::Expired, Self::OtherName, Self::SelfSigned, Self::Stripped, Self::Cut, Self::Version11];

    fn options(self) -> Options {
        Options {
            tls: if self == Self::Stripped { Tls::None } else { Tls::Upgrade },
            auth: true,
            certificate_name: if self == Self::OtherName { "other.example" } else { "localhost" },
            certificate_expired: self == Self::Expired,
            ..Options::default()
        }
    }
}

/// A server that offers STARTTLS, says `answer` to the first octets of TLS, and closes; and what it read.
async fn breaking_off(answer: Vec<u8>) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let read = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&read);
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let lines: [&[u8]; 3] = [b"220 test ESMTP\r\n", b"250-test\r\n250 STARTTLS\r\n", b"220 go\r\n"];
            let mut buffer = [0; 4096];
            for line in lines.into_iter().chain((!answer.is_empty()).then_some(answer.as_slice())) {
                let said = tcp.write_all(line).await;
                let count = if said.is_ok() { tcp.read(&mut buffer).await.unwrap_or(0) } else { 0 };
                kept.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        }
    });
    (port, read)
}

fn trusting(settings: RelaySettings, authority_pem: Option<String>) -> RelaySettings {
    let login =
        Credentials { method: AuthMethod::Password, username: "user".into(), password: "secret".into() };
    RelaySettings {
        tls: TlsMode::StartTls,
        extra_roots_pem: authority_pem,
        credentials: Some(login),
        ..settings
    }
}

both_dbs_each!(
    tls_that_is_not_to_be_trusted_fails_nobody_and_all_are_sent_once_it_is,
    Fault::ALL,
    |store, fault| {
        let mailing = mailing_to(&store, fine(12)).await;
        let rig = Rig::new(&store, fault.options()).await;
        let authority = (fault != Fault::SelfSigned).then(|| rig.server.authority_pem.clone());
        let bad = trusting(settings(&rig.server), authority);
        let raw = match fault {
            Fault::Cut => Some(breaking_off(Vec::new()).await),
            Fault::Version11 => Some(breaking_off(hello_of_tls_1_1()).await),
            _ => None,
        };
        let port = raw.as_ref().map_or(bad.port, |(port, _)| *port);
        rig.relays.replace(vec![main_relay(RelaySettings { port, ..bad })]).await.expect("replaced");
        let engine = rig.bench.start();
        let began = |mailing: &Mailing| mailing.status == MailingStatus::Sending;
        rig.bench.until(&engine, &mailing, Duration::ZERO, began).await;
        while rig.tries.begun.lock().unwrap().len() < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            rig.bench.clock.advance(PAUSE_MIN);
        }
        let waiting = read!(store, |db| mailings::by_id(db, mailing.id)).expect("the mailing");
        assert_eq!((waiting.account.settled(), waiting.account.deferred), (0, 0), "{fault:?}");
        if let Some((_, read)) = raw {
            let read = read.lock().unwrap().clone();
            for word in [&b"AUTH"[..], b"MAIL FROM", b"RCPT TO"] {
                assert!(!read.windows(word.len()).any(|window| window == word), "{fault:?}");
            }
        } else {
            assert!(rig.server.accepted().is_empty(), "{fault:?}");
            let said = rig.server.commands();
            let secret = |line: &String| ["AUTH", "MAIL", "RCPT"].iter().any(|word| line.starts_with(word));
            assert!(!said.iter().any(secret), "{fault:?}: {said:?}");
        }
        let repaired =
            SmtpServer::start(Options { tls: Tls::Upgrade, auth: true, ..Options::default() }).await;
        let good = trusting(settings(&repaired), Some(repaired.authority_pem.clone()));
        rig.relays.replace(vec![main_relay(good)]).await.expect("replaced");
        let sent = rig.until_sent(&engine, &mailing).await;
        assert_eq!(
            (sent.account.sent, sent.account.audience, repaired.copies().len()),
            (12, 12, 12),
            "{fault:?}"
        );
        assert!(rig.ledger(&sent).await.iter().all(|row| (row.attempts, row.doubts) == (1, 0)), "{fault:?}");
        tokio::time::timeout(SOON, engine.stop()).await.expect("the engine stops soon");
        rig.relays.close().await;
    }
);
