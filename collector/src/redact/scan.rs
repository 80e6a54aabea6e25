//! Finds the places where a credential may be, and asks the rule that knows.
//!
//! # Why it looks like this
//! The text is read once, in blocks of 64 bytes that are seen as bit masks ([`Masks`]): *marks*, the bytes that a rule hangs on (`=`, `:`, `@`, quotes,
//! `>`, a word's first `-` or `b`), and *words*, letters, digits, `_` and `-`. A clean text costs those masks and
//! one short look per mark.
//!
//! # Why it is linear
//! - Each mark is visited once. What a rule looks at before its mark is bounded by a constant.
//! - What a rule looks for after its mark (the end of a line, of a quote, of an address) is remembered in
//!   [`Ends`]: asking again from further on answers from memory, so each kind of end is searched
//!   over the text once.
//! - Each word is judged once, each longer run once, in a constant number of passes over it.
//! - A mark or a word gives a constant number of spans, and they come nearly sorted.

use super::cost;
use super::ends::{Ends, Until};
use super::masks::Masks;
use super::{Span, opaque, pem, prefixes, urls, values};

/// The shortest word that any rule without a mark can be about.
pub(super) const WORD: usize = 16;
/// The shortest run of words, `/` and `+` that is judged as one.
pub(super) const RUN: usize = 40;

/// Everything to replace, by where it begins; empty for a clean text.
pub(super) fn spans(text: &str) -> Vec<Span> {
    let mut scan = Scan {
        bytes: text.as_bytes(),
        spans: Vec::new(),
        ends: Ends::default(),
        word_end: 0,
        run_end: 0,
        key_end: 0,
        block_end: 0,
        last_sign: (0, 0, None),
    };
    scan.read();
    scan.spans
}

/// A text being read.
pub(super) struct Scan<'t> {
    pub(super) bytes: &'t [u8],
    spans: Vec<Span>,
    ends: Ends,
    /// Where the last judged word ended.
    word_end: usize,
    /// Where the last judged run ended.
    run_end: usize,
    /// Where the last private key ended.
    pub(super) key_end: usize,
    /// Where the last block of YAML ended.
    pub(super) block_end: usize,
    /// The last `@` looked for: from, to, where.
    last_sign: (usize, usize, Option<usize>),
}

impl Scan<'_> {
    /// Marks a part for replacement.
    ///
    /// Rules find things nearly in the order of the text: at most those of one block are out of it, so
    /// looking for the place from the end takes a constant time.
    #[inline(never)]
    pub(super) fn hit(&mut self, from: usize, to: usize) {
        if from >= to {
            return;
        }
        let later = self.spans.iter().rev().take_while(|span| span.0 > from).count();
        cost::add(later);
        self.spans.insert(self.spans.len() - later, (from, to));
    }

    /// The next end of this kind at or after `from`, or the end of the text.
    #[inline(never)]
    pub(super) fn until(&mut self, kind: Until, from: usize) -> usize {
        self.ends.find(self.bytes, kind, from)
    }

    /// The last `@` in `from..to`.
    pub(super) fn last_sign(&mut self, from: usize, to: usize) -> Option<usize> {
        let (known_from, known_to, known) = self.last_sign;
        if known_to == to && known_from <= from {
            return known.filter(|at| *at >= from);
        }
        cost::add(to - from);
        let found = self.bytes[from..to].iter().rposition(|byte| *byte == b'@').map(|at| from + at);
        self.last_sign = (from, to, found);
        found
    }

    fn read(&mut self) {
        let bytes = self.bytes;
        let mut before = Masks::default();
        let mut base = 0;
        while base < bytes.len() {
            let masks = Masks::of(&bytes[base..]);
            self.read_marks(base, masks, before);
            if bytes.len() >= WORD {
                self.read_words(base, masks, before);
            }
            before = masks;
            base += 64;
        }
    }

    fn read_marks(&mut self, base: usize, masks: Masks, before: Masks) {
        // A `-` or `b` counts only as a word's first byte; the other marks are no part of words.
        let inner = (masks.words << 1 | before.words >> 63) & masks.words;
        let mut marks = masks.marks & !inner;
        while marks != 0 {
            let at = base + marks.trailing_zeros() as usize;
            marks &= marks - 1;
            cost::add(1);
            match self.bytes[at] {
                b'=' => values::assigned(self, at),
                b':' => {
                    values::assigned(self, at);
                    urls::address(self, at);
                }
                b'@' => urls::data_source(self, at),
                b'>' => values::element(self, at),
                b'-' => values::flag(self, at),
                b'~' => opaque::client_secret(self, at),
                b'%' => values::encoded(self, at),
                b'$' => prefixes::braintree(self, at),
                b'b' | b'B' => values::scheme(self, at),
                b'"' | b'\'' | b'`' => values::quoted(self, at),
                _ => {}
            }
        }
        // Five marks in a row are a ruler, or the dashes before BEGIN.
        let wide = u128::from(masks.marks) << 64 | u128::from(before.marks);
        let mut fives = wide & wide >> 1;
        fives &= fives >> 2 & wide >> 4;
        // Those that lie wholly in the block before were seen with it.
        fives &= !((1_u128 << 60) - 1);
        while fives != 0 {
            let at = base + fives.trailing_zeros() as usize - 64;
            fives &= fives - 1;
            pem::key(self, at);
        }
    }

    fn read_words(&mut self, base: usize, masks: Masks, before: Masks) {
        let wide = u128::from(masks.words) << 64 | u128::from(before.words);
        // Bit n says that 16 bits are set from n on.
        let mut long = wide & wide >> 1;
        long &= long >> 2;
        long &= long >> 4;
        long &= long >> 8;
        while long != 0 {
            let at = base + long.trailing_zeros() as usize - 64;
            long &= long - 1;
            if at >= self.word_end {
                let (from, to) = (start_of(self.bytes, at, is_word), end_of(self.bytes, at, is_word));
                cost::add(8 * (to - from));
                self.word_end = to;
                opaque::word(self, from, to);
            }
        }
        if self.bytes.len() < RUN {
            return;
        }
        let wide = wide | u128::from(masks.joints) << 64 | u128::from(before.joints);
        let mut long = wide & wide >> 1;
        long &= long >> 2;
        long &= long >> 4;
        long &= long >> 8;
        long &= long >> 16;
        long &= long >> 8;
        while long != 0 {
            let at = base + long.trailing_zeros() as usize - 64;
            long &= long - 1;
            if at >= self.run_end {
                let (from, to) = (start_of(self.bytes, at, is_run), end_of(self.bytes, at, is_run));
                cost::add(8 * (to - from));
                self.run_end = to;
                opaque::run(self, from, to);
            }
        }
    }
}

/// A letter, a digit, `_` or `-`.
pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// What base64 is made of, in either alphabet.
pub(super) const fn is_run(byte: u8) -> bool {
    is_word(byte) || byte == b'/' || byte == b'+'
}

/// The first byte of the like that `at` is one of.
fn start_of(bytes: &[u8], at: usize, like: fn(u8) -> bool) -> usize {
    at - bytes[..at].iter().rev().take_while(|byte| like(**byte)).count()
}

/// Behind the last byte of the like that `at` is one of.
fn end_of(bytes: &[u8], at: usize, like: fn(u8) -> bool) -> usize {
    at + bytes[at..].iter().take_while(|byte| like(**byte)).count()
}
