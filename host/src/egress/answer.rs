//! What came back: bounded, decoded, and without a trace of the credential.

use std::time::{Duration, SystemTime};

use super::grant::{Credential, Placement};
use super::request::base64;
use super::secret::MASK;

/// An answer, as a component gets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Decoded.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer with a status and nothing else.
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// `Retry-After` as time from `now`.
    pub(crate) fn retry_after(&self, now: SystemTime) -> Option<Duration> {
        parse_retry_after(self.header("retry-after")?, now)
    }

    /// Takes every spelling of the credential out: a server that echoes it must not tell the component.
    pub(crate) fn without(mut self, credential: Option<&Credential>) -> Self {
        let Some(credential) = credential else { return self };
        for spelling in spellings(credential) {
            replace(&mut self.body, spelling.as_bytes());
            for (name, value) in &mut self.headers {
                for text in [name, value] {
                    if text.contains(&spelling) {
                        *text = text.replace(&spelling, MASK);
                    }
                }
            }
        }
        self
    }
}

/// Seconds, or a date. Nothing that a server writes here makes it fail, and a year is the most it says.
pub fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    const MOST: Duration = Duration::from_secs(366 * 86_400);
    let value = value.trim();
    if value.is_empty() {
        return None;
    }
    if value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit is long, not wrong.
        return Some(value.parse().map_or(MOST, Duration::from_secs).min(MOST));
    }
    if let Some((whole, fraction)) = value.split_once('.') {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if digits(whole) && digits(fraction) {
            let seconds: f64 = value.parse().ok()?;
            return Duration::try_from_secs_f64(seconds).ok().or(Some(MOST)).map(|wait| wait.min(MOST));
        }
        return None;
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default().min(MOST))
}

/// How a credential may look when a server repeats it.
fn spellings(credential: &Credential) -> Vec<String> {
    // A shorter secret is no secret, and taking it out would garble every answer.
    const SHORTEST: usize = 4;
    let secret = credential.secret.expose();
    if secret.len() < SHORTEST {
        return Vec::new();
    }
    let mut all = vec![secret.to_owned(), base64(secret.as_bytes())];
    if let Placement::Basic { user } = &credential.placement {
        all.push(base64(format!("{user}:{secret}").as_bytes()));
    }
    let mut escaped = String::new();
    for byte in secret.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    if let Ok(json) = serde_json::to_string(secret) {
        all.push(json.trim_matches('"').to_owned());
    }
    all.push(escaped.to_ascii_lowercase());
    all.push(escaped);
    all.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
    all.dedup();
    all
}

fn replace(body: &mut Vec<u8>, secret: &[u8]) {
    let Some(first) = find(body, secret, 0) else { return };
    let mut out = Vec::with_capacity(body.len());
    let (mut from, mut next) = (0, Some(first));
    while let Some(at) = next {
        out.extend_from_slice(body.get(from..at).unwrap_or_default());
        out.extend_from_slice(MASK.as_bytes());
        from = at + secret.len();
        next = find(body, secret, from);
    }
    out.extend_from_slice(body.get(from..).unwrap_or_default());
    *body = out;
}

fn find(body: &[u8], secret: &[u8], from: usize) -> Option<usize> {
    body.get(from..)?.windows(secret.len()).position(|window| window == secret).map(|at| at + from)
}
