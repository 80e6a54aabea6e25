//! Credentials in addresses: `scheme://user:password@host`, `user:password@tcp(host)`, and secrets that
//! are a part of a path.

use super::REDACTED;
use super::cost;
use super::ends::Until;
use super::scan::Scan;

/// How far before its mark an address is read.
const REACH: usize = 64;

/// An address by the colon after its scheme.
pub(super) fn address(scan: &mut Scan<'_>, at: usize) {
    let bytes = scan.bytes;
    if bytes.get(at + 1) != Some(&b'/') || bytes.get(at + 2) != Some(&b'/') {
        return;
    }
    let from = at + 3;
    webhook(scan, from);
    let scheme = bytes[..at].iter().rev().take(REACH).take_while(|byte| is_scheme(**byte)).count();
    if scheme == 0 {
        return;
    }
    let lead = (at - scheme).checked_sub(1).map(|before| bytes[before]);
    let stop = scan.until(Until::Authority, from);
    let authority = &bytes[from..stop];
    cost::add(3 * authority.len());
    // A host in brackets may hold colons; the marker is no host.
    let host = if authority.first() == Some(&b'[') && !authority.starts_with(REDACTED.as_bytes()) {
        authority.iter().position(|byte| *byte == b']').map_or(0, |end| end + 1)
    } else {
        0
    };
    let colon = authority[host..].iter().position(|byte| *byte == b':').map(|nth| host + nth);
    let sign = authority.iter().rposition(|byte| *byte == b'@');
    let to = match (colon, sign) {
        // A password may hold any sign, so its end is the last `@` before the address ends.
        (Some(colon), Some(sign)) if colon < sign => address_end_sign(scan, lead, from),
        (_, Some(sign)) => Some(from + sign),
        // No `@` in the authority: a password with a `/` in it, unless a port follows the colon.
        (Some(colon), None) if !is_port(&authority[colon + 1..], lead, bytes.get(stop).copied()) => {
            address_end_sign(scan, lead, from)
        }
        _ => None,
    };
    let Some(to) = to else { return };
    let user = &bytes[from..to];
    // `git` is the user of every hosted repository, and tells nothing.
    if user != b"git" && user != REDACTED.as_bytes() {
        scan.hit(from, to);
    }
}

/// The last `@` of an address: up to white space, or to the quote that it stands in.
fn address_end_sign(scan: &mut Scan<'_>, lead: Option<u8>, from: usize) -> Option<usize> {
    let kind = match lead {
        Some(quote @ (b'"' | b'\'' | b'`')) => {
            let end = scan.until(Until::quote(quote, 0), from);
            if end < scan.bytes.len() { Until::quote(quote, 0) } else { Until::Space }
        }
        _ => Until::Space,
    };
    let to = scan.until(kind, from);
    scan.last_sign(from, to)
}

fn is_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-')
}

/// Whether what follows a colon is a port and not the beginning of a password: a number, after which the
/// address ends, its path begins, or the sentence around it goes on.
fn is_port(text: &[u8], lead: Option<u8>, next: Option<u8>) -> bool {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let ends = match next {
        None | Some(b'/' | b'?' | b'#' | b'\\' | b'>' | ..=b' ') => true,
        next => next == lead,
    };
    ends && text[digits..].iter().all(|byte| matches!(byte, b')' | b']' | b'}' | b',' | b';' | b'.' | b':'))
}

/// `user:password@tcp(host)` and `user:password@host`, by the `@`.
pub(super) fn data_source(scan: &mut Scan<'_>, at: usize) {
    let bytes = scan.bytes;
    let before = &bytes[at.saturating_sub(2 * REACH)..at];
    cost::add(before.len());
    let start = before
        .iter()
        .rposition(|byte| *byte <= b' ' || matches!(byte, b'"' | b'\'' | b'`'))
        .map_or(0, |n| n + 1);
    let word = &before[start..];
    let Some(colon) = word.iter().position(|byte| *byte == b':') else { return };
    let (user, password) = (&word[..colon], &word[colon + 1..]);
    let opened =
        user.iter().take_while(|byte| matches!(byte, b'<' | b'(' | b'[' | b'{' | b',' | b'=')).count();
    let user = &user[opened..];
    if password.is_empty() || password.starts_with(b"//") || password == REDACTED.as_bytes() {
        return;
    }
    let after = &bytes[at + 1..];
    let network = after.starts_with(b"tcp(") || after.starts_with(b"unix(");
    let host = after.first().is_some_and(u8::is_ascii_alphabetic)
        && !after.starts_with(b"sha")
        && !password.contains(&b'/')
        && !user.is_empty()
        && !NOT_USERS.split(' ').any(|name| name.as_bytes().eq_ignore_ascii_case(user));
    if network || host {
        scan.hit(at - word.len(), at);
    }
}

/// What stands before a colon in an address of another kind.
static NOT_USERS: &str = "mailto acct sip sips xmpp npm jsr pkg workspace from to cc bcc by author email mail github \
    gitlab file link tel maintainer";

/// Webhook addresses: whoever has the path can post.
fn webhook(scan: &mut Scan<'_>, from: usize) {
    let rest = &scan.bytes[from..];
    let host = &rest[..rest.len().min(REACH)];
    let host = &host[..host.iter().position(|byte| *byte == b'/').unwrap_or(0)];
    let path = &rest[host.len()..];
    let secret = match host {
        b"hooks.slack.com" | b"hooks.zapier.com" => {
            1 + path.iter().skip(1).take_while(|byte| **byte != b'/').count()
        }
        b"discord.com" | b"discordapp.com" | b"canary.discord.com" | b"ptb.discord.com"
            if path.starts_with(b"/api/webhooks/") =>
        {
            13
        }
        _ if host.ends_with(b".webhook.office.com")
            || host == b"outlook.office.com" && path.starts_with(b"/webhook") =>
        {
            9
        }
        _ => return,
    };
    let secret = from + host.len() + secret;
    if scan.bytes.get(secret) != Some(&b'/') {
        return;
    }
    let to = scan.until(Until::Parameter, secret);
    if scan.bytes[secret + 1..to] != *REDACTED.as_bytes() {
        scan.hit(secret + 1, to);
    }
}
