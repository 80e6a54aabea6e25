//! One client for one grant: a fixed scheme, host and port, so a fixed proxy, fixed trust, and
//! connections that nobody else uses.

use std::error::Error as StdError;
use std::sync::Arc;

use super::answer::Answer;
use super::coding::{self, DecodeError};
use super::grant::Grant;
use super::proxy::{Chosen, Proxies};
use super::request::{Prepared, Refusal};
use super::resolve::{Judging, Lookup, NotGranted};
use crate::text::reason;

/// Connects for one grant.
#[derive(Clone)]
pub(crate) struct Dialer {
    client: reqwest::Client,
    grant: Arc<Grant>,
}

impl Dialer {
    pub(crate) fn new(
        grant: Arc<Grant>,
        proxies: &Proxies,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, Refusal> {
        let unreachable = Refusal::Unreachable;
        let proxy: Option<Chosen> =
            if grant.no_proxy { None } else { proxies.choose(&grant.url).map_err(unreachable)? };
        // A client has one trust for both connections: the proxy would be shown the certificate that is meant
        // for the vendor, and believed because of the vendor's own authority.
        if let Some(chosen) = proxy.as_ref().filter(|it| it.is_https() && grant.trust.is_own()) {
            return Err(Refusal::Unreachable(format!(
                "endpoint \"{endpoint}\" has certificates of its own (`ca_file`, `client_certificate`), which \
                 are not for the proxy {proxy}: use a proxy that is reached by http, or add `proxy = false` \
                 under [endpoints.{endpoint}] in telemetry.toml",
                endpoint = grant.endpoint,
                proxy = chosen.shown,
            )));
        }
        let https = grant.url.scheme() == "https" || proxy.as_ref().is_some_and(Chosen::is_https);
        let tls = grant.trust.client_config(https).map_err(unreachable)?;
        let judged = proxy.is_none().then(|| Arc::clone(&grant));
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::new(Judging { lookup, grant: judged }))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            // Answers are decoded here, bounded, even where another package of the tool switches the client's
            // own decoding on.
            .no_gzip()
            .no_deflate()
            .no_brotli()
            .no_zstd()
            .referer(false)
            .http1_only()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(1)
            .no_proxy();
        if let Some(chosen) = proxy {
            // The text of the setting may hold a password, and the error would show it.
            let proxy = reqwest::Proxy::all(&chosen.address)
                .map_err(|_| Refusal::Unreachable(format!("the proxy {} cannot be used", chosen.shown)))?;
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(|error| Refusal::Unreachable(explain(&error)))?;
        Ok(Self { client, grant })
    }

    /// Sends a request and reads the whole answer, once. No time limit of its own.
    pub(crate) async fn exchange(
        &self,
        prepared: Prepared,
        response_bytes: usize,
    ) -> Result<Answer, Refusal> {
        let request = self.request(prepared)?;
        let mut response = self.client.execute(request).await.map_err(|error| refusal(&error))?;
        let mut answer = Answer::status(response.status().as_u16());
        for (name, value) in response.headers() {
            if let Ok(value) = value.to_str() {
                answer.headers.push((name.as_str().to_owned(), value.to_owned()));
            }
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| refusal(&error))? {
            if body.len() + chunk.len() > response_bytes {
                return Err(Refusal::ResponseTooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let encodings: Vec<&str> = answer
            .headers
            .iter()
            .filter(|(name, _)| name == "content-encoding")
            .map(|(_, v)| v.as_str())
            .collect();
        answer.body =
            coding::decode(&encodings.join(","), body, response_bytes).map_err(|error| match error {
                DecodeError::TooLarge => Refusal::ResponseTooLarge,
                DecodeError::Unknown(name) => {
                    Refusal::Other(format!("the answer is coded as `{name}`, which was not asked for"))
                }
                DecodeError::Broken(why) => {
                    Refusal::Unreachable(format!("the answer cannot be decoded: {}", reason(&why)))
                }
            })?;
        answer.headers.retain(|(name, _)| name != "content-encoding" && name != "content-length");
        Ok(answer.without(self.grant.credential.as_ref()))
    }

    /// A host that is written as an address is never resolved, so it is judged here.
    pub(crate) fn check_literal(&self) -> Result<(), Refusal> {
        match self.grant.literal() {
            Some(address) => self.grant.judge(address).map_err(Refusal::Denied),
            None => Ok(()),
        }
    }

    fn request(&self, prepared: Prepared) -> Result<reqwest::Request, Refusal> {
        let invalid = |what: &str| Refusal::Invalid(format!("{what} cannot be sent"));
        let method = prepared.outgoing.method.parse().map_err(|_| invalid("the method"))?;
        let mut request = reqwest::Request::new(method, prepared.url);
        for (name, value) in &prepared.headers {
            let parsed = http::HeaderName::try_from(name.as_str()).ok();
            let header = parsed.zip(http::HeaderValue::try_from(value.as_str()).ok());
            let (name, value) = header.ok_or_else(|| invalid("a header"))?;
            // More than a map of headers can hold are an error here, and a panic in `append`.
            request.headers_mut().try_append(name, value).map_err(|_| invalid("so many headers"))?;
        }
        if !matches!(*request.method(), http::Method::GET | http::Method::HEAD) {
            *request.body_mut() = Some(prepared.outgoing.body.into());
        }
        Ok(request)
    }
}

fn refusal(error: &reqwest::Error) -> Refusal {
    let mut source: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(cause) = source {
        if let Some(NotGranted(why)) = cause.downcast_ref::<NotGranted>() {
            return Refusal::Denied(why.clone());
        }
        source = cause.source();
    }
    Refusal::Unreachable(explain(error))
}

/// The causes without the URL, which may hold a credential.
fn explain(error: &reqwest::Error) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut source: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !said.iter().any(|earlier| earlier.contains(&text)) {
            said.push(text);
        }
        source = cause.source();
    }
    let what = if error.is_connect() {
        "no connection"
    } else if error.is_body() || error.is_decode() {
        "the answer broke off"
    } else {
        "the request failed"
    };
    if said.is_empty() { what.to_owned() } else { reason(&format!("{what}: {}", said.join(": "))) }
}
