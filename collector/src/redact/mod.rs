//! Credentials out of strings, before anything is stored.
//!
//! # What it promises
//! - A credential of a known shape is replaced by `[redacted]` as a whole: no beginning and no end of it stays.
//! - Text without one comes back borrowed, as it was.
//! - Any text is accepted. Nothing panics, and the answer is valid UTF-8.
//! - What was redacted once is not changed by redacting it again.
//! - Time grows with the length of the text and nothing else; `scan` says why, and a test counts.
//!
//! # What goes
//! | rule | example |
//! | --- | --- |
//! | credentials in a URL or a data source name | `https://user:pass@host`, `root:pass@tcp(db)/app` |
//! | what a secret-sounding name is given | `password=…`, `"api_key": "…"`, `--token …`, `["--token","…"]`, `<secret>…</secret>`, `?sig=…`, a block of YAML |
//! | the value of a pair with such a name | `"name":"DB_PASSWORD","value":"…"`, `<entry key="password">…</entry>` |
//! | authorization in a header or a text | `Authorization: …`, `Bearer …`, `Cookie: …` |
//! | a provider's prefix | `ghp_…`, `AKIA…`, `sk-ant-…`, `glpat-…` |
//! | tokens with a shape of their own | JWT, bot tokens, webhook addresses, client secrets of Entra |
//! | private keys | `-----BEGIN … PRIVATE KEY-----` to its end, or to the end of the text |
//! | long opaque text | 40 characters of base64, 24 of mixed cases and digits |
//!
//! # What stays
//! Hashes of the usual lengths, UUIDs, image digests, versions, times, paths, identifiers, addresses
//! without credentials, a vendor's public keys (`pk_live_…`), and prose, also prose about passwords
//! ("password: must be longer").
//!
//! A user's name in a path is not a credential and stays too: only the caller knows which part of a
//! path is a home. [`without_home`] takes it out, given that home.
//!
//! # What it cannot do
//! It knows shapes, not values.
//! - A short secret without a name beside it is a word like any other; so is one that only prose
//!   introduces (`the password is …`), and the value of a flag of one letter (`-p…`).
//! - A key that is a UUID or has a hash's length is known only by its name (`HEROKU_API_KEY=…`).
//! - An unquoted password with white space in it loses its first word only, except where the whole
//!   line is known to be the secret (a passphrase, a header).
//! - A value on the line after its name goes only if it looks like a secret: one word that begins with a letter
//!   or a digit and mixes them, or is long. What is behind a colon goes so only as a field, not as prose.
//! - A pair is known only where the name comes first (`"name": …, "value": …`), beside its value.
//! - Of what is percent-encoded it reads `name%3Dvalue` and a user's name and password before `%40`, each
//!   encoded once: no JSON, no `%253D`, and no `sig` or other short name directly behind `%3F`.
//! - What follows an unquoted value without white space goes with it, as it could be a part of it.

mod args;
#[cfg(test)]
mod corpus;
mod cost;
mod ends;
mod glance;
mod home;
mod known;
mod masks;
mod names;
mod opaque;
mod pem;
mod prefixes;
mod scan;
mod urls;
mod values;

use std::borrow::Cow;

pub use args::redact_args;
pub use home::without_home;

/// What stands where a credential was.
pub const REDACTED: &str = "[redacted]";

/// Taking a credential out can bring two harmless halves into a new light, so a text is read again
/// until nothing is found. One reading is enough for nearly all; a text that still changes
/// after this many was made to do so, and is replaced as a whole.
const READINGS: usize = 4;

/// The text with every credential replaced by [`REDACTED`]; borrowed if there was none.
///
/// ```
/// use telemetry::redact::redact;
/// assert_eq!(redact("GET https://bob:hunter2@example.com/x failed"), "GET https://[redacted]@example.com/x failed");
/// assert_eq!(redact(r#"{"user":"bob","password":"hunter2"}"#), r#"{"user":"bob","password":"[redacted]"}"#);
/// assert_eq!(redact("HEAD is now at 8d1c8b69c3fce7bea45c73efd06983e3c419a92f"), "HEAD is now at 8d1c8b69c3fce7bea45c73efd06983e3c419a92f");
/// ```
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    if is_clean(text) { Cow::Borrowed(text) } else { read(text) }
}

/// Whether a text is certainly clean: the usual case, and the quick question.
#[inline]
pub(crate) fn is_clean(text: &str) -> bool {
    let bytes = text.as_bytes();
    match known::of(bytes) {
        Some(known) => known::is_clean(&known) || is_clean_now(bytes, &known),
        None => glance::is_clean(bytes),
    }
}

#[inline(never)]
fn is_clean_now(bytes: &[u8], text: &known::Text) -> bool {
    let clean = glance::is_clean(bytes);
    if clean {
        known::remember(text);
    }
    clean
}

/// Replaces what the rules find, and reads again until they find nothing.
#[inline(never)]
fn read(text: &str) -> Cow<'_, str> {
    let spans = scan::spans(text);
    if spans.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(settle(text, spans)) }
}

#[cold]
fn settle(text: &str, spans: Vec<Span>) -> String {
    let mut text = replace(text, spans);
    for _ in 1..READINGS {
        let spans = scan::spans(&text);
        if spans.is_empty() {
            return text;
        }
        text = replace(&text, spans);
    }
    if scan::spans(&text).is_empty() { text } else { REDACTED.to_owned() }
}

/// A part of a text, in bytes: from, to.
type Span = (usize, usize);

/// The text with each span replaced. Spans are sorted by where they begin and may overlap; those that touch become one.
fn replace(text: &str, spans: Vec<Span>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut kept = 0;
    let mut spans = spans.into_iter().peekable();
    while let Some((from, mut to)) = spans.next() {
        while let Some((_, next)) = spans.next_if(|next| next.0 <= to) {
            to = to.max(next);
        }
        let (from, to) = (text.floor_char_boundary(from), text.ceil_char_boundary(to));
        out.push_str(text.get(kept..from).unwrap_or_default());
        out.push_str(REDACTED);
        kept = kept.max(to);
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    out
}
