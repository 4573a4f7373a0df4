//! The courier's credentials, and what became of them in the namespaces that run jobs.
//!
//! Ring: shell. Bounded by the number of namespaces.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use k8s_openapi::ByteString;

use crate::{
    api::names,
    broker::{Endpoint, Trust},
    controller::error::Error,
    plan::facts::observed::{Preparation, Refusal},
    wire::{Digest, Keys},
};

/// Where couriers' credentials come from, and where they may not go.
///
/// That a Secret was there is not relied on: it, or its whole namespace, may be gone and made anew since. Only what it held
/// is remembered, so that a rotation is noticed.
pub(crate) struct CourierSecrets {
    uri_file: PathBuf,
    ca_file: PathBuf,
    requires_tls: bool,
    keys: Keys,
    refused: Mutex<HashMap<String, Refusal>>,
    brought: Mutex<HashMap<String, Digest>>,
    /// The namespaces whose pods mount what their Secret no longer holds.
    rotated: Mutex<BTreeSet<String>>,
    /// Held while a namespace's Secret is put: many first jobs come at once, and one of them is enough. Other namespaces' jobs
    /// do not wait.
    putting: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl CourierSecrets {
    /// Credentials from the file `uri_file`, whose URI must be encrypted where that is required; `ca_file` may be missing. The keys of each namespace are derived from `keys`.
    pub(crate) fn new(uri_file: PathBuf, ca_file: PathBuf, requires_tls: bool, keys: Keys) -> Self {
        Self {
            uri_file,
            ca_file,
            requires_tls,
            keys,
            refused: Mutex::default(),
            brought: Mutex::default(),
            rotated: Mutex::default(),
            putting: Mutex::default(),
        }
    }

    /// What is known of the Secret in `namespace`: that it was refused, or nothing.
    pub(crate) fn sight(&self, namespace: &str) -> Preparation {
        self.refused().get(namespace).cloned().map_or(Preparation::Unknown, Preparation::Refused)
    }

    /// Whether this process has brought the Secret to `namespace`.
    pub(crate) fn is_known(&self, namespace: &str) -> bool {
        self.brought().contains_key(namespace)
    }

    /// What was put into `namespace`: what has this digest, or what was in the way.
    pub(crate) fn note(
        &self,
        namespace: &str,
        digest: Digest,
        put: Result<(), Refusal>,
        now: Timestamp,
    ) -> Preparation {
        let mut brought = self.brought();
        match put {
            Ok(()) => {
                self.refused().remove(namespace);
                if brought.insert(namespace.to_owned(), digest).is_some_and(|before| before != digest) {
                    self.rotated().insert(namespace.to_owned());
                }
                Preparation::Ready(now)
            }
            Err(refusal) => {
                brought.remove(namespace);
                self.refused().insert(namespace.to_owned(), refusal.clone());
                Preparation::Refused(refusal)
            }
        }
    }

    /// Held by the one that puts the Secret of `namespace`.
    pub(crate) fn putting_in(&self, namespace: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut putting = self.putting.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(putting.entry(namespace.to_owned()).or_default())
    }

    /// Those of `namespaces` that have not got what the operator's files hold now. The others are forgotten.
    pub(crate) fn stale(&self, namespaces: BTreeSet<String>) -> Result<Vec<String>, Error> {
        let credentials = self.credentials()?;
        let (mut brought, refused) = (self.brought(), self.refused());
        brought.retain(|namespace, _| namespaces.contains(namespace));
        let is_stale = |namespace: &String| {
            let current = digest(&self.data(credentials.clone(), namespace));
            brought.get(namespace) != Some(&current) && !refused.contains_key(namespace)
        };
        Ok(namespaces.into_iter().filter(is_stale).collect())
    }

    /// Takes out the namespaces whose pods mount what their Secret no longer holds.
    pub(crate) fn take_rotated(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.rotated())
    }

    fn rotated(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.rotated.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn brought(&self) -> MutexGuard<'_, HashMap<String, Digest>> {
        self.brought.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self) -> MutexGuard<'_, HashMap<String, Refusal>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the Secret of `namespace` has to hold, as the operator's files are now.
    pub(crate) fn wanted(&self, namespace: &str) -> Result<BTreeMap<String, ByteString>, Error> {
        Ok(self.data(self.credentials()?, namespace))
    }

    fn data(&self, credentials: BTreeMap<String, ByteString>, namespace: &str) -> BTreeMap<String, ByteString> {
        let keys = self.keys.all().map(|key| {
            let key = key.namespace_key(namespace);
            (names::courier_key_file(&key.id().to_string()), ByteString(key.as_bytes().to_vec()))
        });
        credentials.into_iter().chain(keys).collect()
    }

    /// What is the same in all namespaces.
    fn credentials(&self) -> Result<BTreeMap<String, ByteString>, Error> {
        // A few KiB of a mounted Secret, which is in memory.
        let uri = fs::read_to_string(&self.uri_file)
            .map_err(|error| Error::Credentials(format!("{}: {error}", self.uri_file.display())))?;
        // What else may be wrong with it couriers say in their own words.
        let endpoint = Endpoint::parse(&uri, &self.uri_file.display().to_string(), Trust::System);
        if let Some(Err(error)) = endpoint.ok().map(|endpoint| endpoint.encrypted(self.requires_tls, &self.uri_file)) {
            return Err(Error::Credentials(error.to_string()));
        }
        let ca = fs::read(&self.ca_file).ok();
        let uri = ("amqp-uri".to_owned(), ByteString(uri.trim().as_bytes().to_vec()));
        Ok([uri].into_iter().chain(ca.map(|pem| ("ca.crt".to_owned(), ByteString(pem)))).collect())
    }
}

/// The digest of what a Secret holds.
pub(crate) fn digest(data: &BTreeMap<String, ByteString>) -> Digest {
    // A map of texts always has a JSON form.
    Digest::of(&serde_json::to_vec(data).unwrap_or_default())
}
