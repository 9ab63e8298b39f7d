//! Who may open what: every route, for every role, with an object of one's own newsletter, of another and with none
//! (S11, and Ghost's CVE-2026-22595).

use std::collections::BTreeSet;
use std::path::Path;

use postiljon::accounts::users::{NewUser, add_user_as};
use postiljon::demo::browser::{Answer, Browser};
use postiljon::model::{
    Actor, ApiKey, ArticleDisplay, BulkActKind, ByKey, Calendar, Condition, DigestOrder, DigestPolicy,
    DigestSource, Filter, Grant, Language, NewsletterId, Permission, Rhythm, Role, Scope, SubscriptionId,
};
use postiljon::publishing::schedule::{When, schedule};
use postiljon::store::bulk_acts::NewAct;
use postiljon::store::digests::RuleText;
use postiljon::store::{Store, bulk_acts, digests, imports, segments, subscribers, welcome};
use postiljon::web::access::{Need, Of, ROUTES, Route};
use postiljon::web::api::v1::access::ROUTES as API_ROUTES;

use super::admin::PASSWORD;
use super::api::v1::{Program, key};
use crate::publishing::{PUBLIC_URL, published};
use crate::support::app::TestApp;
use crate::support::database::{both_dbs, change, everything, read};
use crate::support::forms::{fields, form};
use crate::support::samples::{self, NOW, confirmed, issue, scheduled};

const DENIED: &str = "You may not do this here";
/// Of a form without the session's token: the guard has let it through, and nothing is done.
const NO_TOKEN: &str = "did not come from here";

/// The objects of a newsletter, as they stand in URLs.
struct Objects {
    newsletter: String,
    slug: String,
    issue: String,
    mailing: String,
    reader: String,
    form: String,
    field: String,
    topic: String,
    step: String,
    segment: String,
    import: String,
    act: String,
    subscription: String,
    rule: String,
}

async fn objects(store: &Store, slug: &str, reader: usize) -> (NewsletterId, Objects) {
    let letter = samples::newsletter(store, slug).await;
    let clock = postiljon::clock::Clock::test(NOW);
    let asked = fields(store, &clock, letter.id).await;
    let form = form(store, &clock, letter.id, &asked).await;
    let subscription = confirmed(store, letter.id, reader).await;
    let person = read!(store, |db| subscribers::by_id(db, subscription.subscriber_id)).expect("there");
    let mailing = scheduled(store, letter.id).await;
    let draft = issue(store, letter.id).await;
    let topic = change!(store, |tx| postiljon::store::topics::insert(tx, letter.id, "geld", NOW));
    let step = change!(store, |tx| welcome::insert_step(tx, letter.id, 3, NOW));
    let filter = Filter::all(vec![Condition::Language { is: true, language: Language::French }]).to_json();
    let segment = change!(store, |tx| segments::insert(tx, letter.id, "All", &filter, NOW));
    let import = change!(store, |tx| imports::insert(tx, letter.id, "readers.csv", None, NOW));
    let new = NewAct {
        kind: BulkActKind::Unsubscribe,
        newsletter_id: letter.id,
        topic_id: None,
        selection: "{}",
        total: 0,
        end_id: SubscriptionId(0),
        user_id: None,
    };
    let act = change!(store, |tx| bulk_acts::insert(tx, new, NOW));
    let rule = change!(store, |tx| digests::insert(tx, letter.id, &rule_text(), NOW));
    let objects = Objects {
        newsletter: letter.id.to_string(),
        slug: slug.to_owned(),
        issue: draft.id.to_string(),
        mailing: mailing.id.to_string(),
        reader: person.public_id.to_string(),
        form: form.id.to_string(),
        field: asked[0].id.to_string(),
        topic: topic.id.to_string(),
        step: step.id.to_string(),
        segment: segment.id.to_string(),
        import: import.public_id.to_string(),
        act: act.public_id.to_string(),
        subscription: subscription.id.to_string(),
        rule: rule.id.to_string(),
    };
    (letter.id, objects)
}

fn rule_text() -> RuleText {
    RuleText {
        name: "Elke week".into(),
        audience: Rhythm::Each,
        source: DigestSource::Published,
        policy: DigestPolicy::IfApproved,
        language: None,
        tags: String::new(),
        sort: DigestOrder::Oldest,
        fewest: 1,
        most: 5,
        display: ArticleDisplay::Teaser,
        subject: "{{title}}".into(),
        intro: String::new(),
        calendar: "weekly 4 09:00".parse::<Calendar>().expect("a calendar").into(),
        lead_hours: 24,
        since: NOW,
    }
}

