use postiljon::model::{ArticleDisplay, MailingStatus, Placed};
use postiljon::store::{PAGE_ROWS, issues, mailings};

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{self, NOW, article, at, issue, issue_text, newsletter, scheduled};

both_dbs!(each_newsletter_numbers_its_issues_from_one, |store| {
    let insights = newsletter(&store, "insights").await;
    let weekly = newsletter(&store, "weekly").await;
    assert_eq!(issue(&store, insights.id).await.number, 1);
    assert_eq!(issue(&store, weekly.id).await.number, 1);
    let second = issue(&store, insights.id).await;
    assert_eq!((second.number, second.version), (2, 1));
    let by_id = read!(store, |db| issues::by_id(db, second.id)).expect("there");
    let by_public_id = read!(store, |db| issues::by_public_id(db, second.public_id)).expect("there");
    assert_eq!(format!("{second:?}"), format!("{by_id:?}"));
    assert_eq!(format!("{second:?}"), format!("{by_public_id:?}"));
    assert!(read!(store, |db| issues::by_public_id(db, uuid::Uuid::nil())).is_none());
});

both_dbs!(saving_an_issue_over_a_stale_version_changes_nothing, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let issue = issue(&store, newsletter.id).await;
    let saved = change!(store, |tx| issues::update(tx, issue.id, 1, &issue_text("Twee"), at(1)));
    let saved = saved.expect("the version was the newest");
    assert_eq!((saved.version, saved.subject.as_str(), saved.updated_at), (2, "Twee", at(1)));
    assert!(change!(store, |tx| issues::update(tx, issue.id, 1, &issue_text("Drie"), at(2))).is_none());
    assert_eq!(read!(store, |db| issues::by_id(db, issue.id)).expect("there").subject, "Twee");
});

both_dbs!(an_issue_that_is_scheduled_is_not_edited_until_it_is_cancelled, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let mailing = scheduled(&store, newsletter.id).await;
    let update = async || change!(store, |tx| issues::update(tx, mailing.issue_id, 1, &issue_text("x"), NOW));
    assert!(update().await.is_none());
    assert!(change!(store, |tx| samples::cancel(tx, mailing.id, NOW)));
    assert!(update().await.is_some());
});

both_dbs!(the_articles_of_an_issue_keep_the_order_they_were_given, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let issue = issue(&store, newsletter.id).await;
    let (one, two, three) =
        (article(&store, "one").await, article(&store, "two").await, article(&store, "three").await);
    let order = async || {
        let found = read!(store, |db| issues::articles(db, issue.id));
        found.into_iter().map(|row| (row.position, row.article.id, row.display)).collect::<Vec<_>>()
    };
    let first = [Placed::new(three.id, ArticleDisplay::Teaser), Placed::new(one.id, ArticleDisplay::Full)];
    change!(store, |tx| issues::set_articles(tx, issue.id, &first));
    assert_eq!(order().await, [(1, three.id, ArticleDisplay::Teaser), (2, one.id, ArticleDisplay::Full)]);
    let second = [Placed::new(one.id, ArticleDisplay::Teaser), Placed::new(two.id, ArticleDisplay::Full)];
    change!(store, |tx| issues::set_articles(tx, issue.id, &second));
    assert_eq!(order().await, [(1, one.id, ArticleDisplay::Teaser), (2, two.id, ArticleDisplay::Full)]);
    change!(store, |tx| issues::set_articles(tx, issue.id, &[]));
    assert!(order().await.is_empty());
});

both_dbs!(a_list_of_issues_shows_the_mailing_that_stands, |store| {
    let insights = newsletter(&store, "insights").await;
    let weekly = newsletter(&store, "weekly").await;
    let mailing = scheduled(&store, insights.id).await;
    change!(store, |tx| samples::cancel(tx, mailing.id, NOW));
    let again = change!(store, |tx| mailings::insert(tx, mailing.issue_id, insights.id, at(9), NOW));
    let article = article(&store, "one").await;
    let full = [Placed::new(article.id, ArticleDisplay::Full)];
    change!(store, |tx| issues::set_articles(tx, mailing.issue_id, &full));
    let draft = issue(&store, weekly.id).await;

    let all = read!(store, |db| issues::list(db, None, 0));
    assert_eq!(all.iter().map(|row| row.id).collect::<Vec<_>>(), [draft.id, mailing.issue_id]);
    assert_eq!((all[0].articles, all[0].mailing_id, all[0].mailing_status), (0, None, None));
    assert_eq!((all[0].due_at, all[0].audience, all[0].sent), (None, None, None));
    let row = &read!(store, |db| issues::list(db, Some(insights.id), 0))[0];
    assert_eq!((row.newsletter_name.as_str(), row.time_zone.as_str()), ("INSIGHTS", "Europe/Brussels"));
    assert_eq!((row.articles, row.mailing_id), (1, Some(again.id)));
    assert_eq!((row.mailing_status, row.due_at), (Some(MailingStatus::Scheduled), Some(at(9))));
    assert_eq!((row.audience, row.sent), (Some(0), Some(0)));
});

both_dbs!(a_page_of_issues_has_one_row_more_when_there_is_a_next_page, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let mut tx = store.begin().await.expect("a transaction");
    for _ in 0..=PAGE_ROWS {
        issues::insert(&mut tx, newsletter.id, &issue_text("x"), NOW).await.expect("inserted");
    }
    tx.commit().await.expect("committed");
    let first = read!(store, |db| issues::list(db, None, 0));
    assert_eq!((i64::try_from(first.len()).expect("small"), first[0].number), (PAGE_ROWS + 1, PAGE_ROWS + 1));
    let second = read!(store, |db| issues::list(db, Some(newsletter.id), 1));
    assert_eq!(second.iter().map(|row| row.number).collect::<Vec<_>>(), [1]);
});
