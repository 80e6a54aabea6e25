//! Text that nobody would write: tokens known by their own shape, and long text without words in it.
//!
//! What is written by a person or made for one (identifiers, paths, versions) is made of words:
//! runs of letters of one case, or with one capital, and few digits. Random text changes between
//! lower case, upper case and digits at every second byte. Counting those changes tells
//! them apart without a dictionary. Hashes are random too; they are known by their lengths.

use super::cost;
use super::ends::Until;
use super::names::{self, Sense};
use super::scan::{Scan, is_run, is_word};
use super::{prefixes, values};

/// From here on random text is taken for a token where it mixes letters of both cases and digits.
const MIXED: usize = 24;
/// From here on any text without words is taken for a token.
const LONG: usize = 40;

/// Whether a word of 16 to 64 bytes should be judged: the quick question, answered yes when in doubt. The
/// masks have a bit for each of its signs and of its capitals.
#[inline(never)]
pub(super) fn is_worth(bytes: &[u8], from: usize, to: usize, signs: u64, capitals: u64) -> bool {
    let word = &bytes[from..to];
    let near = match from.checked_sub(1).map(|before| bytes[before]) {
        Some(b' ') => names::may_end_at(bytes, from - 1),
        Some(b':') => from >= 2 && bytes[from - 2].is_ascii_digit(),
        Some(b'.' | b'/') => prefixes::may_be_before(bytes, from),
        _ => false,
    };
    let centre = word.len() >= 36 && word[32..].starts_with(b"-us");
    let id = word.len() == 64 && from >= 18 && bytes[from - 18..].starts_with(b"pat");
    if near
        || centre
        || id
        || bytes.get(to) == Some(&b'.') && (word.starts_with(b"ey") || (22..=28).contains(&word.len()))
    {
        return true;
    }
    let all = u64::MAX >> (64 - word.len().clamp(1, 64));
    let signs = signs & all;
    if any(signs, |at| prefixes::may_be_sign(word, at))
        || any(!signs & (signs << 1 | 1) & all, |at| prefixes::may_be_first(word, at))
    {
        return true;
    }
    match word.len() {
        LONG.. => {
            let seen = seen(word);
            let hex = seen & (SIGN | BEYOND) == 0 && seen & (UPPER | LOWER) != UPPER | LOWER;
            !(hex && is_hash_length(word.len()))
        }
        // Most have no capital, which is quicker to see than all that they have.
        MIXED.. if capitals & all != 0 => seen(word) & (UPPER | LOWER | DIGIT) == UPPER | LOWER | DIGIT,
        _ => false,
    }
}

/// Whether it is so at the place of any of the bits.
#[inline(always)]
fn any(mut bits: u64, is: impl Fn(usize) -> bool) -> bool {
    while bits != 0 {
        if is(bits.trailing_zeros() as usize) {
            return true;
        }
        bits &= bits - 1;
    }
    false
}

/// All that a word's bytes are.
fn seen(word: &[u8]) -> u8 {
    word.iter().fold(0, |seen, byte| seen | CLASSES[usize::from(*byte)])
}

const UPPER: u8 = 1;
const LOWER: u8 = 2;
const DIGIT: u8 = 4;
const SIGN: u8 = 8;
/// A letter that is no hexadecimal digit.
const BEYOND: u8 = 16;

/// What a byte of a word is.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        let beyond = if byte.is_ascii_hexdigit() { 0 } else { BEYOND };
        classes[byte as usize] = match byte {
            b'A'..=b'Z' => UPPER | beyond,
            b'a'..=b'z' => LOWER | beyond,
            b'0'..=b'9' => DIGIT,
            _ => SIGN,
        };
        byte += 1;
    }
    classes
};

/// Judges a word of at least 16 bytes.
pub(super) fn word(scan: &mut Scan<'_>, from: usize, to: usize) {
    let bytes = scan.bytes;
    if prefixes::word(scan, from, to) || token(scan, from, to) || introduced(scan, from, to) {
        return;
    }
    if to - from >= MIXED && is_opaque(&bytes[from..to]) && !is_public(bytes, from, to) {
        let (from, to) = joined(bytes, from, to);
        scan.hit(from, to);
    }
}

