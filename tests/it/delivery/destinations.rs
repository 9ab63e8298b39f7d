//! A destination that is slow, blocked or hung holds back nobody else.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use postiljon::delivery::EngineHandle;
use postiljon::dns::Dns;
use postiljon::mail::relay::Stage;
use postiljon::model::{Language, Mailing, MailingStatus, NewsletterId};
use postiljon::store::{Store, mailings, subscriptions, workers};

use super::script::{Script, Step};
use super::{Bench, due_mailing, mailing_of};
use crate::support::database::{both_dbs, change, execute, on_postgres, read};
use crate::support::dns_server::{DnsServer, Says};
use crate::support::samples::{NOW, newsletter, pending_at};

/// More connections than any destination begins with.
const SENDERS: usize = 10;

async fn reader(store: &Store, newsletter: NewsletterId, at: &str) {
    let subscription = pending_at(store, newsletter, at).await;
    change!(store, |tx| subscriptions::confirm(tx, subscription.id, Language::Dutch, NOW));
}

/// A mailing to so many readers at each domain, one after another.
async fn mailing_to(store: &Store, domains: &[(&str, usize)]) -> Mailing {
    let newsletter = newsletter(store, "insights").await;
    let most = domains.iter().map(|(_, count)| *count).max().unwrap_or(0);
    for n in 0..most {
        for (domain, _) in domains.iter().filter(|(_, count)| n < *count) {
            reader(store, newsletter.id, &format!("reader{n}@{domain}")).await;
        }
    }
    mailing_of(store, &newsletter, 0).await
}

fn bench(store: &Store, wire: Arc<Script>) -> Bench {
    let mut bench = Bench::new(store, wire);
    bench.parts.settings.senders = SENDERS;
    bench
}

fn taken_at(wire: &Script, domain: &str) -> usize {
    wire.taken().iter().filter(|(to, _)| to.ends_with(domain)).count()
}

both_dbs!(nobody_waits_while_a_provider_has_room, |store| {
    // The clock stands still: whoever misses that there is room sleeps for ever.
    let mailing = mailing_to(&store, &[("gmail.com", 300)]).await;
    let wire = Script::new(|_, _| Step::AcceptSlowly);
    let bench = bench(&store, wire.clone());
    wire.tell_time(&bench.clock);
    let engine = bench.start();
    let began = std::time::Instant::now();
    let sent = bench.until_sent(&engine, &mailing, Duration::ZERO).await;
    assert_eq!((sent.account.sent, wire.taken().len()), (300, 300));
    println!("300 mails to one provider in {:?}", began.elapsed());
    engine.stop().await;
});

both_dbs!(a_provider_that_hangs_holds_only_its_own_mails, |store| {
    let mailing = mailing_to(&store, &[("gmail.com", 120), ("example.org", 280)]).await;
    let wire = Script::new(|to, _| if to.ends_with("gmail.com") { Step::TakeAndWait } else { Step::Accept });
    let bench = bench(&store, wire.clone());
    let engine = bench.start();
    bench.until(&engine, &mailing, Duration::ZERO, |mailing| mailing.account.sent == 280).await;
    assert!(taken_at(&wire, "gmail.com") <= 2, "as few as before the first success");
    wire.release();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(1)).await;
    assert_eq!((sent.account.sent, wire.taken().len()), (400, 400));
    engine.stop().await;
});

both_dbs!(a_provider_that_hangs_from_the_first_mail_on_leaves_room_for_all_others, |store| {
    let newsletter = newsletter(&store, "insights").await;
    // More than are claimed at once in the beginning, and all of them before anybody else.
    for (domain, count) in [("gmail.com", 60), ("example.org", 100)] {
        for n in 0..count {
            reader(&store, newsletter.id, &format!("reader{n}@{domain}")).await;
        }
    }
    let mailing = mailing_of(&store, &newsletter, 0).await;
    let wire = Script::new(|to, _| if to.ends_with("gmail.com") { Step::TakeAndWait } else { Step::Accept });
    let bench = bench(&store, wire.clone());
    let engine = bench.start();
    bench.until(&engine, &mailing, Duration::ZERO, |mailing| mailing.account.sent == 100).await;
    wire.release();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(1)).await;
    assert_eq!((sent.account.sent, wire.taken().len()), (160, 160));
    engine.stop().await;
});

