//! Signing in through a provider: the good path, and every refusal (S25), through real HTTP with a provider on loopback.

use std::time::Duration;

use postiljon::accounts::authenticator::{code, period_of};
use postiljon::accounts::people::{self, Invitation};
use postiljon::accounts::provider::Provider;
use postiljon::accounts::second_factor::{self, State};
use postiljon::accounts::users::{NewUser, add_user_as};
use postiljon::clock::Clock;
use postiljon::demo::browser::{Answer, Browser};
use postiljon::http::{Http, Reach};
use postiljon::keys::Purpose;
use postiljon::model::{Actor, EmailAddress, Grant, Language, Role, User};
use postiljon::store::audit::AuditFilter;
use postiljon::store::{Store, audit, identities, outbox_contents, users};
use serde_json::{Value, json};

use super::{ADDRESS, PASSWORD, get, post};
use crate::support::app::{START, TestApp};
use crate::support::database::{both_dbs, change, everything, execute, read};
use crate::support::people::take_mails;
use crate::support::provider::{AnswerToCode, MockProvider, Person, Plan, Sign, person};
use crate::support::samples::newsletter;

const BACK: &str = "/admin/login/provider/return";
const STRANGER: &str = "Nobody who may work here";
const OVER: &str = "is over, was used already";
const FAILED: &str = "did not answer, or answered";
const DOMAIN: &str = "example.org";

/// The desk with its provider, An who reads English, and a newsletter in whose name mails come.
struct Office {
    app: TestApp,
    provider: MockProvider,
    an: User,
}

impl Office {
    async fn open(store: &Store, allowed_domains: &[&str]) -> Self {
        Self::with(store, allowed_domains, true).await
    }

    async fn with(store: &Store, allowed_domains: &[&str], password_login: bool) -> Self {
        let clock = Clock::test(START);
        let provider = MockProvider::start(&clock).await;
        let mut settings = provider.settings(allowed_domains);
        settings.password_login = password_login;
        let client = Provider::new(settings, Http::new(Reach::Anywhere));
        let app = TestApp::start_with(store, clock, |app| app.provider = Some(client)).await;
        newsletter(store, "insights").await;
        let an = add(&app, ADDRESS, "An").await;
        Self { app, provider, an }
    }

    /// An, signed in with her password.
    async fn an(&self) -> Browser {
        let browser = self.app.browser();
        let answer = browser.post("/admin/login", &[("address", ADDRESS), ("password", PASSWORD)]).await;
        assert_eq!(answer.expect("an answer").location(), "/admin");
        browser
    }

    /// An's account at the provider is linked to hers here.
    async fn linked(&self) -> Person {
        let there = person("an-there", "an@elsewhere.example");
        self.link(self.an.id.0, &there.subject).await;
        there
    }

    async fn link(&self, user: i64, subject: &str) {
        let issuer = self.provider.issuer.clone();
        let user = postiljon::model::UserId(user);
        let mut tx = self.app.app.store.begin().await.expect("a transaction");
        assert!(identities::insert(&mut tx, user, &issuer, subject, START).await.expect("written"));
        tx.commit().await.expect("committed");
    }

    /// A browser goes to the provider; answers where it is sent.
    async fn go(&self, browser: &Browser) -> String {
        sent_to(&browser.post("/admin/login/provider", &[]).await.expect("an answer"))
    }

    /// It goes there, somebody agrees, and it comes back.
    async fn come(&self, browser: &Browser, there: &Person) -> Answer {
        let back = self.provider.agree(&self.go(browser).await, there);
        browser.get(&back).await.expect("an answer")
    }

    /// The subjects of the mails that wait.
    async fn mails(&self) -> Vec<String> {
        let mut subjects = Vec::new();
        for mail in take_mails(&self.app.app.store, &self.app.clock).await {
            subjects.push(
                read!(self.app.app.store, |db| outbox_contents::of_outbox(db, mail.id))
                    .expect("written")
                    .subject,
            );
        }
        subjects
    }

    async fn acts(&self) -> Vec<(String, String)> {
        let mut rows = read!(self.app.app.store, |db| audit::list(db, &AuditFilter::default()));
        rows.reverse();
        rows.into_iter().map(|row| (row.act, row.detail)).collect()
    }

    async fn linked_subjects(&self) -> usize {
        read!(self.app.app.store, |db| identities::of_user(db, self.an.id)).len()
    }
}

async fn add(app: &TestApp, address: &str, name: &str) -> User {
    let new = NewUser { address, name, language: Language::English, password: PASSWORD };
    add_user_as(&app.app.store, &app.clock, new, &[Grant::of_all(Role::Owner)]).await.expect("added")
}

