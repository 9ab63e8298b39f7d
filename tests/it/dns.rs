//! Questions to the DNS, against a server of our own on loopback.

use std::time::{Duration, Instant};

use postiljon::dns::{Dns, Mx, Txt};

use crate::support::dns_server::{DnsServer, Says};

const SOON: Duration = Duration::from_secs(10);

async fn mx(says: Says) -> Mx {
    let server = DnsServer::start([("example.org", says)]).await;
    Dns::at(server.address).mx("example.org", SOON).await
}

fn hosts(hosts: &[&str]) -> Mx {
    Mx::Hosts(hosts.iter().map(|host| (*host).to_owned()).collect())
}

#[tokio::test]
async fn the_hosts_come_in_the_order_of_preference_and_in_lower_case() {
    let says = Says::Mx(vec![(20, "b.example.org."), (10, "A.Example.ORG.")]);
    assert_eq!(mx(says).await, hosts(&["a.example.org", "b.example.org"]));
}

#[tokio::test]
async fn a_domain_with_an_address_and_no_mx_is_its_own_host() {
    assert_eq!(mx(Says::Address).await, hosts(&["example.org"]));
}

#[tokio::test]
async fn surely_nowhere_are_a_domain_that_does_not_exist_one_that_says_so_and_one_with_nothing() {
    assert_eq!(mx(Says::NoSuchDomain).await, Mx::Nowhere);
    assert_eq!(mx(Says::Mx(vec![(0, ".")])).await, Mx::Nowhere);
    assert_eq!(mx(Says::Nothing).await, Mx::Nowhere);
}

#[tokio::test]
async fn a_null_mx_beside_a_real_one_says_nothing() {
    let says = Says::Mx(vec![(0, "."), (10, "a.example.org.")]);
    assert_eq!(mx(says).await, hosts(&["a.example.org"]));
}

#[tokio::test]
async fn a_server_that_fails_or_refuses_leaves_it_unknown() {
    assert_eq!(mx(Says::Failure).await, Mx::Unknown);
    assert_eq!(mx(Says::Refused).await, Mx::Unknown);
}

#[tokio::test]
async fn a_server_that_is_silent_is_waited_for_until_the_deadline() {
    let server = DnsServer::start([("example.org", Says::Silence)]).await;
    let began = Instant::now();
    let mx = Dns::at(server.address).mx("example.org", Duration::from_millis(100)).await;
    assert_eq!(mx, Mx::Unknown);
    assert!(began.elapsed() < ANSWER_MAX, "{:?}", began.elapsed());
}

/// A busy machine; the deadline is a tenth of a second.
const ANSWER_MAX: Duration = Duration::from_secs(2);

#[tokio::test]
async fn an_answer_is_kept_for_as_long_as_it_says() {
    let server = DnsServer::start([("example.org", Says::Mx(vec![(1, "a.example.org.")]))]).await;
    let dns = Dns::at(server.address);
    for _ in 0..3 {
        assert_eq!(dns.mx("example.org", SOON).await, hosts(&["a.example.org"]));
    }
    assert_eq!(server.asked("example.org"), 1);
}

#[tokio::test]
async fn nobody_knows_nothing_and_what_is_no_domain_is_unknown() {
    assert_eq!(Dns::none().mx("example.org", SOON).await, Mx::Unknown);
    let server = DnsServer::start([]).await;
    let dns = Dns::at(server.address);
    let long = format!("{}.example.org", "a".repeat(64));
    for wrong in ["", ".", "..", long.as_str()] {
        assert_eq!(dns.mx(wrong, SOON).await, Mx::Unknown, "{wrong:?}");
    }
}

#[tokio::test]
async fn texts_are_put_together_and_none_is_told_apart_from_no_answer() {
    let long = format!("v=DKIM1; p={}", "A".repeat(380));
    let says = Says::Txt(vec!["v=spf1 -all".to_owned(), long.clone()]);
    let server = DnsServer::start([
        ("example.org", says),
        ("empty.example", Says::Nothing),
        ("failing.example", Says::Failure),
        ("silent.example", Says::Silence),
    ])
    .await;
    let dns = Dns::at(server.address);
    let Txt::Records(mut texts) = dns.txt("example.org", SOON).await else { panic!("no texts") };
    texts.sort();
    assert_eq!(texts, [long, "v=spf1 -all".to_owned()]);
    for nothing in ["empty.example", "nowhere.example"] {
        assert_eq!(dns.txt(nothing, SOON).await, Txt::Nothing, "{nothing}");
    }
    assert_eq!(dns.txt("failing.example", SOON).await, Txt::Unknown);
    assert_eq!(dns.txt("silent.example", Duration::from_millis(100)).await, Txt::Unknown);
    assert_eq!(Dns::none().txt("example.org", SOON).await, Txt::Unknown);
    // Who has just changed it asks somebody who remembers nothing.
    server.say("example.org", Says::Txt(vec!["now".to_owned()]));
    assert!(matches!(dns.txt("example.org", SOON).await, Txt::Records(before) if before.len() == 2));
    let fresh = dns.without_memory().txt("example.org", SOON).await;
    assert_eq!(fresh, Txt::Records(vec!["now".to_owned()]));
}
