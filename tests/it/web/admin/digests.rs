//! Digests at the desk, by a link in a mail, in the calendar and to a reader; and sources.

use std::time::Duration;

use postiljon::accounts::users::{NewUser, add_user_as};
use postiljon::clock::Clock;
use postiljon::demo::browser::Browser;
use postiljon::keys::Purpose;
use postiljon::model::{
    ArticleId, DigestRule, DigestRun, Grant, Language, NewsletterId, OutboxKind, OutboxMail, Rhythm, Role,
    RunReason, RunState,
};
use postiljon::publishing::articles;
use postiljon::publishing::digest::acts;
use postiljon::publishing::digest::run::{Desk, tick};
use postiljon::store::{Store, digest_runs, digests, outbox, outbox_contents, subscriptions, workers};

use super::{PASSWORD, get, post, signed_in};
use crate::publishing::{input, published};
use crate::support::app::TestApp;
use crate::support::database::{both_dbs, change, everything, execute, read};
use crate::support::samples::{confirmed, newsletter};

const BASE: &str = "/admin/newsletters/1/digests";
const HOUR: Duration = Duration::from_secs(3600);

/// Tuesday 2026-11-24, 10:00 in Brussels, is when the tests' clocks start.
const FIELDS: [(&str, &str); 16] = [
    ("name", "Weekoverzicht"),
    ("audience", "each"),
    ("source", "mailed"),
    ("policy", "unless_stopped"),
    ("language", "nl"),
    ("tags", ""),
    ("sort", "pinned"),
    ("fewest", "1"),
    ("most", "2"),
    ("display", "full"),
    ("subject", "Week {{number}}: {{title}}"),
    ("intro", ""),
    ("lead_hours", "24"),
    ("since", "2026-11-01"),
    ("repeat", "weekly"),
    ("time", "09:00"),
];

struct Site {
    store: Store,
    app: TestApp,
    browser: Browser,
}

impl Site {
    async fn start(store: &Store) -> Self {
        let app = TestApp::start(store).await;
        let browser = signed_in(&app).await;
        newsletter(store, "insights").await;
        Self { store: store.clone(), app, browser }
    }

    /// A rule for Thursdays, made at the desk and switched on.
    async fn rule(&self, changed: &[(&str, &str)]) -> DigestRule {
        let keep = |name: &str| changed.iter().all(|(other, _)| *other != name);
        let mut fields: Vec<_> = FIELDS.into_iter().filter(|(name, _)| keep(name)).collect();
        fields.extend(changed.iter().copied());
        fields.push(("weekday", "4"));
        let made = post(&self.browser, BASE, &fields).await;
        let rules = read!(self.store, |db| digests::of_newsletter(db, NewsletterId(1)));
        let rule = rules.last().cloned().expect("a rule");
        assert_eq!((made.status, made.location()), (303, format!("{BASE}/{}?done=saved", rule.id).as_str()));
        let on = post(&self.browser, &format!("{BASE}/{}/do", rule.id), &[("do", "on")]).await;
        assert_eq!(on.location(), format!("{BASE}?done=digest-on"), "{}", on.body);
        rule
    }

    async fn tick(&self) {
        let app = &self.app.app;
        let desk = Desk { store: &app.store, clock: &app.clock, keys: &app.keys, public_url: &self.app.url };
        tick(desk).await.expect("a tick");
    }

    async fn run(&self, rule: &DigestRule) -> DigestRun {
        read!(self.store, |db| digest_runs::of_rule(db, rule.id, 1)).remove(0)
    }

    async fn mails(&self) -> Vec<OutboxMail> {
        let now = self.app.clock.now();
        let worker = change!(self.store, |tx| workers::insert(tx, now));
        change!(self.store, |tx| outbox::claim(tx, worker, 100, now))
    }