/// An opaque word with what signs join to it and is no word of a path: base64 has `+` and `/`, others have `~`.
fn joined(bytes: &[u8], mut from: usize, mut to: usize) -> (usize, usize) {
    let is_joint = |at: usize| bytes.get(at).is_some_and(|byte| matches!(byte, b'+' | b'/' | b'~'));
    // A part as long as this is judged by itself.
    let is_part = |byte: &&u8| is_word(**byte);
    while let Some(joint) = from.checked_sub(1).filter(|at| is_joint(*at)) {
        let length = bytes[..joint].iter().rev().take(MIXED).take_while(is_part).count();
        if bytes[joint] == b'/' && is_made(&bytes[joint - length..joint]) || length == MIXED {
            break;
        }
        from = joint - length;
    }
    while is_joint(to) {
        let length = bytes[to + 1..].iter().take(MIXED).take_while(is_part).count();
        if bytes[to] == b'/' && is_made(&bytes[to + 1..to + 1 + length]) || length == MIXED {
            break;
        }
        to += 1 + length;
    }
    let padding = bytes[to..].iter().take(2).take_while(|byte| **byte == b'=').count();
    (from, to + padding)
}

/// Whether a part of a path looks made by a person: nothing, or of one kind of character.
fn is_made(part: &[u8]) -> bool {
    let digits = part.iter().filter(|byte| byte.is_ascii_digit()).count();
    part.is_empty() || humps(part) == 0 && (digits == 0 || digits == part.len())
}

/// Judges words joined by `/` and `+`, 40 bytes or more: base64 in its older alphabet, or a path.
pub(super) fn run(scan: &mut Scan<'_>, from: usize, to: usize) {
    let bytes = scan.bytes;
    let run = &bytes[from..to];
    // Without a sign in it, it was judged as a word.
    if !run.iter().any(|byte| matches!(byte, b'/' | b'+')) || !is_random(run) || is_public(bytes, from, to) {
        return;
    }
    let padding = bytes[to..].iter().take(2).take_while(|byte| **byte == b'=').count();
    scan.hit(from, to + padding);
}

/// JSON web tokens, and the bot tokens of Telegram and Discord.
fn token(scan: &mut Scan<'_>, from: usize, to: usize) -> bool {
    let bytes = scan.bytes;
    let word = &bytes[from..to];
    // `{"` in base64url. What follows the dot may be encrypted, signed or neither.
    if let Some(at) = word.windows(3).position(|part| part == b"eyJ") {
        let end = scan.until(Until::Dotted, to);
        if bytes.get(to) == Some(&b'.') && end - to > 8 && word.len() - at >= 10 {
            scan.hit(from, end);
            return true;
        }
    }
    let digits = bytes[..from.saturating_sub(1)]
        .iter()
        .rev()
        .take(12)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if from > 0
        && bytes[from - 1] == b':'
        && (8..=10).contains(&digits)
        && word.len() >= 34
        && word.starts_with(b"AA")
    {
        scan.hit(from - 1 - digits, to);
        return true;
    }
    // A key of Mailchimp names its data centre; one of Airtable has an id before its dot.
    let mailchimp = word.len() >= 36
        && word[32..].starts_with(b"-us")
        && word[35..].iter().all(u8::is_ascii_digit)
        && word[..32].iter().all(u8::is_ascii_hexdigit);
    let airtable =
        word.len() == 64 && from >= 18 && bytes[from - 1] == b'.' && bytes[from - 18..].starts_with(b"pat");
    if mailchimp || airtable {
        scan.hit(if airtable { from - 18 } else { from }, to);
        return true;
    }
    // id in base64, time, signature
    if bytes.get(to) == Some(&b'.') && (22..=28).contains(&word.len()) {
        let end = scan.until(Until::Dotted, to);
        let mut parts = bytes[to + 1..end.min(to + 80)].splitn(2, |byte| *byte == b'.');
        let (time, signature) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if (6..=7).contains(&time.len())
            && signature.len() >= 27
            && end < to + 80
            && !signature.contains(&b'.')
            && !is_plain(signature)
        {
            scan.hit(from, end);
            return true;
        }
    }
    false
}

