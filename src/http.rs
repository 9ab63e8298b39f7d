//! Questions to other web servers, which must never become questions to our own network (S13).
//!
//! Whoever writes an address into an article decides where we connect to. So a name is resolved once, only public
//! addresses of it are kept, and it is these that are connected to; a redirect goes through the same door.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    RETRY_AFTER, USER_AGENT,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode, Url};

/// For connecting, and for all of it: a page that takes longer is not one that readers wait for.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Who asks for feeds and their pictures.
const FETCHER: &str = concat!("Postiljon/", env!("CARGO_PKG_VERSION"), " (feed reader)");
/// Longest ETag and date that are kept.
const VALIDATOR_MAX_OCTETS: usize = 500;
/// A longer chain goes in circles.
const REDIRECTS_MAX: usize = 5;

/// How far we go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses only.
    Public,
    /// Also this machine: tests, and a trial on one machine.
    Anywhere,
}

/// What an address answered, without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub status: u16,
    /// Octets of the content, where the server says so.
    pub octets: Option<u64>,
}

/// What an address answered, with its content.
#[derive(Debug, Clone)]
pub struct Fetched {
    pub status: u16,
    /// After redirects: against it relative addresses are read.
    pub url: Url,
    /// As the server gave them, for the next time; empty: not.
    pub etag: String,
    pub last_modified: String,
    /// How long the server asks us to stay away.
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

/// What is known from the last time: a server that has nothing new says so in a few octets.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    pub etag: &'a str,
    pub last_modified: &'a str,
}

/// A form to post, and the `Authorization` to go with it.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    pub form: &'a str,
    pub authorization: Option<&'a str>,
}

/// What a server answered that was asked itself: no redirect was followed.
#[derive(Debug, Clone)]
pub struct Answered {
    pub status: u16,
    pub body: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("it leads into a network of our own")]
    Private,
    #[error("it is larger than {0} octets")]
    TooLarge(usize),
    #[error(transparent)]
    Request(#[from] reqwest::Error),
}

/// A client. Cheap to clone; clones share their connections. Made with the first question.
#[derive(Debug, Clone)]
pub struct Http {
    reach: Reach,
    client: Arc<OnceLock<Client>>,
    /// Follows no redirect: what it sends is for one server.
    strict: Arc<OnceLock<Client>>,
}

impl Http {
    pub fn new(reach: Reach) -> Self {
        Self { reach, client: Arc::default(), strict: Arc::default() }
    }

    fn client(&self) -> Result<Client, HttpError> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let reach = self.reach;
        let policy = Policy::custom(move |attempt| {
            if attempt.previous().len() > REDIRECTS_MAX {
                attempt.error("too many redirects")
            } else if is_allowed(attempt.url(), reach) {
                attempt.follow()
            } else {
                attempt.error(HttpError::Private)
            }
        });
        let client = self.build(concat!("Postiljon/", env!("CARGO_PKG_VERSION"), " (link check)"), policy)?;
        Ok(self.client.get_or_init(|| client).clone())
    }

    fn strict(&self) -> Result<Client, HttpError> {
        if let Some(client) = self.strict.get() {
            return Ok(client.clone());
        }
        let client = self.build(concat!("Postiljon/", env!("CARGO_PKG_VERSION")), Policy::none())?;
        Ok(self.strict.get_or_init(|| client).clone())
    }

    fn build(&self, name: &str, policy: Policy) -> Result<Client, HttpError> {
        let client = Client::builder()
            .user_agent(name)
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .redirect(policy)
            .referer(false)
            // One of the environment would look names up by itself, past [`PublicNames`].
            .no_proxy()
            .dns_resolver(Arc::new(PublicNames(self.reach)))
            .build()?;
        Ok(client)
    }

    /// Asks one server for JSON, or posts a form to it, within [`ANSWER_WITHIN`]: the whole answer of at most so many
    /// octets, whatever its status. A redirect is an answer, and not followed.
    ///
    /// # Errors
    /// As [`Http::fetch`].
    pub async fn ask(&self, url: &Url, post: Option<Post<'_>>, most: usize) -> Result<Answered, HttpError> {
        if !is_allowed(url, self.reach) {
            return Err(HttpError::Private);
        }
        let client = self.strict()?;
        let mut request = match post {
            None => client.get(url.clone()),
            Some(post) => client
                .post(url.clone())
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(post.form.to_owned()),
        };
        request = request.header(ACCEPT, "application/json");
        if let Some(authorization) = post.and_then(|post| post.authorization) {
            request = request.header(AUTHORIZATION, authorization);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        Ok(Answered { status, body: read(answer, most).await? })
    }

    /// Whether something is at an address. Asks for its head, and where a server does not answer that, for the page,
    /// of which nothing is read.
    ///
    /// # Errors
    /// [`HttpError::Private`] before anything is connected to; else why there was no answer.
    pub async fn look(&self, url: &Url) -> Result<Look, HttpError> {
        if !is_allowed(url, self.reach) {
            return Err(HttpError::Private);
        }
        let client = self.client()?;
        let answer = client.request(Method::HEAD, url.clone()).send().await?;
        let refused = [
            StatusCode::METHOD_NOT_ALLOWED,
            StatusCode::NOT_IMPLEMENTED,
            StatusCode::FORBIDDEN,
            StatusCode::NOT_FOUND,
        ];
        // Some answer 404 to a HEAD of what is there.
        let answer =
            if refused.contains(&answer.status()) { client.get(url.clone()).send().await? } else { answer };
        let octets = answer.headers().get(reqwest::header::CONTENT_LENGTH);
        let octets = octets.and_then(|octets| octets.to_str().ok()?.parse().ok());
        Ok(Look { status: answer.status().as_u16(), octets })
    }

    /// What is at an address, of at most so many octets; all of it within [`ANSWER_WITHIN`]. An answer of which the
    /// status is an error has no body.
    ///
    /// # Errors
    /// [`HttpError::Private`] before anything is connected to; [`HttpError::TooLarge`] as soon as that is seen; else why
    /// there was no answer.
    pub async fn fetch(&self, url: &Url, known: Known<'_>, most: usize) -> Result<Fetched, HttpError> {
        if !is_allowed(url, self.reach) {
            return Err(HttpError::Private);
        }
        let mut request = self.client()?.get(url.clone()).header(USER_AGENT, FETCHER);
        for (name, value) in [(IF_NONE_MATCH, known.etag), (IF_MODIFIED_SINCE, known.last_modified)] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        let answer = request.send().await?;
        let header = |name: HeaderName| {
            let value = answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            // It is kept, and sent again: a server that puts more into it gets none back.
            if value.len() > VALIDATOR_MAX_OCTETS { String::new() } else { value.to_owned() }
        };
        let (etag, last_modified) = (header(ETAG), header(LAST_MODIFIED));
        let retry_after = header(RETRY_AFTER).parse().ok().map(Duration::from_secs);
        let (status, url) = (answer.status(), answer.url().clone());
        let body = if status.is_success() { read(answer, most).await? } else { Vec::new() };
        Ok(Fetched { status: status.as_u16(), url, etag, last_modified, retry_after, body })
    }
}

