//! The key of one namespace: what its couriers prove themselves by, and under which inputs and capabilities are sealed.
//!
//! Ring: core.
//!
//! Who may look into a namespace sees its pods, and who may list queues sees their names; neither may speak as a courier or
//! read an input. So all that counts is derived inside the pod, from a key that stands in the namespace's Secret alone. The
//! operator derives it from its own.
//!
//! Guarantees: neither keys nor proofs appear in a `Debug` output; what is derived for one purpose, job, attempt or pod
//! tells nothing of any other; a sealed text that was changed is refused.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;

use super::capability::Capability;
use super::hex::{from_hex, to_hex};

const KEY_BYTES: usize = 32;
/// What a text is sealed with only once.
pub(crate) const NONCE_BYTES: usize = NONCE_LEN;
/// Enough to tell a key from its predecessors.
const ID_BYTES: usize = 8;

/// The key of one namespace.
#[derive(Clone, PartialEq, Eq)]
pub struct NamespaceKey([u8; KEY_BYTES]);

/// Which key it is; tells nothing of the key itself. Its text form is 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyId([u8; ID_BYTES]);

/// The bytes are no key, or what was sealed was sealed under another, or changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A key has 32 bytes.
    #[error("a namespace's key has 32 bytes")]
    NoKey,
    /// Sealed under another key or for another job, or changed.
    #[error("it was not sealed for this job in this namespace, or was changed since")]
    Broken,
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for NamespaceKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NamespaceKey(…)")
    }
}

impl NamespaceKey {
    pub(super) fn new(key: [u8; KEY_BYTES]) -> Self {
        Self(key)
    }

