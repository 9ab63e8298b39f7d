//! A provider of identities (OpenID Connect) on loopback, which follows the rules until it is told not to.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use aws_lc_rs::{digest, hmac};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use postiljon::clock::Clock;
use postiljon::config::{Oidc, Secret};
use reqwest::Url;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub const CLIENT_ID: &str = "postiljon at work";
pub const CLIENT_SECRET: &str = "a secret: with / signs";
/// What tells the access token from others.
const ACCESS_TOKEN: &str = "an-access-token";
/// Longer than anybody waits for it.
const SLOW: Duration = Duration::from_secs(30);

static RSA: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"));
static OTHER_RSA: LazyLock<RsaKeyPair> =
    LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"));
static EC: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"));

/// How the token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    Rs256,
    Es256,
    /// With a key that is not among its keys, under the name of one that is.
    OtherKey,
    /// `"alg":"none"`, and no signature.
    Nothing,
    /// HS256, with the public key as the secret.
    PublicKeyAsSecret,
    /// As RS256, of which the token says something else.
    Named(&'static str),
}

/// How it answers a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerToCode {
    Tokens,
    Status(u16),
    Slow,
    Huge,
    Garbage,
    /// To itself, where all would be well.
    Redirect,
    NoToken,
}

/// What it does.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub sign: Sign,
    pub answer: AnswerToCode,
    /// Changes the header and the claims before they are signed.
    pub change: fn(&mut Value, &mut Value),
    /// Its keys carry these names.
    pub rsa_name: &'static str,
    /// The name of the key in the token; `None`: the same.
    pub named: Option<&'static str>,
    pub names_itself: bool,
    pub secret_in_form: bool,
    /// What its discovery document says of itself.
    pub another_issuer: bool,
    /// Instead of its keys it says that it cannot.
    pub keys_fail: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            sign: Sign::Rs256,
            answer: AnswerToCode::Tokens,
            change: |_, _| {},
            rsa_name: "rsa-1",
            named: None,
            names_itself: true,
            secret_in_form: false,
            another_issuer: false,
            keys_fail: false,
        }
    }
}

/// Somebody who signs in there.
#[derive(Debug, Clone)]
pub struct Person {
    pub subject: String,
    pub address: String,
    pub is_verified: Value,
}

pub fn person(subject: &str, address: &str) -> Person {
    Person { subject: subject.into(), address: address.into(), is_verified: true.into() }
}

/// Who was let in for a code, and what for.
#[derive(Debug, Clone)]
struct Granted {
    person: Person,
    nonce: String,
    challenge: String,
    redirect_uri: String,
}

#[derive(Debug, Default)]
struct State {
    plan: Plan,
    codes: HashMap<String, Granted>,
    /// How many codes there have been.
    issued: usize,
    /// Paths that were asked for.
    asked: Vec<String>,
}

#[derive(Clone)]
pub struct MockProvider {
    pub issuer: String,
    clock: Clock,
    state: Arc<Mutex<State>>,
}