/// Where the page leads.
fn sent_to(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let refresh = answer.header("refresh").expect("it leads on");
    let url = refresh.strip_prefix("0; url=").expect("at once");
    assert!(
        answer.body.contains(&url.replace('&', "&#38;")),
        "and has a link for who stays: {}",
        answer.body
    );
    url.to_owned()
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, words: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert!(answer.body.contains(words), "{words}: {}", answer.body);
    assert!(answer.body.contains("href=\"/admin/login\""), "a way back: {}", answer.body);
}

/// Nobody is signed in.
async fn assert_out(browser: &Browser) {
    assert_eq!(browser.cookie("postiljon_session"), None);
    assert_eq!(browser.get("/admin").await.expect("an answer").location(), "/admin/login");
}

both_dbs!(whose_account_is_linked_signs_in_with_it, |store| {
    let office = Office::open(&store, &[]).await;
    let there = office.linked().await;
    for (sign, in_form) in [(Sign::Rs256, false), (Sign::Es256, false), (Sign::Rs256, true)] {
        // What is remembered of the provider has had its time.
        office.app.clock.advance(Duration::from_secs(3601));
        office.provider.plan(Plan { sign, secret_in_form: in_form, ..Plan::default() });
        let browser = office.app.browser();
        let page = get(&browser, "/admin/login").await;
        assert!(page.body.contains("Sign in with Meridiaan") && page.body.contains("id=\"password\""));
        let answer = office.come(&browser, &there).await;
        assert_eq!((answer.status, answer.location()), (303, "/admin"), "{sign:?}: {}", answer.body);
        assert_eq!(browser.cookie("postiljon_provider"), None);
        assert!(get(&browser, "/admin").await.body.contains("An"));
    }
    let acts = office.acts().await;
    assert_eq!(acts.last(), Some(&("person_signed_in".into(), "provider".into())));
    // The second and third browsers were not seen before.
    assert_eq!(office.mails().await, ["A new browser signed in"; 2]);
    office.app.stop().await;
});

both_dbs!(what_the_browser_brings_back_must_be_its_own_and_counts_once, |store| {
    let office = Office::open(&store, &[]).await;
    let there = office.linked().await;
    // Without the cookie, as in another browser.
    let browser = office.app.browser();
    let back = office.provider.agree(&office.go(&browser).await, &there);
    let other = office.app.browser();
    assert_refused(&other.get(&back).await.expect("an answer"), 400, OVER);
    assert_out(&other).await;
    // With the cookie of another visit.
    let third = office.app.browser();
    office.go(&third).await;
    assert_refused(&third.get(&back).await.expect("an answer"), 400, OVER);
    assert_out(&third).await;
    // A state that was changed, is missing or stands there twice uses nothing up.
    let cookie = browser.cookie("postiljon_provider").expect("a cookie");
    let mine = || office.app.browser().with_header("cookie", &format!("postiljon_provider={cookie}"));
    let (path, state) = back.split_once("state=").expect("a state");
    let (state, rest) = state.split_once('&').expect("more");
    let changed = state.replace('a', "b");
    for wrong in [
        format!("{path}state={changed}x&{rest}"),
        format!("{path}{rest}"),
        format!("{path}state=&{rest}"),
        format!("{path}state={state}&state=x&{rest}"),
    ] {
        let browser = mine();
        assert_refused(&browser.get(&wrong).await.expect("an answer"), 400, OVER);
        assert_out(&browser).await;
    }
    assert_eq!(office.provider.asked("/tenant/token"), 0, "the provider is not even asked");
    // The right one signs in, and a second time nobody.
    assert_eq!(browser.get(&back).await.expect("an answer").location(), "/admin");
    let again = mine();
    assert_refused(&again.get(&back).await.expect("an answer"), 400, OVER);
    assert_out(&again).await;
    assert_eq!(office.provider.asked("/tenant/token"), 1);
    // A code of before, in a visit of its own: the provider does not know it any more.
    let again = office.app.browser();
    let sent = office.go(&again).await;
    let fresh = office.provider.agree(&sent, &there);
    let code =
        |back: &str| back.split("code=").nth(1).expect("a code").split('&').next().expect("one").to_owned();
    let replayed = fresh.replace(&format!("code={}", code(&fresh)), &format!("code={}", code(&back)));
    assert_ne!(replayed, fresh);
    let answer = again.get(&replayed).await.expect("an answer");
    assert_refused(&answer, 502, FAILED);
    // Too late.
    let late = office.app.browser();
    let back = office.provider.agree(&office.go(&late).await, &there);
    office.app.clock.advance(Duration::from_secs(600));
    assert_refused(&late.get(&back).await.expect("an answer"), 400, OVER);
    // And what is in the tables opens nothing: neither token nor state, nonce or proof.
    let browser = office.app.browser();
    let sent = office.go(&browser).await;
    let rows = everything(&store).await.join("\n");
    let token = browser.cookie("postiljon_provider").expect("a cookie");
    let proof = office.app.app.keys.derive_token(Purpose::ProviderProof, token.as_bytes());
    for secret in [token.as_str(), &proof] {
        assert!(!rows.contains(secret) && !sent.contains(secret));
    }
    office.app.stop().await;
});

