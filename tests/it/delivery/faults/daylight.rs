//! R20: a time that the clocks of a zone skip, and one that they show twice.

use postiljon::publishing::schedule::{When, parse_local, schedule};

use super::super::script::{Script, Step};
use super::*;
use crate::publishing::{PUBLIC_URL, issue, published};
use crate::support::samples::confirmed;

/// What is typed in Brussels, the moment that it means, and the moment that it could be taken for.
const NIGHTS: [(&str, &str, &str); 2] = [
    // There is no 02:30: it is 03:00 at once.
    ("2027-03-28 02:30", "2027-03-28T01:00:00Z", "2027-03-28T01:30:00Z"),
    // 02:30 comes twice: the first counts.
    ("2027-10-31 02:30", "2027-10-31T00:30:00Z", "2027-10-31T01:30:00Z"),
];

both_dbs_each!(half_past_two_in_the_nights_of_the_clock_change_is_one_moment_and_one_run, NIGHTS, |store,
                                                                                                   (
    typed,
    meant,
    other,
)| {
    let newsletter = newsletter(&store, "insights").await;
    for n in 1..=5 {
        confirmed(&store, newsletter.id, n).await;
    }
    // Before the clock is a year on: a request of then would be erased before it is confirmed.
    let later = crate::support::samples::newsletter(&store, "second").await;
    confirmed(&store, later.id, 1).await;
    let wire = Script::new(|_, _| Step::Accept);
    let bench = Bench::new(&store, wire.clone());
    let moment = |text: &str| Timestamp::from_utc(text.parse().expect("a moment"));
    let (meant, other) = (moment(meant), moment(other));
    bench.clock.set(meant.minus(Duration::from_secs(3600)));
    let article = published(&store, &bench.clock, "Verhaal").await;
    let issue = issue(&store, &bench.clock, newsletter.id, &[&article]).await;
    let when = When::Local(parse_local(typed).expect("a time"));
    let mailing =
        schedule(&store, &bench.clock, PUBLIC_URL, issue.id, when).await.expect("scheduled").mailing;
    assert_eq!(mailing.due_at, meant, "{typed}");
    let engine = bench.start();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(60)).await;
    let started = sent.started_at.expect("started");
    assert!(started >= meant && started < other, "{typed}: {}", started.rfc3339());
    // Past the other moment, and a day on: nothing begins again.
    let tries = *wire.tries.borrow();
    bench.clock.set(other.plus(Duration::from_secs(60)));
    engine.wake();
    bench.clock.advance(Duration::from_secs(24 * 3600));
    let second = super::super::mailing_of(&store, &later, 0).await;
    let second = bench.until_sent(&engine, &second, Duration::from_secs(60)).await;
    assert_eq!(second.account.sent, 1, "{second:?}");
    let again = read!(store, |db| mailings::by_id(db, mailing.id)).expect("the mailing");
    assert_eq!((again.started_at, again.finished_at), (sent.started_at, sent.finished_at));
    assert_eq!((tries, *wire.tries.borrow(), wire.taken().len()), (5, 6, 6), "one run each");
    engine.stop().await;
});
