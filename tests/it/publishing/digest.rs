//! Digests through the real verbs: from a rule to a mailing, with everything that may come between.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use postiljon::clock::Clock;
use postiljon::keys::Keys;
use postiljon::model::{
    Article, ArticleId, ArticleStatus, DigestRule, DigestRun, Language, Mailing, NewsletterId, OutboxKind,
    Rhythm, RunReason, RunState, Timestamp, User,
};
use postiljon::publishing::approval::{ApproveError, content_of};
use postiljon::publishing::articles::{self, ArticleInput};
use postiljon::publishing::digest::acts::{self, ActError, Approved};
use postiljon::publishing::digest::run::{Desk, tick};
use postiljon::publishing::digest::{RuleError, RuleInput, calendar, rules};
use postiljon::publishing::issues as issue_verbs;
use postiljon::publishing::issues::{IssueError, IssueInput, discard};
use postiljon::publishing::schedule::{When, schedule};
use postiljon::publishing::translations::{self, TranslationInput};
use postiljon::store::audit::AuditFilter;
use postiljon::store::{
    Store, audit, deliveries, digest_runs, digests, issue_approvals, issues, mailings, newsletters,
    subscriptions,
};

use super::{PUBLIC_URL, input, issue as issue_of, published};
use crate::support::database::{both_dbs, change, read};
use crate::support::dice::Dice;
use crate::support::samples::{self, confirmed, newsletter};

const DAY: Duration = Duration::from_secs(24 * 3600);
const HOUR: Duration = Duration::from_secs(3600);
/// Monday 2027-03-01, 12:00 in Brussels.
const MONDAY: Timestamp = Timestamp::from_millis(1_803_898_800_000);

pub(super) fn rule_input() -> RuleInput {
    RuleInput {
        name: "Weekoverzicht".into(),
        audience: "each".into(),
        source: "published".into(),
        policy: "unless_stopped".into(),
        language: "nl".into(),
        tags: String::new(),
        sort: "oldest".into(),
        fewest: "2".into(),
        most: "5".into(),
        display: "full".into(),
        subject: "Nr. {{number}} van {{month}}: {{title}}".into(),
        intro: "Dag {{name|lezer}},".into(),
        calendar: "weekly 4 09:00".into(),
        lead_hours: "24".into(),
        since: "2027-01-01".into(),
    }
}

struct World {
    store: Store,
    clock: Clock,
    keys: Keys,
    newsletter: NewsletterId,
    an: User,
}

impl World {
    async fn new(store: &Store) -> Self {
        let newsletter = newsletter(store, "insights").await.id;
        let an = samples::user(store, "an@example.org").await;
        confirmed(store, newsletter, 1).await;
        confirmed(store, newsletter, 2).await;
        Self { store: store.clone(), clock: Clock::test(MONDAY), keys: Keys::new(&[7; 32]), newsletter, an }
    }

    fn desk(&self) -> Desk<'_> {
        Desk { store: &self.store, clock: &self.clock, keys: &self.keys, public_url: PUBLIC_URL }
    }

    async fn rule(&self, input: &RuleInput) -> DigestRule {
        let rule = rules::create(&self.store, &self.clock, self.newsletter, input).await.expect("a rule");
        rules::switch(&self.store, &self.clock, rule.id, true).await.expect("on")
    }

    async fn tick(&self) {
        tick(self.desk()).await.expect("a tick");
    }

    async fn publish(&self, titles: &[&str]) -> Vec<Article> {
        let mut made = Vec::new();
        for title in titles {
            made.push(published(&self.store, &self.clock, title).await);
        }
        made
    }

    /// Published in another language.
    async fn translated(&self, original: &Article, language: Language) -> ArticleId {
        let (store, clock) = (&self.store, &self.clock);
        let article =
            articles::translate(store, clock, None, original.id, language).await.expect("a translation");
        articles::set_status(store, clock, article.id, ArticleStatus::Published).await.expect("published");
        article.id
    }

    /// What waits for a rule; the desk counts as many.
    async fn waiting(&self, rule: &DigestRule) -> Vec<ArticleId> {
        let now = self.clock.now();
        let found = read!(self.store, |db| digests::candidates(db, rule, now, 10));
        let count = read!(self.store, |db| digests::count_candidates(db, rule, now, 10));
        assert_eq!(count, i64::try_from(found.len()).expect("few"));
        found.into_iter().map(|one| one.id).collect()
    }

    async fn runs(&self, rule: &DigestRule) -> Vec<DigestRun> {
        read!(self.store, |db| digest_runs::of_rule(db, rule.id, 100))
    }

    async fn last_run(&self, rule: &DigestRule) -> DigestRun {
        self.runs(rule).await.remove(0)
    }

    async fn articles(&self, run: &DigestRun) -> Vec<ArticleId> {
        let issue = run.issue_id.expect("an issue");
        read!(self.store, |db| issues::articles(db, issue)).into_iter().map(|row| row.article.id).collect()
    }

    /// Begins and ends the mailing of a run, as the engine does.
    async fn mail(&self, run: &DigestRun) -> Mailing {
        let run = read!(self.store, |db| digest_runs::by_id(db, run.id)).expect("the run");
        let id = run.mailing_id.expect("a mailing");
        let now = self.clock.now();
        let mailing = change!(self.store, |tx| mailings::start(tx, id, now)).expect("begun");
        self.set_sent(&mailing).await;
        mailing
    }

    async fn set_sent(&self, mailing: &Mailing) {
        let now = self.clock.now();
        let end = mailing.audience_end;
        change!(self.store, |tx| mailings::advance(tx, mailing.id, end));
        change!(self.store, |tx| mailings::finish(tx, mailing.id, now)).expect("ended");
    }

    /// Until a moment.
    fn at(&self, text: &str) {
        let moment = Timestamp::from_utc(text.parse().expect("a moment"));
        self.clock.advance(moment.since(self.clock.now()));
    }

    /// Claimed all at once, which nobody else does here.
    async fn claimed(&self) -> Vec<postiljon::model::OutboxMail> {
        let worker = change!(self.store, |tx| postiljon::store::workers::insert(tx, self.clock.now()));
        let now = self.clock.now();
        change!(self.store, |tx| postiljon::store::outbox::claim(tx, worker, 1000, now))
    }

    async fn mails(&self, kind: OutboxKind) -> i64 {
        let claimed = self.claimed().await;
        i64::try_from(claimed.iter().filter(|mail| mail.kind == kind).count()).expect("few")
    }

    /// The mails to those who work here.
    async fn proposals(&self) -> Vec<postiljon::store::outbox_contents::WrittenMail> {
        let mut all = Vec::new();
        for mail in self.claimed().await.into_iter().filter(|mail| mail.kind == OutboxKind::Alert) {
            let content = read!(self.store, |db| postiljon::store::outbox_contents::of_outbox(db, mail.id));
            all.push(content.expect("written"));
        }
        all
    }
}

