//! Names and proofs that nobody can guess.
//!
//! Ring: core.
//!
//! All couriers share one broker user, so the user alone proves nothing. An attempt is known by its capability: an HMAC of
//! the job's UID and the attempt under a key that only the operator has ([`super::CapabilityKey`]). Its output queue is
//! named after it, which whoever lists queues can read, so that it proves nothing either: what does is derived from the key
//! of the job's namespace ([`super::NamespaceKey`]).
//!
//! Guarantees: capabilities are compared in constant time, and never appear in a `Debug` output.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::hex::{from_hex, to_hex};

/// Half of an HMAC-SHA256: 128 bits cannot be guessed, and a queue name stays readable.
const CAPABILITY_BYTES: usize = 16;

/// What one attempt of one job is known by at the broker; its text form is 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Capability([u8; CAPABILITY_BYTES]);

/// The text is not 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a capability has 32 lower-case hexadecimal digits")]
pub struct ParseCapabilityError;

impl fmt::Display for Capability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for Capability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Capability(…)")
    }
}

impl FromStr for Capability {
    type Err = ParseCapabilityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_hex(text).map(Self).ok_or(ParseCapabilityError)
    }
}

impl Capability {
    pub(super) fn first_half(hash: &[u8; 32]) -> Self {
        let mut half = [0; CAPABILITY_BYTES];
        half.copy_from_slice(&hash[..CAPABILITY_BYTES]);
        Self(half)
    }

    /// That of no attempt.
    #[must_use]
    pub const fn none() -> Self {
        Self([0; CAPABILITY_BYTES])
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().map(Self).ok()
    }
}

impl TryFrom<String> for Capability {
    type Error = ParseCapabilityError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Capability> for String {
    fn from(capability: Capability) -> Self {
        capability.to_string()
    }
}

impl PartialEq for Capability {
    /// In constant time: how long a comparison takes must not tell how much of a guess was right.
    fn eq(&self, other: &Self) -> bool {
        let difference = self.0.iter().zip(&other.0).fold(0, |sum, (ours, theirs)| sum | (ours ^ theirs));
        std::hint::black_box(difference) == 0
    }
}

impl Eq for Capability {}

#[cfg(test)]
mod tests {
    use super::super::CapabilityKey;
    use super::*;

    #[test]
    fn has_one_text_form() {
        let capability = CapabilityKey::new(&[7; 32]).unwrap().capability("8c0a1f5e-7f66-4d0e-a6a9-2f4a0c2f9d11", 1);
        let text = capability.to_string();
        assert_eq!(text.parse(), Ok(capability));
        assert_eq!(text.to_uppercase().parse::<Capability>(), Err(ParseCapabilityError));
        assert_eq!("".parse::<Capability>(), Err(ParseCapabilityError));
    }
}