    /// Where the links of the proposal lead.
    async fn link(&self) -> String {
        let mail =
            self.mails().await.into_iter().find(|mail| mail.kind == OutboxKind::Alert).expect("a mail");
        let content = read!(self.store, |db| outbox_contents::of_outbox(db, mail.id)).expect("words");
        let token = self.app.app.keys.derive_token(Purpose::Digest, &mail.nonce);
        for part in [&content.html, &content.text] {
            assert!(!part.contains(&token), "no usable token is stored");
            let place = format!("/digest/{}?do=skip", postiljon::mail::note::TOKEN);
            assert!(part.contains(&place) && part.contains("/admin/issues/1"), "{part}");
            assert!(part.contains("Alles wat telt"), "it is the issue itself: {part}");
        }
        assert!(content.subject.starts_with("Weekoverzicht, to look at: Week 1:"), "{}", content.subject);
        format!("/digest/{token}")
    }
}

both_dbs!(a_rule_is_made_watched_and_skipped_at_the_desk, |store| {
    let site = Site::start(&store).await;
    let (browser, app) = (&site.browser, &site.app);
    assert!(get(browser, BASE).await.body.contains("Issues that make themselves"));
    let wrong =
        post(browser, BASE, &[("name", ""), ("repeat", "weekly"), ("time", "x"), ("subject", "Kop {{x}}")])
            .await;
    assert_eq!(wrong.status, 422);
    for part in [
        "id=\"name-error\"",
        "id=\"calendar-error\"",
        "id=\"subject-error\"",
        "id=\"fewest-error\"",
        "Kop {{x}}",
    ] {
        assert!(wrong.body.contains(part), "{part}: {}", wrong.body);
    }
    let rule = site.rule(&[]).await;
    let one = published(&store, &app.clock, "Een").await;
    published(&store, &app.clock, "Twee").await;
    published(&store, &app.clock, "Alles wat telt").await;
    let page = get(browser, &format!("{BASE}/{}", rule.id)).await.body;
    assert!(page.contains("3 articles wait") && page.contains("Waits for a later one"), "{page}");
    let last = one.id.0 + 2;
    let pinned =
        post(browser, &format!("{BASE}/{}/do", rule.id), &[("do", "pin"), ("article", &last.to_string())])
            .await;
    assert_eq!(pinned.location(), format!("{BASE}/{}#next", rule.id));
    app.clock.advance(HOUR * 24);
    site.tick().await;
    let run = site.run(&rule).await;
    assert_eq!((run.state, run.period.as_str()), (RunState::Proposed, "2026-11-26"));
    let list = get(browser, BASE).await.body;
    assert!(list.contains("Week 1: Alles wat telt") && list.contains("To look at"), "{list}");
    for path in [
        "/admin/calendar",
        "/admin/newsletters/1/calendar",
        "/admin/calendar?month=2026-12",
        "/admin/calendar?month=x",
    ] {
        let body = get(browser, path).await.body;
        assert!(body.contains("Weekoverzicht"), "{path}: {body}");
    }
    // Skipped ahead in the calendar, and the one that is proposed.
    let at = format!("{BASE}/{}/do", rule.id);
    let ahead = post(browser, &at, &[("do", "skip-date"), ("period", "2026-12-10"), ("from", "all")]).await;
    assert_eq!(ahead.location(), "/admin/calendar?done=digest-skipped");
    let runs = format!("{BASE}/{}/runs/{}", rule.id, run.id);
    let skipped = post(browser, &runs, &[("do", "skip")]).await;
    assert_eq!(skipped.location(), format!("{BASE}?done=digest-skipped"));
    assert_eq!(site.run(&rule).await.period, "2026-12-10");
    let late = post(browser, &runs, &[("do", "approve")]).await;
    assert!(late.status == 409 && late.body.contains("That is over"), "{}", late.body);
    // Not of another newsletter, and not without the token of the form.
    newsletter(&store, "andere").await;
    assert_eq!(
        browser.get(&format!("/admin/newsletters/2/digests/{}", rule.id)).await.expect("one").status,
        404
    );
    let forged = browser.post(&at, &[("do", "off")]).await.expect("an answer");
    assert_eq!(forged.status, 403);
    let off = post(browser, &at, &[("do", "off")]).await;
    assert_eq!(off.location(), format!("{BASE}?done=digest-off"));
    let gone = post(browser, &at, &[("do", "delete")]).await;
    assert_eq!(gone.location(), format!("{BASE}?done=digest-deleted"));
    site.app.stop().await;
});

