//! Points in time, and their spellings.

use std::fmt;
use std::time::Duration;

use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

/// A point in time, in UTC, from the year 0 to the year 9999, to the nanosecond.
///
/// The spelling is that of `ts`, `generated` and `created_at` in the files of the book,
/// `YYYY-MM-DDTHH:MM:SSZ`. The `Z` means UTC whatever the time zone of the machine is. Parts of a
/// second are kept in memory and dropped in this spelling.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(OffsetDateTime);

/// A text that is not a time in the format that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a time of the form {form}")]
pub struct InvalidTimestamp {
    /// The text, shortened to its first 40 characters.
    pub text: String,
    /// The form that was expected.
    pub form: &'static str,
}

impl Timestamp {
    /// The start of 1970.
    pub const UNIX_EPOCH: Timestamp = Timestamp(OffsetDateTime::UNIX_EPOCH);

    /// The current time. Nothing else in the workspace reads the clock: every function whose result
    /// depends on the time takes it as an argument.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one home of the clock")]
    pub fn now() -> Self {
        Timestamp(OffsetDateTime::now_utc())
    }

    /// Whole seconds since the start of 1970; `None` outside the years 0 to 9999.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Option<Self> {
        OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(Self::in_range)
    }

    /// Seconds since the start of 1970, as files of the book spell times of a run and of a lock;
    /// `None` for what is not a number or outside the years 0 to 9999.
    #[must_use]
    pub fn from_unix_f64(seconds: f64) -> Option<Self> {
        if !seconds.is_finite() || seconds.abs() > 1e12 {
            return None;
        }
        // Whole and fractional seconds apart: their product with 1e9 would not fit a double's 53 bits.
        let (whole, fraction) = (seconds.floor(), seconds - seconds.floor());
        #[expect(clippy::cast_possible_truncation, reason = "bounded by the check above")]
        let nanoseconds = whole as i128 * 1_000_000_000 + (fraction * 1e9).round() as i128;
        OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok().and_then(Self::in_range)
    }

    /// The time of a file; `None` outside the years 0 to 9999.
    #[must_use]
    pub fn from_system_time(time: std::time::SystemTime) -> Option<Self> {
        let nanoseconds = match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()).ok()?,
            Err(before) => -i128::try_from(before.duration().as_nanos()).ok()?,
        };
        OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok().and_then(Self::in_range)
    }

    fn in_range(time: OffsetDateTime) -> Option<Self> {
        (0..=9999).contains(&time.year()).then_some(Timestamp(time))
    }

    /// Whole seconds since the start of 1970, rounded down.
    #[must_use]
    pub fn as_unix(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// Seconds since the start of 1970 with their fraction, as `summary.json` holds them.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the format is a double; microseconds survive")]
    pub fn as_unix_f64(self) -> f64 {
        self.0.unix_timestamp() as f64 + f64::from(self.0.nanosecond()) / 1e9
    }

    /// Reads `YYYY-MM-DDTHH:MM:SSZ`, with an optional fraction of a second, as UTC.
    ///
    /// # Errors
    ///
    /// Every other spelling, among them one without the `Z`, which would be local time.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let utc = text.strip_suffix('Z').and_then(|rest| {
            let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(w, f)| (w, Some(f)));
            let nanosecond = fraction.map_or(Some(0), parse_fraction)?;
            let time = parse_fields(whole.as_bytes(), *b"--T::")?.replace_nanosecond(nanosecond).ok()?;
            Some(Timestamp(time))
        });
        utc.ok_or_else(|| invalid(text, "YYYY-MM-DDTHH:MM:SSZ"))
    }

    /// Reads `YYYY-MM-DDTHH:MM:SS`, which is local time: `offset` says of which zone.
    ///
    /// # Errors
    ///
    /// Every other spelling.
    pub fn parse_local(text: &str, offset: UtcOffset) -> Result<Self, InvalidTimestamp> {
        let form = "YYYY-MM-DDTHH:MM:SS";
        let local = parse_fields(text.as_bytes(), *b"--T::").ok_or_else(|| invalid(text, form))?;
        let shift = time::Duration::seconds(i64::from(offset.whole_seconds()));
        local.checked_sub(shift).and_then(Self::in_range).ok_or_else(|| invalid(text, form))
    }

    /// Spells `YYYY-MM-DDTHH:MM:SS` in local time, without saying so: the form of `timestamp` and `t`
    /// in the files of a run. The original calls this `format_time`. What would fall outside the years 0 to
    /// 9999 is not shifted.
    #[must_use]
    pub fn format_local(self, offset: UtcOffset) -> String {
        let shift = time::Duration::seconds(i64::from(offset.whole_seconds()));
        let local = self.0.checked_add(shift).and_then(Self::in_range).unwrap_or(self);
        let mut text = local.to_string();
        text.pop();
        text
    }

    /// This time moved into the past. At most to the year 0.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        time::Duration::try_from(span)
            .ok()
            .and_then(|span| self.0.checked_sub(span))
            .and_then(Self::in_range)
            .unwrap_or(Timestamp(Date::MIN.midnight().assume_utc().replace_year(0).unwrap_or(self.0)))
    }

    /// How long ago `earlier` was; zero if it is in the future, as it is when a clock was set back.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::try_from(self.0 - earlier.0).unwrap_or(Duration::ZERO)
    }

    pub(crate) fn to_run_prefix(self) -> String {
        let (date, time) = (self.0.date(), self.0.time());
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        format!("{year:04}-{month:02}-{day:02}-{:02}{:02}{:02}", time.hour(), time.minute(), time.second())
    }

    pub(crate) fn from_run_prefix(prefix: &str) -> Option<Self> {
        let bytes: &[u8; 17] = prefix.as_bytes().try_into().ok()?;
        let mut spread = [b':'; 19];
        spread[..13].copy_from_slice(&bytes[..13]);
        spread[14..16].copy_from_slice(&bytes[13..15]);
        spread[17..].copy_from_slice(&bytes[15..]);
        parse_fields(&spread, *b"---::").map(Timestamp)
    }
}

