//! What machines that never come back left on a file system that machines share.
//!
//! A machine's part of a journal is its own: nobody else can see whether one of its processes is at work there. But
//! machines may be many and short-lived, as containers are that each have a name of their own and their user's home
//! from outside, and what each leaves would stay for ever. So a part in which nothing has changed for longer than
//! an event is kept is dropped by another machine's drain, and what was left of it is counted.

use super::drain::Drain;
use super::names::{self, Name};
use super::segment::Loaded;
use super::settings::LossCause;
use super::{acks, purge};
use crate::platform::folder::{Folder, How};
use std::io;
use std::time::Duration;

/// Beyond the age of an event, for clocks that do not agree.
pub(crate) const SURE_GONE: Duration = Duration::from_secs(24 * 3600);

impl Drain {
    /// Drops what machines left that have not been here for so long; says how many events that were.
    pub(super) fn forget_others(&mut self) -> io::Result<u64> {
        let Some(directory) = self.folder.path().parent().filter(|_| self.folder.is_of_one_machine()) else {
            return Ok(0);
        };
        // By the clock that marks the others' files, too: this drain's note was written a moment ago.
        let now = self.folder.look(names::LOCK)?.changed;
        let longest = self.settings.max_age.saturating_add(SURE_GONE);
        let mut dropped = 0;
        for folder in Folder::of_other_machines(directory) {
            if folder.is_unchanged_for(longest, now) {
                dropped += self.drop_all(&folder)?;
            }
        }
        Ok(dropped)
    }

    /// Counted before it goes: who is killed in between lets the next drain count again what is still there. What
    /// cannot be removed stays, and is not counted.
    fn drop_all(&mut self, folder: &Folder) -> io::Result<u64> {
        let there = || folder.names().unwrap_or_default().iter().map(|name| live_events(folder, name)).sum();
        let events: u64 = there();
        self.lose(LossCause::Age, events);
        self.save(false)?;
        let _ = purge::empty(folder);
        let left: u64 = there();
        if left > 0 {
            self.state.take_back(LossCause::Age, left);
            self.dirty = true;
            self.save(false)?;
        }
        let _ = folder.remove(names::LOCK);
        folder.remove_if_empty();
        Ok(events.saturating_sub(left))
    }
}

fn live_events(folder: &Folder, name: &str) -> u64 {
    let sealed = match names::parse(name) {
        Name::Sealed(sealed) => Some(sealed),
        Name::Open => None,
        _ => return 0,
    };
    let loaded = folder.open_file(name, How::Read).ok().and_then(|file| Loaded::read(&file).ok());
    match (loaded, sealed) {
        (Some(mut loaded), sealed) => {
            if let Some(sealed) = &sealed {
                loaded.sealed_as(sealed);
            }
            loaded.acknowledge(&acks::read(folder, loaded.id).unwrap_or_default());
            loaded.live_events() + loaded.damaged
        }
        (None, Some(sealed)) => u64::from(sealed.tally.events()),
        (None, None) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Drain, Journal, Label, LossCause, RecordKind, Settings, survey};
    use crate::platform::host::{FileSystem, injected};
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    const DAY: Duration = Duration::from_secs(24 * 3600);

    /// What a machine does here.
    fn on<R>(machine: u32, act: impl FnOnce() -> R) -> R {
        injected::on(FileSystem::Shared, machine, act)
    }

    fn record(journal: &Path) {
        let label = Label { destination: "a vendor".to_owned(), origin: Vec::new() };
        let it = Journal::new(journal.to_owned(), label, Settings::default());
        for number in 0..3 {
            it.append(RecordKind::Event, &[number; 16], b"an event").unwrap();
        }
    }

    fn adopt(journal: &Path) -> u64 {
        Drain::try_open(journal, Settings::default()).unwrap().unwrap().adopt().unwrap().dropped
    }

    /// Everything in a machine's part was last changed so long ago.
    fn age(part: &Path, by: Duration) {
        let then = SystemTime::now() - by;
        for path in
            std::fs::read_dir(part).unwrap().map(|entry| entry.unwrap().path()).chain([part.to_owned()])
        {
            std::fs::File::open(path).unwrap().set_modified(then).unwrap();
        }
    }

    #[test]
    fn what_a_machine_left_that_does_not_come_back_goes_when_it_is_too_old_and_is_counted() {
        let temp = tempfile::tempdir().unwrap();
        let journal = temp.path().join("journal");
        on(1, || record(&journal));
        // One whose sender was at work, and one that left nothing but an empty directory.
        on(2, || {
            record(&journal);
            adopt(&journal);
        });
        std::fs::create_dir(journal.join("host-0000000c")).unwrap();
        on(3, || record(&journal));
        let parts = || {
            let names = std::fs::read_dir(&journal).unwrap().map(|entry| entry.unwrap().file_name());
            let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
            names.sort_unstable();
            names
        };
        let all = ["host-00000001", "host-00000002", "host-00000003", "host-0000000c"];
        for name in ["host-00000001", "host-00000002", "host-0000000c"] {
            age(&journal.join(name), 30 * DAY);
        }
        assert_eq!((on(3, || adopt(&journal)), parts()), (0, all.map(str::to_owned).to_vec()));
        for name in ["host-00000001", "host-00000002", "host-0000000c"] {
            age(&journal.join(name), 32 * DAY);
        }
        assert_eq!((on(3, || adopt(&journal)), parts()), (6, vec!["host-00000003".to_owned()]));
        let here = on(3, || survey(&journal));
        assert_eq!((here.events, here.losses), (3, vec![(LossCause::Age, 6)]));
    }

    #[test]
    fn what_cannot_be_removed_stays_and_is_not_counted_however_often_it_is_tried() {
        let temp = tempfile::tempdir().unwrap();
        let journal = temp.path().join("journal");
        on(1, || record(&journal));
        // Named like a segment of five events, and no file.
        let part = journal.join("host-00000001");
        std::fs::create_dir(part.join(format!("{:012x}-{:08x}-{:016x}.seg1", 0, 5, 7))).unwrap();
        on(2, || record(&journal));
        age(&part, 32 * DAY);
        assert_eq!(on(2, || adopt(&journal)), 3);
        for _ in 0..2 {
            age(&part, 32 * DAY);
            assert_eq!(on(2, || adopt(&journal)), 0);
        }
        assert_eq!(on(2, || survey(&journal)).losses, [(LossCause::Age, 3)]);
    }

    #[test]
    fn a_machine_that_was_here_lately_keeps_all_that_it_left() {
        let temp = tempfile::tempdir().unwrap();
        let journal = temp.path().join("journal");
        on(1, || record(&journal));
        on(2, || record(&journal));
        age(&journal.join("host-00000001"), 32 * DAY);
        // It records again: its slot is an old file that changed a moment ago.
        on(1, || record(&journal));
        assert_eq!(on(2, || adopt(&journal)), 0);
        assert_eq!(on(1, || survey(&journal)).events, 6);
    }
}
