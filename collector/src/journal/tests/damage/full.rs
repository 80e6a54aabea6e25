//! Random damages of a full segment, each read back from its file as a drain reads it.
//!
//! A round changes some bytes of a file that is otherwise sound, reads all of it, and puts the bytes back. Only
//! what a damage touches is compared byte by byte; the rest must be the same records as ever.

use super::*;
use crate::journal::segment::Entry;
use std::collections::BTreeSet;
use std::os::unix::fs::FileExt;

const ROUNDS: u64 = 10_000;

/// A full segment of the default size, and what an undamaged reading of it gives.
struct Full {
    sound: Vec<u8>,
    places: Vec<(usize, usize)>,
    entries: Vec<Entry>,
    /// One copy of the header; two of them come before the records.
    header: usize,
}

impl Full {
    fn new() -> Self {
        // As events are: most are short, and some are as long as may be.
        let length = |numbers: &mut Numbers| match numbers.below(64) {
            0 => numbers.below(64 << 10),
            1..16 => numbers.below(4 << 10),
            _ => numbers.below(300),
        };
        let (sound, places, start) = segment_with(Settings::default().segment_bytes() as usize, length);
        let entries = Loaded::parse(sound.clone()).unwrap().entries;
        assert_eq!(entries.len(), places.len());
        Self { sound, places, entries, header: start / 2 }
    }
}

/// A file of the segment, and its bytes as they are now.
struct Copy<'a> {
    full: &'a Full,
    file: std::fs::File,
    bytes: Vec<u8>,
    /// What was changed.
    changed: Vec<(usize, usize)>,
    /// Whether zeros were written: a stretch that begins with them may have been reserved and never used.
    zeros: bool,
}

impl<'a> Copy<'a> {
    fn new(full: &'a Full, directory: &Path) -> Self {
        let path = directory.join("segment");
        std::fs::write(&path, &full.sound).unwrap();
        let file = std::fs::File::options().read(true).write(true).open(path).unwrap();
        Self { full, file, bytes: full.sound.clone(), changed: Vec::new(), zeros: false }
    }

    fn change(&mut self, numbers: &mut Numbers, from: usize, to: usize) {
        let at = from + numbers.below(to - from);
        let length = (1 + numbers.below(64)).min(to - at);
        let part = &mut self.bytes[at..at + length];
        match numbers.below(4) {
            0 => part[0] ^= 1 << numbers.below(8),
            1 => {
                part.fill(0);
                self.zeros = true;
            }
            2 => part.fill(0xff),
            _ => part.iter_mut().for_each(|byte| *byte = numbers.next() as u8),
        }
        self.file.write_all_at(part, at as u64).unwrap();
        self.changed.push((at, at + length));
    }

    fn cut(&mut self, length: usize) {
        self.bytes.truncate(length);
        self.file.set_len(length as u64).unwrap();
    }

    fn restore(&mut self) {
        let end = self.bytes.len();
        for (from, to) in self.changed.drain(..) {
            self.file.write_all_at(&self.full.sound[from..to], from as u64).unwrap();
            let to = to.min(end);
            if from < to {
                self.bytes[from..to].copy_from_slice(&self.full.sound[from..to]);
            }
        }
        if end < self.full.sound.len() {
            self.file.write_all_at(&self.full.sound[end..], end as u64).unwrap();
            self.bytes.extend_from_slice(&self.full.sound[end..]);
        }
        self.zeros = false;
    }

    /// Records before the end that a changed byte is in.
    fn hit(&self, kept: usize) -> BTreeSet<usize> {
        let places = &self.full.places[..kept];
        let touched = self.changed.iter().flat_map(|(from, to)| {
            let first = places.partition_point(|place| place.1 <= *from);
            (first..kept).take_while(|at| places[*at].0 < *to)
        });
        let differs = |at: &usize| {
            let (from, to) = places[*at];
            self.bytes[from..to] != self.full.sound[from..to]
        };
        touched.filter(differs).collect()
    }

