//! Points in time and times of day as MSGin5G writes them.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

const SECONDS_PER_DAY: u64 = 86_400;
/// 9999-12-31T23:59:59Z, the last second that RFC 3339 can write.
const LAST: u64 = 253_402_300_799;

/// A point in time, in whole seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Makes a point in time; one after the year 9999 becomes the last second of that year.
    #[must_use]
    pub const fn from_unix_seconds(seconds: u64) -> Self {
        Self(if seconds > LAST { LAST } else { seconds })
    }

    /// Returns seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_seconds(self) -> u64 {
        self.0
    }

    /// Returns the point in time `duration` later; parts of a second are dropped.
    #[must_use]
    pub const fn plus(self, duration: Duration) -> Self {
        Self::from_unix_seconds(self.0.saturating_add(duration.as_secs()))
    }

    /// Reads an RFC 3339 date-time with any offset; fractions of a second are dropped, a leap second counts as the
    /// second before it.
    ///
    /// Returns `None` for other text and for a time before 1970.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut chars = Scanner(text.as_bytes());
        let year = chars.digits(4)?;
        chars.one_of(b"-")?;
        let month = chars.digits(2)?;
        chars.one_of(b"-")?;
        let day = chars.digits(2)?;
        chars.one_of(b"Tt ")?;
        let second_of_day = chars.time()?;
        let offset = chars.offset()?;
        if !chars.0.is_empty() || year < 1970 || day == 0 || day > days_in_month(year, month)? {
            return None;
        }
        let local = days_since_epoch(year, month, day) * SECONDS_PER_DAY + u64::from(second_of_day);
        let utc = local.checked_add_signed(-i64::from(offset) * 60)?;
        (utc <= LAST).then_some(Self(utc))
    }

    /// Returns the RFC 3339 form in UTC, for example `2026-01-02T03:04:05Z`.
    #[must_use]
    pub fn to_text(self) -> String {
        let (year, month, day) = civil(self.0 / SECONDS_PER_DAY);
        let second = self.0 % SECONDS_PER_DAY;
        let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
    }
}

/// A time of day, with its offset from UTC where the sender gives one.
///
/// Source: TS 29.122 (TimeOfDay), RFC 3339 5.6 (partial-time and full-time).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeOfDay {
    seconds: u32,
    offset_minutes: Option<i16>,
}

impl TimeOfDay {
    /// Returns seconds since midnight.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.seconds
    }

    /// Returns minutes east of UTC, or `None` for the local time of the UE.
    #[must_use]
    pub const fn offset_minutes(self) -> Option<i16> {
        self.offset_minutes
    }

    /// Reads `HH:MM:SS` with an optional fraction and offset. Returns `None` for other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut chars = Scanner(text.as_bytes());
        let seconds = chars.time()?;
        let offset_minutes = if chars.0.is_empty() {
            None
        } else {
            Some(chars.offset()?)
        };
        chars.0.is_empty().then_some(Self {
            seconds,
            offset_minutes,
        })
    }

    /// Returns the form that [`Self::parse`] reads.
    #[must_use]
    pub fn to_text(self) -> String {
        let (h, m, s) = (
            self.seconds / 3600,
            self.seconds / 60 % 60,
            self.seconds % 60,
        );
        let time = format!("{h:02}:{m:02}:{s:02}");
        match self.offset_minutes {
            None => time,
            Some(0) => time + "Z",
            Some(offset) => {
                let sign = if offset < 0 { '-' } else { '+' };
                let minutes = offset.unsigned_abs();
                format!("{time}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

/// Reads fixed forms from the front of a text.
struct Scanner<'a>(&'a [u8]);

impl Scanner<'_> {
    fn one_of(&mut self, set: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        if !set.contains(first) {
            return None;
        }
        self.0 = rest;
        Some(*first)
    }

    fn digits(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            value = value * 10 + u32::from(self.one_of(b"0123456789")? - b'0');
        }
        Some(value)
    }

    fn time(&mut self) -> Option<u32> {
        let hour = self.digits(2)?;
        self.one_of(b":")?;
        let minute = self.digits(2)?;
        self.one_of(b":")?;
        let second = self.digits(2)?;
        if self.one_of(b".").is_some() {
            self.digits(1)?;
            while self.digits(1).is_some() {}
        }
        (hour < 24 && minute < 60 && second <= 60)
            .then_some(hour * 3600 + minute * 60 + second.min(59))
    }

    /// Reads `Z` or `+HH:MM`; minutes east of UTC.
    fn offset(&mut self) -> Option<i16> {
        let sign = match self.one_of(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(0),
        };
        let hour = self.digits(2)?;
        self.one_of(b":")?;
        let minute = self.digits(2)?;
        if hour >= 24 || minute >= 60 {
            return None;
        }
        i16::try_from(hour * 60 + minute).ok().map(|m| sign * m)
    }
}

const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in_month(year: u32, month: u32) -> Option<u32> {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if is_leap(year) { 29 } else { 28 }),
        _ => None,
    }
}

/// Days since 1970-01-01 of a date from 1970 on; years are counted from March, so that a leap day ends a year.
fn days_since_epoch(year: u32, month: u32, day: u32) -> u64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    u64::from(days - DAYS_BEFORE_1970)
}

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_1970: u32 = 719_468;

/// Year, month and day of a number of days since 1970-01-01.
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_BEFORE_1970 as u64;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = era * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates_have_known_seconds() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2026-01-02T03:04:05Z", 1_767_323_045),
            ("2038-01-19T03:14:08Z", 2_147_483_648),
            ("9999-12-31T23:59:59Z", LAST),
        ] {
            assert_eq!(
                Timestamp::parse(text),
                Some(Timestamp::from_unix_seconds(seconds))
            );
            assert_eq!(Timestamp::from_unix_seconds(seconds).to_text(), text);
        }
    }

    #[test]
    fn days_of_all_years_read_back() {
        for day in (0..LAST / SECONDS_PER_DAY).step_by(13) {
            let time = Timestamp::from_unix_seconds(day * SECONDS_PER_DAY + 7);
            assert_eq!(Timestamp::parse(&time.to_text()), Some(time));
        }
    }

    #[test]
    fn offsets_and_fractions_are_read() {
        let utc = Timestamp::parse("2026-01-02T03:04:05Z");
        assert!(utc.is_some());
        assert_eq!(Timestamp::parse("2026-01-02T04:34:05.75+01:30"), utc);
        assert_eq!(Timestamp::parse("2026-01-01T22:04:05-05:00"), utc);
        assert_eq!(
            Timestamp::parse("2026-06-30T23:59:60Z"),
            Timestamp::parse("2026-06-30T23:59:59Z")
        );
    }

    #[test]
    fn impossible_times_are_refused() {
        for text in [
            "",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "2026-01-02T24:00:00Z",
            "2026-01-02T03:04:05",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05Zx",
            "2026-01-02T03:04:05+24:00",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn times_of_day_read_back() {
        for text in ["00:00:00", "20:15:00Z", "23:59:59-08:00", "06:30:00+05:45"] {
            let time = TimeOfDay::parse(text).expect("a time of day");
            assert_eq!(time.to_text(), text);
        }
        for text in ["", "24:00:00", "20:15", "20:15:00 ", "20:15:00+1:00"] {
            assert_eq!(TimeOfDay::parse(text), None, "{text}");
        }
    }
}
