use postiljon::model::{ArchivePolicy, ArticleDisplay, ArticleStatus, Placed};
use postiljon::publishing::articles::{self, ArticleInput};
use postiljon::publishing::compose::compose;

use super::archive::Archive;
use crate::support::database::both_dbs;
use crate::support::press::{piece, words};

both_dbs!(a_published_article_has_a_page_and_a_draft_has_none, |store| {
    let archive = Archive::start(&store).await;
    let clock = archive.site.app.clock.clone();
    let body = "Dag {{name|lezer}} van {{newsletter}}.\n\n## Kop\n\n![Brug](https://pictures.example/b.png)\n\n<b>x</b>";
    let article = archive.press.article(&piece("Over <bruggen>", body)).await;
    let page = archive.get("/a/over-bruggen?lang=en").await;
    assert_eq!(page.status, 200);
    let url = format!("{}/a/over-bruggen", archive.site.app.url);
    for part in [
        "<h1 dir=\"auto\">Over &#60;bruggen&#62;</h1>",
        "By An Peeters",
        "24 November 2026",
        "<article lang=\"nl\"",
        "<p>Dag lezer van News &lt;insights&gt;.</p>",
        "<h2>Kop</h2>",
        "&lt;b&gt;x&lt;/b&gt;",
        &format!("<link rel=\"canonical\" href=\"{url}\">"),
        "<meta property=\"og:image\" content=\"https://pictures.example/b.png\">",
        "<meta name=\"description\" content=\"Kort gezegd.\">",
        "href=\"/n/insights?lang=en\"",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(page.header("content-security-policy").is_some_and(|policy| !policy.contains("unsafe")));
    articles::set_status(&store, &clock, article.id, ArticleStatus::Draft).await.expect("drafted");
    for nowhere in ["/a/over-bruggen", "/a/nergens", "/a/..%2f", "/a/A", "/a/%00"] {
        assert_eq!(archive.get(nowhere).await.status, 404, "{nowhere}");
    }
    archive.site.app.stop().await;
});

both_dbs!(an_article_is_indexed_when_a_public_archive_has_it_and_no_other_site_does, |store| {
    let archive = Archive::start(&store).await;
    let home =
        ArticleInput { canonical_url: "https://www.blog.example/x".into(), ..piece("Elders", "Een brug.") };
    let (own, elsewhere) =
        (archive.press.article(&piece("Hier", "Een brug.")).await, archive.press.article(&home).await);
    let is_indexed = async |path: &str| {
        let page = archive.get(path).await;
        let meta = page.body.contains("<meta name=\"robots\" content=\"noindex\">");
        assert_eq!(meta, page.header("x-robots-tag") == Some("noindex"), "{path}");
        !meta
    };
    archive.set(ArchivePolicy::Public).await;
    assert!(!is_indexed("/a/hier").await, "it was not sent yet");
    let (issue, _) =
        archive.press.sent(archive.site.newsletter.id, &words("Bruggen"), &[&own, &elsewhere]).await;
    assert!(is_indexed("/a/hier").await);
    assert!(!is_indexed("/a/elders").await, "its home is elsewhere");
    let page = archive.get("/a/elders?lang=en").await.body;
    assert!(page.contains("<link rel=\"canonical\" href=\"https://www.blog.example/x\">"), "{page}");
    assert!(page.contains("It first appeared on <a href=\"https://www.blog.example/x\">blog.example</a>"));
    assert!(page.contains(&format!("<a href=\"/i/{}\" lang=\"nl\">Bruggen</a>", issue.public_id)), "{page}");
    archive.set(ArchivePolicy::Unlisted).await;
    assert!(!is_indexed("/a/hier").await);
    archive.set(ArchivePolicy::Off).await;
    assert!(!is_indexed("/a/hier").await);
    assert!(!archive.get("/a/hier").await.body.contains("/i/"), "an archive that is off is not linked");
    archive.site.app.stop().await;
});

both_dbs!(an_article_with_a_new_short_name_is_found_by_the_old_one, |store| {
    let archive = Archive::start(&store).await;
    let clock = archive.site.app.clock.clone();
    let article = archive.press.article(&piece("Bruggen", "Een brug.")).await;
    let renamed = ArticleInput { slug: "kaaien".into(), ..piece("Bruggen", "Een brug.") };
    articles::save(&store, &clock, article.id, article.version, &renamed).await.expect("saved");
    let moved = archive.get("/a/bruggen").await;
    assert_eq!((moved.status, moved.location()), (301, "/a/kaaien"));
    assert_eq!(archive.get("/a/kaaien").await.status, 200);
    // Links in mails lead by the old one: it never becomes another article's, not by its title and not by hand.
    let namesake = archive.press.article(&piece("Bruggen", "Een andere brug.")).await;
    assert_eq!(namesake.slug.as_str(), "bruggen-2");
    let taken = ArticleInput { slug: "bruggen".into(), ..piece("Andere", "Nog een brug.") };
    let made = articles::create(&store, &clock, &taken).await.expect_err("refused");
    let saved = articles::save(&store, &clock, namesake.id, namesake.version, &taken).await;
    for error in [made, saved.expect_err("refused")] {
        let articles::ArticleError::Invalid(errors) = error else { panic!("{error}") };
        assert_eq!(errors.field("slug").map(|message| message.key()), Some("error-slug-had"));
    }
    assert_eq!(archive.get("/a/bruggen").await.location(), "/a/kaaien");
    // Whose it was has it again.
    let back = ArticleInput { slug: "bruggen".into(), ..renamed.clone() };
    let back = articles::save(&store, &clock, article.id, 2, &back).await.expect("saved");
    articles::save(&store, &clock, article.id, back.version, &renamed).await.expect("saved");
    articles::set_status(&store, &clock, article.id, ArticleStatus::Draft).await.expect("drafted");
    assert_eq!(archive.get("/a/bruggen").await.status, 404, "a draft does not say its name");
    archive.site.app.stop().await;
});

both_dbs!(an_article_that_cannot_be_a_mail_is_shown_as_it_was_written, |store| {
    let archive = Archive::start(&store).await;
    archive.press.article(&piece("Velden", "Dag {{naam}} <script>alert(1)</script>\n\nTot ziens")).await;
    let page = archive.get("/a/velden").await;
    assert!(
        page.status == 200 && page.body.contains("<p>Dag {{naam}} &lt;script&gt;alert(1)&lt;/script&gt;</p>")
    );
    assert!(page.body.contains("<p>Tot ziens</p>") && !page.body.contains("<script>"));
    archive.site.app.stop().await;
});

both_dbs!(a_teaser_of_an_article_that_is_at_home_here_leads_to_its_page, |store| {
    let archive = Archive::start(&store).await;
    let home =
        ArticleInput { canonical_url: "https://www.blog.example/x".into(), ..piece("Elders", "Een brug.") };
    let (own, elsewhere) =
        (archive.press.article(&piece("Hier", "Een brug.")).await, archive.press.article(&home).await);
    let rows = [&own, &elsewhere].map(|article| Placed::new(article.id, ArticleDisplay::Teaser));
    let issue = archive.press.issue(archive.site.newsletter.id, &words("Bruggen"), &rows).await;
    let mut reader = store.read().await.expect("a reader");
    let url = &archive.site.app.url;
    let composed = compose(reader.db(), issue.id, archive.site.app.clock.now(), url).await.expect("read");
    drop(reader);
    let rendered = composed.expect("there").rendered.expect("rendered");
    let page = format!("{url}/a/hier");
    for link in [page.as_str(), "https://www.blog.example/x"] {
        assert!(rendered.html.contains(&format!("href=\"{link}\"")), "{link}: {}", rendered.html);
        assert!(rendered.text.contains(&format!("\n{link}\n")), "{link}: {}", rendered.text);
    }
    assert!(!rendered.html.contains("/a/elders"));
    archive.site.app.stop().await;
});
