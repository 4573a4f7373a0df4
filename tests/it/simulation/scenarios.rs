//! The lives of jobs that are simulated.

use std::time::Duration;

use futures::{FutureExt as _, future::BoxFuture};
use kube::{Api, api::PostParams};
use omotes_operator::testing::api::{OmotesJob, OmotesWorkflow, names, status::Phase};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    nodes::{Exit, Program, Start},
    scenario::Scenario,
    world::{JOBS, World},
};
use crate::support::bed::{self, merged, pod_spec};

pub(super) type Done = Result<(), String>;

/// The id of each scenario's first job, as its client knows it, and of a second one.
pub(super) const ID: &str = "11111111-1111-4111-8111-111111111111";
const OTHER_ID: &str = "22222222-2222-4222-8222-222222222222";
pub(super) const TYPE: &str = "simulated";
/// What a program takes: longer than it takes another leader to see that it runs.
const DURATION: Duration = Duration::from_secs(30);
const OUTPUT: &[u8] = b"<esdl/>";

/// All scenarios, the shortest first.
pub(crate) const ALL: &[Scenario] = &[
    scenario("success", works, |world| life(world, json!({})).boxed()),
    scenario("failure", fails, |world| life(world, json!({})).boxed()),
    scenario("deadline", goes_on, |world| life(world, json!({"maxRunSeconds": 60})).boxed()),
    scenario("abort", goes_on, |world| aborted(world).boxed()),
    scenario("delete", goes_on, |world| deleted(world).boxed()),
    scenario("TTL", works, |world| expires(world).boxed()),
    scenario("retry", works_at_last, |world| life(world, json!({"backoffLimit": 1})).boxed()),
    scenario("disruption", works_long, |world| disrupted(world).boxed()),
    scenario("node lost", works_long, |world| node_lost(world).boxed()),
    scenario("suspend and resume", works_long, |world| resumed(world).boxed()),
    scenario("slot", works, |world| one_after_the_other(world).boxed()),
    scenario("warm pod", works, |world| warm(world).boxed()),
    Scenario {
        typed: &["--gateway-namespace=jobs"],
        ..scenario("gateway submission", works, |world| submitted(world).boxed())
    },
    Scenario {
        typed: &["--gateway-namespace=jobs"],
        ..scenario("gateway deletion", goes_on, |world| deleted_by_client(world).boxed())
    },
    Scenario {
        typed: &["--gateway-namespace=jobs"],
        ..scenario("kept result", works_long, |world| kept(world).boxed())
    },
];