both_dbs!(a_domain_that_hangs_among_the_others_is_set_apart, |store| {
    let mailing = mailing_to(&store, &[("hangs.example", 60), ("example.org", 200)]).await;
    let wire = Script::new(|to, before| match to.ends_with("hangs.example") && before == 0 {
        true => Step::HangAndLose,
        false => Step::Accept,
    });
    let bench = bench(&store, wire.clone());
    wire.tell_time(&bench.clock);
    let engine = bench.start();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(30)).await;
    assert_eq!((sent.account.sent, wire.copies().len()), (260, 260));
    assert!(wire.copies().values().all(|copies| *copies == 1));
    engine.stop().await;
});

both_dbs!(a_provider_that_blocks_us_is_left_alone_and_nobody_else_waits, |store| {
    let mailing = mailing_to(&store, &[("orange.fr", 100), ("example.org", 500)]).await;
    let tries = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&tries);
    let wire = Script::new(move |to, _| {
        if !to.ends_with("orange.fr") {
            return Step::Accept;
        }
        // It takes mail again after some tries.
        match seen.fetch_add(1, Ordering::Relaxed) {
            0..6 => Step::Answer(Stage::Recipient, 550, "5.7.1 blocked, see our postmaster page"),
            _ => Step::Accept,
        }
    });
    let bench = bench(&store, wire.clone());
    let engine = bench.start();
    let before = bench.until(&engine, &mailing, Duration::ZERO, |mailing| mailing.account.sent == 500).await;
    assert_eq!(before.status, MailingStatus::Sending, "a provider that blocks is no reason to pause all");
    assert!(tries.load(Ordering::Relaxed) <= 4, "{tries:?} tries at one that blocks");
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(600)).await;
    assert_eq!((sent.account.sent, sent.account.bounced), (594, 6));
    engine.stop().await;
});

both_dbs!(a_provider_that_finds_us_too_fast_gets_one_mail_a_minute, |store| {
    let mailing = mailing_to(&store, &[("orange.fr", 6), ("example.org", 100)]).await;
    let wire = Script::new(|to, before| match to.ends_with("orange.fr") && before == 0 {
        true => Step::Answer(Stage::Recipient, 451, "4.7.1 too many mails, slow down"),
        false => Step::Accept,
    });
    let bench = bench(&store, wire.clone());
    let engine = bench.start();
    bench.until(&engine, &mailing, Duration::ZERO, |mailing| mailing.account.sent == 100).await;
    let begun = bench.clock.now();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(20)).await;
    assert_eq!((sent.account.sent, sent.account.bounced), (106, 0));
    let took = sent.finished_at.expect("the end").since(begun);
    // Six first tries and six second ones, one a minute; some before it was slowed.
    assert!(took >= Duration::from_secs(7 * 60), "{took:?}");
    engine.stop().await;
});

both_dbs!(a_destination_never_has_more_on_the_wire_than_its_limit, |store| {
    let mailing = mailing_to(&store, &[("orange.fr", 60), ("gmail.com", 60), ("example.org", 60)]).await;
    let wire = Script::new(|_, _| Step::AcceptSlowly);
    let bench = bench(&store, wire.clone());
    let engine = bench.start();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(1)).await;
    assert_eq!(sent.account.sent, 180);
    let most: HashMap<String, usize> = wire.most_at_once();
    assert!(most["orange.fr"] <= 2 && most["gmail.com"] <= 5, "{most:?}");
    assert!(most["example.org"] >= 3, "the rest of ten connections: {most:?}");
    engine.stop().await;
});