both_dbs!(what_another_server_or_the_provider_itself_says_wrongly_is_refused, |store| {
    let office = Office::open(&store, &[]).await;
    let there = office.linked().await;
    let come = async |change: &dyn Fn(String) -> String| {
        let browser = office.app.browser();
        let back = change(office.provider.agree(&office.go(&browser).await, &there));
        let answer = browser.get(&back).await.expect("an answer");
        assert_out(&browser).await;
        answer
    };
    // RFC 9207: another issuer, or none from a provider that always names itself.
    assert_refused(&come(&|back| back.replace("tenant", "other")).await, 400, OVER);
    let without = come(&|back| back.split("&iss=").next().unwrap_or_default().to_owned()).await;
    assert_refused(&without, 400, OVER);
    assert_refused(&come(&|back| format!("{back}&iss=https%3A%2F%2Fevil.example")).await, 400, OVER);
    // No code.
    let codeless = |back: String| {
        let (path, query) = back.split_once('?').expect("a query");
        format!("{path}?{}", query.split('&').skip(1).collect::<Vec<_>>().join("&"))
    };
    assert_refused(&come(&codeless).await, 400, OVER);
    // They changed their mind there; and what is no error that we know.
    let refused = |error: &'static str| move |back: String| format!("{}&error={error}", codeless(back));
    assert_refused(&come(&refused("access_denied")).await, 400, "was cancelled over there");
    let strange = come(&refused("%3Cscript%3E")).await;
    assert_refused(&strange, 502, FAILED);
    assert!(!strange.body.contains("<script>"));
    assert_eq!(office.provider.asked("/tenant/token"), 0);
    // Where it does not promise to name itself, it need not.
    office.app.clock.advance(Duration::from_secs(3601));
    office.provider.plan(Plan { names_itself: false, ..Plan::default() });
    let browser = office.app.browser();
    assert_eq!(office.come(&browser, &there).await.location(), "/admin");
    // A stranger who opens the way back, or presses a button of another website.
    let stranger = office.app.browser();
    for path in [BACK, "/admin/login/provider/return?code=1&state=2", "/admin/login/provider/return?error=x"]
    {
        assert_refused(&stranger.get(path).await.expect("an answer"), 400, OVER);
    }
    let elsewhere = stranger.with_header("sec-fetch-site", "cross-site");
    assert_eq!(elsewhere.post("/admin/login/provider", &[]).await.expect("an answer").status, 403);
    office.app.stop().await;
});