pub(super) const fn scenario(
    name: &'static str,
    programs: fn(&Start<'_>) -> Program,
    act: fn(World) -> BoxFuture<'static, Done>,
) -> Scenario {
    Scenario { name, typed: &[], programs, act }
}

fn well() -> Exit {
    Exit::code(0).leaving(OUTPUT)
}

pub(super) fn works(_: &Start<'_>) -> Program {
    Program::ends(DURATION, well())
}

/// Still runs when somebody interferes who waited until the operator saw it run, however late.
fn works_long(_: &Start<'_>) -> Program {
    Program::ends(3 * DURATION, well())
}

fn fails(_: &Start<'_>) -> Program {
    Program::ends(DURATION, Exit::code(3).saying("no solution"))
}

fn works_at_last(start: &Start<'_>) -> Program {
    if start.attempt() == 1 { fails(start) } else { works(start) }
}

pub(super) fn goes_on(_: &Start<'_>) -> Program {
    Program::forever()
}

/// A job that a client follows.
fn job(name: &str, id: &str, spec: &Value) -> OmotesJob {
    bed::job(name, &merged(json!({"jobId": id, "template": {"spec": pod_spec("simulated")}}), spec))
}

/// A job of the workflow.
pub(super) fn job_of_type(name: &str, id: &str) -> OmotesJob {
    bed::job(name, &json!({"jobId": id, "workflowRef": {"name": TYPE}}))
}

/// Makes the workflow.
pub(super) async fn offer(world: &World, spec: &Value) {
    let usual = json!({"typeName": TYPE, "description": "", "template": {"spec": pod_spec("simulated")}});
    let workflow = json!({
        "apiVersion": "omotes.io/v1alpha1",
        "kind": "OmotesWorkflow",
        "metadata": {"name": TYPE},
        "spec": merged(usual, spec),
    });
    let workflows: Api<OmotesWorkflow> = Api::namespaced(world.apiserver().client("user", JOBS), JOBS);
    workflows.create(&PostParams::default(), &serde_json::from_value(workflow).unwrap()).await.unwrap();
}

/// A job is applied, and runs.
pub(super) async fn begins(world: &World) -> Done {
    world.apply(&job("job", ID, &json!({}))).await;
    world.runs("job").await
}

/// A job ends, and its client has the result.
pub(super) async fn comes_to_its_end(world: &World, name: &str, id: &str) -> Done {
    world.ends(name).await?;
    world.is_told(id).await
}

/// A job ends by itself, or at a limit.
async fn life(world: World, spec: Value) -> Done {
    world.apply(&job("job", ID, &spec)).await;
    comes_to_its_end(&world, "job", ID).await
}

async fn aborted(world: World) -> Done {
    begins(&world).await?;
    world.change("job", &json!({"abort": {"reason": "moot"}})).await;
    comes_to_its_end(&world, "job", ID).await
}

async fn deleted(world: World) -> Done {
    begins(&world).await?;
    world.delete("job").await;
    world.is_gone("job").await
}

/// Its client has left by then.
async fn expires(world: World) -> Done {
    world.apply(&job("job", ID, &json!({"ttlSecondsAfterFinished": 90}))).await;
    world.is_told(ID).await?;
    world.is_gone("job").await
}

async fn resumed(world: World) -> Done {
    begins(&world).await?;
    world.change("job", &json!({"suspend": true})).await;
    world.reaches("job", Phase::Suspended).await?;
    sleep(Duration::from_secs(10)).await;
    world.change("job", &json!({"suspend": false})).await;
    comes_to_its_end(&world, "job", ID).await
}

/// A node is drained: the job begins again elsewhere.
async fn disrupted(world: World) -> Done {
    begins(&world).await?;
    world.nodes().evict(&world.pod_of("job")?);
    comes_to_its_end(&world, "job", ID).await
}

/// A machine goes for good while the job runs on it.
async fn node_lost(world: World) -> Done {
    begins(&world).await?;
    world.nodes().remove_node(&world.node_of("job")?);
    comes_to_its_end(&world, "job", ID).await
}

async fn one_after_the_other(world: World) -> Done {
    offer(&world, &json!({"maxConcurrentJobs": 1})).await;
    for (name, id) in [("job-a", ID), ("job-b", OTHER_ID)] {
        world.apply(&job_of_type(name, id)).await;
        sleep(Duration::from_secs(1)).await;
    }
    for (name, id) in [("job-a", ID), ("job-b", OTHER_ID)] {
        comes_to_its_end(&world, name, id).await?;
    }
    Ok(())
}

async fn warm(world: World) -> Done {
    let waits = json!({"metadata": {"annotations": {names::ANNOTATION_WARM: names::WAIT_FOR_INPUT}}});
    offer(&world, &json!({"warmPool": {"size": 1}, "template": waits})).await;
    world.until("a pod waits", |world| !world.pods().is_empty()).await?;
    sleep(Duration::from_secs(10)).await;
    let input = json!({"esdl": {"inline": "<esdl/>"}});
    world.apply(&bed::job("job", &json!({"jobId": ID, "workflowRef": {"name": TYPE}, "input": input}))).await;
    comes_to_its_end(&world, "job", ID).await
}

async fn submitted(world: World) -> Done {
    offer(&world, &json!({})).await;
    world.client().submit(ID, TYPE, "<esdl/>");
    world.is_told(ID).await?;
    world.ends(ID).await
}

async fn deleted_by_client(world: World) -> Done {
    offer(&world, &json!({})).await;
    world.client().submit(ID, TYPE, "<esdl/>");
    world.runs(ID).await?;
    world.client().delete(ID);
    world.is_told(ID).await?;
    world.is_gone(ID).await
}

/// The client's queue has gone when the result comes, and is there again later.
async fn kept(world: World) -> Done {
    offer(&world, &json!({})).await;
    world.client().submit(ID, TYPE, "<esdl/>");
    world.runs(ID).await?;
    world.client().leave(ID);
    world.ends(ID).await?;
    sleep(Duration::from_secs(30)).await;
    world.client().return_to(ID);
    world.is_told(ID).await
}