/// A client secret of Microsoft Entra, by its first `~`: three characters, a digit, `Q~`, and 31 to 34 more.
#[inline(never)]
pub(super) fn client_secret(scan: &mut Scan<'_>, at: usize) {
    let bytes = scan.bytes;
    let is_part = |byte: &&u8| is_word(**byte) || matches!(byte, b'.' | b'~');
    let [.., one, two, three, b'0'..=b'9', b'Q'] = &bytes[..at] else { return };
    let after = bytes[at + 1..].iter().take(34).take_while(is_part).count();
    cost::add(after);
    if after >= 31 && [one, two, three].iter().all(is_part) {
        scan.hit(at - 5, at + 1 + after);
    }
}

/// `token 0123…`: the word before says what this is, be it as regular as a hash.
fn introduced(scan: &mut Scan<'_>, from: usize, to: usize) -> bool {
    let bytes = scan.bytes;
    let Some(end) = from.checked_sub(1).filter(|at| bytes[*at] == b' ') else { return false };
    let word = &bytes[from..to];
    let named = names::ending_at(bytes, end).is_some_and(|name| name.sense != Sense::Plural);
    let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
    let found = named && (digits >= 3 || humps(word) >= 3) && !values::is_flag(word);
    if found {
        let mut to = to + bytes[to..].iter().take_while(|byte| is_token68(**byte)).count();
        while to > from && bytes[to - 1] == b'.' {
            to -= 1;
        }
        scan.hit(from, to);
    }
    found
}

