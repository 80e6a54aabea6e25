//! What is recorded: one thing that happened.
//!
//! An [`Event`] borrows what it can, so that recording one needs no allocation, and owns what it
//! must, so that one read back from the journal can outlive its buffer.

pub(crate) mod clean;
pub(crate) mod codec;
mod kinds;

pub(crate) use kinds::{DELETED_ID, UPDATE, deletion_request};
pub use kinds::{command_error, command_invocation, feature_used, kind, update_applied, update_check};

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

/// What names an event for ever: a UUID, frozen when the event was recorded.
///
/// It is made from a per-process random part and a counter, so two events of one process, of two
/// processes, or of a process and its forked child never share one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(pub [u8; 16]);

impl EventId {
    /// The id as 16 random bytes would have it, with the version and variant bits of a version 8
    /// UUID (RFC 9562, section 5.8: "custom") set.
    #[must_use]
    pub const fn from_parts(process: u64, counter: u64) -> Self {
        // As two words and not as bytes: what is stored byte by byte is waited for when it is read as a whole.
        let process = process & !0xf000 | 0x8000;
        let counter = counter & (u64::MAX >> 2) | 1 << 63;
        Self(((process as u128) << 64 | counter as u128).to_be_bytes())
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // At once, not byte by byte: a command that another one runs says that one's id twice.
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        let mut at = 0;
        for (nth, byte) in self.0.iter().enumerate() {
            at += usize::from(matches!(nth, 4 | 6 | 8 | 10));
            text[at] = DIGITS[usize::from(byte >> 4)];
            text[at + 1] = DIGITS[usize::from(byte & 0xf)];
            at += 2;
        }
        out.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// A moment, in seconds and nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Timestamp {
    /// Whole seconds; negative before 1970.
    pub seconds: i64,
    /// Nanoseconds after `seconds`: 0 to 999,999,999.
    pub nanos: u32,
}

/// 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z: what RFC 3339 can write.
const WRITABLE: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

impl Timestamp {
    /// The system clock's time.
    #[must_use]
    pub fn now() -> Self {
        Self::from(SystemTime::now())
    }

    /// The moment so long after this one. What is unknown (zero) stays so.
    #[must_use]
    pub(crate) fn after(self, duration: Duration) -> Self {
        if self == Self::default() {
            return self;
        }
        let nanos = self.nanos + duration.subsec_nanos();
        let carried = i64::from(nanos / 1_000_000_000);
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Self {
            seconds: self.seconds.saturating_add(seconds).saturating_add(carried),
            nanos: nanos % 1_000_000_000,
        }
    }

    /// The time from an earlier moment to this one; none where that was later.
    #[must_use]
    pub(crate) fn since(self, earlier: Self) -> Option<Duration> {
        let seconds = u64::try_from(self.seconds.checked_sub(earlier.seconds)?).ok()?;
        (Duration::from_secs(seconds) + Duration::from_nanos(u64::from(self.nanos)))
            .checked_sub(Duration::from_nanos(u64::from(earlier.nanos)))
    }

    /// Milliseconds since 1970 with a fraction.
    #[must_use]
    pub fn unix_ms(self) -> f64 {
        self.seconds as f64 * 1e3 + f64::from(self.nanos) / 1e6
    }

    /// RFC 3339 in UTC with nanoseconds. A moment outside the years 1 to 9999 is written as the
    /// nearest one inside.
    ///
    /// ```
    /// use telemetry::event::Timestamp;
    /// let time = Timestamp { seconds: 1_785_585_600, nanos: 123_456_789 };
    /// assert_eq!(time.rfc3339(), "2026-08-01T12:00:00.123456789Z");
    /// ```
    #[must_use]
    pub fn rfc3339(self) -> String {
        let seconds = self.seconds.clamp(*WRITABLE.start(), *WRITABLE.end());
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:09}Z",
            second / 3600,
            second / 60 % 60,
            second % 60,
            self.nanos.min(999_999_999)
        )
    }
}

