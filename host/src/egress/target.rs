//! From a grant and what a component asked for to one URL that every reader understands alike.

use super::grant::{Grant, Placement};
use super::secret::MASK;

/// Whether the secret is written out or masked. The same code builds both, so that a preview is the
/// real request, credential apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrets {
    Shown,
    Masked,
}

/// A path that a grant or a component may name: empty, or absolute, staying where it is put.
///
/// Servers and proxies decode, split at `\`, and cut at `;` in different orders; some read `.` in bytes that are no
/// UTF-8, or in characters that look like it. A path that one of them could read as climbing is refused however
/// often it was encoded.
pub(crate) fn check_path(path: &str) -> Result<(), String> {
    if path.is_empty() {
        return Ok(());
    }
    if !path.starts_with('/') {
        return Err(
            "the path must be empty or begin with `/`; a request names an endpoint, never a URL".to_owned()
        );
    }
    if path.starts_with("//") {
        return Err("the path must not begin with `//`, which names another host to some readers".to_owned());
    }
    if let Some(c) = path.chars().find(|c| matches!(c, '?' | '#' | '\\') || c.is_control()) {
        return Err(format!("the path must not hold the character U+{:04X}", u32::from(c)));
    }
    check_escapes(path)?;
    let mut layer = path.as_bytes().to_vec();
    // Three layers of encoding is more than any server undoes; a fourth is an attempt.
    for _ in 0..4 {
        let Ok(text) = std::str::from_utf8(&layer) else {
            return Err("the path must not hold encoded bytes that are no UTF-8".to_owned());
        };
        let text = plain(text);
        if text.chars().any(|c| c.is_ascii_control() || c == '\\') {
            return Err("the path must not hold an encoded control character or backslash".to_owned());
        }
        let climbs = text.split('/').any(|segment| {
            let name = segment.split(';').next().unwrap_or_default();
            matches!(name.trim_ascii(), "." | "..")
        });
        if climbs {
            return Err("the path must not hold `.` or `..` segments, encoded or not".to_owned());
        }
        let next = percent_decode(&layer);
        if next == layer {
            return Ok(());
        }
        layer = next;
    }
    Err("the path is percent-encoded more than three times over".to_owned())
}

/// What a server reads that brings compatible characters to one form.
fn plain(text: &str) -> String {
    text.replace(['\u{ff0e}', '\u{2024}'], ".")
        .replace('\u{2025}', "..")
        .replace('\u{ff0f}', "/")
        .replace('\u{ff3c}', "\\")
        .replace('\u{ff1b}', ";")
}

fn check_escapes(path: &str) -> Result<(), String> {
    let bytes = path.as_bytes();
    for (at, _) in bytes.iter().enumerate().filter(|(_, b)| **b == b'%') {
        let hex = bytes.get(at + 1..at + 3).is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit));
        if !hex {
            return Err("the path holds a `%` that is not followed by two hexadecimal digits".to_owned());
        }
    }
    Ok(())
}

fn percent_decode(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        let escape = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(h, l)| h << 4 | l),
            _ => None,
        };
        match escape {
            Some(byte) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Percent-encodes everything but what `keep` lets through.
fn encode(out: &mut String, text: &str, keep: impl Fn(u8) -> bool) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if keep(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// RFC 3986's `pchar`, the separator, and the escapes that [`check_escapes`] has seen.
fn in_path(byte: u8) -> bool {
    unreserved(byte)
        || matches!(
            byte,
            b'/' | b'%' | b':' | b'@' | b'!' | b'$' | b'&' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
        )
}

/// The URL of a request, as text.
pub(crate) fn build(
    grant: &Grant,
    path: &str,
    query: &[(String, String)],
    secrets: Secrets,
) -> Result<String, String> {
    check_path(path)?;
    let base = grant.url();
    let origin = base.as_str().get(..base.as_str().len() - base.path().len()).unwrap_or_default();
    let mut url = String::with_capacity(base.as_str().len() + path.len() + 64);
    url.push_str(origin);
    let prefix = base.path().trim_end_matches('/');
    url.push_str(prefix);
    let secret = |credential: &super::grant::Credential| match secrets {
        Secrets::Shown => credential.secret.expose().to_owned(),
        Secrets::Masked => MASK.to_owned(),
    };
    let keep_mask = |byte: u8| unreserved(byte) || (secrets == Secrets::Masked && byte == b'*');
    let credential = grant.credential.as_ref();
    if let Some(credential) = credential.filter(|c| c.placement == Placement::Path) {
        url.push('/');
        encode(&mut url, &secret(credential), keep_mask);
    }
    if path.is_empty() && base.path().ends_with('/') {
        url.push('/');
    }
    encode(&mut url, path, in_path);

    let mut separator = '?';
    let mut push_pair = |url: &mut String, name: &str, value: &str, keep: &dyn Fn(u8) -> bool| {
        url.push(separator);
        separator = '&';
        encode(url, name, unreserved);
        url.push('=');
        encode(url, value, keep);
    };
    for (name, value) in query {
        if name.is_empty() {
            return Err("a query parameter has no name".to_owned());
        }
        push_pair(&mut url, name, value, &unreserved);
    }
    if let Some((credential, Placement::Query { name })) = credential.map(|c| (c, &c.placement)) {
        if query.iter().any(|(asked, _)| asked.eq_ignore_ascii_case(name)) {
            return Err(format!(
                "the query parameter `{name}` is the endpoint's credential; the host adds it"
            ));
        }
        push_pair(&mut url, name, &secret(credential), &keep_mask);
    }
    agree(grant, &url)?;
    Ok(url)
}

/// The last check: another parser reads the same scheme, host and port, and changes nothing.
fn agree(grant: &Grant, built: &str) -> Result<(), String> {
    let read = url::Url::parse(built).map_err(|error| format!("the path makes no URL: {error}"))?;
    let base = grant.url();
    let same = read.scheme() == base.scheme()
        && read.host() == base.host()
        && read.port() == base.port()
        && read.username().is_empty()
        && read.password().is_none()
        && read.fragment().is_none()
        && read.as_str() == built;
    if same { Ok(()) } else { Err("the path would change where the request goes".to_owned()) }
}
