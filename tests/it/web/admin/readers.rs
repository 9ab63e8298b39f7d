//! Readers at the desk: lists, segments, imports, acts on many, through real HTTP.

use postiljon::demo::browser::{Answer, Browser};
use postiljon::model::{Condition, Filter, IssueId, SubscriptionStatus};
use postiljon::store::hits::{ReaderHits, Tally};
use postiljon::store::{hits, imports, segments as table};
use postiljon::subscriptions::segments;

use super::{get, post, signed_in};
use crate::support::app::TestApp;
use crate::support::database::{both_dbs, change, execute, read};
use crate::support::people::People;
use crate::support::samples;

async fn people_of(app: &TestApp) -> People {
    People { clock: app.clock.clone(), ..People::of(&app.app.store).await }
}

/// Posts a file as a browser does.
async fn upload(browser: &Browser, newsletter: &str, file: &[u8]) -> Answer {
    let csrf = get(browser, "/admin").await.field("csrf").expect("a token");
    let edge = "edge7f3a";
    let mut body = Vec::new();
    for (name, value) in [("csrf", csrf.as_str()), ("newsletter", newsletter)] {
        body.extend(
            format!("--{edge}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
        );
    }
    body.extend(
        format!("--{edge}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"list.csv\"\r\ncontent-type: text/csv\r\n\r\n")
            .bytes(),
    );
    body.extend(file);
    body.extend(format!("\r\n--{edge}--\r\n").bytes());
    let media_type = format!("multipart/form-data; boundary={edge}");
    browser.send("POST", "/admin/imports", Some((&media_type, body))).await.expect("an answer")
}

both_dbs!(a_list_is_found_in_filtered_and_exported, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let people = people_of(&app).await;
    people.confirmed("janneke@example.org", 1).await;
    people.sign_up("piet@example.net", 2).await.expect("signed up");
    let all = get(&browser, "/admin/subscribers").await.body;
    assert!(all.contains("2 subscriptions") && all.contains("janneke@example.org"), "{all}");
    assert!(all.contains("/admin/imports") && all.contains("export.csv"), "{all}");
    let found = post(&browser, "/admin/subscribers", &[("address", "JANN")]).await;
    let list = get(&browser, found.location()).await.body;
    assert!(list.contains("1 subscription<") && list.contains("janneke@example.org"), "{list}");
    assert!(!list.contains("piet@example.net") && list.contains("value=\"JANN\""), "{list}");
    let waits = get(&browser, "/admin/subscribers?status=pending").await.body;
    assert!(waits.contains("piet@example.net") && !waits.contains("janneke@"), "{waits}");
    // What no form offers changes nothing.
    let odd = get(&browser, "/admin/subscribers?status=%27&topic=x&issue=was-&from=never").await.body;
    assert!(odd.contains("2 subscriptions"), "{odd}");
    let csv = post(&browser, "/admin/subscribers/export.csv?status=pending", &[]).await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(csv.body.lines().count(), 2, "{}", csv.body);
    assert!(
        csv.body.starts_with("\u{feff}address,name,") && csv.body.contains("piet@example.net"),
        "{}",
        csv.body
    );
    let stranger = app.browser();
    let taken = stranger.post("/admin/subscribers/export.csv", &[]).await.expect("an answer");
    assert_eq!(taken.location(), "/admin/login");
    for path in ["/admin/segments", "/admin/imports", "/admin/acts"] {
        assert_eq!(stranger.get(path).await.expect("an answer").location(), "/admin/login", "{path}");
    }
    app.stop().await;
});

