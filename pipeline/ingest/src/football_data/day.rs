//! Dates and times as the files write them.

use jiff::civil::{Date, Time};

/// A date: `16/08/2024`, `16/08/24` or `2024-08-16`, a time of day behind it left out. Of two
/// digits 90 to 99 are of the last century.
pub(super) fn date(cell: &[u8]) -> Option<Date> {
    if cell.len() >= 10 && cell[4] == b'-' && cell[7] == b'-' {
        if cell.len() > 10 && !matches!(cell[10], b' ' | b'T') {
            return None;
        }
        let (year, month, day) = (&cell[..4], &cell[5..7], &cell[8..10]);
        return civil(number(year)?, number(month)?, number(day)?);
    }
    let mut parts = cell.split(|&byte| byte == b'/');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || day.len() > 2 || month.len() > 2 {
        return None;
    }
    let year = match (year.len(), number(year)?) {
        (2, year) if year >= 90 => 1900 + year,
        (2, year) => 2000 + year,
        (4, year) => year,
        _ => return None,
    };
    civil(year, number(month)?, number(day)?)
}

/// Football with fixtures is younger than 1850; what lies beyond is a slip of the keys.
fn civil(year: i16, month: i16, day: i16) -> Option<Date> {
    if !(1850..2200).contains(&year) {
        return None;
    }
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// A time of day: `17:30`, `7:30`, `17:30:00`.
pub(super) fn time(cell: &[u8]) -> Option<Time> {
    let mut parts = cell.split(|&byte| byte == b':');
    let (hour, minute) = (parts.next()?, parts.next()?);
    let second = parts.next().unwrap_or(b"00");
    if parts.next().is_some() || hour.len() > 2 || minute.len() != 2 || second.len() != 2 {
        return None;
    }
    let part = |digits| number(digits).and_then(|value| i8::try_from(value).ok());
    Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok()
}

fn number(digits: &[u8]) -> Option<i16> {
    if digits.is_empty() || digits.len() > 4 {
        return None;
    }
    digits.iter().try_fold(0, |value: i16, &byte| {
        byte.is_ascii_digit().then(|| value * 10 + i16::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_in_every_form_that_the_files_use() {
        for (text, expected) in [
            ("14/08/93", "1993-08-14"),
            ("19/05/01", "2001-05-19"),
            ("08/08/2015", "2015-08-08"),
            ("8/8/2015", "2015-08-08"),
            ("2023-08-11", "2023-08-11"),
            ("2023-08-11 20:00:00", "2023-08-11"),
        ] {
            assert_eq!(date(text.as_bytes()), expected.parse().ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in ["", "31/02/2024", "1/1", "16/08/024", "2024-13-01", "a/b/c", "16/08/2024x"] {
            assert_eq!(date(text.as_bytes()), None, "{text}");
        }
        for text in ["16/08/0024", "2024-08-16x", "016/8/2024", "16/8/2024/1", "//", "Date"] {
            assert_eq!(date(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_time_of_day_may_have_seconds() {
        assert_eq!(time(b"17:30"), Some(Time::constant(17, 30, 0, 0)));
        assert_eq!(time(b"7:30:00"), Some(Time::constant(7, 30, 0, 0)));
        for text in ["", "24:00", "12", "12:5", "12:60", "a:bc", "1:2:3:4"] {
            assert_eq!(time(text.as_bytes()), None, "{text}");
        }
    }
}
