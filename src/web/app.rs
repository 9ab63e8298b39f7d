//! What every handler may use.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::accounts::Desk;
use crate::accounts::passkeys::ceremony::Site;
use crate::accounts::provider::Provider;
use crate::clock::Clock;
use crate::config::Network;
use crate::dns::Dns;
use crate::http::{Http, is_on_this_machine};
use crate::keys::Keys;
use crate::model::Retention;
use crate::publishing::audiences::Audiences;
use crate::publishing::images::Images;
use crate::reports::hits::Hits;
use crate::setup::relays::Configured;
use crate::store::Store;
use crate::subscriptions::gate::Gate;

use super::watching::Watching;

/// Shared by all handlers; cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    pub gate: Gate,
    /// Asks other web servers.
    pub http: Http,
    /// Through which people may sign in.
    pub provider: Option<Provider>,
    pub settings: Arc<WebSettings>,
    /// Wakes the sender of this process after a verb has written something to send.
    pub wake: Arc<Notify>,
    /// Wakes what works behind the pages: imports, and acts on many.
    pub background: Arc<Notify>,
    /// Who watches a mailing.
    pub watching: Watching,
    /// Pictures of articles.
    pub images: Images,
    /// The relays of the configuration; tells the sender when one of the database has changed.
    pub relays: Configured,
    /// Who is asked what stands in DNS, when somebody wants to know.
    pub dns: Dns,
    /// How many would get an issue, as the pages of composing show it.
    pub audiences: Audiences,
    /// Counts clicks and opens behind the answers.
    pub hits: Hits,
}

#[derive(Debug, Clone)]
pub struct WebSettings {
    /// Scheme, host and port under which visitors reach us, without a slash at the end.
    pub public_url: String,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// How long a mailing that is sent now can be called back.
    pub undo: Duration,
    /// For how long what is kept, as far as the desk has set nothing else.
    pub retention: Retention,
    /// Whether pages say so when only this machine can reach the public URL. Not where that is meant: in the demo.
    pub says_local: bool,
}

impl App {
    /// The absolute URL of a path that begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.settings.public_url)
    }

    /// The public URL, where only this machine can reach it and the pages have to say so.
    pub fn local_address(&self) -> Option<String> {
        let url = &self.settings.public_url;
        (self.settings.says_local && is_on_this_machine(url)).then(|| url.clone())
    }

    /// What the verbs of accounts work with.
    pub fn desk(&self) -> Desk<'_> {
        Desk {
            store: &self.store,
            clock: &self.clock,
            keys: &self.keys,
            public_url: &self.settings.public_url,
        }
    }

    /// Whether passwords open the desk.
    pub fn takes_passwords(&self) -> bool {
        self.provider.as_ref().is_none_or(Provider::leaves_passwords)
    }

    /// What the provider is called, if there is one.
    pub fn provider_label(&self) -> Option<String> {
        self.provider.as_ref().map(|provider| provider.label().to_owned())
    }

    /// Where passkeys belong; `None`: there are none at such an address.
    pub fn passkey_site(&self) -> Option<Site> {
        Site::of(&self.settings.public_url)
    }

    /// Whether visitors come over TLS: cookies then carry `Secure` and the `__Host-` prefix.
    pub fn is_https(&self) -> bool {
        self.settings.public_url.starts_with("https://")
    }
}