both_dbs!(a_segment_is_built_by_posting_and_kept, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let people = people_of(&app).await;
    people.confirmed("jan@example.org", 1).await;
    people.sign_up("piet@example.org", 2).await.expect("signed up");
    let path = format!("/admin/segments/new?newsletter={}", people.newsletter.id);
    assert!(get(&browser, &path).await.body.contains("2 subscriptions"));
    let added =
        post(&browser, &path, &[("name", "Sure"), ("g0", "all"), ("new-0", "status"), ("do", "add-0")]).await;
    assert!(
        added.status == 200 && added.body.contains("name=\"c0-kind\" value=\"status\""),
        "{}",
        added.body
    );
    assert!(added.body.contains("value=\"Sure\""), "what was typed stays");
    let row = [("name", "Sure"), ("g0", "all"), ("c0-group", "0"), ("c0-kind", "status"), ("c0-test", "is")];
    let with = |more: &[(&'static str, &'static str)]| {
        row.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>()
    };
    let counted = post(&browser, &path, &with(&[("c0-value", "confirmed"), ("do", "count")])).await;
    assert!(counted.body.contains("1 subscription<"), "{}", counted.body);
    let wrong = post(&browser, &path, &with(&[("c0-value", "' OR 1=1"), ("do", "save")])).await;
    assert!(wrong.status == 422 && wrong.body.contains("id=\"filter-error\""), "{}", wrong.body);
    let removed = post(&browser, &path, &with(&[("c0-value", "confirmed"), ("do", "remove-0")])).await;
    assert!(!removed.body.contains("c0-kind"), "{}", removed.body);
    let saved = post(&browser, &path, &with(&[("c0-value", "confirmed"), ("do", "save")])).await;
    assert_eq!((saved.status, saved.location()), (303, "/admin/segments?done=saved"), "{}", saved.body);
    let list = get(&browser, "/admin/segments").await.body;
    assert!(list.contains("Sure") && list.contains("1 subscription<"), "{list}");
    let shown = get(&browser, "/admin/subscribers?segment=1").await.body;
    assert!(shown.contains("jan@example.org") && !shown.contains("piet@example.org"), "{shown}");
    let edit = get(&browser, "/admin/segments/1").await.body;
    assert!(edit.contains("<option value=\"confirmed\" selected>"), "{edit}");
    let deleted = post(&browser, "/admin/segments/1/delete", &[]).await;
    assert_eq!(deleted.location(), "/admin/segments?done=segment-deleted");
    app.stop().await;
});

/// What a browser shows as chosen, and posts: the first option where none is marked.
fn chosen(page: &str, name: &str) -> String {
    let start = format!("<select name=\"{name}\"");
    let select = page.split(&start).nth(1).and_then(|rest| rest.split("</select>").next()).expect("a select");
    let options: Vec<_> = select.split("<option value=\"").skip(1).collect();
    let marked =
        options.iter().find(|option| option.split('>').next().is_some_and(|tag| tag.ends_with(" selected")));
    let option = marked.or_else(|| options.first()).expect("an option");
    option.split('"').next().expect("a value").to_owned()
}

/// The fields of a segment's form as a browser would post them, with another name.
fn filled(page: &Answer, name: &str, rows: usize) -> Vec<(String, String)> {
    let mut fields = vec![("name".to_owned(), name.to_owned()), ("g0".to_owned(), "all".to_owned())];
    fields.push(("seen".to_owned(), page.field("seen").expect("a mark")));
    for at in 0..rows {
        for hidden in ["group", "kind"] {
            let name = format!("c{at}-{hidden}");
            let value = page.field(&name).expect("a field");
            fields.push((name, value));
        }
        for select in ["test", "value"] {
            let name = format!("c{at}-{select}");
            let value = chosen(&page.body, &name);
            fields.push((name, value));
        }
    }
    fields
}

async fn press(browser: &Browser, path: &str, fields: &[(String, String)], button: &str) -> Answer {
    let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let fields: Vec<_> = fields.chain([("do", button)]).collect();
    post(browser, path, &fields).await
}

