//! Names that say that a secret follows.
//!
//! A name counts by its end, as `DB_PASSWORD`, `db.password`, `dbPassword` and `--db-password` are all
//! passwords; case, digits and the signs between words do not count. Names that merely contain such
//! a word (`token_type`, `password_file`, `secrets_dir`) say nothing.

/// How sure a name is, and how far what it names reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sense {
    /// What follows is a secret.
    Sure,
    /// A secret when assigned; in prose ("unexpected token: …") only what looks like one.
    Likely,
    /// Several, or a count of them: a number stays.
    Plural,
    /// The rest of the line is the secret.
    Line,
}

/// A name that stands before something.
#[derive(Clone, Copy)]
pub(super) struct Name {
    pub(super) sense: Sense,
    /// Where the name begins, after its dashes.
    pub(super) from: usize,
    /// Made of several words, so no word of prose.
    pub(super) compound: bool,
    /// Nothing but upper-case letters.
    pub(super) shouted: bool,
    /// Its letters are `pwd`, which is also a directory's name.
    pub(super) pwd: bool,
    /// Counts only where it is clearly assigned.
    pub(super) short: bool,
}

/// Longer names are read by their last letters.
const LETTERS: usize = 24;
/// How far back a name is read.
const REACH: usize = 64;

/// Whether a name could end at `end`: the first question, and for nearly all the last one. The
/// answer is in the last four letters of every name below.
#[inline]
pub(super) fn may_end_at(bytes: &[u8], end: usize) -> bool {
    let mut end = end;
    // Digits and signs do not count, and nobody writes many of them.
    for _ in 0..4 {
        match end.checked_sub(1).and_then(|last| bytes.get(last)) {
            Some(b'0'..=b'9' | b'_' | b'-' | b'.') => end -= 1,
            _ => break,
        }
    }
    let four = match end.checked_sub(4).and_then(|from| bytes.get(from..end)?.first_chunk::<4>()) {
        Some(four) => u32::from_be_bytes(*four),
        None => bytes[..end].iter().fold(0, |all, byte| all << 8 | u32::from(*byte)),
    };
    ends_like(four | 0x2020_2020)
}

const fn ends_like(four: u32) -> bool {
    const fn is(name: &[u8; 4]) -> u32 {
        u32::from_be_bytes(*name)
    }
    const WORD: u32 = is(b"word");
    const SSWD: u32 = is(b"sswd");
    const CODE: u32 = is(b"code");
    const WORT: u32 = is(b"wort");
    const RASE: u32 = is(b"rase");
    const ARER: u32 = is(b"arer");
    const ONIC: u32 = is(b"onic");
    const CRET: u32 = is(b"cret");
    const PASS: u32 = is(b"pass");
    const OKEN: u32 = is(b"oken");
    const AUTH: u32 = is(b"auth");
    const TURE: u32 = is(b"ture");
    const TIAL: u32 = is(b"tial");
    const ONID: u32 = is(b"onid");
    const SSID: u32 = is(b"ssid");
    const TION: u32 = is(b"tion");
    const OKIE: u32 = is(b"okie");
    const IALS: u32 = is(b"ials");
    const ORDS: u32 = is(b"ords");
    const RETS: u32 = is(b"rets");
    const KENS: u32 = is(b"kens");
    const KEYS: u32 = is(b"keys");
    const BASE: u32 = is(b"base");
    match four {
        WORD | SSWD | CODE | WORT | RASE | ARER | ONIC | CRET | PASS | OKEN | AUTH | TURE | TIAL | ONID
        | SSID | TION | OKIE | IALS | ORDS | RETS | KENS | KEYS | BASE => true,
        // The shorter ones. A bit set in a sign (`_id`, `-id`) makes another sign or none that is a letter.
        _ => matches!(
            (four & 0x00ff_ffff).to_be_bytes(),
            [_, b'k', b'e', b'y']
                | [_, b'j', b'w', b't']
                | [_, b'p', b'a', b't']
                | [_, b'p', b's', b'k']
                | [_, b'p', b'w', b'd']
                | [_, b's', b'i', b'g' | b'd']
                | [_, b'o', b't', b'p']
                | [_, b'-' | b'_' | 0x7f, b'i', b'd']
                | [_, _, b'p', b'w']
        ),
    }
}