both_dbs!(a_rate_holds_for_a_newsletter_and_for_a_destination, |store| {
    let (_, mailing) = due_mailing(&store, 20).await;
    execute(&store, "UPDATE newsletters SET mails_per_hour = 3600").await;
    let fast = mailing_of(&store, &crate::support::samples::newsletter(&store, "weekly").await, 0).await;
    for n in 0..30 {
        let at = if n < 10 { "slow.example" } else { "example.org" };
        reader(&store, fast.newsletter_id, &format!("weekly{n}@{at}")).await;
    }
    let wire = Script::new(|_, _| Step::Accept);
    let mut bench = bench(&store, wire.clone());
    let table = "[\"slow.example\"]\nmails_per_hour = 360\n";
    bench.parts.settings.destinations.add(table).expect("a table");
    let engine = bench.start();
    let begun = bench.clock.now();
    let until = |id, count| {
        let (bench, engine) = (&bench, &engine);
        async move {
            let mailing = read!(bench.store, |db| mailings::by_id(db, id)).expect("there");
            bench.until(engine, &mailing, Duration::from_secs(2), |now| now.account.sent >= count).await;
            bench.clock.now().since(begun)
        }
    };
    let unlimited = until(fast.id, 20).await;
    assert!(unlimited < Duration::from_secs(15), "{unlimited:?}");
    let by_newsletter = until(mailing.id, 20).await;
    assert!(by_newsletter >= Duration::from_secs(19), "{by_newsletter:?}");
    let by_destination = until(fast.id, 30).await;
    assert!(by_destination >= Duration::from_secs(90), "{by_destination:?}");
    engine.stop().await;
});

both_dbs!(a_new_sender_shows_itself_slowly_and_nobody_is_lost, |store| {
    let mailing = mailing_to(&store, &[("gmail.com", 100), ("example.org", 30)]).await;
    let wire = Script::new(|_, _| Step::Accept);
    let mut bench = bench(&store, wire.clone());
    let table = "[google]\nwarm_up_from = \"2026-01-01\"\nwarm_up_mails = [10, 20, 40]\n";
    bench.parts.settings.destinations.add(table).expect("a table");
    let engine = bench.start();
    let mut per_day = std::collections::BTreeMap::<i64, usize>::new();
    let mut before = 0;
    loop {
        let hour = Duration::from_secs(3600);
        let done =
            read!(store, |db| mailings::by_id(db, mailing.id)).expect("there").status == MailingStatus::Sent;
        tokio::time::sleep(Duration::from_millis(60)).await;
        let now = taken_at(&wire, "gmail.com");
        *per_day.entry(bench.clock.now().as_millis() / 86_400_000).or_default() += now - before;
        before = now;
        if done {
            break;
        }
        bench.clock.advance(hour);
    }
    let days: Vec<usize> = per_day.into_values().collect();
    assert_eq!(days, [10, 20, 40, 30], "of each day");
    let sent = bench.until_sent(&engine, &mailing, Duration::ZERO).await;
    assert_eq!((sent.account.sent, wire.copies().len()), (130, 130));
    engine.stop().await;
});

both_dbs!(a_domain_that_google_hosts_has_no_more_on_the_wire_than_google_bears, |store| {
    let google = Says::Mx(vec![(1, "aspmx.l.google.com."), (5, "spare.company.example.")]);
    let server = DnsServer::start([("company.example", google)]).await;
    let scout = mailing_to(&store, &[("company.example", 1), ("nowhere.example", 1)]).await;
    let wire = Script::new(|_, _| Step::AcceptSlowly);
    let mut bench = bench(&store, wire.clone());
    let dns = Dns::at(server.address);
    bench.parts.settings.dns = Some(dns.clone());
    let engine = bench.start();
    bench.until_sent(&engine, &scout, Duration::from_secs(1)).await;
    for domain in ["company.example", "nowhere.example"] {
        server.until_asked(domain, 1).await;
        dns.mx(domain, Duration::from_secs(10)).await;
    }
    let asked = || (server.asked("company.example"), server.asked("nowhere.example"));
    let before = asked();
    let newsletter = newsletter(&store, "second").await;
    for n in 0..60 {
        reader(&store, newsletter.id, &format!("reader{n}@company.example")).await;
        reader(&store, newsletter.id, &format!("reader{n}@nowhere.example")).await;
    }
    let mailing = mailing_of(&store, &newsletter, 0).await;
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(1)).await;
    assert_eq!(sent.account.sent, 120);
    let most = wire.most_at_once();
    assert!(most["company.example"] <= 5, "{most:?}");
    assert_eq!(asked(), before, "remembered");
    engine.stop().await;
});