impl Objects {
    /// Those that there are not.
    fn none() -> Self {
        let none = || "987654".to_owned();
        Self {
            newsletter: none(),
            slug: "nothing".into(),
            issue: none(),
            mailing: none(),
            reader: "00000000-0000-0000-0000-000000000000".into(),
            form: none(),
            field: none(),
            topic: none(),
            step: none(),
            segment: none(),
            import: "00000000-0000-0000-0000-000000000000".into(),
            act: "00000000-0000-0000-0000-000000000000".into(),
            subscription: none(),
            rule: none(),
        }
    }

    /// The address of a route with these objects.
    fn path(&self, route: &Route) -> String {
        let id = match route.need {
            Need::MayWith(_, Of::Newsletter) => &self.newsletter,
            Need::MayWith(_, Of::Issue) => &self.issue,
            Need::MayWith(_, Of::Mailing) => &self.mailing,
            Need::MayWith(_, Of::Reader) => &self.reader,
            Need::MayWith(_, Of::Segment) => &self.segment,
            Need::MayWith(_, Of::Import) => &self.import,
            Need::MayWith(_, Of::BulkAct) => &self.act,
            _ => "1",
        };
        let mut path = route.pattern.replace("{id}", id);
        for (name, value) in [
            ("{newsletter}", self.slug.as_str()),
            ("{form}", &self.form),
            ("{field}", &self.field),
            ("{topic}", &self.topic),
            ("{step}", &self.step),
            ("{subscription}", &self.subscription),
            ("{rule}", &self.rule),
            ("{run}", "1"),
            ("{act}", "cancel"),
            ("{table}", "links"),
            ("{language}", "fr"),
            ("{number}", "1"),
            ("{group}", "1"),
            ("{move}", "pause"),
            ("{session}", "0"),
            ("{token}", "x"),
            ("{domain}", "example.org"),
            ("{key}", "1"),
        ] {
            path = path.replace(name, value);
        }
        assert!(!path.contains('{'), "{path}: say in this test what stands there");
        path
    }
}

async fn person(app: &TestApp, name: &str, grants: &[Grant]) -> Browser {
    let address = format!("{name}@example.org");
    let new = NewUser { address: &address, name, language: Language::English, password: PASSWORD };
    add_user_as(&app.app.store, &app.clock, new, grants).await.expect("added");
    let browser = app.browser();
    let form = [("address", address.as_str()), ("password", PASSWORD)];
    assert_eq!(browser.post("/admin/login", &form).await.expect("an answer").status, 303);
    browser
}

/// Posts come without a token: what is let through does nothing.
async fn ask(browser: &Browser, method: &str, path: &str) -> Answer {
    let answer = match method {
        "GET" => browser.get(path).await,
        _ => browser.post(path, &[("x", "y")]).await,
    };
    answer.expect("an answer")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Through,
    Denied,
    Hidden,
    SignIn,
}

fn verdict(answer: &Answer) -> Verdict {
    match answer.status {
        403 if answer.body.contains(DENIED) => Verdict::Denied,
        403 => {
            assert!(answer.body.contains(NO_TOKEN) || answer.body.is_empty(), "{}", answer.body);
            Verdict::Through
        }
        404 => Verdict::Hidden,
        303 if answer.location() == "/admin/login" => Verdict::SignIn,
        _ => Verdict::Through,
    }
}

/// What the table of roles says.
fn expected(route: &Route, actor: &Actor, newsletter: Option<NewsletterId>) -> Verdict {
    match route.need {
        Need::Nothing | Need::Session => Verdict::Through,
        Need::May(permission) if actor.may_somewhere(permission) => Verdict::Through,
        Need::May(_) => Verdict::Denied,
        Need::MayWith(permission, of) => {
            let Some(newsletter) = newsletter else { return Verdict::Hidden };
            let sees = match of {
                Of::Reader => Permission::SeeSubscribers,
                _ => Permission::SeeNewsletter,
            };
            if actor.may(permission, Some(newsletter)) {
                Verdict::Through
            } else if actor.may(sees, Some(newsletter)) || (of == Of::Reader && !actor.may_somewhere(sees)) {
                Verdict::Denied
            } else {
                Verdict::Hidden
            }
        }
    }
}

/// Every row but the counters of attempts to sign in.
async fn unchanging(store: &Store) -> BTreeSet<String> {
    everything(store).await.into_iter().filter(|row| !row.starts_with("rate_limits")).collect()
}

