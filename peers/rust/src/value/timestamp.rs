//! Moments in time.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Value;

/// The extension type of MessagePack for timestamps.
pub(crate) const TIMESTAMP_TYPE: i8 = -1;

/// The nanoseconds of a second.
const SECOND: u32 = 1_000_000_000;

/// A moment in time: seconds since 1970, rounded down, and nanoseconds of that second. JavaScript reads it as a `Date`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    nanoseconds: u32,
}

impl Timestamp {
    /// Returns `None` if `nanoseconds` are a whole second or more.
    pub fn new(seconds: i64, nanoseconds: u32) -> Option<Self> {
        (nanoseconds < SECOND).then_some(Self { seconds, nanoseconds })
    }

    /// The seconds since 1970, rounded down, also before 1970.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// The nanoseconds of the second, less than a billion.
    pub fn nanoseconds(self) -> u32 {
        self.nanoseconds
    }

    /// The data of the extension, in its shortest form.
    pub(crate) fn to_data(self) -> Vec<u8> {
        match (u32::try_from(self.seconds), u64::try_from(self.seconds)) {
            (Ok(seconds), _) if self.nanoseconds == 0 => seconds.to_be_bytes().to_vec(),
            (_, Ok(seconds)) if seconds < 1 << 34 => {
                (u64::from(self.nanoseconds) << 34 | seconds).to_be_bytes().to_vec()
            }
            _ => [&self.nanoseconds.to_be_bytes()[..], &self.seconds.to_be_bytes()[..]].concat(),
        }
    }

    /// Reads the data of the extension. Returns `None` if it is no timestamp.
    pub(crate) fn from_data(data: &[u8]) -> Option<Self> {
        match data.len() {
            4 => Self::new(i64::from(u32::from_be_bytes(data.try_into().ok()?)), 0),
            8 => {
                let both = u64::from_be_bytes(data.try_into().ok()?);
                Self::new((both & ((1 << 34) - 1)) as i64, (both >> 34) as u32)
            }
            12 => Self::new(
                i64::from_be_bytes(data[4..].try_into().ok()?),
                u32::from_be_bytes(data[..4].try_into().ok()?),
            ),
            _ => None,
        }
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Self { seconds: since.as_secs() as i64, nanoseconds: since.subsec_nanos() },
            Err(before) => {
                let until = before.duration();
                let borrow = i64::from(until.subsec_nanos() > 0);
                Self {
                    seconds: -(until.as_secs() as i64) - borrow,
                    nanoseconds: (SECOND - until.subsec_nanos()) % SECOND,
                }
            }
        }
    }
}

impl TryFrom<Timestamp> for SystemTime {
    type Error = ();

    fn try_from(time: Timestamp) -> Result<Self, ()> {
        let whole = Duration::from_secs(time.seconds.unsigned_abs());
        let second = if time.seconds >= 0 {
            SystemTime::UNIX_EPOCH.checked_add(whole)
        } else {
            SystemTime::UNIX_EPOCH.checked_sub(whole)
        };
        second.and_then(|at| at.checked_add(Duration::from_nanos(time.nanoseconds.into()))).ok_or(())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::Time(*self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Time(time) => Ok(time),
            other => Err(serde::de::Error::custom(format_args!("expected a timestamp, not {}", other.kind()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_restored() {
        let lengths = [(1_700_000_000, 0, 4), (1_700_000_000, 5, 8), (1 << 33, 0, 8), (1 << 34, 0, 12), (-1, 999, 12)];
        for (seconds, nanoseconds, length) in lengths {
            let time = Timestamp::new(seconds, nanoseconds).expect("valid");
            assert_eq!(time.to_data().len(), length, "{time:?}");
            assert_eq!(Timestamp::from_data(&time.to_data()), Some(time));
        }
    }

    #[test]
    fn invalid_timestamps_are_refused() {
        assert_eq!(Timestamp::new(0, SECOND), None);
        assert_eq!(Timestamp::from_data(&[0xff; 8]), None);
        assert_eq!(Timestamp::from_data(&[0; 5]), None);
    }

    #[test]
    fn system_times_before_and_after_1970_are_restored() {
        for offset in [Duration::from_nanos(1), Duration::from_millis(1500), Duration::from_secs(3)] {
            for time in [SystemTime::UNIX_EPOCH + offset, SystemTime::UNIX_EPOCH - offset] {
                assert_eq!(SystemTime::try_from(Timestamp::from(time)), Ok(time));
            }
        }
        assert_eq!(Timestamp::from(SystemTime::UNIX_EPOCH - Duration::from_millis(500)).seconds(), -1);
    }
}
