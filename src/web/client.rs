//! Who is asking: the address of the client, behind proxies that we trust and no others (S21).

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Data};

use super::App;

/// Most hops looked at in `X-Forwarded-For`.
const HOPS_MAX: usize = 20;

/// A network such as `10.0.0.0/8`, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

impl Network {
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.base, ip.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => masked_v4(base, self.prefix) == masked_v4(ip, self.prefix),
            (IpAddr::V6(base), IpAddr::V6(ip)) => masked_v6(base, self.prefix) == masked_v6(ip, self.prefix),
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is not an IP address or a network such as 10.0.0.0/8");
        let (base, prefix) = text.split_once('/').map_or((text, None), |(base, prefix)| (base, Some(prefix)));
        let base: IpAddr = base.trim().parse().map_err(|_| wrong())?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(most), |prefix| prefix.trim().parse::<u8>().map_err(|_| wrong()))?;
        if prefix > most { Err(wrong()) } else { Ok(Self { base, prefix }) }
    }
}

fn masked_v4(ip: Ipv4Addr, prefix: u8) -> u32 {
    u32::from(ip) & u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0)
}

fn masked_v6(ip: Ipv6Addr, prefix: u8) -> u128 {
    u128::from(ip) & u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0)
}

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

    #[test]
    fn networks_are_checked() {
        for text in ["", "x", "10.0.0.0/33", "::/129", "10.0.0.0/x"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        assert!(
            "0.0.0.0/0".parse::<Network>().is_ok_and(|all| all.contains(IpAddr::V4(Ipv4Addr::LOCALHOST)))
        );
    }
}