/// Routes that end the session by which they are asked, or never end.
const NOT_WALKED: [&str; 1] = ["/admin/mailings/{id}/events"];

both_dbs!(every_route_is_open_to_whom_the_table_says_and_to_nobody_else, |store| {
    let app = TestApp::start(&store).await;
    let (mine, own) = objects(&store, "mine", 1).await;
    let (theirs, foreign) = objects(&store, "theirs", 2).await;
    person(&app, "first", &[Grant::of_all(Role::Owner)]).await;
    samples::article(&store, "piece").await;
    let mut people = Vec::new();
    for role in Role::ALL {
        for (kind, grant) in [("one", Grant::of_one(mine, *role)), ("all", Grant::of_all(*role))] {
            let browser = person(&app, &format!("{role}-{kind}"), &[grant]).await;
            people.push((
                format!("{role} of {kind}"),
                Actor::user(postiljon::model::UserId(0), "", vec![grant]),
                browser,
            ));
        }
    }
    people.push((
        "nothing".into(),
        Actor::user(postiljon::model::UserId(0), "", Vec::new()),
        person(&app, "none", &[]).await,
    ));
    let stranger = app.browser();
    let before = unchanging(&store).await;
    let none = Objects::none();
    let mut asked = 0;
    for route in ROUTES.iter().filter(|route| !NOT_WALKED.contains(&route.pattern)) {
        let is_public = route.need == Need::Nothing;
        for (newsletter, objects) in [(Some(mine), &own), (Some(theirs), &foreign), (None, &none)] {
            let path = objects.path(route);
            let answer = ask(&stranger, route.method, &path).await;
            assert!(
                is_public || verdict(&answer) == Verdict::SignIn,
                "a stranger, {} {path}: {} {}",
                route.method,
                answer.status,
                answer.body
            );
            if is_public {
                continue;
            }
            for (who, actor, browser) in &people {
                let answer = ask(browser, route.method, &path).await;
                let (found, expected) = (verdict(&answer), expected(route, actor, newsletter));
                // What is let through may still be no page: the first article has one version.
                let is_fine = found == expected || (expected == Verdict::Through && found == Verdict::Hidden);
                assert!(
                    is_fine,
                    "{who}, {} {path}: {found:?} for {expected:?}: {}",
                    route.method, answer.body
                );
                assert!(answer.status < 500, "{who}, {} {path}: {}", route.method, answer.body);
                if expected == Verdict::Through && newsletter == Some(mine) && route.method == "POST" {
                    assert_eq!(found, Verdict::Through, "{who}, {path}: {}", answer.body);
                }
                asked += 1;
            }
        }
    }
    assert!(asked > 2_000, "only {asked} were asked");
    let after = unchanging(&store).await;
    // To read somebody's data is noted, and changes nothing else.
    let is_note = |row: &&String| row.starts_with("audit:") && row.contains("subscribers_exported");
    let changed: Vec<_> = before.symmetric_difference(&after).filter(|row| !is_note(row)).collect();
    assert!(changed.is_empty(), "nothing may be changed by any of them: {changed:#?}");
    app.stop().await;
});

// A child that there is, in a container that is not its own: to whom may do everything, too.
both_dbs!(a_child_of_another_container_is_not_found_in_this_one, |store| {
    const CHILDREN: [&str; 7] =
        ["{form}", "{field}", "{topic}", "{step}", "{subscription}", "{rule}", "receipt/{newsletter}"];
    let app = TestApp::start(&store).await;
    let browser = crate::web::admin::signed_in(&app).await;
    let (_, own) = objects(&store, "mine", 1).await;
    let (_, foreign) = objects(&store, "theirs", 2).await;
    let mixed = Objects { newsletter: own.newsletter.clone(), reader: own.reader.clone(), ..foreign };
    let before = unchanging(&store).await;
    let mut asked = BTreeSet::new();
    for route in ROUTES {
        let Some(child) = CHILDREN.iter().find(|child| route.pattern.contains(**child)) else { continue };
        let path = mixed.path(route);
        let answer = match route.method {
            "GET" => browser.get(&path).await.expect("an answer"),
            _ => crate::web::admin::post(&browser, &path, &[("x", "y")]).await,
        };
        assert_eq!(answer.status, 404, "{} {path}: {}", route.method, answer.body);
        asked.insert(child);
    }
    assert_eq!(asked.len(), CHILDREN.len(), "each kind was asked: {asked:?}");
    let after = unchanging(&store).await;
    let changed: Vec<_> = before.symmetric_difference(&after).collect();
    assert!(changed.is_empty(), "nothing may be changed by any of them: {changed:#?}");
    app.stop().await;
});

