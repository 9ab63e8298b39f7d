//! A visitor without a screen: the tour and the tests go through the same doors as a person.
//!
//! Loopback only, no TLS. Keeps cookies, follows nothing by itself: a redirect is part of what is tested.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ureq::Agent;
use ureq::http::{HeaderMap, Request, Response};

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// One visitor with cookies. Clones share them.
#[derive(Debug, Clone)]
pub struct Browser {
    agent: Agent,
    base: String,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

#[derive(Debug, thiserror::Error)]
#[error("{method} {path} got no answer: {cause}")]
pub struct NoAnswer {
    method: &'static str,
    path: String,
    cause: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Where a redirect leads.
    pub fn location(&self) -> &str {
        self.header("location").unwrap_or_default()
    }

    /// The value of the first field of that name in the page.
    pub fn field(&self, name: &str) -> Option<String> {
        let at = self.body.find(&format!("name=\"{name}\""))?;
        let start = self.body[..at].rfind('<')?;
        let tag = &self.body[start..start + self.body[start..].find('>')?];
        let value = tag.split("value=\"").nth(1)?.split('"').next()?;
        Some(value.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<").replace("&#38;", "&"))
    }
}

impl Browser {
    /// A new visitor of the site at `base`, such as `http://127.0.0.1:8080`.
    pub fn new(base: &str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(TIMEOUT))
            // The server ends a connection that rests for five seconds, perhaps just as it is used again.
            .max_idle_age(Duration::from_secs(1))
            .build()
            .into();
        Self {
            agent,
            base: base.trim_end_matches('/').to_owned(),
            cookies: Arc::default(),
            headers: Vec::new(),
        }
    }

    /// The same visitor, with one more header in each request.
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.headers.push((name.to_owned(), value.to_owned()));
        other
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub async fn get(&self, path: &str) -> Result<Answer, NoAnswer> {
        self.send("GET", path, None).await
    }

    /// Posts a form.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, NoAnswer> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", path, Some(("application/x-www-form-urlencoded", body.into_bytes()))).await
    }

    /// Sends anything, for what no browser would send.
    pub async fn send(
        &self,
        method: &'static str,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Answer, NoAnswer> {
        let path = path.strip_prefix(&self.base).unwrap_or(path).to_owned();
        let no_answer = |cause: String| NoAnswer { method, path: path.clone(), cause };
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        let cookies: Vec<String> = self
            .cookies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some((media_type, _)) = &body {
            request = request.header("content-type", *media_type);
        }
        let request = request
            .body(body.map(|(_, body)| body).unwrap_or_default())
            .map_err(|error| no_answer(error.to_string()))?;
        let agent = self.agent.clone();
        let answer = tokio::task::spawn_blocking(move || -> Result<Answer, ureq::Error> {
            let (parts, mut body): (_, ureq::Body) = Response::into_parts(agent.run(request)?);
            let bytes = body.read_to_vec()?;
            let body = String::from_utf8_lossy(&bytes).into_owned();
            Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
        })
        .await
        .map_err(|error| no_answer(error.to_string()))?
        .map_err(|error| no_answer(error.to_string()))?;
        self.keep_cookies(&answer);
        Ok(answer)
    }

    fn keep_cookies(&self, answer: &Answer) {
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for value in answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()) {
            let is_removal = value.to_ascii_lowercase().contains("max-age=0");
            if let Some((name, value)) = value.split(';').next().and_then(|pair| pair.split_once('=')) {
                if is_removal {
                    cookies.remove(name);
                } else {
                    cookies.insert(name.to_owned(), value.to_owned());
                }
            }
        }
    }
}