/// The proleptic Gregorian date of a day number, 1970-01-01 being 0 (Howard Hinnant's
/// `civil_from_days`).
const fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + (month <= 2) as i64, month, day)
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Self {
                seconds: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                nanos: after.subsec_nanos(),
            },
            Err(before) => {
                let before = before.duration();
                let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                match before.subsec_nanos() {
                    0 => Self { seconds: -whole, nanos: 0 },
                    nanos => Self { seconds: (-whole).saturating_sub(1), nanos: 1_000_000_000 - nanos },
                }
            }
        }
    }
}

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Ended {
    /// It returned.
    Finished,
    /// It called `process::exit`.
    Exited,
    /// It was replaced by another program (`exec`).
    Replaced,
    /// It panicked.
    Panicked,
    /// Its future was dropped before it was done.
    Cancelled,
    /// It started, and none of the others: killed, crashed, or the power went.
    Interrupted,
}

impl Ended {
    /// Every way, in the order of their codes.
    pub const ALL: [Self; 6] =
        [Self::Finished, Self::Exited, Self::Replaced, Self::Panicked, Self::Cancelled, Self::Interrupted];

    /// The word that backends and schemas use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Exited => "exited",
            Self::Replaced => "replaced",
            Self::Panicked => "panicked",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}

/// The value of an attribute.
#[derive(Clone, PartialEq, Debug)]
pub enum Value<'a> {
    /// Text. It is redacted.
    Text(Cow<'a, str>),
    /// Text that the author's program holds, like the name of an enum's case: no user's text can be in it,
    /// so it is not redacted. Backends see text.
    Declared(&'static str),
    /// A whole number. Beyond 2^53 a backend sees the nearest one that a double can hold.
    Integer(i64),
    /// A number. What is not finite is recorded as text.
    Number(f64),
    /// True or false.
    Boolean(bool),
}

macro_rules! value_from {
    ($($from:ty => |$it:ident| $into:expr;)*) => {$(
        impl<'a> From<$from> for Value<'a> {
            fn from($it: $from) -> Self {
                $into
            }
        }
    )*};
}

value_from! {
    &'a str => |it| Value::Text(Cow::Borrowed(it));
    String => |it| Value::Text(Cow::Owned(it));
    Cow<'a, str> => |it| Value::Text(it);
    &'a String => |it| Value::Text(Cow::Borrowed(it));
    bool => |it| Value::Boolean(it);
    f64 => |it| Value::Number(it);
    f32 => |it| Value::Number(f64::from(it));
    i64 => |it| Value::Integer(it);
    i32 => |it| Value::Integer(i64::from(it));
    i16 => |it| Value::Integer(i64::from(it));
    i8 => |it| Value::Integer(i64::from(it));
    u32 => |it| Value::Integer(i64::from(it));
    u16 => |it| Value::Integer(i64::from(it));
    u8 => |it| Value::Integer(i64::from(it));
    u64 => |it| Value::Integer(i64::try_from(it).unwrap_or(i64::MAX));
    usize => |it| Value::Integer(i64::try_from(it).unwrap_or(i64::MAX));
}

/// A named value.
#[derive(Clone, PartialEq, Debug)]
pub struct Attribute<'a> {
    /// Its name, unique within an event.
    pub key: Cow<'a, str>,
    /// Its value.
    pub value: Value<'a>,
}

impl<'a> Attribute<'a> {
    /// An attribute.
    pub fn new(key: impl Into<Cow<'a, str>>, value: impl Into<Value<'a>>) -> Self {
        Self { key: key.into(), value: value.into() }
    }

