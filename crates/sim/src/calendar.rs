//! Dates: from unix time and back, in UTC. Source: Howard Hinnant, "chrono-Compatible Low-Level Date
//! Algorithms".

use ballast_units::Time;
use toml::value::Datetime;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Days from 1 January 1970 to a date.
#[must_use]
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day that come so many days after 1 January 1970.
#[must_use]
pub fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// `2021-05-19 13:10:00`, in UTC.
#[must_use]
pub fn date_time(time: Time) -> String {
    let (year, month, day) = civil_from_days(time.millis() / 86_400_000);
    let second = time.millis() / 1_000 % 86_400;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// `2021-05-19 13:10`, in UTC.
#[must_use]
pub fn date_hour_minute(time: Time) -> String {
    let (year, month, day) = civil_from_days(time.millis() / 86_400_000);
    format!("{year:04}-{month:02}-{day:02} {}", hour_minute(time))
}

/// `13:10`, in UTC.
#[must_use]
pub fn hour_minute(time: Time) -> String {
    let minute = time.millis() / 60_000 % 1_440;
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// `19 May`, in UTC.
#[must_use]
pub fn day_month(time: Time) -> String {
    let (_, month, day) = civil_from_days(time.millis() / 86_400_000);
    let name = usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month));
    format!("{day} {}", name.expect("twelve months"))
}

/// Unix time of `2021-05-19T13:10:00Z`, in UTC from 1970 on; none for anything else.
#[must_use]
pub fn moment(text: &str) -> Option<Time> {
    of_datetime(&text.parse().ok()?)
}

/// Unix time of a date-time in UTC; none for anything else.
pub(crate) fn of_datetime(datetime: &Datetime) -> Option<Time> {
    let (date, time) = (datetime.date?, datetime.time?);
    if !matches!(datetime.offset, None | Some(toml::value::Offset::Z)) {
        return None;
    }
    let days = days_from_civil(i64::from(date.year), i64::from(date.month), i64::from(date.day));
    let days = u64::try_from(days).ok()?;
    let (hour, minute, second) = (u64::from(time.hour), u64::from(time.minute), u64::from(time.second));
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Some(Time::from_millis(seconds * 1_000 + u64::from(time.nanosecond) / 1_000_000))
}
