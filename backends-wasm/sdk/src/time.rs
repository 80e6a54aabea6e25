//! Times as vendors want them, without a clock and without the rounding of an `f64`.

use crate::Instant;

impl Instant {
    /// Nanoseconds since 1970, exact, read from the RFC 3339 text. A moment before 1970, or one that
    /// an unsigned 64-bit count cannot hold (after 2554), is the nearest that it can; text that is
    /// not a time falls back to `unix_ms`.
    #[must_use]
    pub fn unix_nanos(&self) -> u64 {
        match parse(&self.rfc3339) {
            Some((seconds, nanos)) => match u64::try_from(seconds) {
                Ok(seconds) => seconds.saturating_mul(1_000_000_000).saturating_add(u64::from(nanos)),
                Err(_) => 0,
            },
            // A float-to-integer cast saturates and makes 0 of what is no number.
            None => (self.unix_ms * 1e6) as u64,
        }
    }
}

/// Seconds and nanoseconds since 1970 of `YYYY-MM-DDThh:mm:ss[.fraction]Z`, which is the only form
/// that the contract has.
fn parse(text: &str) -> Option<(i64, u32)> {
    // By place, not by looking for the separators: a batch has a time in each of a thousand events.
    let (clock, rest) = text.as_bytes().split_first_chunk()?;
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', i0, i1, b':', s0, s1] = *clock
    else {
        return None;
    };
    let fraction = match rest {
        [b'Z'] => &[],
        [b'.', fraction @ .., b'Z'] => fraction,
        _ => return None,
    };
    let (year, month, day) = (number(&[y0, y1, y2, y3])?, number(&[m0, m1])?, number(&[d0, d1])?);
    let (hour, minute, second) = (number(&[h0, h1])?, number(&[i0, i1])?, number(&[s0, s1])?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut nanos = 0;
    for at in 0..9 {
        nanos = nanos * 10 + fraction.get(at).map_or(Some(0), |it| digit(*it))?;
    }
    Some((days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second, nanos))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |all, it| Some(all * 10 + i64::from(digit(*it)?)))
}

fn digit(byte: u8) -> Option<u32> {
    byte.is_ascii_digit().then(|| u32::from(byte - b'0'))
}

/// The day number of a proleptic Gregorian date, 1970-01-01 being 0 (Howard Hinnant's
/// `days_from_civil`).
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let yoe = year.rem_euclid(400);
    let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(rfc3339: &str) -> u64 {
        Instant { rfc3339: rfc3339.into(), unix_ms: 1.5 }.unix_nanos()
    }

    #[test]
    fn a_time_keeps_its_last_nanosecond() {
        assert_eq!(nanos("2026-08-01T12:00:00.123456789Z"), 1_785_585_600_123_456_789);
        assert_eq!(nanos("2000-02-29T00:00:00Z"), 951_782_400_000_000_000);
        assert_eq!(nanos("2100-03-01T00:00:00.5Z"), 4_107_542_400_500_000_000);
        assert_eq!(nanos("1970-01-01T00:00:00.000000001Z"), 1);
    }

    #[test]
    fn a_time_that_the_count_cannot_hold_is_the_nearest_one() {
        assert_eq!(nanos("1969-12-31T23:59:59.999999999Z"), 0);
        assert_eq!(nanos("0001-01-01T00:00:00.000000000Z"), 0);
        assert_eq!(nanos("9999-12-31T23:59:59.000000000Z"), u64::MAX);
    }

    #[test]
    fn what_is_no_time_falls_back_to_the_milliseconds() {
        for text in [
            "",
            "yesterday",
            "2026-13-01T00:00:00Z",
            "2026-08-01T12:00:00",
            "2026-08-01T12:00:00.x0Z",
            "2026-08-01T12:00:00,5Z",
            "2026-08-01T12:00:0\u{e9}Z",
            "2026-8-1T12:00:00Z",
            "+026-08-01T12:00:00Z",
        ] {
            assert_eq!(nanos(text), 1_500_000, "{text}");
        }
        let nothing = Instant { rfc3339: String::new(), unix_ms: f64::NAN };
        assert_eq!(nothing.unix_nanos(), 0);
    }
}
