//! Two subjects: a share of the audience is asked, everybody else gets the winner, nobody gets both.

use std::time::Duration;

use postiljon::mail::relay::Stage;
use postiljon::model::tracking::{Link, SECOND_LINKS};
use postiljon::model::{
    Filter, Language, Mailing, MailingStatus, Move, Newsletter, SubscriberId, Trial, TrialBy, TrialPlan,
    Variant,
};
use postiljon::publishing::moves::{MoveError, make_move};
use postiljon::store::hits::{self, Tally};
use postiljon::store::issues::{self, IssueText};
use postiljon::store::mailings::Content;
use postiljon::store::{Store, deliveries, mailing_links, mailings, segments, subscribers};

use super::Bench;
use super::script::{Script, Step};
use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{NOW, address, confirmed, issue_text, newsletter};

const READERS: usize = 200;
const SHARE: i64 = 20;

/// A mailing to two hundred that tries "Eerste" and "Tweede" on a fifth of them.
async fn tried(store: &Store, by: TrialBy) -> (Newsletter, Mailing) {
    let newsletter = newsletter(store, "insights").await;
    for n in 1..=READERS {
        confirmed(store, newsletter.id, n).await;
    }
    let text = IssueText {
        second_subject: "Tweede".into(),
        trial: TrialPlan { share: SHARE, by, hours: 4 },
        ..issue_text("Eerste")
    };
    let issue = change!(store, |tx| issues::insert(tx, newsletter.id, &text, NOW));
    let mailing = change!(store, |tx| mailings::insert(tx, issue.id, newsletter.id, NOW, NOW));
    let content = Content {
        language: Language::Dutch,
        subject: "Eerste".into(),
        second_subject: "Tweede".into(),
        html: "<p>Dag</p>".into(),
        text: "Dag".into(),
        web_html: "<p>Dag</p>".into(),
    };
    change!(store, |tx| mailings::insert_content(tx, mailing.id, &content));
    (newsletter, mailing)
}

fn counts(wire: &Script) -> [usize; 2] {
    ["Eerste", "Tweede"].map(|wanted| wire.subjects().iter().filter(|(_, subject)| subject == wanted).count())
}

/// Which subject a reader gets by the rule.
async fn variant_of(store: &Store, mailing: &Mailing, reader: &str) -> Option<Variant> {
    let found = read!(store, |db| subscribers::by_address(db, &address(reader))).expect("a reader");
    Trial { share: SHARE, ..Trial::NONE }.variant_of(mailing.id, found.id)
}

both_dbs!(a_share_is_asked_and_everybody_else_waits_for_the_winner_and_gets_it_once, |store| {
    let (_, mailing) = tried(&store, TrialBy::Choice).await;
    let wire = Script::new(|_, _| Step::Accept);
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    let asked = bench
        .until(&engine, &mailing, Duration::ZERO, |m| m.account.sent == 40 && m.cursor == m.audience_end);
    let asked = asked.await;
    assert_eq!((asked.status, asked.account.audience), (MailingStatus::Sending, 200));
    assert_eq!(counts(&wire), [20, 20]);
    for (reader, subject) in wire.subjects() {
        let expected = variant_of(&store, &mailing, &reader).await.map(|variant| match variant {
            Variant::First => "Eerste",
            Variant::Second => "Tweede",
        });
        assert_eq!(expected, Some(subject.as_str()), "{reader}");
    }
    assert_eq!(read!(store, |db| deliveries::count_tried(db, &asked)), [20, 20]);
    // Time alone changes nothing: somebody chooses.
    bench.clock.advance(Duration::from_secs(48 * 3600));
    engine.wake();
    let chosen = make_move(&store, &bench.clock, mailing.id, Move::ChooseSecond).await.expect("chosen");
    assert_eq!(chosen.mailing.trial.winner, Some(Variant::Second));
    // Whoever was asked is no candidate again: they would count once more where a destination is warmed up.
    let rest = read!(store, |db| deliveries::candidates(db, &chosen.mailing, 1_000));
    let asked: Vec<_> = wire.copies().into_keys().collect();
    assert!(rest.iter().all(|one| !asked.contains(&one.address.to_string())), "{} candidates", rest.len());
    engine.wake();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(1)).await;
    assert_eq!((sent.account.sent, counts(&wire)), (200, [20, 180]));
    assert!(wire.copies().values().all(|copies| *copies == 1));
    let issue = read!(store, |db| issues::by_id(db, mailing.issue_id)).expect("the issue");
    assert_eq!((issue.subject.as_str(), issue.second_subject.as_str()), ("Tweede", "Eerste"));
    engine.stop().await;
});

both_dbs!(a_second_click_is_fine_and_a_second_choice_is_not, |store| {
    let (_, mailing) = tried(&store, TrialBy::Choice).await;
    let clock = postiljon::clock::Clock::test(NOW);
    let early = make_move(&store, &clock, mailing.id, Move::ChooseFirst).await;
    assert!(matches!(early, Err(MoveError::MovedOn)), "it has not begun: {early:?}");
    change!(store, |tx| mailings::start(tx, mailing.id, NOW)).expect("begun");
    for _ in 0..2 {
        make_move(&store, &clock, mailing.id, Move::ChooseFirst).await.expect("chosen");
    }
    let other = make_move(&store, &clock, mailing.id, Move::ChooseSecond).await;
    assert!(matches!(other, Err(MoveError::MovedOn)), "{other:?}");
    let issue = read!(store, |db| issues::by_id(db, mailing.issue_id)).expect("the issue");
    assert_eq!(issue.subject, "Eerste");
});