/// Reads `YYYY MM DD HH MM SS` with the given five bytes between the fields.
fn parse_fields(text: &[u8], separators: [u8; 5]) -> Option<OffsetDateTime> {
    let bytes: &[u8; 19] = text.try_into().ok()?;
    let between = [bytes[4], bytes[7], bytes[10], bytes[13], bytes[16]];
    if between != separators {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        bytes
            .get(range)?
            .iter()
            .try_fold(0_u16, |n, b| b.is_ascii_digit().then(|| n * 10 + u16::from(b - b'0')))
    };
    let small = |start: usize| number(start..start + 2).and_then(|n| u8::try_from(n).ok());
    let date =
        Date::from_calendar_date(i32::from(number(0..4)?), Month::try_from(small(5)?).ok()?, small(8)?);
    let time = Time::from_hms(small(11)?, small(14)?, small(17)?);
    Some(OffsetDateTime::new_utc(date.ok()?, time.ok()?))
}

/// One to nine digits after the point.
fn parse_fraction(digits: &str) -> Option<u32> {
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{digits:0<9}").parse().ok()
}

fn invalid(text: &str, form: &'static str) -> InvalidTimestamp {
    InvalidTimestamp { text: text.chars().take(40).collect(), form }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = (self.0.date(), self.0.time());
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            time.hour(),
            time.minute(),
            time.second()
        )
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Timestamp::parse(text)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn z_is_utc() {
        let time = Timestamp::parse("2026-03-09T12:54:44Z").unwrap();
        assert_eq!(time.as_unix(), 1_773_060_884);
        assert_eq!(time.to_string(), "2026-03-09T12:54:44Z");
        let with_fraction = Timestamp::parse("2026-03-09T12:54:44.25Z").unwrap();
        assert_eq!(with_fraction.as_unix_f64(), 1_773_060_884.25);
        assert_eq!(with_fraction.to_string(), "2026-03-09T12:54:44Z");
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "Z",
            "2026-03-09T12:54:44",
            "2026-03-09 12:54:44Z",
            "2026-3-9T12:54:44Z",
            "2026-02-29T00:00:00Z",
            "2026-03-09T24:00:00Z",
            "2026-03-09T12:54:60Z",
            "2026-03-09T12:54:44.Z",
            "2026-03-09T12:54:44+01:00",
            "+026-03-09T12:54:44Z",
            "２０２６-03-09T12:54:44Z",
            "2026-03-09T12:54:44.0123456789Z",
        ] {
            assert!(Timestamp::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn local_time_is_shifted_and_unmarked() {
        let time = Timestamp::parse("2026-03-09T23:54:44Z").unwrap();
        let tokyo = UtcOffset::from_hms(9, 0, 0).unwrap();
        assert_eq!(time.format_local(tokyo), "2026-03-10T08:54:44");
        assert_eq!(Timestamp::parse_local("2026-03-10T08:54:44", tokyo), Ok(time));
        assert_eq!(time.format_local(UtcOffset::UTC), "2026-03-09T23:54:44");
    }

    #[test]
    fn local_time_stays_within_four_digits_of_a_year() {
        let west = UtcOffset::from_hms(-9, 0, 0).unwrap();
        let first = Timestamp::parse("0000-01-01T00:00:00Z").unwrap();
        assert_eq!(first.format_local(west), "0000-01-01T00:00:00");
        let last = Timestamp::parse("9999-12-31T23:59:59Z").unwrap();
        assert_eq!(last.format_local(UtcOffset::from_hms(9, 0, 0).unwrap()), "9999-12-31T23:59:59");
    }

    #[test]
    fn seconds_out_of_range_are_refused() {
        for seconds in [f64::NAN, f64::INFINITY, -1e300, 1e300, 1e12] {
            assert_eq!(Timestamp::from_unix_f64(seconds), None, "{seconds}");
        }
        assert_eq!(Timestamp::from_unix(i64::MAX), None);
        assert_eq!(Timestamp::from_unix_f64(0.0), Some(Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn spans_do_not_overflow() {
        let now = Timestamp::parse("2026-03-09T12:54:44Z").unwrap();
        assert_eq!(now.minus(Duration::from_secs(4)).to_string(), "2026-03-09T12:54:40Z");
        assert_eq!(now.minus(Duration::MAX).to_string(), "0000-01-01T00:00:00Z");
        assert_eq!(now.since(now.minus(Duration::from_secs(9))), Duration::from_secs(9));
        assert_eq!(now.minus(Duration::from_secs(9)).since(now), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn every_second_survives_its_spelling(seconds in -62_167_219_200_i64..253_402_300_800) {
            let time = Timestamp::from_unix(seconds).unwrap();
            prop_assert_eq!(Timestamp::parse(&time.to_string()), Ok(time));
            prop_assert_eq!(Timestamp::from_run_prefix(&time.to_run_prefix()), Some(time));
            prop_assert_eq!(Timestamp::from_unix_f64(time.as_unix_f64()), Some(time));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}") {
            let _ = Timestamp::parse(&text);
            let _ = Timestamp::from_run_prefix(&text);
        }
    }
}
