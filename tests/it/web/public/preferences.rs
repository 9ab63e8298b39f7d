use std::time::Duration;

use postiljon::demo::browser::Answer;
use postiljon::keys::Purpose;
use postiljon::model::{Agreed, OutboxKind, OutboxMail, Subscription, Tracking};
use postiljon::publishing::newsletters::set_tracking;
use postiljon::publishing::topics::add;
use postiljon::store::{subscriptions, topics};

use super::Site;
use crate::publishing::topics::words;
use crate::support::database::{both_dbs, execute, read};

impl Site {
    fn preferences_path(&self, mail: &OutboxMail) -> String {
        let id = mail.subscription_id.expect("a mail to a subscriber");
        format!("/preferences/{}", self.app.app.keys.sign_link(Purpose::Preferences, id))
    }

    async fn subscription(&self, mail: &OutboxMail) -> Subscription {
        let id = mail.subscription_id.expect("a mail to a subscriber");
        read!(self.app.app.store, |db| subscriptions::by_id(db, id)).expect("there")
    }

    async fn get(&self, path: &str) -> Answer {
        self.browser.get(path).await.expect("an answer")
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.browser.post(path, fields).await.expect("an answer")
    }
}

both_dbs!(the_page_shows_the_address_masked_and_looking_changes_nothing, |store| {
    let site = Site::start(&store).await;
    let topic = add(&store, &site.app.clock, site.newsletter.id, &words("Geld"), true).await.expect("added");
    let mail = site.subscribed("jan.peeters@example.org").await;
    let path = site.preferences_path(&mail);
    let before = format!("{:?}", site.subscription(&mail).await);
    for below in ["", "/erase", "/data.json", "/data.csv", "/topics", "/pause", "/tracking", "/address"] {
        for method in ["GET", "HEAD", "OPTIONS"] {
            site.browser.send(method, &format!("{path}{below}"), None).await.expect("an answer");
        }
    }
    assert_eq!(format!("{:?}", site.subscription(&mail).await), before);
    assert_eq!(read!(store, |db| topics::chosen(db, mail.subscription_id.expect("an id"))), [topic.id]);
    let page = site.get(&path).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("j***@e***.org") && !page.body.contains("jan.peeters@example.org"));
    assert!(page.body.contains("name=\"robots\" content=\"noindex\"") && !page.body.contains("<script"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert!(page.header("set-cookie").is_none());
    assert!(page.body.contains("/unsubscribe/") && page.body.contains("Geld"));
    site.app.stop().await;
});

/// A group of the page, what is posted to it, and what it then says.
type Post<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str);

both_dbs!(each_group_saves_by_itself_and_says_so, |store| {
    let site = Site::start(&store).await;
    let topic = add(&store, &site.app.clock, site.newsletter.id, &words("Geld"), true).await.expect("added");
    let mail = site.subscribed("jan@example.org").await;
    let path = site.preferences_path(&mail);
    let id = topic.id.to_string();
    let posts: [Post<'_>; 7] = [
        ("topics", vec![], "Bewaard. Vanaf het volgende nummer"),
        (
            "topics",
            vec![("topic", &id), ("topic", "999"), ("topic", "x")],
            "Bewaard. Vanaf het volgende nummer",
        ),
        ("pause", vec![("until", "3")], "Tot dan krijg je niets"),
        ("resume", vec![], "Welkom terug"),
        ("tracking", vec![("clicks", "yes"), ("shown_in", "nl")], "Bewaard."),
        ("address", vec![("email", "new@example.net")], "druk binnen 7 dagen"),
        ("language", vec![("language", "fr")], "désormais en français"),
    ];
    for (group, fields, words) in posts {
        // A double click.
        for _ in 0..2 {
            let answer = site.post(&format!("{path}/{group}"), &fields).await;
            assert_eq!((answer.status, answer.location()), (303, format!("{path}?saved={group}").as_str()));
        }
        let page = site.get(&format!("{path}?saved={group}")).await;
        assert!(page.body.to_lowercase().contains(&words.to_lowercase()), "{group}: {}", page.body);
    }
    let now = site.subscription(&mail).await;
    assert_eq!(now.language.as_str(), "fr");
    assert_eq!(now.agreed(), Agreed { opens: false, clicks: true });
    assert!(now.audience_since.is_some() && now.paused_until.is_none());
    assert_eq!(read!(store, |db| topics::chosen(db, now.id)), [topic.id]);
    // The language that a page was read in stays.
    let answer = site.post(&format!("{path}/pause?lang=de"), &[("until", "1")]).await;
    assert_eq!(answer.location(), format!("{path}?saved=pause&lang=de"));
    let page = site.get(answer.location()).await;
    assert!(page.body.contains("Sie bekommen nichts bis zum 24. Dezember 2026"), "{}", page.body);
    assert_eq!(site.post(&format!("{path}/nothing"), &[]).await.status, 404);
    site.app.stop().await;
});

