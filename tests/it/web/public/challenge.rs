//! `/api/forms/{form}/challenge`: what a browser may work on before it signs up.

use postiljon::store::forms;
use postiljon::subscriptions::proof::{self, Challenge};

use super::Site;
use crate::support::database::{both_dbs, execute, read};

both_dbs!(a_browser_that_solves_the_challenge_is_let_through_where_others_wait, |store| {
    let site = Site::start(&store).await;
    execute(&store, "UPDATE forms SET proof_policy = 'always'").await;
    let form = read!(store, |db| forms::default_of(db, site.newsletter.id)).public_id;
    let solve = async || {
        let answer = site.browser.get(&format!("/api/forms/{form}/challenge")).await.expect("an answer");
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")));
        assert!(answer.header("set-cookie").is_none());
        let challenge: Challenge = serde_json::from_str(&answer.body).expect("a challenge");
        proof::solve(&challenge).expect("solved")
    };
    let post = async |n: u32, proof: &str| {
        let address = format!("p{n}@example.org");
        let fields = [("email", address.as_str()), ("consent", "yes"), ("altcha", proof)];
        site.app.browser().post("/n/insights/subscribe", &fields).await.expect("an answer").status
    };
    let mut statuses = Vec::new();
    for n in 0..4 {
        statuses.push(post(n, &solve().await).await);
    }
    for n in 4..8 {
        statuses.push(post(n, "").await);
    }
    assert_eq!(statuses, [303, 303, 303, 303, 303, 303, 303, 429]);
    site.app.stop().await;
});

both_dbs!(there_is_no_challenge_for_a_form_that_there_is_not, |store| {
    let site = Site::start(&store).await;
    for form in ["x", "0197a0c0-0000-7000-8000-000000000000", "..%2f", "%00"] {
        let answer = site.browser.get(&format!("/api/forms/{form}/challenge")).await.expect("an answer");
        assert_eq!(answer.status, 404, "{form}");
    }
    site.app.stop().await;
});