both_dbs!(a_segment_means_the_issue_that_was_chosen_however_many_came_after, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let people = people_of(&app).await;
    let newsletter = people.newsletter.id;
    let jan = people.confirmed("jan@example.org", 1).await;
    people.confirmed("an@example.org", 2).await;
    people.confirmed("piet@example.org", 3).await;
    let first = samples::sending(&store, newsletter).await;
    for _ in 0..50 {
        samples::sending(&store, newsletter).await;
    }
    let tally = Tally { human: 1, machine: 0 };
    let hit = ReaderHits { reader: jan.id, mailing: first.id, number: 3, at: samples::NOW, tally };
    change!(store, |tx| hits::add_reader(tx, &hit));
    // This import is offered to nobody: it is a choice because the segment names it.
    let import = change!(store, |tx| imports::insert(tx, newsletter, "old.csv", None, samples::NOW));
    let filter = Filter::all(vec![
        Condition::Mailed { was: false, issue: first.issue_id },
        Condition::Clicked { has: false, issue: first.issue_id },
        Condition::Import { is: false, import: import.id },
    ]);
    let segment = segments::add(&store, &app.clock, newsletter, "Quiet", &filter).await.expect("added");
    let path = format!("/admin/segments/{}", segment.id);
    let opened = get(&browser, &path).await;
    assert!(opened.body.contains("<strong>2 subscriptions</strong>"), "{}", opened.body);
    assert_eq!(chosen(&opened.body, "c0-value"), first.issue_id.to_string());
    assert_eq!(chosen(&opened.body, "c1-value"), first.issue_id.to_string());
    assert_eq!(chosen(&opened.body, "c2-value"), import.id.to_string());
    let saved = press(&browser, &path, &filled(&opened, "Silent", 3), "save").await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    let now = read!(store, |db| table::by_id(db, segment.id)).expect("there");
    assert_eq!((now.name.as_str(), now.filter.as_str()), ("Silent", segment.filter.as_str()));
    // A second tab that was opened before that: what is typed in it stays, and what was saved too.
    let counted = press(&browser, &path, &filled(&opened, "Stale", 3), "count").await;
    assert_eq!(counted.field("seen"), opened.field("seen"), "counting is not seeing");
    let mut typed = filled(&counted, "Stale", 3);
    typed.iter_mut().find(|(name, _)| name == "c1-test").expect("there").1 = "is".to_owned();
    let stale = press(&browser, &path, &typed, "save").await;
    assert!(stale.status == 422 && stale.body.contains("Somebody else has changed this"), "{}", stale.body);
    assert!(
        stale.body.contains("value=\"Stale\"") && chosen(&stale.body, "c1-test") == "is",
        "{}",
        stale.body
    );
    let now = read!(store, |db| table::by_id(db, segment.id)).expect("there");
    assert_eq!((now.name.as_str(), now.filter.as_str()), ("Silent", segment.filter.as_str()));
    let again = press(&browser, &path, &filled(&stale, "Stale", 3), "save").await;
    assert_eq!(again.status, 303, "{}", again.body);
    assert_eq!(read!(store, |db| table::by_id(db, segment.id)).expect("there").name, "Stale");
    app.stop().await;
});

both_dbs!(what_is_no_longer_offered_is_said_and_never_becomes_another_choice, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let people = people_of(&app).await;
    people.confirmed("jan@example.org", 1).await;
    let first = samples::sending(&store, people.newsletter.id).await;
    let filter = Filter::all(vec![Condition::Mailed { was: false, issue: IssueId(999) }]);
    let segment = segments::add(&store, &app.clock, people.newsletter.id, "Gone", &filter).await;
    let segment = segment.expect("added");
    let path = format!("/admin/segments/{}", segment.id);
    let opened = get(&browser, &path).await;
    assert_eq!(chosen(&opened.body, "c0-value"), "999");
    assert!(opened.body.contains("999 (no longer offered)"), "{}", opened.body);
    assert!(
        opened.body.contains("Not counted yet") && opened.body.contains("aria-invalid"),
        "{}",
        opened.body
    );
    let refused = press(&browser, &path, &filled(&opened, "Renamed", 1), "save").await;
    assert!(refused.status == 422 && refused.body.contains("id=\"filter-error\""), "{}", refused.body);
    let now = read!(store, |db| table::by_id(db, segment.id)).expect("there");
    assert_eq!((now.name.as_str(), now.filter.as_str()), ("Gone", segment.filter.as_str()));
    // The list says it too, and shows an issue that is there as what it is.
    let list = get(&browser, "/admin/subscribers?issue=was-999").await.body;
    assert!(list.contains("<option value=\"was-999\" selected>999 (no longer offered)</option>"), "{list}");
    let list = get(&browser, &format!("/admin/subscribers?issue=not-{}", first.issue_id)).await.body;
    assert!(list.contains(&format!("<option value=\"not-{}\" selected>", first.issue_id)), "{list}");
    assert!(!list.contains("no longer offered"), "{list}");
    app.stop().await;
});