// Objects that stand in a query or in a form, where the guard of paths does not see them: as what belongs to nobody.
both_dbs!(what_stands_in_a_query_or_a_form_is_guarded_like_what_stands_in_a_path, |store| {
    let app = TestApp::start(&store).await;
    let (mine, own) = objects(&store, "mine", 1).await;
    let (_, foreign) = objects(&store, "theirs", 2).await;
    samples::article(&store, "piece").await;
    let article = crate::publishing::published(&store, &app.clock, "Verhaal").await;
    let ready = crate::publishing::issue(&store, &app.clock, mine, &[&article]).await;
    let on = format!("/admin/issues/{}/schedule", ready.id);
    // The last step, which shows what is sent.
    let last = [("when", "later"), ("date", "2027-03-01"), ("time", "09:00")];
    let none = Objects::none();
    let before = everything(&store).await;
    for role in [Role::Owner, Role::Editor] {
        let browser = person(&app, &format!("{role}"), &[Grant::of_one(mine, role)]).await;
        let csrf = browser.get("/admin").await.expect("an answer").field("csrf").expect("a token");
        let get = async |path: String| browser.get(&path).await.expect("an answer");
        let post = async |path: String, fields: &[(&str, &str)]| {
            let fields: Vec<_> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
            browser.post(&path, &fields).await.expect("an answer")
        };
        for (theirs, expected) in [(&own, 200), (&foreign, 404), (&none, 404)] {
            let (letter, segment) = (theirs.newsletter.as_str(), theirs.segment.as_str());
            let lists = [
                format!("/admin/segments/new?newsletter={letter}"),
                format!("/admin/subscribers?newsletter={letter}"),
                format!("/admin/subscribers?newsletter={}&segment={segment}", own.newsletter),
            ];
            for path in lists {
                let page = get(path.clone()).await;
                assert_eq!(page.status, expected, "{role} {path}: {}", page.body);
                assert!(!page.body.contains("THEIRS"), "{role} {path}: {}", page.body);
            }
        }
        for theirs in [&foreign, &none] {
            let (letter, segment) = (theirs.newsletter.as_str(), theirs.segment.as_str());
            let refused = [
                post(format!("/admin/segments/new?newsletter={letter}"), &[("name", "Mine"), ("do", "save")])
                    .await,
                post(
                    "/admin/acts".to_owned(),
                    &[("query", &format!("newsletter={letter}")), ("act", "unsubscribe"), ("who", "all")],
                )
                .await,
                post(
                    "/admin/acts".to_owned(),
                    &[
                        ("query", &format!("newsletter={}&segment={segment}", own.newsletter)),
                        ("act", "unsubscribe"),
                        ("who", "all"),
                    ],
                )
                .await,
                post("/admin/issues".to_owned(), &[("newsletter", letter), ("subject", "Hello")]).await,
            ];
            for (at, answer) in refused.iter().enumerate() {
                assert!(matches!(answer.status, 404 | 422), "{role} {at}: {} {}", answer.status, answer.body);
                assert!(!answer.body.contains("THEIRS"), "{role} {at}: {}", answer.body);
            }
            // As a reader: of their own newsletter alone.
            let look = format!("/admin/issues/{}/preview", own.issue);
            let as_theirs = get(format!("{look}?view=text&as={}", theirs.reader)).await;
            assert_eq!(as_theirs.status, 200, "{}", as_theirs.body);
            assert!(!as_theirs.body.contains("reader2"), "{role}: {}", as_theirs.body);
            let mail = get(format!("/admin/issues/{}/mail?as={}", own.issue, theirs.reader)).await;
            assert!(mail.status == 200 && !mail.body.contains("reader2"), "{role}: {}", mail.body);
            let seen = get(format!("{on}?when=later&date=2027-03-01&time=09:00")).await.field("seen");
            let seen = seen.expect("the last step");
            let fields = last.into_iter().chain([("segment", segment), ("seen", seen.as_str())]);
            let scheduled = post(on.clone(), &fields.collect::<Vec<_>>()).await;
            assert!(
                matches!(scheduled.status, 400 | 404 | 409 | 422),
                "{role}: {} {}",
                scheduled.status,
                scheduled.body
            );
        }
        let look = format!("/admin/issues/{}/preview", own.issue);
        let answers = [
            post(look.clone(), &[("reader", "reader2@example.org")]).await,
            post(look.clone(), &[("reader", "nobody@example.org")]).await,
        ];
        let said = answers.map(|answer| (answer.status, answer.body.contains("Nobody has this address")));
        assert_eq!(said, [(422, true); 2], "nobody learns who reads other newsletters");
        let own_reader = post(look, &[("reader", "reader1@example.org")]).await;
        assert_eq!(own_reader.status, 303, "{}", own_reader.body);
    }
    let viewer = person(&app, "viewer", &[Grant::of_one(mine, Role::Viewer)]).await;
    let look = format!("/admin/issues/{}/preview", own.issue);
    let page = viewer.get(&format!("{look}?view=text&as={}", own.reader)).await.expect("an answer");
    assert!(page.status == 200 && !page.body.contains("reader1"), "{}", page.body);
    assert!(!page.body.contains("name=\"reader\""), "{}", page.body);
    let csrf = page.field("csrf").expect("a token");
    let asked =
        viewer.post(&look, &[("csrf", &csrf), ("reader", "reader1@example.org")]).await.expect("an answer");
    assert_eq!(verdict(&asked), Verdict::Denied, "{}", asked.body);
    let after = everything(&store).await;
    let tables = ["segments:", "bulk_acts:", "issues:", "mailings:", "imports:", "subscriptions:"];
    let of = |rows: &[String]| {
        let is_one = |row: &&String| tables.iter().any(|table| row.starts_with(table));
        rows.iter().filter(is_one).cloned().collect::<Vec<_>>()
    };
    assert_eq!(of(&before), of(&after), "nothing was made or changed");
    // With a segment of its own newsletter the same press is taken: what was refused was the segment.
    let owner = person(&app, "last", &[Grant::of_one(mine, Role::Owner)]).await;
    let page = owner.get(&format!("{on}?when=later&date=2027-03-01&time=09:00")).await.expect("an answer");
    let (csrf, seen) = (page.field("csrf").expect("a token"), page.field("seen").expect("the last step"));
    let mut fields = last.to_vec();
    fields.extend([("csrf", csrf.as_str()), ("segment", own.segment.as_str()), ("seen", seen.as_str())]);
    let scheduled = owner.post(&on, &fields).await.expect("an answer");
    assert_eq!(scheduled.status, 303, "{}", scheduled.body);
    app.stop().await;
});

