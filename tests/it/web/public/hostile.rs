//! Sixty sign-ups that nobody well-meaning sends, and the answer to each.

use std::time::Duration;

use postiljon::subscriptions::show::dossier;
use postiljon::subscriptions::stamp::stamp;

use super::Site;
use crate::support::database::both_dbs;
use crate::support::people::address;

const FORM: &str = "application/x-www-form-urlencoded";
const PATH: &str = "/n/insights/subscribe";

/// What becomes of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Taken, and somebody is written down under this address.
    Taken(&'static str),
    /// The answer of a success, and nothing is written.
    Dropped,
    /// The form comes back (422) with a mistake beside each of these fields.
    Mistake(&'static [&'static str]),
    /// The form comes back (422) with a word about it as a whole.
    Notice,
    /// A page with this status.
    Page(u16),
}
use Answer::{Dropped, Mistake, Notice, Page, Taken};

/// One field of an otherwise good form, replaced. The API is held to the same table.
pub const FIELDS: &[(&str, &str, Answer)] = &[
    // Addresses.
    ("email", "", Mistake(&["email"])),
    ("email", " \t ", Mistake(&["email"])),
    ("email", "jan", Mistake(&["email"])),
    ("email", "@", Mistake(&["email"])),
    ("email", "jan@@example.org", Mistake(&["email"])),
    ("email", "jan@x@example.org", Mistake(&["email"])),
    ("email", "jan@example.org,piet@example.org", Mistake(&["email"])),
    ("email", "jan@example.org piet@example.org", Mistake(&["email"])),
    ("email", "jan@example.org\r\nBcc: victim@example.org", Mistake(&["email"])),
    ("email", "jan@example.org\n", Mistake(&["email"])),
    ("email", "jan\r\n@example.org", Mistake(&["email"])),
    ("email", "jan\0@example.org", Mistake(&["email"])),
    ("email", "jan@example.org\0", Mistake(&["email"])),
    ("email", "<jan@example.org>", Mistake(&["email"])),
    ("email", "Jan <jan@example.org>", Mistake(&["email"])),
    ("email", "mailto:jan@example.org", Mistake(&["email"])),
    ("email", "\"jan piet\"@example.org", Mistake(&["email"])),
    ("email", "jan(comment)@example.org", Mistake(&["email"])),
    ("email", "jan@[127.0.0.1]", Mistake(&["email"])),
    ("email", "jan@[IPv6:::1]", Mistake(&["email"])),
    ("email", "jan@127.0.0.1", Mistake(&["email"])),
    ("email", "jan@localhost", Mistake(&["email"])),
    ("email", "jan@example..org", Mistake(&["email"])),
    ("email", "jan@.example.org", Mistake(&["email"])),
    ("email", "jan@-example.org", Mistake(&["email"])),
    ("email", "jan@exam_ple.org", Mistake(&["email"])),
    ("email", "jan@example.org/../../etc", Mistake(&["email"])),
    ("email", ".jan@example.org", Mistake(&["email"])),
    ("email", "jan..piet@example.org", Mistake(&["email"])),
    ("email", "jan%00@example.org", Taken("jan%00@example.org")),
    ("email", "'or'1'='1@example.org", Taken("'or'1'='1@example.org")),
    ("email", "robert';drop@example.org", Mistake(&["email"])),
    ("email", "{{7*7}}@example.org", Taken("{{7*7}}@example.org")),
    ("email", "jan@\u{202e}example.org", Mistake(&["email"])),
    ("email", "jan\u{200b}@example.org", Mistake(&["email"])),
    ("email", "jan@ex\u{430}mple.org", Taken("jan@xn--exmple-4nf.org")),
    ("email", "\u{feff}jan@example.org", Mistake(&["email"])),
    ("email", "\u{a0}jan@example.org ", Taken("jan@example.org")),
    // Names.
    ("name", "<script>alert(1)</script>", Taken("good@example.org")),
    ("name", "Jan\r\nBcc: victim@example.org", Taken("good@example.org")),
    ("name", "\u{202e}naJ\0", Taken("good@example.org")),
    ("name", "=cmd|'/c calc'!A1", Taken("good@example.org")),
    ("name", "{{ newsletter.secret }}", Taken("good@example.org")),
    ("name", "🦊👨‍👩‍👧‍👦\u{301}\u{301}\u{301}", Taken("good@example.org")),
    // Choices.
    ("language", "xx", Taken("good@example.org")),
    ("language", "nl'; DROP TABLE subscribers; --", Taken("good@example.org")),
    ("shown_in", "../../../etc/passwd", Taken("good@example.org")),
    ("consent", "", Mistake(&["consent"])),
    ("consent", "0", Mistake(&["consent"])),
    ("consent", "false", Mistake(&["consent"])),
    // Traps, stamps and proofs.
    ("website", "https://spam.example", Dropped),
    ("stamp", "0.0", Taken("good@example.org")),
    ("stamp", "9999999999999999999.ffffffffffffffffffffffffffffffff", Taken("good@example.org")),
    ("stamp", "-1.é", Taken("good@example.org")),
    ("altcha", "e30=", Taken("good@example.org")),
    ("altcha", "\u{0}{\"challenge\":null}", Taken("good@example.org")),
];

