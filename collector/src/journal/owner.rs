//! Whose records a journal makes: which slots they may be appended to, and what a new one says.
//!
//! A slot's name begins with a number that stands for its label, so a process finds its slots without opening
//! others'. For who has the label that number is made of it. To find the label out can take longer than all else
//! that a process's first record does; who knows what the label is made of has a number that stands for that, and
//! the label is only found out where a slot has to be made.
//!
//! Such a number is a promise: whoever has it has that label. So a slot gets it only where nothing that the label is
//! made of has changed while that was found out, and where it will be found out the same again. Any other label's
//! slot is named by the label itself.

use super::settings::Label;
use crate::sum::hash;
use std::fmt;
use std::io;
use std::sync::OnceLock;

/// Whose the records are.
pub(super) enum Owner {
    Known(Settled),
    Found { key: Option<u64>, destination: String, find: Box<Find>, settled: OnceLock<Settled> },
}

/// Finds the origin out, and the number that stands for what it is made of, if there is one.
pub(super) type Find = dyn Fn() -> (Option<u64>, Vec<u8>) + Send + Sync;

/// An owner of whom all is known.
pub(super) struct Settled {
    /// What its slots' names begin with.
    pub(super) key: u64,
    /// What they say.
    pub(super) label: Label,
}

impl Owner {
    pub(super) fn of(label: Label) -> Self {
        Self::Known(Settled::of(label))
    }

    /// Of somebody whose origin is found out where it is needed. `key` stands for what it is made of, if that is known.
    pub(super) fn found(key: Option<u64>, destination: String, find: Box<Find>) -> Self {
        Self::Found {
            key: key.map(|key| named(key, &destination)),
            destination,
            find,
            settled: OnceLock::new(),
        }
    }

    /// What the names of its slots begin with where there are some, as long as no more of it is known.
    pub(super) fn guess(&self) -> Option<u64> {
        match self {
            Self::Found { key, settled, .. } if settled.get().is_none() => *key,
            _ => None,
        }
    }

    /// Whether a slot of that name is its own, by what the slot says. For the origin the name vouches.
    pub(super) fn may_have(&self, label: &Label) -> bool {
        match self {
            Self::Known(known) => known.label == *label,
            Self::Found { destination, .. } => *destination == label.destination,
        }
    }

    /// All of it. Of two threads that come first at once both find it out: a child that is forked meanwhile must not
    /// wait for a thread that it does not have.
    pub(super) fn settled(&self) -> &Settled {
        match self {
            Self::Known(known) => known,
            Self::Found { destination, find, settled, .. } => {
                if let Some(settled) = settled.get() {
                    return settled;
                }
                let (key, origin) = find();
                let label = Label { destination: destination.clone(), origin };
                let found = match key {
                    Some(key) => Settled { key: named(key, destination), label },
                    None => Settled::of(label),
                };
                settled.get_or_init(|| found)
            }
        }
    }

    /// Refuses what no segment can say, as far as it is known.
    pub(super) fn check(&self) -> io::Result<()> {
        let (destination, origin) = match self {
            Self::Known(known) => (&known.label.destination, known.label.origin.len()),
            Self::Found { destination, settled, .. } => {
                (destination, settled.get().map_or(0, |settled| settled.label.origin.len()))
            }
        };
        if destination.len() > Label::MAX_DESTINATION || origin > Label::MAX_ORIGIN {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "destination or origin is too long"));
        }
        Ok(())
    }
}

impl Settled {
    /// Named by the label itself.
    fn of(label: Label) -> Self {
        Self { key: named(hash(0, &label.origin), &label.destination), label }
    }
}

fn named(key: u64, destination: &str) -> u64 {
    hash(key, destination.as_bytes())
}

