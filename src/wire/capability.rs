//! The unguessable name by which one attempt of one job speaks to the operator.
//!
//! Ring: core.
//!
//! All couriers of a namespace share one broker user, so the user alone proves nothing. The capability does: it is an
//! HMAC of the job's UID and the attempt under a key that only the operator has. It names the attempt's output queue
//! and is part of each of its messages.
//!
//! Guarantees: capabilities are compared in constant time; the key never appears in a `Debug` output.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::text::{from_hex, to_hex};

/// Half of an HMAC-SHA256: 128 bits cannot be guessed, and a queue name stays readable.
const CAPABILITY_BYTES: usize = 16;
/// As long as the hash: RFC 2104 advises against less.
const MIN_KEY_BYTES: usize = 32;

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

/// The operator's key for capabilities.
#[derive(Clone)]
pub struct CapabilityKey(Hmac<Sha256>);

/// The key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a capability key has at least 32 random bytes")]
pub struct CapabilityKeyError;

impl CapabilityKey {
    /// A key of at least 32 random bytes.
    ///
    /// # Errors
    /// When the key is shorter.
    pub fn new(key: &[u8]) -> Result<Self, CapabilityKeyError> {
        if key.len() < MIN_KEY_BYTES {
            return Err(CapabilityKeyError);
        }
        Hmac::new_from_slice(key).map(Self).map_err(|_| CapabilityKeyError)
    }

    /// The capability of one attempt of the job with this UID.
    #[must_use]
    pub fn capability(&self, job_uid: &str, attempt: i32) -> Capability {
        self.of(&format!("{job_uid}/{attempt}"))
    }

    /// The capability of the input of the job called so: the input is there before the job has a UID, and is the same for
    /// all its attempts. No UID is `input`, so that it is that of no attempt.
    #[must_use]
    pub fn input_capability(&self, namespace: &str, job: &str) -> Capability {
        self.of(&format!("input/{namespace}/{job}"))
    }

    fn of(&self, text: &str) -> Capability {
        let mac = self.0.clone().chain_update(text).finalize().into_bytes();
        let mut half = [0; CAPABILITY_BYTES];
        half.copy_from_slice(&mac[..CAPABILITY_BYTES]);
        Capability(half)
    }
}

impl fmt::Debug for CapabilityKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CapabilityKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: &str = "8c0a1f5e-7f66-4d0e-a6a9-2f4a0c2f9d11";

    fn key() -> CapabilityKey {
        CapabilityKey::new(&[7; 32]).unwrap()
    }

    #[test]
    fn depends_on_key_job_and_attempt() {
        let capability = key().capability(UID, 1);
        assert_eq!(capability, key().capability(UID, 1));
        assert_ne!(capability, key().capability(UID, 2));
        assert_ne!(capability, key().capability("other", 1));
        assert_ne!(capability, CapabilityKey::new(&[8; 32]).unwrap().capability(UID, 1));
    }

    /// Stored in pod specs and queue names: another value after an upgrade would orphan running jobs.
    #[test]
    fn stays_the_same_between_versions() {
        assert_eq!(key().capability(UID, 1).to_string(), "e026d179742017570e7d444812958131");
    }

    #[test]
    fn that_of_an_input_depends_on_key_namespace_and_name() {
        let capability = key().input_capability("ns", UID);
        assert_eq!(capability, key().input_capability("ns", UID));
        assert_ne!(capability, key().input_capability("other", UID));
        assert_ne!(capability, key().input_capability("ns", "other"));
        assert_ne!(capability, key().capability(UID, 1));
        assert_ne!(capability, CapabilityKey::new(&[8; 32]).unwrap().input_capability("ns", UID));
    }

    #[test]
    fn has_one_text_form() {
        let text = key().capability(UID, 1).to_string();
        assert_eq!(text.parse(), Ok(key().capability(UID, 1)));
        assert_eq!(text.to_uppercase().parse::<Capability>(), Err(ParseCapabilityError));
        assert_eq!("".parse::<Capability>(), Err(ParseCapabilityError));
    }

    #[test]
    fn neither_key_nor_capability_is_shown_by_debug() {
        assert_eq!(format!("{:?}", key()), "CapabilityKey(…)");
        assert_eq!(format!("{:?}", key().capability(UID, 1)), "Capability(…)");
    }

    #[test]
    fn a_short_key_is_refused() {
        assert_eq!(CapabilityKey::new(&[7; 31]).map(|_| ()), Err(CapabilityKeyError));
    }
}
