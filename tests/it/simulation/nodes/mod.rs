//! Nodes for the simulated apiserver: a scheduler, kubelets, and the controllers that end pods and collect garbage.
//!
//! [`Nodes::start`] begins all of it as Tokio tasks. Nothing else moves them: no thread, no real time, no chance. What main
//! does is a [`Program`] that the test chooses, what the courier's containers do is plugged in as [`Couriers`].
//!
//! # Guarantees
//! A pod's status is written as a kubelet 1.34 writes it: the phase, its reason and `DisruptionTarget` of the kubelet are
//! withheld until nothing of the pod runs. What containers really did is on record, also of pods whose object is gone:
//! [`Nodes::lives`].
//!
//! # Assumptions
//! A runtime with one thread and, where runs are compared, paused time.
//!
//! # Caveats
//! Left out: Node objects, resources, selectors, taints and affinity, volumes, images, probes, preStop hooks, PodDisruptionBudgets,
//! kubelets that start again. A test that holds or ends all watches, and not only those of a client, holds or ends these, too:
//! held, nothing moves; ended, they begin anew. Containers beside main's, the template's own init containers included, are simple ones:
//! ordinary init containers end at once, sidecars end when they are told to.

mod cluster;
mod conditions;
mod container;
mod controllers;
mod courier;
mod disruptions;
mod ending;
mod lives;
mod node;
mod pod;
mod process;
mod program;
mod scheduler;
mod shown;
mod status;
mod tests;
mod watched;
mod worker;

use std::sync::Arc;

use super::apiserver::SimulatedApiserver;

use cluster::Cluster;

pub(crate) use courier::{Courier, Couriers, simple};
pub(crate) use lives::Life;
pub(crate) use program::{Exit, Program, Start};
pub(crate) use shown::{condition, shown};

/// The name of the clients that are nodes and controllers, in watches of the apiserver.
const CLIENT: &str = "nodes";

/// All nodes of a cluster, and what a test can do to them. Clones are the same ones.
#[derive(Clone)]
pub(crate) struct Nodes(Arc<Cluster>);

impl Nodes {
    /// Nodes that take so many pods each, whose containers do what `programs` and `couriers` say.
    pub(crate) fn start(
        apiserver: &SimulatedApiserver,
        nodes: &[(&str, usize)],
        programs: impl Fn(&Start) -> Program + Send + Sync + 'static,
        couriers: impl Couriers + 'static,
    ) -> Self {
        let cluster = Arc::new(Cluster::new(apiserver, nodes, Box::new(programs), Box::new(couriers)));
        cluster.spawn(cluster::follow(cluster.clone()));
        cluster.spawn(controllers::collect_garbage(apiserver.clone()));
        Self(cluster)
    }

    /// Refuses to schedule pods, with these words; `None` schedules them again.
    pub(crate) fn refuse(&self, message: Option<&str>) {
        self.0.refuse(message);
    }

    /// What all regular containers did, in the order of their starts. Panics where a closure of the test's did.
    pub(crate) fn lives(&self) -> Vec<Life> {
        self.0.check();
        self.0.lives.all()
    }

    /// Two mains of one job that lived at one time, if there were any. Panics as [`Self::lives`] does.
    pub(crate) fn two_at_once(&self) -> Option<(Life, Life)> {
        self.0.check();
        self.0.lives.two_at_once()
    }
}
