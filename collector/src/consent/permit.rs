//! What every request is sent under.
//!
//! # The order that makes a no final
//! A sender locks `consent.lock` shared, *then* reads the decision, and holds the lock to the end of
//! the request. A denial stores the no, *then* locks exclusively. So either the sender's lock came
//! first, and the denial waits for its request to end, or the no came first, and the sender reads it
//! and sends nothing. Once the denial has the lock no request is under way, and none can begin.
//!
//! The lock is the operating system's (`flock`, on Windows `LockFileEx`): a sender that dies lets go.
//! It is on a file of its own, which is never replaced or removed, because a lock belongs to the file
//! and not to its name: two processes that lock `consent` before and after a replacement would both
//! have it.
//!
//! # Who holds it
//! Which process holds a lock is not told portably. Each permit therefore takes a slot in the file
//! `senders` and clears it afterwards. The slots are only asked where the lock has shown that
//! somebody holds it, and a slot counts only while the process that wrote it lives; where the system
//! tells when a process began, a reused process id does not count. The file is apart from the lock's
//! because Windows lets nobody write to a file that is locked shared, and it is written in place, so
//! that a full disk does not stop a sender, which is what makes room.

use crate::consent::{May, Place, Stored, Verdict, file};
use crate::platform::{private, process};
use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// How many permits can be told apart; a further one is merely unnamed.
const SLOTS: usize = 16;
/// Process id, start, kind and a line's end.
const SLOT: usize = 34;

/// The right to send one request, now. Dropping it ends the right.
#[derive(Debug)]
pub struct SendPermit {
    // Declared before the lock, so that the slot is cleared while the lock is still held: a slot
    // never names a process that has let go.
    _slot: Slot,
    _lock: Held,
}

/// A lock that is held.
#[derive(Debug)]
pub(crate) struct Held(pub(crate) File);

impl Drop for Held {
    fn drop(&mut self) {
        // Closing would not do: a child that was forked meanwhile has the same open file, and would
        // go on holding the lock.
        let _ = self.0.unlock();
    }
}

/// Why a request may not be sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refused {
    /// The decision says no, or local only.
    Decided(Box<Verdict>),
    /// Somebody is saying no at this moment.
    BeingDenied,
    /// The lock cannot be had. Without it a denial could not wait for us, so nothing is sent.
    Unavailable(io::Error),
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decided(verdict) => write!(out, "nothing may be sent: {}", verdict.reason()),
            Self::BeingDenied => out.write_str("nothing may be sent: telemetry is being disabled"),
            Self::Unavailable(error) => {
                write!(out, "nothing is sent while consent.lock cannot be locked: {error}")
            }
        }
    }
}

impl std::error::Error for Refused {}

impl SendPermit {
    /// Asks for the right to send one request; never waits.
    ///
    /// `in_tool` says that this process is somebody's running tool (a thread in it sends) and not a
    /// sender of its own: a denial will not end it.
    ///
    /// `decide` gets the closure that reads what is stored, for
    /// [`Inputs::stored`](crate::consent::Inputs), and should call [`at_start`](crate::consent::at_start).
    ///
    /// # Errors
    /// Why the request may not be sent.
    pub fn take(
        place: &Place,
        in_tool: bool,
        decide: impl FnOnce(&dyn Fn() -> Stored) -> Verdict,
    ) -> Result<Self, Refused> {
        private::make_directory(place.directory()).map_err(Refused::Unavailable)?;
        let lock = private::open_stable(&place.lock()).map_err(Refused::Unavailable)?;
        let lock = match lock.try_lock_shared() {
            Ok(()) => Held(lock),
            Err(TryLockError::WouldBlock) => return Err(Refused::BeingDenied),
            Err(TryLockError::Error(error)) => return Err(Refused::Unavailable(error)),
        };
        let slot = Slot::take(&place.senders(), in_tool).map_err(Refused::Unavailable)?;
        let permit = Self { _slot: slot, _lock: lock };
        let verdict = decide(&|| file::read(place));
        if verdict.may == May::Send { Ok(permit) } else { Err(Refused::Decided(Box::new(verdict))) }
    }
}

/// A process that holds a permit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Whether it is somebody's running tool, which must not be ended.
    pub in_tool: bool,
    began: Option<u64>,
}

