//! Asking web addresses whether they are there.

use postiljon::clock::Clock;
use postiljon::http::{Http, HttpError, Reach};
use postiljon::model::{ArticleDisplay, LinkVerdict, Placed};
use postiljon::publishing::articles::{ArticleInput, create};
use postiljon::publishing::compose::compose;
use postiljon::publishing::issues::{self, IssueInput};
use postiljon::publishing::links::check_links;
use postiljon::store::link_checks;

use super::input;
use crate::support::app::TestApp;
use crate::support::database::both_dbs;
use crate::support::samples::{NOW, newsletter};

both_dbs!(an_address_without_anything_blocks_and_one_without_an_answer_does_not, |store| {
    let app = TestApp::start(&store).await;
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    // A port where nobody listens: taken, and given back.
    let silent =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let url = &app.url;
    let body = format!(
        "[a]({url}/static/site.css) [b]({url}/static/none.css) [c](http://{silent}/) ![d]({url}/none.png#2x2)"
    );
    let article = ArticleInput { body, canonical_url: String::new(), ..input("Links") };
    let article = create(&store, &clock, &article).await.expect("stored");
    let articles = vec![Placed::new(article.id, ArticleDisplay::Full)];
    let issue = IssueInput { subject: "S".into(), articles, ..IssueInput::default() };
    let issue = issues::create(&store, &clock, newsletter.id, &issue).await.expect("composed");
    let http = Http::new(Reach::Anywhere);
    let asked = check_links(&store, &clock, &http, url, issue.id).await.expect("checked");
    assert_eq!(asked, Some(4));

    let mut reader = store.read().await.expect("a reader");
    for (address, verdict, status) in [
        (format!("{url}/static/site.css"), LinkVerdict::Fine, 200),
        (format!("{url}/static/none.css"), LinkVerdict::Gone, 404),
        (format!("http://{silent}/"), LinkVerdict::Unreachable, 0),
    ] {
        let check = link_checks::last(reader.db(), &address).await.expect("read").expect("asked");
        assert_eq!((check.verdict, check.status, check.checked_at), (verdict, status, NOW), "{address}");
    }
    let composed = compose(reader.db(), issue.id, NOW, url).await.expect("read").expect("there");
    let keys: Vec<_> = composed.findings.iter().map(|finding| (finding.key(), finding.blocks())).collect();
    for expected in [("check-link-dead", true), ("check-link-unreachable", false), ("check-image-gone", true)]
    {
        assert!(keys.contains(&expected), "{keys:?}");
    }
    assert!(keys.iter().all(|(key, _)| *key != "check-links-unchecked"), "{keys:?}");
    app.stop().await;
});

#[tokio::test]
async fn nothing_of_our_own_network_is_ever_connected_to() {
    let canary = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = canary.local_addr().expect("an address").port();
    let http = Http::new(Reach::Public);
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "0.0.0.0",
        "user@127.0.0.1",
    ] {
        let url = format!("http://{host}:{port}/").parse().expect("a URL");
        assert!(http.look(&url).await.is_err(), "{host}");
    }
    let url = format!("http://127.0.0.1:{port}/").parse().expect("a URL");
    assert!(matches!(http.look(&url).await, Err(HttpError::Private)));
    // What was connected would be waiting here: the listener was there all the time.
    let nobody = tokio::time::timeout(std::time::Duration::from_millis(50), canary.accept()).await;
    assert!(nobody.is_err(), "somebody connected");
}