impl MockProvider {
    pub async fn start(clock: &Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let issuer = format!("http://{}/tenant", listener.local_addr().expect("an address"));
        let provider = Self { issuer, clock: clock.clone(), state: Arc::default() };
        let serving = provider.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let provider = serving.clone();
                tokio::spawn(async move { provider.serve(stream).await });
            }
        });
        provider
    }

    /// As the service has it.
    pub fn settings(&self, allowed_domains: &[&str]) -> Oidc {
        Oidc {
            issuer: self.issuer.clone(),
            client_id: CLIENT_ID.into(),
            client_secret: Secret::new(CLIENT_SECRET),
            label: "Meridiaan".into(),
            allowed_domains: allowed_domains.iter().map(|domain| (*domain).to_owned()).collect(),
            password_login: true,
            private_network: false,
        }
    }

    pub fn plan(&self, plan: Plan) {
        self.state.lock().expect("no panic").plan = plan;
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.state.lock().expect("no panic").asked.iter().filter(|asked| *asked == path).count()
    }

    /// Somebody signs in at the address to which they were sent. Answers the way back.
    pub fn agree(&self, sent_to: &str, person: &Person) -> String {
        let url = Url::parse(sent_to).expect("an address");
        assert!(sent_to.starts_with(&format!("{}/authorize?kept=1&", self.issuer)), "{sent_to}");
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        let of = |name: &str| asked.get(name).cloned().unwrap_or_else(|| panic!("no {name} in {sent_to}"));
        assert_eq!((of("response_type"), of("client_id")), ("code".into(), CLIENT_ID.into()));
        assert_eq!(of("code_challenge_method"), "S256");
        assert!(of("scope").split(' ').any(|scope| scope == "openid"));
        let mut state = self.state.lock().expect("no panic");
        state.issued += 1;
        // Signs that must be encoded on the way.
        let code = format!("code/{}+x", state.issued);
        let granted = Granted {
            person: person.clone(),
            nonce: of("nonce"),
            challenge: of("code_challenge"),
            redirect_uri: of("redirect_uri"),
        };
        state.codes.insert(code.clone(), granted);
        let mut back = Url::parse(&of("redirect_uri")).expect("an address");
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", &of("state"));
        if state.plan.names_itself {
            back.query_pairs_mut().append_pair("iss", &self.issuer);
        }
        back.into()
    }

    async fn serve(&self, mut stream: TcpStream) {
        let Some((head, body)) = read(&mut stream).await else { return };
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        self.state.lock().expect("no panic").asked.push(path.clone());
        let plan = self.state.lock().expect("no panic").plan;
        let (status, answer) = match path.as_str() {
            "/tenant/.well-known/openid-configuration" => (200, self.document(plan).to_string()),
            "/tenant/jwks" if plan.keys_fail => (503, String::new()),
            "/tenant/jwks" => (200, keys(plan).to_string()),
            "/tenant/token" => match plan.answer {
                AnswerToCode::Tokens => self.tokens(&head, &body, plan),
                AnswerToCode::Status(status) => (status, json!({"error": "server_error"}).to_string()),
                AnswerToCode::Slow => {
                    tokio::time::sleep(SLOW).await;
                    return;
                }
                AnswerToCode::Huge => (200, format!("{{\"id_token\":\"{}\"}}", "a".repeat(1_000_000))),
                AnswerToCode::Garbage => (200, "<html>Sign in</html>".to_owned()),
                AnswerToCode::NoToken => (200, json!({"access_token": ACCESS_TOKEN}).to_string()),
                AnswerToCode::Redirect => (307, String::new()),
            },
            "/tenant/elsewhere" => self.tokens(&head, &body, plan),
            _ => (404, String::new()),
        };
        let location =
            if status == 307 { format!("location: {}/elsewhere\r\n", self.issuer) } else { String::new() };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{location}content-length: {}\r\nconnection: close\r\n\r\n",
            answer.len()
        );
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    }

    fn document(&self, plan: Plan) -> Value {
        let issuer = &self.issuer;
        let method = if plan.secret_in_form { "client_secret_post" } else { "client_secret_basic" };
        json!({
            "issuer": if plan.another_issuer { "https://login.example" } else { issuer.as_str() },
            "authorization_endpoint": format!("{issuer}/authorize?kept=1"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"),
            "token_endpoint_auth_methods_supported": [method],
            "authorization_response_iss_parameter_supported": plan.names_itself,
        })
    }

    fn tokens(&self, head: &str, body: &str, plan: Plan) -> (u16, String) {
        let form: HashMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let of = |name: &str| form.get(name).cloned().unwrap_or_default();
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let basic = BASE64.encode(format!("{}:{}", encoded(CLIENT_ID), encoded(CLIENT_SECRET)).as_bytes());
        let is_known = if plan.secret_in_form {
            of("client_id") == CLIENT_ID && of("client_secret") == CLIENT_SECRET
        } else {
            head.lines().any(|line| line.eq_ignore_ascii_case(&format!("authorization: basic {basic}")))
        };
        if !is_known {
            return (401, json!({"error": "invalid_client"}).to_string());
        }
        // A code is worth one answer, to who can show the proof.
        let granted = self.state.lock().expect("no panic").codes.remove(&of("code"));
        let proof =
            BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, of("code_verifier").as_bytes()).as_ref());
        let granted = granted.filter(|granted| {
            of("grant_type") == "authorization_code"
                && granted.challenge == proof
                && granted.redirect_uri == of("redirect_uri")
        });
        let Some(granted) = granted else { return (400, json!({"error": "invalid_grant"}).to_string()) };
        let token = self.token(&granted, plan);
        let answer = json!({"access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": token});
        (200, answer.to_string())
    }

    fn token(&self, granted: &Granted, plan: Plan) -> String {
        let now = self.clock.now().as_millis() / 1000;
        let half = &digest::digest(&digest::SHA256, ACCESS_TOKEN.as_bytes()).as_ref()[..16].to_vec();
        let mut claims = json!({
            "iss": self.issuer,
            "sub": granted.person.subject,
            "aud": CLIENT_ID,
            "exp": now + 300,
            "iat": now,
            "nonce": granted.nonce,
            "at_hash": BASE64URL_NOPAD.encode(half),
            "email": granted.person.address,
            "email_verified": granted.person.is_verified,
        });
        let (alg, name) = match plan.sign {
            Sign::Rs256 | Sign::OtherKey => ("RS256", plan.rsa_name),
            Sign::Es256 => ("ES256", "ec-1"),
            Sign::Nothing => ("none", plan.rsa_name),
            Sign::PublicKeyAsSecret => ("HS256", plan.rsa_name),
            Sign::Named(alg) => (alg, plan.rsa_name),
        };
        let mut header = json!({"alg": alg, "typ": "JWT", "kid": plan.named.unwrap_or(name)});
        (plan.change)(&mut header, &mut claims);
        let encoded = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", encoded(&header), encoded(&claims));
        let signature = match plan.sign {
            Sign::Rs256 | Sign::Named(_) => rs256(&RSA, signed.as_bytes()),
            Sign::OtherKey => rs256(&OTHER_RSA, signed.as_bytes()),
            Sign::Es256 => {
                let signature = EC.sign(&SystemRandom::new(), signed.as_bytes()).expect("signed");
                signature.as_ref().to_vec()
            }
            Sign::Nothing => Vec::new(),
            Sign::PublicKeyAsSecret => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, RSA.public_key().as_ref());
                hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
            }
        };
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }
}