both_dbs!(no_way_to_write_a_path_leads_past_the_guard, |store| {
    let app = TestApp::start(&store).await;
    let (mine, _) = objects(&store, "mine", 1).await;
    let (_, foreign) = objects(&store, "theirs", 2).await;
    let viewer = person(&app, "viewer", &[Grant::of_one(mine, Role::Viewer)]).await;
    let stranger = app.browser();
    let (newsletter, issue) = (foreign.newsletter.as_str(), foreign.issue.as_str());
    let targets = [
        "/admin/settings/relays".to_owned(),
        format!("/admin/newsletters/{newsletter}"),
        format!("/admin/issues/{issue}"),
        format!("/admin/subscribers/{}", foreign.reader),
        format!("/admin/newsletters/{newsletter}/forms"),
    ];
    for target in targets {
        let rest = target.strip_prefix("/admin").expect("of the desk");
        let (folder, last) = target.rsplit_once('/').expect("a path");
        let ways = [
            target.clone(),
            format!("{target}/"),
            format!("{target}//"),
            format!("/{target}"),
            format!("//admin/{rest}"),
            format!("/admin//{rest}"),
            format!("/admin/.{rest}"),
            format!("/admin/x/..{rest}"),
            format!("/Admin{rest}"),
            format!("/ADMIN{rest}"),
            format!("/%61dmin{rest}"),
            format!("/admin%2F{}", &rest[1..]),
            format!("/admin%2f{}", &rest[1..]),
            format!("{folder}%2F{last}"),
            format!("{folder}/%2B{last}"),
            format!("{folder}/+{last}"),
            format!("{folder}/0{last}"),
            format!("{folder}/%30{last}"),
            format!("{target}%20"),
            format!("{target};x=1"),
            format!("{target}?x=1"),
            format!("{target}.json"),
            format!("{target}%00"),
        ];
        for way in ways {
            for browser in [&viewer, &stranger] {
                let answer = browser.get(&way).await.expect("an answer");
                let led = answer.location();
                assert!(
                    matches!(answer.status, 400 | 403 | 404)
                        || (answer.status == 303 && led == "/admin/login"),
                    "{way}: {} {led} {}",
                    answer.status,
                    answer.body
                );
            }
        }
    }
    app.stop().await;
});

