//! Losses that no record says: the file `unwritten`.
//!
//! A process whose events went to memory only has no segment to say at its end that they are gone: the
//! system refuses its locks, or the disk takes no whole record. A line of twenty bytes may still find room.
//! It is appended without a lock, because a short append is not torn between processes; one that is torn
//! all the same, or damaged later, has a wrong checksum and is skipped.
//!
//! The drain takes the file under another name before it reads it, so that it counts no line twice while
//! others are added. Killed between counting and removing it counts them again: rather too many than too few.

use super::names;
use super::segment::count;
use super::settings::LossCause;
use crate::platform::file;
use crate::platform::folder::{Folder, How};
use crate::sum::sum;
use std::io::{self, Write};

/// Where nobody ever drains the file must not grow for ever.
const MOST_BYTES: u64 = 64 << 10;

/// Notes losses. Each is one line: cause, count, checksum.
pub(super) fn add(folder: &Folder, losses: &[(LossCause, u64)]) -> io::Result<()> {
    let mut file = folder.open_file(names::NOTES, How::Append)?;
    let size = file::look(&file)?.size;
    let lines: String = losses.iter().map(|(cause, by)| line(*cause, *by)).collect();
    if size + lines.len() as u64 > MOST_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    file::fits(size + lines.len() as u64)?;
    file.write_all(lines.as_bytes())
}

/// What is noted, whoever has counted it by now.
pub(super) fn read(folder: &Folder) -> Vec<(LossCause, u64)> {
    let mut losses = Vec::new();
    for name in [names::NOTES, names::NOTES_TAKEN] {
        read_one(folder, name, &mut losses);
    }
    losses
}

/// Takes what is noted; [`forget`] it once it is counted. What a killed drain had taken comes first.
pub(super) fn take(folder: &Folder) -> Vec<(LossCause, u64)> {
    let mut losses = Vec::new();
    if folder.look(names::NOTES_TAKEN).is_err() && folder.rename(names::NOTES, names::NOTES_TAKEN).is_err() {
        return losses;
    }
    read_one(folder, names::NOTES_TAKEN, &mut losses);
    losses
}

/// Removes what was taken.
pub(super) fn forget(folder: &Folder) {
    let _ = folder.remove(names::NOTES_TAKEN);
}

/// Removes what nobody has taken.
pub(super) fn take_back(folder: &Folder) {
    let _ = folder.remove(names::NOTES);
}

fn read_one(folder: &Folder, name: &str, losses: &mut Vec<(LossCause, u64)>) {
    let Ok(file) = folder.open_file(name, How::Read) else { return };
    if !file::look(&file).is_ok_and(|look| look.is_ours()) {
        return;
    }
    // A line's end may lie beyond the limit by one line at most: two processes looked at once.
    let bytes = file::read_all(&file, 2 * MOST_BYTES).unwrap_or_default();
    for text in bytes.split_inclusive(|byte| *byte == b'\n') {
        if let Some((cause, by)) = std::str::from_utf8(text).ok().and_then(parse) {
            count(losses, cause, by);
        }
    }
}

fn line(cause: LossCause, by: u64) -> String {
    let said = format!("{} {by}", cause.code());
    format!("{said} {:08x}\n", sum(0, said.as_bytes()))
}

fn parse(text: &str) -> Option<(LossCause, u64)> {
    let mut words = text.split_ascii_whitespace();
    let (cause, by) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let cause = LossCause::from_code(cause);
    (line(cause, by) == text).then_some((cause, by))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_counted_and_damage_is_skipped() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::create(temp.path()).unwrap();
        assert_eq!(take(&folder), []);
        add(&folder, &[(LossCause::Exit, 3)]).unwrap();
        add(&folder, &[(LossCause::Exit, 4), (LossCause::Memory, 1)]).unwrap();
        let whole = std::fs::read(folder.path().join(names::NOTES)).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(folder.path().join(names::NOTES), bytes).unwrap();
            let all: u64 = read(&folder).iter().map(|(_, by)| by).sum();
            // One line of the three, or two where it was the end of the first of them.
            assert!([5, 4, 7, 1, 3].contains(&all), "bit {bit}: {all}");
        }
        std::fs::write(folder.path().join(names::NOTES), &whole).unwrap();
        assert_eq!(take(&folder), [(LossCause::Exit, 7), (LossCause::Memory, 1)]);
        // Killed here: the next drain takes the same, and what came later waits for the one after it.
        add(&folder, &[(LossCause::Exit, 5)]).unwrap();
        assert_eq!(take(&folder), [(LossCause::Exit, 7), (LossCause::Memory, 1)]);
        forget(&folder);
        assert_eq!(take(&folder), [(LossCause::Exit, 5)]);
    }

    #[test]
    fn a_process_that_can_lease_nothing_says_at_its_end_what_is_gone_with_it() {
        use crate::journal::{Drain, Journal, Label, RecordKind, Settings, survey};
        let temp = tempfile::tempdir().unwrap();
        let journal = temp.path().join("journal");
        // No segment is ever made for it, as where the system refuses locks; the directory takes files.
        let label = Label { destination: "x".repeat(4096), origin: Vec::new() };
        let run = |events: u8| {
            let it = Journal::new(journal.clone(), label.clone(), Settings::default());
            assert!(it.append(RecordKind::Start, &[9; 16], b"a command").is_err());
            for number in 0..events {
                assert!(it.append(RecordKind::Event, &[number; 16], b"an event").is_err());
            }
            it.end()
        };
        assert_eq!((run(3), run(2), run(0)), (3, 2, 0));
        assert_eq!(survey(&journal).losses, [(LossCause::Exit, 5)]);
        let mut drain = Drain::try_open(&journal, Settings::default()).unwrap().unwrap();
        drain.adopt().unwrap();
        drop(drain);
        assert_eq!(survey(&journal).losses, [(LossCause::Exit, 5)], "counted once");
        assert!(!journal.join(names::NOTES_TAKEN).exists() && !journal.join(names::NOTES).exists());
        // After a no nothing is made.
        crate::journal::purge(&journal).unwrap();
        let it = Journal::new(journal.clone(), label.clone(), Settings::default()).while_allowed(|| false);
        assert!(it.append(RecordKind::Event, &[1; 16], b"an event").is_err());
        it.end();
        assert!(!journal.exists());
    }

    #[test]
    fn the_file_stays_small() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::create(temp.path()).unwrap();
        while add(&folder, &[(LossCause::Exit, 1)]).is_ok() {}
        assert!(folder.look(names::NOTES).unwrap().size <= MOST_BYTES);
        assert!(take(&folder)[0].1 > 3_000);
    }
}
