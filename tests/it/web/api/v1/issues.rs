use postiljon::model::{Grant, Role};
use serde_json::{Value, json};

use super::{Program, refusal, refused, said};
use crate::support::app::TestApp;
use crate::support::database::both_dbs;
use crate::support::samples::{issue, newsletter, scheduled};
use crate::web::admin::{get, signed_in};

both_dbs!(issues_are_read_and_checked_as_at_the_desk, |store| {
    let app = TestApp::start(&store).await;
    let mine = newsletter(&store, "mine").await;
    let draft = issue(&store, mine.id).await;
    let program = Program::of(&app, "bo@example.org", &[Grant::of_all(Role::Viewer)]).await;
    let desk = signed_in(&app).await;
    let path = format!("/api/v1/issues/{}", draft.id);
    let shown = said(&program.get(&path).await);
    assert_eq!((shown["subject"].as_str(), shown["status"].as_str()), (Some("Nieuws"), Some("draft")));
    assert_eq!((&shown["newsletter_id"], &shown["articles"]), (&json!(mine.id), &json!([])));
    let checks = said(&program.get(&format!("{path}/checks?language=en")).await);
    let at_desk = get(&desk, &format!("/admin/issues/{}/checks.json", draft.id)).await;
    assert_eq!(checks, serde_json::from_str::<Value>(&at_desk.body).expect("JSON"));
    assert_eq!(checks["can_send"], json!(false));
    // In the language of the owner of the key, where none is asked for.
    let place = said(&program.get(&format!("{path}/checks")).await)["findings"][0]["message"].clone();
    assert_ne!(place, checks["findings"][0]["message"]);
    for way in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"] {
        let answer = program.0.send(way, &path, None).await.expect("an answer");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET")), "{way}");
    }
    app.stop().await;
});

both_dbs!(nobody_learns_of_issues_of_newsletters_that_are_not_theirs, |store| {
    let app = TestApp::start(&store).await;
    let mine = newsletter(&store, "mine").await;
    let theirs = newsletter(&store, "theirs").await;
    let program = Program::of(&app, "bo@example.org", &[Grant::of_one(mine.id, Role::Viewer)]).await;
    let mut own = Vec::new();
    for _ in 0..3 {
        own.push(issue(&store, mine.id).await.id);
        let foreign = scheduled(&store, theirs.id).await.issue_id;
        for path in [format!("/api/v1/issues/{foreign}"), format!("/api/v1/issues/{foreign}/checks")] {
            assert_eq!(refusal(&program.get(&path).await), refused(404, "not_found"));
        }
    }
    own.reverse();
    let mut found = Vec::new();
    let mut path = "/api/v1/issues?limit=2".to_owned();
    loop {
        let page = said(&program.get(&path).await);
        found.extend(page["issues"].as_array().expect("a list").iter().map(|row| row["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/issues?limit=2&cursor={cursor}");
    }
    assert_eq!(json!(found), json!(own));
    let of_mine = said(&program.get("/api/v1/issues?newsletter=mine").await);
    assert_eq!(of_mine["issues"].as_array().map(Vec::len), Some(3));
    let (theirs, none) = (
        program.get("/api/v1/issues?newsletter=theirs").await,
        program.get("/api/v1/issues?newsletter=nothing").await,
    );
    assert_eq!((theirs.status, &theirs.body), (422, &none.body), "as if there were none");
    let owner = Program::of(&app, "an@example.org", &[Grant::of_all(Role::Owner)]).await;
    let all = said(&owner.get("/api/v1/issues?newsletter=theirs").await);
    assert_eq!(all["issues"][0]["status"], json!("scheduled"));
    assert_eq!(said(&owner.get("/api/v1/issues").await)["issues"].as_array().map(Vec::len), Some(6));
    app.stop().await;
});
