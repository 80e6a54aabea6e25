//! The prefixes that providers give their credentials so that they can be found.
//!
//! Sources: the providers' own pages, and the rules of the secret scanners that follow them. Keys that
//! are made to be public (`pk_live_`, `sq0idp-`, `phc_`) are not here.

use super::ends::Until;
use super::scan::{Scan, is_word};

/// What follows a prefix.
#[derive(Clone, Copy)]
enum Body {
    /// Letters, digits, `_` and `-`; where joined by signs, more than lower-case words.
    Word,
    /// Letters and digits.
    Alnum,
    /// Hexadecimal digits.
    Hex,
    /// Upper-case letters and digits.
    Upper,
    /// A UUID.
    Uuid,
}

/// The longest prefix's length.
const LONGEST: usize = 18;

struct Prefix {
    /// Its bytes, then zeros: in place, so that the table needs no relocation at start.
    text: [u8; LONGEST],
    length: u8,
    body: Body,
    /// How long the body is at least.
    least: u8,
    /// Nothing but a sign may stand before it, as it could be a word's end.
    apart: bool,
    /// Where its first sign is, or its length.
    sign: u8,
}

impl Prefix {
    fn text(&self) -> &[u8] {
        self.text.get(..usize::from(self.length)).unwrap_or_default()
    }
}

const fn prefix(name: &str, body: Body, least: u8, apart: bool) -> Prefix {
    let (name, mut text, mut at) = (name.as_bytes(), [0; LONGEST], 0);
    while at < name.len() {
        text[at] = name[at];
        at += 1;
    }
    Prefix { text, length: at as u8, body, least, apart, sign: sign_of(name) }
}

/// Found wherever it stands.
const fn anywhere(text: &'static str) -> Prefix {
    prefix(text, Body::Word, 16, false)
}

/// Found where no letter or digit stands before it.
const fn apart(text: &'static str, body: Body, least: u8) -> Prefix {
    prefix(text, body, least, true)
}

use Body::{Alnum, Hex, Upper, Uuid, Word};

