//! The address under which visitors reach the pages.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use super::values;

/// `http://` or `https://`, a host and perhaps a port; no path, so that every link is this and a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    host: String,
    is_https: bool,
}

impl PublicUrl {
    /// Without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host in ASCII; an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether cookies can be `Secure`.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Whether only this machine reaches it.
    pub fn is_loopback(&self) -> bool {
        values::is_loopback(&self.host)
    }

    /// The whole address of a path, which begins with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err("does not begin with https:// or http://".to_owned()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '@']) {
            return Err("must end after the host and port: no user, path, question mark or #".to_owned());
        }
        let (host, port) = split_port(authority).ok_or_else(|| "has a port that is no number".to_owned())?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bracketed {
            Some(address) => address.parse::<Ipv6Addr>().ok().map(|address| address.to_string()),
            None => values::host(host).ok().filter(|host| !host.contains(':')),
        };
        let host = host.ok_or_else(|| "has no host that is a name or an IP address".to_owned())?;
        let shown = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let scheme = if is_https { "https" } else { "http" };
        let standard = if is_https { 443 } else { 80 };
        let text = match port {
            Some(port) if port != standard => format!("{scheme}://{shown}:{port}"),
            _ => format!("{scheme}://{shown}"),
        };
        Ok(Self { text, host, is_https })
    }
}

/// Host and port; `None` when there is a colon without a port behind it.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => Some((host, Some(port.parse().ok()?))),
        _ => Some((authority, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_scheme_a_host_and_perhaps_a_port() {
        for (text, expected, host) in [
            ("https://news.example.com", "https://news.example.com", "news.example.com"),
            ("HTTPS://News.Example.com:443/", "https://news.example.com", "news.example.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1"),
            ("http://[::1]:8080", "http://[::1]:8080", "::1"),
            ("http://[::1]", "http://[::1]", "::1"),
            (
                "https://nieuws.münchen.example",
                "https://nieuws.xn--mnchen-3ya.example",
                "nieuws.xn--mnchen-3ya.example",
            ),
        ] {
            let url: PublicUrl = text.parse().unwrap();
            assert_eq!((url.as_str(), url.host()), (expected, host));
        }
    }

    #[test]
    fn what_is_more_or_less_than_that_is_refused() {
        for text in [
            "",
            "news.example.com",
            "ftp://a",
            "https://",
            "https://a/b",
            "https://a?b",
            "https://a#b",
            "https://u:p@a",
            "https://a:b",
            "https://a:99999",
            "https://::1",
            "https://a b",
            "https://[a]",
            "https://a//",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }
}