both_dbs!(a_token_is_believed_only_when_everything_of_it_is_right, |store| {
    let office = Office::open(&store, &[]).await;
    let there = office.linked().await;
    let plan = |sign| Plan { sign, ..Plan::default() };
    let changed = |change: fn(&mut Value, &mut Value)| Plan { change, ..Plan::default() };
    let plans: Vec<(&str, Plan)> = vec![
        ("no signature", plan(Sign::Nothing)),
        ("the public key as a secret", plan(Sign::PublicKeyAsSecret)),
        ("another key under a known name", plan(Sign::OtherKey)),
        ("another algorithm", plan(Sign::Named("RS512"))),
        ("an algorithm of another key", plan(Sign::Named("ES256"))),
        ("an unknown key", Plan { named: Some("rsa-9"), ..Plan::default() }),
        (
            "a key for encryption",
            Plan { sign: Sign::OtherKey, named: Some("for-encryption"), ..Plan::default() },
        ),
        ("a token of another kind", changed(|header, _| header["typ"] = "at+jwt".into())),
        ("an extension that must be understood", changed(|header, _| header["crit"] = json!(["b64"]))),
        ("another issuer", changed(|_, claims| claims["iss"] = "https://evil.example".into())),
        (
            "the issuer with a slash",
            changed(|_, claims| {
                claims["iss"] = format!("{}/", claims["iss"].as_str().unwrap_or_default()).into();
            }),
        ),
        ("another client", changed(|_, claims| claims["aud"] = "another".into())),
        ("several clients and none of them ours", changed(|_, claims| claims["aud"] = json!(["a", "b"]))),
        (
            "several clients and nobody for whom",
            changed(|_, claims| {
                claims["aud"] = json!([crate::support::provider::CLIENT_ID, "another"]);
            }),
        ),
        ("made for another client", changed(|_, claims| claims["azp"] = "another".into())),
        ("another nonce", changed(|_, claims| claims["nonce"] = "x".into())),
        ("no nonce", changed(|_, claims| drop(claims.as_object_mut().and_then(|c| c.remove("nonce"))))),
        ("expired", changed(|_, claims| claims["exp"] = json!(claims["exp"].as_i64().unwrap_or(0) - 361))),
        ("no end", changed(|_, claims| drop(claims.as_object_mut().and_then(|c| c.remove("exp"))))),
        ("of tomorrow", changed(|_, claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap_or(0) + 61))),
        (
            "of long ago",
            changed(|_, claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap_or(0) - 700)),
        ),
        ("not yet", changed(|_, claims| claims["nbf"] = json!(claims["iat"].as_i64().unwrap_or(0) + 61))),
        ("of another access token", changed(|_, claims| claims["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA".into())),
        ("nobody", changed(|_, claims| claims["sub"] = "".into())),
        ("somebody of endless name", changed(|_, claims| claims["sub"] = "a".repeat(256).into())),
        ("a subject that is no text", changed(|_, claims| claims["sub"] = json!(7))),
        ("a token that is too large", changed(|_, claims| claims["groups"] = "a".repeat(40_000).into())),
    ];
    for (what, plan) in plans {
        office.provider.plan(plan);
        let browser = office.app.browser();
        let answer = office.come(&browser, &there).await;
        assert_eq!(answer.status, 502, "{what}: {}", answer.body);
        assert!(answer.body.contains(FAILED), "{what}");
        assert_out(&browser).await;
    }
    // What may be: several audiences that name us, a fraction of a second, no kind, no at_hash.
    let fine: fn(&mut Value, &mut Value) = |header, claims| {
        header.as_object_mut().expect("an object").remove("typ");
        claims.as_object_mut().expect("an object").remove("at_hash");
        claims["aud"] = json!(["another", crate::support::provider::CLIENT_ID]);
        claims["azp"] = crate::support::provider::CLIENT_ID.into();
        claims["exp"] = json!(claims["exp"].as_i64().unwrap_or(0) as f64 + 0.5);
        claims["iat"] = json!(claims["iat"].as_i64().unwrap_or(0) + 59);
    };
    office.provider.plan(changed(fine));
    assert_eq!(office.come(&office.app.browser(), &there).await.location(), "/admin");
    let signed_in = office.acts().await.into_iter().filter(|(act, _)| act == "person_signed_in").count();
    assert_eq!(signed_in, 1, "all the others left nothing");
    office.app.stop().await;
});

both_dbs!(a_provider_that_fails_hangs_or_babbles_is_a_calm_page, |store| {
    let office = Office::open(&store, &[]).await;
    let there = office.linked().await;
    for answer in [
        AnswerToCode::Status(500),
        AnswerToCode::Status(401),
        AnswerToCode::Huge,
        AnswerToCode::Garbage,
        AnswerToCode::NoToken,
        // The secret goes to one server, wherever that would send us.
        AnswerToCode::Redirect,
        AnswerToCode::Slow,
    ] {
        office.provider.plan(Plan { answer, ..Plan::default() });
        let browser = office.app.browser();
        let began = std::time::Instant::now();
        let page = office.come(&browser, &there).await;
        assert_refused(&page, 502, FAILED);
        assert!(began.elapsed() < Duration::from_secs(20), "{answer:?}");
        assert_out(&browser).await;
    }
    assert_eq!(office.provider.asked("/tenant/elsewhere"), 0);
    // It says that it is another; asked again only after a while.
    office.app.clock.advance(Duration::from_secs(3601));
    office.provider.plan(Plan { another_issuer: true, ..Plan::default() });
    let documents = || office.provider.asked("/tenant/.well-known/openid-configuration");
    let before = documents();
    for _ in 0..3 {
        let page = office.app.browser().post("/admin/login/provider", &[]).await.expect("an answer");
        assert_refused(&page, 502, FAILED);
    }
    assert_eq!(documents(), before + 1);
    office.app.clock.advance(Duration::from_secs(5));
    office.provider.plan(Plan::default());
    assert_eq!(office.come(&office.app.browser(), &there).await.location(), "/admin");
    office.app.stop().await;
});

both_dbs!(new_keys_are_asked_for_at_most_once_a_minute, |store| {
    let office = Office::open(&store, &[]).await;
    let there = office.linked().await;
    assert_eq!(office.come(&office.app.browser(), &there).await.location(), "/admin");
    assert_eq!(office.provider.asked("/tenant/jwks"), 1);
    office.provider.plan(Plan { rsa_name: "rsa-2", ..Plan::default() });
    assert_refused(&office.come(&office.app.browser(), &there).await, 502, FAILED);
    assert_eq!(office.provider.asked("/tenant/jwks"), 1, "it was asked within this minute");
    office.app.clock.advance(Duration::from_secs(60));
    assert_eq!(office.come(&office.app.browser(), &there).await.location(), "/admin");
    assert_eq!(office.provider.asked("/tenant/jwks"), 2);
    // Anybody can send a token with a key that there is not.
    office.provider.plan(Plan { rsa_name: "rsa-2", named: Some("rsa-9"), ..Plan::default() });
    for _ in 0..3 {
        assert_refused(&office.come(&office.app.browser(), &there).await, 502, FAILED);
    }
    assert_eq!(office.provider.asked("/tenant/jwks"), 2);
    office.app.stop().await;
});