/// With a sign in them, by which they are found.
static SIGNED: &[Prefix] = &[
    // GitHub
    anywhere("ghp_"),
    anywhere("gho_"),
    anywhere("ghu_"),
    anywhere("ghs_"),
    anywhere("ghr_"),
    anywhere("github_pat_"),
    // GitLab
    anywhere("glpat-"),
    anywhere("gldt-"),
    anywhere("glrt-"),
    anywhere("glcbt-"),
    anywhere("glptt-"),
    anywhere("glft-"),
    anywhere("glimt-"),
    anywhere("glagent-"),
    anywhere("gloas-"),
    anywhere("glsoat-"),
    anywhere("glffct-"),
    // Slack
    anywhere("xoxb-"),
    anywhere("xoxa-"),
    anywhere("xoxp-"),
    anywhere("xoxr-"),
    anywhere("xoxs-"),
    anywhere("xoxc-"),
    anywhere("xoxd-"),
    anywhere("xoxe-"),
    anywhere("xapp-"),
    // Stripe, Clerk
    apart("sk_live_", Word, 16),
    apart("sk_test_", Word, 16),
    apart("rk_live_", Word, 16),
    apart("rk_test_", Word, 16),
    anywhere("whsec_"),
    // OpenAI, Anthropic, OpenRouter and others that took the prefix
    apart("sk-", Word, 16),
    apart("sk-ant-", Word, 16),
    apart("sess-", Alnum, 32),
    // Machine learning
    apart("hf_", Alnum, 30),
    apart("r8_", Alnum, 30),
    apart("gsk_", Alnum, 32),
    apart("xai-", Alnum, 32),
    apart("pplx-", Alnum, 32),
    apart("nvapi-", Word, 32),
    // Google
    anywhere("GOCSPX-"),
    // Package registries
    apart("npm_", Alnum, 20),
    apart("pypi-", Word, 32),
    anywhere("rubygems_"),
    anywhere("dckr_pat_"),
    anywhere("CLOJARS_"),
    // Clouds and hosting
    anywhere("dop_v1_"),
    anywhere("doo_v1_"),
    anywhere("dor_v1_"),
    anywhere("HRKU-"),
    anywhere("nfp_"),
    anywhere("fo1_"),
    anywhere("fm2_"),
    anywhere("pscale_tkn_"),
    anywhere("pscale_pw_"),
    anywhere("pscale_oauth_"),
    anywhere("sbp_"),
    apart("sb_secret_", Word, 16),
    anywhere("tskey-"),
    apart("pul-", Hex, 32),
    apart("ntn_", Alnum, 30),
    apart("secret_", Alnum, 40),
    // Commerce and payment
    anywhere("shpat_"),
    anywhere("shpca_"),
    anywhere("shppa_"),
    anywhere("shpss_"),
    anywhere("shptka_"),
    anywhere("sq0atp-"),
    anywhere("sq0csp-"),
    anywhere("FLWSECK-"),
    anywhere("FLWSECK_TEST-"),
    anywhere("shippo_live_"),
    anywhere("shippo_test_"),
    anywhere("duffel_live_"),
    anywhere("duffel_test_"),
    anywhere("access-sandbox-"),
    anywhere("access-production-"),
    // Mail and messages
    apart("key-", Hex, 32),
    anywhere("xkeysib-"),
    anywhere("xsmtpsib-"),
    // Watching and measuring
    anywhere("NRAK-"),
    anywhere("NRII-"),
    anywhere("glc_"),
    anywhere("glsa_"),
    anywhere("sntrys_"),
    anywhere("sntryu_"),
    apart("phx_", Alnum, 32),
    anywhere("hcaik_"),
    // LaunchDarkly
    apart("sdk-", Uuid, 36),
    apart("api-", Uuid, 36),
    anywhere("lsv2_pt_"),
    anywhere("lsv2_sk_"),
    // Work
    apart("waka_", Uuid, 36),
    anywhere("lin_api_"),
    anywhere("lin_oauth_"),
    anywhere("figd_"),
    anywhere("PMAK-"),
    anywhere("CCIPAT_"),
    anywhere("bkua_"),
    anywhere("CFPAT-"),
    anywhere("tfp_"),
    anywhere("sgp_"),
    anywhere("squ_"),
    anywhere("sqp_"),
    anywhere("rdme_"),
    anywhere("ico-"),
    anywhere("pnu_"),
    apart("aio_", Alnum, 28),
    anywhere("ory_at_"),
    anywhere("ory_rt_"),
    anywhere("ops_eyJ"),
    anywhere("EZAK-"),
    apart("doppler_", Word, 32),
    // Keys
    anywhere("AGE-SECRET-KEY-"),
    anywhere("AGE-PLUGIN-"),
];

/// Without a sign, found where a word or a part of one begins.
static BARE: &[Prefix] = &[
    apart("AKIA", Upper, 16),
    apart("ASIA", Upper, 16),
    apart("ABIA", Upper, 16),
    apart("ACCA", Upper, 16),
    apart("ABSK", Word, 32),
    apart("AIza", Word, 16),
    apart("GR1348941", Word, 16),
    apart("SK", Hex, 32),
    apart("EAAA", Word, 32),
    apart("EAAC", Word, 32),
    apart("EAAB", Word, 32),
    apart("EAAG", Word, 32),
    apart("dapi", Hex, 32),
    apart("ATATT3", Word, 32),
    apart("ATCTT3", Word, 32),
    apart("ATBB", Alnum, 24),
    apart("AKCp", Alnum, 32),
    apart("LTAI", Alnum, 16),
    apart("AKID", Alnum, 32),
    apart("AQVN", Word, 32),
    apart("cio", Alnum, 32),
    apart("oy2", Alnum, 40),
    apart("EZAK", Alnum, 32),
    apart("EZTK", Alnum, 32),
];

/// With dots: the word that is judged stands behind them.
static DOTTED: &str = "SG. ya29. hvs. hvb. hvr. dp.pt. dp.st. dp.sa. dp.ct. t1. atlasv1. dt0c01.";