both_dbs!(a_list_is_narrowed_by_an_issue_of_long_ago, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let people = people_of(&app).await;
    people.confirmed("jan@example.org", 1).await;
    let first = samples::sending(&store, people.newsletter.id).await;
    for _ in 0..50 {
        samples::sending(&store, people.newsletter.id).await;
    }
    let list = get(&browser, &format!("/admin/subscribers?issue=was-{}", first.issue_id)).await.body;
    let option = format!("<option value=\"was-{}\" selected>", first.issue_id);
    assert!(list.contains(&option) && !list.contains("no longer offered"), "{list}");
    app.stop().await;
});

both_dbs!(an_import_warns_of_who_left_elsewhere_and_is_subscribed_here, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let people = people_of(&app).await;
    people.confirmed("jan@example.org", 1).await;
    let file = b"email,unsubscribed,bounced\njan@example.org,,true\n";
    let taken = upload(&browser, &people.newsletter.id.to_string(), file).await;
    assert_eq!(taken.status, 303, "{}", taken.body);
    let page = taken.location().to_owned();
    let mapping = get(&browser, &page).await.body;
    for column in ["m1", "m2"] {
        assert_eq!(chosen(&mapping, column), "left", "{mapping}");
    }
    let columns = [("m0", "address"), ("m1", "left"), ("m2", "left")];
    let checking = post(&browser, &format!("{page}/check"), &columns).await;
    assert_eq!(checking.status, 303, "{}", checking.body);
    app.work_off().await;
    let warning = "1 row is of somebody who left elsewhere and is still subscribed here";
    let checked = get(&browser, &page).await.body;
    assert!(checked.contains(warning) && checked.contains("look the person up under Readers"), "{checked}");
    assert_eq!(post(&browser, &format!("{page}/run"), &[]).await.status, 303);
    app.work_off().await;
    assert!(get(&browser, &page).await.body.contains(warning));
    let report = get(&browser, &format!("{page}/report.csv")).await.body;
    assert_eq!(report, "row,outcome,reason\n2,still_subscribed,\n");
    let jan = people.subscription("jan@example.org").await.expect("there");
    assert_eq!(jan.status, SubscriptionStatus::Confirmed, "nothing changes by itself");
    app.stop().await;
});

both_dbs!(a_file_is_taken_in_step_by_step, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let people = people_of(&app).await;
    let newsletter = people.newsletter.id.to_string();
    let archive = upload(&browser, &newsletter, b"PK\x03\x04xxxx").await;
    assert!(archive.status == 422 && archive.body.contains("id=\"file-error\""), "{}", archive.body);
    let file = b"Email Address,First Name,Last Name,MEMBER_RATING,LEID,EUID\njan@example.org,Jan,<b>Maes,2,1,1\nx,,,,,\n";
    let taken = upload(&browser, &newsletter, file).await;
    assert_eq!(taken.status, 303, "{}", taken.body);
    let page = taken.location().to_owned();
    let mapping = get(&browser, &page).await.body;
    assert!(mapping.contains("Mailchimp") && mapping.contains("&#60;b&#62;Maes"), "{mapping}");
    let columns = [("m0", "address"), ("m1", "first_name"), ("m2", "last_name")];
    let with = |basis: &'static str| columns.iter().copied().chain([("basis", basis)]).collect::<Vec<_>>();
    let vague = post(&browser, &format!("{page}/check"), &with("ok")).await;
    assert!(vague.status == 422 && vague.body.contains("id=\"basis-error\""), "{}", vague.body);
    let basis = with("Subscribed on our website in 2024.");
    let checking = post(&browser, &format!("{page}/check"), &basis).await;
    assert_eq!((checking.status, checking.location()), (303, page.as_str()));
    assert!(get(&browser, &page).await.body.contains("data-progress"));
    app.work_off().await;
    assert!(people.subscription("jan@example.org").await.is_none(), "a check writes nothing");
    let json = get(&browser, &format!("{page}.json")).await;
    assert!(json.body.contains("\"status\":\"checked\""), "{}", json.body);
    let checked = get(&browser, &page).await.body;
    assert!(
        checked.contains("Import now") && checked.contains("Subscribed on our website in 2024."),
        "{checked}"
    );
    assert_eq!(post(&browser, &format!("{page}/run"), &[]).await.status, 303);
    app.work_off().await;
    let jan = people.subscription("jan@example.org").await.expect("there");
    assert_eq!(jan.status, SubscriptionStatus::Confirmed);
    let report = get(&browser, &format!("{page}/report.csv")).await.body;
    assert_eq!(report, "row,outcome,reason\n2,added,\n3,invalid,address_wrong\n");
    assert_eq!(get(&browser, "/admin/imports").await.status, 200);
    // Without the token of the session nothing is kept.
    let stranger = app.browser();
    assert_ne!(stranger.get(&page).await.expect("an answer").status, 200);
    app.stop().await;
});