both_dbs!(a_provider_that_does_not_show_its_keys_is_left_alone_for_a_moment, |store| {
    let office = Office::open(&store, &[]).await;
    let there = office.linked().await;
    office.provider.plan(Plan { keys_fail: true, ..Plan::default() });
    for _ in 0..3 {
        assert_refused(&office.come(&office.app.browser(), &there).await, 502, FAILED);
    }
    assert_eq!(office.provider.asked("/tenant/jwks"), 1);
    office.app.clock.advance(Duration::from_secs(5));
    office.provider.plan(Plan::default());
    assert_eq!(office.come(&office.app.browser(), &there).await.location(), "/admin");
    office.app.stop().await;
});

both_dbs!(nobody_comes_in_who_is_not_here_or_no_longer, |store| {
    let office = Office::open(&store, &[]).await;
    let there = office.linked().await;
    // Another account, also under An's own address: without trust in addresses only the link counts.
    let strangers =
        [person("somebody", "x@example.org"), person("another", ADDRESS), person("AN-there", ADDRESS)];
    for stranger in &strangers {
        let browser = office.app.browser();
        assert_refused(&office.come(&browser, stranger).await, 403, STRANGER);
        assert_out(&browser).await;
    }
    // Disabled (Mautic's CVE-2017-1000489): the same words.
    let bo = add(&office.app, "bo@example.org", "Bo").await;
    office.link(bo.id.0, "bo-there").await;
    let desk = office.app.app.desk();
    people::disable(desk, bo.id).await.expect("disabled");
    let browser = office.app.browser();
    let answer = office.come(&browser, &person("bo-there", "bo@example.org")).await;
    assert_refused(&answer, 403, STRANGER);
    assert_out(&browser).await;
    people::enable(desk, bo.id).await.expect("enabled");
    assert_eq!(office.come(&browser, &person("bo-there", "x@x.example")).await.location(), "/admin");
    people::remove(desk, bo.id).await.expect("removed");
    let browser = office.app.browser();
    assert_refused(&office.come(&browser, &person("bo-there", "bo@example.org")).await, 403, STRANGER);
    assert_eq!(read!(store, |db| users::all(db)).len(), 1, "nobody was added");
    assert_eq!(office.come(&office.app.browser(), &there).await.location(), "/admin");
    office.app.stop().await;
});

both_dbs!(an_address_links_only_where_the_provider_is_trusted_for_it_and_has_verified_it, |store| {
    let office = Office::open(&store, &[DOMAIN]).await;
    let cy = add(&office.app, "cy@elsewhere.example", "Cy").await;
    office.link(cy.id.0, "cy-there").await;
    let unverified = |is_verified: Value| Person { is_verified, ..person("an-there", ADDRESS) };
    for (stranger, why) in [
        (unverified(false.into()), "not verified"),
        (unverified("true".into()), "a word is no yes"),
        (unverified(Value::Null), "nothing said"),
        (person("x", "nobody@example.org"), "nobody here"),
        (person("cy-other", "cy@elsewhere.example"), "of another domain"),
        (person("cy-there", "cy@elsewhere.example"), "linked, and of another domain"),
        (person("an-there", "an@sub.example.org"), "below the domain"),
        (person("an-there", "an@example.org.evil.example"), "that begins like it"),
        (person("an-there", "no address"), "none"),
    ] {
        let browser = office.app.browser();
        let answer = office.come(&browser, &stranger).await;
        assert_eq!(answer.status, 403, "{why}: {}", answer.body);
        assert!(answer.body.contains(STRANGER), "{why}");
        assert_out(&browser).await;
    }
    assert_eq!(office.linked_subjects().await, 0);
    // An, whom the provider knows: linked, told by mail and in the log, in.
    let an = person("an-there", "AN@Example.org");
    assert_eq!(office.come(&office.app.browser(), &an).await.location(), "/admin");
    assert_eq!(office.mails().await, ["There is another way into your account"]);
    let acts = office.acts().await;
    assert!(acts.contains(&("person_identity_linked".into(), String::new())), "{acts:?}");
    assert_eq!(office.linked_subjects().await, 1);
    assert_eq!(office.come(&office.app.browser(), &an).await.location(), "/admin");
    // Somebody else who has her address now has another account there, and is not her.
    let successor = person("successor", ADDRESS);
    assert_refused(&office.come(&office.app.browser(), &successor).await, 403, STRANGER);
    // Who is invited and has not come follows the invitation.
    let invitation = Invitation {
        address: "dirk@example.org",
        name: "Dirk",
        language: Language::English,
        grants: &[Grant::of_all(Role::Viewer)],
    };
    people::invite(office.app.app.desk(), invitation).await.expect("invited");
    let dirk = person("dirk-there", "dirk@example.org");
    assert_refused(&office.come(&office.app.browser(), &dirk).await, 403, STRANGER);
    office.app.stop().await;
});

