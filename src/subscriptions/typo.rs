//! "Did you mean gmail.com?" A hint beside the answer, never a reason to refuse: it looks at the address as it
//! was typed and at nothing that is known of it.
//!
//! A slip is in the name (`gmial.com`), at the end (`gmail.con`), or in both. The end of a domain that exists
//! somewhere is no slip: people do have mailboxes at `hotmail.be` and `yahoo.co.uk`.

use crate::model::EmailAddress;

const DOMAINS: &str = include_str!("mail_domains.txt");
/// These providers have no other ends: `gmail.be` is nobody's.
const ONE_END_ONLY: [&str; 2] = ["gmail.com", "icloud.com"];
/// Names shorter than this are too near to those of other companies.
const NAME_MIN_CHARS: usize = 5;
/// From this length on a name may be wrong twice.
const LONG_NAME_MIN_CHARS: usize = 7;
/// Longer domains are not looked at: the longest known one has 18 characters.
const DOMAIN_MAX_CHARS: usize = 40;
/// Countries whose ends are seldom meant, and often a slip of `.com`.
const SLIPS_OF_COM: [&str; 3] = ["cm", "co", "om"];

/// The address that was probably meant, if another one is likelier than what was typed.
pub fn suggestion(address: &EmailAddress) -> Option<EmailAddress> {
    let domain = nearest(address.ascii_domain())?;
    EmailAddress::parse(&format!("{}@{domain}", address.local())).ok()
}

fn domains() -> impl Iterator<Item = &'static str> {
    DOMAINS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Whether a domain is one of the big providers'.
pub fn is_known(ascii_domain: &str) -> bool {
    domains().any(|domain| domain == ascii_domain)
}

fn nearest(typed: &str) -> Option<&'static str> {
    if typed.len() > DOMAIN_MAX_CHARS || is_known(typed) {
        return None;
    }
    // The first of several that are as near: the list begins with the likeliest.
    domains()
        .filter_map(|domain| Some((slips(typed, domain)?, domain)))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, domain)| domain)
}

/// In how many places the typed domain differs; `None` where that is no slip.
fn slips(typed: &str, domain: &str) -> Option<usize> {
    let (typed_name, typed_end) = typed.split_once('.')?;
    let (name, end) = domain.split_once('.')?;
    // What is missing or too many is wrong in any case: most are done with here.
    let at_least = |a: &str, b: &str| a.len().abs_diff(b.len());
    if at_least(typed_name, name) > name_may(name) {
        return None;
    }
    let in_name = distance(typed_name, name);
    let in_end = distance(typed_end, end);
    if in_name == 0 && ONE_END_ONLY.contains(&domain) {
        return Some(in_end.min(2));
    }
    let end_may = usize::from(!exists(typed_end));
    (in_name <= name_may(name) && in_end <= end_may && in_name + in_end <= 2).then_some(in_name + in_end)
}

/// How often a name may be wrong.
const fn name_may(name: &str) -> usize {
    match name.len() {
        ..NAME_MIN_CHARS => 0,
        NAME_MIN_CHARS..LONG_NAME_MIN_CHARS => 1,
        _ => 2,
    }
}

/// Whether there may be mailboxes under such an end.
fn exists(end: &str) -> bool {
    let country = |text: &str| text.len() == 2 && !SLIPS_OF_COM.contains(&text);
    match end.split_once('.') {
        Some((second, last)) => matches!(second, "co" | "com" | "net" | "org") && country(last),
        None => {
            country(end) || matches!(end, "com" | "net" | "org" | "info" | "biz" | "name" | "email" | "mobi")
        }
    }
}

