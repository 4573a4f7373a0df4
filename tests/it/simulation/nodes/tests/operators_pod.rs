//! The operator's own pod on simulated nodes, and what the operator reads of its status.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ResourceRequirements;
use kube::{Api, api::PostParams};
use omotes_operator::testing::{
    api::{OmotesJob, names, status::JobResultType},
    limits::Defaults,
    plan::facts::{
        ending::Ending,
        pod_state::{Life, life},
    },
    pods::{self, Attempt, Settings},
    wire::{CapabilityKey, CommitRecord, Digest, Keys, TerminationRecord},
};
use tokio::time::sleep;

use super::{
    super::{Courier, Exit, Nodes, Program, Start},
    bed::{Bed, EPOCH, NAMESPACE, apiserver, seconds, wait},
};
use crate::support::bed::shell_job;

fn settings() -> Settings {
    Settings {
        courier_image: "courier".to_owned(),
        courier_pull_policy: None,
        courier_resources: ResourceRequirements::default(),
        keys: Keys { current: CapabilityKey::new(&[7; 32]).unwrap(), previous: None },
        defaults: Defaults::default(),
        gateway_namespace: None,
        priority_classes: BTreeMap::new(),
        deadline_result: JobResultType::Cancelled,
    }
}

fn record() -> TerminationRecord {
    let (sha256, bytes) = (Digest::of(b"<esdl/>"), 7);
    TerminationRecord::Committed(CommitRecord { attempt: 1, sha256, bytes, output_bytes: Some(7) })
}

/// A courier that needs five seconds for the output.
async fn carry(courier: Courier) -> Exit {
    if courier.container == names::CONTAINER_COURIER_INPUT {
        return Exit::code(0);
    }
    courier.stopped().await;
    sleep(seconds(5)).await;
    Exit::code(0).saying(&record().to_json())
}

impl Bed {
    /// A pod of a job, as the operator makes it; its program does this.
    async fn of_a_job(program: Program) -> Self {
        let apiserver = apiserver();
        let nodes = Nodes::start(&apiserver, &[("a", 2)], move |_: &Start| program.clone(), carry);
        let bed = Self::of(apiserver, nodes);
        let jobs: Api<OmotesJob> = Api::namespaced(bed.apiserver.client("user", NAMESPACE), NAMESPACE);
        let job = jobs.create(&PostParams::default(), &shell_job("job", "true")).await.unwrap();
        let attempt = Attempt { job: &job, number: 1, workflow: None, slot_pool: None };
        bed.pods.create(&PostParams::default(), &pods::build(attempt, &settings())).await.unwrap();
        bed
    }

    async fn read(&self) -> Life {
        life(&self.pods.get("job-1").await.unwrap(), "main", self.apiserver.now())
    }

    async fn ending(&self) -> Ending {
        match self.read().await {
            Life::Ended(ending) => *ending,
            other => panic!("{other:?}"),
        }
    }
}

fn second(time: Option<Timestamp>) -> Option<i64> {
    time.map(|time| time.as_second() - EPOCH)
}

#[tokio::test(start_paused = true)]
async fn the_operator_reads_how_its_pod_lives_and_ends() {
    let bed = Bed::of_a_job(Program::ends(seconds(10), Exit::code(0))).await;
    assert!(matches!(bed.read().await, Life::Waiting { .. }));
    wait(5).await;
    let Life::Running(since) = bed.read().await else { panic!("it does not run") };
    assert_eq!(second(since), Some(0));
    wait(6).await;
    let Life::Winding(winding) = bed.read().await else { panic!("main has not ended alone") };
    assert!(winding.is_by_itself && !winding.others_run);
    wait(10).await;
    let ending = bed.ending().await;
    let exit = ending.exit.unwrap();
    assert_eq!((exit.code, second(exit.finished), ending.stop), (0, Some(10), None));
    assert_eq!(ending.courier, Some(record()));
}

/// The operator's finalizer holds it; what its courier sent counts all the same.
#[tokio::test(start_paused = true)]
async fn the_operator_reads_how_its_pod_was_ended() {
    let bed = Bed::of_a_job(Program::forever().at_sigterm(seconds(1), Exit::code(0))).await;
    wait(5).await;
    bed.nodes.evict("job-1");
    wait(5).await;
    assert!(matches!(bed.read().await, Life::Running(_)), "its kubelet says nothing while it ends the pod");
    wait(5).await;
    let ending = bed.ending().await;
    assert_eq!((ending.exit.unwrap().code, ending.target.as_deref()), (0, Some("EvictionByEvictionAPI")));
    assert!(!ending.stop.unwrap().is_exact, "the kubelet's last word hides when that was asked for");
    assert_eq!(ending.courier, Some(record()));
}
