//! The gate: what a sign-up passes, whichever door it came through.

use std::time::Duration;

use postiljon::dns::Dns;
use postiljon::keys::Purpose;
use postiljon::model::{
    DisposableDomains, DisposablePolicy, OutboxKind, ProofPolicy, SubscriptionStatus, Timestamp,
};
use postiljon::store::rate_limits::{self, Count};
use postiljon::store::{forms, outbox_contents, signup_counts, subscriptions, used_proofs};
use postiljon::subscriptions::gate::{Gate, asks_proof};
use postiljon::subscriptions::proof;
use postiljon::subscriptions::signup::{Problem, SignUp, SignUpError, Taken};
use postiljon::subscriptions::stamp::stamp;

use crate::support::database::{both_dbs, change, read};
use crate::support::dns_server::{DnsServer, Says};
use crate::support::people::People;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn is_problem(answer: &Result<Taken, SignUpError>, problem: Problem) -> bool {
    matches!(answer, Err(SignUpError::Invalid(problems)) if *problems == [problem])
}

/// A proof of work for the form of these people.
fn proved(people: &People) -> String {
    let challenge = proof::challenge(&people.keys, people.open_form.form.public_id, people.clock.now());
    proof::solve(&challenge.expect("a challenge")).expect("solved")
}

async fn reload(people: &mut People) {
    let mut reader = people.store.read().await.expect("a reader");
    people.open_form.form = forms::default_of(reader.db(), people.newsletter.id).await.expect("the form");
}

both_dbs!(a_form_decides_what_happens_to_throw_away_addresses, |store| {
    let mut people = People::of(&store).await;
    people.sign_up("a@mailinator.com", 1).await.expect("allowed");
    assert!(!people.subscription("a@mailinator.com").await.expect("written").is_disposable);
    people.open_form.form.disposable_policy = DisposablePolicy::Flag;
    people.sign_up("b@x.mailinator.com", 2).await.expect("marked");
    people.sign_up("c@example.org", 2).await.expect("taken");
    assert!(people.subscription("b@x.mailinator.com").await.expect("written").is_disposable);
    assert!(!people.subscription("c@example.org").await.expect("written").is_disposable);
    people.open_form.form.disposable_policy = DisposablePolicy::Refuse;
    let refused = people.sign_up("d@mailinator.com", 3).await;
    assert!(is_problem(&refused, Problem::Disposable), "{refused:?}");
    assert_eq!(Problem::Disposable.field(), "email");
    assert!(people.subscription("d@mailinator.com").await.is_none());
    people.sign_up("e@example.org", 3).await.expect("taken");
    let mut domains = DisposableDomains::default();
    domains.add("weg.example").expect("a list");
    people.gate = Gate::new("https://news.example", domains, None);
    assert!(is_problem(&people.sign_up("f@weg.example", 4).await, Problem::Disposable));
});

both_dbs!(only_a_sure_no_of_the_dns_is_a_mistake_and_each_domain_is_asked_once, |store| {
    let mut people = People::of(&store).await;
    let server = DnsServer::start([
        ("takes.example", Says::Mx(vec![(10, "mx.takes.example.")])),
        ("own-host.example", Says::Address),
        ("nothing.example", Says::Nothing),
        ("no-mail.example", Says::Mx(vec![(0, ".")])),
        ("failure.example", Says::Failure),
        ("refused.example", Says::Refused),
    ])
    .await;
    people.gate =
        Gate::new("https://news.example", DisposableDomains::default(), Some(Dns::at(server.address)));
    for (network, domain) in
        (1..).zip(["takes.example", "own-host.example", "failure.example", "refused.example"])
    {
        let answer = people.sign_up(&format!("jan@{domain}"), network).await;
        assert!(answer.is_ok(), "{domain}: {answer:?}");
    }
    for (network, domain) in (11..).zip(["nothing.example", "no-mail.example", "unheard-of.example"]) {
        let answer = people.sign_up(&format!("jan@{domain}"), network).await;
        assert!(is_problem(&answer, Problem::NoMail), "{domain}: {answer:?}");
        assert!(people.subscription(&format!("jan@{domain}")).await.is_none());
    }
    people.sign_up("piet@takes.example", 20).await.expect("taken");
    assert!(is_problem(&people.sign_up("piet@unheard-of.example", 21).await, Problem::NoMail));
    assert_eq!((server.asked("takes.example"), server.asked("unheard-of.example")), (1, 1));
    // The big providers take mail, whatever the DNS says today.
    people.sign_up("jan@gmail.com", 22).await.expect("taken");
    assert_eq!(server.asked("gmail.com"), 0);
    // A domain may be new: its no is believed for ten minutes.
    server.say("unheard-of.example", Says::Address);
    people.clock.advance(11 * MINUTE);
    let answer = people.sign_up("piet@unheard-of.example", 23).await;
    assert!(answer.is_ok() || server.asked("unheard-of.example") > 1, "{answer:?}");
});

