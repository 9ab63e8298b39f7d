//! The desk, through real HTTP.

mod account;
mod articles;
mod digests;
mod forms;
mod images;
mod issues;
mod login;
mod logo;
mod mailings;
mod newsletters;
mod passkeys;
mod people;
mod provider;
mod readers;
mod settings;
mod subscribers;
mod topics;
mod welcome;
mod writing;

use postiljon::accounts::users::{NewUser, add_user};
use postiljon::demo::browser::{Answer, Browser};
use postiljon::model::Language;

use crate::support::app::TestApp;

pub const ADDRESS: &str = "an@example.org";
pub const PASSWORD: &str = "een lang wachtwoord voor An";

/// A browser in which An, who reads English, is signed in.
pub async fn signed_in(app: &TestApp) -> Browser {
    enter(app, "An", ADDRESS).await
}

/// The same for Bo, a colleague of another address.
pub async fn signed_in_as(app: &TestApp, address: &str) -> Browser {
    enter(app, "Bo", address).await
}

async fn enter(app: &TestApp, name: &str, address: &str) -> Browser {
    let new = NewUser { address, name, language: Language::English, password: PASSWORD };
    add_user(&app.app.store, &app.clock, new).await.expect("added");
    let browser = app.browser();
    let answer = browser
        .post("/admin/login", &[("address", address), ("password", PASSWORD)])
        .await
        .expect("an answer");
    assert_eq!((answer.status, answer.location()), (303, "/admin"), "{}", answer.body);
    browser
}

pub async fn get(browser: &Browser, path: &str) -> Answer {
    let answer = browser.get(path).await.expect("an answer");
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer
}

/// Posts with the token of a page of the desk.
pub async fn post(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let csrf = get(browser, "/admin").await.field("csrf").expect("a token");
    let fields: Vec<_> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
    browser.post(path, &fields).await.expect("an answer")
}

/// Schedules issue 1 by the button of the last step, as the page of that step has it.
pub async fn schedule(browser: &Browser, fields: &[(&str, &str)]) -> Answer {
    // Where there is nobody yet, "later" shows the last step all the same.
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields.iter().filter(|(name, _)| *name == "reason"));
    query.extend_pairs([("when", "later"), ("date", "2027-03-01"), ("time", "09:00")]);
    let page = get(browser, &format!("/admin/issues/1/schedule?{}", query.finish())).await;
    let seen = page.field("seen").expect("the last step");
    let fields: Vec<_> = fields.iter().copied().chain([("seen", seen.as_str())]).collect();
    post(browser, "/admin/issues/1/schedule", &fields).await
}
