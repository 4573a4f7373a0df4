//! Instants as Kubernetes has them: in whole seconds.
//!
//! Ring: api. Nothing here overflows: what is later than the end of time is at the end of time.

use jiff::{SignedDuration, Timestamp};

/// `seconds` after `time`; the end of time where that is later.
#[must_use]
pub fn after(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// The first full second that is not before `time`.
#[must_use]
pub(crate) fn next_second(time: Timestamp) -> Timestamp {
    let whole = whole_second(time);
    if whole == time { time } else { after(whole, 1) }
}

/// The full second that `time` is in. Kubernetes' times have whole seconds.
#[must_use]
pub fn whole_second(time: Timestamp) -> Timestamp {
    let second = time.as_nanosecond().div_euclid(1_000_000_000);
    i64::try_from(second).ok().and_then(|second| Timestamp::from_second(second).ok()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn seconds_are_rounded_up(nanos in -4_000_000_000_i64..4_000_000_000) {
            let time = Timestamp::from_nanosecond(i128::from(nanos)).unwrap();
            let (below, above) = (whole_second(time), next_second(time));
            prop_assert!(below <= time && time <= above && above.duration_since(time) < SignedDuration::from_secs(1));
            prop_assert_eq!((below.subsec_nanosecond(), above.subsec_nanosecond()), (0, 0));
        }
    }
}
