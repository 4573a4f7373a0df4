//! One attempt of a job, and what it is known by at the broker.
//!
//! Ring: core.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::{
    settings::Settings,
    shown::{clear_capability, key_id},
};
use crate::{
    api::OmotesJob,
    topology::{self, QueueDeclaration},
    wire::{Capability, CapabilityKey, NamespaceKey},
};

/// One attempt of a job.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The job.
    pub job: &'a OmotesJob,
    /// Counted from 1.
    pub number: i32,
    /// The typeName of the job's workflow, where it has one.
    pub workflow: Option<&'a str>,
    /// The pool in which it has a slot, where its workflow shares slots.
    pub slot_pool: Option<&'a str>,
}

impl Attempt<'_> {
    pub(super) fn uid(&self) -> String {
        self.job.uid().unwrap_or_default()
    }

    /// How long its program may run, in seconds; `None` is without limit.
    #[must_use]
    pub(crate) fn run_seconds(&self, settings: &Settings) -> Option<i64> {
        let active = self.job.status.as_ref().and_then(|status| status.active_seconds);
        settings.defaults.in_force(self.job).run_seconds(&self.job.spec, active.unwrap_or(0))
    }

    /// What the output queue of this attempt is named after, if it is made now.
    fn capability(&self, settings: &Settings) -> Capability {
        settings.keys.current.capability(&self.uid(), self.number)
    }

    /// The queue of this attempt's output, which its courier sends from `pod`, if there is one.
    #[must_use]
    pub fn output_queue(&self, pod: Option<&Pod>, settings: &Settings) -> QueueDeclaration {
        let (namespace, uid) = (self.job.namespace().unwrap_or_default(), self.uid());
        // The courier of an earlier version knows its capability, and no route.
        let clear = pod.and_then(clear_capability);
        let is_its = |key: &&CapabilityKey| clear == Some(key.capability(&uid, self.number));
        let earlier = settings.keys.all().find(is_its);
        let key = earlier.unwrap_or_else(|| settings.keys.of(&namespace, pod.and_then(key_id)));
        let capability = key.capability(&uid, self.number);
        let route =
            if earlier.is_some() { capability } else { key.namespace_key(&namespace).output_route(&uid, self.number) };
        topology::output_queue(&capability, &route, self.job.spec.queues.expire_after_seconds)
    }

    /// What the queue of this attempt's output may be called, whichever key it was made with.
    #[must_use]
    pub fn output_queue_names(&self, settings: &Settings) -> Vec<String> {
        let capabilities = settings.keys.all().map(|key| key.capability(&self.uid(), self.number));
        capabilities.map(|capability| topology::output_queue_name(&capability)).collect()
    }

    /// What the messages of the courier in `pod` carry; `None` where that is of an earlier version.
    #[must_use]
    pub(crate) fn proof(&self, pod: &Pod, settings: &Settings) -> Option<Capability> {
        let (namespace, pod_uid) = (self.job.namespace()?, pod.metadata.uid.as_ref()?);
        let key = settings.keys.of(&namespace, key_id(pod)).namespace_key(&namespace);
        clear_capability(pod).is_none().then(|| key.proof(&self.uid(), self.number, pod_uid))
    }

    pub(super) fn namespace_key(&self, settings: &Settings) -> NamespaceKey {
        settings.keys.current.namespace_key(&self.job.namespace().unwrap_or_default())
    }

    pub(super) fn sealed_capability(&self, settings: &Settings) -> String {
        let capability = self.capability(settings);
        self.namespace_key(settings).seal_capability(&capability, &self.uid(), self.number)
    }
}
