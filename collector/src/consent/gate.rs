//! What a recorder asks before each event.
//!
//! # How a recorder notices a denial in another process
//! The consent file is replaced or removed by whoever decides, so its identity on disk *is* the
//! generation of the decision: device, inode, size, times. A recorder compares it with what it saw
//! when it read the decision, by one `stat` (about half a microsecond), at most every
//! [`INTERVAL`](Gate::INTERVAL). Between two looks an event costs two atomic loads, and the caller's
//! clock reading, which it makes for the event anyhow: the time of day, so a look is due too where that
//! was set, forward or back. While undecided or denied, it costs one load.
//!
//! The alternatives cost more where it counts: a shared mapping of a generation is a few
//! microseconds of set-up in commands that record one event, a page that another process can cut
//! off under us, and nothing on network file systems; a lock that recorders hold would let a
//! recorder that is stopped hold up a denial.
//!
//! # What a recorder that is between two looks can do
//! Store events for at most the interval after a denial. None of them can leave, because each
//! request looks for itself ([`SendPermit`](crate::consent::SendPermit)). To also leave nothing
//! behind on disk, the journal asks [`Gate::look`] after it has made or leased a segment and before
//! the first record in it: either the segment was there before the denial's purge listed the
//! directory, which then removed it, or the look comes after the denial and sees it. Whoever writes anything else that
//! a no removes (a salt, the starts, the schedule) looks in the same way after it, and takes it back.
//!
//! # What stays decided
//! A process only ever becomes more private: a yes that is stored while it runs is for the next run.
//! Where the environment, the machine or the author decided without the file, the file is not
//! watched, because nothing in it could outrank them.

use crate::consent::file::read_stamped;
use crate::consent::{May, Place, Stored, Verdict};
use crate::event::Timestamp;
use crate::platform::stamp::Stamp;
use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, TryLockError};
use std::time::Duration;

/// How a gate comes to a verdict: with the closure that reads what is stored.
type Decide = dyn Fn(&dyn Fn() -> Stored) -> Verdict + Send + Sync;

/// Whether this process may record, kept up to date.
pub struct Gate {
    may: AtomicU8,
    /// When it was looked last, in nanoseconds since 1970.
    looked: AtomicU64,
    place: Place,
    decide: Box<Decide>,
    /// The file as it was when the verdict was read from it; `None` where it was not read.
    seen: Mutex<Option<Stamp>>,
    first: Verdict,
}

impl Gate {
    /// For how long a denial in another process may go unnoticed.
    pub const INTERVAL: Duration = Duration::from_millis(100);

    /// Decides, and keeps what is needed to notice a change.
    ///
    /// `decide` is called now and after each change of the file; it gets the closure that reads what
    /// is stored, for [`Inputs::stored`](crate::consent::Inputs), and should call [`at_start`](crate::consent::at_start).
    pub fn open(
        place: Place,
        now: Timestamp,
        decide: impl Fn(&dyn Fn() -> Stored) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        let (first, seen) = decide_and_stamp(&place, &decide);
        Self {
            may: AtomicU8::new(first.may as u8),
            looked: AtomicU64::new(nanos(now)),
            place,
            decide: Box::new(decide),
            seen: Mutex::new(seen),
            first,
        }
    }

    /// The verdict at the start.
    #[must_use]
    #[inline]
    pub fn first(&self) -> &Verdict {
        &self.first
    }

    /// What may be done as of the last look: one atomic load.
    #[must_use]
    #[inline]
    pub fn known(&self) -> May {
        from_u8(self.may.load(Ordering::Acquire))
    }

    /// What may be done with an event that happens `now`. Looks again where the last look is too
    /// long ago.
    #[must_use]
    pub fn may(&self, now: Timestamp) -> May {
        if self.is_due(now) { self.look() } else { self.known() }
    }

    /// Whether the caller, who knows the time, is the one to look: of several threads one is.
    #[inline]
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        const INTERVAL: u64 = Gate::INTERVAL.as_nanos() as u64;
        let (now, looked) = (nanos(now), self.looked.load(Ordering::Relaxed));
        now.abs_diff(looked) >= INTERVAL
            && self.known() != May::Off
            && self.looked.compare_exchange(looked, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// What may be done right now, from the file itself: one `stat`, and a read where it changed.
    #[must_use]
    pub fn look(&self) -> May {
        if self.known() == May::Off {
            return May::Off;
        }
        let mut seen = match self.seen.try_lock() {
            Ok(seen) => seen,
            // A panic elsewhere does not make the stamp wrong.
            Err(TryLockError::Poisoned(seen)) => seen.into_inner(),
            // Another thread is looking. Where this process was forked meanwhile it has no such thread, and nobody
            // would ever let go.
            Err(TryLockError::WouldBlock) => {
                let (verdict, _) = decide_and_stamp(&self.place, &*self.decide);
                self.may.fetch_min(verdict.may as u8, Ordering::AcqRel);
                return self.known();
            }
        };
        let Some(stamp) = *seen else { return self.known() };
        if Stamp::of(&self.place.consent()) == stamp {
            return self.known();
        }
        let (verdict, stamp) = decide_and_stamp(&self.place, &*self.decide);
        *seen = stamp;
        self.may.fetch_min(verdict.may as u8, Ordering::AcqRel);
        self.known()
    }

    /// Stops recording in this process, for good.
    pub fn close(&self) {
        self.may.store(May::Off as u8, Ordering::Release);
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Gate")
            .field("may", &self.known())
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

fn decide_and_stamp(
    place: &Place,
    decide: &dyn Fn(&dyn Fn() -> Stored) -> Verdict,
) -> (Verdict, Option<Stamp>) {
    let seen = RefCell::new(None);
    let verdict = decide(&|| {
        let (stored, stamp) = read_stamped(place);
        *seen.borrow_mut() = Some(stamp);
        stored
    });
    (verdict, seen.into_inner())
}

/// Since 1970, and in the year 2554 from the beginning again.
#[inline]
const fn nanos(time: Timestamp) -> u64 {
    (time.seconds as u64).wrapping_mul(1_000_000_000).wrapping_add(time.nanos as u64)
}

#[inline]
const fn from_u8(may: u8) -> May {
    const LOCAL: u8 = May::Local as u8;
    const SEND: u8 = May::Send as u8;
    match may {
        LOCAL => May::Local,
        SEND => May::Send,
        _ => May::Off,
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