/// Whether one of [`DOTTED`], or the beginning of Google's refresh tokens, may end before a word.
#[inline]
pub(super) fn may_be_before(bytes: &[u8], from: usize) -> bool {
    matches!(
        bytes[..from],
        [.., b'G' | b'9' | b's' | b'b' | b'r' | b't' | b'a' | b'1', b'.'] | [.., b'1', b'/', b'/']
    )
}

/// A set of three bytes that may say yes too often.
struct Filter([u64; 128]);

impl Filter {
    /// Letters and digits only count before the others: a sign there is one of many, or none.
    const fn slot(one: u8, two: u8, three: u8) -> usize {
        let one = if one.is_ascii_alphanumeric() { one as usize } else { 0 };
        (one * 961 + two as usize * 31 + three as usize) % 8192
    }

    const fn with(mut self, one: u8, two: u8, three: u8) -> Self {
        let slot = Self::slot(one, two, three);
        self.0[slot / 64] |= 1 << (slot % 64);
        self
    }

    #[inline]
    const fn may(&self, one: u8, two: u8, three: u8) -> bool {
        let slot = Self::slot(one, two, three);
        self.0[slot / 64] >> (slot % 64) & 1 == 1
    }
}

/// The three bytes before the first sign of each of [`SIGNED`].
static BEFORE_SIGN: Filter = {
    let mut filter = Filter([0; 128]);
    let mut nth = 0;
    while nth < SIGNED.len() {
        let (text, sign) = (SIGNED[nth].text, SIGNED[nth].sign as usize);
        // What stands before a prefix of two letters is a sign or nothing.
        assert!(sign > 2 || SIGNED[nth].apart);
        filter = filter.with(if sign > 2 { text[sign - 3] } else { 0 }, text[sign - 2], text[sign - 1]);
        nth += 1;
    }
    filter
};

/// The first two bytes of each of [`BARE`].
static FIRST: Filter = {
    let mut filter = Filter([0; 128]);
    let mut nth = 0;
    while nth < BARE.len() {
        assert!(BARE[nth].apart);
        filter = filter.with(0, BARE[nth].text[0], BARE[nth].text[1]);
        nth += 1;
    }
    filter
};

/// Whether the sign at `at` of a word may be the first one of a prefix.
#[inline]
pub(super) fn may_be_sign(word: &[u8], at: usize) -> bool {
    at >= 2 && BEFORE_SIGN.may(if at >= 3 { word[at - 3] } else { 0 }, word[at - 2], word[at - 1])
}

/// Whether the part of a word that begins at `at` may begin with a prefix without a sign.
#[inline]
pub(super) fn may_be_first(word: &[u8], at: usize) -> bool {
    word.len() >= at + 18 && FIRST.may(0, word[at], word[at + 1])
}

/// Where the first sign of a prefix is.
const fn sign_of(text: &[u8]) -> u8 {
    let mut at = 0;
    while at < text.len() && !matches!(text[at], b'_' | b'-') {
        at += 1;
    }
    at as u8
}

/// Looks for a prefix in the word `from..to`, and hides the whole word and what dots join to its end.
pub(super) fn word(scan: &mut Scan<'_>, from: usize, to: usize) -> bool {
    let bytes = scan.bytes;
    let Some(start) = find(bytes, from, to) else { return false };
    let end = scan.until(Until::Dotted, to);
    let dots = bytes[to..end].iter().rev().take(3).take_while(|byte| **byte == b'.').count();
    scan.hit(start, end - dots);
    true
}

/// Braintree's `access_token$production$…$…`, by its first `$`.
#[inline(never)]
pub(super) fn braintree(scan: &mut Scan<'_>, at: usize) {
    let bytes = scan.bytes;
    let (before, after) = (&bytes[..at], &bytes[at + 1..]);
    if before.ends_with(b"access_token")
        && (after.starts_with(b"production$") || after.starts_with(b"sandbox$"))
    {
        let to = scan.until(Until::Parameter, at);
        if to - at > 32 {
            scan.hit(at - 12, to);
        }
    }
}

