//! Where the input of a job comes from.
//!
//! Ring: core.

use kube::ResourceExt;

use crate::{
    api::{OmotesJob, job::EsdlSource, names},
    topology,
    wire::{Keys, SealedInput},
};

/// The name of the queue with the input of `job`, where that came over the broker.
#[must_use]
pub fn input_queue(job: &OmotesJob, keys: &Keys) -> Option<String> {
    if !is_from_broker(job) {
        return None;
    }
    let (namespace, name) = (job.namespace().unwrap_or_default(), job.name_any());
    let key_id = input_key(job);
    let key = keys.of(&namespace, key_id);
    Some(match key_id {
        Some(_) => topology::sealed_input_queue_name(&key.namespace_key(&namespace).input_label(&name)),
        None => topology::input_queue_name(&key.input_capability(&namespace, &name)),
    })
}

pub(super) fn is_from_broker(job: &OmotesJob) -> bool {
    let esdl = job.spec.input.as_ref().and_then(|input| input.esdl.as_ref());
    esdl.is_some_and(|esdl| esdl.from_broker.is_some())
}

fn input_key(job: &OmotesJob) -> Option<&str> {
    job.annotations().get(names::ANNOTATION_INPUT_KEY).map(String::as_str)
}

/// The input of `job` where it waits sealed at the broker.
pub(super) fn sealed_input(job: &OmotesJob) -> Option<SealedInput> {
    let key_id = input_key(job).filter(|_| is_from_broker(job))?.to_owned();
    Some(SealedInput { job: job.name_any(), key_id })
}

/// The queue of an input that is not sealed.
pub(super) fn open_input_queue(job: &OmotesJob, keys: &Keys) -> Option<String> {
    input_queue(job, keys).filter(|_| sealed_input(job).is_none())
}

/// What the courier is to wait for, in words; `None` when nothing is referred to.
pub(super) fn expected_input(job: &OmotesJob) -> Option<String> {
    let esdl = job.spec.input.as_ref()?.esdl.as_ref()?;
    let EsdlSource { config_map_key_ref, secret_key_ref, inline: _, from_broker: _ } = esdl;
    let config_map =
        config_map_key_ref.as_ref().map(|reference| format!("key {} of ConfigMap {}", reference.key, reference.name));
    let secret = secret_key_ref.as_ref().map(|reference| format!("key {} of Secret {}", reference.key, reference.name));
    config_map.or(secret)
}
