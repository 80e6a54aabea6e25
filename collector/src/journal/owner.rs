//! Whose records a journal makes: which slots they may be appended to, and what a new one says.
//!
//! A slot's name begins with a number that stands for its label, so a process finds its slots without opening
//! others'. For who has the label that number is made of it. To find the label out can take longer than all else
//! that a process's first record does; who knows what the label is made of gives a number that stands for that, and
//! the label is only found out where a slot has to be made.

use super::settings::Label;
use crate::sum::hash;
use std::fmt;
use std::io;
use std::sync::OnceLock;

/// Whose the records are.
pub(super) struct Owner {
    key: u64,
    whose: Whose,
}

enum Whose {
    Known(Label),
    Found { destination: String, label: OnceLock<Label>, find: Box<Find> },
}

/// Finds the origin out.
pub(super) type Find = dyn Fn() -> Vec<u8> + Send + Sync;

impl Owner {
    pub(super) fn of(label: Label) -> Self {
        let length = (label.destination.len() as u64).to_le_bytes();
        let key = hash(hash(hash(0, &length), label.destination.as_bytes()), &label.origin);
        Self { key, whose: Whose::Known(label) }
    }

    /// Of somebody whose origin is found out when it is needed: as long as `key` and `destination` stay the same,
    /// so does the origin.
    pub(super) fn found(key: u64, destination: String, find: Box<Find>) -> Self {
        let key = hash(key, destination.as_bytes());
        Self { key, whose: Whose::Found { destination, label: OnceLock::new(), find } }
    }

    /// What its slots' names begin with.
    pub(super) fn key(&self) -> u64 {
        self.key
    }

    /// Whether a slot of this name and label is its own. The name vouches for an origin that was not found out: 64
    /// bits of it.
    pub(super) fn has(&self, label: &Label) -> bool {
        match &self.whose {
            Whose::Known(own) => own == label,
            Whose::Found { destination, label: own, .. } => {
                *destination == label.destination && own.get().is_none_or(|own| own == label)
            }
        }
    }

    /// What a new segment says.
    pub(super) fn label(&self) -> &Label {
        match &self.whose {
            Whose::Known(label) => label,
            Whose::Found { destination, label, find } => {
                label.get_or_init(|| Label { destination: destination.clone(), origin: find() })
            }
        }
    }

    /// Refuses what no segment can say, as far as it is known.
    pub(super) fn check(&self) -> io::Result<()> {
        let (destination, origin) = match &self.whose {
            Whose::Known(label) => (&label.destination, label.origin.len()),
            Whose::Found { destination, label, .. } => {
                (destination, label.get().map_or(0, |label| label.origin.len()))
            }
        };
        if destination.len() > Label::MAX_DESTINATION || origin > Label::MAX_ORIGIN {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "destination or origin is too long"));
        }
        Ok(())
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Owner").field("key", &self.key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Journal, RecordKind, Settings, read_all};
    use std::path::Path;

    fn record(home: &Path, key: u64, destination: &str, find: impl Fn() -> Vec<u8> + Send + Sync + 'static) {
        let owner = (key, destination.to_owned());
        let journal = Journal::found(home.join("journal"), owner, find, Settings::default());
        journal.append(RecordKind::Event, &[1; 16], b"payload").unwrap();
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
        record(home.path(), 1, "a vendor", || b"found".to_vec());
        for _ in 0..3 {
            record(home.path(), 1, "a vendor", || unreachable!("there is a slot"));
        }
        assert_eq!(recorded(home.path()), [event("a vendor", b"found", 4)]);
    }

    #[test]
    fn whoever_is_made_of_something_else_or_sends_elsewhere_has_slots_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        record(home.path(), 1, "a vendor", || b"one".to_vec());
        record(home.path(), 2, "a vendor", || b"two".to_vec());
        record(home.path(), 1, "another", || b"one".to_vec());
        let expected =
            [event("a vendor", b"one", 1), event("a vendor", b"two", 1), event("another", b"one", 1)];
        assert_eq!(recorded(home.path()), expected);
    }

    #[test]
    fn a_slot_that_says_another_destination_is_not_appended_to_whatever_its_name_says() {
        let home = tempfile::tempdir().unwrap();
        record(home.path(), 1, "a vendor", || b"one".to_vec());
        record(home.path(), 2, "another", || b"two".to_vec());
        let slot = |key, destination: &str| {
            let owner = Owner::found(key, destination.to_owned(), Box::new(Vec::new));
            home.path().join("journal").join(super::super::names::open(owner.key(), 0))
        };
        std::fs::rename(slot(2, "another"), slot(1, "a vendor")).unwrap();
        record(home.path(), 1, "a vendor", || b"one".to_vec());
        assert_eq!(recorded(home.path()), [event("a vendor", b"one", 1), event("another", b"two", 1)]);
    }

    #[test]
    fn what_is_too_long_for_a_segment_is_refused_before_anything_is_made() {
        let home = tempfile::tempdir().unwrap();
        let owner = (1, "x".repeat(Label::MAX_DESTINATION + 1));
        let journal =
            Journal::found(home.path().join("journal"), owner, || unreachable!(), Settings::default());
        journal.append(RecordKind::Event, &[1; 16], b"payload").unwrap_err();
        assert!(!home.path().join("journal").exists());
    }
}