both_dbs!(a_second_factor_of_ones_own_is_asked_for_behind_the_provider_too, |store| {
    let office = Office::open(&store, &[]).await;
    let there = office.linked().await;
    let acting =
        office.app.app.store.acting(Actor::user(office.an.id, "An", vec![Grant::of_all(Role::Owner)]));
    let desk = postiljon::accounts::Desk { store: &acting, ..office.app.app.desk() };
    second_factor::begin(desk, &office.an, b"", PASSWORD).await.expect("begun");
    let State::Waiting(secret) = second_factor::state(desk, office.an.id).await.expect("read") else {
        panic!("none")
    };
    let now = || code(&secret, period_of(office.app.clock.now()));
    second_factor::turn_on(desk, &office.an, b"", &now()).await.expect("on");
    // Whatever the provider says of its own second factor.
    let amr: fn(&mut Value, &mut Value) = |_, claims| claims["amr"] = json!(["mfa", "otp"]);
    office.provider.plan(Plan { change: amr, ..Plan::default() });
    let browser = office.app.browser();
    assert_eq!(office.come(&browser, &there).await.location(), "/admin/login/code");
    assert_out(&browser).await;
    office.app.clock.advance(Duration::from_secs(30));
    let typed = browser.post("/admin/login/code", &[("code", &now())]).await.expect("an answer");
    assert_eq!(typed.location(), "/admin");
    office.app.stop().await;
});

both_dbs!(an_account_is_linked_by_its_owner_with_the_password_and_the_link_can_be_cut, |store| {
    let office = Office::open(&store, &[]).await;
    let (an, other) = (office.an().await, office.an().await);
    office.mails().await;
    let there = person("an-there", "an@elsewhere.example");
    let page = get(&an, "/admin/account").await;
    assert!(page.body.contains("Link my account at Meridiaan"), "{}", page.body);
    for password in ["", "een ander wachtwoord"] {
        let refused = post(&an, "/admin/account/identities", &[("do", "link"), ("password", password)]).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert!(refused.body.contains("not your present password"), "{}", refused.body);
    }
    let begin = async |browser: &Browser| {
        let fields = [("do", "link"), ("password", PASSWORD)];
        sent_to(&post(browser, "/admin/account/identities", &fields).await)
    };
    // It ends in the session in which it began.
    let back = office.provider.agree(&begin(&an).await, &there);
    let cookie = an.cookie("postiljon_provider").expect("a cookie");
    let session = other.cookie("postiljon_session").expect("a session");
    for cookies in [
        format!("postiljon_provider={cookie}"),
        format!("postiljon_provider={cookie}; postiljon_session={session}"),
    ] {
        let back = office.provider.agree(&begin(&an).await, &there);
        let cookie_now = an.cookie("postiljon_provider").expect("a cookie");
        let thief = office.app.browser().with_header("cookie", &cookies.replace(&cookie, &cookie_now));
        let answer = thief.get(&back).await.expect("an answer");
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.body.contains(OVER));
    }
    assert_eq!(an.get(&back).await.expect("an answer").status, 400, "a later visit took its place");
    let back = office.provider.agree(&begin(&an).await, &there);
    let linked = an.get(&back).await.expect("an answer");
    assert_eq!(linked.location(), "/admin/account?done=linked", "{}", linked.body);
    assert_eq!(other.get("/admin").await.expect("an answer").location(), "/admin/login", "others ended");
    assert_eq!(office.mails().await, ["There is another way into your account"]);
    assert_eq!(office.come(&office.app.browser(), &there).await.location(), "/admin");
    // The same again is fine; somebody else's is not, and no second one.
    let back = office.provider.agree(&begin(&an).await, &there);
    assert_eq!(an.get(&back).await.expect("an answer").location(), "/admin/account?done=linked");
    let bo = add(&office.app, "bo@example.org", "Bo").await;
    office.link(bo.id.0, "bo-there").await;
    for taken in ["bo-there", "an-too"] {
        let back = office.provider.agree(&begin(&an).await, &person(taken, ADDRESS));
        let answer = an.get(&back).await.expect("an answer");
        assert_eq!(answer.status, 409, "{}", answer.body);
        assert!(answer.body.contains("href=\"/admin/account\""));
    }
    // Cut, with the password, and only one's own.
    let page = get(&an, "/admin/account").await;
    let id = page.field("identity").expect("a link");
    let cut = async |id: &str, password: &str| {
        post(&an, "/admin/account/identities", &[("do", "cut"), ("identity", id), ("password", password)])
            .await
    };
    assert_eq!(cut(&id, "x").await.status, 422);
    let theirs = read!(store, |db| identities::of_user(db, bo.id))[0].id.to_string();
    assert_eq!(cut(&theirs, PASSWORD).await.status, 303);
    assert_eq!(read!(store, |db| identities::of_user(db, bo.id)).len(), 1, "somebody else's stays");
    assert_eq!(cut(&id, PASSWORD).await.location(), "/admin/account?done=cut");
    assert_refused(&office.come(&office.app.browser(), &there).await, 403, STRANGER);
    assert!(office.mails().await.contains(&"A way into your account is gone".to_owned()));
    // Without the token of the session nothing begins.
    let forged = an.post("/admin/account/identities", &[("do", "link"), ("password", PASSWORD)]).await;
    assert_eq!(forged.expect("an answer").status, 403);
    office.app.stop().await;
});

