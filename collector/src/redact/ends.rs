//! Where what begins somewhere ends, searched for once.

use super::cost;
use super::scan::is_word;

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

/// The ends found so far. Rules ask for the same end from ever further on (each `=` of `a=b=c=d` asks where the
/// word ends), and the answer stays the same until it is passed: so all searches for one kind of end
/// together read the text once.
#[derive(Default)]
pub(super) struct Ends {
    /// By kind; empty until the first question, so that a text without one pays nothing.
    known: Vec<Known>,
}

/// There is no end of a kind in `from..end`, and one at `end` or the end of the text.
#[derive(Clone, Copy)]
struct Known {
    from: usize,
    end: usize,
}

impl Ends {
    /// The first end of this kind at or after `from`, or the end of the text.
    pub(super) fn find(&mut self, bytes: &[u8], kind: Until, from: usize) -> usize {
        if self.known.is_empty() {
            self.known.resize(Until::COUNT, Known { from: usize::MAX, end: 0 });
        }
        let Some(known) = self.known.get_mut(kind.index()) else { return bytes.len() };
        if known.from <= from && from <= known.end {
            return known.end;
        }
        let end = (from..bytes.len()).find(|at| kind.is_end(bytes, *at)).unwrap_or(bytes.len());
        cost::add(end - from.min(end));
        *known = Known { from, end };
        end
    }
}
