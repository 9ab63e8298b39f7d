//! What visitors meet.

mod archive;
mod article;
mod challenge;
mod check_inbox;
mod confirm;
mod feed;
mod hosted;
pub mod hostile;
mod issue;
mod links;
mod manage;
mod preferences;
mod subscribe;
mod unsubscribe;

use std::time::Duration;

use postiljon::demo::browser::{Answer, Browser};
use postiljon::keys::Purpose;
use postiljon::model::{Language, Newsletter, OutboxMail};
use postiljon::store::Store;

use crate::support::app::TestApp;
use crate::support::people;

/// A running site with one newsletter.
pub struct Site {
    pub app: TestApp,
    pub newsletter: Newsletter,
    pub browser: Browser,
}

impl Site {
    pub async fn start(store: &Store) -> Self {
        let newsletter = people::newsletter(store, "insights", Language::Dutch).await;
        let app = TestApp::start(store).await;
        let browser = app.browser();
        Self { app, newsletter, browser }
    }

    /// Opens the page, fills it in as a person does, and sends it.
    pub async fn sign_up(&self, browser: &Browser, address: &str) -> Answer {
        // The network of all tests is one: its minute must pass.
        self.app.clock.advance(Duration::from_secs(2 * 60));
        let page = browser.get("/n/insights").await.expect("a page");
        let stamp = page.field("stamp").expect("a stamp");
        self.app.clock.advance(Duration::from_secs(5));
        let fields = [
            ("email", address),
            ("name", "Jan"),
            ("language", "nl"),
            ("consent", "yes"),
            ("website", ""),
            ("shown_in", "nl"),
            ("stamp", stamp.as_str()),
        ];
        browser.post("/n/insights/subscribe", &fields).await.expect("an answer")
    }

    pub async fn mails(&self) -> Vec<OutboxMail> {
        people::take_mails(&self.app.app.store, &self.app.clock).await
    }

    /// The path of the confirmation link in a mail.
    pub fn confirm_path(&self, mail: &OutboxMail) -> String {
        format!("/confirm/{}", self.app.app.keys.derive_token(Purpose::Confirm, &mail.nonce))
    }

    /// The path of the unsubscribe link in a mail.
    pub fn leave_path(&self, mail: &OutboxMail) -> String {
        let id = mail.subscription_id.expect("a mail to a subscriber");
        format!("/unsubscribe/{}", self.app.app.keys.sign_link(Purpose::Unsubscribe, id))
    }

    /// Signs up and confirms; answers the mail.
    pub async fn subscribed(&self, address: &str) -> OutboxMail {
        assert_eq!(self.sign_up(&self.browser, address).await.status, 303);
        let mail = self.mails().await.pop().expect("a mail");
        let answer = self.browser.post(&self.confirm_path(&mail), &[]).await.expect("an answer");
        assert_eq!(answer.status, 303);
        mail
    }

    /// In how many ways the subscriptions stand: status and count.
    pub async fn states(&self) -> Vec<(postiljon::model::SubscriptionStatus, i64)> {
        let mut reader = self.app.app.store.read().await.expect("a reader");
        let mut states = Vec::new();
        for status in postiljon::model::SubscriptionStatus::ALL {
            let count =
                postiljon::store::subscriptions::count(reader.db(), self.newsletter.id, *status).await;
            states.push((*status, count.expect("counted")));
        }
        states
    }
}