both_dbs!(where_passwords_open_nothing_the_last_link_stays, |store| {
    let office = Office::with(&store, &[], false).await;
    let there = office.linked().await;
    let an = office.app.browser();
    assert_eq!(office.come(&an, &there).await.location(), "/admin");
    // At a provider that there was before: it leads nowhere any more.
    change!(store, |tx| identities::insert(tx, office.an.id, "https://before.example", "an", START));
    let identity = read!(store, |db| identities::of_user(db, office.an.id))[0].id.to_string();
    let fields = [("do", "cut"), ("identity", identity.as_str()), ("password", PASSWORD)];
    let refused = post(&an, "/admin/account/identities", &fields).await;
    assert!(
        refused.status == 422 && refused.body.contains("last way"),
        "{} {}",
        refused.status,
        refused.body
    );
    assert_eq!(read!(store, |db| identities::of_user(db, office.an.id)).len(), 2, "nothing was cut");
    office.app.stop().await;
});

both_dbs!(an_invitation_is_accepted_through_the_provider_without_a_password, |store| {
    let office = Office::open(&store, &[]).await;
    let invite = async |address: &str| {
        let grants = [Grant::of_all(Role::Viewer)];
        let invitation = Invitation { address, name: "Bo", language: Language::English, grants: &grants };
        people::invite(office.app.app.desk(), invitation).await.expect("invited");
        let mails = take_mails(&store, &office.app.clock).await;
        let to = EmailAddress::parse(address).expect("an address");
        let mail = mails.iter().find(|mail| mail.to_address.as_ref() == Some(&to)).expect("a mail");
        format!("/admin/link/{}", office.app.app.keys.derive_token(Purpose::AccountLink, &mail.nonce))
    };
    let link = invite("bo@example.org").await;
    let browser = office.app.browser();
    assert!(get(&browser, &link).await.body.contains("Get started with Meridiaan"));
    let begin = async |browser: &Browser, link: &str| {
        browser.post(&format!("{link}/provider"), &[]).await.expect("an answer")
    };
    // An account there that is somebody's here stays theirs, and the invitation open.
    office.linked().await;
    let back =
        office.provider.agree(&sent_to(&begin(&browser, &link).await), &person("an-there", "x@x.example"));
    assert_refused(&browser.get(&back).await.expect("an answer"), 409, "linked to somebody else");
    let bo = person("bo-there", "bo@private.example");
    let back = office.provider.agree(&sent_to(&begin(&browser, &link).await), &bo);
    let rival = office.provider.agree(&sent_to(&begin(&office.app.browser(), &link).await), &bo);
    let answer = browser.get(&back).await.expect("an answer");
    assert_eq!(answer.location(), "/admin", "{}", answer.body);
    assert_refused(&office.app.browser().get(&rival).await.expect("an answer"), 400, OVER);
    let gone = begin(&office.app.browser(), &link).await;
    assert_eq!(gone.status, 404, "it works once: {}", gone.body);
    let user = read!(store, |db| users::by_address(db, &"bo@example.org".parse().expect("an address")));
    let user = user.expect("there");
    assert!(user.joined_at.is_some() && !user.has_password());
    assert!(office.acts().await.contains(&("person_joined".into(), "provider".into())));
    assert_eq!(office.come(&office.app.browser(), &bo).await.location(), "/admin");
    // No password opens the account, not even none.
    for password in ["", " ", PASSWORD] {
        let form = [("address", "bo@example.org"), ("password", password)];
        let answer = office.app.browser().post("/admin/login", &form).await.expect("an answer");
        assert_eq!(answer.status, 422, "{}", answer.body);
    }
    // The only way in cannot be cut; a password may be chosen, in a session that has just begun.
    let id = get(&browser, "/admin/account").await.field("identity").expect("a link");
    let cut = [("do", "cut"), ("identity", id.as_str())];
    let refused = post(&browser, "/admin/account/identities", &cut).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("last way in"), "{}", refused.body);
    office.app.clock.advance(second_factor::FRESH);
    let new = [("new", "vier losse woorden hier")];
    let stale = post(&browser, "/admin/account/password", &new).await;
    assert_eq!(stale.status, 422);
    assert!(stale.body.contains("signed in just now"), "{}", stale.body);
    let fresh = office.app.browser();
    assert_eq!(office.come(&fresh, &bo).await.location(), "/admin");
    assert_eq!(
        post(&fresh, "/admin/account/password", &new).await.location(),
        "/admin/account?done=password"
    );
    let id = get(&fresh, "/admin/account").await.field("identity").expect("a link");
    let cut = [("do", "cut"), ("identity", id.as_str()), ("password", "vier losse woorden hier")];
    assert_eq!(post(&fresh, "/admin/account/identities", &cut).await.location(), "/admin/account?done=cut");
    // Revoked, and expired: nothing to accept.
    let link = invite("cy@example.org").await;
    let browser = office.app.browser();
    let back =
        office.provider.agree(&sent_to(&begin(&browser, &link).await), &person("cy", "cy@example.org"));
    let cy = read!(store, |db| users::by_address(db, &"cy@example.org".parse().expect("an address")));
    people::remove(office.app.app.desk(), cy.expect("invited").id).await.expect("revoked");
    assert_refused(&browser.get(&back).await.expect("an answer"), 404, "has expired or was replaced");
    office.app.stop().await;
});

