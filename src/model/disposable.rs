//! Domains of throw-away mailboxes: a list of our own in `disposable_domains.txt`, and what a file adds to it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::EmailAddress;
use super::email_address::ascii_domain;

const LIST: &str = include_str!("disposable_domains.txt");
/// Most domains in all: the longest lists that are around have about a hundred thousand.
const DOMAINS_MAX: usize = 500_000;

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct DisposableDomains(Arc<BTreeSet<Box<str>>>);

impl Default for DisposableDomains {
    fn default() -> Self {
        Self(Arc::new(lines(LIST).map(|(_, domain)| domain.into()).collect()))
    }
}

impl DisposableDomains {
    /// Adds a list: a domain a line, `#` begins a comment.
    ///
    /// # Errors
    /// Names the first line that is no domain; finishes a sentence that begins with the file.
    pub fn add(&mut self, list: &str) -> Result<(), String> {
        let domains = Arc::make_mut(&mut self.0);
        for (number, domain) in lines(list) {
            let domain = ascii_domain(domain)
                .map_err(|_| format!("has no domain in line {number}, such as mailinator.com"))?;
            if domains.len() >= DOMAINS_MAX {
                return Err(format!("has more than {DOMAINS_MAX} domains"));
            }
            domains.insert(domain.into());
        }
        Ok(())
    }

    /// Whether an address is of one of these domains, or of one below it.
    pub fn contains(&self, address: &EmailAddress) -> bool {
        let mut domain = address.ascii_domain();
        loop {
            if self.0.contains(domain) {
                return true;
            }
            match domain.split_once('.') {
                Some((_, parent)) => domain = parent,
                None => return false,
            }
        }
    }
}

/// The lines that say something, with their numbers.
fn lines(list: &str) -> impl Iterator<Item = (usize, &str)> {
    let texts = list.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    (1..).zip(texts).filter(|(_, text)| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn is_disposable(domains: &DisposableDomains, domain: &str) -> bool {
        domains.contains(&EmailAddress::parse(&format!("jan@{domain}")).expect("an address"))
    }

    #[test]
    fn every_line_of_our_list_is_a_domain_and_none_stands_there_twice() {
        let mut seen = HashSet::new();
        for (number, line) in lines(LIST) {
            assert_eq!(ascii_domain(line).as_deref(), Ok(line), "line {number}");
            assert!(seen.insert(line), "{line} twice");
        }
        assert!(seen.len() > 100);
    }

    #[test]
    fn subdomains_count_and_lookalikes_do_not() {
        let domains = DisposableDomains::default();
        for domain in ["mailinator.com", "MAILINATOR.COM", "any.thing.mailinator.com"] {
            assert!(is_disposable(&domains, domain), "{domain}");
        }
        for domain in ["gmail.com", "notmailinator.com", "mailinator.com.example.org", "com.example.org"] {
            assert!(!is_disposable(&domains, domain), "{domain}");
        }
    }

    #[test]
    fn a_file_adds_domains_and_says_where_it_is_wrong() {
        let mut domains = DisposableDomains::default();
        domains.add("# ours\n\nWeg.Example  # sold\nmünchen-weg.example\r\n").expect("a list");
        assert!(is_disposable(&domains, "weg.example") && is_disposable(&domains, "münchen-weg.example"));
        assert!(is_disposable(&domains, "yopmail.com"));
        let complaint = domains.add("good.example\n*.bad.example\n").expect_err("no domain");
        assert!(complaint.contains("line 2"), "{complaint}");
    }
}
