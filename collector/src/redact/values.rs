//! What a secret-sounding name is given, and where it ends.
//!
//! Where a value's end is in doubt, the later end counts: a neighbour may go with it, but no part
//! of it stays.

use super::names::{self, Name, Sense};
use super::opaque::looks_secret;
use super::scan::{Scan, Until, backslashes_before, is_word};
use super::{REDACTED, opaque};

/// How far a name may be from its sign: spaces, brackets and quotes between them.
const GAP: usize = 8;

/// `name = value`, `name: value`, `"name": value` and their kin, by the sign at `at`.
pub(super) fn assigned(scan: &mut Scan<'_>, at: usize) {
    let bytes = scan.bytes;
    // The cheap answer for nearly every sign: no letter that a name ends with stands before it.
    let Some(&before) = at.checked_sub(1).and_then(|before| bytes.get(before)) else { return };
    let between = matches!(before, b' ' | b'\t' | b'"' | b'\'' | b'`' | b']' | b'\\' | b':' | b'?');
    if !between && !names::may_end_with(before) {
        return;
    }
    let mut end = at;
    let mut closed = false;
    while end > 0 && at - end < GAP {
        match bytes[end - 1] {
            b' ' | b'\t' | b']' | b'\\' => {}
            b'?' if bytes[at] == b':' => {}
            b':' if bytes[at] == b'=' => {}
            b'"' | b'\'' | b'`' => closed = true,
            _ => break,
        }
        end -= 1;
    }
    let Some(name) = names::ending_at(bytes, end) else { return };
    let mut from = at + 1;
    while bytes.get(from).is_some_and(|byte| matches!(byte, b'=' | b'>' | b':' | b'~')) {
        from += 1;
    }
    let sign =
        Sign { colon: bytes[at] == b':', spaced: bytes.get(from).is_some_and(|byte| *byte <= b' '), closed };
    value(scan, name, sign, from);
}

/// `--name value` and `-name value`, by its first dash.
pub(super) fn flag(scan: &mut Scan<'_>, at: usize) {
    let bytes = scan.bytes;
    let rest = &bytes[at..];
    let Some(length) = rest.iter().take(40).position(|byte| !is_word(*byte) && *byte != b'.') else { return };
    // The flag may be quoted: `"--password" "x"`.
    let mut gap = length;
    while rest.get(gap).is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'`' | b',')) && gap < length + 3 {
        gap += 1;
    }
    if !rest.get(gap).is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
        return;
    }
    let dashes = rest.iter().take_while(|byte| **byte == b'-').count();
    let Some(name) = names::ending_at(bytes, at + length) else {
        if matches!(&rest[..length], b"-u" | b"--user" | b"-U" | b"--proxy-user") {
            pair(scan, at + gap);
        }
        return;
    };
    // `-s` is too little to be a name, and a flag may follow a flag that takes nothing.
    let mut next = at + gap;
    while bytes.get(next).is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
        next += 1;
    }
    if dashes == 0 || dashes > 2 || next < bytes.len() && is_flag(&bytes[next..]) {
        return;
    }
    value(scan, name, Sign { colon: false, spaced: false, closed: false }, next);
}

/// Whether a text begins with a flag of its own rather than with a value.
pub(super) fn is_flag(text: &[u8]) -> bool {
    let body = match text {
        [b'-', b'-', body @ ..] => body,
        [b'-', letter, rest @ ..] => {
            return letter.is_ascii_alphabetic() && rest.first().is_none_or(|next| *next <= b' ');
        }
        _ => return false,
    };
    let name = body.iter().take_while(|byte| byte.is_ascii_lowercase() || **byte == b'-').count();
    name > 0 && body.get(name).is_none_or(|next| *next <= b' ' || *next == b'=')
}

/// `user:password` after a flag that takes both.
fn pair(scan: &mut Scan<'_>, mut from: usize) {
    while scan.bytes.get(from).is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'"' | b'\'')) {
        from += 1;
    }
    let to = match from.checked_sub(1).map(|before| scan.bytes[before]) {
        Some(quote @ (b'"' | b'\'')) => scan.until(Until::quote(quote, 0), from),
        _ => scan.until(Until::Space, from),
    };
    if is_pair(&scan.bytes[from..to]) {
        scan.hit(from, to);
    }
}

