//! Writes to Kubernetes that are not of jobs alone: Events, and the release of pods. How the operator makes and deletes.
//!
//! Ring: shell. All other writes to Kubernetes are in files and folders of this name in the folders beside it.

use k8s_openapi::api::core::v1::{ObjectReference, Pod};
use kube::{
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
    runtime::events::{Event, EventType, Recorder},
};
use serde_json::json;
use tracing::debug;

use crate::{
    api::{Reason, finalizers, names},
    task,
    text::{bounded, on_one_line},
    words::kube_words,
};

use super::{
    context::Context,
    error::{Error, kube_error},
};

/// The apiserver refuses an Event whose note has more bytes.
const MAX_NOTE_BYTES: usize = 1024;

/// How the operator makes an object.
pub(crate) fn as_operator() -> PostParams {
    PostParams { field_manager: Some(names::OPERATOR.to_owned()), dry_run: false }
}

/// Deletes an object only if it is still as it was seen.
pub(crate) fn exactly(uid: String, resource_version: String) -> DeleteParams {
    DeleteParams {
        preconditions: Some(Preconditions { uid: Some(uid), resource_version: Some(resource_version) }),
        ..DeleteParams::default()
    }
}

/// Writes an Event about an object. A courtesy: the status says the same, so failing to write one fails nothing.
pub(crate) async fn warn_of(reason: Reason, note: &str, about: &ObjectReference, context: &Context) {
    if let Err(error) = context.clients.recorder.publish(&warning(reason, note, "Reconcile"), about).await {
        debug!(error = kube_words(&error), %reason, "could not write an Event");
    }
}

/// Writes an Event about an object, without waiting for it: the caller goes on while the apiserver is away.
pub(crate) fn publish_apart(event: Event, about: ObjectReference, recorder: &Recorder) {
    let recorder = recorder.clone();
    task::spawn("Event", async move {
        if let Err(error) = recorder.publish(&event, &about).await {
            debug!(error = kube_words(&error), "could not write an Event");
        }
    });
}

/// The Event that warns of `reason`, with as much of `note` as the apiserver takes.
pub(crate) fn warning(reason: Reason, note: &str, action: &str) -> Event {
    Event {
        type_: EventType::Warning,
        reason: reason.as_str().to_owned(),
        note: Some(bounded(&on_one_line(note), MAX_NOTE_BYTES)),
        action: action.to_owned(),
        secondary: None,
    }
}

/// Takes the operator's finalizer off a pod; `None` when the pod is gone with it.
pub(crate) async fn release_pod(
    namespace: &str,
    name: &str,
    uid: &str,
    context: &Context,
) -> Result<Option<Pod>, Error> {
    let patch =
        json!({"metadata": {"uid": uid, "$deleteFromPrimitiveList/finalizers": [names::FINALIZER_EXIT_RECORDED]}});
    match context.clients.pods_in(namespace).patch(name, &PatchParams::default(), &Patch::Strategic(&patch)).await {
        Ok(pod) => {
            context.state.wrote_pod(&pod);
            Ok((!finalizers::is_gone(&pod)).then_some(pod))
        }
        // Gone. Another pod of that name is refused for its UID, and the watch shows it before a later pass.
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(None),
        Err(error) => Err(kube_error("releasing the job's pod")(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A progress bar, and accents: two and three bytes a character.
    #[test]
    fn a_note_has_no_more_bytes_than_the_apiserver_takes() {
        for character in ["x", "é", "█"] {
            let note = warning(Reason::Undecodable, &character.repeat(1024), "Decode").note.unwrap();
            assert!((1022..=MAX_NOTE_BYTES).contains(&note.len()), "{} bytes", note.len());
            assert!(note.starts_with(character) && note.ends_with(character));
        }
    }
}