/// The content of an answer, of at most so many octets.
async fn read(mut answer: reqwest::Response, most: usize) -> Result<Vec<u8>, HttpError> {
    if answer.content_length().is_some_and(|octets| octets > most as u64) {
        return Err(HttpError::TooLarge(most));
    }
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await? {
        if body.len() + part.len() > most {
            return Err(HttpError::TooLarge(most));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// Whether an address of ours is only reached on this machine: a trial.
pub fn is_on_this_machine(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether an address may be asked, as far as can be seen without resolving its name.
fn is_allowed(url: &Url, reach: Reach) -> bool {
    let is_web =
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    // A host that is an address is connected to without a question to the resolver.
    let is_public = reach == Reach::Anywhere || host.parse::<IpAddr>().map_or(!host.is_empty(), is_public);
    is_web && is_public
}

/// Resolves names to the public ones of their addresses.
struct PublicNames(Reach);

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> =
                found.filter(|address| reach == Reach::Anywhere || is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(Box::new(HttpError::Private) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the whole internet: not of this machine, this network, a carrier's inside, documents or
/// many at once (RFC 6890 and its registries), also when it is wrapped in one of version 6.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b));
    !(is_special
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let inner = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // Of version 4 in disguise: mapped, compatible, NAT64, 6to4.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => inner(high, low),
        [0x2002, high, low, ..] => inner(high, low),
        // Teredo, ORCHID, benchmarks, documents.
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        // All that is given to anybody is in here.
        [first, ..] => (first & 0xe000) == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_that_leads_to_this_machine_is_connected_to() {
        let canary = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        canary.set_nonblocking(true).expect("set");
        let port = canary.local_addr().expect("bound").port();
        let http = Http::new(Reach::Public);
        // By a name that resolves to it, as an address, and as an address in disguise.
        for host in [
            "localhost",
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            let url: Url = format!("http://{host}:{port}/feed.xml").parse().expect("an address");
            assert!(http.look(&url).await.is_err(), "{host}");
            assert!(http.fetch(&url, Known::default(), 100).await.is_err(), "{host}");
            assert!(http.ask(&url, None, 100).await.is_err(), "{host}");
            assert!(!is_allowed(&url, Reach::Public) || host == "localhost", "{host}: nor a redirect there");
        }
        let caught = canary.accept().map(|_| ()).map_err(|error| error.kind());
        assert_eq!(caught, Err(std::io::ErrorKind::WouldBlock), "somebody connected");
        // The canary does sing.
        let url: Url = format!("http://localhost:{port}/").parse().expect("an address");
        let anywhere = Http::new(Reach::Anywhere);
        let looked = tokio::spawn(async move { anywhere.look(&url).await.is_ok() });
        let waited = tokio::time::timeout(Duration::from_secs(5), async {
            while canary.accept().is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.expect("a connection");
        looked.abort();
    }

    #[test]
    fn addresses_of_our_own_networks_are_not_public() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2001::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "8.8.8.8",
            "1.1.1.1",
            "100.128.0.1",
            "172.32.0.1",
            "198.20.0.1",
            "2606:4700::1",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2001:4860::8888",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn hosts_that_are_addresses_are_judged_in_every_way_of_writing_them() {
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://017700000001/",
            "http://127.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://169.254.169.254/latest/",
            "ftp://example.com/",
            "http://user@example.com/",
            "http://user:secret@example.com/",
            "file:///etc/passwd",
            "http://0/",
        ] {
            let url = Url::parse(url).unwrap();
            assert!(!is_allowed(&url, Reach::Public), "{url}");
        }
        assert!(is_allowed(&Url::parse("https://example.com/").unwrap(), Reach::Public));
    }
}
