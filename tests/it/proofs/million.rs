//! How long the desk takes with a million subscriptions and 500 issues, on both databases. Prints, and asserts nothing
//! about time: `cargo test --release proofs::million -- --ignored --nocapture`. So many people in
//! `POSTILJON_TEST_PEOPLE`, if not a million.

use std::time::{Duration, Instant};

use postiljon::clock::Clock;
use postiljon::keys::Keys;
use postiljon::model::{
    Condition, FieldKind, Filter, IssueId, Language, NewsletterId, Rhythm, Selection, SubscriptionId,
    SubscriptionStatus, Timestamp,
};
use postiljon::store::fields::FieldRules;
use postiljon::store::people::{self, COUNT_MAX};
use postiljon::store::{Pools, Store, fields, imports, segments, topics};
use postiljon::subscriptions::import::{self, Upload, Worker, work_off};
use postiljon::web::access::{Need, Of, ROUTES, Route};

use crate::support::app::{START, TestApp};
use crate::support::database::{TestDatabase, both_databases, change, execute, read};
use crate::support::samples::{NOW, newsletter};
use crate::web::admin::signed_in;

/// A week, in milliseconds.
const WEEK: i64 = 7 * 24 * 3_600_000;
/// How often each question is asked.
const TIMES: usize = 30;

fn how_many() -> i64 {
    std::env::var("POSTILJON_TEST_PEOPLE").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000)
}

