//! A date and time as RFC 3339 writes it.

/// `YYYY-MM-DDTHH:MM:SS(.fff)?(Z|±hh:mm)` (RFC 3339, section 5.6) as seconds since 1970.
pub(super) fn rfc3339(text: &str) -> Option<f64> {
    let (date, time) = text.split_once(['T', 't'])?;
    let (clock, zone) = time.split_at(time.find(['Z', 'z', '+', '-'])?);
    let (clock, fraction) = match clock.split_once('.') {
        Some((clock, digits)) => (clock, fraction(digits)?),
        None => (clock, 0.0),
    };
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = fields(clock, ':', [2, 2, 2])?;
    let offset = match zone.strip_prefix(['+', '-']) {
        Some(offset) => {
            let [hours, minutes] = fields(offset, ':', [2, 2])?;
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))?
        }
        None => zone.eq_ignore_ascii_case("Z").then_some(0)?,
    };
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_since_epoch(year, month, day)?;
    let whole = days * 86_400 + hour * 3600 + minute * 60 + second - offset;
    Some(whole as f64 + fraction)
}

fn fraction(digits: &str) -> Option<f64> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| format!("0.{digits}").parse().ok())?
}

/// Exactly `N` numbers with exactly these many digits.
fn fields<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let part = parts.next()?;
        let digits = part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = digits.then(|| part.parse().ok()).flatten()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Days from 1970-01-01 in the Gregorian calendar; `None` for a day that does not exist.
fn days_since_epoch(year: i64, month: i64, day: i64) -> Option<i64> {
    const MONTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    /// From 0001-01-01 to 1970-01-01.
    const EPOCH: i64 = 719_162;

    let leap = i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let index = usize::try_from(month.checked_sub(1)?).ok()?;
    let leap_day = |month: usize| if month == 1 { leap } else { 0 };
    let length = MONTHS.get(index)? + leap_day(index);
    if year < 1 || day < 1 || day > length {
        return None;
    }
    let before = year - 1;
    let years = before * 365 + before / 4 - before / 100 + before / 400;
    let months: i64 = (0..)
        .zip(MONTHS)
        .take(index)
        .map(|(month, days)| days + leap_day(month))
        .sum();
    Some(years + months + day - 1 - EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_the_calendars() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0.0)),
            ("2000-02-29T12:00:00Z", Some(951_825_600.0)),
            ("2026-11-22T10:00:00Z", Some(1_795_341_600.0)),
            ("2026-11-22t10:00:00z", Some(1_795_341_600.0)),
            ("2026-11-22T10:00:00.250Z", Some(1_795_341_600.25)),
            ("2026-11-22T12:30:00+02:30", Some(1_795_341_600.0)),
            ("2026-11-22T05:00:00-05:00", Some(1_795_341_600.0)),
            ("2024-12-31T23:59:60Z", Some(1_735_689_600.0)),
            ("1969-12-31T23:59:59Z", Some(-1.0)),
            ("2026-02-29T00:00:00Z", None),
            ("2100-02-29T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-00-01T00:00:00Z", None),
            ("2026-04-31T00:00:00Z", None),
            ("2026-11-22T24:00:00Z", None),
            ("2026-11-22T10:00:00", None),
            ("2026-11-22T10:00Z", None),
            ("2026-11-22T10:00:00+99:00", None),
            ("2026-11-22T10:00:00Zulu", None),
            ("2026-11-22T10:00:00.Z", None),
            ("26-11-22T10:00:00Z", None),
            ("+026-11-22T10:00:00Z", None),
            ("2026-11-22", None),
            ("", None),
        ] {
            assert_eq!(rfc3339(text), expected, "{text:?}");
        }
    }
}