struct Rule {
    ending: &'static [u8],
    sense: Sense,
    /// The ending must be a word of its own: `auth` is, in `basic_auth`; `sig` is not, in `design`.
    whole: bool,
}

const fn any(ending: &'static str, sense: Sense) -> Rule {
    Rule { ending: ending.as_bytes(), sense, whole: false }
}

const fn whole(ending: &'static str, sense: Sense) -> Rule {
    Rule { ending: ending.as_bytes(), sense, whole: true }
}

use Sense::{Likely, Line, Plural, Sure};

static RULES: &[Rule] = &[
    any("password", Sure),
    any("passwd", Sure),
    any("passcode", Sure),
    any("passwort", Sure),
    any("kennwort", Sure),
    any("passphrase", Line),
    any("seedphrase", Line),
    any("recoveryphrase", Line),
    any("mnemonic", Line),
    any("secret", Sure),
    any("jwt", Sure),
    whole("pwd", Sure),
    whole("pw", Likely),
    whole("pass", Likely),
    any("token", Likely),
    whole("auth", Likely),
    whole("pat", Likely),
    whole("psk", Likely),
    whole("bearer", Likely),
    any("clientassertion", Sure),
    any("oauth", Likely),
    whole("sig", Likely),
    any("signature", Likely),
    any("credential", Likely),
    any("secretkeybase", Sure),
    any("sessionid", Likely),
    any("sessid", Likely),
    whole("sid", Likely),
    whole("otp", Likely),
    whole("totp", Likely),
    any("authorization", Line),
    any("cookie", Line),
    any("credentials", Plural),
    any("passwords", Plural),
    any("secrets", Plural),
    any("tokens", Plural),
];

/// What a `key` belongs to where it is a secret. A public key, a primary key, a cache key are not.
static KEYS: &str = "api access secret private signing signature encryption encrypt decryption auth \
    authorization account master ssh rsa deploy license service storage shared session app \
    application client subscription functions sas webhook admin hmac jwt root write \
    ingest integration management consumer stripe openai unseal servicerole fernet";

/// The secret-sounding name that ends at `end`, if one does.
#[inline(never)]
pub(super) fn ending_at(bytes: &[u8], end: usize) -> Option<Name> {
    if !may_end_at(bytes, end) {
        return None;
    }
    read(bytes, end)
}

#[inline(never)]
fn read(bytes: &[u8], end: usize) -> Option<Name> {
    // The letters backwards, in lower case; bit n of `starts` says that letter n begins a word.
    let (mut letters, mut count, mut starts) = ([0_u8; LETTERS], 0, 0_u32);
    let (mut from, mut compound, mut lower) = (end, false, false);
    while from > 0 && end - from < REACH {
        let byte = bytes[from - 1];
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {
                if let Some(slot) = letters.get_mut(count) {
                    *slot = byte | 0x20;
                    let before = from.checked_sub(2).map_or(0, |at| bytes[at]);
                    let hump = byte.is_ascii_uppercase() && before.is_ascii_lowercase();
                    if hump || !before.is_ascii_alphabetic() {
                        starts |= 1 << count;
                    }
                    compound |= hump;
                    count += 1;
                }
                lower |= byte.is_ascii_lowercase();
            }
            b'_' | b'.' | b'-' => compound |= count > 0,
            b'0'..=b'9' => {}
            // "API key" is two words to a person and one name.
            b' ' if count == 3 && letters.starts_with(b"yek") => {
                starts |= 1 << 2;
            }
            _ => break,
        }
        from -= 1;
    }
    let letters = &letters[..count];
    while bytes.get(from).is_some_and(|byte| matches!(byte, b'-' | b'.' | b' ')) {
        from += 1;
    }
    let is_whole = |length: usize| starts >> (length - 1) & 1 == 1;
    let sense = if let Some(owner) = letters.strip_prefix(b"yek").or_else(|| letters.strip_prefix(b"syek")) {
        let is_secret = KEYS.split(' ').any(|key| backwards_starts_with(owner, key.as_bytes()));
        let plural = letters.first() == Some(&b's');
        is_secret.then_some((if plural { Plural } else { Sure }, false))
    } else {
        RULES
            .iter()
            .find(|rule| {
                backwards_starts_with(letters, rule.ending) && (!rule.whole || is_whole(rule.ending.len()))
            })
            .map(|rule| (rule.sense, rule.whole))
    };
    let (sense, short) = sense?;
    Some(Name {
        sense,
        from,
        compound,
        shouted: !lower,
        pwd: letters == b"dwp" || letters == b"dwpdlo",
        short,
    })
}