/// People in three languages, of whom some have left; one in ten has the topic, one in a hundred is of Gent; each third
/// was sent issue 1.
async fn fill(store: &Store, count: i64, newsletter: i64, topic: i64, city: i64) {
    let numbers = "WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < COUNT)";
    let uuid = match store.pools() {
        Pools::Sqlite { .. } => "randomblob(16)",
        Pools::Postgres(_) => "gen_random_uuid()",
    };
    let now = NOW.as_millis();
    let statements = [
        format!("INSERT INTO subscribers (public_id, address, address_key, name, language, created_at)
            {numbers} SELECT {uuid}, 'reader' || n || '@example' || (n % 1000) || '.org',
                'reader' || n || '@example' || (n % 1000) || '.org', 'Family' || (n % 5000), 'nl', {now} + n FROM g"),
        format!("INSERT INTO subscriptions (subscriber_id, newsletter_id, status, language, created_at, confirmed_at,
                unsubscribed_at, audience_since)
            SELECT id, {newsletter}, CASE WHEN id % 10 = 0 THEN 'unsubscribed' ELSE 'confirmed' END,
                CASE WHEN id % 3 = 0 THEN 'fr' ELSE 'nl' END, created_at, created_at,
                CASE WHEN id % 10 = 0 THEN created_at END, CASE WHEN id % 10 <> 0 THEN created_at END
            FROM subscribers ORDER BY id"),
        format!("INSERT INTO subscription_topics (subscription_id, topic_id, since)
            SELECT id, {topic}, {now} FROM subscriptions WHERE id % 10 = 1"),
        format!("INSERT INTO subscription_values (subscription_id, field_id, value, value_key)
            SELECT id, {city}, CASE WHEN id % 100 = 1 THEN 'Gent' ELSE 'Aalst' END,
                CASE WHEN id % 100 = 1 THEN 'gent' ELSE 'aalst' END FROM subscriptions"),
        "INSERT INTO deliveries (mailing_id, subscriber_id, outcome, attempts, doubts, at, reply)
            SELECT 1, subscriber_id, 'sent', 1, 0, 1, '' FROM subscriptions WHERE id % 3 = 1".to_owned(),
        "UPDATE mailings SET sent = (SELECT count(*) FROM deliveries WHERE mailing_id = 1) WHERE id = 1".to_owned(),
        "ANALYZE".to_owned(),
    ];
    for statement in statements {
        let sql = statement.replace("COUNT", &count.to_string());
        execute(store, sql.leak()).await;
    }
    if let Pools::Postgres(_) = store.pools() {
        execute(store, "VACUUM ANALYZE").await;
    }
}

async fn issues(store: &Store, newsletter: i64, count: i64) {
    let uuid = match store.pools() {
        Pools::Sqlite { .. } => "randomblob(16)",
        Pools::Postgres(_) => "gen_random_uuid()",
    };
    let up_to = |most: i64| {
        format!("WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {most})")
    };
    let (numbers, numbers2, numbers8, numbers20) = (up_to(count), up_to(2), up_to(8), up_to(20));
    let (numbers48, hours) = (up_to(48), up_to(10 * 365 * 24));
    // The last of them was a week ago.
    let now = START.as_millis() - (count + 1) * WEEK;
    let draft = count + 1;
    let hour = now / 3_600_000;
    for sql in [
        format!("INSERT INTO issues (public_id, newsletter_id, number, subject, preheader, intro, version, created_at,
            updated_at) {numbers} SELECT {uuid}, {newsletter}, n, 'Issue', '', '', 1, 1, 1 FROM g"),
        format!("INSERT INTO mailings (public_id, issue_id, newsletter_id, status, due_at, started_at, cursor,
                audience_end, audience, sent, deferred, bounced, uncertain, skipped, expired, created_at)
            SELECT {uuid}, id, {newsletter}, 'sent', {now} + id * {WEEK}, {now} + id * {WEEK}, 0, 0, 100, 90, 0, 10, 0,
                0, 0, 1 FROM issues ORDER BY id"),
        "INSERT INTO mailing_contents (mailing_id, language, subject, html, text, web_html)
            SELECT id, 'nl', 'Issue', '<p>x</p>', 'x', '<p>x</p>' FROM mailings"
            .to_owned(),
        format!("INSERT INTO mailing_links (mailing_id, number, url, heading, label, clicks, machine_clicks, readers)
            {numbers20} SELECT m.id, n, 'https://example.org/' || n, 'Heading', 'Label', n, n, n FROM g CROSS JOIN mailings m"),
        "INSERT INTO mailing_counts (mailing_id, clicks, machine_clicks, opens, machine_opens, click_readers, departures)
            SELECT id, 210, 210, 500, 300, 90, 3 FROM mailings".to_owned(),
        format!("INSERT INTO mailing_hours (mailing_id, hour, clicks, machine_clicks, opens, machine_opens)
            {numbers48} SELECT m.id, {hour} + m.id * 168 + n, n, n, n, n FROM g CROSS JOIN mailings m"),
        // Every hour of ten years somebody comes, and somebody leaves.
        format!("INSERT INTO newsletter_hours (newsletter_id, hour, confirmed, departed)
            {hours} SELECT {newsletter}, {hour} + n, 12, 1 FROM g"),
        // Two digests, of which the last eight dates were issues.
        format!("INSERT INTO digest_rules (newsletter_id, name, on_since, audience, source, policy, tags, sort, fewest,
                most, display, subject, intro, calendar, lead_hours, since, version, created_at, updated_at)
            {numbers2} SELECT {newsletter}, 'Digest ' || n, 1, 'each', 'published', 'unless_stopped', '', 'oldest', 1, 5,
                'full', 'Issue', '', 'weekly 4 09:00', 24, 1, 1, 1, 1 FROM g"),
        format!("INSERT INTO digest_runs (rule_id, newsletter_id, period, due_at, state, reason, issue_id,
                issue_version, mailing_id, approved_content, found, created_at)
            {numbers8} SELECT r.id, {newsletter}, '2020-01-0' || n, {now} + i.id * {WEEK}, 'sent', '', i.id, 1, m.id, '', 5, 1
            FROM g CROSS JOIN digest_rules r JOIN issues i ON i.number = {count} - 2 * n - r.id % 2
                JOIN mailings m ON m.issue_id = i.id"),
        // One that is being written.
        format!("INSERT INTO issues (public_id, newsletter_id, number, subject, preheader, intro, version, created_at,
            updated_at) SELECT {uuid}, {newsletter}, {draft}, 'Issue', '', '', 1, 1, 1"),
    ] {
        execute(store, sql.leak()).await;
    }
}

struct Table(Vec<(String, Vec<Duration>)>);

impl Table {
    fn print(&mut self, title: &str) {
        println!("{title}\n{:<44} {:>9} {:>9}", "", "p50 ms", "p99 ms");
        for (name, times) in &mut self.0 {
            times.sort();
            let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
            println!("{name:<44} {:>9.1} {:>9.1}", at(50), at(99));
        }
    }
}

async fn measured(database: &TestDatabase) {
    let store = &database.store;
    let count = how_many();
    let newsletter = newsletter(store, "insights").await;
    let topic = change!(store, |tx| topics::insert(tx, newsletter.id, "ai", NOW)).id;
    let rules = FieldRules { max_length: None, least: None, most: None, options: String::new() };
    let city =
        change!(store, |tx| fields::insert(tx, newsletter.id, "city", FieldKind::Text, &rules, NOW)).id;
    issues(store, newsletter.id.0, 500).await;
    let begun = Instant::now();
    fill(store, count, newsletter.id.0, topic.0, city.0).await;
    println!("filled with {count} in {:.1?}", begun.elapsed());
    let begun = Instant::now();
    while change!(store, |tx| people::index_words(tx)) {}
    println!("words of {count} people in {:.1?}", begun.elapsed());
    let of = |conditions: Vec<Condition>| Selection {
        newsletter: Some(newsletter.id),
        filter: Filter::all(conditions),
        ..Selection::default()
    };
    let found = |words: &[&str]| Selection {
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        ..of(Vec::new())
    };
    let status = |status| Condition::Status { is: true, status };
    let language = |language| Condition::Language { is: true, language };
    let field = |value: &str| Condition::Field {
        field: city,
        field_kind: FieldKind::Text,
        test: postiljon::model::FieldTest::Is,
        value: value.into(),
    };
    let middle = NOW.as_millis() + count / 2;
    let between = [
        Condition::SignedUpFrom { at: Timestamp::from_millis(middle) },
        Condition::SignedUpBefore { at: Timestamp::from_millis(middle + 100) },
    ];
    let cases = [
        ("everyone", of(Vec::new())),
        ("confirmed", of(vec![status(SubscriptionStatus::Confirmed)])),
        ("pending (nobody)", of(vec![status(SubscriptionStatus::Pending)])),
        ("in French", of(vec![language(Language::French)])),
        ("in German (nobody)", of(vec![language(Language::German)])),
        ("with the topic (1 in 10)", of(vec![Condition::Topic { has: true, topic }])),
        ("answered Gent (1 in 100)", of(vec![field("Gent")])),
        ("answered Brugge (nobody)", of(vec![field("Brugge")])),
        ("signed up in 100 ms in the middle", of(between.to_vec())),
        ("was sent issue 1 (1 in 3)", of(vec![Condition::Mailed { was: true, issue: IssueId(1) }])),
        ("was sent issue 2 (nobody)", of(vec![Condition::Mailed { was: true, issue: IssueId(2) }])),
        (
            "not sent issue 1, French, confirmed",
            of(vec![
                Condition::Mailed { was: false, issue: IssueId(1) },
                language(Language::French),
                status(SubscriptionStatus::Confirmed),
            ]),
        ),
        ("find reader7777", found(&["reader7777"])),
        ("find reader (everyone)", found(&["reader"])),
        ("find family42", found(&["family42"])),
        ("find reader + example7", found(&["reader", "example7"])),
        ("find nobody", found(&["zzz"])),
    ];
    let mut pages = Table(Vec::new());
    let mut counts = Table(Vec::new());
    for (name, selection) in &cases {
        let (mut page, mut counted) = (Vec::new(), Vec::new());
        for time in 0..TIMES {
            // Each time another page of the list.
            let at = SubscriptionId(
                count - count / i64::try_from(TIMES).expect("few") * i64::try_from(time).expect("few"),
            );
            let begun = Instant::now();
            read!(store, |db| people::page(db, selection, Some(at)));
            page.push(begun.elapsed());
            let begun = Instant::now();
            read!(store, |db| people::count(db, selection, COUNT_MAX));
            counted.push(begun.elapsed());
        }
        pages.0.push(((*name).to_owned(), page));
        counts.0.push(((*name).to_owned(), counted));
    }
    pages.print("a page of the list");
    counts.print("how many, up to 10,000");
    let mut exact = Table(Vec::new());
    for (name, selection) in &cases[..12] {
        let mut times = Vec::new();
        for _ in 0..3 {
            let begun = Instant::now();
            read!(store, |db| people::count_audience(db, selection, Rhythm::Each));
            times.push(begun.elapsed());
        }
        exact.0.push(((*name).to_owned(), times));
    }
    exact.print("the exact audience of a mailing");
    desk(store, newsletter.id, topic.0, city.0).await;
}

/// What stands in the addresses of the desk.
struct There {
    newsletter: i64,
    reader: String,
    segment: i64,
    topic: i64,
    field: i64,
}

impl There {
    /// The address of a route, where something of its kind is there.
    fn path(&self, route: &Route) -> Option<String> {
        let id = match route.need {
            Need::MayWith(_, Of::Newsletter) => self.newsletter.to_string(),
            // Being written, and sent.
            Need::MayWith(_, Of::Issue) => "501".to_owned(),
            Need::MayWith(_, Of::Mailing) => "250".to_owned(),
            Need::MayWith(_, Of::Segment) => self.segment.to_string(),
            Need::MayWith(_, Of::Reader) => self.reader.clone(),
            Need::MayWith(_, Of::Import | Of::BulkAct) | Need::Nothing => return None,
            Need::Session | Need::May(_) => "1".to_owned(),
        };
        let path = route.pattern.replace("{id}", &id).replace("{newsletter}", &self.newsletter.to_string());
        let path =
            path.replace("{topic}", &self.topic.to_string()).replace("{field}", &self.field.to_string());
        let path = path.replace("{form}", "1").replace("{rule}", "1").replace("{table}", "links");
        (!path.contains('{')).then_some(path)
    }
}

/// Not a page that ends.
const STREAM: &str = "/admin/mailings/{id}/events";

/// The pages of the desk as a browser gets them, over HTTP, one after the other: all that its table of routes has, and
/// the questions that cost most.
async fn desk(store: &Store, newsletter: NewsletterId, topic: i64, field: i64) {
    let app = TestApp::start(store).await;
    let browser = signed_in(&app).await;
    let reader =
        read!(store, |db| people::page(db, &Selection::default(), None)).remove(0).public_id.to_string();
    let filter = Filter::all(vec![Condition::Language { is: true, language: Language::French }]).to_json();
    let segment = change!(store, |tx| segments::insert(tx, newsletter, "In French", &filter, NOW));
    let there = There { newsletter: newsletter.0, reader, segment: segment.id.0, topic, field };
    let routes = ROUTES.iter().filter(|route| route.method == "GET" && route.pattern != STREAM);
    let mut paths: Vec<String> = routes.filter_map(|route| there.path(route)).collect();
    let list = format!("/admin/subscribers?newsletter={newsletter}");
    paths.extend([
        "/admin/subscribers?status=pending".to_owned(),
        format!("{list}&status=confirmed"),
        format!("{list}&language=fr"),
        format!("{list}&from=2020-01-01&until=2020-01-02"),
        format!("{list}&issue=was-1"),
        format!("{list}&issue=not-1&language=fr&status=confirmed"),
        "/admin/mailings/1/ledger".to_owned(),
        "/admin/mailings/1/ledger?outcome=bounced".to_owned(),
        format!("/admin/issues/501/schedule?segment={}", segment.id),
        "/n/insights/archive".to_owned(),
    ]);
    let csrf = browser.get("/admin/subscribers").await.expect("a page").field("csrf").expect("a token");
    for words in ["reader7777", "reader", "reader example7", "family42", "zzz"] {
        let fields = [("csrf", csrf.as_str()), ("newsletter", &newsletter.to_string()), ("address", words)];
        let found = browser.post("/admin/subscribers", &fields).await.expect("an answer");
        paths.push(found.location().to_owned());
    }
    let mut table = Table(Vec::new());
    let mut not_there = Vec::new();
    for path in paths {
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let begun = Instant::now();
            let answer = browser.get(&path).await.expect("an answer");
            times.push(begun.elapsed());
            assert!(matches!(answer.status, 200 | 303 | 404), "{path}: {} {}", answer.status, answer.body);
            if answer.status == 404 {
                not_there.push(path.clone());
                times.clear();
                break;
            }
        }
        if !times.is_empty() {
            table.0.push((path, times));
        }
    }
    let slow = |times: &[Duration]| times.iter().max().copied() > Some(Duration::from_millis(100));
    let slower = table.0.iter().filter(|(_, times)| slow(times)).count();
    let asked = table.0.len();
    table.print("pages over HTTP");
    println!(
        "{asked} pages, {slower} of them took longer than 100 ms once; not there: {}",
        not_there.join(" ")
    );
    app.stop().await;
}

/// Kilobytes of memory of this process: now, and the most so far.
fn memory() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    (of("VmRSS:"), of("VmHWM:"))
}

async fn imported(database: &TestDatabase) {
    let store = &database.store;
    let count = how_many();
    let newsletter = newsletter(store, "insights").await;
    let clock = Clock::system();
    let keys = Keys::new(&[7; 32]);
    let (idle, _) = memory();
    let begun = Instant::now();
    let mut upload = Upload::begin(store, &clock, newsletter.id, "list.csv", None).await.expect("begun");
    upload.push(b"email,name,city\n").await.expect("taken");
    for n in 0..count {
        let row = format!("reader{n}@example{}.org,Reader {n},Gent\n", n % 1000);
        upload.push(row.as_bytes()).await.expect("taken");
    }
    let import = upload.finish().await.expect("read");
    let report = |what: &str, begun: Instant| {
        let taken = begun.elapsed().as_secs_f64();
        let (_, most) = memory();
        let rate = f64::from(u32::try_from(count).expect("few")) / taken;
        println!(
            "{what}: {count} rows in {taken:.1} s, {rate:.0} a second; {} MB above idle",
            (most - idle) / 1024
        );
    };
    report("read", begun);
    let meanings = import::meanings(&import);
    let basis = "Subscribed on our website, see the file.";
    let mut worker = Worker::default();
    let begun = Instant::now();
    import::check(store, &clock, import.id, &meanings, basis).await.expect("checking");
    while work_off(store, &clock, &keys, &mut worker).await.expect("a step") {}
    report("checked", begun);
    let begun = Instant::now();
    import::run(store, &clock, import.id).await.expect("running");
    while work_off(store, &clock, &keys, &mut worker).await.expect("a step") {}
    report("imported", begun);
    let done = read!(store, |db| imports::by_id(db, import.id)).expect("there");
    assert_eq!(done.counts.added, count);
}

both_databases!(
    #[ignore = "takes minutes, and prints"]
    lists_of_a_million,
    |database| {
        measured(database).await;
    }
);

both_databases!(
    #[ignore = "takes minutes, and prints"]
    an_import_of_a_million,
    |database| {
        imported(database).await;
    }
);
