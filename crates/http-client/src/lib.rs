//! The one way in which the server asks others: JSON over HTTP, only at addresses that the egress guard permits.
//!
//! A name is resolved here and the connection goes to the addresses that were checked, so a name that changes its mind
//! between check and use gains nothing. Redirects are not followed, proxies of the environment are not used.

mod names;
mod resolver;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder, Response};
use serde_json::Value;
use url::{Host, Url};
use vestibule_kernel::address::EgressGuard;

use names::Names;
use resolver::{GuardedResolver, NotPermitted};

/// How long one exchange may take, from the first packet to the last byte of the answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer that is read, bytes.
const ANSWER_LIMIT: usize = 1 << 20;
/// How much of an answer is repeated, characters.
const NOTED: usize = 1000;

/// Why there is no answer. The texts are for administrators.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Not an absolute http or https address.
    #[error("This is not an absolute http or https address.")]
    Address,
    /// A header field that HTTP does not know.
    #[error("This is no header field that can be sent.")]
    Header,
    /// The egress guard says no.
    #[error("This server may not fetch from there: the address is internal and no setting allows it.")]
    NotPermitted,
    /// Nobody took the connection, or it broke.
    #[error("There is no connection to this address.")]
    Unreachable,
    /// No complete answer in time.
    #[error("There was no answer in time.")]
    TimedOut,
    /// An answer, but not one of success; redirects are none.
    #[error("The answer has status {0}.")]
    Status(u16),
    /// More than anyone needs.
    #[error("The answer is too large.")]
    TooLarge,
    /// Something else than JSON.
    #[error("The answer is not JSON.")]
    NotJson,
    /// What should be an authority is no certificate.
    #[error("The certificate authority is no certificate that can be used.")]
    Authority,
    /// This process could not set up TLS at all.
    #[error("TLS is not available: are the system's root certificates installed?")]
    NoTls,
}

/// Asks others. One of it is made at start-up and shared.
pub struct HttpClient {
    client: Option<Client>,
    guard: EgressGuard,
    timeout: Duration,
    names: Names,
}

impl HttpClient {
    /// A client that goes where `guard` permits.
    pub fn new(guard: EgressGuard) -> Self {
        Self::with_timeout(guard, TIMEOUT)
    }

    /// A client with its own patience: for tests.
    pub fn with_timeout(guard: EgressGuard, timeout: Duration) -> Self {
        let built = builder(&guard, timeout).build();
        if let Err(error) = &built {
            tracing::warn!(error = %chain(error), "the server cannot fetch anything");
        }
        Self { client: built.ok(), guard, timeout, names: Names::default() }
    }

    /// GET.
    ///
    /// # Errors
    /// Why there is no JSON.
    pub async fn get(&self, address: &str) -> Result<Value, FetchError> {
        let url = self.check(address)?;
        read(self.client()?.get(url)).await
    }

    /// GET of a text.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn get_text(&self, address: &str) -> Result<String, FetchError> {
        let url = self.check(address)?;
        let mut response = self.client()?.get(url).send().await.map_err(|error| reason(&error))?;
        if !response.status().is_success() {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        Ok(String::from_utf8_lossy(&limited(&mut response).await?).into_owned())
    }

    /// POST of a form.
    ///
    /// # Errors
    /// Why there is no JSON.
    pub async fn post_form(&self, address: &str, form: &[(&str, &str)]) -> Result<Value, FetchError> {
        let url = self.check(address)?;
        read(self.client()?.post(url).form(form)).await
    }

    /// POST of JSON.
    ///
    /// # Errors
    /// Why there is no JSON.
    pub async fn post_json(&self, address: &str, body: &Value) -> Result<Value, FetchError> {
        let url = self.check(address)?;
        read(self.client()?.post(url).json(body)).await
    }

