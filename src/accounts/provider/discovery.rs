//! What the provider says about itself (OpenID Connect Discovery 1.0, 4).

use reqwest::Url;
use serde::Deserialize;

/// Where the provider does what.
#[derive(Debug, Clone)]
pub struct Endpoints {
    pub authorization: Url,
    pub token: Url,
    pub keys: Url,
    /// It names itself when it sends somebody back (RFC 9207), so that an answer without its name is not its own.
    pub names_itself: bool,
    /// The secret goes into the form, and not into a header.
    pub secret_in_form: bool,
}

#[derive(Debug, Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// Where the document lies.
///
/// # Errors
/// When the issuer is no address.
pub fn address_of(issuer: &str) -> Result<Url, &'static str> {
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    Url::parse(&address).map_err(|_| "the issuer is no address")
}

impl Endpoints {
    /// Reads the document of an issuer.
    ///
    /// # Errors
    /// What is wrong with it: above all that another issuer speaks (RFC 8414, 3.3).
    pub fn read(document: &[u8], issuer: &str) -> Result<Self, &'static str> {
        let document: Document =
            serde_json::from_slice(document).map_err(|_| "its discovery document cannot be read")?;
        if document.issuer != issuer {
            return Err("its discovery document is of another issuer");
        }
        // Over TLS, unless the issuer itself is on this machine and without it.
        let is_trial = issuer.starts_with("http://");
        let endpoint = |text: &str| {
            let url = Url::parse(text).map_err(|_| "an endpoint of it is no address")?;
            let is_fit = url.scheme() == "https" || (is_trial && url.scheme() == "http");
            if is_fit { Ok(url) } else { Err("an endpoint of it is without TLS") }
        };
        let methods = document.token_endpoint_auth_methods_supported.unwrap_or_default();
        let takes = |method: &str| methods.iter().any(|known| known == method);
        Ok(Self {
            authorization: endpoint(&document.authorization_endpoint)?,
            token: endpoint(&document.token_endpoint)?,
            keys: endpoint(&document.jwks_uri)?,
            names_itself: document.authorization_response_iss_parameter_supported,
            // Where nothing is said it is the header (Discovery, 3).
            secret_in_form: takes("client_secret_post") && !takes("client_secret_basic"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://login.example/tenant";

    fn document(changes: &[(&str, serde_json::Value)]) -> Vec<u8> {
        let mut document = serde_json::json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://login.example/authorize?tenant=1",
            "token_endpoint": "https://login.example/token",
            "jwks_uri": "https://keys.example/jwks",
        });
        for (name, value) in changes {
            document[*name] = value.clone();
        }
        document.to_string().into_bytes()
    }

    #[test]
    fn the_document_of_the_issuer_says_where_things_are() {
        let found = Endpoints::read(&document(&[]), ISSUER).unwrap();
        assert_eq!(found.token.as_str(), "https://login.example/token");
        assert!(!found.names_itself && !found.secret_in_form);
        let named = document(&[
            ("authorization_response_iss_parameter_supported", true.into()),
            ("token_endpoint_auth_methods_supported", serde_json::json!(["client_secret_post"])),
        ]);
        let found = Endpoints::read(&named, ISSUER).unwrap();
        assert!(found.names_itself && found.secret_in_form);
        for issuer in [ISSUER, "https://login.example/tenant/"] {
            let address = address_of(issuer).unwrap();
            assert_eq!(address.path(), "/tenant/.well-known/openid-configuration");
        }
    }

    #[test]
    fn a_document_of_another_issuer_or_without_tls_is_refused() {
        for (name, value) in [
            ("issuer", "https://login.example/other"),
            ("issuer", "https://login.example/tenant/"),
            ("token_endpoint", "http://login.example/token"),
            ("authorization_endpoint", "javascript:alert(1)"),
            ("jwks_uri", "file:///etc/passwd"),
            ("jwks_uri", "/jwks"),
        ] {
            let refused = Endpoints::read(&document(&[(name, value.into())]), ISSUER);
            assert!(refused.is_err(), "{name} {value}");
        }
        assert!(Endpoints::read(b"<html>", ISSUER).is_err());
        assert!(Endpoints::read(b"{}", ISSUER).is_err());
    }
}
