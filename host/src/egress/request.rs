//! One request, checked and assembled: what will be on the wire, and the same with the secret masked.

use std::time::Duration;

use super::coding::{self, Coding};
use super::grant::{Grant, Placement};
use super::headers;
use super::secret::MASK;
use super::target::{self, Secrets};
use crate::limits::Limits;

/// A request as a component asked for it, whatever version of the contract it speaks.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) endpoint: String,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) coding: Coding,
    pub(crate) timeout: Option<Duration>,
}

impl Asked {
    /// What its head comes to at least: its own texts, and what parts them.
    fn head_bytes(&self) -> usize {
        let pairs = |pairs: &[(String, String)], more: usize| {
            pairs.iter().map(|(name, value)| name.len() + value.len() + more).sum::<usize>()
        };
        self.path.len() + pairs(&self.query, 2) + pairs(&self.headers, 4)
    }
}

/// An author may widen `head_bytes`. A client's map of headers holds 24,576 names and panics beyond, even
/// where the client adds one of its own; no server takes nearly as many as these.
const MOST_HEADERS: usize = 4_096;

/// Set by the host alone.
const LENGTH: &str = "content-length";

/// Why a component gets no answer. The cases are those of the contract's `http.error`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Denied(String),
    Invalid(String),
    /// The body is bigger than the host sends. The gate answers it as a vendor would, with 413, so that
    /// the batch is cut: the contract has no case for it, and `invalid` would be final.
    TooLarge(String),
    Unreachable(String),
    Timeout,
    ResponseTooLarge,
    Other(String),
}

/// A request as it leaves, with the credential masked: for consent, for a preview, for a log.
///
/// Secret apart, this is the request: URL, all headers, and the body's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outgoing {
    /// The endpoint's name.
    pub endpoint: String,
    /// `POST` and so on.
    pub method: String,
    /// The whole URL; a credential in it is `***`.
    pub url: String,
    /// All headers, names in lower case; a credential in them is `***`.
    pub headers: Vec<(String, String)>,
    /// The body as on the wire.
    pub body: Vec<u8>,
    /// The body before its content coding.
    pub body_before_coding: Vec<u8>,
}

/// A request that is ready to leave.
pub(crate) struct Prepared {
    pub(crate) url: url::Url,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) timeout: Duration,
    pub(crate) outgoing: Outgoing,
}

impl Prepared {
    /// Checks what was asked against the grant and the limits, and assembles it.
    pub(crate) fn new(
        grant: &Grant,
        asked: Asked,
        limits: &Limits,
        user_agent: &str,
    ) -> Result<Self, Refusal> {
        let bodiless = matches!(asked.method, "GET" | "HEAD");
        if bodiless && !asked.body.is_empty() {
            return Err(Refusal::Invalid(format!("a {} request has no body", asked.method)));
        }
        if asked.body.len() > limits.request_bytes {
            return Err(Refusal::TooLarge(format!(
                "the body of {} bytes is bigger than request_bytes, {} (under [backend.limits]), and was not sent",
                asked.body.len(),
                limits.request_bytes
            )));
        }
        let invalid = Refusal::Invalid;
        let fits = |head_bytes: usize| {
            if head_bytes <= limits.head_bytes {
                return Ok(());
            }
            let most = limits.head_bytes;
            Err(invalid(format!("the URL and headers of {head_bytes} bytes are bigger than {most}")))
        };
        // Before anything is made of it: encoded it is three times as long, and there are several copies.
        fits(asked.head_bytes())?;
        if asked.headers.len() > MOST_HEADERS {
            let count = asked.headers.len();
            return Err(invalid(format!("{count} headers are more than {MOST_HEADERS}")));
        }
        let url = target::build(grant, &asked.path, &asked.query, Secrets::Shown).map_err(invalid)?;
        let masked_url = target::build(grant, &asked.path, &asked.query, Secrets::Masked).map_err(invalid)?;
        let coding = if asked.body.is_empty() { Coding::Identity } else { asked.coding };
        let length = (!bodiless).then_some(asked.body.len());
        let head = |secrets| assemble_headers(grant, &asked.headers, coding, length, user_agent, secrets);
        let mut headers = head(Secrets::Shown).map_err(invalid)?;
        let mut masked_headers = head(Secrets::Masked).map_err(invalid)?;
        fits(url.len() + headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>())?;
        let url = url::Url::parse(&url).map_err(|error| Refusal::Invalid(error.to_string()))?;
        // Last, because it costs most.
        let body = coding::encode(coding, &asked.body).map_err(invalid)?;
        for (_, value) in headers.iter_mut().chain(&mut masked_headers).filter(|(name, _)| name == LENGTH) {
            *value = body.len().to_string();
        }
        Ok(Self {
            url,
            headers,
            timeout: asked.timeout.map_or(limits.request_time, |asked| asked.min(limits.request_time)),
            outgoing: Outgoing {
                endpoint: asked.endpoint,
                method: asked.method.to_owned(),
                url: masked_url,
                headers: masked_headers,
                body,
                body_before_coding: asked.body,
            },
        })
    }
}

fn assemble_headers(
    grant: &Grant,
    asked: &[(String, String)],
    coding: Coding,
    length: Option<usize>,
    user_agent: &str,
    secrets: Secrets,
) -> Result<Vec<(String, String)>, String> {
    let credential = grant.credential.as_ref();
    let credential_header = credential.and_then(|credential| match &credential.placement {
        Placement::Header { name, .. } => Some(name.as_str()),
        Placement::Bearer | Placement::Basic { .. } => Some("authorization"),
        Placement::Query { .. } | Placement::Path => None,
    });
    let url = grant.url();
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let mut all = vec![("host".to_owned(), host)];
    for (name, value) in asked {
        all.push((headers::check(name, value, credential_header)?, value.clone()));
    }
    let mut default = |name: &str, value: &str| {
        if !all.iter().any(|(known, _)| known == name) {
            all.push((name.to_owned(), value.to_owned()));
        }
    };
    default("accept", "*/*");
    default("user-agent", user_agent);
    default("accept-encoding", coding::ACCEPTED);
    if coding != Coding::Identity {
        default("content-encoding", coding.name());
    }
    if let Some(length) = length {
        default(LENGTH, &length.to_string());
    }
    if let (Some(credential), Some(name)) = (credential, credential_header) {
        let secret = credential.secret.expose();
        let value = match (&credential.placement, secrets) {
            (Placement::Header { prefix, .. }, Secrets::Shown) => format!("{prefix}{secret}"),
            (Placement::Header { prefix, .. }, Secrets::Masked) => format!("{prefix}{MASK}"),
            (Placement::Basic { user }, Secrets::Shown) => {
                format!("Basic {}", base64(format!("{user}:{secret}").as_bytes()))
            }
            (Placement::Basic { .. }, Secrets::Masked) => format!("Basic {MASK}"),
            (_, Secrets::Shown) => format!("Bearer {secret}"),
            (_, Secrets::Masked) => format!("Bearer {MASK}"),
        };
        all.push((name.to_ascii_lowercase(), value));
    }
    Ok(all)
}

/// Standard base64 with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            if digit <= chunk.len() {
                let index = group >> (18 - 6 * digit) & 63;
                out.push(char::from(DIGITS[index as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}
