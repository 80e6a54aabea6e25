//! Saying yes and saying no.
//!
//! A no must work where a yes need not: on a full disk, in a directory that became read-only, over a
//! file that a newer version wrote. So it has three ways, tried in order, and each leaves something
//! that is not a yes even if the power goes in the middle:
//!
//! 1. replace the file atomically by a no;
//! 2. overwrite the file where it stands by a no (a full disk and a read-only directory allow it;
//!    what a crash leaves is damaged, and damage is never a yes);
//! 3. remove the file (undecided is off).
//!
//! Only where a yes stands and all three fail does telemetry stay enabled, and the caller must say
//! so: [`StillEnabled`].

use crate::consent::permit::{Held, holders};
use crate::consent::{Decision, Holder, Place, Record, Stored, Unreadable, file};
use crate::event::Timestamp;
use crate::identity;
use crate::platform::private::{self, Unusable};
use std::fmt;
use std::fs::{File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a denial waits for requests that are under way.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// How often it looks whether they have ended.
const STEP: Duration = Duration::from_millis(10);

/// A clock and a way to let time pass.
pub trait Wait {
    /// How long ago something was that never changes.
    fn now(&self) -> Duration;
    /// Lets this much time pass.
    fn sleep(&self, time: Duration);
}

/// The system's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemWait(Instant);

impl Default for SystemWait {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Wait for SystemWait {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// How a no is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StoredHow {
    /// As a no.
    Durably,
    /// As a no, written over the former decision, because the disk or the directory allows no more.
    InPlace,
    /// The yes is removed; a no could not be stored. The question may be asked again.
    GrantRemoved,
    /// A no could not be stored, and there was no yes.
    NothingWasGranted,
}

/// A no that holds.
#[derive(Debug)]
pub struct Denial {
    /// How it is stored.
    pub stored: StoredHow,
    /// Why it could not be stored, where it could not.
    pub not_stored: Option<io::Error>,
    /// What could not be removed with it, in words. The no holds all the same.
    pub left_behind: Option<String>,
    place: Place,
    senders: Senders,
}

#[derive(Debug)]
enum Senders {
    /// No request is under way and none can begin while this is held.
    None { _lock: Option<Held> },
    /// One is under way; the lock that shows when it has ended.
    Some { lock: File },
    /// It cannot be told.
    Unknown(io::Error),
}

impl Denial {
    /// The directory that holds the decision.
    #[must_use]
    pub fn directory(&self) -> &std::path::Path {
        self.place.directory()
    }

    /// Whether no request is under way. From then on none begins.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self.senders, Senders::None { .. })
    }

    /// The processes whose requests are still under way, as far as they are known. Those that are not
    /// [`in_tool`](Holder::in_tool) are to be [ended](Holder::end); after that
    /// [`wait`](Self::wait) again.
    #[must_use]
    pub fn holders(&self) -> Vec<Holder> {
        if self.is_complete() { Vec::new() } else { holders(&self.place) }
    }

    /// Why it cannot be told whether a request is under way, where it cannot.
    #[must_use]
    pub fn unknown(&self) -> Option<&io::Error> {
        match &self.senders {
            Senders::Unknown(error) => Some(error),
            _ => None,
        }
    }

    /// Waits, at most this long, for what is still under way.
    #[must_use]
    pub fn wait(mut self, patience: Duration, wait: &dyn Wait) -> Self {
        if let Senders::Some { lock } = self.senders {
            self.senders = wait_for(&self.place, lock, patience, wait);
        }
        self
    }
}

/// A no could not be stored and the yes could not be removed.
#[derive(Debug)]
pub struct StillEnabled {
    /// The file that holds the yes.
    pub path: PathBuf,
    /// Why the no could not be stored.
    pub not_stored: io::Error,
    /// Why the yes could not be removed.
    pub not_removed: io::Error,
}

impl fmt::Display for StillEnabled {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, not_stored, not_removed) = (self.path.display(), &self.not_stored, &self.not_removed);
        write!(
            out,
            "telemetry is still enabled: the no could not be stored ({not_stored}), and the yes in {path} could \
             not be removed ({not_removed}). Make that directory writable and say no again, or delete the file; \
             until then DO_NOT_TRACK=1 in the environment says no"
        )
    }
}