both_dbs!(a_silent_dns_refuses_nobody_and_holds_up_one_visitor_for_a_second, |store| {
    let mut people = People::of(&store).await;
    let server = DnsServer::start([("silent.example", Says::Silence)]).await;
    people.gate =
        Gate::new("https://news.example", DisposableDomains::default(), Some(Dns::at(server.address)));
    let began = std::time::Instant::now();
    people.sign_up("jan@silent.example", 1).await.expect("taken");
    let first = began.elapsed();
    people.sign_up("piet@silent.example", 2).await.expect("taken");
    let second = began.elapsed() - first;
    assert!(first >= Duration::from_millis(900), "it was not asked: {first:?}");
    assert!(first < Duration::from_secs(8) && second < Duration::from_millis(900), "{first:?}, {second:?}");
});

both_dbs!(a_hint_names_what_was_meant_and_refuses_nothing, |store| {
    let people = People::of(&store).await;
    let taken = people.sign_up("Jan@gmial.com", 1).await.expect("taken");
    assert_eq!(taken.hint.as_deref(), Some("Jan@gmail.com"));
    assert!(people.subscription("Jan@gmial.com").await.is_some());
    assert_eq!(people.sign_up("jan@gmail.com", 2).await.expect("taken").hint, None);
    let stamp = people.stamp();
    let mut trapped = people.form("jan@gmial.com", &stamp, 3);
    trapped.trap = "x";
    // What a program hears is what a person hears.
    assert_eq!(people.send(&trapped).await.expect("the same answer").hint.as_deref(), Some("jan@gmail.com"));
});

both_dbs!(who_proves_work_is_let_through_and_who_does_not_passes_under_tighter_limits, |store| {
    let mut people = People::of(&store).await;
    people.open_form.form.proof_policy = ProofPolicy::Always;
    let stamp = people.stamp();
    for n in 0..5 {
        let (address, proof) = (format!("proved{n}@example.org"), proved(&people));
        let form = SignUp { proof: &proof, ..people.form(&address, &stamp, 1) };
        people.send(&form).await.expect("a proof of its own each time");
    }
    let mut passed = 0;
    for n in 0..5 {
        let answer = people.sign_up(&format!("plain{n}@example.org"), 2).await;
        passed += usize::from(answer.is_ok());
        assert!(matches!(answer, Ok(_) | Err(SignUpError::TooMany { minutes: 1 })), "{answer:?}");
    }
    assert_eq!(passed, 3);
});

both_dbs!(a_proof_counts_once, |store| {
    let mut people = People::of(&store).await;
    people.open_form.form.proof_policy = ProofPolicy::Always;
    let (stamp, proof) = (people.stamp(), proved(&people));
    let mut passed = 0;
    for n in 0..6 {
        let address = format!("again{n}@example.org");
        let form = SignUp { proof: &proof, ..people.form(&address, &stamp, 1) };
        passed += usize::from(people.send(&form).await.is_ok());
    }
    // The first by its proof, three more as those without.
    assert_eq!(passed, 4);
});

both_dbs!(used_proofs_are_remembered_until_they_end, |store| {
    let (hash, end) = ([7; 32], Timestamp::from_millis(1_000));
    assert!(change!(store, |tx| used_proofs::insert(tx, &hash, end)));
    assert!(!change!(store, |tx| used_proofs::insert(tx, &hash, end)));
    assert_eq!(change!(store, |tx| used_proofs::delete_expired(tx, Timestamp::from_millis(999), 1_000)), 0);
    assert_eq!(change!(store, |tx| used_proofs::delete_expired(tx, end, 1_000)), 1);
    assert!(change!(store, |tx| used_proofs::insert(tx, &hash, end)));
});