both_dbs!(the_button_skips_the_date_that_the_card_shows_and_what_is_skipped_ahead_can_be_put_back, |store| {
    let site = Site::start(&store).await;
    let browser = &site.browser;
    let rule = site.rule(&[]).await;
    published(&store, &site.app.clock, "Alles wat telt").await;
    let at = format!("{BASE}/{}/do", rule.id);
    let list = get(browser, BASE).await;
    let period = list.field("period").expect("the date of the card");
    assert_eq!(period, "2026-11-26");
    let press = async |wanted: &str, period: &str| {
        let answer = post(browser, &at, &[("do", wanted), ("period", period)]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer.location().to_owned()
    };
    for _ in 0..2 {
        assert_eq!(press("skip-date", &period).await, format!("{BASE}?done=digest-skipped"));
    }
    let runs = async || read!(store, |db| digest_runs::of_rule(db, rule.id, 100));
    assert_eq!(runs().await.len(), 1, "a second click is about the same date");
    let list = get(browser, BASE).await.body;
    assert!(
        list.contains("value=\"unskip\"") && list.contains("name=\"period\" value=\"2026-12-03\""),
        "{list}"
    );
    let calendar = get(browser, "/admin/newsletters/1/calendar").await.body;
    assert!(calendar.contains("value=\"unskip\" aria-label=\"Do not skip Weekoverzicht"), "{calendar}");
    for _ in 0..2 {
        assert_eq!(press("unskip", &period).await, format!("{BASE}?done=digest-unskipped"));
    }
    assert!(runs().await.is_empty());
    assert!(!get(browser, BASE).await.body.contains("value=\"unskip\""));
    // One waits for an answer, and nine behind it are skipped.
    site.app.clock.advance(HOUR * 24);
    site.tick().await;
    let proposed = site.run(&rule).await;
    for week in 1..=9 {
        let date =
            chrono::NaiveDate::from_ymd_opt(2026, 11, 26).expect("a date") + chrono::Days::new(week * 7);
        press("skip-date", &date.to_string()).await;
    }
    let list = get(browser, BASE).await.body;
    let run = format!("action=\"{BASE}/{}/runs/{}\"", rule.id, proposed.id);
    assert!(list.contains(&run) && list.contains("value=\"approve\""), "{list}");
    assert_eq!(list.matches("value=\"unskip\"").count(), 9);
    assert!(
        list.contains("name=\"period\" value=\"2027-02-04\""),
        "the first that nothing is decided about: {list}"
    );
    // What failed stays there too, however many dates come after it.
    execute(&store, "UPDATE digest_runs SET state = 'failed', reason = 'blocked' WHERE state = 'proposed'")
        .await;
    let list = get(browser, BASE).await.body;
    assert!(list.contains(&run) && list.contains("value=\"retry\""), "{list}");
    // And what was sent long ago is told by its subject alone.
    execute(&store, "UPDATE digest_runs SET state = 'sent', reason = '' WHERE state = 'failed'").await;
    site.app.clock.advance(HOUR * 24);
    let list = get(browser, BASE).await.body;
    assert!(list.contains("Week 1: Alles wat telt") && !list.contains("value=\"retry\""), "{list}");
    site.app.stop().await;
});

both_dbs!(the_calendar_offers_its_buttons_to_those_who_may_press_them, |store| {
    let site = Site::start(&store).await;
    let rule = site.rule(&[]).await;
    published(&store, &site.app.clock, "Alles wat telt").await;
    site.app.clock.advance(HOUR * 24);
    site.tick().await;
    let verbs = acts::skip_date(&store, &site.app.clock, rule.id, "2026-12-03", None).await;
    verbs.expect("skipped");
    let new = NewUser {
        address: "vera@example.org",
        name: "Vera",
        language: Language::English,
        password: PASSWORD,
    };
    let grants = [Grant::of_all(Role::Viewer)];
    add_user_as(&store, &site.app.clock, new, &grants).await.expect("added");
    let viewer = site.app.browser();
    let form = [("address", "vera@example.org"), ("password", PASSWORD)];
    assert_eq!(viewer.post("/admin/login", &form).await.expect("an answer").status, 303);
    for path in ["/admin/calendar", "/admin/calendar?month=2026-12", "/admin/newsletters/1/calendar", BASE] {
        let (hers, ours) = (get(&viewer, path).await.body, get(&site.browser, path).await.body);
        assert!(hers.contains("Weekoverzicht") && ours.contains("Weekoverzicht"), "{path}");
        assert!(ours.contains("name=\"do\""), "{path}: {ours}");
        assert!(!hers.contains("name=\"do\""), "{path}: {hers}");
    }
    site.app.stop().await;
});

both_dbs!(looking_at_a_link_of_a_proposal_changes_nothing_and_the_button_approves, |store| {
    let site = Site::start(&store).await;
    let rule = site.rule(&[("policy", "if_approved")]).await;
    confirmed(&store, rule.newsletter_id, 1).await;
    published(&store, &site.app.clock, "Alles wat telt").await;
    site.app.clock.advance(HOUR * 24);
    site.tick().await;
    let link = site.link().await;
    // Whoever opens links in mails has no session.
    let stranger = site.app.browser();
    let before = everything(&store).await;
    for path in [
        link.clone(),
        format!("{link}?do=approve"),
        format!("{link}?do=skip"),
        format!("{link}/approve"),
        format!("{link}/skip"),
    ] {
        for method in ["GET", "HEAD", "OPTIONS"] {
            stranger.send(method, &path, None).await.expect("an answer");
        }
    }
    assert_eq!(everything(&store).await, before);
    let page = stranger.get(&format!("{link}?do=approve")).await.expect("a page");
    assert!(
        page.status == 200 && page.body.contains("Alles wat telt") && page.body.contains("An’s"),
        "{}",
        page.body
    );
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert!(!page.body.contains("no longer what the mail showed"), "{}", page.body);
    // An article is changed behind the open page: that is not approved, and a page of now says so.
    let seen = page.field("seen").expect("what it shows");
    rewrite(&store, &site.app.clock, "Alles wat telt, en meer.").await;
    for seen in [seen.as_str(), ""] {
        let late = stranger.post(&format!("{link}/approve"), &[("seen", seen)]).await.expect("an answer");
        assert!(late.status == 409 && late.body.contains("Look at it again."), "{}", late.body);
    }
    assert_eq!(site.run(&rule).await.state, RunState::Proposed);
    let page = stranger.get(&link).await.expect("a page");
    assert!(page.body.contains("no longer what the mail showed"), "{}", page.body);
    let list = get(&site.browser, BASE).await;
    assert_eq!(list.field("seen"), page.field("seen"), "the desk has it too");
    let desk = format!("{BASE}/{}/runs/{}", rule.id, site.run(&rule).await.id);
    let late = post(&site.browser, &desk, &[("do", "approve"), ("seen", &seen)]).await;
    assert!(late.status == 409 && late.body.contains("Look at it again."), "{}", late.body);
    let seen = page.field("seen").expect("what it shows");
    for _ in 0..2 {
        let approved =
            stranger.post(&format!("{link}/approve"), &[("seen", &seen)]).await.expect("an answer");
        assert_eq!(
            (approved.status, approved.location()),
            (303, format!("{link}?done=approve").as_str()),
            "{}",
            approved.body
        );
    }
    let run = site.run(&rule).await;
    assert!(run.state == RunState::Approved && run.acted_by.is_some() && !run.approved_content.is_empty());
    assert!(stranger.get(&link).await.expect("a page").body.contains("It is approved, and goes out on"));
    site.app.clock.advance(HOUR * 24);
    site.tick().await;
    assert_eq!(site.run(&rule).await.state, RunState::Scheduled);
    // The run is over, and so is the link.
    let late = stranger.post(&format!("{link}/skip"), &[]).await.expect("an answer");
    assert!(late.status == 409 && late.body.contains("That is over"), "{}", late.body);
    assert_eq!(site.run(&rule).await.state, RunState::Scheduled);
    let unknown = stranger.get(&format!("/digest/{}", "a".repeat(52))).await.expect("an answer");
    assert_eq!(unknown.status, 404);
    assert!(
        unknown.body.contains("Look at the digest at the desk") && unknown.body.contains("href=\"/admin\"")
    );
    assert!(!unknown.body.contains("/manage") && !page.body.contains("/manage"), "that is for readers");
    execute(&store, "UPDATE users SET disabled_at = 1").await;
    assert_eq!(stranger.get(&link).await.expect("an answer").status, 404, "who works here no more");
    site.app.stop().await;
});

both_dbs!(a_date_that_is_near_is_announced_for_when_it_goes_and_is_not_dropped_without_a_word, |store| {
    let site = Site::start(&store).await;
    let browser = &site.browser;
    // Today at eleven, while it is ten: there are two hours to look all the same.
    let rule = site.rule(&[("weekday", "2"), ("time", "11:00")]).await;
    published(&store, &site.app.clock, "Alles wat telt").await;
    let list = get(browser, BASE).await.body;
    assert!(list.contains("Next: 24 November 2026 at 12:00."), "{list}");
    let month = get(browser, "/admin/newsletters/1/calendar").await.body;
    assert!(month.contains("12:00"), "{month}");
    let page = format!("{BASE}/{}", rule.id);
    let (dropped, nothing) = ("The proposal that is open will not go out.", "Nothing is sent until it is");
    for path in [BASE, &page] {
        let body = get(browser, path).await.body;
        assert!(body.contains("value=\"off\"") && !body.contains(dropped), "{path}: {body}");
    }
    site.tick().await;
    assert_eq!(site.run(&rule).await.due_at.rfc3339(), "2026-11-24T11:00:00Z");
    for path in [BASE, &page] {
        let body = get(browser, path).await.body;
        assert!(body.contains(dropped) && body.matches("value=\"off\"").count() == 1, "{path}: {body}");
    }
    let off = post(browser, &format!("{page}/do"), &[("do", "off")]).await;
    assert_eq!(off.location(), format!("{BASE}?done=digest-off"));
    assert_eq!(site.run(&rule).await.reason, RunReason::RuleOff);
    let body = get(browser, &page).await.body;
    assert!(body.contains(nothing) && body.contains("value=\"on\""), "{body}");
    site.app.stop().await;
});

/// Changes the only article.
async fn rewrite(store: &Store, clock: &Clock, body: &str) {
    let article = read!(store, |db| postiljon::store::articles::by_id(db, ArticleId(1))).expect("an article");
    let text = articles::ArticleInput { body: body.into(), ..input(&article.title) };
    articles::save(store, clock, article.id, article.version, &text).await.expect("saved");
}

both_dbs!(the_button_of_a_mail_skips_and_the_desk_says_by_whom, |store| {
    let site = Site::start(&store).await;
    let rule = site.rule(&[]).await;
    published(&store, &site.app.clock, "Alles wat telt").await;
    site.app.clock.advance(HOUR * 24);
    site.tick().await;
    let link = site.link().await;
    let skipped = site.app.browser().post(&format!("{link}/skip"), &[]).await.expect("an answer");
    assert_eq!(skipped.location(), format!("{link}?done=skip"));
    assert_eq!(site.run(&rule).await.reason, RunReason::Stopped);
    let list = get(&site.browser, BASE).await.body;
    assert!(list.contains("Somebody skipped it.") && list.contains("By An."), "{list}");
    let said = site.app.browser().get(&format!("{link}?done=skip")).await.expect("a page").body;
    assert!(said.contains("Its articles wait for the next digest"), "{said}");
    site.app.stop().await;
});

both_dbs!(readers_choose_one_mail_a_month_where_there_is_one, |store| {
    let site = Site::start(&store).await;
    let reader = confirmed(&store, NewsletterId(1), 1).await;
    let keys = &site.app.app.keys;
    let preferences = format!("/preferences/{}", keys.sign_link(Purpose::Preferences, reader.id));
    let leaving = format!("/unsubscribe/{}?lang=en", keys.sign_link(Purpose::Unsubscribe, reader.id));
    let visitor = site.app.browser();
    let shown = async |path: &str| visitor.get(path).await.expect("a page").body;
    assert!(!shown(&preferences).await.contains("name=\"rhythm\""), "not before there is one");
    assert!(!shown(&leaving).await.contains("One mail a month instead"));
    let rule = site.rule(&[("audience", "monthly"), ("repeat", "month_end")]).await;
    assert!(shown(&preferences).await.contains("name=\"rhythm\""));
    assert!(shown(&leaving).await.contains("One mail a month instead"));
    let chosen =
        visitor.post(&format!("{preferences}/rhythm"), &[("rhythm", "monthly")]).await.expect("an answer");
    assert_eq!(chosen.location(), format!("{preferences}?saved=rhythm"));
    let now = read!(store, |db| subscriptions::by_id(db, reader.id)).expect("there");
    assert!(now.rhythm == Rhythm::Monthly && now.audience_since.is_none() && now.monthly_since.is_some());
    let list = get(&site.browser, BASE).await.body;
    assert!(list.contains("One reader chose one mail a month"), "{list}");
    post(&site.browser, &format!("{BASE}/{}/do", rule.id), &[("do", "off")]).await;
    let now = read!(store, |db| subscriptions::by_id(db, reader.id)).expect("there");
    assert!(now.rhythm == Rhythm::Monthly && now.audience_since.is_some() && now.monthly_since.is_none());
    assert!(shown(&format!("{preferences}?lang=en")).await.contains("There is none at the moment"));
    site.app.stop().await;
});

both_dbs!(sources_are_added_asked_and_removed_at_the_desk, |store| {
    const LIST: &str = "/admin/settings/sources";
    let site = Site::start(&store).await;
    let browser = &site.browser;
    assert!(get(browser, LIST).await.body.contains("There are no sources yet."));
    get(browser, &format!("{LIST}/new")).await;
    let wrong = post(
        browser,
        LIST,
        &[("url", "blog.example"), ("intake", "draft"), ("language", "nl"), ("interval_minutes", "1")],
    )
    .await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.body.contains("id=\"url-error\"") && wrong.body.contains("id=\"interval_minutes-error\""),
        "{}",
        wrong.body
    );
    // Our own archive is a feed too; it has none, so this one says 404.
    let url = format!("{}/n/none/feed.rss", site.app.url);
    let fields = [
        ("url", url.as_str()),
        ("intake", "draft"),
        ("language", "nl"),
        ("interval_minutes", "60"),
        ("is_on", "yes"),
    ];
    let added = post(browser, LIST, &fields).await;
    assert_eq!(added.location(), format!("{LIST}?done=source-added"), "{}", added.body);
    let asked = post(browser, &format!("{LIST}/1/fetch"), &[]).await;
    assert_eq!(asked.location(), LIST);
    let list = get(browser, LIST).await.body;
    assert!(list.contains("Its server answered with error 404.") && list.contains("next time"), "{list}");
    let version = get(browser, &format!("{LIST}/1")).await.field("version").expect("a version");
    let changed: Vec<_> =
        fields.into_iter().chain([("version", version.as_str()), ("name", "De blog")]).collect();
    let saved = post(browser, &format!("{LIST}/1"), &changed).await;
    assert_eq!(saved.location(), format!("{LIST}?done=saved"), "{}", saved.body);
    assert_eq!(post(browser, &format!("{LIST}/1"), &changed).await.status, 409, "somebody else was first");
    let removed = post(browser, &format!("{LIST}/1/remove"), &[]).await;
    assert_eq!(removed.location(), format!("{LIST}?done=source-removed"));
    site.app.stop().await;
});