    /// Reads the file; says whether its header was there to read it by.
    fn check(&self, round: u64) -> bool {
        let (full, length) = (self.full, self.bytes.len());
        format::looked::take();
        let loaded = Loaded::read(&self.file);
        let looked = format::looked::take();
        // Each byte once, the start records twice, and a damaged length once more up to where it points.
        let most = (3 + self.changed.len() as u64) * full.sound.len() as u64;
        assert!(looked <= most, "round {round}: {looked} bytes of {length} looked at");
        let copies = [0, full.header].map(|at| at..at + full.header);
        let known = copies.into_iter().any(|copy| self.bytes.get(copy.clone()) == Some(&full.sound[copy]));
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                assert!(!known, "round {round}: {error:?}");
                assert!(!matches!(error, Unreadable::Io(_)), "round {round}: {error:?}");
                return false;
            }
        };
        assert!(known, "round {round}: an invented header");
        let kept = full.places.partition_point(|place| place.1 <= length);
        let hit = self.hit(kept);
        let when = format!("round {round}, changed {:?}, {length} bytes", self.changed);
        assert_eq!(loaded.entries.len(), kept - hit.len(), "{when}");
        let (mut found, mut from) = (0, 0);
        for to in hit.iter().copied().chain([kept]) {
            let same = &full.entries[from..to];
            let read = &loaded.entries[found..found + same.len()];
            // A command's event may be in the damage behind its start, which says nothing then.
            let before = hit.last().is_some_and(|last| to <= *last);
            let holds = |(read, same): (&Entry, &Entry)| {
                let done = same.done || (same.kind == RecordKind::Start && read.done && before);
                *read == Entry { done, ..*same }
            };
            assert!(read.iter().zip(same).all(holds), "{when}");
            found += same.len();
            from = to + 1;
        }
        // The neighbours, to their last byte.
        for at in hit.iter().flat_map(|at| [at.wrapping_sub(1), at + 1]).filter(|at| *at < kept) {
            if !hit.contains(&at) {
                let read = loaded.found(&full.entries[at]).map(|found| found.payload);
                let from = full.places[at].0 + format::RECORD_HEAD;
                assert!(
                    read.is_some_and(|it| *it == full.sound[from..from + it.len()]),
                    "{when}: record {at}"
                );
            }
        }
        let kind = |at: &usize| KINDS[at % KINDS.len()];
        let last = (0..kept).rev().find(|at| !hit.contains(at)).unwrap_or(0);
        let lost = hit.iter().filter(|at| **at < last && kind(at) == 1).count() as u64;
        // Of a damaged end no later count says what it held: no more than fits.
        let is_last = |at: usize| hit.contains(&at) && at + 1 == kept;
        let fit =
            if is_last(kept.wrapping_sub(1)) { length - loaded.end } else { 0 } / format::record_size(0);
        let behind = loaded.damaged.saturating_sub(lost).min(fit as u64);
        let lost = lost + behind;
        assert!(loaded.damaged <= lost, "{when}: {} of {lost}", loaded.damaged);
        assert!(self.zeros || loaded.damaged == lost, "{when}: {} of {lost}", loaded.damaged);
        let losses = (0..kept).filter(|at| kind(at) == 3 && !hit.contains(at)).count();
        assert_eq!(loaded.losses.len(), losses, "{when}");
        true
    }
}

#[test]
fn ten_thousand_random_damages_of_a_full_segment_spare_what_they_did_not_touch() {
    let full = Full::new();
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(8) as u64;
    let part = |thread: u64| {
        let temp = quick_temp();
        let mut copy = Copy::new(&full, temp.path());
        let mut readable = 0;
        for round in (thread..ROUNDS).step_by(threads as usize) {
            let mut numbers = Numbers(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let damages = 1 + numbers.below(4);
            for _ in 0..damages {
                let (from, to) = match numbers.below(3) {
                    // Anywhere, most often in the long records.
                    0 => (0, full.sound.len()),
                    // A record of any length, and what is behind it.
                    1 => {
                        let from = full.places[numbers.below(full.places.len())].0;
                        (from, (from + 512).min(full.sound.len()))
                    }
                    _ if round % 10 == 0 => (0, 2 * full.header),
                    // Among the damages before.
                    _ => {
                        let far = numbers.below(full.sound.len() - 8);
                        let near = copy.changed.last().map_or(far, |changed| changed.0);
                        (near, (near + 256).min(full.sound.len()))
                    }
                };
                copy.change(&mut numbers, from, to);
            }
            if round % 16 == 0 {
                copy.cut(numbers.below(full.sound.len()));
            }
            readable += u64::from(copy.check(round));
            copy.restore();
        }
        // What the rounds began with is what is there now: none inherited another's damage.
        assert!(copy.check(ROUNDS) && copy.bytes == full.sound);
        readable
    };
    let readable: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || part(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    // Some lose both copies of the header, and the others are about the records.
    assert!((ROUNDS * 8 / 10..ROUNDS).contains(&readable), "{readable}");
}
