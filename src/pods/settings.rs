//! What decisions need to know of the operator's configuration.
//!
//! Ring: core.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;

use crate::{
    api::{job::Priority, status::JobResultType},
    limits::Defaults,
    wire::Keys,
};

/// What the operator was configured with, as far as decisions need it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The image that holds the courier: the operator's own.
    pub courier_image: String,
    /// The pull policy of the courier's image; `None` leaves it to Kubernetes.
    pub courier_pull_policy: Option<String>,
    /// Requests and limits of the courier's containers.
    pub courier_resources: ResourceRequirements,
    /// The keys from which all proofs and the names of queues come.
    pub keys: Keys,
    /// The limits of a job that gives none.
    pub defaults: Defaults,
    /// The namespace of the jobs that come over AMQP, where there is one.
    pub gateway_namespace: Option<String>,
    /// The `PriorityClass` of pods by the priority of their job; none for a priority that is not in it.
    pub priority_classes: BTreeMap<Priority, String>,
    /// What a client hears of a job that was stopped at its deadline: CANCELLED, as OMOTES' clients expect, or TIMEOUT.
    pub deadline_result: JobResultType,
}