impl fmt::Debug for Owner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Owner")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Journal, RecordKind, Settings, read_all};
    use std::path::Path;

    /// A run of somebody whose origin's number is `key` before it is found out.
    fn run(
        home: &Path,
        key: u64,
        destination: &str,
        find: impl Fn() -> (Option<u64>, Vec<u8>) + Send + Sync + 'static,
    ) {
        let journal = journal(home, key, destination, find);
        journal.append(RecordKind::Event, &[1; 16], b"payload").unwrap();
    }

    fn journal(
        home: &Path,
        key: u64,
        destination: &str,
        find: impl Fn() -> (Option<u64>, Vec<u8>) + Send + Sync + 'static,
    ) -> Journal {
        Journal::found(home.join("journal"), destination.to_owned(), Some(key), find, Settings::default())
    }

    /// The labels of what was recorded, and how many events each has.
    fn recorded(home: &Path) -> Vec<(String, Vec<u8>, usize)> {
        let mut recorded: Vec<(String, Vec<u8>, usize)> = Vec::new();
        for (Label { destination, origin }, _) in read_all(&home.join("journal"), usize::MAX) {
            match recorded.iter_mut().find(|(to, of, _)| *to == destination && *of == origin) {
                Some((_, _, count)) => *count += 1,
                None => recorded.push((destination, origin, 1)),
            }
        }
        recorded.sort();
        recorded
    }

    fn event(destination: &str, origin: &[u8], count: usize) -> (String, Vec<u8>, usize) {
        (destination.to_owned(), origin.to_vec(), count)
    }

    #[test]
    fn an_origin_is_found_out_once_and_later_processes_append_to_the_slot_that_says_it() {
        let home = tempfile::tempdir().unwrap();
        run(home.path(), 1, "a vendor", || (Some(1), b"found".to_vec()));
        for _ in 0..3 {
            run(home.path(), 1, "a vendor", || unreachable!("there is a slot"));
        }
        assert_eq!(recorded(home.path()), [event("a vendor", b"found", 4)]);
    }

    #[test]
    fn whoever_is_made_of_something_else_or_sends_elsewhere_has_slots_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        run(home.path(), 1, "a vendor", || (Some(1), b"one".to_vec()));
        run(home.path(), 2, "a vendor", || (Some(2), b"two".to_vec()));
        run(home.path(), 1, "another", || (Some(1), b"one".to_vec()));
        let expected =
            [event("a vendor", b"one", 1), event("a vendor", b"two", 1), event("another", b"one", 1)];
        assert_eq!(recorded(home.path()), expected);
    }

    #[test]
    fn a_slot_that_says_another_destination_is_not_appended_to_whatever_its_name_says() {
        let home = tempfile::tempdir().unwrap();
        run(home.path(), 1, "a vendor", || (Some(1), b"one".to_vec()));
        run(home.path(), 2, "another", || (Some(2), b"two".to_vec()));
        let slot = |key, destination: &str| {
            home.path().join("journal").join(crate::journal::names::open(named(key, destination), 0))
        };
        std::fs::rename(slot(2, "another"), slot(1, "a vendor")).unwrap();
        run(home.path(), 1, "a vendor", || (Some(1), b"one".to_vec()));
        assert_eq!(recorded(home.path()), [event("a vendor", b"one", 1), event("another", b"two", 1)]);
    }

    #[test]
    fn what_is_too_long_for_a_segment_is_refused_before_anything_is_made() {
        let home = tempfile::tempdir().unwrap();
        let journal = journal(home.path(), 1, &"x".repeat(Label::MAX_DESTINATION + 1), || unreachable!());
        journal.append(RecordKind::Event, &[1; 16], b"payload").unwrap_err();
        assert!(!home.path().join("journal").exists());
    }

    #[test]
    fn a_slot_has_the_number_that_its_label_was_found_with_and_none_that_another_run_could_come_by_else() {
        let home = tempfile::tempdir().unwrap();
        // What it is made of changes while it is found out.
        run(home.path(), 1, "a vendor", || (Some(2), b"two".to_vec()));
        run(home.path(), 2, "a vendor", || unreachable!("there is a slot"));
        // Nobody will find that out again.
        run(home.path(), 1, "a vendor", || (None, b"passing".to_vec()));
        run(home.path(), 1, "a vendor", || (Some(1), b"one".to_vec()));
        let expected =
            [event("a vendor", b"one", 1), event("a vendor", b"passing", 1), event("a vendor", b"two", 2)];
        assert_eq!(recorded(home.path()), expected);
    }

    #[test]
    fn on_a_file_system_that_machines_share_no_slot_of_the_time_before_is_used() {
        use crate::platform::host::{FileSystem, injected};
        let home = tempfile::tempdir().unwrap();
        let one = || run(home.path(), 1, "a vendor", || (Some(1), b"one".to_vec()));
        injected::on(FileSystem::Plain, 1, one);
        injected::on(FileSystem::Shared, 1, || (0..3).for_each(|_| one()));
        let seen = |file_system| injected::on(file_system, 1, || recorded(home.path()));
        assert_eq!(seen(FileSystem::Shared), [event("a vendor", b"one", 3)]);
        assert_eq!(seen(FileSystem::Plain), [event("a vendor", b"one", 1)]);
    }

    /// A child has its parent's memory, but not the thread that is finding something out there.
    #[cfg(target_os = "linux")]
    #[test]
    #[allow(unsafe_code, reason = "nothing safe forks")]
    fn a_child_that_is_forked_while_a_thread_finds_the_origin_out_records() {
        use std::sync::{Arc, Mutex, mpsc};
        let home = tempfile::tempdir().unwrap();
        let parent = std::process::id();
        let (begun, begins) = mpsc::channel();
        let (go_on, waits) = mpsc::channel::<()>();
        let (begun, waits) = (Mutex::new(begun), Mutex::new(waits));
        let journal = Arc::new(journal(home.path(), 1, "a vendor", move || {
            if std::process::id() == parent {
                begun.lock().unwrap().send(()).unwrap();
                waits.lock().unwrap().recv().unwrap();
            }
            (Some(1), b"one".to_vec())
        }));
        let other = Arc::clone(&journal);
        let thread =
            std::thread::spawn(move || other.append(RecordKind::Event, &[1; 16], b"parent").unwrap());
        begins.recv().unwrap();
        // SAFETY: The child records, which is what is tested, and leaves at once.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: A child that waits for ever is ended by a signal.
            unsafe { libc::alarm(30) };
            let recorded = journal.append(RecordKind::Event, &[2; 16], b"child").is_ok();
            // SAFETY: Nothing of the parent's is cleaned up.
            unsafe { libc::_exit(i32::from(!recorded)) };
        }
        let mut status = 0;
        // SAFETY: It waits for the child, and writes to this variable.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        go_on.send(()).unwrap();
        thread.join().unwrap();
        assert_eq!(status, 0, "the child recorded");
        drop(journal);
        assert_eq!(recorded(home.path()), [event("a vendor", b"one", 2)]);
    }
}
