//! The decision on disk: read without trust, replaced atomically.

use crate::consent::record::{LIMIT, Undecodable};
use crate::consent::{Decision, Place, Record};
use crate::platform::private::{self, Unusable};
use crate::platform::stamp::Stamp;
use std::fmt;
use std::io;

/// What the consent file holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stored {
    /// There is no file: nothing was ever said.
    Nothing,
    /// A decision.
    Record(Record),
    /// There is a file and it does not count. It may have been a no, so it is taken for one.
    Unreadable(Unreadable),
}

impl Stored {
    /// The decision as far as there is one. What cannot be read is undecided, never a yes.
    #[must_use]
    pub fn decision(&self) -> Decision {
        match self {
            Self::Record(record) => record.decision,
            Self::Nothing | Self::Unreadable(_) => Decision::Undecided,
        }
    }

    /// Whether it is what a no leaves, be it no file or a damaged one. A yes that does not cover what the author
    /// does now is none, and what a newer version wrote may be a yes.
    pub(crate) fn is_no(&self) -> bool {
        match self {
            Self::Unreadable(Unreadable::NewerVersion(_)) => false,
            stored => !stored.decision().is_yes(),
        }
    }
}

/// Why a consent file does not count.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Unreadable {
    /// It is damaged.
    Damaged,
    /// A newer version of the tool wrote it.
    NewerVersion(u32),
    /// Another user owns it.
    Foreign {
        /// The owner's user id.
        owner: u32,
    },
    /// Others than its owner may write it.
    Shared,
    /// It is a symbolic link.
    Symlink,
    /// It is a directory, a device or the like.
    NotAFile,
    /// The system refused to read it.
    Io(io::ErrorKind),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged => out.write_str("it is damaged"),
            Self::NewerVersion(version) => {
                write!(out, "a newer version of this tool wrote it (format {version})")
            }
            Self::Foreign { owner } => write!(out, "another user owns it (user id {owner})"),
            Self::Shared => out.write_str("other users may write it"),
            Self::Symlink => out.write_str("it is a symbolic link"),
            Self::NotAFile => out.write_str("it is not a regular file"),
            Self::Io(kind) => write!(out, "it cannot be read: {kind}"),
        }
    }
}

impl From<Unusable> for Stored {
    fn from(why: Unusable) -> Self {
        Self::Unreadable(match why {
            Unusable::Missing => return Self::Nothing,
            Unusable::Symlink => Unreadable::Symlink,
            Unusable::NotAFile => Unreadable::NotAFile,
            Unusable::Foreign { owner } => Unreadable::Foreign { owner },
            Unusable::Shared => Unreadable::Shared,
            Unusable::TooLong => Unreadable::Damaged,
            Unusable::Io(error) => Unreadable::Io(error.kind()),
        })
    }
}

/// What is stored. One open at most, nothing is created.
#[must_use]
pub fn read(place: &Place) -> Stored {
    read_stamped(place).0
}

/// What is stored, and the stamp of exactly the file that was read: a later change has another one.
pub(crate) fn read_stamped(place: &Place) -> (Stored, Stamp) {
    let (file, about) = match private::open(&place.consent(), false) {
        Ok(opened) => opened,
        Err(Unusable::Missing) => return (Stored::Nothing, Stamp::Absent),
        // A file that does not count is no yes, and a process that read no yes looks no more.
        Err(why) => return (why.into(), Stamp::Absent),
    };
    // Taken before the bytes are read: a write in between makes the next look read again.
    let stamp = Stamp::from(&about);
    let stored = match private::read_open(&file, &about, LIMIT) {
        Err(why) => why.into(),
        Ok(bytes) => match Record::decode(&bytes) {
            Ok(record) => Stored::Record(record),
            Err(Undecodable::Newer(version)) => Stored::Unreadable(Unreadable::NewerVersion(version)),
            Err(Undecodable::Damaged) => Stored::Unreadable(Unreadable::Damaged),
        },
    };
    (stored, stamp)
}

/// Stores a decision: after this returned `Ok`, it survives a power cut, and no reader ever saw
/// anything but the former decision or this one.
///
/// # Errors
/// What the system refused; the former decision then still stands.
pub fn write(place: &Place, record: &Record) -> io::Result<()> {
    let bytes = record.encode();
    if bytes.len() > LIMIT {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the destination is too long to be stored"));
    }
    private::make_directory(place.directory())?;
    private::replace(&place.consent(), &bytes)
}

#[cfg(all(test, unix))]
#[path = "file_tests.rs"]
mod tests;