/// Whether a value is a user's name, a colon and a password, the latter not empty. Two numbers are
/// the ids of a user and a group.
pub(super) fn is_pair(value: &[u8]) -> bool {
    let Some(colon) = value.iter().position(|byte| *byte == b':') else { return false };
    let (user, password) = (&value[..colon], &value[colon + 1..]);
    let digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    !password.is_empty() && !(digits(user) && digits(password))
}

/// `password 'value'`: a quote after a name in the words of SQL, by the opening quote.
pub(super) fn quoted(scan: &mut Scan<'_>, at: usize) {
    let Some(end) = at.checked_sub(1) else { return };
    if scan.bytes[end] != b' ' {
        return;
    }
    let Some(name) = names::ending_at(scan.bytes, end) else {
        if scan.bytes[..end].len() >= 13 && scan.bytes[end - 13..end].eq_ignore_ascii_case(b"identified by") {
            let to = close(scan, at);
            hide(scan, at + 1, to);
        }
        return;
    };
    if name.sense == Sense::Sure {
        let (from, to) = (at + 1, close(scan, at));
        if looks_secret(&scan.bytes[from..to]) || names_a_password(scan.bytes, end) {
            hide(scan, from, to);
        }
    }
}

/// A quoted `secret` may be the secret's name; a quoted `password` is the password.
fn names_a_password(bytes: &[u8], end: usize) -> bool {
    end >= 8 && bytes[end - 8..end].eq_ignore_ascii_case(b"password")
}

/// `<name>value</name>`, by the `>`.
pub(super) fn element(scan: &mut Scan<'_>, at: usize) {
    let Some(name) = names::ending_at(scan.bytes, at) else { return };
    let opened = name.from.checked_sub(1).is_some_and(|before| scan.bytes[before] == b'<')
        || name.from >= 2 && scan.bytes[name.from - 1] == b':';
    if opened {
        let to = scan.until(Until::Tag, at + 1);
        hide(scan, at + 1, to);
    }
}

/// `Bearer …` and `Basic …` without a header's name, by the `b`.
pub(super) fn scheme(scan: &mut Scan<'_>, at: usize) {
    let rest = &scan.bytes[at..];
    let length = match rest.get(1).map(|byte| byte | 0x20) {
        Some(b'e') if starts_with(rest, b"bearer") => 6,
        Some(b'a') if starts_with(rest, b"basic") => 5,
        _ => return,
    };
    let spaces =
        rest[length..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
    if spaces == 0 {
        return;
    }
    let from = at + length + spaces;
    let to = from + scan.bytes[from..].iter().take_while(|byte| opaque::is_token68(**byte)).count();
    if opaque::looks_like_credentials(&scan.bytes[from..to]) {
        scan.hit(from, to);
    }
}

fn starts_with(text: &[u8], start: &[u8]) -> bool {
    text.get(..start.len()).is_some_and(|text| text.eq_ignore_ascii_case(start))
}

/// The sign between a name and its value.
#[derive(Clone, Copy)]
struct Sign {
    colon: bool,
    /// White space follows it.
    spaced: bool,
    /// The name was closed by a quote, as in JSON.
    closed: bool,
}

/// Hides the value that begins at or after `from`.
fn value(scan: &mut Scan<'_>, name: Name, sign: Sign, from: usize) {
    let bytes = scan.bytes;
    let from = skip_blank(bytes, from);
    let Some(&first) = bytes.get(from) else { return };
    if matches!(first, b'\n' | b'\r') {
        return;
    }
    // A name, a colon and a blank, as prose has them too.
    let prose = sign.colon && sign.spaced && !sign.closed;
    if prose && name.short && !name.compound {
        return;
    }
    let slashes = bytes[from..].iter().take_while(|byte| **byte == b'\\').count();
    if let Some(quote @ (b'"' | b'\'' | b'`')) = bytes.get(from + slashes) {
        let open = from + slashes;
        let to = close(scan, open);
        let shown = &bytes[open + 1..to];
        if keeps(name, prose, shown) {
            return;
        }
        hide(scan, open + 1, to);
        // A shell glues what follows a closing quote to it: 'it'\''s', "a"b.
        let after = to + usize::from(to < bytes.len());
        let glued = bytes.get(after).is_some_and(|byte| {
            is_word(*byte)
                || !byte.is_ascii()
                || *byte == b'$'
                || *byte == *quote
                || *byte == b'\''
                || *byte == b'"'
        });
        if glued || bytes[after..].starts_with(b"\\'") {
            let to = scan.until(Until::Space, after);
            scan.hit(to.min(open + 1), to);
        }
        return;
    }
    let to = unquoted_end(scan, name, sign, from, first);
    let directory = name.pwd && name.shouted && matches!(first, b'/' | b'~');
    let word = scan.until(Until::Space, from).min(to);
    if !directory && !keeps(name, prose, &bytes[from..word]) {
        hide(scan, from, to);
    }
}

/// Whether what is shown after a name is no secret.
fn keeps(name: Name, prose: bool, shown: &[u8]) -> bool {
    if names::is_plain(shown, prose) {
        return true;
    }
    match name.sense {
        Sense::Sure | Sense::Line => false,
        Sense::Likely => prose && !name.compound && !looks_secret(shown),
        Sense::Plural => {
            shown.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'.' | b';' | b')' | b'}'))
                || prose && !matches!(shown.first(), Some(b'[' | b'{')) && !looks_secret(shown)
        }
    }
}

