//! A buffer that is written from its beginning again and again: what a record is made in.
//!
//! A `Vec` asks for room and calls the copying function of the C library for each of the dozen short texts of
//! an event. Here the room is kept, and a short text is two copies of a fixed length that overlap: measured at
//! a third of the time.

/// Bytes, and room behind them that is kept when they are cleared.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// All of it has been written at some time, so that writing needs no more than an index.
    room: Vec<u8>,
    length: usize,
}

impl Scratch {
    /// More room than this is not kept for the next time.
    const KEEP: usize = 16 * 1024;
    /// The least room: most events fit.
    const FIRST: usize = 512;

    pub(crate) const fn new() -> Self {
        Self { room: Vec::new(), length: 0 }
    }

    /// Begins anew, with `length` bytes that are to be written later.
    #[inline]
    pub(crate) fn restart(&mut self, length: usize) {
        if self.room.len() > Self::KEEP {
            self.room = Vec::new();
        }
        self.length = 0;
        self.claim(length);
    }

    /// So many more bytes, which may hold anything.
    #[inline]
    fn claim(&mut self, count: usize) -> &mut [u8] {
        let (from, to) = (self.length, self.length + count);
        if to > self.room.len() {
            self.grow(to);
        }
        self.length = to;
        &mut self.room[from..to]
    }

    #[cold]
    fn grow(&mut self, least: usize) {
        self.room.resize(least.next_power_of_two().max(Self::FIRST), 0);
    }

    #[inline]
    pub(crate) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.claim(N).copy_from_slice(&bytes);
    }

    #[inline]
    pub(crate) fn put_slice(&mut self, bytes: &[u8]) {
        copy(self.claim(bytes.len()), bytes);
    }

    /// Four pieces in a row, for which room is made once.
    #[inline]
    pub(crate) fn put_parts<const A: usize, const B: usize>(
        &mut self,
        one: [u8; A],
        two: &[u8],
        three: [u8; B],
        four: &[u8],
    ) {
        let room = self.claim(A + two.len() + B + four.len());
        let (first, rest) = room.split_at_mut(A);
        let (second, rest) = rest.split_at_mut(two.len());
        let (third, fourth) = rest.split_at_mut(B);
        first.copy_from_slice(&one);
        copy(second, two);
        third.copy_from_slice(&three);
        copy(fourth, four);
    }

    /// Takes the last `count` bytes back.
    #[inline]
    pub(crate) fn shorten(&mut self, count: usize) {
        self.length = self.length.saturating_sub(count);
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.room[..self.length]
    }

    #[inline]
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.room[..self.length]
    }
}

/// Copies between slices of one length.
#[inline(always)]
fn copy(to: &mut [u8], from: &[u8]) {
    macro_rules! ends {
        ($($length:literal)*) => {$(
            if let (Some(first), Some(last)) = (from.first_chunk::<$length>(), from.last_chunk::<$length>()) {
                if from.len() <= 2 * $length
                    && let Some(start) = to.first_chunk_mut::<$length>()
                {
                    *start = *first;
                    if let Some(end) = to.last_chunk_mut::<$length>() {
                        *end = *last;
                    }
                    return;
                }
            }
        )*};
    }
    if from.len() > 32 {
        return to.copy_from_slice(from);
    }
    ends!(16 8 4 2);
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_copied_whole_and_nothing_beside_it() {
        let from: Vec<u8> = (1..=255).collect();
        for length in 0..=from.len() {
            let mut it = Scratch::new();
            it.restart(3);
            it.put_slice(&from[..length]);
            it.put([0, 0]);
            assert_eq!(it.bytes()[3..3 + length], from[..length], "{length}");
            assert_eq!((it.bytes().len(), &it.bytes()[3 + length..]), (length + 5, &[0, 0][..]));
            it.restart(0);
            it.put_parts([1, 2, 3], &from[..length], [9], &from[..length]);
            let parts: [&[u8]; 4] = [&[1, 2, 3], &from[..length], &[9], &from[..length]];
            assert_eq!(it.bytes(), parts.concat(), "{length}");
        }
    }

    #[test]
    fn room_is_kept_and_too_much_of_it_is_not() {
        let mut it = Scratch::new();
        it.put_slice(&[1; 600]);
        it.restart(0);
        assert_eq!((it.bytes(), it.room.len()), (&[][..], 1024));
        it.put_slice(&[1; 20_000]);
        it.restart(8);
        assert_eq!((it.bytes().len(), it.room.len()), (8, 512));
    }
}
