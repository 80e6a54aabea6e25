//! What a secret-sounding name is given, and where it ends.
//!
//! Where a value's end is in doubt, the later end counts: a neighbour may go with it, but no part
//! of it stays.

use super::cost;
use super::ends::{Until, backslashes_before};
use super::names::{self, Name, Sense};
use super::opaque::looks_secret;
use super::scan::{Scan, is_word};
use super::{REDACTED, opaque};

/// How far a name may be from its sign: spaces, brackets and quotes between them.
const GAP: usize = 8;

/// `name = value`, `name: value`, `"name": value` and their kin, by the sign at `at`.
#[inline]
pub(super) fn assigned(scan: &mut Scan<'_>, at: usize) {
    let bytes = scan.bytes;
    let Some(&before) = at.checked_sub(1).and_then(|before| bytes.get(before)) else { return };
    let between = matches!(before, b' ' | b'\t' | b'"' | b'\'' | b'`' | b']' | b'\\' | b':' | b'?');
    if !between && !names::may_end_at(bytes, at) && !names::is_value(bytes, at) {
        return;
    }
    assigned_to(scan, at);
}

#[inline(never)]
fn assigned_to(scan: &mut Scan<'_>, at: usize) {
    let bytes = scan.bytes;
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
    let Some(name) = names::ending_at(bytes, end).or_else(|| names::paired_at(bytes, end)) else { return };
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
    // `--no-auth` takes nothing.
    if rest.starts_with(b"--no-") {
        return;
    }
    let Some(length) = rest.iter().take(40).position(|byte| !is_word(*byte) && *byte != b'.') else { return };
    // The flag may be quoted: `"--password" "x"`, and an item of a list: `"--password","x"`.
    let mut gap = length;
    let mut item = false;
    while let Some(byte @ (b'"' | b'\'' | b'`' | b',' | b'\\')) = rest.get(gap)
        && gap < length + GAP
        && !item
    {
        item = *byte == b',' && gap > length;
        gap += 1;
    }
    let quote =
        gap + rest[gap..].iter().take(GAP * GAP).take_while(|byte| byte.is_ascii_whitespace()).count();
    if item && matches!(rest.get(quote), Some(b'"' | b'\'' | b'`' | b'\\')) {
        gap = quote;
    } else if !rest.get(gap).is_some_and(u8::is_ascii_whitespace) {
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
    let open = next + bytes[next..].iter().take(GAP).take_while(|byte| is_quote(**byte)).count();
    let text = &bytes[open..];
    let text = if open > next { text.split(|byte| is_quote(*byte)).next().unwrap_or_default() } else { text };
    cost::add(text.len().min(GAP * GAP));
    if dashes == 0 || dashes > 2 || is_flag(text) {
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

const fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`' | b'\\')
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
    !(password.is_empty() || digits(user) && digits(password))
}

/// `password 'value'`: a quote after a name as SQL and error messages have it, by the opening quote.
pub(super) fn quoted(scan: &mut Scan<'_>, at: usize) {
    let bytes = scan.bytes;
    let Some(end) = at.checked_sub(1).filter(|end| bytes[*end] == b' ') else { return };
    let ends_with =
        |text: &[u8]| end.checked_sub(text.len()).is_some_and(|from| starts_with(&bytes[from..], text));
    let Some(name) = names::ending_at(bytes, end) else {
        // MySQL 8 names a plugin: `IDENTIFIED WITH mysql_native_password BY`.
        let plugin = bytes[..end.saturating_sub(3)].iter().rev().take(GAP * GAP);
        let plugin = 4 + plugin.take_while(|byte| **byte > b' ').count();
        cost::add(plugin);
        let with = b"identified with";
        let from = end.saturating_sub(plugin + with.len());
        if ends_with(b"identified by") || ends_with(b" by") && starts_with(&bytes[from..], with) {
            let (to, _) = close(scan, at);
            hide(scan, at + 1, to);
        }
        return;
    };
    // A quoted password is the password. A quoted secret or token may be its name, or a parser's.
    let (to, _) = close(scan, at);
    if !names::is_plain(&bytes[at + 1..to], true)
        && (ends_with(b"password") || looks_secret(&bytes[at + 1..to]))
        && name.sense != Sense::Plural
    {
        hide(scan, at + 1, to);
    }
}

/// `<name>value</name>` and `<entry key="name">value</entry>`, by the `>`.
pub(super) fn element(scan: &mut Scan<'_>, at: usize) {
    if let Some(end) = at.checked_sub(1).filter(|end| matches!(scan.bytes[*end], b'"' | b'\'')) {
        if names::ending_at(scan.bytes, end).is_some_and(|name| names::is_named(scan.bytes, name.from)) {
            let to = scan.until(Until::Tag, at + 1);
            let text = &scan.bytes[at + 1..to];
            cost::add(text.len());
            if scan.bytes[to..].starts_with(b"</") && !text.trim_ascii().is_empty() {
                hide(scan, at + 1, to);
            }
        }
        return;
    }
    let Some(name) = names::ending_at(scan.bytes, at) else { return };
    // The name may have a namespace: `<ns:password>`.
    let before =
        scan.bytes[..name.from].iter().rev().take(32).find(|byte| !is_word(**byte) && **byte != b':');
    if before == Some(&b'<') {
        let to = scan.until(Until::Tag, at + 1);
        // `<API_KEY>` in a usage line is no element: nothing closes it, and nothing is glued to it.
        let open = name.from.saturating_sub(1);
        let closed = scan.bytes[to..].starts_with(b"</");
        if closed || placeholder(&scan.bytes[open..]) == 0 {
            hide(scan, at + 1, to);
        }
    }
}

/// The length of the placeholder that a text begins with, as in `--api-key <API_KEY>`; zero where it begins
/// with none.
pub(super) fn placeholder(text: &[u8]) -> usize {
    let is_part =
        |byte: &&u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    let [b'<', first, ..] = text else { return 0 };
    let length = text[1..].iter().take(GAP * GAP).take_while(is_part).count() + 2;
    cost::add(length);
    let whole = first.is_ascii_uppercase()
        && text.get(length - 1) == Some(&b'>')
        && text.get(length).is_none_or(is_apart);
    if whole { length } else { 0 }
}

/// Whether a byte behind a placeholder is no part of a value that only begins like one.
fn is_apart(byte: &u8) -> bool {
    !byte.is_ascii_alphanumeric() && !matches!(byte, b'<' | b'/' | b'+' | b'=' | b'-' | b'_')
}

/// Whether what stands at `from` is clap's way to say that nothing does: a placeholder, also in the
/// brackets of one that may be left out (`--api-key [<API_KEY>]`), and in a help text a variable that is
/// not set (`[env: API_KEY=]`).
fn is_nothing(bytes: &[u8], name: Name, from: usize) -> bool {
    let rest = &bytes[from..];
    let in_brackets = || match rest {
        [b'[', inner @ ..] => {
            let length = placeholder(inner);
            length > 0 && inner.get(length) == Some(&b']') && inner.get(length + 1).is_none_or(is_apart)
        }
        _ => false,
    };
    let not_set = || {
        matches!(rest, [b']'] | [b']', b' ' | b'\n' | b'\r', ..])
            && bytes[..from].ends_with(b"=")
            && bytes[..name.from].ends_with(b"[env: ")
    };
    placeholder(rest) > 0 || in_brackets() || not_set()
}

/// What is percent-encoded, by a `%`: `password%3Dvalue`, and `https%3A%2F%2Fuser%3Apassword%40host`.
#[inline(never)]
pub(super) fn encoded(scan: &mut Scan<'_>, at: usize) {
    let bytes = scan.bytes;
    let rest = &bytes[at..];
    if starts_with(rest, b"%3d") {
        let Some(name) = names::ending_at(bytes, at) else { return };
        let to = scan.until(Until::Parameter, at + 3);
        let value = &bytes[at + 3..to];
        if !keeps(name, Prose::No, value) && placeholder(value) == 0 {
            hide(scan, at + 3, to);
        }
    } else if starts_with(rest, b"%3a%2f%2f") {
        let from = at + 9;
        let to = scan.until(Until::Parameter, from).min(from + 2 * 64);
        let authority = &bytes[from..to];
        cost::add(2 * authority.len());
        let end = authority.windows(3).position(|sign| sign.eq_ignore_ascii_case(b"%2f"));
        let authority = &authority[..end.unwrap_or(authority.len())];
        if let Some(user) = authority.windows(3).rposition(|sign| sign == b"%40")
            && &authority[..user] != b"git"
        {
            hide(scan, from, from + user);
        }
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
#[inline(never)]
fn value(scan: &mut Scan<'_>, name: Name, sign: Sign, from: usize) {
    let bytes = scan.bytes;
    let from = skip_blank(bytes, from);
    let Some(&first) = bytes.get(from) else { return };
    if is_nothing(bytes, name, from) {
        return;
    }
    // A name, a colon and a blank: prose has them too.
    let prose = if sign.colon && sign.spaced && !sign.closed {
        if is_field(bytes, name.from) { Prose::Field } else { Prose::Sentence }
    } else {
        Prose::No
    };
    if prose == Prose::Sentence && name.short && !name.compound {
        return;
    }
    if matches!(first, b'\n' | b'\r') {
        next_line(scan, name, prose, from);
        return;
    }
    if matches!(first, b'|' | b'>') && sign.colon && block(scan, name, prose, from) {
        return;
    }
    let open = skip_wrappers(bytes, from);
    if matches!(bytes.get(open), Some(b'"' | b'\'' | b'`')) {
        let (to, after) = close(scan, open);
        if !keeps(name, prose, &bytes[open + 1..to]) {
            hide(scan, open + 1, to);
            hide_glued(scan, open + 1, after);
        }
        return;
    }
    let to = unquoted_end(scan, name, sign, from, first);
    let word = scan.until(Until::Space, from).min(to);
    let directory = name.pwd && name.shouted && matches!(first, b'/' | b'~');
    if !directory && !keeps(name, prose, &bytes[from..word]) {
        hide(scan, from, to);
    }
}

/// Hides a value that stands alone on the line after its name, by the line's end: one word that
/// is a secret to look at. `PASSWORD=` with nothing behind it is followed by any line.
#[inline(never)]
fn next_line(scan: &mut Scan<'_>, name: Name, prose: Prose, end: usize) {
    let bytes = scan.bytes;
    let line = end + if bytes[end..].starts_with(b"\r\n") { 2 } else { 1 };
    let blank = |from: usize| bytes[from..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let from = line + blank(line);
    let to = scan.until(Until::Space, from);
    let word = &bytes[from..to];
    cost::add(from - line + word.len());
    let alone = bytes.get(to).is_none_or(|byte| matches!(byte, b'\n' | b'\r'));
    let assigns = word
        .trim_ascii_end()
        .iter()
        .rev()
        .skip_while(|byte| **byte == b'=')
        .any(|byte| matches!(byte, b'=' | b':'));
    if alone
        && prose != Prose::Sentence
        && name.sense != Sense::Plural
        && word.first().is_some_and(u8::is_ascii_alphanumeric)
        && !assigns
        && looks_secret(word)
    {
        scan.hit(from, to);
    }
}

/// A block of YAML, `|` or `>` and the lines that are further in, by that sign. Says whether it is one.
#[inline(never)]
fn block(scan: &mut Scan<'_>, name: Name, prose: Prose, at: usize) -> bool {
    let bytes = scan.bytes;
    if at < scan.block_end {
        return true;
    }
    let signs = 1 + bytes[at + 1..]
        .iter()
        .take(2)
        .take_while(|byte| matches!(byte, b'-' | b'+' | b'1'..=b'9'))
        .count();
    let line = scan.until(Until::Line, at);
    if !bytes[at + signs..line].trim_ascii().is_empty()
        || prose == Prose::Sentence && name.sense == Sense::Likely
    {
        return false;
    }
    let mut next = line + if bytes[line..].starts_with(b"\r\n") { 2 } else { 1 };
    let indent = bytes.get(next..).unwrap_or_default().iter().take_while(|byte| **byte == b' ').count();
    let (from, mut to) = (next + indent, line);
    while indent > 0
        && bytes.get(next..next + indent).is_some_and(|blank| blank.iter().all(|byte| *byte == b' '))
    {
        to = scan.until(Until::Line, next);
        next = to + if bytes[to..].starts_with(b"\r\n") { 2 } else { 1 };
    }
    cost::add(next - at);
    if to <= from {
        return false;
    }
    scan.block_end = to;
    hide(scan, from, to);
    true
}

/// What the text around a name is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prose {
    No,
    /// A field of a structure as YAML and Rust's `Debug` write it.
    Field,
    /// A sentence, as far as one can tell.
    Sentence,
}

/// Whether a name begins a line or follows a brace or a comma.
fn is_field(bytes: &[u8], from: usize) -> bool {
    let before = &bytes[from.saturating_sub(GAP)..from];
    let Some(last) = before.iter().rev().find(|byte| !matches!(byte, b' ' | b'\t')) else {
        return !before.is_empty();
    };
    matches!(last, b'{' | b'(' | b'[' | b',' | b'\n' | b'-')
}

/// Behind backslashes, and behind what Rust's `Debug` writes around a value: `Some("`, `Secret("`.
#[inline(never)]
fn skip_wrappers(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    for _ in 0..3 {
        let name = bytes[at..].iter().take(32).take_while(|byte| is_word(**byte) || **byte == b':').count();
        if name == 0 || bytes.get(at + name) != Some(&b'(') {
            break;
        }
        at += name + 1;
    }
    let slashes = bytes[at..].iter().take_while(|byte| **byte == b'\\').count();
    cost::add(slashes);
    at + slashes
}

/// A shell glues what follows a closing quote to it: `'it'\''s'`, `"a"b`.
fn hide_glued(scan: &mut Scan<'_>, from: usize, after: usize) {
    let Some(&next) = scan.bytes.get(after) else { return };
    let ends = next <= b' '
        || matches!(next, b',' | b';' | b'}' | b']' | b')' | b'>' | b'<' | b'&' | b'|' | b'"' | b'`');
    let escaped = next == b'\\' && scan.bytes.get(after + 1) != Some(&b'\'');
    if !ends && !escaped || next == b'"' && scan.bytes.get(after + 1).is_some_and(|byte| is_word(*byte)) {
        let to = scan.until(Until::Space, after);
        scan.hit(from, to);
    }
}

/// Whether what is shown after a name is no secret.
#[inline(never)]
fn keeps(name: Name, prose: Prose, shown: &[u8]) -> bool {
    if names::is_plain(shown, prose != Prose::No) {
        return true;
    }
    let sentence = prose == Prose::Sentence && !name.compound;
    match name.sense {
        Sense::Sure | Sense::Line => false,
        Sense::Likely => sentence && !looks_secret(shown),
        Sense::Plural => {
            let of_number =
                |byte: &&u8| byte.is_ascii_digit() || matches!(byte, b',' | b'.' | b';' | b')' | b'}');
            let number = shown.iter().take_while(of_number).count();
            cost::add(number);
            number == shown.len()
                || sentence && !matches!(shown.first(), Some(b'[' | b'{')) && !looks_secret(shown)
        }
    }
}

/// Where an unquoted value ends, judged by what stands before its name.
fn unquoted_end(scan: &mut Scan<'_>, name: Name, sign: Sign, from: usize, first: u8) -> usize {
    let bytes = scan.bytes;
    let outside = if sign.closed { Until::Literal } else { Until::Space };
    let marker = from + REDACTED.len();
    if matches!(first, b'[' | b'{') && bytes.get(from..marker) != Some(REDACTED.as_bytes()) {
        let kind = if first == b'[' { Until::List } else { Until::Object };
        let to = scan.until(kind, from);
        // Inside another one the first end is not the last: then the line is.
        let kind = if scan.until(Until::Opener, from + 1) < to { Until::Line } else { outside };
        return scan.until(kind, (to + 1).min(bytes.len()));
    }
    // The marker stands where a value was: what follows its end is looked at as what follows a value.
    let from = if bytes.get(from..marker) == Some(REDACTED.as_bytes()) { marker } else { from };
    let mut lead = name.from;
    while lead > 0 && bytes[lead - 1] == b'-' && name.from - lead < 3 {
        lead -= 1;
    }
    let before = lead.checked_sub(1).map_or(b' ', |at| bytes[at]);
    if matches!(before, b'"' | b'\'' | b'`') && !sign.closed {
        let kind = Until::quote(before, backslashes_before(bytes, lead - 1));
        let to = scan.until(kind, from);
        if to < bytes.len() {
            return closing(bytes, lead - 1, from, to);
        }
    }
    let kind = match before {
        _ if name.sense == Sense::Line => Until::Line,
        b'?' | b'&' => Until::Parameter,
        b';' => Until::Part,
        _ => outside,
    };
    scan.until(kind, from)
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

/// Where the quote that opens at `open` closes, and where its closing sign ends; or the end of the text.
#[inline(never)]
fn close(scan: &mut Scan<'_>, open: usize) -> (usize, usize) {
    let bytes = scan.bytes;
    let kind = Until::quote(bytes[open], backslashes_before(bytes, open));
    let quote = scan.until(kind, open + 1);
    (closing(bytes, open, open + 1, quote), (quote + 1).min(bytes.len()))
}

/// Where the closing sign of the quote at `open` begins: as many backslashes before `quote` belong to it
/// as stood before the opening one.
fn closing(bytes: &[u8], open: usize, from: usize, quote: usize) -> usize {
    if quote >= bytes.len() {
        return quote;
    }
    let slashes = backslashes_before(bytes, open).min(backslashes_before(bytes, quote));
    (quote - slashes).max(from)
}

/// Hides a value unless it is hidden already.
#[inline(never)]
fn hide(scan: &mut Scan<'_>, from: usize, to: usize) {
    if scan.bytes[from..to] != *REDACTED.as_bytes() {
        scan.hit(from, to);
    }
}
