use std::time::Duration;

use postiljon::demo::browser::Browser;
use postiljon::model::{
    Mailing, MailingId, MailingStatus, Move, Outcome, PauseReason, Refusal, RelayCause, RelayTrouble,
    SubscriberId, WorkerId,
};
use postiljon::store::deliveries::{self, Record};
use postiljon::store::{Store, mailings, relay_troubles, workers};
use postiljon::web::watching::STREAMS_MAX;

use super::issues::issue_and_reader;
use super::{ADDRESS, PASSWORD, get, post, schedule, signed_in};
use crate::support::app::{START, TestApp, UNDO};
use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{self, confirmed, newsletter, sending};

/// A mailing to so many readers that is being sent, each of them in hand.
struct Running {
    app: TestApp,
    browser: Browser,
    mailing: Mailing,
    worker: WorkerId,
    people: Vec<SubscriberId>,
}

async fn running(store: &Store, readers: usize) -> Running {
    let newsletter = newsletter(store, "insights").await;
    for n in 1..=readers {
        confirmed(store, newsletter.id, n).await;
    }
    let mailing = sending(store, newsletter.id).await;
    let worker = change!(store, |tx| workers::insert(tx, START));
    let claimed = change!(store, |tx| samples::claim_next(tx, &mailing, worker, 10_000, START));
    let app = TestApp::start(store).await;
    let browser = signed_in(&app).await;
    let people = claimed.iter().map(|recipient| recipient.subscriber_id).collect();
    Running { app, browser, mailing, worker, people }
}

impl Running {
    fn path(&self, rest: &str) -> String {
        format!("/admin/mailings/{}{rest}", self.mailing.id)
    }

    /// Gives the next people an outcome.
    async fn record(&mut self, count: usize, outcome: Outcome, refusal: Refusal) {
        let due_at = (outcome == Outcome::Deferred).then(|| START.plus(Duration::from_secs(3600)));
        let records: Vec<_> = self
            .people
            .drain(..count)
            .map(|subscriber_id| Record {
                subscriber_id,
                outcome,
                attempts: 1,
                doubts: 0,
                due_at,
                reply: format!("{outcome} <i>as told</i>"),
                relay: "first".into(),
                refusal,
            })
            .collect();
        let store = &self.app.app.store;
        change!(store, |tx| deliveries::record(tx, self.mailing.id, self.worker, &records, START));
    }

    async fn page(&self) -> String {
        get(&self.browser, &self.path("")).await.body
    }

    async fn status(&self) -> MailingStatus {
        let store = &self.app.app.store;
        read!(store, |db| mailings::by_id(db, self.mailing.id)).expect("there").status
    }

    async fn press(&self, wanted: &str) -> (u16, String) {
        let answer = post(&self.browser, &self.path(&format!("/{wanted}")), &[]).await;
        (answer.status, answer.location().rsplit("done=").next().unwrap_or_default().to_owned())
    }
}

both_dbs!(what_is_sent_now_waits_and_can_be_called_back_or_hurried, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue_and_reader(&store, &app, &browser).await;
    let last_look = get(&browser, "/admin/issues/1/schedule?when=now").await.body;
    assert!(last_look.contains("you can still call it back for 30 seconds"), "{last_look}");
    schedule(&browser, &[("when", "now")]).await;
    let due = |id| {
        let store = store.clone();
        async move { read!(store, |db| mailings::by_id(db, MailingId(id))).expect("there").due_at }
    };
    assert_eq!(due(1).await, START.plus(UNDO));
    assert!(read!(store, |db| mailings::due(db, START.plus(UNDO / 2))).is_empty(), "it really waits");
    let page = get(&browser, "/admin/mailings/1").await.body;
    assert!(page.contains("<strong data-countdown>30</strong>"), "{page}");
    for button in ["/admin/mailings/1/send-now", "/admin/mailings/1/cancel"] {
        assert!(page.contains(&format!("action=\"{button}\"")), "{button}: {page}");
    }
    assert!(!page.contains("<details"), "nothing was sent yet: there is nothing to ask");
    let cancelled = post(&browser, "/admin/mailings/1/cancel", &[]).await;
    assert_eq!(cancelled.location(), "/admin/mailings/1?done=cancelled");
    schedule(&browser, &[("when", "now")]).await;
    let hurried = post(&browser, "/admin/mailings/2/send-now", &[]).await;
    assert_eq!(hurried.location(), "/admin/mailings/2?done=sending");
    assert_eq!(due(2).await, START);
    app.stop().await;
});