both_dbs!(being_counted_is_asked_where_it_is_done_and_shown_where_it_was_agreed_to, |store| {
    let site = Site::start(&store).await;
    let path = site.preferences_path(&site.subscribed("jan@example.org").await);
    let page = async |mode, agreed: &[(&'static str, &'static str)]| {
        set_tracking(&store, site.newsletter.id, None, mode).await.expect("set");
        let fields = [&[("shown_in", "nl")], agreed].concat();
        site.post(&format!("{path}/tracking"), &fields).await;
        site.get(&format!("{path}?lang=en")).await.body
    };
    let (opens, clicks) = (("opens", "yes"), ("clicks", "yes"));
    const WITHOUT: &str = "Without a tick you count in the totals of all readers only";
    const TOTALS: &str = "New mails now count totals of all readers only";
    // What was agreed to, the boxes that are shown, and the words below them.
    type Case<'a> = (Tracking, &'a [(&'static str, &'static str)], &'a [&'a str], &'a str);
    let cases: [Case<'_>; 9] = [
        (Tracking::Off, &[], &[], ""),
        (Tracking::Aggregate, &[], &[], ""),
        (Tracking::Person, &[], &["opens", "clicks"], WITHOUT),
        (Tracking::Person, &[opens], &["opens", "clicks"], WITHOUT),
        (Tracking::Person, &[opens, clicks], &["opens", "clicks"], WITHOUT),
        (Tracking::Aggregate, &[opens, clicks], &["opens", "clicks"], TOTALS),
        (Tracking::Aggregate, &[clicks], &["clicks"], TOTALS),
        (Tracking::Off, &[clicks], &["clicks"], "New mails now count nothing."),
        (Tracking::Off, &[opens], &["opens"], "New mails now count nothing."),
    ];
    for (mode, agreed, boxes, words) in cases {
        let page = page(mode, agreed).await;
        for name in ["opens", "clicks"] {
            let case = format!("{name}, {mode}, {agreed:?}");
            let tick = page.split("<input").find(|input| input.contains(&format!("name=\"{name}\"")));
            assert_eq!(tick.is_some(), boxes.contains(&name), "{case}: {page}");
            let is_ticked = tick.is_some_and(|input| input.contains("value=\"yes\" checked"));
            assert_eq!(is_ticked, agreed.iter().any(|(field, _)| *field == name), "{case}");
        }
        assert!(page.contains(words), "{mode}, {agreed:?}: {page}");
        for (name, words) in
            [("opens", "may see whether I open its mails"), ("clicks", "may see which links I follow")]
        {
            assert_eq!(page.contains(words), boxes.contains(&name), "each box has words of its own");
        }
    }
    site.app.stop().await;
});