both_dbs!(a_list_shows_what_one_may_see_and_nothing_of_other_newsletters, |store| {
    let app = TestApp::start(&store).await;
    let (mine, _) = objects(&store, "mine", 1).await;
    let (_, foreign) = objects(&store, "theirs", 2).await;
    let editor = person(&app, "editor", &[Grant::of_one(mine, Role::Editor)]).await;
    let month = format!("/admin/calendar?month={}", NOW.to_utc().format("%Y-%m"));
    for path in ["/admin", "/admin/newsletters", "/admin/issues", "/admin/issues/new", &month] {
        let page = editor.get(path).await.expect("an answer").body;
        assert!(page.contains("MINE") && !page.contains("THEIRS"), "{path}: {page}");
    }
    let csrf = editor.get("/admin").await.expect("an answer").field("csrf").expect("a token");
    // No button that would be refused.
    let readers = editor.get(&format!("/admin/subscribers?newsletter={mine}")).await.expect("an answer").body;
    assert!(readers.contains("value=\"unsubscribe\""), "{readers}");
    for refused in ["/admin/imports", "export.csv", "value=\"erase\""] {
        assert!(!readers.contains(refused), "{refused}: {readers}");
    }
    let find = async |address: &str| {
        let form = [("csrf", csrf.as_str()), ("address", address)];
        editor.post("/admin/subscribers", &form).await.expect("an answer")
    };
    assert_eq!(find("reader1@example.org").await.status, 303);
    let (theirs, unknown) = (find("reader2@example.org").await, find("nobody@example.org").await);
    assert_eq!((theirs.status, unknown.status), (404, 404));
    assert_eq!(
        theirs.body.replace("reader2", "nobody"),
        unknown.body,
        "nobody learns who reads other newsletters"
    );
    // Of a reader of both, one sees one's own.
    let other = NewsletterId(foreign.newsletter.parse().expect("a number"));
    let subscription = confirmed(&store, other, 1).await;
    let told = postiljon::model::Consent {
        subscriber_id: subscription.subscriber_id,
        newsletter_id: other,
        event: postiljon::model::ConsentEvent::Confirmed,
        at: NOW,
        consent_text_id: None,
        language: Language::Dutch,
        source: "mail".into(),
        page: "https://theirs.example/behind-the-story".into(),
        ip: "192.0.2.77".into(),
        user_agent: String::new(),
        message_id: None,
        form_id: None,
        form_version: None,
        referrer: String::new(),
        utm: String::new(),
        privacy_url: String::new(),
        privacy_version: String::new(),
    };
    change!(store, |tx| postiljon::store::consents::insert(tx, &told));
    let page = find("reader1@example.org").await.location().to_owned();
    let shown = editor.get(&page).await.expect("an answer").body;
    assert!(shown.contains("MINE") && !shown.contains("THEIRS"), "{shown}");
    assert!(!shown.contains("behind-the-story") && !shown.contains("192.0.2.77"), "nor its story: {shown}");
    let owner = person(&app, "owner", &[Grant::of_all(Role::Owner)]).await;
    let all = owner.get(&page).await.expect("an answer").body;
    assert!(all.contains("THEIRS") && all.contains("behind-the-story"), "who may sees it: {all}");
    for button in ["/erase\"", "/data.json\""] {
        assert!(all.contains(button) && !shown.contains(button), "no button that is refused: {shown}");
    }
    assert_eq!(editor.get(&format!("{page}/receipt/mine")).await.expect("an answer").status, 200);
    assert_eq!(editor.get(&format!("{page}/receipt/theirs")).await.expect("an answer").status, 404);
    app.stop().await;
});

both_dbs!(a_method_that_a_route_does_not_have_is_told_so, |store| {
    let app = TestApp::start(&store).await;
    let owner = person(&app, "owner", &[Grant::of_all(Role::Owner)]).await;
    let answer = owner.get("/admin/logout").await.expect("an answer");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{}", answer.body);
    let answer = owner.send("DELETE", "/admin/articles", None).await.expect("an answer");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, POST")), "{}", answer.body);
    app.stop().await;
});

