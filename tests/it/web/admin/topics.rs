use postiljon::store::{issues, subscriptions, topics};

use super::issues::issue;
use super::{get, post, signed_in};
use crate::support::app::TestApp;
use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{confirmed, newsletter};

const PAGE: &str = "/admin/newsletters/1/topics";

both_dbs!(topics_are_added_renamed_ordered_and_archived, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    let letter = newsletter(&store, "insights").await;
    confirmed(&store, letter.id, 1).await;
    assert!(get(&browser, PAGE).await.body.contains("This newsletter has no topics yet"));
    let refused = post(&browser, PAGE, &[("name-nl", ""), ("name-fr", "Argent"), ("everyone", "no")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("id=\"name-nl-error\"") && refused.body.contains("value=\"Argent\""));
    for (name, everyone) in [("Geld", "yes"), ("Recht", "yes"), ("Sport", "no")] {
        let added = post(&browser, PAGE, &[("name-nl", name), ("everyone", everyone)]).await;
        assert_eq!((added.status, added.location()), (303, "/admin/newsletters/1/topics?done=topic-added"));
    }
    let page = get(&browser, PAGE).await.body;
    assert!(page.contains("one confirmed reader") && page.contains("no name yet in: English"), "{page}");
    let row = |id: i64| format!("{PAGE}/{id}");
    post(&browser, &row(3), &[("do", "up")]).await;
    post(&browser, &row(2), &[("do", "archive")]).await;
    let saved = post(&browser, &row(1), &[("do", "save"), ("name-nl", "Centen"), ("name-en", "Money")]).await;
    assert_eq!(saved.status, 303);
    let page = get(&browser, PAGE).await.body;
    let order: Vec<_> = ["Money", "Sport", "Recht"].map(|name| page.find(name).expect("there")).into();
    assert!(order.is_sorted(), "{order:?}");
    assert!(get(&browser, &row(1)).await.body.contains("value=\"Centen\""));
    // Two people with the page open: the second is told, and what they typed stands there.
    let seen = get(&browser, &row(1)).await.field("seen").expect("a mark");
    let rename = async |name: &str, seen: &str| {
        post(&browser, &row(1), &[("do", "save"), ("seen", seen), ("name-nl", name)]).await
    };
    assert_eq!(rename("Duiten", &seen).await.status, 303);
    let late = rename("Poen", &seen).await;
    assert_eq!(late.status, 422);
    assert!(late.body.contains("Somebody else has changed this") && late.body.contains("value=\"Poen\""));
    assert_eq!(rename("Poen", &late.field("seen").expect("a mark")).await.status, 303);
    let late = post(&browser, &row(3), &[("do", "down"), ("place", "1")]).await;
    assert!(late.status == 422 && late.body.contains("Somebody else has changed the order"), "{}", late.body);
    post(&browser, &row(2), &[("do", "restore")]).await;
    let all = read!(store, |db| topics::of_newsletter(db, letter.id));
    assert!(all.iter().all(|topic| topic.archived_at.is_none()));
    // A topic belongs to its newsletter.
    newsletter(&store, "weekly").await;
    assert_eq!(browser.get("/admin/newsletters/2/topics/1").await.expect("an answer").status, 404);
    assert_eq!(browser.get("/admin/newsletters/9/topics").await.expect("an answer").status, 404);
    app.stop().await;
});

both_dbs!(an_issue_gets_a_topic_and_the_desk_says_how_many_that_is, |store| {
    let app = TestApp::start(&store).await;
    let browser = signed_in(&app).await;
    issue(&store, &app, &browser).await;
    let letter = postiljon::model::NewsletterId(1);
    let mut readers = Vec::new();
    for n in 1..=3 {
        readers.push(confirmed(&store, letter, n).await);
    }
    assert!(!get(&browser, "/admin/issues/1").await.body.contains("name=\"topic\""));
    post(&browser, PAGE, &[("name-nl", "Geld"), ("everyone", "yes")]).await;
    let topic = read!(store, |db| topics::of_newsletter(db, letter))[0].id;
    change!(store, |tx| topics::unchoose(tx, readers[0].id, topic));
    let now = app.clock.now();
    let rhythm = postiljon::model::Rhythm::Each;
    change!(store, |tx| subscriptions::set_pace(tx, readers[1].id, rhythm, Some(now), now));
    let page = get(&browser, "/admin/issues/1").await;
    assert!(page.body.contains("Would go to 2 confirmed readers now"), "{}", page.body);
    let version = page.field("version").expect("a version");
    let save = async |topic: &str| {
        let fields = [
            ("version", version.as_str()),
            ("subject", "Geld"),
            ("preheader", "P"),
            ("intro", "Dag."),
            ("article", "1"),
            ("topic", topic),
            ("do", "save"),
        ];
        post(&browser, "/admin/issues/1", &fields).await
    };
    assert_eq!(save("99").await.status, 422);
    assert_eq!(save("1").await.status, 303);
    let page = get(&browser, "/admin/issues/1").await.body;
    assert!(page.contains("value=\"1\" selected"), "{page}");
    assert!(page.contains("one confirmed reader with the topic “Geld”"), "{page}");
    let schedule = get(&browser, "/admin/issues/1/schedule?when=now").await.body;
    assert!(schedule.contains("one confirmed reader with the topic “Geld”"), "{schedule}");
    let kept = post(&browser, &format!("{PAGE}/1"), &[("do", "archive")]).await;
    assert!(kept.status == 422 && kept.body.contains("Issue 1 is still a draft"), "{}", kept.body);
    let sent = crate::web::admin::schedule(&browser, &[("when", "now")]).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    let mailing = read!(store, |db| postiljon::store::mailings::of_issue(db, postiljon::model::IssueId(1)));
    let mailing = mailing.expect("a mailing");
    assert_eq!(mailing.topic_id, Some(topic));
    let page = get(&browser, &format!("/admin/mailings/{}", mailing.id)).await.body;
    assert!(page.contains("Only for those who have the topic “Geld”."), "{page}");
    let issue = read!(store, |db| issues::by_id(db, postiljon::model::IssueId(1))).expect("there");
    assert_eq!(issue.topic_id, Some(topic));
    app.stop().await;
});