both_dbs!(a_digest_comes_on_its_day_and_no_article_comes_twice, |store| {
    let world = World::new(&store).await;
    let rule = world.rule(&rule_input()).await;
    let first = world.publish(&["Een", "Twee", "Drie"]).await;
    world.tick().await;
    assert!(world.runs(&rule).await.is_empty(), "not before its lead time");
    world.at("2027-03-03T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!((run.state, run.period.as_str(), run.found), (RunState::Proposed, "2027-03-04", 3));
    assert_eq!(run.due_at.rfc3339(), "2027-03-04T08:00:00Z");
    let issue = read!(store, |db| issues::by_id(db, run.issue_id.expect("an issue"))).expect("there");
    assert_eq!(
        (issue.subject.as_str(), issue.intro.as_str()),
        ("Nr. 1 van maart: Een", "Dag {{name|lezer}},")
    );
    assert_eq!(issue.preheader, "Twee · Drie");
    assert_eq!(world.articles(&run).await, first.iter().map(|article| article.id).collect::<Vec<_>>());
    assert_eq!(world.mails(OutboxKind::Alert).await, 1, "one proposal for the one user");
    // What comes now is late for this one. What is edited is not new.
    let late = world.publish(&["Vier", "Vijf"]).await;
    let edited = ArticleInput { body: "Beter.".into(), ..input("Een") };
    articles::save(&store, &world.clock, first[0].id, 1, &edited).await.expect("saved");
    world.at("2027-03-04T07:59:59Z");
    world.tick().await;
    assert_eq!(world.last_run(&rule).await.state, RunState::Proposed);
    world.at("2027-03-04T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!(run.state, RunState::Scheduled);
    let mailing = world.mail(&run).await;
    assert_eq!((mailing.account.audience, mailing.rhythm), (2, Rhythm::Each));
    world.at("2027-03-10T08:00:00Z");
    world.tick().await;
    let runs = world.runs(&rule).await;
    assert_eq!((runs.len(), runs[1].state, runs[0].period.as_str()), (2, RunState::Sent, "2027-03-11"));
    assert_eq!(world.articles(&runs[0]).await, late.iter().map(|article| article.id).collect::<Vec<_>>());
});

both_dbs!(several_processes_make_one_run_and_one_mailing, |store| {
    let world = World::new(&store).await;
    let rule = world.rule(&rule_input()).await;
    world.publish(&["Een", "Twee"]).await;
    world.at("2027-03-03T08:00:00Z");
    let all = futures_util::future::join_all((0..6).map(|_| tick(world.desk()))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(world.runs(&rule).await.len(), 1);
    assert_eq!(read!(store, |db| issues::list(db, None, 0)).len(), 1, "one issue");
    assert_eq!(world.mails(OutboxKind::Alert).await, 1);
    world.at("2027-03-04T08:00:00Z");
    let all = futures_util::future::join_all((0..6).map(|_| tick(world.desk()))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(read!(store, |db| mailings::list(db, None, 0)).len(), 1, "one mailing");
});

both_dbs!(too_few_articles_make_no_digest_and_wait_for_the_next, |store| {
    let world = World::new(&store).await;
    let rule = world.rule(&rule_input()).await;
    let first = world.publish(&["Een"]).await;
    world.at("2027-03-03T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!(
        (run.state, run.reason, run.found, run.issue_id),
        (RunState::Skipped, RunReason::TooFew, 1, None)
    );
    world.at("2027-03-04T09:00:00Z");
    let more = world.publish(&["Twee"]).await;
    world.at("2027-03-10T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!(run.state, RunState::Proposed);
    assert_eq!(world.articles(&run).await, [first[0].id, more[0].id]);
});

both_dbs!(what_is_skipped_or_cancelled_is_free_and_what_was_half_sent_is_not, |store| {
    let world = World::new(&store).await;
    let rule = world.rule(&rule_input()).await;
    let all: Vec<_> = world.publish(&["Een", "Twee"]).await.into_iter().map(|article| article.id).collect();
    world.at("2027-03-03T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    let waits = discard(&store, run.issue_id.expect("an issue"), run.issue_version.expect("a version")).await;
    assert!(matches!(waits, Err(IssueError::OfDigest)), "{waits:?}");
    for _ in 0..2 {
        acts::skip(&store, &world.clock, run.id, Some(world.an.id)).await.expect("skipped");
    }
    // Its issue may go then; the run stays.
    let issue = read!(store, |db| issues::by_id(db, run.issue_id.expect("an issue"))).expect("there");
    discard(&store, issue.id, issue.version).await.expect("discarded");
    assert_eq!(world.last_run(&rule).await.issue_id, None);
    assert!(matches!(acts::approve(world.desk(), run.id, world.an.id, None).await, Err(ActError::Over)));
    world.at("2027-03-10T08:00:00Z");
    world.tick().await;
    let runs = world.runs(&rule).await;
    assert_eq!(
        (runs[1].state, runs[1].reason, runs[1].acted_by),
        (RunState::Skipped, RunReason::Stopped, Some(world.an.id))
    );
    assert!(runs[1].mailing_id.is_none());
    assert_eq!(world.articles(&runs[0]).await, all);
    // Scheduled, and cancelled before it began.
    world.at("2027-03-11T08:00:00Z");
    world.tick().await;
    let mailing = world.last_run(&rule).await.mailing_id.expect("a mailing");
    assert!(change!(store, |tx| samples::cancel(tx, mailing, world.clock.now())));
    world.at("2027-03-17T08:00:00Z");
    world.tick().await;
    let runs = world.runs(&rule).await;
    assert_eq!((runs[1].state, runs[1].reason), (RunState::Skipped, RunReason::Cancelled));
    assert_eq!(world.articles(&runs[0]).await, all);
    // Cancelled on the way: some have it.
    world.at("2027-03-18T08:00:00Z");
    world.tick().await;
    let mailing = world.last_run(&rule).await.mailing_id.expect("a mailing");
    change!(store, |tx| mailings::start(tx, mailing, world.clock.now())).expect("begun");
    assert!(change!(store, |tx| samples::cancel(tx, mailing, world.clock.now())));
    world.at("2027-03-24T08:00:00Z");
    world.tick().await;
    let runs = world.runs(&rule).await;
    assert_eq!((runs[1].state, runs[1].reason), (RunState::Sent, RunReason::Cancelled));
    assert_eq!((runs[0].reason, runs[0].found), (RunReason::TooFew, 0));
});

both_dbs!(a_run_that_failed_keeps_its_articles_and_goes_when_it_is_mended, |store| {
    let world = World::new(&store).await;
    let rule = world.rule(&rule_input()).await;
    let all: Vec<_> = world.publish(&["Een", "Twee"]).await.into_iter().map(|article| article.id).collect();
    world.at("2027-03-03T08:00:00Z");
    world.tick().await;
    world.mails(OutboxKind::Alert).await;
    // A draft again: the check blocks it.
    articles::set_status(&store, &world.clock, all[0], ArticleStatus::Draft).await.expect("a draft");
    world.at("2027-03-04T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!((run.state, run.reason, run.mailing_id), (RunState::Failed, RunReason::Blocked, None));
    assert_eq!(world.mails(OutboxKind::Alert).await, 1, "somebody is told");
    assert!(matches!(acts::retry(world.desk(), run.id, None).await, Err(ActError::Approve(_))));
    articles::set_status(&store, &world.clock, all[0], ArticleStatus::Published).await.expect("published");
    acts::retry(world.desk(), run.id, Some(world.an.id)).await.expect("again");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!(run.state, RunState::Scheduled);
    assert_eq!(world.articles(&run).await, all);
    world.mail(&run).await;
    world.at("2027-03-10T08:00:00Z");
    world.tick().await;
    assert_eq!(world.last_run(&rule).await.found, 0, "what was sent again is taken");
});

both_dbs!(a_failed_run_that_is_tried_again_late_leaves_out_what_the_next_took, |store| {
    let world = World::new(&store).await;
    let rule = world.rule(&rule_input()).await;
    let all: Vec<_> = world.publish(&["Een", "Twee", "Drie"]).await.into_iter().map(|one| one.id).collect();
    world.at("2027-03-03T08:00:00Z");
    world.tick().await;
    articles::set_status(&store, &world.clock, all[0], ArticleStatus::Draft).await.expect("a draft");
    world.at("2027-03-04T08:00:00Z");
    world.tick().await;
    let failed = world.last_run(&rule).await;
    assert_eq!(failed.state, RunState::Failed);
    world.at("2027-03-10T08:00:00Z");
    world.tick().await;
    let next = world.last_run(&rule).await;
    assert_eq!(world.articles(&next).await, all[1..]);
    articles::set_status(&store, &world.clock, all[0], ArticleStatus::Published).await.expect("published");
    acts::retry(world.desk(), failed.id, None).await.expect("again");
    assert_eq!(world.articles(&failed).await, all[..1]);
});

both_dbs!(only_if_approved_goes_with_an_approval_of_what_it_is, |store| {
    let world = World::new(&store).await;
    let rule = world.rule(&RuleInput { policy: "if_approved".into(), ..rule_input() }).await;
    let all = world.publish(&["Een", "Twee"]).await;
    world.at("2027-03-03T08:00:00Z");
    world.tick().await;
    world.mails(OutboxKind::Alert).await;
    world.at("2027-03-04T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!((run.state, run.reason), (RunState::Skipped, RunReason::NotApproved));
    assert_eq!(world.mails(OutboxKind::Alert).await, 1, "a mail says so");
    // Approved, then edited: the approval was of something else.
    world.at("2027-03-10T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    acts::approve(world.desk(), run.id, world.an.id, None).await.expect("approved");
    let edited = IssueInput {
        subject: "Ander onderwerp".into(),
        articles: world.placed(&run).await,
        ..IssueInput::default()
    };
    let version = run.issue_version.expect("a version");
    issue_verbs::save(&store, &world.clock, run.issue_id.expect("an issue"), version, &edited)
        .await
        .expect("saved");
    world.at("2027-03-11T08:00:00Z");
    world.tick().await;
    assert_eq!(world.last_run(&rule).await.reason, RunReason::NotApproved);
    // Approved as it is.
    world.at("2027-03-17T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    for _ in 0..2 {
        acts::approve(world.desk(), run.id, world.an.id, None).await.expect("approved");
    }
    assert_eq!(world.last_run(&rule).await.state, RunState::Approved);
    world.at("2027-03-18T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!((run.state, run.acted_by), (RunState::Scheduled, Some(world.an.id)));
    assert_eq!(world.articles(&run).await, [all[0].id, all[1].id]);
});

impl World {
    async fn placed(&self, run: &DigestRun) -> Vec<postiljon::model::Placed> {
        let issue = run.issue_id.expect("an issue");
        read!(self.store, |db| issues::articles(db, issue)).into_iter().map(Into::into).collect()
    }
}

both_dbs!(four_eyes_hold_for_digests_too, |store| {
    let world = World::new(&store).await;
    let theme = postiljon::model::Theme::Letter;
    change!(store, |tx| newsletters::set_issues(tx, world.newsletter, theme, true));
    let bea = samples::user(&store, "bea@example.org").await;
    let rule = world.rule(&rule_input()).await;
    world.publish(&["Een", "Twee"]).await;
    world.at("2027-03-03T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    let issue = run.issue_id.expect("an issue");
    let edited = IssueInput {
        subject: "Van An".into(),
        articles: world.placed(&run).await,
        editor: Some(world.an.id),
        ..IssueInput::default()
    };
    issue_verbs::save(&store, &world.clock, issue, run.issue_version.expect("one"), &edited)
        .await
        .expect("saved");
    let own = acts::approve(world.desk(), run.id, world.an.id, None).await;
    assert!(matches!(own, Err(ActError::Approve(_))), "{own:?}");
    acts::approve(world.desk(), run.id, bea.id, None).await.expect("approved by another");
    assert_eq!(read!(store, |db| issue_approvals::of_issue(db, issue)).len(), 1);
    world.at("2027-03-04T08:00:00Z");
    world.tick().await;
    assert_eq!(world.last_run(&rule).await.state, RunState::Scheduled);
    // Unless stopped, and nobody with other eyes looked.
    world.publish(&["Drie", "Vier"]).await;
    world.at("2027-03-10T08:00:00Z");
    world.tick().await;
    world.at("2027-03-11T08:00:00Z");
    world.tick().await;
    assert_eq!(world.last_run(&rule).await.reason, RunReason::NotApproved);
});

both_dbs!(what_was_sent_by_hand_is_in_no_digest_and_a_hand_may_send_one, |store| {
    let world = World::new(&store).await;
    let rule = world.rule(&rule_input()).await;
    let all = world.publish(&["Een", "Twee", "Drie", "Vier", "Vijf"]).await;
    let by_hand = issue_of(&store, &world.clock, world.newsletter, &[&all[0], &all[1]]).await;
    schedule(&store, &world.clock, PUBLIC_URL, by_hand.id, When::Now).await.expect("scheduled");
    world.at("2027-03-03T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!(world.articles(&run).await, [all[2].id, all[3].id, all[4].id]);
    // Somebody does not wait. To skip it is too late then.
    let issue = run.issue_id.expect("an issue");
    schedule(&store, &world.clock, PUBLIC_URL, issue, When::Now).await.expect("scheduled");
    assert!(matches!(acts::skip(&store, &world.clock, run.id, None).await, Err(ActError::Over)));
    assert_eq!(world.last_run(&rule).await.state, RunState::Scheduled);
    assert_eq!(read!(store, |db| mailings::list(db, None, 0)).len(), 2);
});

both_dbs!(an_issue_that_is_taken_over_is_the_editors_and_nothing_is_sent_by_itself, |store| {
    let world = World::new(&store).await;
    let rule = world.rule(&rule_input()).await;
    world.publish(&["Een", "Twee"]).await;
    world.at("2027-03-03T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    let issue = acts::to_desk(&store, &world.clock, run.id, None).await.expect("taken over");
    assert_eq!(Some(issue), run.issue_id);
    world.at("2027-03-04T08:00:00Z");
    world.tick().await;
    assert!(read!(store, |db| mailings::list(db, None, 0)).is_empty());
    // Sent by hand, its articles are gone for the rule.
    schedule(&store, &world.clock, PUBLIC_URL, issue, When::Now).await.expect("scheduled");
    world.at("2027-03-10T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!((run.reason, run.found), (RunReason::TooFew, 0));
});

both_dbs!(a_rule_that_is_off_does_nothing_and_a_date_can_be_skipped_ahead, |store| {
    let world = World::new(&store).await;
    let rule = world.rule(&rule_input()).await;
    world.publish(&["Een", "Twee"]).await;
    let skipped = acts::skip_next(&store, &world.clock, rule.id, None).await.expect("skipped");
    assert_eq!(skipped.rfc3339(), "2027-03-04T08:00:00Z");
    let next = acts::skip_next(&store, &world.clock, rule.id, None).await.expect("skipped");
    assert_eq!(next.rfc3339(), "2027-03-11T08:00:00Z");
    world.at("2027-03-03T08:00:00Z");
    world.tick().await;
    assert!(world.runs(&rule).await.iter().all(|run| run.state == RunState::Skipped));
    world.at("2027-03-17T08:00:00Z");
    world.tick().await;
    assert_eq!(world.last_run(&rule).await.state, RunState::Proposed);
    rules::switch(&store, &world.clock, rule.id, false).await.expect("off");
    assert_eq!(world.last_run(&rule).await.reason, RunReason::RuleOff);
    world.at("2027-03-31T12:00:00Z");
    world.tick().await;
    assert_eq!(world.runs(&rule).await.len(), 3);
});

both_dbs!(a_date_is_skipped_once_however_often_somebody_presses_and_can_be_put_back, |store| {
    let world = World::new(&store).await;
    let rule = world.rule(&rule_input()).await;
    world.publish(&["Een", "Twee"]).await;
    let skip =
        async |period: &str| acts::skip_date(&store, &world.clock, rule.id, period, Some(world.an.id)).await;
    let unskip = async |period: &str| acts::unskip(&store, &world.clock, rule.id, period).await;
    for _ in 0..2 {
        skip("2027-03-04").await.expect("skipped");
    }
    assert_eq!(world.runs(&rule).await.len(), 1, "the same date");
    for _ in 0..2 {
        unskip("2027-03-04").await.expect("put back");
    }
    assert!(world.runs(&rule).await.is_empty());
    let noted = read!(store, |db| audit::list(db, &AuditFilter::default()));
    let noted: Vec<_> = noted.iter().map(|line| line.act.as_str()).collect();
    assert_eq!(noted[..2], ["digest_unskipped", "digest_skipped"], "{noted:?}");
    assert_eq!(noted.iter().filter(|act| act.ends_with("skipped")).count(), 2);
    world.at("2027-03-03T08:00:00Z");
    world.tick().await;
    assert_eq!(world.last_run(&rule).await.state, RunState::Proposed);
    // The page of before the proposal still skips that date; and what was proposed is not put back.
    skip("2027-03-04").await.expect("skipped");
    let run = world.last_run(&rule).await;
    assert_eq!((run.state, run.reason), (RunState::Skipped, RunReason::Stopped));
    assert!(matches!(unskip("2027-03-04").await, Err(ActError::Over)));
    // Nor is a date that is over.
    skip("2027-03-11").await.expect("skipped");
    world.at("2027-03-11T08:00:00Z");
    assert!(matches!(unskip("2027-03-11").await, Err(ActError::Over)));
    world.tick().await;
    assert_eq!(world.runs(&rule).await.len(), 2);
});

both_dbs!(what_nobody_was_there_to_send_is_missed_or_comes_with_the_same_time_to_look, |store| {
    let world = World::new(&store).await;
    let rule = world.rule(&rule_input()).await;
    world.publish(&["Een", "Twee"]).await;
    // Up again two hours after it was due.
    world.at("2027-03-04T10:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!((run.state, run.due_at.rfc3339().as_str()), (RunState::Proposed, "2027-03-05T10:00:00Z"));
    // Down for days when its moment comes.
    world.at("2027-03-08T10:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!((run.state, run.reason), (RunState::Skipped, RunReason::Late));
    world.at("2027-03-14T10:00:00Z");
    world.mails(OutboxKind::Alert).await;
    assert!(tick(world.desk()).await.expect("a tick"), "there is mail");
    let run = world.last_run(&rule).await;
    assert_eq!((run.period.as_str(), run.reason), ("2027-03-11", RunReason::Missed));
    world.tick().await;
    assert_eq!(world.mails(OutboxKind::Alert).await, 1, "somebody is told, once");
    world.at("2027-03-17T08:00:00Z");
    world.tick().await;
    assert_eq!(world.articles(&world.last_run(&rule).await).await.len(), 2, "they waited");
    // A clock that is set back makes nothing twice.
    world.clock.set(Timestamp::from_utc("2027-03-03T07:00:00Z".parse().expect("a moment")));
    world.tick().await;
    world.at("2027-03-03T09:00:00Z");
    world.tick().await;
    assert_eq!(world.runs(&rule).await.len(), 3);
});

both_dbs!(tags_language_and_day_choose_and_mistakes_are_told, |store| {
    let world = World::new(&store).await;
    let tagged = async |title: &str, tags: &str, language: &str| {
        let input = ArticleInput { tags: tags.into(), language: language.into(), ..input(title) };
        let article = articles::create(&store, &world.clock, &input).await.expect("stored");
        articles::set_status(&store, &world.clock, article.id, ArticleStatus::Published)
            .await
            .expect("published");
        article.id
    };
    let work = tagged("Werk", "Werk", "nl").await;
    tagged("Niets", "", "nl").await;
    tagged("Work", "werk", "en").await;
    let both = tagged("Geld", "geld, anders", "nl").await;
    let rule = world.rule(&RuleInput { tags: "werk, Geld".into(), ..rule_input() }).await;
    let found = read!(store, |db| digests::candidates(db, &rule, world.clock.now(), 10));
    assert_eq!(found.iter().map(|one| one.id).collect::<Vec<_>>(), [work, both]);
    let later = RuleInput { tags: String::new(), since: "2027-03-02".into(), ..rule_input() };
    let later = rules::save(&store, &world.clock, rule.id, rule.version, &later).await.expect("saved");
    assert!(read!(store, |db| digests::candidates(db, &later, world.clock.now(), 10)).is_empty());
    assert!(matches!(
        rules::save(&store, &world.clock, rule.id, rule.version, &rule_input()).await,
        Err(RuleError::Conflict)
    ));
    let wrong = RuleInput {
        name: String::new(),
        calendar: "daily".into(),
        fewest: "0".into(),
        most: "51".into(),
        subject: "{{maand}}".into(),
        intro: "{{name}}".into(),
        lead_hours: "145".into(),
        since: "gisteren".into(),
        policy: "x".into(),
        tags: "a\u{0}".into(),
        ..rule_input()
    };
    let Err(RuleError::Invalid(errors)) = rules::create(&store, &world.clock, world.newsletter, &wrong).await
    else {
        panic!("not invalid")
    };
    let fields: BTreeSet<_> = errors.iter().map(|error| error.field).collect();
    let expected =
        ["calendar", "fewest", "intro", "lead_hours", "most", "name", "policy", "since", "subject", "tags"];
    assert_eq!(fields.into_iter().collect::<Vec<_>>(), expected);
});

both_dbs!(the_audience_of_a_monthly_digest_is_exact, |store| {
    let world = World::new(&store).await;
    let monthly = RuleInput {
        audience: "monthly".into(),
        source: "mailed".into(),
        calendar: "monthly last 09:00".into(),
        fewest: "1".into(),
        ..rule_input()
    };
    let rule = world.rule(&monthly).await;
    let mut readers = Vec::new();
    for n in 3..7 {
        let one = confirmed(&store, world.newsletter, n).await;
        change!(store, |tx| subscriptions::set_pace(tx, one.id, Rhythm::Monthly, None, MONDAY));
        readers.push(one);
    }
    let all = world.publish(&["Een"]).await;
    world.clock.advance(HOUR);
    let by_hand = issue_of(&store, &world.clock, world.newsletter, &[&all[0]]).await;
    let sent = schedule(&store, &world.clock, PUBLIC_URL, by_hand.id, When::Now).await.expect("scheduled");
    let begun = change!(store, |tx| mailings::start(tx, sent.mailing.id, world.clock.now())).expect("begun");
    world.set_sent(&begun).await;
    world.at("2027-03-30T07:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!(run.state, RunState::Proposed);
    assert_eq!(world.articles(&run).await, [all[0].id]);
    // One pauses, one leaves, one wants each issue again; the last stays.
    let now = world.clock.now();
    change!(store, |tx| subscriptions::set_pace(
        tx,
        readers[0].id,
        Rhythm::Monthly,
        Some(now.plus(DAY * 9)),
        now
    ));
    change!(store, |tx| subscriptions::unsubscribe(tx, readers[1].id, now));
    change!(store, |tx| subscriptions::set_pace(tx, readers[2].id, Rhythm::Each, None, now));
    world.at("2027-03-31T07:00:00Z");
    world.tick().await;
    let mailing = world.last_run(&rule).await.mailing_id.expect("a mailing");
    let begun = change!(store, |tx| mailings::start(tx, mailing, world.clock.now())).expect("begun");
    assert_eq!((begun.rhythm, begun.account.audience), (Rhythm::Monthly, 1));
    let found = read!(store, |db| deliveries::candidates(db, &begun, 10));
    assert_eq!(found.iter().map(|one| one.subscription_id).collect::<Vec<_>>(), [readers[3].id]);
    let is_in = async |n: usize| {
        read!(store, |db| deliveries::recipient(db, mailing, readers[n].subscriber_id)).expect("there").1
    };
    assert!(is_in(3).await && !is_in(0).await && !is_in(1).await && !is_in(2).await);
    // While it goes out the rule cannot be switched off: whom would it reach?
    assert!(matches!(rules::switch(&store, &world.clock, rule.id, false).await, Err(RuleError::Busy)));
});

both_dbs!(without_a_monthly_digest_those_who_chose_it_get_each_issue, |store| {
    let world = World::new(&store).await;
    let monthly = RuleInput { audience: "monthly".into(), source: "mailed".into(), ..rule_input() };
    let rule = rules::create(&store, &world.clock, world.newsletter, &monthly).await.expect("a rule");
    let one = confirmed(&store, world.newsletter, 3).await;
    change!(store, |tx| subscriptions::set_pace(tx, one.id, Rhythm::Monthly, None, MONDAY));
    let since = async || {
        let one = read!(store, |db| subscriptions::by_id(db, one.id)).expect("there");
        (one.audience_since, one.monthly_since)
    };
    assert_eq!(since().await, (Some(MONDAY), None), "there is no digest yet");
    assert_eq!(rules::moved_by_switch(&store, &rule).await.expect("counted"), 1);
    world.clock.advance(HOUR);
    rules::switch(&store, &world.clock, rule.id, true).await.expect("on");
    assert_eq!(since().await, (None, Some(world.clock.now())));
    let second = rules::create(&store, &world.clock, world.newsletter, &monthly).await.expect("a rule");
    rules::switch(&store, &world.clock, second.id, true).await.expect("on");
    rules::switch(&store, &world.clock, rule.id, false).await.expect("off");
    assert_eq!(since().await, (None, Some(world.clock.now())), "there is another");
    world.clock.advance(HOUR);
    rules::switch(&store, &world.clock, second.id, false).await.expect("off");
    assert_eq!(since().await, (Some(world.clock.now()), None));
    let each = RuleInput { audience: "each".into(), ..rule_input() };
    rules::save(&store, &world.clock, second.id, second.version, &each).await.expect("saved");
    assert!(rules::delete(&store, second.id).await.is_ok());
});

both_dbs!(a_year_through_the_verbs_loses_no_article_and_sends_none_twice, |store| {
    let mut dice = Dice::new();
    let world = World::new(&store).await;
    let weekly = RuleInput {
        calendar: "weekly 7 02:30".into(),
        sort: "newest".into(),
        most: "3".into(),
        ..rule_input()
    };
    let rule = world.rule(&weekly).await;
    let zone = chrono_tz::Europe::Brussels;
    let end = MONDAY.plus(DAY * 366);
    let mut made: Vec<Article> = Vec::new();
    let mut mailed: BTreeMap<ArticleId, u32> = BTreeMap::new();
    for occasion in calendar::between(&rule.calendar.calendar, zone, MONDAY, end, 60) {
        world.clock.advance(occasion.at.minus(DAY).since(world.clock.now()));
        for _ in 0..dice.below(5) {
            let title = format!("Stuk {}", made.len());
            made.push(published(&store, &world.clock, &title).await);
        }
        if !made.is_empty() && dice.below(3) == 0 {
            // Somebody edits any of them.
            let at = usize::try_from(dice.below(made.len() as u64)).expect("small");
            let id = made[at].id;
            let now = read!(store, |db| postiljon::store::articles::by_id(db, id)).expect("there");
            let edited = ArticleInput { body: format!("Versie {}.", now.version + 1), ..input(&now.title) };
            articles::save(&store, &world.clock, id, now.version, &edited).await.expect("saved");
        }
        world.tick().await;
        let run = world.last_run(&rule).await;
        assert_eq!(run.period, occasion.period());
        let fate = dice.below(6);
        if run.state == RunState::Proposed && fate == 0 {
            acts::skip(&store, &world.clock, run.id, None).await.expect("skipped");
        }
        let broken = (run.state == RunState::Proposed && fate == 1)
            .then_some(run.issue_id.unwrap_or(postiljon::model::IssueId(0)));
        if let Some(issue) = broken {
            let ids = world.articles(&run).await;
            assert!(!ids.is_empty(), "{issue}");
            articles::set_status(&store, &world.clock, ids[0], ArticleStatus::Draft).await.expect("a draft");
        }
        world.clock.advance(occasion.at.since(world.clock.now()));
        world.tick().await;
        if broken.is_some() {
            let ids = world.articles(&run).await;
            assert_eq!(world.last_run(&rule).await.state, RunState::Failed);
            articles::set_status(&store, &world.clock, ids[0], ArticleStatus::Published)
                .await
                .expect("published");
            if dice.below(2) == 0 {
                acts::retry(world.desk(), run.id, None).await.expect("again");
                world.tick().await;
            }
        }
        let run = world.last_run(&rule).await;
        if run.state == RunState::Scheduled {
            if fate == 2 {
                let mailing = run.mailing_id.expect("a mailing");
                assert!(change!(store, |tx| samples::cancel(tx, mailing, world.clock.now())));
            } else {
                let articles = world.articles(&run).await;
                assert!(!articles.is_empty() && articles.len() <= 3, "never empty");
                for article in articles {
                    *mailed.entry(article).or_default() += 1;
                }
                world.mail(&run).await;
            }
        }
    }
    assert!(mailed.values().all(|times| *times == 1), "twice: {mailed:?}");
    assert!(mailed.len() > 20, "only {} were mailed", mailed.len());
    change!(store, |tx| digest_runs::follow_mailings(tx));
    let waiting = read!(store, |db| digests::candidates(db, &rule, world.clock.now(), 500));
    let waiting: BTreeSet<_> = waiting.into_iter().map(|one| one.id).collect();
    for article in &made {
        assert!(mailed.contains_key(&article.id) != waiting.contains(&article.id), "{} is lost", article.id);
    }
});

both_dbs!(a_segment_of_a_monthly_issue_is_of_those_who_want_one_mail_a_month, |store| {
    let world = World::new(&store).await;
    let monthly = RuleInput { audience: "monthly".into(), source: "mailed".into(), ..rule_input() };
    world.rule(&monthly).await;
    let (wants, other) =
        (confirmed(&store, world.newsletter, 3).await, confirmed(&store, world.newsletter, 4).await);
    change!(store, |tx| subscriptions::set_pace(tx, wants.id, Rhythm::Monthly, None, MONDAY));
    let is = postiljon::model::Condition::Language { is: true, language: wants.language };
    let filter = postiljon::model::Filter::all(vec![is]);
    let json = filter.to_json();
    let segment =
        change!(store, |tx| postiljon::store::segments::insert(tx, world.newsletter, "All", &json, MONDAY));
    let all = world.publish(&["Een"]).await;
    world.clock.advance(HOUR);
    let issue = issue_of(&store, &world.clock, world.newsletter, &[&all[0]]).await;
    change!(store, |tx| issues::set_rhythm(tx, issue.id, Rhythm::Monthly));
    let selection = postiljon::model::Selection {
        newsletter: Some(world.newsletter),
        filter,
        ..postiljon::model::Selection::default()
    };
    let count =
        async |rhythm| read!(store, |db| postiljon::store::people::count_audience(db, &selection, rhythm));
    assert_eq!(count(Rhythm::Monthly).await, 1);
    let scheduling = postiljon::publishing::schedule::Scheduling {
        segment: Some(segment.id),
        ..postiljon::publishing::schedule::Scheduling::from(When::Now)
    };
    let sent = schedule(&store, &world.clock, PUBLIC_URL, issue.id, scheduling).await.expect("scheduled");
    let begun = change!(store, |tx| mailings::start(tx, sent.mailing.id, world.clock.now())).expect("begun");
    assert_eq!((begun.rhythm, begun.account.audience), (Rhythm::Monthly, 1));
    let found = read!(store, |db| deliveries::candidates(db, &begun, 10));
    assert_eq!(found.iter().map(|one| one.subscription_id).collect::<Vec<_>>(), [wants.id]);
    let is_in = async |one: &postiljon::model::Subscription| {
        read!(store, |db| deliveries::recipient(db, begun.id, one.subscriber_id)).expect("there").1
    };
    assert!(is_in(&wants).await && !is_in(&other).await);
});

both_dbs!(what_somebody_scheduled_by_hand_is_no_digest_that_came_too_late, |store| {
    let world = World::new(&store).await;
    let rule = world.rule(&rule_input()).await;
    world.publish(&["Een", "Twee"]).await;
    world.at("2027-03-03T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    let issue = run.issue_id.expect("an issue");
    let sent = schedule(&store, &world.clock, PUBLIC_URL, issue, When::Now).await.expect("scheduled");
    // Nothing ran until long after the moment of the run.
    world.at("2027-03-08T10:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!((run.state, run.mailing_id), (RunState::Scheduled, Some(sent.mailing.id)));
    assert_eq!(read!(store, |db| mailings::list(db, None, 0)).len(), 1);
});

both_dbs!(what_is_mailed_by_hand_after_a_proposal_does_not_come_a_second_time, |store| {
    let world = World::new(&store).await;
    let rule = world.rule(&rule_input()).await;
    let all = world.publish(&["Een", "Twee"]).await;
    world.at("2027-03-03T08:00:00Z");
    world.tick().await;
    let by_hand = issue_of(&store, &world.clock, world.newsletter, &[&all[0]]).await;
    schedule(&store, &world.clock, PUBLIC_URL, by_hand.id, When::Now).await.expect("scheduled");
    world.at("2027-03-04T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!((run.state, run.reason, run.mailing_id), (RunState::Failed, RunReason::Blocked, None));
    // Again, it goes without that one.
    acts::retry(world.desk(), run.id, None).await.expect("again");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!(run.state, RunState::Scheduled);
    assert_eq!(world.articles(&run).await, [all[1].id]);
});

both_dbs!(what_some_readers_got_by_hand_still_comes_for_the_others_and_the_proposal_says_so, |store| {
    let world = World::new(&store).await;
    let rule = world.rule(&rule_input()).await;
    let all = world.publish(&["Een", "Twee", "Drie"]).await;
    let is = postiljon::model::Condition::Language { is: true, language: Language::Dutch };
    let json = postiljon::model::Filter::all(vec![is]).to_json();
    let some =
        change!(store, |tx| postiljon::store::segments::insert(tx, world.newsletter, "Some", &json, MONDAY));
    let to_some = async |article: &Article| {
        let issue = issue_of(&store, &world.clock, world.newsletter, &[article]).await;
        let scheduling = postiljon::publishing::schedule::Scheduling {
            segment: Some(some.id),
            ..postiljon::publishing::schedule::Scheduling::from(When::Now)
        };
        schedule(&store, &world.clock, PUBLIC_URL, issue.id, scheduling).await.expect("scheduled");
        issue
    };
    let issue = to_some(&all[0]).await;
    assert_eq!(world.waiting(&rule).await.len(), 3, "nobody is to miss it");
    world.at("2027-03-03T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    let made = run.issue_id.expect("an issue");
    assert_eq!(world.articles(&run).await.len(), 3);
    let had = read!(store, |db| digests::had_by_some(db, &rule, made, 10));
    assert_eq!(had, [digests::HadBySome { title: "Een".into(), number: issue.number }]);
    let proposal = world.proposals().await.remove(0);
    for words in [&proposal.text, &proposal.html] {
        assert!(words.contains("‘Een’ al, uit nummer 1") && !words.contains("‘Twee’ al"), "{words}");
    }
    // After the proposal as well: the digest goes with it.
    to_some(&all[1]).await;
    world.at("2027-03-04T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!(run.state, RunState::Scheduled);
    assert_eq!(world.articles(&run).await.len(), 3);
});

both_dbs!(what_monthly_readers_got_by_hand_is_in_no_digest_of_theirs, |store| {
    let world = World::new(&store).await;
    let input = RuleInput {
        audience: "monthly".into(),
        source: "mailed".into(),
        calendar: "monthly last 09:00".into(),
        fewest: "1".into(),
        ..rule_input()
    };
    let rule = world.rule(&input).await;
    let all = world.publish(&["Een", "Twee"]).await;
    let each = issue_of(&store, &world.clock, world.newsletter, &[&all[0], &all[1]]).await;
    let sent = schedule(&store, &world.clock, PUBLIC_URL, each.id, When::Now).await.expect("scheduled");
    change!(store, |tx| mailings::start(tx, sent.mailing.id, world.clock.now())).expect("begun");
    let monthly = issue_of(&store, &world.clock, world.newsletter, &[&all[0]]).await;
    change!(store, |tx| issues::set_rhythm(tx, monthly.id, Rhythm::Monthly));
    schedule(&store, &world.clock, PUBLIC_URL, monthly.id, When::Now).await.expect("scheduled");
    world.at("2027-03-30T07:00:00Z");
    world.tick().await;
    assert_eq!(world.articles(&world.last_run(&rule).await).await, [all[1].id]);
});

both_dbs!(another_calendar_counts_from_when_it_is_set_and_a_late_proposal_leaves_time, |store| {
    let world = World::new(&store).await;
    let rule = world.rule(&rule_input()).await;
    world.publish(&["Een", "Twee"]).await;
    // Tuesday at noon: a calendar with a date of this morning has none to make good.
    world.clock.advance(DAY);
    let morning = RuleInput { calendar: "weekly 2 09:00".into(), ..rule_input() };
    let rule = rules::save(&store, &world.clock, rule.id, rule.version, &morning).await.expect("saved");
    world.tick().await;
    assert!(world.runs(&rule).await.is_empty(), "of a time when it was another's");
    // And one with a date in half an hour leaves whoever looks at it two hours.
    let soon = RuleInput { calendar: "weekly 2 12:30".into(), ..rule_input() };
    let rule = rules::save(&store, &world.clock, rule.id, rule.version, &soon).await.expect("saved");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!((run.state, run.due_at), (RunState::Proposed, MONDAY.plus(DAY + HOUR * 2)));
});

both_dbs!(an_article_and_its_translations_are_one_piece, |store| {
    let world = World::new(&store).await;
    let any = RuleInput { language: String::new(), fewest: "1".into(), ..rule_input() };
    let rule = world.rule(&any).await;
    let all = world.publish(&["Een", "Twee"]).await;
    world.translated(&all[0], Language::French).await;
    let english = ArticleInput { language: "en".into(), ..input("Three") };
    let three = articles::create(&store, &world.clock, &english).await.expect("stored");
    articles::set_status(&store, &world.clock, three.id, ArticleStatus::Published).await.expect("published");
    world.translated(&three, Language::French).await;
    let drie = world.translated(&three, Language::Dutch).await;
    // In the language of the newsletter, else as it was written.
    assert_eq!(world.waiting(&rule).await, [all[0].id, all[1].id, drie]);
    articles::set_status(&store, &world.clock, drie, ArticleStatus::Draft).await.expect("a draft");
    assert_eq!(world.waiting(&rule).await, [all[0].id, all[1].id, three.id]);
    world.at("2027-03-03T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!((run.found, world.articles(&run).await), (3, vec![all[0].id, all[1].id, three.id]));
    // What is translated later was in a digest all the same, and so was the one that was a draft.
    world.translated(&all[1], Language::German).await;
    articles::set_status(&store, &world.clock, drie, ArticleStatus::Published).await.expect("published");
    assert!(world.waiting(&rule).await.is_empty());
    // And whoever mails a translation by hand has mailed the piece.
    let four = world.publish(&["Vier"]).await;
    let quatre = world.translated(&four[0], Language::French).await;
    let quatre = read!(store, |db| postiljon::store::articles::by_id(db, quatre)).expect("there");
    let by_hand = issue_of(&store, &world.clock, world.newsletter, &[&quatre]).await;
    schedule(&store, &world.clock, PUBLIC_URL, by_hand.id, When::Now).await.expect("scheduled");
    assert!(world.waiting(&rule).await.is_empty());
});

both_dbs!(what_was_mailed_in_two_languages_comes_once_to_those_who_want_one_mail_a_month, |store| {
    let world = World::new(&store).await;
    let monthly = RuleInput {
        audience: "monthly".into(),
        source: "mailed".into(),
        language: String::new(),
        calendar: "monthly last 09:00".into(),
        fewest: "1".into(),
        ..rule_input()
    };
    let rule = world.rule(&monthly).await;
    let all = world.publish(&["Een"]).await;
    let un = world.translated(&all[0], Language::French).await;
    let each = issue_of(&store, &world.clock, world.newsletter, &[&all[0]]).await;
    let french = TranslationInput {
        subject: "Ce que nous avons lu".into(),
        preheader: "Trois histoires à lire avec un café, et ce que nous en avons appris.".into(),
        intro: "Bonjour {{name|à vous}},".into(),
        ..TranslationInput::default()
    };
    translations::save(&store, &world.clock, each.id, Language::French, 0, &french).await.expect("saved");
    let sent = schedule(&store, &world.clock, PUBLIC_URL, each.id, When::Now).await.expect("scheduled");
    let begun = change!(store, |tx| mailings::start(tx, sent.mailing.id, world.clock.now())).expect("begun");
    world.set_sent(&begun).await;
    let mailed = read!(store, |db| postiljon::store::articles::appearances(db, un));
    assert_eq!(mailed.len(), 1, "the French one was mailed too");
    assert_eq!(world.waiting(&rule).await, [all[0].id]);
    world.at("2027-03-30T07:00:00Z");
    world.tick().await;
    assert_eq!(world.articles(&world.last_run(&rule).await).await, [all[0].id]);
    assert!(world.waiting(&rule).await.is_empty());
});

both_dbs!(a_digest_that_failed_is_approved_by_another_before_it_is_tried_again, |store| {
    let world = World::new(&store).await;
    let theme = postiljon::model::Theme::Letter;
    change!(store, |tx| newsletters::set_issues(tx, world.newsletter, theme, true));
    let bea = samples::user(&store, "bea@example.org").await;
    let rule = world.rule(&rule_input()).await;
    let all = world.publish(&["Een", "Twee"]).await;
    world.at("2027-03-03T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    acts::approve(world.desk(), run.id, bea.id, None).await.expect("approved");
    articles::set_status(&store, &world.clock, all[0].id, ArticleStatus::Draft).await.expect("a draft");
    world.at("2027-03-04T08:00:00Z");
    world.tick().await;
    assert_eq!(world.last_run(&rule).await.state, RunState::Failed);
    articles::set_status(&store, &world.clock, all[0].id, ArticleStatus::Published).await.expect("published");
    let edited = IssueInput {
        subject: "Van An".into(),
        articles: world.placed(&run).await,
        editor: Some(world.an.id),
        ..IssueInput::default()
    };
    let (issue, version) = (run.issue_id.expect("an issue"), run.issue_version.expect("one"));
    issue_verbs::save(&store, &world.clock, issue, version, &edited).await.expect("saved");
    // One of its articles was mailed by hand meanwhile: it is left out, whoever approves what.
    let by_hand = issue_of(&store, &world.clock, world.newsletter, &[&all[0]]).await;
    change!(store, |tx| newsletters::set_issues(tx, world.newsletter, theme, false));
    schedule(&store, &world.clock, PUBLIC_URL, by_hand.id, When::Now).await.expect("scheduled");
    change!(store, |tx| newsletters::set_issues(tx, world.newsletter, theme, true));
    let early = acts::retry(world.desk(), run.id, Some(world.an.id)).await;
    assert!(matches!(early, Err(ActError::NotApproved)), "{early:?}");
    let own = acts::approve(world.desk(), run.id, world.an.id, None).await;
    assert!(matches!(own, Err(ActError::Approve(ApproveError::Own))), "{own:?}");
    world.tick().await;
    assert_eq!(world.last_run(&rule).await.state, RunState::Failed, "the date is not lost");
    let approved = acts::approve(world.desk(), run.id, bea.id, None).await.expect("approved");
    assert_eq!(approved, Approved::CanRetry);
    world.tick().await;
    assert_eq!(world.last_run(&rule).await.state, RunState::Failed, "until somebody tries again");
    acts::retry(world.desk(), run.id, Some(world.an.id)).await.expect("again");
    world.tick().await;
    let run = world.last_run(&rule).await;
    assert_eq!((run.state, world.articles(&run).await), (RunState::Scheduled, vec![all[1].id]));
});

both_dbs!(a_digest_is_approved_as_it_was_shown_and_one_who_wrote_it_is_not_enough, |store| {
    let world = World::new(&store).await;
    let theme = postiljon::model::Theme::Letter;
    change!(store, |tx| newsletters::set_issues(tx, world.newsletter, theme, true));
    let bea = samples::user(&store, "bea@example.org").await;
    let rule = world.rule(&rule_input()).await;
    let all = world.publish(&["Een", "Twee"]).await;
    let write = async |article: &Article, by: &User, body: &str| {
        let text = ArticleInput { body: body.into(), ..input(&article.title) };
        let version =
            read!(store, |db| postiljon::store::articles::by_id(db, article.id)).expect("it").version;
        let kind = postiljon::model::VersionKind::Saved;
        articles::save_by(&store, &world.clock, Some(by.id), kind, article.id, version, &text)
            .await
            .expect("saved");
    };
    write(&all[0], &world.an, "Van An.").await;
    write(&all[1], &world.an, "Ook van An.").await;
    world.at("2027-03-03T08:00:00Z");
    world.tick().await;
    let run = world.last_run(&rule).await;
    let own = acts::approve(world.desk(), run.id, world.an.id, None).await;
    assert!(matches!(own, Err(ActError::Approve(ApproveError::OwnArticle))), "{own:?}");
    let issue = run.issue_id.expect("an issue");
    let composed = async || {
        let now = world.clock.now();
        read!(store, |db| postiljon::publishing::compose::compose(db, issue, now, PUBLIC_URL)).expect("it")
    };
    let shown = composed().await;
    assert!(!acts::is_edited(&run, &shown), "it is what the mail shows");
    // An article changes behind the mail and the page: no version of the issue does.
    write(&all[1], &bea, "Toch van Bea.").await;
    assert!(acts::is_edited(&run, &composed().await));
    let seen = content_of(&shown);
    let late = acts::approve(world.desk(), run.id, bea.id, Some(&seen)).await;
    assert!(matches!(late, Err(ActError::Approve(ApproveError::Changed))), "{late:?}");
    assert!(read!(store, |db| issue_approvals::of_issue(db, issue)).is_empty());
    // Each has written one of the two.
    let seen = content_of(&composed().await);
    let half = acts::approve(world.desk(), run.id, bea.id, Some(&seen)).await.expect("half of it");
    assert_eq!((half, world.last_run(&rule).await.state), (Approved::Half, RunState::Proposed));
    let whole = acts::approve(world.desk(), run.id, world.an.id, Some(&seen)).await.expect("approved");
    assert_eq!((whole, world.last_run(&rule).await.state), (Approved::Goes, RunState::Approved));
    world.at("2027-03-04T08:00:00Z");
    world.tick().await;
    assert_eq!(world.last_run(&rule).await.state, RunState::Scheduled);
});
