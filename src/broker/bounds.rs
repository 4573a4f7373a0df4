//! What bounds an operation at the broker: its time, how many there are at once, and the memory of large messages.
//!
//! Ring: shell; plain values.

use std::time::Duration;

/// A healthy broker answers within milliseconds; a busy one within seconds.
pub(super) const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
/// 128 MiB over a slow network.
pub(super) const TRANSFER_TIMEOUT: Duration = Duration::from_secs(120);
/// The broker gains nothing from more channels at once.
pub(super) const MAX_OPERATIONS: usize = 32;
/// What large messages may take of the operator's memory while they are sent or fetched, in MiB: one of the largest, or
/// hundreds of usual ones. Sending one needs as much again.
pub(super) const TRANSFER_BUDGET_MIB: u32 = 128;
/// A message of up to this many bytes never waits for larger ones.
pub(super) const SMALL_BYTES: u64 = 1024 * 1024;

/// How long a message of so many bytes may keep its share of the memory: a queue that does not answer must not keep others'
/// messages from being sent.
pub(super) fn patience(bytes: u64) -> Duration {
    if bytes <= SMALL_BYTES { OPERATION_TIMEOUT } else { TRANSFER_TIMEOUT }
}