/// Damerau-Levenshtein, restricted: how many characters are missing, too many, wrong, or swapped with the next.
/// Each at most [`DOMAIN_MAX_CHARS`] long.
fn distance(a: &str, b: &str) -> usize {
    let cut = |text: &'_ str| text.len().min(DOMAIN_MAX_CHARS);
    let (a, b) = (&a.as_bytes()[..cut(a)], &b.as_bytes()[..cut(b)]);
    let (mut before, mut last, mut row) =
        ([0; DOMAIN_MAX_CHARS + 1], [0; DOMAIN_MAX_CHARS + 1], [0; DOMAIN_MAX_CHARS + 1]);
    for (j, start) in last.iter_mut().enumerate() {
        *start = j;
    }
    for (i, x) in a.iter().enumerate() {
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            row[j + 1] = least;
        }
        (before, last, row) = (last, row, before);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn meant(text: &str) -> Option<String> {
        suggestion(&EmailAddress::parse(text).expect("an address")).map(|address| address.to_string())
    }

    #[test]
    fn slips_are_noticed_and_the_name_before_the_at_stays_as_typed() {
        for (typed, domain) in [
            ("gmial.com", "gmail.com"),
            ("gmail.con", "gmail.com"),
            ("gmail.cm", "gmail.com"),
            ("gmail.co", "gmail.com"),
            ("gmail.comm", "gmail.com"),
            ("gmail.be", "gmail.com"),
            ("gmail.nl", "gmail.com"),
            ("GMAL.COM", "gmail.com"),
            ("gnail.com", "gmail.com"),
            ("gmial.con", "gmail.com"),
            ("hotmial.com", "hotmail.com"),
            ("hotmal.be", "hotmail.be"),
            ("hotmaill.fr", "hotmail.fr"),
            ("homtail.con", "hotmail.com"),
            ("hotmail.co.ukk", "hotmail.co.uk"),
            ("outlok.com", "outlook.com"),
            ("outllook.be", "outlook.be"),
            ("yaho.fr", "yahoo.fr"),
            ("yahooo.com", "yahoo.com"),
            ("iclod.com", "icloud.com"),
            ("telnet.be", "telenet.be"),
            ("telenet.bee", "telenet.be"),
            ("skynte.be", "skynet.be"),
            ("zigo.nl", "ziggo.nl"),
            ("wandoo.fr", "wanadoo.fr"),
            ("t-onlin.de", "t-online.de"),
            ("btintenet.com", "btinternet.com"),
            ("laposte.ent", "laposte.net"),
        ] {
            assert_eq!(meant(&format!("J.An+x@{typed}")), Some(format!("J.An+x@{domain}")), "{typed}");
        }
    }

    #[test]
    fn what_exists_is_left_alone() {
        for domain in [
            "hotmail.it",
            "hotmail.se",
            "yahoo.es",
            "yahoo.co.in",
            "yahoo.com.br",
            "live.dk",
            "outlook.jp",
            "mail.com",
            "email.com",
            "ymail.com",
            "web.be",
            "gmx.us",
            "kpn.com",
            "sky.be",
            "free.nl",
            "vrt.be",
            "google.com",
            "gemeente.gent",
            "example.org",
            "mail.gmail.com",
            "a.b.c.d.e.f",
        ] {
            assert_eq!(meant(&format!("jan@{domain}")), None, "{domain}");
        }
        for domain in domains() {
            assert_eq!(meant(&format!("jan@{domain}")), None, "{domain}");
        }
    }

    #[test]
    fn a_distance_counts_each_kind_of_slip_once() {
        for (a, b, far) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "ab", 2),
            ("ab", "ba", 1),
            ("gmail", "gmial", 1),
            ("abc", "xbz", 2),
        ] {
            assert_eq!((distance(a, b), distance(b, a)), (far, far), "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn a_suggestion_is_of_a_big_provider_and_suggests_nothing_else(domain in "[a-z0-9-]{1,14}\\.[a-z.]{1,8}|gm[a-z]{1,4}\\.[a-z]{1,4}") {
            let typed = EmailAddress::parse(&format!("J.An+x@{domain}"));
            if let Some(meant) = typed.ok().and_then(|typed| suggestion(&typed)) {
                prop_assert!(is_known(meant.ascii_domain()) && !is_known(&domain));
                prop_assert_eq!((meant.local(), suggestion(&meant)), ("J.An+x", None));
            }
        }
    }
}