/// A name that is longer than a name, without a line of its own.
fn long_name() -> String {
    "x".repeat(10_000)
}

async fn is_known(site: &Site, at: &str) -> bool {
    dossier(&site.app.app.store, &address(at)).await.expect("read").is_some()
}

/// A good form, with some of its fields replaced.
async fn post(site: &Site, replaced: &[(&str, &str)]) -> postiljon::demo::browser::Answer {
    // Beyond the limits of a network in an hour.
    site.app.clock.advance(Duration::from_secs(3601));
    let made = stamp(&site.app.app.keys, site.app.clock.now());
    site.app.clock.advance(Duration::from_secs(5));
    let mut fields = vec![
        ("email", "good@example.org"),
        ("name", "Jan"),
        ("language", "nl"),
        ("shown_in", "nl"),
        ("consent", "yes"),
        ("website", ""),
        ("stamp", made.as_str()),
    ];
    for (name, value) in replaced {
        fields.retain(|(field, _)| field != name);
        fields.push((name, value));
    }
    site.app.browser().post(PATH, &fields).await.expect("an answer")
}

both_dbs!(a_hostile_field_gets_its_answer_and_breaks_nothing, |store| {
    let site = Site::start(&store).await;
    for (field, value, expected) in FIELDS {
        let answer = post(&site, &[(field, value)]).await;
        let case = format!("{field}={value:?}: {} {}", answer.status, answer.location());
        assert!(!answer.body.contains("<script>alert"), "{case}");
        match expected {
            Taken(at) => {
                assert_eq!((answer.status, answer.body.as_str()), (303, ""), "{case}");
                assert!(is_known(&site, at).await, "{case}");
            }
            Dropped => assert_eq!((answer.status, answer.body.as_str()), (303, ""), "{case}"),
            Mistake(fields) => {
                assert_eq!(answer.status, 422, "{case}");
                for field in *fields {
                    assert!(answer.body.contains(&format!("id=\"{field}-error\"")), "{case}");
                }
                assert!(answer.header("set-cookie").is_none(), "{case}");
            }
            Notice | Page(_) => unreachable!("not of a field: {case}"),
        }
    }
    // Nobody else was written down on the way, and nothing was sent to anyone who was smuggled in.
    for at in ["victim@example.org", "piet@example.org"] {
        assert!(!is_known(&site, at).await, "{at}");
    }
    let person = dossier(&store, &address("good@example.org")).await.expect("read").expect("known");
    assert!(!person.subscriber.name.chars().any(char::is_control), "{:?}", person.subscriber.name);
    assert_eq!(site.browser.get("/n/insights").await.expect("an answer").status, 200);
    site.app.stop().await;
});

