//! Every figure that delivery decides by, with the reason for its size.

use std::time::Duration;

use super::backoff::Backoff;
use super::retry_after::Clamp;

/// A sender is started at most this often. Telemetry that is a quarter of an hour old is fresh, and a
/// tool in a shell loop must not start a process each time.
pub const INTERVAL: Duration = Duration::from_secs(15 * 60);

/// An interval is stretched by up to this share, differently each time, so that machines that began
/// together drift apart.
pub const INTERVAL_STRETCH: f64 = 0.5;

/// The window after one failure. Starts are an [`INTERVAL`] apart anyway, so a narrower one would spread
/// nobody.
pub const BACKOFF_BASE: Duration = INTERVAL;

/// The widest window: a vendor that is away for a day sees each machine about twice more.
pub const BACKOFF_MAX: Duration = Duration::from_secs(12 * 3600);

/// A vendor's "0 seconds" is not an invitation to loop.
pub const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);

/// Longer than a day is a mistake or an attack; asking once a day costs nobody anything.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

/// A sender sits out a pause of this length; for a longer one it ends, and a later run starts another.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// As the journal's: what is older is of no use to anybody.
pub const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 3600);

/// A batch that failed this often while others were delivered in between is itself the trouble.
pub const FAILURES_OF_ITS_OWN: u32 = 8;

/// After this many attempts a batch lets others go first: it may be the one that the vendor chokes on.
pub const ATTEMPTS_BEFORE_YIELDING: u32 = 3;

/// So many batches may have been tried and not be done with. It bounds the schedule; all other
/// events wait in the journal without a boundary.
pub const IN_FLIGHT: usize = 32;

/// What is left of a batch of which the rest was delivered waits this long at first: the vendor is there,
/// and only these events are in its way.
pub const PART_BACKOFF_BASE: Duration = Duration::from_secs(60);

/// One crash may be chance; at the second over the same batch it is cut in two, and a single event is
/// set aside if others were delivered in between.
pub const CRASHES_OF_A_BATCH: u32 = 2;

/// Crashes in a row, whatever the batch, after which the backend itself is held to be broken. More than
/// it takes to try both halves of a batch.
pub const CRASHES_BEFORE_HOLD: u32 = 8;

/// Batches rejected in a row after which it is the settings that are wrong (a revoked key), not the
/// events: the rest is kept instead of being thrown after them.
pub const REJECTIONS_BEFORE_HOLD: u32 = 3;

/// A hold is looked at again about once a day, for what mended itself elsewhere. A change of the settings
/// lifts it at once.
pub const HOLD_RECHECK: Duration = Duration::from_secs(24 * 3600);

/// A size that a vendor called too large is forgotten after this long.
pub const REMEMBER_SIZE: Duration = Duration::from_secs(24 * 3600);

/// How delivery counts what a crash leaves in doubt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Semantics {
    /// Send, then acknowledge: nothing is lost, and the same event may arrive twice.
    #[default]
    AtLeastOnce,
    /// Claim durably, then send: nothing arrives twice, and what fails after its claim is lost and
    /// counted.
    AtMostOnce,
}

/// The moments at which timers all over a fleet fire at once.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Crowd {
    /// They come this often, counted from the full hour.
    pub every: Duration,
    /// A run is taken to be one of them for this long. cron starts within the second, and a command
    /// takes a while to get to its end.
    pub lasts: Duration,
    /// A run among the crowd starts a sender only if none was started for this long at least…
    pub wait_min: Duration,
    /// …and at most, depending on the machine.
    pub wait_max: Duration,
}

impl Default for Crowd {
    fn default() -> Self {
        Self {
            // Hourly and quarter-hourly timers, in every time zone.
            every: Duration::from_secs(15 * 60),
            lasts: Duration::from_secs(60),
            // A machine that also runs at other times sends then. One that only ever runs on the hour
            // sends every 6 to 24 hours: about one in fifteen of such machines comes at the same hour.
            wait_min: Duration::from_secs(6 * 3600),
            wait_max: Duration::from_secs(24 * 3600),
        }
    }
}

/// The rules of one tool's delivery.
#[derive(Clone, PartialEq, Debug)]
pub struct Rules {
    /// What a crash may cost.
    pub semantics: Semantics,
    /// See [`INTERVAL`].
    pub interval: Duration,
    /// See [`INTERVAL_STRETCH`]; from 0 to 1.
    pub interval_stretch: f64,
    /// What is done about timers that fire together; none to do nothing.
    pub crowd: Option<Crowd>,
    /// See [`BACKOFF_BASE`] and [`BACKOFF_MAX`].
    pub backoff: Backoff,
    /// See [`RETRY_AFTER_MIN`] and [`RETRY_AFTER_MAX`].
    pub retry_after: Clamp,
    /// See [`PATIENCE`].
    pub patience: Duration,
    /// A batch is given up after this many attempts. None by default: an outage is not the events'
    /// fault, and the journal's caps bound them.
    pub max_attempts: Option<u32>,
    /// A batch is given up when it was first tried this long ago.
    pub max_age: Duration,
    /// A number that changes with the backend and its settings. A hold made under another one is over.
    pub configuration: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            semantics: Semantics::default(),
            interval: INTERVAL,
            interval_stretch: INTERVAL_STRETCH,
            crowd: Some(Crowd::default()),
            backoff: Backoff { base: BACKOFF_BASE, max: BACKOFF_MAX },
            retry_after: Clamp { min: RETRY_AFTER_MIN, max: RETRY_AFTER_MAX },
            patience: PATIENCE,
            max_attempts: None,
            max_age: MAX_AGE,
            configuration: 0,
        }
    }
}

impl Rules {
    /// No wait that these rules make is longer. What is written down and lies further ahead is a wrong
    /// clock's.
    #[must_use]
    pub fn longest_wait(&self) -> Duration {
        let asked = self.retry_after.max.saturating_add(self.retry_after.max / 2);
        self.backoff.max.max(asked).max(self.interval.saturating_mul(2)).max(HOLD_RECHECK.saturating_mul(2))
    }
}
