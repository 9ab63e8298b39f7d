//! Questions to the DNS: which hosts take the mail of a domain, and what stands in the texts of a name.
//!
//! Nothing needs an answer to work: the system's configuration is read with the first question, and whatever goes
//! wrong is [`Mx::Unknown`] or [`Txt::Unknown`]. The resolver keeps what it learned for as long as the records say, a few hundred of
//! them; who wants to remember longer, or without waiting, does so himself.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::sync::Semaphore;

/// One question to one server; a datagram may be lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// How often a question is put again.
const TRIES_AGAIN: usize = 1;
/// Answers that are kept: about 1 kB each.
const CACHE_MAX: u64 = 256;
/// That a domain does not exist, or takes no mail, is believed for so long at most: it may be a new one.
const NEGATIVE_KEPT: Duration = Duration::from_secs(600);
/// Questions under way at once, each with a socket; the others wait, within their time.
const AT_ONCE_MAX: usize = 16;
/// Hosts of one domain that are looked at. Big providers have five; an answer could hold thousands.
const HOSTS_MAX: usize = 20;
/// Texts of one name that are looked at: a domain has a dozen that prove to others whose it is.
const TEXTS_MAX: usize = 50;

/// Which hosts take the mail of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mx {
    /// These, the preferred first: at least one, in lower case and without the last dot. A domain without MX
    /// records is its own host if it has an address (RFC 5321, 5.1).
    Hosts(Vec<String>),
    /// None, for sure: the domain does not exist, or says itself that it takes no mail (RFC 7505), or has
    /// neither MX records nor an address.
    Nowhere,
    /// There was no answer, or none that says anything: as if nobody had asked.
    Unknown,
}

/// What stands in the TXT records of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Txt {
    /// These: at least one, each with its strings put together.
    Records(Vec<String>),
    /// None, for sure.
    Nothing,
    /// There was no answer, or none that says anything.
    Unknown,
}

/// Who is asked. Cheap to clone; clones share their cache.
#[derive(Debug, Clone)]
pub struct Dns(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    servers: Servers,
    /// Made with the first question, and anew after one that nobody answered: the system's configuration
    /// changes with the network.
    resolver: Mutex<Option<TokioResolver>>,
    at_once: Semaphore,
}

#[derive(Debug, Clone, Copy)]
enum Servers {
    System,
    At(SocketAddr),
    None,
}

impl Dns {
    /// The servers of the system's configuration.
    pub fn system() -> Self {
        Self::new(Servers::System)
    }

    /// One server of one's own.
    pub fn at(server: SocketAddr) -> Self {
        Self::new(Servers::At(server))
    }

    /// Nobody: everything is unknown, at once.
    pub fn none() -> Self {
        Self::new(Servers::None)
    }

    /// The same servers, by one who remembers nothing: for somebody who has just changed what they say. What the servers
    /// themselves remember stays.
    pub fn without_memory(&self) -> Self {
        Self::new(self.0.servers)
    }

    fn new(servers: Servers) -> Self {
        let at_once = Semaphore::new(AT_ONCE_MAX);
        Self(Arc::new(Inner { servers, resolver: Mutex::new(None), at_once }))
    }

    /// Which hosts take the mail of a domain (in ASCII, as [`crate::model::EmailAddress::ascii_domain`]), answered
    /// within `deadline`.
    pub async fn mx(&self, domain: &str, deadline: Duration) -> Mx {
        let question = async |resolver: TokioResolver, name| ask(&resolver, name, domain).await;
        self.asked(domain, deadline, question).await.unwrap_or(Mx::Unknown)
    }

    /// What the TXT records of a name (in ASCII) say, answered within `deadline`.
    pub async fn txt(&self, name: &str, deadline: Duration) -> Txt {
        self.asked(name, deadline, texts).await.unwrap_or(Txt::Unknown)
    }

    /// Puts a question about a name; `None` when nobody answered.
    async fn asked<T, F>(
        &self,
        name: &str,
        deadline: Duration,
        question: impl FnOnce(TokioResolver, Name) -> F,
    ) -> Option<T>
    where
        F: Future<Output = Result<T, NetError>>,
    {
        let resolver = self.resolver()?;
        let mut name = Name::from_ascii(name).ok()?;
        name.set_fqdn(true);
        if name.is_root() {
            return None;
        }
        let asked = async {
            let _permit = self.0.at_once.acquire().await.ok()?;
            question(resolver, name).await.ok()
        };
        let answer = tokio::time::timeout(deadline, asked).await.ok().flatten();
        if answer.is_none() {
            self.forget();
        }
        answer
    }