both_dbs!(mistakes_stand_beside_their_field_and_lose_nothing, |store| {
    let site = Site::start(&store).await;
    let mail = site.subscribed("jan@example.org").await;
    let path = site.preferences_path(&mail);
    for (date, words) in [
        ("2020-01-01", "Kies een dag na vandaag"),
        ("2031-01-01", "hoogstens een jaar"),
        ("soon", "Kies een dag, of een van de keuzes"),
    ] {
        let page = site.post(&format!("{path}/pause"), &[("until", "date"), ("date", date)]).await;
        assert_eq!(page.status, 422);
        assert!(
            page.body.contains(words) && page.body.contains(&format!("value=\"{date}\"")),
            "{}",
            page.body
        );
        assert!(page.body.contains("aria-describedby=\"date-error\""));
        assert!(page.body.contains(&format!("href=\"{path}?lang=de\"")), "{}", page.body);
    }
    let page = site.post(&format!("{path}/address"), &[("email", "jan<@x")]).await;
    assert_eq!(page.status, 422);
    assert!(
        page.body.contains("value=\"jan&#60;@x\"") || page.body.contains("value=\"jan&lt;@x\""),
        "{}",
        page.body
    );
    assert!(page.body.contains("email-error") && page.body.contains("<details class=\"group\" open>"));
    assert_eq!(site.post(&format!("{path}/language"), &[("language", "xx")]).await.status, 400);
    assert!(site.subscription(&mail).await.audience_since.is_some());
    site.app.stop().await;
});

both_dbs!(a_link_of_another_purpose_or_a_forged_one_is_unknown, |store| {
    let site = Site::start(&store).await;
    let mail = site.subscribed("jan@example.org").await;
    let path = site.preferences_path(&mail);
    let leave = site.leave_path(&mail).replace("/unsubscribe/", "/preferences/");
    let forged = path[..path.len() - 1].to_owned() + if path.ends_with('a') { "b" } else { "a" };
    for wrong in [leave.as_str(), forged.as_str(), "/preferences/x"] {
        for below in ["", "/erase", "/data.json", "/data.csv"] {
            assert_eq!(site.get(&format!("{wrong}{below}")).await.status, 404, "{wrong}{below}");
        }
        for (below, field) in [
            ("topics", ("", "")),
            ("pause", ("until", "1")),
            ("erase", ("", "")),
            ("address", ("email", "a@b.example")),
        ] {
            assert_eq!(site.post(&format!("{wrong}/{below}"), &[field]).await.status, 404, "{wrong}/{below}");
        }
    }
    let leave = path.replace("/preferences/", "/unsubscribe/");
    assert_eq!(site.post(&leave, &[]).await.status, 404, "nor is it a link to leave");
    assert!(site.subscription(&mail).await.audience_since.is_some());
    site.app.stop().await;
});

both_dbs!(my_data_can_be_kept_and_deleted, |store| {
    let site = Site::start(&store).await;
    let mail = site.subscribed("jan@example.org").await;
    let path = site.preferences_path(&mail);
    let json = site.get(&format!("{path}/data.json")).await;
    assert_eq!((json.status, json.header("content-type")), (200, Some("application/json")));
    assert_eq!(json.header("content-disposition"), Some("attachment; filename=\"my-data.json\""));
    let data: serde_json::Value = serde_json::from_str(&json.body).expect("JSON");
    assert_eq!(data["address"], "jan@example.org");
    assert_eq!(data["consents"].as_array().map(Vec::len), Some(2));
    assert_eq!(data["subscriptions"][0]["status"], "confirmed");
    let csv = site.get(&format!("{path}/data.csv")).await;
    assert!(csv.header("content-type").is_some_and(|kind| kind.starts_with("text/csv")));
    assert!(csv.body.starts_with("part,newsletter,at,what,value\n") && csv.body.contains("jan@example.org"));
    let ask = site.get(&format!("{path}/erase")).await;
    assert!(ask.status == 200 && ask.body.contains("Ja, alles verwijderen"));
    let erased = site.post(&format!("{path}/erase"), &[]).await;
    assert!(erased.status == 200 && erased.body.contains("Alles is verwijderd"), "{}", erased.body);
    for below in ["", "/erase", "/data.json", "/data.csv"] {
        assert_eq!(site.get(&format!("{path}{below}")).await.status, 410, "{below}");
    }
    assert_eq!(site.post(&format!("{path}/erase"), &[]).await.status, 410);
    assert_eq!(site.post(&format!("{path}/topics"), &[]).await.status, 410);
    site.app.stop().await;
});