/// Where an unquoted value ends, judged by what stands before its name.
fn unquoted_end(scan: &mut Scan<'_>, name: Name, sign: Sign, from: usize, first: u8) -> usize {
    let bytes = scan.bytes;
    if bytes[from..].starts_with(REDACTED.as_bytes()) && !sign.closed {
        return scan.until(Until::Space, from);
    }
    let mut lead = name.from;
    while lead > 0 && bytes[lead - 1] == b'-' && name.from - lead < 3 {
        lead -= 1;
    }
    let before = lead.checked_sub(1).map_or(b' ', |at| bytes[at]);
    let kind = match (first, before) {
        (b'[', _) => Until::List,
        (b'{', _) => Until::Object,
        (_, b'"' | b'\'' | b'`') if !sign.closed => {
            let kind = Until::quote(before, backslashes_before(&bytes[..lead], lead - 1));
            let to = scan.until(kind, from);
            if to < bytes.len() { return to } else { Until::Space }
        }
        _ if name.sense == Sense::Line => Until::Line,
        (_, b'?' | b'&') => Until::Parameter,
        (_, b';') => Until::Part,
        _ if sign.closed => Until::Literal,
        _ => Until::Space,
    };
    let to = scan.until(kind, from);
    match kind {
        Until::List | Until::Object if to < bytes.len() => to + 1,
        _ => to,
    }
}

/// Behind blanks and the escape sequences that colour a terminal.
fn skip_blank(bytes: &[u8], mut from: usize) -> usize {
    loop {
        match bytes.get(from) {
            Some(b' ' | b'\t') => from += 1,
            Some(0x1b) if bytes.get(from + 1) == Some(&b'[') => {
                let body = &bytes[from + 2..];
                let length = body.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
                if body.get(length).is_none_or(|byte| !byte.is_ascii_alphabetic()) {
                    return from;
                }
                from += length + 3;
            }
            _ => return from,
        }
    }
}

/// Where the quote that opens at `open` closes, or the end of the text.
fn close(scan: &mut Scan<'_>, open: usize) -> usize {
    let kind = Until::quote(scan.bytes[open], backslashes_before(scan.bytes, open));
    let to = scan.until(kind, open + 1);
    // The backslashes before a closing quote belong to it.
    if to < scan.bytes.len() { to - backslashes_before(&scan.bytes[..to], to).min(to - open - 1) } else { to }
}

/// Hides a value unless it is hidden already.
fn hide(scan: &mut Scan<'_>, from: usize, to: usize) {
    if scan.bytes[from..to] != *REDACTED.as_bytes() {
        scan.hit(from, to);
    }
}
