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
//!   [`Ahead`]: asking again from further on answers from memory, so each kind of end is searched
//!   over the text once.
//! - Each word is judged once, each longer run once, in a constant number of passes over it.
//! - Spans are sorted at the end; a text has at most a constant number of them per mark or word.

use super::masks::Masks;
use super::{Span, opaque, pem, urls, values};

/// The shortest word that any rule without a mark can be about.
pub(super) const WORD: usize = 16;
/// The shortest run of words, `/` and `+` that is judged as one.
pub(super) const RUN: usize = 40;

/// Everything to replace, in no order; empty for a clean text.
pub(super) fn spans(text: &str) -> Vec<Span> {
    let mut scan = Scan {
        bytes: text.as_bytes(),
        spans: Vec::new(),
        ahead: Vec::new(),
        word_end: 0,
        run_end: 0,
        key_end: 0,
        last_sign: (0, 0, None),
    };
    scan.read();
    scan.spans
}

/// A text being read.
pub(super) struct Scan<'t> {
    pub(super) bytes: &'t [u8],
    spans: Vec<Span>,
    /// By [`Until`]; empty until the first question, so that a clean text pays nothing.
    ahead: Vec<Ahead>,
    /// Where the last judged word ended.
    word_end: usize,
    /// Where the last judged run ended.
    run_end: usize,
    /// Where the last private key ended.
    pub(super) key_end: usize,
    /// The last `@` looked for: from, to, where.
    last_sign: (usize, usize, Option<usize>),
}

/// No `kind` of end in `from..end`.
#[derive(Clone, Copy)]
struct Ahead {
    from: usize,
    end: usize,
}

/// What may end a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// White space or a control character.
    Space,
    /// The end of a line.
    Line,
    /// The end of a query parameter.
    Parameter,
    /// The end of a connection string's part.
    Part,
    /// The end of a JSON number or word.
    Literal,
    /// The end of an element's text.
    Tag,
    /// The end of a list.
    List,
    /// The end of an object.
    Object,
    /// The end of an address's authority.
    Authority,
    /// The end of words joined by dots.
    Dotted,
    /// A list or an object begins.
    Opener,
    /// A closing `"` under as many backslashes as the table's index says.
    Double(u8),
    /// A closing `'`.
    Single(u8),
    /// A closing backtick.
    Tick(u8),
}

impl Until {
    const COUNT: usize = 11 + 3 * 4;

    fn index(self) -> usize {
        match self {
            Self::Space => 0,
            Self::Line => 1,
            Self::Parameter => 2,
            Self::Part => 3,
            Self::Literal => 4,
            Self::Tag => 5,
            Self::List => 6,
            Self::Object => 7,
            Self::Authority => 8,
            Self::Dotted => 9,
            Self::Opener => 10,
            Self::Double(level) => 11 + usize::from(level & 3),
            Self::Single(level) => 15 + usize::from(level & 3),
            Self::Tick(level) => 19 + usize::from(level & 3),
        }
    }

    /// The closing form of a quote that was opened under `backslashes`. Text quoted n times
    /// over has 2ⁿ − 1 of them before each of its own quotes.
    pub(super) fn quote(quote: u8, backslashes: usize) -> Self {
        let level = match backslashes {
            0 => 0,
            1 | 2 => 1,
            3..=6 => 2,
            _ => 3,
        };
        match quote {
            b'"' => Self::Double(level),
            b'\'' => Self::Single(level),
            _ => Self::Tick(level),
        }
    }

    fn is_end(self, bytes: &[u8], at: usize) -> bool {
        let byte = bytes[at];
        match self {
            Self::Space => byte <= b' ',
            Self::Line => matches!(byte, b'\n' | b'\r'),
            Self::Parameter => {
                byte <= b' ' || matches!(byte, b'&' | b'#' | b'"' | b'\'' | b'`' | b'<' | b'>')
            }
            Self::Part => {
                matches!(byte, b';' | b'\n' | b'\r')
                    || matches!(byte, b'"' | b'\'' | b'`') && ends_item(bytes, at + 1)
            }
            Self::Literal => byte <= b' ' || matches!(byte, b',' | b'}' | b']'),
            Self::Tag => byte == b'<',
            Self::List => byte == b']' && ends_item(bytes, at + 1),
            Self::Object => byte == b'}' && ends_item(bytes, at + 1),
            Self::Opener => matches!(byte, b'[' | b'{'),
            Self::Authority => {
                byte <= b' ' || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\')
            }
            Self::Dotted => !is_word(byte) && byte != b'.',
            Self::Double(level) => byte == b'"' && closes(bytes, at, level),
            Self::Single(level) => byte == b'\'' && closes(bytes, at, level),
            Self::Tick(level) => byte == b'`' && closes(bytes, at, level),
        }
    }
}

/// Whether an item of a list, an object or a sentence is over at `at`.
fn ends_item(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|byte| *byte <= b' ' || matches!(byte, b',' | b';' | b'}' | b']' | b')'))
}

/// Whether the quote at `at` ends a text that was quoted `level` times before: an escaped backslash
/// doubles with each level, so the backslashes before a closing quote are 2ⁿ − 1, modulo 2ⁿ⁺¹.
fn closes(bytes: &[u8], at: usize, level: u8) -> bool {
    let backslashes = backslashes_before(bytes, at);
    let unit = 1_usize << level;
    backslashes % (2 * unit) == unit - 1
}

/// How many backslashes stand directly before `at`.
pub(super) fn backslashes_before(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().rev().take_while(|byte| **byte == b'\\').count()
}

impl Scan<'_> {
    /// Marks a part for replacement.
    pub(super) fn hit(&mut self, from: usize, to: usize) {
        if from < to {
            self.spans.push((from, to));
        }
    }

    /// The next end of this kind at or after `from`, or the end of the text.
    pub(super) fn until(&mut self, kind: Until, from: usize) -> usize {
        if self.ahead.is_empty() {
            self.ahead.resize(Until::COUNT, Ahead { from: usize::MAX, end: 0 });
        }
        let known = self.ahead[kind.index()];
        if known.from <= from && from <= known.end {
            return known.end;
        }
        let end =
            (from..self.bytes.len()).find(|at| kind.is_end(self.bytes, *at)).unwrap_or(self.bytes.len());
        self.ahead[kind.index()] = Ahead { from, end };
        end
    }

    /// The last `@` in `from..to`.
    pub(super) fn last_sign(&mut self, from: usize, to: usize) -> Option<usize> {
        let (known_from, known_to, known) = self.last_sign;
        if known_to == to && known_from <= from {
            return known.filter(|at| *at >= from);
        }
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
            match self.bytes[at] {
                b'=' => values::assigned(self, at),
                b':' => {
                    values::assigned(self, at);
                    urls::address(self, at);
                }
                b'@' => urls::data_source(self, at),
                b'>' => values::element(self, at),
                b'-' => values::flag(self, at),
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
                let to = end_of(self.bytes, at, is_word);
                self.word_end = to;
                opaque::word(self, start_of(self.bytes, at, is_word), to);
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
                let to = end_of(self.bytes, at, is_run);
                self.run_end = to;
                opaque::run(self, start_of(self.bytes, at, is_run), to);
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
