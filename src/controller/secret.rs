//! The courier's credentials in the namespaces that run jobs.
//!
//! Ring: shell. A job in a fresh namespace works, because its first job brings the Secret along; a rotated password is
//! brought by the next job, or where pods wait for one within a minute.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Client, ResourceExt,
    api::{ObjectMeta, PostParams},
};

use crate::{
    api::names,
    plan::observed::{Preparation, Refusal},
};

use super::error::Error;

/// Where couriers' credentials come from, and where they may not go.
///
/// That a Secret was there is not relied on: it, or its whole namespace, may be gone and made anew since. Only its version is
/// remembered, for pods that wait for a job.
pub(crate) struct CourierSecrets {
    uri_file: PathBuf,
    ca_file: PathBuf,
    refused: Mutex<HashMap<String, Refusal>>,
    versions: Mutex<HashMap<String, String>>,
    /// Held while a Secret is put: many first jobs of a namespace come at once, and one of them is enough.
    putting: tokio::sync::Mutex<()>,
}

impl CourierSecrets {
    /// Credentials from the file `uri_file`; `ca_file` may be missing.
    pub(crate) fn new(uri_file: PathBuf, ca_file: PathBuf) -> Self {
        Self {
            uri_file,
            ca_file,
            refused: Mutex::default(),
            versions: Mutex::default(),
            putting: tokio::sync::Mutex::default(),
        }
    }

    /// What is known of the Secret in `namespace`: that it was refused, or nothing.
    pub(crate) fn sight(&self, namespace: &str) -> Preparation {
        self.refused().get(namespace).cloned().map_or(Preparation::Unknown, Preparation::Refused)
    }

    /// The version of the Secret in `namespace` as this process last saw it: a pod's courier has the credentials of one.
    pub(crate) fn version(&self, namespace: &str) -> Option<String> {
        self.versions().get(namespace).cloned()
    }

    /// Sees to it that the Secret is in `namespace`.
    pub(crate) async fn ensure(&self, client: &Client, namespace: &str, now: Timestamp) -> Result<Preparation, Error> {
        let _alone = self.putting.lock().await;
        let data = self.data().await?;
        let put = put(&Api::namespaced(client.clone(), namespace), data, now)
            .await
            .map_err(|source| Error::Kube { doing: "putting the courier's Secret into the job's namespace", source })?;
        let mut versions = self.versions();
        match put {
            Ok(secret) => {
                self.refused().remove(namespace);
                versions.insert(namespace.to_owned(), secret.resource_version().unwrap_or_default());
                Ok(Preparation::Ready(now))
            }
            Err(refusal) => {
                versions.remove(namespace);
                self.refused().insert(namespace.to_owned(), refusal.clone());
                Ok(Preparation::Refused(refusal))
            }
        }
    }

    fn versions(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self) -> MutexGuard<'_, HashMap<String, Refusal>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn data(&self) -> Result<BTreeMap<String, ByteString>, Error> {
        let uri = tokio::fs::read_to_string(&self.uri_file)
            .await
            .map_err(|error| Error::Credentials(format!("{}: {error}", self.uri_file.display())))?;
        let ca = tokio::fs::read(&self.ca_file).await.ok();
        let uri = ("amqp-uri".to_owned(), ByteString(uri.trim().as_bytes().to_vec()));
        Ok([uri].into_iter().chain(ca.map(|pem| ("ca.crt".to_owned(), ByteString(pem)))).collect())
    }
}

async fn put(
    api: &Api<Secret>,
    data: BTreeMap<String, ByteString>,
    now: Timestamp,
) -> Result<Result<Secret, Refusal>, kube::Error> {
    let labels = [(names::LABEL_MANAGED_BY.to_owned(), names::OPERATOR.to_owned())];
    let fresh = Secret {
        metadata: ObjectMeta {
            name: Some(names::SECRET_COURIER.to_owned()),
            labels: Some(labels.into_iter().collect()),
            ..ObjectMeta::default()
        },
        data: Some(data),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    };
    match api.get_opt(names::SECRET_COURIER).await? {
        Some(known) => renew(api, known, fresh, now).await,
        None => api.create(&PostParams::default(), &fresh).await.map(Ok),
    }
}

async fn renew(
    api: &Api<Secret>,
    known: Secret,
    fresh: Secret,
    now: Timestamp,
) -> Result<Result<Secret, Refusal>, kube::Error> {
    if known.labels().get(names::LABEL_MANAGED_BY).map(String::as_str) != Some(names::OPERATOR) {
        return Ok(Err(Refusal {
            at: now,
            reason: "SecretNameTaken",
            message: format!(
                "Secret {} in the job's namespace was not made by this operator: rename or delete it, the courier's credentials go there",
                names::SECRET_COURIER
            ),
        }));
    }
    if known.data == fresh.data {
        return Ok(Ok(known));
    }
    let update = Secret { metadata: known.metadata, ..fresh };
    api.replace(names::SECRET_COURIER, &PostParams::default(), &update).await.map(Ok)
}
