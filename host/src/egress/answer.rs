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
    let mut all = vec![secret.to_owned()];
    all.extend(in_base64(secret));
    if let Placement::Basic { user } = &credential.placement {
        all.extend(in_base64(&format!("{user}:{secret}")));
    }
    all.extend(in_urls(secret));
    all.extend(in_json(secret));
    all.extend(in_html(secret));
    // The longest first: without its padding, base64 is the beginning of what it is with it.
    all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    all.dedup();
    all
}

/// With both alphabets, with and without padding.
fn in_base64(text: &str) -> [String; 4] {
    let standard = base64(text.as_bytes());
    let for_urls = standard.replace('+', "-").replace('/', "_");
    let bare = |padded: &str| padded.trim_end_matches('=').to_owned();
    [bare(&standard), bare(&for_urls), standard, for_urls]
}

/// With digits of both sorts, and with a space as in a path and as in a form.
fn in_urls(text: &str) -> Vec<String> {
    let escaped = |space: &str, upper: bool| {
        let each = |byte: u8| match byte {
            b' ' => space.to_owned(),
            _ if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => char::from(byte).to_string(),
            _ if upper => format!("%{byte:02X}"),
            _ => format!("%{byte:02x}"),
        };
        text.bytes().map(each).collect::<String>()
    };
    let all = ["%20", "+"].map(|space| [true, false].map(|upper| escaped(space, upper)));
    all.into_iter().flatten().collect()
}

/// As writers of JSON differ: PHP escapes `/`, Go what HTML would read, .NET more of that, and several all
/// that is not ASCII.
fn in_json(text: &str) -> Vec<String> {
    // And whether quotes are among them.
    const SETS: [(&str, bool); 3] = [("", false), ("<>&", false), ("<>&'+`", true)];
    let Ok(json) = serde_json::to_string(text) else { return Vec::new() };
    let least = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or_default();
    let unit = |unit: u16, upper: bool| {
        if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") }
    };
    let written = |(escaped, quotes): (&str, bool), slash: bool, ascii: bool, upper: bool| {
        let mut out = String::new();
        let json = if quotes { least.replace("\\\"", "\\u0022") } else { least.to_owned() };
        for c in json.chars() {
            match c {
                _ if escaped.contains(c) || ascii && !c.is_ascii() => {
                    for &mut code in c.encode_utf16(&mut [0; 2]) {
                        out.push_str(&unit(code, upper));
                    }
                }
                '/' if slash => out.push_str("\\/"),
                c => out.push(c),
            }
        }
        out
    };
    let each = |bits: u8| SETS.map(|set| written(set, bits & 1 != 0, bits & 2 != 0, bits & 4 != 0));
    (0..8).flat_map(each).collect()
}

/// As libraries differ on quotes.
fn in_html(text: &str) -> Vec<String> {
    let quotes = [
        ("&quot;", "'"),
        ("&quot;", "&#39;"),
        ("&quot;", "&#039;"),
        ("&quot;", "&#x27;"),
        ("&#34;", "&#39;"),
        ("\"", "'"),
    ];
    let basic = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    quotes.map(|(double, single)| basic.replace('"', double).replace('\'', single)).into()
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
