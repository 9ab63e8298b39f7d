//! Who is asking: the address of the client, behind proxies that we trust and no others (S21).

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};

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
            ip: client_ip(peer, &header("x-forwarded-for"), trusted).to_canonical(),
            user_agent: header("user-agent"),
            page: header("referer"),
        }
    }
}

/// The last address in the chain that is not one of our proxies.
fn client_ip(peer: IpAddr, forwarded_for: &str, trusted: &[Network]) -> IpAddr {
    let is_proxy = |ip: IpAddr| trusted.iter().any(|network| network.contains(ip));
    let mut client = peer;
    for hop in forwarded_for.rsplit(',').take(HOPS_MAX) {
        if !is_proxy(client) {
            break;
        }
        match hop.trim().parse() {
            Ok(ip) => client = ip,
            Err(_) => break,
        }
    }
    client
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
}