both_dbs!(where_passwords_are_off_the_provider_is_the_way_in, |store| {
    let office = Office::with(&store, &[DOMAIN], false).await;
    let browser = office.app.browser();
    let page = get(&browser, "/admin/login").await.body;
    assert!(!page.contains("id=\"password\"") && page.contains("Sign in with Meridiaan"), "{page}");
    let form = [("address", ADDRESS), ("password", PASSWORD)];
    let answer = browser.post("/admin/login", &form).await.expect("an answer");
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("Passwords are not taken here"), "{}", answer.body);
    for answer in [browser.get("/admin/forgot").await, browser.post("/admin/forgot", &form).await] {
        assert_eq!(answer.expect("an answer").location(), "/admin/login");
    }
    assert_eq!(office.mails().await, [""; 0]);
    assert_out(&browser).await;
    assert_eq!(office.come(&browser, &person("an-there", ADDRESS)).await.location(), "/admin");
    office.app.stop().await;
});

both_dbs!(a_network_does_not_begin_endlessly, |store| {
    let office = Office::open(&store, &[]).await;
    let browser = office.app.browser();
    for _ in 0..100 {
        office.go(&browser).await;
    }
    let answer = browser.post("/admin/login/provider", &[]).await.expect("an answer");
    assert_refused(&answer, 429, "too many attempts");
    assert!(answer.header("retry-after").is_some());
    office.app.clock.advance(Duration::from_secs(901));
    office.go(&browser).await;
    execute(&store, "DELETE FROM rate_limits").await;
    let rows = everything(&store).await;
    let left = rows.iter().filter(|row| row.starts_with("provider_logins")).count();
    assert_eq!(left, 1, "what is over is forgotten");
    office.app.stop().await;
});

both_dbs!(a_provider_in_a_network_of_our_own_is_not_asked_unless_that_is_said, |store| {
    let clock = Clock::test(START);
    let mock = MockProvider::start(&clock).await;
    let careful = Provider::new(mock.settings(&[]), Http::new(Reach::Public));
    let app = TestApp::start_with(&store, clock, |app| app.provider = Some(careful)).await;
    add(&app, ADDRESS, "An").await;
    let answer = app.browser().post("/admin/login/provider", &[]).await.expect("an answer");
    assert_refused(&answer, 502, FAILED);
    assert_eq!(mock.asked("/tenant/.well-known/openid-configuration"), 0);
    app.stop().await;
});

both_dbs!(without_a_provider_there_is_none_of_it, |store| {
    let app = TestApp::start(&store).await;
    add(&app, ADDRESS, "An").await;
    let browser = app.browser();
    assert!(!get(&browser, "/admin/login").await.body.contains("/admin/login/provider"));
    for answer in [browser.post("/admin/login/provider", &[]).await, browser.get(BACK).await] {
        assert_eq!(answer.expect("an answer").status, 404);
    }
    app.stop().await;
});
