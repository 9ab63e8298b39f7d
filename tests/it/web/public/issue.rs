use postiljon::model::ArchivePolicy;

use super::Site;
use super::archive::Archive;
use crate::support::database::both_dbs;
use crate::support::people::People;
use crate::support::press::{piece, words};

both_dbs!(an_issue_can_be_read_once_its_mailing_has_begun, |store| {
    let site = Site::start(&store).await;
    let people = People::of_newsletter(&store, site.newsletter.clone()).await;
    let (issue, mailing) = people.scheduled().await;
    let path = format!("/i/{}", issue.public_id);
    assert_eq!(site.browser.get(&path).await.expect("an answer").status, 404);
    people.start(&mailing).await;
    let page = site.browser.get(&path).await.expect("an answer");
    assert!(page.status == 200 && page.body.contains("<p>for anyone</p>"), "{}", page.body);
    assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("sandbox")));
    assert_eq!(page.header("x-robots-tag"), Some("noindex"));
    let sign_up = site.browser.get("/n/insights").await.expect("an answer");
    assert!(sign_up.body.contains(&path), "the latest issue is offered");
    site.app.stop().await;
});

both_dbs!(an_issues_page_says_what_it_is_to_those_who_share_it, |store| {
    let archive = Archive::start(&store).await;
    archive.set(ArchivePolicy::Public).await;
    let body = "Een brug.\n\n![Een brug](https://pictures.example/brug.png#100x50)";
    let article = archive.press.article(&piece("Over <bruggen>", body)).await;
    let mut text = words("Dag {{name|lezer}} & co");
    text.preheader = "Van {{name|lezer}} \"hier\"".into();
    let (issue, _) = archive.press.sent(archive.site.newsletter.id, &text, &[&article]).await;
    let path = format!("/i/{}", issue.public_id);
    let page = archive.get(&path).await;
    let url = format!("{}{path}", archive.site.app.url);
    for part in [
        "<title>Dag lezer &#38; co · News &#60;insights&#62;</title>",
        &format!("<link rel=\"canonical\" href=\"{url}\">"),
        "<meta name=\"description\" content=\"Van lezer &#34;hier&#34;\">",
        "<meta property=\"og:title\" content=\"Dag lezer &#38; co\">",
        "<meta property=\"og:type\" content=\"article\">",
        &format!("<meta property=\"og:url\" content=\"{url}\">"),
        "<meta property=\"og:site_name\" content=\"News &#60;insights&#62;\">",
        "<meta property=\"og:image\" content=\"https://pictures.example/brug.png\">",
        "<meta property=\"article:published_time\" content=\"2026-11-24T09:00:00Z\">",
        "type=\"application/atom+xml\"",
        "Over &lt;bruggen&gt;",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert_eq!(page.body.matches("<title>").count(), 1);
    assert!(!page.body.contains("<script") && !page.body.contains("/unsubscribe/"));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline'; img-src"), "{policy}");
    archive.site.app.stop().await;
});

both_dbs!(an_issue_leads_to_those_beside_it, |store| {
    let archive = Archive::start(&store).await;
    let first = archive.sent("Een", "Een brug.").await;
    let second = archive.sent("Twee", "Een brug.").await;
    let third = archive.sent("Drie", "Een brug.").await;
    let page = archive.get(&format!("/i/{}?lang=en", second.public_id)).await.body;
    assert!(page.contains(&format!("rel=\"prev\" href=\"/i/{}\"", first.public_id)), "{page}");
    assert!(page.contains(&format!("rel=\"next\" href=\"/i/{}\"", third.public_id)), "{page}");
    assert!(page.contains("Previous issue") && page.contains("lang=\"en\""));
    let page = archive.get(&format!("/i/{}?lang=nl", first.public_id)).await.body;
    assert!(!page.contains("rel=\"prev\"") && page.contains("Volgend nummer"), "{page}");
    archive.set(ArchivePolicy::Off).await;
    let page = archive.get(&format!("/i/{}", second.public_id)).await.body;
    assert!(!page.contains("rel=\"prev\"") && !page.contains("feed.rss") && page.contains("Een brug."));
    archive.site.app.stop().await;
});