both_dbs!(the_page_offers_exactly_what_is_possible_and_asks_before_what_cannot_be_undone, |store| {
    let mut running = running(&store, 10).await;
    running.record(4, Outcome::Sent, Refusal::None).await;
    let offered = |page: &str| -> Vec<String> {
        let start = format!("action=\"/admin/mailings/{}/", running.mailing.id);
        page.split(&start).skip(1).filter_map(|rest| Some(rest.split('"').next()?.to_owned())).collect()
    };
    let page = running.page().await;
    assert_eq!(offered(&page), ["pause", "cancel"]);
    assert!(page.contains("already: 4") && page.contains("get nothing: 6"), "{page}");
    assert_eq!(running.press("pause").await, (303, "paused".into()));
    assert_eq!(running.press("pause").await, (303, "paused".into()), "a second click is fine");
    let page = running.page().await;
    assert_eq!(offered(&page), ["resume", "cancel"]);
    assert!(page.contains("Someone paused this mailing."), "{page}");
    assert_eq!(running.press("resend-failed").await.0, 409);
    assert_eq!(running.press("explode").await.0, 404);
    assert_eq!(running.press("resume").await, (303, "resumed".into()));
    assert_eq!(running.press("cancel").await, (303, "stopped".into()));
    let page = running.page().await;
    assert_eq!(offered(&page), [""; 0]);
    assert!(page.contains("on the way. Who had not been reached got nothing"), "{page}");
    assert_eq!(running.press("resume").await.0, 409);
    running.app.stop().await;
});

both_dbs!(those_who_failed_are_sent_to_again_but_for_addresses_that_do_not_exist, |store| {
    let mut running = running(&store, 6).await;
    running.record(2, Outcome::Sent, Refusal::None).await;
    running.record(1, Outcome::Bounced, Refusal::Address).await;
    running.record(2, Outcome::Bounced, Refusal::Policy).await;
    running.record(1, Outcome::Uncertain, Refusal::None).await;
    change!(store, |tx| mailings::finish(tx, running.mailing.id, START)).expect("ended");
    let page = running.page().await;
    assert!(page.contains("tried once more: 2."), "{page}");
    assert!(page.contains("nobody knows whether they have it: 1."), "{page}");
    assert_eq!(running.press("resend-failed").await, (303, "again".into()));
    assert_eq!(running.status().await, MailingStatus::Sending);
    assert_eq!(running.press("resend-failed").await.0, 409, "a second click does nothing more");
    let page = running.page().await;
    // They wait; their destination is none that has a name.
    assert!(page.contains("What waits where") && page.contains("All other domains"), "{page}");
    running.app.stop().await;
});

both_dbs!(a_mailing_that_the_breaker_paused_tells_the_numbers_and_what_to_do, |store| {
    let mut running = running(&store, 10).await;
    running.record(3, Outcome::Sent, Refusal::None).await;
    running.record(7, Outcome::Bounced, Refusal::Address).await;
    let id = running.mailing.id;
    change!(store, |tx| mailings::make_move(tx, id, Move::Pause, PauseReason::Bounces, START));
    let page = running.page().await;
    assert!(page.contains("Paused by itself: 7 of 10 were refused."), "{page}");
    assert!(page.contains(&format!("href=\"{}\"", running.path("/ledger?outcome=bounced"))), "{page}");
    let home = get(&running.browser, "/admin").await.body;
    assert!(home.contains("A mailing is paused"), "{home}");
    running.app.stop().await;
});

both_dbs!(the_ledger_shows_each_reader_by_outcome_by_address_and_by_page, |store| {
    let mut running = running(&store, 60).await;
    running.record(55, Outcome::Sent, Refusal::None).await;
    running.record(2, Outcome::Bounced, Refusal::Mailbox).await;
    running.record(1, Outcome::Deferred, Refusal::Policy).await;
    let ledger = |query: &str| {
        let (browser, path) = (running.browser.clone(), running.path(&format!("/ledger{query}")));
        async move { get(&browser, &path).await.body }
    };
    let rows = |page: &str| page.matches("<th scope=\"row\">").count();
    let first = ledger("").await;
    assert_eq!(rows(&first), 50);
    assert!(first.contains("sent &#60;i&#62;as told"), "what a relay says is text: {first}");
    let next = first.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
    let next = next.expect("a next page").replace("&#38;", "&").replace("&amp;", "&");
    let second = get(&running.browser, &next).await.body;
    assert_eq!(rows(&second), 10);
    assert!(second.contains("reader60@example.org") && !second.contains("rel=\"next\""), "{second}");
    let bounced = ledger("?outcome=bounced").await;
    assert_eq!(rows(&bounced), 2);
    assert!(bounced.contains("the mailbox is full or closed"), "{bounced}");
    let found = ledger("?search=READER5%40").await;
    assert!(rows(&found) == 1 && found.contains("reader5@example.org"), "{found}");
    assert_eq!(rows(&ledger("?search=%25").await), 0, "a wildcard is taken literally");
    assert_eq!(rows(&ledger("?outcome=nonsense&after=x").await), 50);
    running.app.stop().await;
});