/// The secret-sounding name of a pair, as in `"name": "DB_PASSWORD", "value": …`, by the end of `value`.
#[inline]
pub(super) fn paired_at(bytes: &[u8], end: usize) -> Option<Name> {
    if is_value(bytes, end) { read_pair(bytes, end) } else { None }
}

/// Whether the word `value` ends at `end`, nearly.
#[inline]
pub(super) fn is_value(bytes: &[u8], end: usize) -> bool {
    bytes[..end]
        .last_chunk::<4>()
        .is_some_and(|four| u32::from_be_bytes(*four) | 0x2020_2020 == u32::from_be_bytes(*b"alue"))
}

#[inline(never)]
fn read_pair(bytes: &[u8], end: usize) -> Option<Name> {
    let from = end.checked_sub(5)?;
    let is_between = |byte: &&u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b',' | b'\\');
    let between = bytes[..from].iter().rev().take(REACH).take_while(is_between).count();
    super::cost::add(between);
    let name = ending_at(bytes, from - between)?;
    let is_pair = between > 0 && bytes[from] | 0x20 == b'v' && is_named(bytes, name.from);
    // Its value is no prose, and stands where the word does.
    is_pair.then_some(Name { from, compound: true, ..name })
}

/// Whether `name:`, `key=` or the like stands before `at`.
#[inline(never)]
pub(super) fn is_named(bytes: &[u8], at: usize) -> bool {
    let is_between = |byte: &&u8| matches!(byte, b' ' | b'"' | b'\'' | b'\\' | b':' | b'=');
    let between = bytes[..at].iter().rev().take(8).take_while(is_between).count();
    let (word, between) = bytes[..at].split_at(at - between);
    let (first, last) = (word.len().saturating_sub(4), word.len().saturating_sub(3));
    let is_word = word[first..].eq_ignore_ascii_case(b"name") || word[last..].eq_ignore_ascii_case(b"key");
    is_word && between.iter().any(|byte| matches!(byte, b':' | b'='))
}

fn backwards_starts_with(backwards: &[u8], ending: &[u8]) -> bool {
    backwards.len() >= ending.len() && ending.iter().rev().zip(backwards).all(|(one, other)| one == other)
}

/// Words that stand where a secret could and are none: a state, or the beginning of a sentence about it.
static STATES: &str = "true false null none nil undefined yes no on off empty unset set enabled disabled default auto \
    always never prompt stdin keyring unknown ok";

/// The same, where the name and a colon begin a sentence.
static PROSE: &str = "a an the is was must may not cannot could should does has it too you your please expected \
    unexpected invalid incorrect wrong missing required expired denied rejected failed mismatch \
    unknown unauthorized forbidden access authentication permission no can cant unable error \
    found read at in for from of";

/// Whether a value is such a word and no secret.
#[inline(never)]
pub(super) fn is_plain(value: &[u8], prose: bool) -> bool {
    let word = value.trim_ascii_end();
    let word = match word {
        [word @ .., b',' | b'.' | b';' | b'!' | b')' | b'}'] => word,
        word => word,
    };
    let among = |list: &str| list.split(' ').any(|plain| plain.as_bytes().eq_ignore_ascii_case(word));
    among(STATES) || prose && among(PROSE)
}
