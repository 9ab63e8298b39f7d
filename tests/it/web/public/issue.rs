use super::Site;
use crate::support::database::both_dbs;
use crate::support::people::People;

both_dbs!(an_issue_can_be_read_once_its_mailing_has_begun, |store| {
    let site = Site::start(&store).await;
    let people = People::of_newsletter(&store, site.newsletter.clone()).await;
    let (issue, mailing) = people.scheduled().await;
    let path = format!("/i/{}", issue.public_id);
    assert_eq!(site.browser.get(&path).await.expect("an answer").status, 404);
    people.start(&mailing).await;
    let page = site.browser.get(&path).await.expect("an answer");
    assert_eq!((page.status, page.body.as_str()), (200, "<!doctype html><p>for anyone</p>"));
    assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("sandbox")));
    assert_eq!(page.header("x-robots-tag"), Some("noindex"));
    let sign_up = site.browser.get("/n/insights").await.expect("an answer");
    assert!(sign_up.body.contains(&path), "the latest issue is offered");
    site.app.stop().await;
});
