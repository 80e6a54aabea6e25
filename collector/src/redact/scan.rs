//! Finds the places where a credential may be, and asks the rule that knows.
//!
//! # Why it looks like this
//! Nearly every text is clean, and every recorded string passes here. So the first look at 16 bytes
//! at a time makes two bit masks: *marks*, the bytes that a rule hangs on (`=`, `:`, `@`, quotes, `>`, a
//! word's first `-` or `b`), and *words*, letters, digits, `_` and `-`. The loops have no branches and become
//! vector instructions without any being written. A clean text costs those masks and one short
//! look per mark.
//!
//! # Why it is linear
//! - Each mark is visited once. What a rule looks at before its mark is bounded by a constant.
//! - What a rule looks for after its mark (the end of a line, of a quote, of an address) is remembered in
//!   [`Ahead`]: asking again from further on answers from memory, so each kind of end is searched
//!   over the text once.
//! - Each word is judged once, each longer run once, in a constant number of passes over it.
//! - Spans are sorted at the end; a text has at most a constant number of them per mark or word.

use super::{Span, opaque, pem, urls, values};

/// The shortest word that any rule without a mark can be about.
const WORD: usize = 16;
/// The shortest run of words, `/` and `+` that is judged as one.
const RUN: usize = 40;

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
    /// A closing `"` under as many backslashes as the table's index says.
    Double(u8),
    /// A closing `'`.
    Single(u8),
    /// A closing backtick.
    Tick(u8),
}

impl Until {
    const COUNT: usize = 10 + 3 * 4;

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
            Self::Double(level) => 10 + usize::from(level & 3),
            Self::Single(level) => 14 + usize::from(level & 3),
            Self::Tick(level) => 18 + usize::from(level & 3),
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
            Self::Part => matches!(byte, b';' | b'\n' | b'\r' | b'"' | b'\'' | b'`'),
            Self::Literal => byte <= b' ' || matches!(byte, b',' | b'}' | b']'),
            Self::Tag => byte == b'<',
            Self::List => byte == b']',
            Self::Object => byte == b'}',
            Self::Authority => {
                byte <= b' '
                    || matches!(
                        byte,
                        b'/' | b'?' | b'#' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | b'(' | b')'
                    )
            }
            Self::Dotted => !is_word(byte) && byte != b'.',
            Self::Double(level) => byte == b'"' && closes(bytes, at, level),
            Self::Single(level) => byte == b'\'' && closes(bytes, at, level),
            Self::Tick(level) => byte == b'`' && closes(bytes, at, level),
        }
    }
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
            let block = &bytes[base..bytes.len().min(base + 64)];
            let masks = Masks::of(block);
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
                _ => values::quoted(self, at),
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

/// One bit for each byte of a block of at most 64, the first byte the lowest.
#[derive(Clone, Copy, Default)]
struct Masks {
    marks: u64,
    words: u64,
    joints: u64,
}

impl Masks {
    fn of(block: &[u8]) -> Self {
        let (chunks, rest) = block.as_chunks::<16>();
        let mut masks = Self::default();
        for (nth, chunk) in chunks.iter().enumerate() {
            masks.add(chunk, 16 * nth as u32);
        }
        if !rest.is_empty() {
            let mut padded = [0; 16];
            padded[..rest.len()].copy_from_slice(rest);
            masks.add(&padded, 16 * chunks.len() as u32);
        }
        masks
    }

    #[inline(always)]
    fn add(&mut self, chunk: &[u8; 16], shift: u32) {
        let marks = chunk.map(|byte| {
            full(
                matches!(byte, b'=' | b':' | b'@' | b'"' | b'\'' | b'`' | b'>' | b'-')
                    | (byte | 0x20 == b'b'),
            )
        });
        let words = chunk.map(|byte| {
            let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
            let digit = byte.wrapping_sub(b'0') < 10;
            full(letter | digit | (byte == b'_') | (byte == b'-'))
        });
        let joints = chunk.map(|byte| full((byte == b'/') | (byte == b'+')));
        self.joints |= bits(joints) << shift;
        self.marks |= bits(marks) << shift;
        self.words |= bits(words) << shift;
    }
}

#[inline(always)]
const fn full(yes: bool) -> u8 {
    if yes { 0xff } else { 0 }
}

/// One bit for each of 16 bytes that are all ones or all zeros: bit n of byte n is kept, and a
/// multiplication adds the eight bytes up in the highest.
#[inline(always)]
fn bits(bytes: [u8; 16]) -> u64 {
    let both = u128::from_le_bytes(bytes);
    let gather = |half: u64| (half & 0x8040_2010_0804_0201).wrapping_mul(0x0101_0101_0101_0101) >> 56;
    gather(both as u64) | gather((both >> 64) as u64) << 8
}