both_dbs!(a_dns_server_that_is_silent_holds_up_no_mail, |store| {
    let domains: Vec<String> = (0..30).map(|n| format!("company{n}.example")).collect();
    let server = DnsServer::start([]).await;
    domains.iter().for_each(|domain| server.say(domain, Says::Silence));
    let readers: Vec<_> = domains.iter().map(|domain| (domain.as_str(), 4)).collect();
    let mailing = mailing_to(&store, &readers).await;
    let wire = Script::new(|_, _| Step::Accept);
    let mut bench = bench(&store, wire.clone());
    bench.parts.settings.dns = Some(Dns::at(server.address));
    let engine = bench.start();
    // The clock stands still.
    let sent = bench.until_sent(&engine, &mailing, Duration::ZERO).await;
    assert_eq!((sent.account.sent, wire.copies().len()), (120, 120));
    assert!(domains.iter().filter(|domain| server.asked(domain) > 0).count() <= 8, "a few at a time");
    engine.stop().await;
});

/// Two engines on one database that know of each other.
async fn two_engines(bench: &Bench) -> [EngineHandle; 2] {
    let engines = [bench.start(), bench.start()];
    // Each beats every two seconds, and reads the others with each beat.
    let target = bench.clock.now().plus(Duration::from_secs(6));
    let deadline = tokio::time::Instant::now() + super::PATIENCE;
    loop {
        let workers = read!(bench.store, |db| workers::all(db));
        if workers.len() == 2 && workers.iter().all(|(_, beat)| *beat >= target) {
            return engines;
        }
        assert!(tokio::time::Instant::now() < deadline, "both beat: {workers:?}");
        bench.clock.advance(Duration::from_millis(100));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

on_postgres!(two_senders_keep_the_rate_of_a_newsletter_together, |database| {
    let store = database.store.clone();
    let newsletter = newsletter(&store, "insights").await;
    execute(&store, "UPDATE newsletters SET mails_per_hour = 3600").await;
    let wire = Script::new(|_, _| Step::Accept);
    let bench = bench(&store, wire.clone());
    let engines = two_engines(&bench).await;
    let mailing = mailing_of(&store, &newsletter, 20).await;
    engines.iter().for_each(EngineHandle::wake);
    let begun = bench.clock.now();
    let sent = bench.until_sent(&engines[0], &mailing, Duration::from_secs(1)).await;
    // Each begins with one; then together one a second.
    let took = sent.finished_at.expect("the end").since(begun);
    assert!(took >= Duration::from_secs(17), "{took:?}");
    assert_eq!((sent.account.sent, wire.taken().len()), (20, 20));
    for engine in engines {
        engine.stop().await;
    }
});

on_postgres!(two_senders_keep_the_mails_at_once_and_the_rate_of_a_destination_together, |database| {
    let store = database.store.clone();
    let wire = Script::new(|_, _| Step::AcceptSlowly);
    let mut bench = bench(&store, wire.clone());
    let table = "[\"three.example\"]\nat_once = 3\n[\"one.example\"]\nat_once = 1\n[\"slow.example\"]\nmails_per_hour = 360\n";
    bench.parts.settings.destinations.add(table).expect("a table");
    let engines = two_engines(&bench).await;
    let mailing =
        mailing_to(&store, &[("three.example", 60), ("one.example", 20), ("slow.example", 8)]).await;
    engines.iter().for_each(EngineHandle::wake);
    let begun = bench.clock.now();
    let sent = bench.until_sent(&engines[0], &mailing, Duration::from_secs(1)).await;
    assert_eq!((sent.account.sent, wire.copies().len()), (88, 88));
    let most = wire.most_at_once();
    assert!(most["three.example"] <= 3 && most["one.example"] <= 1, "{most:?}");
    // Each begins with one; then together one in ten seconds.
    let took = sent.finished_at.expect("the end").since(begun);
    assert!(took >= Duration::from_secs(55), "{took:?}");
    for engine in engines {
        engine.stop().await;
    }
});