    /// The key in the file of a Secret.
    ///
    /// # Errors
    /// When it has another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        bytes.try_into().map(Self).map_err(|_| SealError::NoKey)
    }

    /// What stands in the namespace's Secret.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Which key it is.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&self.derive("id")[..ID_BYTES]);
        KeyId(id)
    }

    /// What each message of the courier in this pod carries.
    #[must_use]
    pub fn proof(&self, job_uid: &str, attempt: i32, pod_uid: &str) -> Capability {
        Capability::first_half(&self.derive(&format!("proof/{job_uid}/{attempt}/{pod_uid}")))
    }

    /// What the output of this attempt is routed by.
    #[must_use]
    pub fn output_route(&self, job_uid: &str, attempt: i32) -> Capability {
        Capability::first_half(&self.derive(&format!("output/{job_uid}/{attempt}")))
    }

    /// What the progress of the namespace's couriers is routed by.
    #[must_use]
    pub(crate) fn progress_route(&self) -> Capability {
        Capability::first_half(&self.derive("progress"))
    }

    /// What the queue with that progress is named after.
    #[must_use]
    pub(crate) fn progress_label(&self) -> Capability {
        Capability::first_half(&self.derive("progress-queue"))
    }

    /// What the queue with the sealed input of the job called so is named after.
    #[must_use]
    pub fn input_label(&self, job: &str) -> Capability {
        Capability::first_half(&self.derive(&format!("input/{job}")))
    }

    /// `capability` as it may stand in the pod: 64 hexadecimal digits.
    #[must_use]
    pub fn seal_capability(&self, capability: &Capability, job_uid: &str, attempt: i32) -> String {
        let key = self.capability_cipher(job_uid, attempt);
        let mut text = capability.as_bytes().to_vec();
        // Only this one text is ever sealed under this key.
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        match key.seal_in_place_append_tag(nonce, Aad::empty(), &mut text) {
            Ok(()) => to_hex(&text),
            // It is far below the cipher's bound, and no courier opens an empty text.
            Err(_) => String::new(),
        }
    }

    /// The capability that [`seal_capability`](Self::seal_capability) sealed.
    ///
    /// # Errors
    /// When it was sealed for another attempt or under another key.
    pub fn open_capability(&self, sealed: &str, job_uid: &str, attempt: i32) -> Result<Capability, SealError> {
        let mut text: [u8; 32] = from_hex(sealed).ok_or(SealError::Broken)?;
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        let key = self.capability_cipher(job_uid, attempt);
        let opened = key.open_in_place(nonce, Aad::empty(), &mut text).map_err(|_| SealError::Broken)?;
        let bytes: &[u8] = opened;
        Capability::from_bytes(bytes).ok_or(SealError::Broken)
    }

    /// The input of the job called so, as it may stand in a queue: nonce, text and tag. Copies it once. `nonce` is random.
    #[must_use]
    pub(crate) fn seal_input(&self, job: &str, esdl: &[u8], nonce: [u8; NONCE_BYTES]) -> Vec<u8> {
        let key = self.input_cipher(job);
        let mut sealed = Vec::with_capacity(NONCE_LEN + esdl.len() + CHACHA20_POLY1305.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(esdl);
        let nonce = Nonce::assume_unique_for_key(nonce);
        // Broken only for texts of many gigabytes; without its tag nobody opens it.
        if let Ok(tag) = key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut sealed[NONCE_LEN..]) {
            sealed.extend_from_slice(tag.as_ref());
        } else {
            sealed.clear();
        }
        sealed
    }

    /// The input that [`seal_input`](Self::seal_input) sealed, in place.
    ///
    /// # Errors
    /// When it was sealed for another job or under another key, or changed since.
    pub fn open_input(&self, job: &str, mut sealed: Vec<u8>) -> Result<Vec<u8>, SealError> {
        let nonce = sealed.first_chunk().copied().ok_or(SealError::Broken)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = self.input_cipher(job).open_within(nonce, Aad::empty(), &mut sealed, NONCE_LEN..);
        let length = opened.map_err(|_| SealError::Broken)?.len();
        sealed.truncate(length);
        Ok(sealed)
    }

    fn capability_cipher(&self, job_uid: &str, attempt: i32) -> LessSafeKey {
        self.cipher(&format!("capability-key/{job_uid}/{attempt}"))
    }

    fn input_cipher(&self, job: &str) -> LessSafeKey {
        self.cipher(&format!("input-key/{job}"))
    }

    fn cipher(&self, purpose: &str) -> LessSafeKey {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &self.derive(purpose));
        LessSafeKey::new(key.unwrap_or_else(|_| unreachable!("the hash is as long as the cipher's key")))
    }

    fn derive(&self, purpose: &str) -> [u8; KEY_BYTES] {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0);
        let mac = mac.unwrap_or_else(|_| unreachable!("an HMAC takes keys of every length"));
        mac.chain_update(purpose).finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::CapabilityKey;
    use super::*;

    const UID: &str = "8c0a1f5e-7f66-4d0e-a6a9-2f4a0c2f9d11";
    const NONCE: [u8; NONCE_LEN] = [5; NONCE_LEN];

    fn key() -> NamespaceKey {
        CapabilityKey::new(&[7; 32]).unwrap().namespace_key("ns")
    }

    fn other() -> NamespaceKey {
        CapabilityKey::new(&[7; 32]).unwrap().namespace_key("other")
    }

    #[test]
    fn all_that_is_derived_differs() {
        let capability = CapabilityKey::new(&[7; 32]).unwrap().capability(UID, 1);
        let derived = [
            capability,
            key().proof(UID, 1, "pod"),
            key().proof(UID, 2, "pod"),
            key().proof(UID, 1, "another pod"),
            key().output_route(UID, 1),
            key().output_route(UID, 2),
            key().input_label(UID),
            key().progress_route(),
            key().progress_label(),
            other().progress_route(),
            other().progress_label(),
            other().proof(UID, 1, "pod"),
            other().output_route(UID, 1),
            other().input_label(UID),
        ];
        for (at, one) in derived.iter().enumerate() {
            assert!(derived[..at].iter().all(|known| known != one), "{at}");
        }
        assert_ne!(key().id(), other().id());
    }

    /// Running couriers and queues have them: other values after an upgrade would orphan both.
    #[test]
    fn they_stay_the_same_between_versions() {
        let texts =
            [key().proof(UID, 1, "pod"), key().output_route(UID, 1), key().input_label(UID), key().progress_route()];
        assert_eq!(
            texts.map(|text| text.to_string()),
            [
                "c66e6d474b6916fdb4e424132eb45f13",
                "1730531112870f37b3612f4463324366",
                "fadf12d2bc3691eada23f48c4d21b93b",
                "a8f7f9dc3377312ccc49215888abeca7"
            ]
        );
        assert_eq!(key().id().to_string(), "e7afdc76927ee07f");
    }

    #[test]
    fn a_capability_is_opened_by_its_attempt_alone() {
        let capability = CapabilityKey::new(&[7; 32]).unwrap().capability(UID, 1);
        let sealed = key().seal_capability(&capability, UID, 1);
        assert!(sealed.len() == 64 && !sealed.contains(&capability.to_string()), "{sealed}");
        assert_eq!(key().open_capability(&sealed, UID, 1), Ok(capability));
        for (key, uid, attempt) in [(other(), UID, 1), (key(), "another", 1), (key(), UID, 2)] {
            assert_eq!(key.open_capability(&sealed, uid, attempt), Err(SealError::Broken));
        }
        assert_eq!(key().open_capability("", UID, 1), Err(SealError::Broken));
    }

    proptest! {
        #[test]
        fn an_input_is_opened_by_its_job_alone(esdl: Vec<u8>, flip: prop::sample::Index) {
            let sealed = key().seal_input("job", &esdl, NONCE);
            prop_assert_eq!(sealed.len(), esdl.len() + 28);
            prop_assert_eq!(key().open_input("job", sealed.clone()), Ok(esdl));
            prop_assert_eq!(key().open_input("another", sealed.clone()), Err(SealError::Broken));
            prop_assert_eq!(other().open_input("job", sealed.clone()), Err(SealError::Broken));
            let mut changed = sealed.clone();
            changed[flip.index(sealed.len())] ^= 1;
            prop_assert_eq!(key().open_input("job", changed), Err(SealError::Broken));
            prop_assert_eq!(key().open_input("job", sealed[..flip.index(sealed.len())].to_vec()), Err(SealError::Broken));
        }
    }

    #[test]
    fn neither_a_key_nor_what_is_too_short_for_one_is_shown() {
        assert_eq!(format!("{:?}", key()), "NamespaceKey(…)");
        assert_eq!(NamespaceKey::from_bytes(&[1; 31]), Err(SealError::NoKey));
        assert_eq!(NamespaceKey::from_bytes(key().as_bytes()), Ok(key()));
    }
}