    fn to_owned_attribute(&self) -> Attribute<'static> {
        let value = match &self.value {
            Value::Text(text) => Value::Text(Cow::Owned(text.clone().into_owned())),
            // What reads it later sees text, as after the journal.
            Value::Declared(text) => Value::Text(Cow::Borrowed(text)),
            Value::Integer(number) => Value::Integer(*number),
            Value::Number(number) => Value::Number(*number),
            Value::Boolean(flag) => Value::Boolean(*flag),
        };
        Attribute { key: Cow::Owned(self.key.clone().into_owned()), value }
    }
}

/// One thing that happened.
#[derive(Clone, PartialEq, Debug)]
pub struct Event<'a> {
    /// Its name for ever.
    pub id: EventId,
    /// What sort of thing; see [`kind`].
    pub kind: Cow<'a, str>,
    /// What exactly, as in `remote/add`.
    pub name: Cow<'a, str>,
    /// When.
    pub time: Timestamp,
    /// How long it took.
    pub duration: Option<Duration>,
    /// The exit code of a command.
    pub exit_code: Option<i32>,
    /// How a command ended.
    pub ended: Option<Ended>,
    /// The class of an error, without its text.
    pub error_kind: Option<Cow<'a, str>>,
    /// The text of an error. Recorded only under extended collection, and redacted.
    pub error: Option<Cow<'a, str>>,
    /// The command's arguments. Recorded only under extended collection, and redacted.
    pub args: Cow<'a, [Cow<'a, str>]>,
    /// The author's own facts.
    pub attributes: Cow<'a, [Attribute<'a>]>,
}

impl<'a> Event<'a> {
    /// An event of this kind and name, now, and nothing else yet. Its id is filled in when it is
    /// recorded.
    pub fn new(kind: impl Into<Cow<'a, str>>, name: impl Into<Cow<'a, str>>) -> Self {
        Self {
            id: EventId([0; 16]),
            kind: kind.into(),
            name: name.into(),
            time: Timestamp::default(),
            duration: None,
            exit_code: None,
            ended: None,
            error_kind: None,
            error: None,
            args: Cow::Borrowed(&[]),
            attributes: Cow::Borrowed(&[]),
        }
    }

    /// The same event, owning every text.
    pub(crate) fn to_owned_event(&self) -> Event<'static> {
        fn owned(text: &str) -> Cow<'static, str> {
            Cow::Owned(text.to_owned())
        }
        Event {
            id: self.id,
            kind: owned(&self.kind),
            name: owned(&self.name),
            time: self.time,
            duration: self.duration,
            exit_code: self.exit_code,
            ended: self.ended,
            error_kind: self.error_kind.as_deref().map(owned),
            error: self.error.as_deref().map(owned),
            args: self.args.iter().map(|arg| owned(arg)).collect(),
            attributes: self.attributes.iter().map(Attribute::to_owned_attribute).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_written_as_rfc_3339_in_every_era() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (-1, "1969-12-31T23:59:59.000000000Z"),
            (951_782_399, "2000-02-28T23:59:59.000000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000000Z"),
            (2_147_483_648, "2038-01-19T03:14:08.000000000Z"),
            (i64::MAX, "9999-12-31T23:59:59.000000000Z"),
            (i64::MIN, "0001-01-01T00:00:00.000000000Z"),
        ] {
            assert_eq!(Timestamp { seconds, nanos: 0 }.rfc3339(), text);
        }
    }

    #[test]
    fn a_time_before_1970_keeps_its_nanoseconds_positive() {
        let time = SystemTime::UNIX_EPOCH - Duration::from_millis(250);
        assert_eq!(Timestamp::from(time), Timestamp { seconds: -1, nanos: 750_000_000 });
    }

    #[test]
    fn an_id_is_a_version_8_uuid_and_keeps_what_tells_two_apart() {
        let id = EventId::from_parts(0x0123_4567_89ab_cdef, 1);
        assert_eq!(id.to_string(), "01234567-89ab-8def-8000-000000000001");
        assert_ne!(id, EventId::from_parts(0x0123_4567_89ab_cdef, 2));
    }
}