both_dbs!(an_address_is_changed_by_one_button_in_the_mail_to_it, |store| {
    let site = Site::start(&store).await;
    let mail = site.subscribed("jan@example.org").await;
    let path = site.preferences_path(&mail);
    let known = site.subscribed("els@example.org").await;
    assert_eq!(site.mails().await.len(), 0);
    let taken = site.post(&format!("{path}/address"), &[("email", "els@example.org")]).await;
    let free = site.post(&format!("{path}/address"), &[("email", "new@example.net")]).await;
    assert_eq!((taken.status, taken.location()), (free.status, free.location()));
    let mails = site.mails().await;
    let question = mails.iter().find(|mail| mail.kind == OutboxKind::AddressChange).expect("a mail");
    let button =
        format!("/address/{}", site.app.app.keys.derive_token(Purpose::AddressChange, &question.nonce));
    for method in ["GET", "HEAD", "OPTIONS"] {
        site.browser.send(method, &button, None).await.expect("an answer");
    }
    let page = site.get(&button).await;
    assert!(
        page.status == 200 && page.body.contains("n***@e***.net") && !page.body.contains("new@example.net")
    );
    assert!(site.get(&path).await.body.contains("j***@e***.org"), "looking changed nothing");
    for _ in 0..2 {
        let pressed = site.post(&button, &[]).await;
        assert_eq!((pressed.status, pressed.location()), (303, button.as_str()));
    }
    let done = site.get(&button).await;
    assert!(done.status == 200 && done.body.contains("Je adres is gewijzigd"), "{}", done.body);
    assert!(site.get(&path).await.body.contains("n***@e***.net"));
    assert_eq!(site.post("/address/x", &[]).await.status, 404);
    // Seven days later, and for an address that has a subscription.
    let path = site.preferences_path(&known);
    site.app.clock.advance(Duration::from_secs(24 * 3600));
    site.post(&format!("{path}/address"), &[("email", "new@example.net")]).await;
    site.app.clock.advance(Duration::from_secs(60));
    let mails = site.mails().await;
    let question = mails.iter().find(|mail| mail.kind == OutboxKind::AddressChange).expect("a mail");
    let button =
        format!("/address/{}", site.app.app.keys.derive_token(Purpose::AddressChange, &question.nonce));
    assert_eq!(site.post(&button, &[]).await.status, 409);
    site.app.clock.advance(Duration::from_secs(7 * 24 * 3600));
    assert_eq!(site.post(&button, &[]).await.status, 410);
    site.app.stop().await;
});

both_dbs!(before_confirming_and_after_leaving_the_page_says_why_there_is_nothing_to_choose, |store| {
    let site = Site::start(&store).await;
    site.sign_up(&site.browser, "jan@example.org").await;
    let mail = site.mails().await.pop().expect("a mail");
    let path = site.preferences_path(&mail);
    assert!(site.get(&path).await.body.contains("Nog niet bevestigd"));
    site.post(&site.confirm_path(&mail), &[]).await;
    site.post(&site.leave_path(&mail), &[]).await;
    let left = site.get(&path).await;
    assert!(left.status == 200 && left.body.contains("Je bent niet ingeschreven"));
    assert!(left.body.contains("/data.csv") && left.body.contains("/n/insights"));
    let refused = site.post(&format!("{path}/pause"), &[("until", "1")]).await;
    assert_eq!((refused.status, refused.location()), (303, path.as_str()));
    site.app.stop().await;
});

both_dbs!(a_reader_with_a_digest_is_told_so, |store| {
    let site = Site::start(&store).await;
    let path = site.preferences_path(&site.subscribed("jan@example.org").await);
    let digest = "één overzicht per maand";
    assert!(!site.get(&path).await.body.contains(digest), "no page promises what is not there");
    execute(&store, "UPDATE subscriptions SET rhythm = 'monthly', audience_since = NULL").await;
    assert!(site.get(&path).await.body.contains(digest));
    site.app.stop().await;
});
