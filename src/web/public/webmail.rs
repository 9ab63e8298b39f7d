//! Where the mail of a known domain can be read in a browser: the button on the page after a sign-up.
//!
//! Plain links that load nothing. To add a provider: a line in [`PROVIDERS`]; a domain stands there only if all its
//! mailboxes are at that provider.

use crate::model::EmailAddress;

/// A provider of mailboxes with pages of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webmail {
    pub name: &'static str,
    pub url: String,
}

/// Name, address of the pages, and domains. A domain that ends in a dot stands for that name under every country.
const PROVIDERS: &[(&str, &str, &[&str])] = &[
    ("Gmail", GMAIL, &["gmail.com", "googlemail.com"]),
    ("Outlook", "https://outlook.live.com/mail/0/", &["outlook.", "hotmail.", "live.", "msn.com"]),
    ("Yahoo Mail", "https://mail.yahoo.com/", &["yahoo.", "ymail.com", "rocketmail.com"]),
    ("iCloud Mail", "https://www.icloud.com/mail/", &["icloud.com", "me.com", "mac.com"]),
    ("Proton Mail", "https://mail.proton.me/", &["proton.me", "protonmail.com", "pm.me"]),
    ("GMX", "https://www.gmx.net/", &["gmx.net", "gmx.de", "gmx.at", "gmx.ch"]),
    ("WEB.DE", "https://web.de/", &["web.de"]),
    ("T-Online", "https://email.t-online.de/", &["t-online.de"]),
    ("Orange", "https://messagerie.orange.fr/", &["orange.fr", "wanadoo.fr"]),
    ("La Poste", "https://www.laposte.net/", &["laposte.net"]),
    ("Free", "https://webmail.free.fr/", &["free.fr"]),
    ("Ziggo", "https://webmail.ziggo.nl/", &["ziggo.nl"]),
    ("KPN", "https://webmail.kpnmail.nl/", &["kpnmail.nl", "planet.nl", "hetnet.nl"]),
    ("Telenet", "https://webmail.telenet.be/", &["telenet.be"]),
    ("Proximus", "https://webmail.proximus.be/", &["proximus.be", "skynet.be"]),
    ("Fastmail", "https://app.fastmail.com/", &["fastmail.com", "fastmail.fm"]),
    ("AOL Mail", "https://mail.aol.com/", &["aol.com"]),
];

/// Shows the mails of one sender in all folders, spam too: whoever looks for our mail finds it.
const GMAIL: &str = "https://mail.google.com/mail/u/0/#search/in%3Aanywhere+newer_than%3A1d+from%3A";

/// Where this mailbox can be read, if we know it. `sender` is whose mail is looked for.
pub fn of(address: &EmailAddress, sender: &EmailAddress) -> Option<Webmail> {
    let domain = address.ascii_domain();
    let is_of = |known: &&str| match known.strip_suffix('.') {
        // Ends in a country, or `co.` and a country: not in somebody's own domain below it.
        Some(name) => {
            domain.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')).is_some_and(|country| {
                matches!(country, "com" | "com.au" | "com.br" | "com.tr" | "com.mx" | "com.ar")
                    || country.strip_prefix("co.").unwrap_or(country).len() == 2
            })
        }
        None => domain == *known,
    };
    let (name, url, _) = PROVIDERS.iter().find(|(_, _, domains)| domains.iter().any(is_of))?;
    let url = if *url == GMAIL { format!("{url}{}", encoded(sender)) } else { (*url).to_owned() };
    Some(Webmail { name, url })
}

fn encoded(sender: &EmailAddress) -> String {
    form_urlencoded::byte_serialize(sender.to_smtp().as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_mailboxes_have_a_button_and_others_none() {
        let sender = EmailAddress::parse("news@meridiaan.example").expect("an address");
        let of =
            |text: &str| of(&EmailAddress::parse(text).expect("an address"), &sender).map(|found| found.name);
        assert_eq!(of("a@gmail.com"), Some("Gmail"));
        assert_eq!(of("a@hotmail.be"), Some("Outlook"));
        assert_eq!(of("a@yahoo.co.uk"), Some("Yahoo Mail"));
        assert_eq!(of("a@live.com.au"), Some("Outlook"));
        for other in ["a@live.nation.example", "a@notgmail.com", "a@mail.gmail.com", "a@outlook.example"] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn gmail_is_asked_for_the_sender() {
        let sender = EmailAddress::parse("news&co@meridiaan.example").expect("an address");
        let found = of(&EmailAddress::parse("a@gmail.com").expect("an address"), &sender).expect("known");
        assert!(found.url.ends_with("from%3Anews%26co%40meridiaan.example"), "{}", found.url);
    }
}