/// Whether a value that a name introduced in prose is a secret and no part of the sentence.
#[inline(never)]
pub(super) fn looks_secret(value: &[u8]) -> bool {
    cost::add(4 * value.len());
    let value = match value {
        [value @ .., b',' | b';' | b'.' | b')' | b'!' | b'?'] => value,
        value => value,
    };
    let signs =
        value.iter().filter(|byte| matches!(byte, b'!' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*')).count();
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let spaces = value.iter().any(|byte| *byte <= b' ');
    !spaces
        && value.len() >= 6
        && (letters >= 3 && (digits > 0 || signs > 0)
            || digits >= 6
            || humps(value) >= 2
            || value.len() >= 24)
}

/// Whether what follows `Bearer`, `Basic` or `token` is more than a word of prose.
pub(super) fn looks_like_credentials(value: &[u8]) -> bool {
    cost::add(2 * value.len());
    let value = value.strip_suffix(b".").unwrap_or(value);
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let padded = value.ends_with(b"=");
    value.len() >= 4 && (padded || humps(value) >= 2 || digits > 0 && value.len() >= 6 || value.len() >= 24)
}

/// The characters of a credential after an authorization scheme (RFC 9110, token68).
pub(super) const fn is_token68(byte: u8) -> bool {
    is_run(byte) || matches!(byte, b'.' | b'~' | b'=')
}

/// How often an upper-case letter follows a lower-case one.
fn humps(text: &[u8]) -> usize {
    text.windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase()).count()
}

/// A word of 24 bytes or more that is not made of words.
fn is_opaque(word: &[u8]) -> bool {
    word.len() >= LONG && is_random(word)
        || is_mixed(word)
        || chunks(word).any(|chunk| chunk.len() >= MIXED - 4 && is_mixed(chunk))
}

/// Whether most of a long run is not made of words.
fn is_random(run: &[u8]) -> bool {
    // Signs may cut random text so finely that each piece could be a word: then all of them count together.
    let (mut strange, mut mixed, mut count) = (0, 0, 0);
    let (mut upper, mut digit) = (false, false);
    for chunk in chunks(run) {
        strange += if is_plain(chunk) { 0 } else { chunk.len() };
        if !is_hex(chunk) {
            mixed += chunk.len();
            count += changes(chunk);
            upper |= chunk.iter().any(u8::is_ascii_uppercase);
            digit |= chunk.iter().any(u8::is_ascii_digit);
        }
    }
    // Hardly anything but base64 has a plus sign in so long a run.
    let often = if run.contains(&b'+') { 7 } else { 5 };
    strange * 2 >= run.len() || upper && digit && mixed * 2 >= run.len() && count * often >= mixed
}

/// Both cases and digits, changing often; what is hexadecimal does not count.
fn is_mixed(word: &[u8]) -> bool {
    let (mut upper, mut lower, mut digits, mut count, mut length) = (false, false, 0, 0, 0);
    for chunk in chunks(word).filter(|chunk| !is_hex(chunk)) {
        upper |= chunk.iter().any(u8::is_ascii_uppercase);
        lower |= chunk.iter().any(u8::is_ascii_lowercase);
        digits += chunk.iter().filter(|byte| byte.is_ascii_digit()).count();
        count += changes(chunk);
        length += chunk.len();
    }
    upper && lower && digits >= 2 && length * 2 >= word.len() && count * 10 >= length * 3
}

fn chunks(run: &[u8]) -> impl Iterator<Item = &[u8]> {
    run.split(|byte| !byte.is_ascii_alphanumeric()).filter(|chunk| !chunk.is_empty())
}

/// Whether letters and digits without a sign between them are a word, a number, an identifier or a hash.
fn is_plain(chunk: &[u8]) -> bool {
    let length = chunk.len();
    if length <= 5 {
        return true;
    }
    if chunk.iter().all(u8::is_ascii_digit) {
        return length <= 20 || is_hash_length(length);
    }
    if is_hex(chunk) {
        return length <= 16 || is_hash_length(length);
    }
    length < LONG && changes(chunk) * 5 <= length
        || length < 2 * LONG
            && changes(chunk) * 6 <= length
            && chunk.iter().any(u8::is_ascii_uppercase)
            && humps(chunk) > 2
}

/// Digits and the letters a to f of one case.
fn is_hex(chunk: &[u8]) -> bool {
    let all =
        |first: u8, last: u8| chunk.iter().all(|byte| byte.is_ascii_digit() || (first..=last).contains(byte));
    all(b'a', b'f') || all(b'A', b'F')
}

/// MongoDB's ids, MD5 and UUID, SHA-1, SHA-224, SHA-256, SHA-384, SHA-512.
const fn is_hash_length(length: usize) -> bool {
    matches!(length, 24 | 32 | 40 | 56 | 64 | 96 | 128)
}

/// Changes between lower case, upper case and digits. A capital and what follows it are one.
fn changes(chunk: &[u8]) -> usize {
    let class = |byte: u8| match byte {
        b'0'..=b'9' => 0,
        b'A'..=b'Z' => 1,
        _ => 2,
    };
    let mut count = 0;
    let mut same = 1;
    for pair in chunk.windows(2) {
        let (before, after) = (class(pair[0]), class(pair[1]));
        if before == after {
            same += 1;
            continue;
        }
        if !(before == 1 && after == 2 && same == 1) {
            count += 1;
        }
        same = 1;
    }
    count
}

/// How far before a word the run that it is a part of is looked for. The longest digest in base64 has 88.
const BACK: usize = 112;

/// Random text that is public and says so: digests in base64 (`sha512-…` of npm, `SHA256:…` of ssh, `h1:…`
/// of Go), public ssh keys, the store's paths of Nix, and the names that compilers give symbols.
fn is_public(bytes: &[u8], from: usize, to: usize) -> bool {
    let back = bytes[..from].iter().rev().take(BACK).take_while(|byte| is_run(**byte)).count();
    let run = &bytes[from - back..to];
    let before = &bytes[..from - back];
    let starts = |list: &[&str]| list.iter().any(|start| run.starts_with(start.as_bytes()));
    let follows = |list: &[&str]| list.iter().any(|end| before.ends_with(end.as_bytes()));
    starts(&["sha256-", "sha384-", "sha512-", "sha1-", "/nix/store/", "_ZN", "__ZN"])
        || follows(&["sha256:", "sha384:", "sha512:", "SHA256:", "h1:"])
        || follows(&["ssh-ed25519 ", "ssh-rsa ", "ssh-dss ", "ecdsa-sha2-nistp256 ", "ecdsa-sha2-nistp384 "])
            && starts(&["AAAA"])
}

const _: () = assert!(MIXED >= 16 && LONG > MIXED && is_word(b'_'));