both_dbs!(an_act_on_many_is_begun_watched_and_undone, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let people = people_of(&app).await;
    let jan = people.confirmed("jan@example.org", 1).await;
    people.confirmed("an@example.org", 2).await;
    let id = jan.id.to_string();
    for wrong in [vec![("act", "unsubscribe")], vec![("act", ""), ("who", "all")]] {
        let answer = post(&browser, "/admin/acts", &wrong).await;
        assert!(answer.status == 422 && answer.body.contains("role=\"alert\""), "{wrong:?}: {}", answer.body);
    }
    let begun =
        post(&browser, "/admin/acts", &[("act", "unsubscribe"), ("who", "ticked"), ("id", &id)]).await;
    assert_eq!(begun.status, 303, "{}", begun.body);
    let page = begun.location().to_owned();
    app.work_off().await;
    assert!(get(&browser, &page).await.body.contains("1 of 1 changed"));
    let status = async |at: &str| people.subscription(at).await.expect("there").status;
    assert_eq!(status("jan@example.org").await, SubscriptionStatus::Unsubscribed);
    assert_eq!(status("an@example.org").await, SubscriptionStatus::Confirmed);
    assert_eq!(post(&browser, &format!("{page}/undo"), &[]).await.status, 303);
    app.work_off().await;
    assert_eq!(status("jan@example.org").await, SubscriptionStatus::Confirmed);
    assert_eq!(post(&browser, &format!("{page}/undo"), &[]).await.status, 409);
    let asked = post(&browser, "/admin/acts", &[("act", "erase"), ("who", "all")]).await;
    assert!(asked.status == 200 && asked.body.contains("Type 2 to confirm"), "{}", asked.body);
    let wrong = post(&browser, "/admin/acts", &[("act", "erase"), ("who", "all"), ("count", "3")]).await;
    assert!(wrong.status == 422 && wrong.body.contains("id=\"count-error\""), "{}", wrong.body);
    let erased = post(&browser, "/admin/acts", &[("act", "erase"), ("who", "all"), ("count", "2")]).await;
    assert_eq!(erased.status, 303, "{}", erased.body);
    app.work_off().await;
    assert!(people.subscription("an@example.org").await.is_none());
    app.stop().await;
});

both_dbs!(who_was_never_subscribed_is_not_subscribed_again, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let people = people_of(&app).await;
    people.sign_up("piet@example.net", 1).await.expect("signed up");
    let found = post(&browser, "/admin/subscribers", &[("address", "piet@example.net")]).await;
    let shown = get(&browser, found.location()).await.body;
    for part in ["Subscribe without confirmation …", "Why may you mail this person?"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("Subscribe again") && !shown.contains("these people"), "{shown}");
    app.stop().await;
});

