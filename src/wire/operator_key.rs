//! The operator's key, from which capabilities and the keys of namespaces come, and the one before it.
//!
//! Ring: core.
//!
//! Guarantees: a key never appears in a `Debug` output; a short one is refused.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::capability::Capability;
use super::namespace_key::NamespaceKey;

/// As long as the hash: RFC 2104 advises against less.
const MIN_KEY_BYTES: usize = 32;

/// The operator's key for capabilities.
#[derive(Clone)]
pub struct CapabilityKey(Hmac<Sha256>);

/// The key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operator's key has at least 32 random bytes")]
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

    /// The key of the namespace called so. No UID is `namespace`, so that it is the capability of no attempt.
    #[must_use]
    pub fn namespace_key(&self, namespace: &str) -> NamespaceKey {
        NamespaceKey::new(self.mac(&format!("namespace/{namespace}")))
    }

    /// What the queue with the input of the job called so is named after, where an earlier version stored it, unsealed. The
    /// input is there before the job has a UID. No UID is `input`, so that it is the capability of no attempt.
    #[must_use]
    pub fn input_capability(&self, namespace: &str, job: &str) -> Capability {
        self.of(&format!("input/{namespace}/{job}"))
    }

    fn of(&self, text: &str) -> Capability {
        Capability::first_half(&self.mac(text))
    }

    fn mac(&self, text: &str) -> [u8; 32] {
        self.0.clone().chain_update(text).finalize().into_bytes().into()
    }
}

/// The operator's keys: the one that all new things are made with, and perhaps the one before it, with which attempts that
/// still run and inputs that still wait were made.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The one for what is new.
    pub current: CapabilityKey,
    /// The one before, after a rotation.
    pub previous: Option<CapabilityKey>,
}

impl Keys {
    /// All of them, the current one first.
    pub fn all(&self) -> impl Iterator<Item = &CapabilityKey> {
        [&self.current].into_iter().chain(&self.previous)
    }

    /// The one from which the key of `namespace` with this id comes; the current one where none does.
    #[must_use]
    pub fn of(&self, namespace: &str, id: Option<&str>) -> &CapabilityKey {
        let fits = |key: &&CapabilityKey| id.is_some_and(|id| key.namespace_key(namespace).id().to_string() == id);
        self.all().find(fits).unwrap_or(&self.current)
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
    fn what_was_made_with_the_key_before_is_known_by_its_id() {
        let (old, new) = (key(), CapabilityKey::new(&[8; 32]).unwrap());
        let id = old.namespace_key("ns").id().to_string();
        let rotated = Keys { current: new.clone(), previous: Some(old.clone()) };
        let chosen = |keys: &Keys, namespace: &str, id: Option<&str>| keys.of(namespace, id).capability(UID, 1);
        assert_eq!(chosen(&rotated, "ns", Some(&id)), old.capability(UID, 1));
        for (namespace, id) in [("ns", None), ("other", Some(id.as_str())), ("ns", Some("no such id"))] {
            assert_eq!(chosen(&rotated, namespace, id), new.capability(UID, 1));
        }
        let forgotten = Keys { current: new.clone(), previous: None };
        assert_eq!(chosen(&forgotten, "ns", Some(&id)), new.capability(UID, 1));
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
    fn neither_key_nor_capability_is_shown_by_debug() {
        assert_eq!(format!("{:?}", key()), "CapabilityKey(…)");
        assert_eq!(format!("{:?}", key().capability(UID, 1)), "Capability(…)");
    }

    #[test]
    fn a_short_key_is_refused() {
        assert_eq!(CapabilityKey::new(&[7; 31]).map(|_| ()), Err(CapabilityKeyError));
    }
}
