//! Every write to Kubernetes that brings couriers their credentials.
//!
//! Ring: shell.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::{
    ByteString,
    api::core::v1::{Pod, Secret},
};
use kube::{
    Api, ResourceExt,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use tracing::debug;

use crate::{
    api::{Reason, names},
    controller::{
        context::Context,
        error::{Error, kube_error},
        state::digest,
    },
    plan::facts::observed::{Preparation, Refusal},
    pods::warm,
    words::kube_words,
};

/// Sees to it that the Secret is in `namespace`.
pub(crate) async fn ensure(namespace: &str, now: Timestamp, context: &Context) -> Result<Preparation, Error> {
    let secrets = &context.state.secrets;
    let putting = secrets.putting_in(namespace);
    let _alone = putting.lock().await;
    let data = secrets.wanted(namespace)?;
    let digest = digest(&data);
    let put = put(&Api::namespaced(context.clients.client.clone(), namespace), data, now)
        .await
        .map_err(kube_error("putting the courier's Secret into the job's namespace"))?;
    Ok(secrets.note(namespace, digest, put, now))
}

/// Has the kubelet look at `pod` now, and mount what its Secret holds. Otherwise it does so within a minute or two.
pub(super) async fn nudge(context: &Context, pod: &Pod) {
    let patch = warm::note(pod, names::ANNOTATION_CREDENTIALS_TIME, &context.clock.now().to_string());
    let api = context.clients.pods_in(&pod.namespace().unwrap_or_default());
    match api.patch(&pod.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await {
        Ok(pod) => context.state.wrote_pod(&pod),
        Err(error) => {
            debug!(
                pod = pod.name_any(),
                error = kube_words(&error),
                "the kubelet brings the rotated credentials later"
            );
        }
    }
}

async fn put(
    api: &Api<Secret>,
    data: BTreeMap<String, ByteString>,
    now: Timestamp,
) -> Result<Result<(), Refusal>, kube::Error> {
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
        None => api.create(&PostParams::default(), &fresh).await.map(|_| Ok(())),
    }
}

async fn renew(
    api: &Api<Secret>,
    known: Secret,
    fresh: Secret,
    now: Timestamp,
) -> Result<Result<(), Refusal>, kube::Error> {
    if !names::is_managed(&known) {
        return Ok(Err(Refusal {
            at: now,
            reason: Reason::SecretNameTaken,
            message: format!(
                "Secret {} in the job's namespace was not made by this operator: rename or delete it, the courier's credentials go there",
                names::SECRET_COURIER
            ),
        }));
    }
    if known.data == fresh.data {
        return Ok(Ok(()));
    }
    let update = Secret { metadata: known.metadata, ..fresh };
    api.replace(names::SECRET_COURIER, &PostParams::default(), &update).await.map(|_| Ok(()))
}
