//! Who is asking: the address of the client, behind proxies that we trust and no others (S21).

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Data};

use super::App;
use crate::config::Network;

/// Most hops looked at in `X-Forwarded-For`.
const HOPS_MAX: usize = 20;

/// The address of the client, and what its browser calls itself.
#[derive(Debug, Clone)]
pub struct Client {
    pub ip: IpAddr,
    pub user_agent: String,
    /// `Referer`, as far as the browser sent it.
    pub page: String,
}

impl Client {
    pub fn of(request: &HttpRequest) -> Self {
        let header = |name: &str| {
            request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        let trusted = request.app_data::<Data<App>>().map_or(&[][..], |app| &app.settings.trusted_proxies);
        Self {
            ip: client_ip(peer, &forwarded_for(request), trusted).to_canonical(),
            user_agent: header("user-agent"),
            page: header("referer"),
        }
    }
}

/// All hops, in their order: a proxy adds to the line that is there, or a line of its own below, which is the same
/// (RFC 9110, section 5.3).
fn forwarded_for(request: &HttpRequest) -> String {
    let lines = request.headers().get_all("x-forwarded-for");
    lines.map(|line| line.to_str().unwrap_or_default()).collect::<Vec<_>>().join(",")
}

/// The last address in the chain that is not one of our proxies.
fn client_ip(peer: IpAddr, forwarded_for: &str, trusted: &[Network]) -> IpAddr {
    let is_proxy = |ip: IpAddr| trusted.iter().any(|network| network.contains(ip));
    let mut client = peer;
    for hop in forwarded_for.rsplit(',').take(HOPS_MAX) {
        if !is_proxy(client) {
            break;
        }
        match address_of(hop.trim()) {
            Some(ip) => client = ip,
            None => break,
        }
    }
    client
}

/// A hop as proxies write it: `192.0.2.7`, `2001:db8::7`, and with the port that some add, `192.0.2.7:4711` or
/// `[2001:db8::7]:4711`.
fn address_of(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

impl FromRequest for Client {
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Self, Self::Error>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded_for: &str, trusted: &[&str]) -> String {
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().expect("a network")).collect();
        client_ip(peer.parse().expect("an address"), forwarded_for, &trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_forge_an_address() {
        assert_eq!(client("203.0.113.9", "198.51.100.1", &[]), "203.0.113.9");
        assert_eq!(client("203.0.113.9", "198.51.100.1", &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn the_first_address_that_is_no_proxy_counts() {
        assert_eq!(client("10.0.0.1", "192.0.2.7, 198.51.100.1", &["10.0.0.0/8"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", "198.51.100.1, 10.0.0.2", &["10.0.0.0/8"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", "garbage", &["10.0.0.0/8"]), "10.0.0.1");
        assert_eq!(client("::1", "2001:db8::5", &["::1"]), "2001:db8::5");
    }

    #[test]
    fn a_hop_may_have_a_port() {
        for (hop, address) in [
            ("198.51.100.1:4711", "198.51.100.1"),
            ("[2001:db8::5]:4711", "2001:db8::5"),
            ("[2001:db8::5]", "2001:db8::5"),
            ("2001:db8::5", "2001:db8::5"),
            ("198.51.100.1:", "10.0.0.1"),
            ("", "10.0.0.1"),
            ("unknown", "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.1", hop, &["10.0.0.0/8"]), address, "{hop}");
        }
    }

    #[test]
    fn every_line_counts_and_the_last_one_first() {
        let mut request = actix_web::test::TestRequest::default();
        for line in ["203.0.113.66, 203.0.113.67", "198.51.100.1"] {
            request = request.append_header(("x-forwarded-for", line));
        }
        let hops = forwarded_for(&request.to_http_request());
        assert_eq!(client("10.0.0.1", &hops, &["10.0.0.0/8"]), "198.51.100.1");
    }
}