    /// POST of JSON, with further header fields, to whoever wants to hear of something: status and beginning of the answer, whatever it consists of.
    /// With an `authority` (PEM) a certificate is believed that comes from it, and no other.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn notify(
        &self,
        address: &str,
        body: &Value,
        headers: &[(String, String)],
        authority: Option<&str>,
    ) -> Result<(u16, String), FetchError> {
        let url = self.check(address)?;
        let client = match authority {
            None => self.client()?.clone(),
            Some(pem) => self.trusting(pem)?,
        };
        let mut request = client.post(url).json(body).build().map_err(|_| FetchError::Address)?;
        for (name, value) in headers {
            let name = HeaderName::try_from(name).map_err(|_| FetchError::Header)?;
            let value = HeaderValue::try_from(value).map_err(|_| FetchError::Header)?;
            request.headers_mut().insert(name, value);
        }
        let mut response = client.execute(request).await.map_err(|error| reason(&error))?;
        let status = response.status().as_u16();
        if !response.status().is_success() {
            return Err(FetchError::Status(status));
        }
        let answer = limited(&mut response).await?;
        Ok((status, String::from_utf8_lossy(&answer).chars().take(NOTED).collect()))
    }

    /// Any request: status, header fields and body of the answer, whatever its status.
    ///
    /// # Errors
    /// Why there is none. A method or a header field that HTTP does not know is [`FetchError::Address`].
    pub async fn exchange(
        &self,
        method: &str,
        address: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<(u16, Vec<(String, String)>, Vec<u8>), FetchError> {
        let url = self.check(address)?;
        let method = reqwest::Method::from_bytes(method.as_bytes()).map_err(|_| FetchError::Address)?;
        let mut request = self.client()?.request(method, url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let request = request.build().map_err(|_| FetchError::Address)?;
        let mut response = self.client()?.execute(request).await.map_err(|error| reason(&error))?;
        let field = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let headers = response.headers().iter().map(field).collect();
        Ok((response.status().as_u16(), headers, limited(&mut response).await?))
    }

    /// The name of an address, as the system's resolver knows it; `None` if it has none, or nobody says so in time.
    pub async fn name_of(&self, address: IpAddr, now: DateTime<Utc>) -> Option<String> {
        self.names.of(address, now).await
    }

    /// A client that believes one authority alone.
    fn trusting(&self, pem: &str) -> Result<Client, FetchError> {
        let authorities = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|_| FetchError::Authority)?;
        if authorities.is_empty() {
            return Err(FetchError::Authority);
        }
        let built = builder(&self.guard, self.timeout).tls_certs_only(authorities).build();
        built.map_err(|_| FetchError::Authority)
    }

    fn client(&self) -> Result<&Client, FetchError> {
        self.client.as_ref().ok_or(FetchError::NoTls)
    }

    /// Names are checked when they are resolved; addresses that stand in the URL never are, so they are checked here.
    fn check(&self, address: &str) -> Result<Url, FetchError> {
        let url = http_url(address).ok_or(FetchError::Address)?;
        let literal = match url.host() {
            Some(Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
            Some(Host::Ipv6(v6)) => Some(IpAddr::V6(v6)),
            _ => None,
        };
        match literal {
            Some(address) if !self.guard.permits(address) => Err(FetchError::NotPermitted),
            _ => Ok(url),
        }
    }
}

fn builder(guard: &EgressGuard, timeout: Duration) -> ClientBuilder {
    Client::builder()
        .dns_resolver(GuardedResolver::new(guard.clone()))
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .timeout(timeout)
        .user_agent(concat!("vestibule/", env!("CARGO_PKG_VERSION")))
}

/// An absolute http or https address with a host; `None` for anything else.
pub fn http_url(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

async fn read(request: RequestBuilder) -> Result<Value, FetchError> {
    let request = request.header("accept", "application/json");
    let mut response = request.send().await.map_err(|error| reason(&error))?;
    if !response.status().is_success() {
        return Err(FetchError::Status(response.status().as_u16()));
    }
    let body = limited(&mut response).await?;
    serde_json::from_slice(&body).map_err(|_| FetchError::NotJson)
}

async fn limited(response: &mut Response) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn reason(error: &reqwest::Error) -> FetchError {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(inner) = cause {
        if inner.is::<NotPermitted>() {
            return FetchError::NotPermitted;
        }
        cause = inner.source();
    }
    if error.is_timeout() { FetchError::TimedOut } else { FetchError::Unreachable }
}

/// An error with all that caused it.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
