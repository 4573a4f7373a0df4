//! What breaks while jobs live: the leader, the broker, the trust between them. Every job still ends as it should, and
//! its client hears so exactly once.
//!
//! These tests disturb all others, so they run by themselves and one at a time: `make test-disruption`.

mod broker;
mod credentials;
mod gateway;
mod leader;
mod leaving;
mod outages;
mod proxied;
mod scale;
mod stops;
mod sweep;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::future::join_all;
use k8s_openapi::api::core::v1::ContainerStateTerminated;
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams},
};
use omotes_operator::testing::{
    api::{OmotesJob, status::Phase},
    wire::ResultType,
};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::{
    bed::{PATIENCE, Space, job, phase, pod_spec, shell_job},
    broker as rabbit,
    client::Listener,
    until,
};

/// Long enough for a second result to be heard, if one were sent.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// Jobs that must all succeed, each telling its client once, and leave nothing behind.
struct Fleet {
    space: Space,
    crew: Vec<Member>,
    /// Outputs of other tests' jobs.
    others: BTreeSet<String>,
}

struct Member {
    name: String,
    id: String,
    /// What its result must hold.
    output: Option<Vec<u8>>,
    client: Option<JoinHandle<Listener>>,
}

impl Fleet {
    async fn new(test: &str) -> Self {
        Self { space: Space::new(test).await, crew: Vec::new(), others: rabbit::outputs().await }
    }

    /// Starts a job whose output is its name, after so many seconds of work; tells its id.
    async fn start(&mut self, name: &str, seconds: f64) -> String {
        let script = format!("sleep {seconds}; printf %s {name} > /omotes/output/output.esdl");
        self.launch(&shell_job(name, &script), Some(name.into())).await
    }

    /// Starts a job without a courier.
    async fn start_bare(&mut self, name: &str, seconds: f64) -> String {
        let spec =
            json!({"courier": {"enabled": false}, "template": {"spec": pod_spec(&format!("exec sleep {seconds}"))}});
        self.launch(&job(name, &spec), None).await
    }

    /// Starts a job that must end with this output.
    async fn launch(&mut self, job: &OmotesJob, output: Option<Vec<u8>>) -> String {
        let id = self.space.create(job).await.uid().unwrap();
        self.crew.push(Member { name: job.name_any(), id: id.clone(), output, client: None });
        id
    }

    /// Has a client wait for the newest job from now on. The results of the others wait in their queues.
    fn listen(&mut self) {
        let member = self.crew.last_mut().unwrap();
        let id = member.id.clone();
        member.client = Some(tokio::spawn(async move { Listener::attach(&id).await }));
    }

    /// Waits until the newest job's client has its result; tells how long it waited.
    async fn hear_result(&mut self) -> Duration {
        let began = Instant::now();
        let member = self.crew.last_mut().unwrap();
        let mut client = member.client.take().unwrap().await.unwrap();
        client.listen(PATIENCE, Duration::ZERO).await;
        member.client = Some(tokio::spawn(async { client }));
        began.elapsed()
    }

    fn names(&self) -> Vec<String> {
        self.crew.iter().map(|member| member.name.clone()).collect()
    }

    /// Waits until all programs run.
    async fn all_run(&self) {
        join_all(self.names().iter().map(|name| self.space.running(name))).await;
    }

    /// Waits until the programs of all jobs have ended, whatever the operator knows of it.
    async fn all_programs_end(&self) {
        join_all(self.names().iter().map(|name| self.program_ended(name))).await;
    }

    /// Waits until the program of the job called `name` has ended; tells how.
    async fn program_ended(&self, name: &str) -> ContainerStateTerminated {
        until(&format!("the program of {name} has ended"), PATIENCE, || async {
            let pod = self.space.pods.get(&format!("{name}-1")).await.map_err(|error| error.to_string())?;
            let state = pod.status.and_then(|status| status.container_statuses?.into_iter().next()?.state);
            state.clone().and_then(|state| state.terminated).ok_or_else(|| format!("{state:?}"))
        })
        .await
    }

    /// Each job has succeeded and told its client once; once all are deleted nothing is left.
    async fn ends_well(self) {
        for member in &self.crew {
            let job = self.space.ended(&member.name).await;
            assert_eq!(phase(&job), Some(Phase::Succeeded), "{}: {:?}", member.name, job.status);
        }
        let ids: Vec<String> = self.crew.iter().map(|member| member.id.clone()).collect();
        join_all(self.crew.into_iter().map(Member::heard_once)).await;
        self.space.jobs.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
        self.space.empty().await;
        rabbit::clean(&ids, &self.others).await;
        self.space.abandon().await;
    }
}

impl Member {
    async fn heard_once(self) {
        let output = match self.client {
            Some(client) => {
                let mut client = client.await.unwrap();
                client.listen(PATIENCE, AFTERWARDS).await;
                let output = client.only_result(ResultType::Succeeded).output_esdl.clone();
                client.leave().await;
                output
            }
            None => rabbit::only_result_waiting(&self.id, ResultType::Succeeded).await.output_esdl,
        };
        assert_eq!(output.map(|esdl| esdl.to_vec()), self.output, "the output of {}", self.name);
    }
}

/// Random numbers that can be drawn again: `OMOTES_TEST_SEED`.
fn dice() -> fastrand::Rng {
    let given = std::env::var("OMOTES_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    println!("OMOTES_TEST_SEED={seed}");
    fastrand::Rng::with_seed(seed)
}
