//! The time of day.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// The latest time that [`now`] returns: a little before the end of the calendar, so that
/// it can be rounded as well.
pub const LATEST: Timestamp = Timestamp::constant(253_402_207_199, 0);

/// The time of day, from 1970 to [`LATEST`] in the year 9999. A clock that shows a time
/// outside of this range is wrong, and this returns the nearest end of the range: no code
/// that uses the time may fail because of it.
#[must_use]
pub fn now() -> Timestamp {
    from_system(SystemTime::now())
}

fn from_system(time: SystemTime) -> Timestamp {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros())
            .ok()
            .and_then(|micros| Timestamp::from_microsecond(micros).ok())
            .map_or(LATEST, |time| time.min(LATEST)),
        Err(_) => Timestamp::UNIX_EPOCH,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_out_of_the_calendar_shows_the_nearest_time_in_it() {
        let second = |second| UNIX_EPOCH + Duration::from_secs(second);
        assert_eq!(
            from_system(UNIX_EPOCH - Duration::from_secs(1)),
            Timestamp::UNIX_EPOCH
        );
        // The year 10000, and the last second that the system can represent.
        for time in [
            second(253_402_207_200),
            second(253_402_300_800),
            second(i64::MAX.unsigned_abs()),
        ] {
            assert_eq!(from_system(time), LATEST);
        }
        let second = UNIX_EPOCH + Duration::from_micros(1_700_000_000_123_456);
        assert_eq!(
            from_system(second).to_string(),
            "2023-11-14T22:13:20.123456Z"
        );
        assert!(now() > Timestamp::UNIX_EPOCH);
    }
}