both_dbs!(a_hostile_request_gets_its_answer_and_breaks_nothing, |store| {
    let site = Site::start(&store).await;
    let long = long_name();
    let too_long = post(&site, &[("name", &long)]).await;
    assert!(too_long.status == 422 && too_long.body.contains("id=\"name-error\""));
    let local = format!("{}@example.org", "a".repeat(65));
    assert_eq!(post(&site, &[("email", &local)]).await.status, 422);
    let fresh = stamp(&site.app.app.keys, site.app.clock.now().plus(Duration::from_secs(3606)));
    let hasty = post(&site, &[("stamp", &fresh)]).await;
    assert_eq!((hasty.status, hasty.body.contains("role=\"alert\"")), (422, true), "{Notice:?}");
    let send = async |media_type: &str, body: &[u8]| {
        site.app.clock.advance(Duration::from_secs(3601));
        site.app.browser().send("POST", PATH, Some((media_type, body.to_vec()))).await.expect("an answer")
    };
    let twice: &[u8] = b"email=a%40example.org&email=b%40example.org&consent=yes";
    let rows: [(&str, &[u8], Answer); 12] = [
        (FORM, b"", Mistake(&["email", "consent"])),
        (FORM, b"&&&&====&=x&%", Mistake(&["email", "consent"])),
        (FORM, b"\xff\xfe=\xff&email=%ff%fe&consent=yes", Mistake(&["email"])),
        (FORM, b"email=%C0%AEjan%40example.org&consent=yes", Mistake(&["email"])),
        (FORM, b"email[]=jan%40example.org&consent=yes", Mistake(&["email"])),
        (FORM, twice, Mistake(&["email"])),
        (FORM, &[b'a'; 70_000], Page(413)),
        ("text/plain", b"email=jan@example.org", Page(415)),
        ("application/json", b"{\"email\":\"jan@example.org\",\"consent\":true}", Page(415)),
        ("", b"email=jan%40example.org&consent=yes", Page(415)),
        ("multipart/form-data; boundary=x", b"--x--\r\n", Page(415)),
        ("application/x-www-form-urlencoded; charset=utf-7", b"email=+AGE-&consent=yes", Mistake(&["email"])),
    ];
    for (media_type, body, expected) in rows {
        let answer = send(media_type, body).await;
        let case = format!(
            "{media_type} {:?}: {}",
            String::from_utf8_lossy(&body[..body.len().min(60)]),
            answer.status
        );
        match expected {
            Page(status) => assert!(answer.status == status && answer.body.contains("<h1>"), "{case}"),
            Mistake(fields) => {
                assert_eq!(answer.status, 422, "{case}");
                for field in fields {
                    assert!(answer.body.contains(&format!("id=\"{field}-error\"")), "{case}");
                }
            }
            Taken(_) | Dropped | Notice => unreachable!("{case}"),
        }
    }
    let many = "x=1&".repeat(600);
    assert_eq!(send(FORM, many.as_bytes()).await.status, 413);
    assert!(site.mails().await.is_empty());
    site.app.stop().await;
});

both_dbs!(headers_of_a_stranger_change_neither_the_evidence_nor_the_limits, |store| {
    let site = Site::start(&store).await;
    let fields = |n: u32| [("email", format!("p{n}@example.org")), ("consent", "yes".to_owned())];
    let mut statuses = Vec::new();
    for n in 0..5 {
        let liar = site
            .app
            .browser()
            .with_header("x-forwarded-for", &format!("203.0.{n}.9"))
            .with_header("x-real-ip", &format!("203.0.{n}.9"))
            .with_header("forwarded", &format!("for=203.0.{n}.9"))
            .with_header("user-agent", &"u".repeat(4_000))
            .with_header("referer", "javascript:alert(1)");
        let fields = fields(n);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        statuses.push(liar.post(PATH, &fields).await.expect("an answer").status);
    }
    assert_eq!(statuses, [303, 303, 303, 429, 429], "one network is one network");
    let person = dossier(&store, &address("p0@example.org")).await.expect("read").expect("known");
    assert_eq!(person.consents[0].ip, "127.0.0.1");
    assert!(person.consents[0].user_agent.len() <= 300);
    site.app.stop().await;
});