both_dbs!(progress_is_sent_when_it_changes_and_ends_with_the_mailing, |store| {
    let mut running = running(&store, 4).await;
    let watching = {
        let (browser, path) = (running.browser.clone(), running.path("/events"));
        tokio::spawn(async move { browser.get(&path).await.expect("an answer") })
    };
    // The stream looks when the clock moves; it is over when the mailing is.
    running.record(3, Outcome::Sent, Refusal::None).await;
    running.record(1, Outcome::Skipped, Refusal::None).await;
    for _ in 0..40 {
        running.app.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    change!(store, |tx| mailings::finish(tx, running.mailing.id, START)).expect("ended");
    while !watching.is_finished() {
        running.app.clock.advance(Duration::from_millis(500));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let answer = watching.await.expect("a stream");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
    let events: Vec<&str> =
        answer.body.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
    let last: serde_json::Value = serde_json::from_str(events.last().expect("an event")).expect("JSON");
    assert_eq!((&last["status"], &last["sent"], &last["skipped"]), (&"sent".into(), &3.into(), &1.into()));
    for pair in events.windows(2) {
        assert_ne!(pair[0], pair[1], "what did not change is not sent again");
    }
    running.app.stop().await;
});

both_dbs!(a_stream_ends_when_its_session_does_and_when_the_process_stops, |store| {
    let running = running(&store, 1).await;
    let open = |browser: Browser| {
        let path = running.path("/events");
        tokio::spawn(async move { browser.get(&path).await.expect("an answer") })
    };
    let guest = running.app.browser();
    let login = [("address", ADDRESS), ("password", PASSWORD)];
    assert_eq!(guest.post("/admin/login", &login).await.expect("an answer").status, 303);
    let (stays, leaves) = (open(running.browser.clone()), open(guest.clone()));
    post(&guest, "/admin/logout", &[]).await;
    while !leaves.is_finished() {
        running.app.clock.advance(Duration::from_secs(15));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!stays.is_finished());
    running.app.app.watching.stop();
    let answer = stays.await.expect("a stream");
    assert!(answer.status == 503 || answer.body.contains("\"status\":\"sending\""), "{}", answer.body);
    let late = running.browser.get(&running.path("/events")).await.expect("an answer");
    assert_eq!(late.status, 503);
    running.app.stop().await;
});

both_dbs!(too_many_who_watch_are_told_to_ask_instead, |store| {
    let running = running(&store, 1).await;
    let app = &running.app.app;
    let watch = || app.watching.watch(&store, &app.clock, running.mailing.id);
    let mut watchers: Vec<_> = (0..STREAMS_MAX).map(|_| watch().expect("room")).collect();
    let refused = running.browser.get(&running.path("/events")).await.expect("an answer");
    assert_eq!(refused.status, 503);
    assert_eq!(get(&running.browser, &running.path(".json")).await.status, 200);
    watchers.pop();
    assert!(watch().is_some());
    running.app.stop().await;
});

both_dbs!(a_relay_that_cannot_be_used_is_told_of_where_that_matters, |store| {
    let running = running(&store, 2).await;
    let trouble = RelayTrouble {
        relay: "fast".into(),
        host: "mail.example.org".into(),
        port: 587,
        cause: RelayCause::LoginRefused,
        detail: "535 5.7.8 no".into(),
        since: START.minus(Duration::from_secs(60)),
        seen_at: START,
        told_at: None,
    };
    for page in [running.path(""), "/admin".to_owned(), "/admin/settings/relays".to_owned()] {
        assert!(!get(&running.browser, &page).await.body.contains("has not worked"), "{page}");
    }
    change!(store, |tx| relay_troubles::put(tx, &trouble, START));
    for page in [running.path(""), "/admin".to_owned()] {
        let body = get(&running.browser, &page).await.body;
        assert!(body.contains("The relay fast has not worked since"), "{page}: {body}");
        assert!(body.contains("mail.example.org refuses the user name or the password"), "{page}: {body}");
        assert!(body.contains("none is lost"), "{page}");
    }
});