/// Where to begin to hide, if the word has a prefix.
fn find(bytes: &[u8], from: usize, to: usize) -> Option<usize> {
    let word = &Candidate::new(&bytes[from..to]);
    let mut begins = true;
    for (at, byte) in word.bytes.iter().enumerate() {
        if matches!(byte, b'_' | b'-') {
            begins = true;
            if may_be_sign(word.bytes, at) && SIGNED.iter().any(|prefix| fits_sign(prefix, word, at)) {
                return Some(from);
            }
        } else if begins {
            begins = false;
            if may_be_first(word.bytes, at) && BARE.iter().any(|prefix| fits(prefix, word, at)) {
                return Some(from);
            }
        }
    }
    let before = from.checked_sub(1)?;
    match bytes[before] {
        b'.' => {
            let head = &bytes[from.saturating_sub(9)..from];
            let text = DOTTED.split(' ').find(|text| head.ends_with(text.as_bytes()))?;
            let start = from - text.len();
            // What stands before this mark is a part of the token.
            let start = if text == "atlasv1." && start > 0 && bytes[start - 1] == b'.' {
                start
                    - 1
                    - bytes[..start - 1].iter().rev().take(20).take_while(|byte| is_word(**byte)).count()
            } else {
                start
            };
            let alone = start.checked_sub(1).is_none_or(|at| !bytes[at].is_ascii_alphanumeric());
            (alone && !word.is_words(0)).then_some(start)
        }
        // Google's refresh tokens: `1//0…`
        b'/' if from >= 3
            && &bytes[from - 3..from] == b"1//"
            && word.bytes[0] == b'0'
            && word.bytes.len() >= 32 =>
        {
            Some(from - 3)
        }
        _ => None,
    }
}

/// Whether a prefix whose first sign would be at `sign` is there.
fn fits_sign(prefix: &Prefix, word: &Candidate<'_>, sign: usize) -> bool {
    sign.checked_sub(usize::from(prefix.sign)).is_some_and(|at| fits(prefix, word, at))
}

fn fits(prefix: &Prefix, word: &Candidate<'_>, at: usize) -> bool {
    let Some(body) = word.bytes[at..].strip_prefix(prefix.text()) else { return false };
    if prefix.apart && at > 0 && word.bytes[at - 1].is_ascii_alphanumeric() {
        return false;
    }
    let least = usize::from(prefix.least);
    let starts =
        |like: fn(&u8) -> bool| body.iter().take(least).take_while(|byte| like(byte)).count() == least;
    match prefix.body {
        Word => body.len() >= least && !word.is_words(at + usize::from(prefix.length)),
        Alnum => starts(u8::is_ascii_alphanumeric),
        Hex => starts(u8::is_ascii_hexdigit),
        Uuid => {
            starts(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
                && [8, 13, 18, 23].iter().all(|at| body[*at] == b'-')
        }
        Upper => starts(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()),
    }
}

/// A word that may hold a prefix.
struct Candidate<'t> {
    bytes: &'t [u8],
    /// Behind the last byte that is neither a lower-case letter nor a sign. Found once: a word of
    /// nothing but beginnings (`sk-sk-sk-…`) asks at each of them.
    strong: usize,
    /// Behind the last sign.
    sign: usize,
}

impl<'t> Candidate<'t> {
    fn new(bytes: &'t [u8]) -> Self {
        let is_sign = |byte: &u8| matches!(byte, b'_' | b'-');
        let behind = |found: Option<usize>| found.map_or(0, |at| at + 1);
        Self {
            bytes,
            strong: behind(bytes.iter().rposition(|byte| !byte.is_ascii_lowercase() && !is_sign(byte))),
            sign: behind(bytes.iter().rposition(is_sign)),
        }
    }

    /// Lower-case words joined by signs from `from` on: an identifier that happens to begin like a key.
    fn is_words(&self, from: usize) -> bool {
        self.strong <= from && self.sign > from
    }
}