both_dbs!(every_route_of_the_api_is_open_to_whose_key_may_and_to_nobody_else, |store| {
    let app = TestApp::start(&store).await;
    let (mine, own) = objects(&store, "mine", 1).await;
    let (theirs, foreign) = objects(&store, "theirs", 2).await;
    samples::article(&store, "piece").await;
    let given: [&[Permission]; 6] = [
        &[],
        &[Permission::SeeNewsletter],
        &[Permission::SeeArticles],
        &[Permission::WriteArticles],
        &[Permission::SeeArticles, Permission::WriteArticles],
        &ApiKey::PERMISSIONS,
    ];
    let mut keys = Vec::new();
    for role in Role::ALL {
        for (kind, grant) in [("one", Grant::of_one(mine, *role)), ("all", Grant::of_all(*role))] {
            let user = samples::user(&store, &format!("{role}-{kind}@example.org")).await;
            change!(store, |tx| postiljon::store::grants::set(tx, user.id, &[grant]));
            for permissions in given {
                let by = ByKey { name: "Blog".into(), permissions: permissions.to_vec() };
                let actor = Actor::by_key(user.id, "", vec![grant], by);
                let program = Program::with(&app, &key(&store, &user, permissions).await);
                keys.push((format!("{role} of {kind} with {permissions:?}"), actor, program));
            }
        }
    }
    let session = person(&app, "owner", &[Grant::of_all(Role::Owner)]).await;
    let none = Objects::none();
    let before = unchanging(&store).await;
    let mut asked = 0;
    for route in API_ROUTES {
        assert!(!matches!(route.need, Need::Nothing | Need::Session), "{}: a key may what?", route.pattern);
        for (newsletter, objects) in [(Some(mine), &own), (Some(theirs), &foreign), (None, &none)] {
            let path = objects.path(route);
            // No JSON: what is let through does nothing.
            let body = (route.method != "GET").then(|| ("text/plain", b"x".to_vec()));
            let answer = session.send(route.method, &path, body.clone()).await.expect("an answer");
            assert_eq!(answer.status, 401, "a session, {} {path}: {}", route.method, answer.body);
            for (who, actor, program) in &keys {
                let answer = program.0.send(route.method, &path, body.clone()).await.expect("an answer");
                let permission = match route.need {
                    Need::May(permission) | Need::MayWith(permission, _) => permission,
                    Need::Nothing | Need::Session => panic!("{}", route.pattern),
                };
                let expected = match (route.need, newsletter) {
                    _ if !actor.may_somewhere(permission) => 403,
                    (Need::MayWith(..), None) => 404,
                    (Need::MayWith(..), Some(_)) if !actor.may(permission, newsletter) => 404,
                    _ if route.method == "GET" => 200,
                    _ => 415,
                };
                assert_eq!(answer.status, expected, "{who}, {} {path}: {}", route.method, answer.body);
                let is_json =
                    answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
                assert!(is_json, "{who}, {} {path}: {}", route.method, answer.body);
                asked += 1;
            }
        }
    }
    assert!(asked > 900, "only {asked} were asked");
    let without = |rows: BTreeSet<String>| -> BTreeSet<String> {
        rows.into_iter().filter(|row| !row.starts_with("api_keys")).collect()
    };
    let (before, after) = (without(before), without(unchanging(&store).await));
    let changed: Vec<_> = before.symmetric_difference(&after).collect();
    assert!(changed.is_empty(), "nothing may be changed by any of them: {changed:#?}");
    app.stop().await;
});

/// The routes under some paths that the sources have: method and pattern. They have these methods and no others.
fn routes_of_the_sources(roots: &[&str], methods: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut found = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap_or_default();
            let source: String = source.split_whitespace().collect();
            assert!(!source.contains("scope(\"/admin"), "{}: a scope hides its routes here", path.display());
            assert!(!source.contains(".route(\"/admin"), "{}: a resource, please", path.display());
            assert!(!source.contains("scope(\"/api"), "{}: a scope hides its routes here", path.display());
            assert!(!source.contains(".route(\"/api"), "{}: a resource, please", path.display());
            for rest in source.split("resource(\"").skip(1) {
                let (pattern, rest) = rest.split_once('"').expect("a pattern");
                if !roots.iter().any(|root| pattern.starts_with(root)) {
                    continue;
                }
                let body = rest.split(';').next().unwrap_or_default();
                for (call, method) in methods {
                    if body.contains(call) {
                        found.insert(((*method).to_owned(), pattern.to_owned()));
                    }
                }
                for call in [".put(", ".patch(", ".delete(", ".route(", ".to("] {
                    assert!(
                        !body.contains(call) || methods.iter().any(|(known, _)| *known == call),
                        "{pattern}: a route here has {methods:?}, not {call}..)"
                    );
                }
            }
        }
    }
    found
}