impl Holder {
    /// Ends it at once, also if it is stopped. A process that has ended already is no error.
    ///
    /// # Errors
    /// Refuses for a running tool, and reports what the system refused.
    pub fn end(&self) -> io::Result<()> {
        if self.in_tool {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("process {} is a running tool; its request ends by itself", self.pid),
            ));
        }
        process::end(self.pid, self.began)
    }
}

/// The live processes that hold permits, as far as they are known.
pub(crate) fn holders(place: &Place) -> Vec<Holder> {
    let Ok((file, about)) = private::open(&place.senders(), false) else { return Vec::new() };
    let Ok(bytes) = private::read_open(&file, &about, SLOTS * SLOT) else { return Vec::new() };
    let mut found: Vec<Holder> = bytes.chunks(SLOT).filter_map(Slot::parse).filter(Slot::is_alive).collect();
    found.dedup();
    found
}

#[derive(Debug)]
struct Slot {
    file: File,
    /// `None` where all slots were taken.
    at: Option<usize>,
}

impl Slot {
    fn take(path: &Path, in_tool: bool) -> io::Result<Self> {
        let mut file = private::open_stable(path)?;
        let pid = std::process::id();
        let line = Self::line(pid, process::started(pid), in_tool);
        for at in 0..SLOTS {
            let taken = Self::at(&mut file, at)?;
            if Self::parse(&taken).is_some_and(|holder| Self::is_alive(&holder)) {
                continue;
            }
            Self::put(&mut file, at, &line)?;
            return Ok(Self { file, at: Some(at) });
        }
        Ok(Self { file, at: None })
    }

    fn line(pid: u32, began: Option<u64>, in_tool: bool) -> [u8; SLOT] {
        let began = began.unwrap_or(0);
        let mut line = [b' '; SLOT];
        let kind = if in_tool { 't' } else { 's' };
        // 10 and 20 digits are all that the numbers can have.
        let _ = writeln!(&mut line[..], "{pid:010} {began:020} {kind}");
        line
    }

    fn parse(line: &[u8]) -> Option<Holder> {
        let text = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
        let mut words = text.split(' ');
        let pid = words.next()?.parse().ok()?;
        let began = words.next()?.parse().ok()?;
        let in_tool = match words.next()? {
            "t" => true,
            "s" => false,
            _ => return None,
        };
        (pid != 0).then_some(Holder { pid, in_tool, began: (began != 0).then_some(began) })
    }

    fn is_alive(holder: &Holder) -> bool {
        process::is_alive(holder.pid, holder.began)
    }

    fn at(file: &mut File, at: usize) -> io::Result<Vec<u8>> {
        file.seek(SeekFrom::Start((at * SLOT) as u64))?;
        let mut line = Vec::with_capacity(SLOT);
        file.take(SLOT as u64).read_to_end(&mut line)?;
        Ok(line)
    }

    fn put(file: &mut File, at: usize, line: &[u8]) -> io::Result<()> {
        let start = (at * SLOT) as u64;
        crate::platform::file::fits(start + line.len() as u64)?;
        file.seek(SeekFrom::Start(start))?;
        file.write_all(line)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(at) = self.at {
            // One that stays is taken over once this process is gone.
            let _ = Self::put(&mut self.file, at, &Self::line(0, None, false));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_says_who_took_it() {
        let line = Slot::line(u32::MAX, Some(u64::MAX), true);
        assert_eq!(line.last(), Some(&b'\n'));
        assert_eq!(Slot::parse(&line), Some(Holder { pid: u32::MAX, in_tool: true, began: Some(u64::MAX) }));
        let line = Slot::line(7, None, false);
        assert_eq!(Slot::parse(&line), Some(Holder { pid: 7, in_tool: false, began: None }));
    }

    #[test]
    fn a_slot_that_is_free_or_torn_names_nobody() {
        assert_eq!(Slot::parse(&Slot::line(0, None, false)), None);
        let line = Slot::line(7, Some(9), false);
        for length in 0..SLOT {
            assert_eq!(Slot::parse(&line[..length]), None, "{length} bytes");
        }
        assert_eq!(Slot::parse(&[0; SLOT]), None);
    }
}