both_dbs!(a_form_under_attack_asks_for_proof_by_itself_and_stops_asking, |store| {
    let mut people = People::of(&store).await;
    for n in 0..29 {
        people.sign_up(&format!("p{n}@d{n}.example"), n).await.expect("signed up");
    }
    reload(&mut people).await;
    assert!(!asks_proof(&people.open_form.form, people.clock.now()));
    people.sign_up("p29@d29.example", 29).await.expect("signed up");
    reload(&mut people).await;
    assert!(asks_proof(&people.open_form.form, people.clock.now()));
    people.clock.advance(HOUR);
    assert!(!asks_proof(&people.open_form.form, people.clock.now()));
    // A form that never asks does not begin to.
    people.open_form.form.proof_policy = ProofPolicy::Never;
    assert!(!asks_proof(&people.open_form.form, people.clock.now().minus(HOUR)));
});

both_dbs!(refused_sign_ups_that_pile_up_are_an_attack_too, |store| {
    let mut people = People::of(&store).await;
    let form = people.open_form.form.id;
    let hour = signup_counts::hour_of(people.clock.now());
    // Two weeks of a busy form: 100 an hour are usual.
    let usual = signup_counts::Counts { accepted: 100, refused: 0 };
    for back in 1..100 {
        change!(store, |tx| signup_counts::add(tx, form, hour - back, usual));
    }
    let stamp = people.stamp();
    for n in 0..50 {
        let mut trapped = people.form("a@example.org", &stamp, n);
        trapped.trap = "https://spam.example";
        people.send(&trapped).await.expect("the same answer");
    }
    reload(&mut people).await;
    assert!(asks_proof(&people.open_form.form, people.clock.now()));
    assert!(people.mails().await.is_empty());
});

both_dbs!(when_sign_ups_jump_each_user_hears_it_once_a_day, |store| {
    let people = People::of(&store).await;
    crate::support::samples::user(&store, "an@meridiaan.example").await;
    crate::support::samples::user(&store, "jo@meridiaan.example").await;
    let mut sent = 0_u16;
    let mut attack = async |count: u16| {
        for _ in 0..count {
            sent += 1;
            let address = format!("p{sent}@d{sent}.example");
            // Other networks each time.
            people.sign_up(&address, sent).await.expect("signed up");
        }
    };
    let alarms = async || {
        let mails = people.mails().await;
        mails.into_iter().filter(|mail| mail.kind == OutboxKind::Alert).collect::<Vec<_>>()
    };
    attack(99).await;
    assert!(alarms().await.is_empty());
    attack(200).await;
    let told = alarms().await;
    assert_eq!(told.len(), 2);
    let content = read!(store, |db| outbox_contents::of_outbox(db, told[0].id)).expect("written");
    assert!(content.text.contains("https://news.example/admin/newsletters/"), "{}", content.text);
    assert!(content.html.contains("100"), "{}", content.html);
    people.clock.advance(2 * HOUR);
    attack(150).await;
    assert!(alarms().await.is_empty(), "the same day");
    people.clock.advance(23 * HOUR);
    attack(150).await;
    assert_eq!(alarms().await.len(), 2);
});

both_dbs!(a_form_under_attack_spreads_the_mails_of_those_without_a_proof, |store| {
    let mut people = People::of(&store).await;
    people.open_form.form.proof_policy = ProofPolicy::Always;
    for n in 0..70 {
        people.sign_up(&format!("p{n}@d{n}.example"), n).await.expect("signed up");
    }
    assert_eq!(people.mails().await.len(), 60);
    let (stamp, proof) = (people.stamp(), proved(&people));
    let form = SignUp { proof: &proof, ..people.form("proved@d71.example", &stamp, 71) };
    people.send(&form).await.expect("signed up");
    assert_eq!(people.mails().await.len(), 1, "a proof does not wait");
    people.clock.advance(10 * MINUTE);
    assert_eq!(people.mails().await.len(), 10, "nobody is forgotten");
});

both_dbs!(forms_that_are_attacked_together_spread_their_mails, |store| {
    let people = People::of(&store).await;
    people.sign_up("first@a.example", 1).await.expect("signed up");
    assert_eq!(people.mails().await.len(), 1);
    // As if the other forms had had as many as all may have.
    let key = people.keys.mac(Purpose::RateLimit, b"signup/all-hour/");
    let others = [Count { key, hits: 5_000, window_ends_at: people.clock.now().plus(HOUR) }];
    change!(store, |tx| rate_limits::write_all(tx, &others));
    people.sign_up("second@b.example", 2).await.expect("signed up");
    people.sign_up("third@c.example", 3).await.expect("signed up");
    assert_eq!(people.mails().await.len(), 0, "they wait");
    people.clock.advance(Duration::from_secs(1));
    assert_eq!(people.mails().await.len(), 1, "one after the other");
    people.clock.advance(Duration::from_secs(1));
    assert_eq!(people.mails().await.len(), 1, "nobody is forgotten");
});