fn rs256(key: &RsaKeyPair, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).expect("signed");
    signature
}

/// The modulus of a key of 2048 bits, out of its DER: two lengths and a zero stand before it.
fn modulus(key: &RsaKeyPair) -> &[u8] {
    &key.public_key().as_ref()[9..9 + 256]
}

fn keys(plan: Plan) -> Value {
    let point = EC.public_key().as_ref();
    json!({"keys": [
        {"kty": "oct", "kid": "a-secret", "k": "AAAA"},
        {"kty": "RSA", "kid": "for-encryption", "use": "enc", "n": BASE64URL_NOPAD.encode(modulus(&OTHER_RSA)), "e": "AQAB"},
        {"kty": "RSA", "kid": plan.rsa_name, "use": "sig", "alg": "RS256",
            "n": BASE64URL_NOPAD.encode(modulus(&RSA)), "e": "AQAB"},
        {"kty": "EC", "kid": "ec-1", "crv": "P-256",
            "x": BASE64URL_NOPAD.encode(&point[1..33]), "y": BASE64URL_NOPAD.encode(&point[33..])},
    ]})
}

/// Head and body of a request.
async fn read(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut octets = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&octets).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return Some((head.to_owned(), body.to_owned()));
            }
        }
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.ok().filter(|read| *read > 0)?;
        octets.extend_from_slice(&part[..read]);
    }
}