both_dbs!(who_is_tried_again_after_the_choice_gets_the_subject_that_was_asked, |store| {
    let (_, mailing) = tried(&store, TrialBy::Choice).await;
    // Everybody is put off once.
    let wire = Script::new(|_, before| match before {
        0 => Step::Answer(Stage::Recipient, 450, "4.2.1 busy"),
        _ => Step::Accept,
    });
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    bench.until(&engine, &mailing, Duration::ZERO, |m| m.account.deferred == 40).await;
    make_move(&store, &bench.clock, mailing.id, Move::ChooseFirst).await.expect("chosen");
    engine.wake();
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(60)).await;
    assert_eq!((sent.account.sent, counts(&wire)), (200, [180, 20]));
    engine.stop().await;
});

both_dbs!(a_mailing_cancelled_during_its_trial_skips_all_who_were_not_asked, |store| {
    let (_, mailing) = tried(&store, TrialBy::Choice).await;
    let wire = Script::new(|_, _| Step::Accept);
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    bench.until(&engine, &mailing, Duration::ZERO, |m| m.account.sent == 40).await;
    make_move(&store, &bench.clock, mailing.id, Move::Cancel).await.expect("cancelled");
    engine.wake();
    let cancelled = bench.until(&engine, &mailing, Duration::from_secs(1), |m| m.account.balances()).await;
    assert_eq!((cancelled.account.sent, cancelled.account.skipped), (40, 160));
    bench.assert_balanced(&cancelled).await;
    engine.stop().await;
});

both_dbs!(the_database_asks_whom_the_rule_asks, |store| {
    let (_, mailing) = tried(&store, TrialBy::Choice).await;
    let mailing = change!(store, |tx| mailings::start(tx, mailing.id, NOW)).expect("begun");
    let found = read!(store, |db| deliveries::candidates(db, &mailing, 1000));
    let found: Vec<SubscriberId> = found.into_iter().map(|recipient| recipient.subscriber_id).collect();
    let all = Mailing { trial: Trial::NONE, ..mailing.clone() };
    let all = read!(store, |db| deliveries::candidates(db, &all, 1000));
    let asked: Vec<SubscriberId> = all
        .into_iter()
        .map(|recipient| recipient.subscriber_id)
        .filter(|id| mailing.trial.variant_of(mailing.id, *id).is_some())
        .collect();
    assert_eq!(found.len(), 40);
    assert_eq!(found, asked);
    // The same of a mailing to a segment.
    let everyone = Filter::default().to_json();
    let segment = change!(store, |tx| segments::insert(tx, mailing.newsletter_id, "All", &everyone, NOW));
    let text = IssueText { second_subject: "Tweede".into(), ..issue_text("Eerste") };
    let issue = change!(store, |tx| issues::insert(tx, mailing.newsletter_id, &text, NOW));
    let of_segment = change!(store, |tx| mailings::insert(tx, issue.id, mailing.newsletter_id, NOW, NOW));
    change!(store, |tx| mailings::set_segment(tx, of_segment.id, &segment));
    let of_segment = change!(store, |tx| mailings::start(tx, of_segment.id, NOW)).expect("begun");
    assert_eq!(of_segment.account.audience, 200);
    let found = read!(store, |db| deliveries::candidates(db, &of_segment, 1000));
    assert_eq!(found.len(), 40);
    for one in found {
        assert!(of_segment.trial.variant_of(of_segment.id, one.subscriber_id).is_some());
    }
});

both_dbs!(clicks_of_people_decide_when_the_hours_are_over_and_not_before, |store| {
    let (_, mailing) = tried(&store, TrialBy::Clicks).await;
    let link = |number| Link {
        number,
        url: "https://example.org/verhaal".into(),
        heading: String::new(),
        label: "Lees meer".into(),
    };
    let (first, second) = (1, 1 + SECOND_LINKS);
    change!(store, |tx| mailing_links::insert(tx, mailing.id, &[link(first), link(second)]));
    let wire = Script::new(|_, _| Step::Accept);
    let bench = Bench::new(&store, wire.clone());
    let engine = bench.start();
    bench.until(&engine, &mailing, Duration::ZERO, |m| m.account.sent == 40).await;
    // Machines follow every link; people liked the second.
    let (few, many) = (Tally { human: 1, machine: 90 }, Tally { human: 3, machine: 0 });
    change!(store, |tx| hits::add_to_link(tx, mailing.id, first, few, 0));
    change!(store, |tx| hits::add_to_link(tx, mailing.id, second, many, 0));
    assert_eq!(read!(store, |db| mailing_links::clicks_by_subject(db, mailing.id)), [1, 3]);
    bench.clock.advance(Duration::from_secs(4 * 3600 - 60));
    engine.wake();
    let early = read!(store, |db| mailings::by_id(db, mailing.id)).expect("the mailing");
    assert_eq!((early.trial.winner, early.account.sent), (None, 40));
    let sent = bench.until_sent(&engine, &mailing, Duration::from_secs(30)).await;
    assert_eq!(sent.trial.winner, Some(Variant::Second));
    assert_eq!((sent.account.sent, counts(&wire)), (200, [20, 180]));
    // The report tells both links as one.
    let links = read!(store, |db| mailing_links::of_mailing(db, mailing.id));
    assert_eq!(links.iter().map(|link| (link.number, link.clicks)).collect::<Vec<_>>(), [(1, 4)]);
    engine.stop().await;
});
