//! Bounds that the fields of several resources share.
//!
//! Ring: api.

/// Ten years, the longest `x-expires` that RabbitMQ takes (315 360 000 000 ms).
pub(crate) const MAX_SECONDS: i64 = 315_360_000;
