//! Counts, in tests only, how many bytes the rules look at.
//!
//! That redaction is linear is a promise to whoever pastes a hostile text into an argument. A clock cannot hold
//! it on a busy machine; a count can.

#[cfg(not(test))]
#[inline(always)]
pub(super) const fn add(_bytes: usize) {}

#[cfg(test)]
pub(super) use counted::add;

#[cfg(test)]
mod counted {
    use std::cell::Cell;

    use crate::redact::corpus::texts::{SIGNS, WORDS};
    use crate::redact::redact;

    /// Bytes looked at for each byte of a text, at most: an `@` is asked for the 128 bytes before it, a text is
    /// read five times at most, and nobody writes a text of which each byte is the worst.
    const MOST: usize = 300;

    thread_local! {
        static LOOKED_AT: Cell<usize> = const { Cell::new(0) };
    }

    pub(in crate::redact) fn add(bytes: usize) {
        LOOKED_AT.set(LOOKED_AT.get() + bytes);
    }

    fn cost(text: &str) -> usize {
        LOOKED_AT.set(0);
        let _ = redact(text);
        LOOKED_AT.get()
    }

    /// Two pieces repeated in turn, and each by itself after the other.
    fn hostile(one: &str, two: &str, bytes: usize) -> [String; 2] {
        let pair = [one, two].concat();
        let times = |part: &str, bytes: usize| part.repeat(bytes / part.len().max(1));
        [times(&pair, bytes), times(one, bytes / 2) + &times(two, bytes / 2)]
    }

    #[test]
    fn twice_the_text_costs_twice_as_much_however_hostile() {
        let pieces: Vec<&str> = SIGNS.iter().chain(WORDS).copied().collect();
        for (nth, one) in pieces.iter().enumerate() {
            for two in &pieces[nth..] {
                let short = hostile(one, two, 768);
                let long = hostile(one, two, 1_536);
                for (short, long) in short.iter().zip(&long) {
                    let (less, more) = (cost(short), cost(long));
                    // Quadratic work would be four times as much, and a thousand times the length. The edges of
                    // blocks may let the rules read the longer text only.
                    assert!(
                        more <= 5 * less / 2 + 8 * long.len(),
                        "{less} and {more} bytes for {one:?} and {two:?}"
                    );
                    assert!(more <= MOST * long.len(), "{more} bytes for {one:?} and {two:?}");
                }
            }
        }
    }

    #[test]
    fn a_hostile_text_of_64_kib_is_read_to_its_end() {
        for piece in SIGNS.iter().chain(WORDS) {
            for text in hostile(piece, "=\"", 1 << 16) {
                assert!(cost(&text) <= MOST * text.len(), "{piece:?}");
            }
        }
    }
}