impl std::error::Error for StillEnabled {}

/// Stores a no, deletes the salt of the machine id, and waits at most [`PATIENCE`] for requests that
/// are under way. While the [`Denial`] lives, and it is complete, no sender works, so what is pending
/// can be removed under it.
///
/// # Errors
/// [`StillEnabled`], where neither a no could be stored nor the yes be removed.
pub fn deny(place: &Place, policy: u32, now: Timestamp, wait: &dyn Wait) -> Result<Denial, StillEnabled> {
    let no = Record { decision: Decision::Denied, time: now, policy, destination: String::new() };
    let (stored, not_stored) = store_no(place, &no)?;
    let left_behind = identity::forget(place.directory())
        .err()
        .map(|error| format!("the salt of the machine id could not be deleted: {error}"));
    let senders = match private::open_stable_existing(&place.lock()) {
        Ok(Some(lock)) => wait_for(place, lock, PATIENCE, wait),
        // Nobody ever sent. Who makes the file now reads the no.
        Ok(None) => Senders::None { _lock: None },
        Err(error) => Senders::Unknown(error),
    };
    Ok(Denial { stored, not_stored, left_behind, place: place.clone(), senders })
}

fn store_no(place: &Place, no: &Record) -> Result<(StoredHow, Option<io::Error>), StillEnabled> {
    let not_stored = match file::write(place, no) {
        Ok(()) => return Ok((StoredHow::Durably, None)),
        Err(error) => error,
    };
    let path = place.consent();
    let was_yes = file::read(place).decision().is_yes();
    match private::overwrite(&path, &no.encode()) {
        Ok(()) => return Ok((StoredHow::InPlace, None)),
        Err(Unusable::Missing) => return Ok((StoredHow::NothingWasGranted, Some(not_stored))),
        Err(_) => {}
    }
    match private::remove(&path) {
        Ok(_) if was_yes => Ok((StoredHow::GrantRemoved, Some(not_stored))),
        Ok(_) => Ok((StoredHow::NothingWasGranted, Some(not_stored))),
        Err(_) if !file::read(place).decision().is_yes() => {
            Ok((StoredHow::NothingWasGranted, Some(not_stored)))
        }
        Err(not_removed) => Err(StillEnabled { path, not_stored, not_removed }),
    }
}

fn wait_for(place: &Place, lock: File, patience: Duration, wait: &dyn Wait) -> Senders {
    let until = wait.now() + patience;
    loop {
        match lock.try_lock() {
            Ok(()) => {
                // What is left in the slots is of processes that were killed.
                let _ = private::overwrite(&place.senders(), b"");
                return Senders::None { _lock: Some(Held(lock)) };
            }
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) => return Senders::Unknown(error),
            Err(TryLockError::WouldBlock) => {
                let left = until.saturating_sub(wait.now());
                if left.is_zero() {
                    return Senders::Some { lock };
                }
                wait.sleep(left.min(STEP));
            }
        }
    }
}

/// Stores a yes to sending, or to local only, for this policy and this destination.
///
/// A yes after anything but a yes begins a new machine id.
///
/// # Errors
/// What the system refused, or that a newer version of the tool has decided; the former decision then
/// stands.
pub fn allow(place: &Place, send: bool, policy: u32, destination: &str, now: Timestamp) -> io::Result<()> {
    let former = file::read(place);
    if let Stored::Unreadable(why @ Unreadable::NewerVersion(_)) = &former {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("the decision in {} is left alone: {why}; use that version", place.consent().display()),
        ));
    }
    if !former.decision().is_yes() {
        identity::forget(place.directory())?;
    }
    let decision = if send { Decision::Granted } else { Decision::LocalOnly };
    file::write(place, &Record { decision, time: now, policy, destination: destination.to_owned() })
}