    fn resolver(&self) -> Option<TokioResolver> {
        let mut kept = self.0.resolver.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() {
            *kept = made(self.0.servers);
        }
        kept.clone()
    }

    /// The next question goes to the servers that are configured then.
    fn forget(&self) {
        if matches!(self.0.servers, Servers::System) {
            *self.0.resolver.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

fn made(servers: Servers) -> Option<TokioResolver> {
    let mut builder = match servers {
        Servers::None => return None,
        Servers::System => TokioResolver::builder_tokio()
            .inspect_err(|error| tracing::debug!(%error, "the system names no DNS server"))
            .ok()?,
        Servers::At(server) => {
            let mut connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
            connections.iter_mut().for_each(|connection| connection.port = server.port());
            let server = NameServerConfig::new(server.ip(), true, connections.into());
            let config = ResolverConfig::from_name_servers(vec![server]);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
    };
    limit(builder.options_mut());
    builder.build().inspect_err(|error| tracing::debug!(%error, "no questions can be put to the DNS")).ok()
}

fn limit(options: &mut ResolverOpts) {
    options.timeout = ANSWER_WITHIN;
    options.attempts = TRIES_AGAIN;
    options.cache_size = CACHE_MAX;
    options.negative_max_ttl = Some(NEGATIVE_KEPT);
    // The file of hosts has no MX records.
    options.use_hosts_file = ResolveHosts::Never;
}

/// `Err` when nobody answered; an answer that says nothing is [`Txt::Unknown`].
async fn texts(resolver: TokioResolver, name: Name) -> Result<Txt, NetError> {
    match resolver.lookup(name, RecordType::TXT).await {
        Ok(found) => {
            let texts: Vec<String> = found
                .answers()
                .iter()
                .filter_map(|record| match &record.data {
                    RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
                    _ => None,
                })
                .take(TEXTS_MAX)
                .collect();
            Ok(if texts.is_empty() { Txt::Nothing } else { Txt::Records(texts) })
        }
        Err(error) => match without_records(error)? {
            Some(ResponseCode::NXDomain | ResponseCode::NoError) => Ok(Txt::Nothing),
            _ => Ok(Txt::Unknown),
        },
    }
}

/// `Err` when nobody answered; an answer that says nothing is [`Mx::Unknown`].
async fn ask(resolver: &TokioResolver, name: Name, domain: &str) -> Result<Mx, NetError> {
    match resolver.lookup(name.clone(), RecordType::MX).await {
        Ok(found) => {
            let mut exchanges: Vec<_> = found
                .answers()
                .iter()
                .filter_map(|record| match &record.data {
                    RData::MX(mx) => Some((mx.preference, &mx.exchange)),
                    _ => None,
                })
                .collect();
            if exchanges.is_empty() {
                return addresses(resolver, name, domain).await;
            }
            exchanges.retain(|(_, exchange)| !exchange.is_root());
            exchanges.sort_by_key(|(preference, _)| *preference);
            let hosts: Vec<_> =
                exchanges.into_iter().take(HOSTS_MAX).map(|(_, exchange)| host(exchange)).collect();
            Ok(if hosts.is_empty() { Mx::Nowhere } else { Mx::Hosts(hosts) })
        }
        Err(error) => match without_records(error)? {
            Some(ResponseCode::NXDomain) => Ok(Mx::Nowhere),
            Some(ResponseCode::NoError) => addresses(resolver, name, domain).await,
            _ => Ok(Mx::Unknown),
        },
    }
}

/// A domain without MX records takes mail itself if it has an address.
async fn addresses(resolver: &TokioResolver, name: Name, domain: &str) -> Result<Mx, NetError> {
    for kind in [RecordType::A, RecordType::AAAA] {
        match resolver.lookup(name.clone(), kind).await {
            Ok(found) if found.answers().iter().any(|record| record.record_type() == kind) => {
                return Ok(Mx::Hosts(vec![domain.to_ascii_lowercase()]));
            }
            Ok(_) => {}
            Err(error) => match without_records(error)? {
                Some(ResponseCode::NoError | ResponseCode::NXDomain) => {}
                _ => return Ok(Mx::Unknown),
            },
        }
    }
    Ok(Mx::Nowhere)
}

/// The code of an answer without records; `None` for an answer that is a refusal.
fn without_records(error: NetError) -> Result<Option<ResponseCode>, NetError> {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => Ok(Some(none.response_code)),
        NetError::Dns(_) => Ok(None),
        error => Err(error),
    }
}

fn host(exchange: &Name) -> String {
    exchange.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}