both_dbs!(ten_thousand_posts_for_one_victim_end_in_three_mails_a_day, |store| {
    let people = People::of(&store).await;
    let (mut mails, mut refused) = (0, 0);
    for post in 0..10_000_u32 {
        let network = u16::try_from(post % 1_000).expect("few");
        let spelling = match post % 4 {
            0 => format!("v.ic.tim+{post}@gmail.com"),
            1 => "VICTIM@GoogleMail.com".to_owned(),
            2 => format!("vi.ctim+{}@gmail.com", post % 7),
            _ => "victim@gmail.com".to_owned(),
        };
        match people.sign_up(&spelling, network).await {
            Ok(_) => {}
            Err(SignUpError::TooMany { .. }) => refused += 1,
            Err(error) => panic!("{error}"),
        }
        // All of it within 23 hours, in bursts.
        if post % 500 == 499 {
            people.clock.advance(Duration::from_secs(23 * 3600 / 20));
            mails += people.mails().await.iter().filter(|mail| mail.kind == OutboxKind::Confirm).count();
        }
    }
    assert!((1..=3).contains(&mails), "{mails} mails to the victim");
    assert!(refused < 10_000);
    // Somebody else, from a network of their own, is let in meanwhile, and gets the mail.
    people.sign_up("somebody@example.org", 5_000).await.expect("signed up");
    let theirs = people.subscription("somebody@example.org").await.expect("written").id;
    let waits = people.mails().await.iter().any(|mail| mail.subscription_id == Some(theirs));
    people.clock.advance(25 * HOUR);
    let late = people.mails().await.iter().any(|mail| mail.subscription_id == Some(theirs));
    assert!(waits || late, "the mail of a legitimate sign-up comes");
});

both_dbs!(of_a_thousand_posts_of_a_program_ten_come_through_at_most_whatever_it_leaves_out, |store| {
    let people = People::of(&store).await;
    let of_page = people.stamp();
    let of_now = stamp(&people.keys, people.clock.now());
    let taken = async || {
        let (id, status) = (people.newsletter.id, SubscriptionStatus::Pending);
        read!(store, |db| subscriptions::count(db, id, status))
    };
    // Fills in everything; posts at once; reads no page; and one that does all as a browser would, but does not rest.
    for (network, (trap, stamp, most)) in
        (1..).zip([("x", of_page.as_str(), 0), ("", of_now.as_str(), 0), ("", "", 3), ("", &of_page, 5)])
    {
        let before = taken().await;
        for post in 0..1_000 {
            let address = format!("p{post}@d{network}.example");
            let form = SignUp { trap, ..people.form(&address, stamp, network) };
            // Whether it is told so is another matter.
            let _ = people.send(&form).await;
        }
        let passed = taken().await - before;
        assert!(passed <= most, "{passed} of program {network}");
    }
});

both_dbs!(sign_ups_that_come_together_are_all_taken, |store| {
    let people = People::of(&store).await;
    let stamp = people.stamp();
    let addresses: Vec<String> = (0..200).map(|n| format!("p{n}@d{n}.example")).collect();
    let forms: Vec<SignUp<'_>> =
        (0..).zip(&addresses).map(|(network, address)| people.form(address, &stamp, network)).collect();
    let answers = futures_util::future::join_all(forms.iter().map(|form| people.send(form))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    for address in &addresses {
        assert!(people.subscription(address).await.is_some(), "{address}");
    }
});

both_dbs!(a_visitor_who_goes_away_does_not_break_off_the_sign_ups_of_others, |store| {
    use futures_util::FutureExt as _;
    let people = People::of(&store).await;
    let stamp = people.stamp();
    let (first, second) = (people.form("a@example.org", &stamp, 1), people.form("b@example.org", &stamp, 2));
    // Begun, so that it leads; and given up in the middle.
    let mut leads = Box::pin(people.send(&first));
    assert!(leads.as_mut().now_or_never().is_none());
    drop(leads);
    people.send(&second).await.expect("taken");
    assert!(people.subscription("b@example.org").await.is_some());
});
