//! Signing in through a provider (OpenID Connect Core 1.0, the code flow with PKCE, as RFC 9700 wants it; S25). Why it is
//! like this, and what it refuses, says `docs/decisions/0031-oidc.md`.
//!
//! [`login`] has the verbs: going there and coming back. [`exchange`] asks the provider, and remembers what it says about
//! itself ([`discovery`]) and its keys ([`key_set`]). [`id_token`] reads what it says about somebody, and is where nothing
//! may be believed that was not checked.

pub mod discovery;
pub mod exchange;
pub mod id_token;
pub mod key_set;
pub mod login;

use std::sync::Arc;

use tokio::sync::Mutex;

use self::exchange::Known;
use crate::config::Oidc;
use crate::http::Http;
use crate::model::EmailAddress;

/// Where the provider sends people back to, below the public URL: it must be entered there.
pub const RETURN_PATH: &str = "/admin/login/provider/return";

/// The provider of this installation. Cheap to clone; clones share what they know of it.
#[derive(Debug, Clone)]
pub struct Provider {
    settings: Arc<Oidc>,
    http: Http,
    known: Arc<Mutex<Known>>,
}

impl Provider {
    pub fn new(settings: Oidc, http: Http) -> Self {
        Self { settings: Arc::new(settings), http, known: Arc::default() }
    }

    /// What people call it.
    pub fn label(&self) -> &str {
        &self.settings.label
    }

    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Whether passwords open the desk beside it.
    pub fn leaves_passwords(&self) -> bool {
        self.settings.password_login
    }

    /// Whether it is trusted to know who has which address.
    fn knows_addresses(&self) -> bool {
        !self.settings.allowed_domains.is_empty()
    }

    /// Whether it is trusted to know whose this address is.
    fn is_trusted_for(&self, address: &EmailAddress) -> bool {
        let domain = address.ascii_domain();
        self.settings.allowed_domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(domain))
    }
}