#[test]
fn every_route_has_a_line_in_the_table_and_every_line_a_route() {
    let sources = routes_of_the_sources(&["/admin", "/setup"], &[(".get(", "GET"), (".post(", "POST")]);
    let table: BTreeSet<(String, String)> =
        ROUTES.iter().map(|route| (route.method.to_owned(), route.pattern.to_owned())).collect();
    assert!(sources.len() > 80, "only {} routes were found", sources.len());
    assert_eq!(table.len(), ROUTES.len(), "a line stands twice in web::access::ROUTES");
    let missing: Vec<_> = sources.difference(&table).collect();
    assert!(
        missing.is_empty(),
        "these routes answer 403 to everybody: say in web::access::ROUTES who may open them, as \
         `get(\"/admin/..\", May(Permission::..))`: {missing:#?}"
    );
    let left: Vec<_> = table.difference(&sources).collect();
    assert!(left.is_empty(), "these lines of web::access::ROUTES have no route: {left:#?}");
    for route in ROUTES {
        let has_object = matches!(route.need, Need::MayWith(..));
        assert!(!has_object || route.pattern.contains("{id}"), "{}: which object?", route.pattern);
        if let Need::MayWith(permission, _) = route.need {
            assert_eq!(permission.scope(), Scope::Newsletter, "{}", route.pattern);
        }
        // What is under a newsletter is asked about with that newsletter.
        let is_of_one = route.pattern.starts_with("/admin/newsletters/{id}");
        assert!(!is_of_one || matches!(route.need, Need::MayWith(_, Of::Newsletter)), "{}", route.pattern);
    }
}

#[test]
fn every_route_of_the_api_has_a_line_in_its_table_and_its_place_in_the_docs() {
    let methods = [(".get(", "GET"), (".post(", "POST"), (".put(", "PUT")];
    let sources = routes_of_the_sources(&["/api/v1"], &methods);
    let table: BTreeSet<(String, String)> =
        API_ROUTES.iter().map(|route| (route.method.to_owned(), route.pattern.to_owned())).collect();
    assert_eq!(table.len(), API_ROUTES.len(), "a line stands twice in web::api::v1::access::ROUTES");
    assert_eq!(sources, table, "each route needs a line in web::api::v1::access::ROUTES");
    let docs = include_str!("../../../docs/api.md");
    for (method, pattern) in &table {
        assert!(docs.contains(&format!("\n## `{method} {pattern}`\n")), "docs/api.md: {method} {pattern}");
    }
    for permission in ApiKey::PERMISSIONS {
        assert!(docs.contains(&format!("| `{permission}` |")), "docs/api.md: {permission}");
    }
}

#[test]
fn the_table_of_the_docs_is_that_of_the_code() {
    let docs = include_str!("../../../docs/operating.md");
    for permission in Permission::ALL {
        let mark = |role: &Role| if role.may(*permission) { "yes" } else { "no" };
        let marks: Vec<&str> = Role::ALL.iter().map(mark).collect();
        let scope = match permission.scope() {
            Scope::Newsletter => "newsletter",
            Scope::Anywhere => "any",
            Scope::Installation => "all",
        };
        let start = format!("| `{permission}` |");
        let row = docs.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("docs/operating.md has no row {start}"));
        assert!(
            row.ends_with(&format!("| {scope} | {} |", marks.join(" | "))),
            "{row} is not {scope} {marks:?}"
        );
    }
}

both_dbs!(where_an_article_was_mailed_is_told_of_newsletters_that_one_sees, |store| {
    let app = TestApp::start(&store).await;
    let (mine, own) = objects(&store, "mine", 1).await;
    let (theirs, _) = objects(&store, "theirs", 2).await;
    let article = published(&store, &app.clock, "Gedeeld").await;
    let sent = crate::publishing::issue(&store, &app.clock, theirs, &[&article]).await;
    schedule(&store, &app.clock, PUBLIC_URL, sent.id, When::Now).await.expect("scheduled");
    let everything = person(&app, "everything", &[Grant::of_all(Role::Owner)]).await;
    let one = person(&app, "one", &[Grant::of_one(mine, Role::Owner)]).await;
    let id = article.id;
    for path in [
        "/admin/articles".to_owned(),
        format!("/admin/articles/{id}"),
        format!("/admin/articles/{id}/versions"),
        format!("/admin/articles/{id}/versions/1"),
        format!("/admin/issues/{}", own.issue),
    ] {
        for (browser, is_told) in [(&everything, true), (&one, false)] {
            let page = browser.get(&path).await.expect("an answer");
            assert!(
                page.status == 200 && page.body.contains("Gedeeld"),
                "{path}: {} {}",
                page.status,
                page.body
            );
            assert_eq!(page.body.contains("THEIRS"), is_told, "{path}: {}", page.body);
        }
    }
    app.stop().await;
});