both_dbs!(one_page_tells_a_persons_story_and_the_desk_acts_on_it, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let people = people_of(&app).await;
    let jan = people.confirmed("jan@example.org", 1).await;
    let found = post(&browser, "/admin/subscribers", &[("address", "jan@example.org")]).await;
    let page = found.location().to_owned();
    let shown = get(&browser, &page).await.body;
    for part in ["Asked for the newsletter", "Confirmed it", "Mail: please confirm"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let act = format!("{page}/subscriptions/{}", jan.id);
    let ended = post(&browser, &format!("{act}/end"), &[]).await;
    assert_eq!(ended.location(), format!("{page}?done=ended"));
    let vague = post(&browser, &format!("{act}/again"), &[("basis", "so")]).await;
    assert!(vague.status == 422 && vague.body.contains("id=\"basis-error\""), "{}", vague.body);
    assert!(vague.body.contains(">so</textarea>"), "what was typed stays: {}", vague.body);
    let again = post(&browser, &format!("{act}/again"), &[("basis", "Asked for it on the phone.")]).await;
    assert_eq!(again.location(), format!("{page}?done=subscribed"));
    let shown = get(&browser, &page).await.body;
    assert!(shown.contains("Subscribed by the company") && shown.contains("the company"), "{shown}");
    // What was answered on a form stands there with its question, here and in what the person may take along.
    for sql in [
        "INSERT INTO fields (newsletter_id, key, kind, max_length, options, created_at)
            SELECT id, 'company_name', 'text', 60, '', 0 FROM newsletters",
        "INSERT INTO subscription_values (subscription_id, field_id, value, value_key)
            SELECT n.id, f.id, 'Meridiaan & Zonen', 'meridiaan & zonen' FROM subscriptions n, fields f",
    ] {
        execute(&store, sql).await;
    }
    let shown = get(&browser, &page).await.body;
    assert!(shown.contains("<dd>Meridiaan &#38; Zonen</dd>"), "{shown}");
    let data = get(&browser, &format!("{page}/data.json")).await.body;
    assert!(data.contains("Meridiaan & Zonen"), "{data}");
    assert!(data.contains("jan@example.org") && data.contains("\"imported\""), "{data}");
    // Who waits for room at the provider was not tried yet.
    crate::support::samples::scheduled(&store, jan.newsletter_id).await;
    execute(
        &store,
        "INSERT INTO deliveries (mailing_id, subscriber_id, outcome, attempts, doubts, at, due_at, reply)
        SELECT m.id, s.id, 'deferred', 0, 0, 0, 1, '' FROM mailings m, subscribers s",
    )
    .await;
    let shown = get(&browser, &page).await.body;
    assert!(shown.contains("waits for the first try"), "{shown}");
    execute(&store, "UPDATE deliveries SET attempts = 1").await;
    let shown = get(&browser, &page).await.body;
    assert!(shown.contains("waits for another try"), "{shown}");
    // What was followed, where it is kept of a person, and by whom.
    for sql in [
        "INSERT INTO mailing_links (mailing_id, number, url, heading, label)
            SELECT id, 1, 'https://meridiaan.example/a', '', '' FROM mailings",
        "INSERT INTO reader_hits (subscription_id, mailing_id, number, first_at, last_at, hits, machine_hits)
            SELECT n.id, m.id, 1, 1, 2, 3, 0 FROM subscriptions n, mailings m",
        "INSERT INTO reader_hits (subscription_id, mailing_id, number, first_at, last_at, hits, machine_hits)
            SELECT n.id, m.id, 0, 1, 2, 0, 1 FROM subscriptions n, mailings m",
    ] {
        execute(&store, sql).await;
    }
    let shown = get(&browser, &page).await.body;
    for part in ["Followed a link in", "https://meridiaan.example/a · 3 times", "Opened", "by a machine"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // A subscription of somebody else is not this person's.
    let other = people.confirmed("an@example.org", 2).await;
    let wrong = post(&browser, &format!("{page}/subscriptions/{}/end", other.id), &[]).await;
    assert_eq!(wrong.status, 404);
    app.stop().await;
});
