//! Lives in which a client or the cluster does something else, while no request of a replica goes wrong.

use std::time::Duration;

use futures::FutureExt as _;
use kube::{Api, api::DeleteParams};
use omotes_operator::testing::api::OmotesWorkflow;
use serde_json::json;
use tokio::time::sleep;

use super::{
    apiserver::Requests,
    replicas::{self, REPLICAS},
    scenario::Scenario,
    scenarios::{Done, ID, TYPE, begins, comes_to_its_end, goes_on, job_of_type, offer, scenario, works},
    world::{JOBS, World},
};
use crate::support::client::queues;

/// Longer than it takes until all is quiet, and shorter than any limit.
const WHILE: Duration = Duration::from_secs(5);

/// The scenario ends as it should.
fn ends_well(scenario: &Scenario) {
    let (report, _) = scenario.run(&[]);
    assert_eq!(report.faults(&report), Vec::<String>::new(), "{}: {report:#?}", scenario.name);
}

/// Those watches of this resource that replicas have.
fn watches(resource: &str) -> impl Iterator<Item = Requests> {
    (0..REPLICAS).map(move |replica| Requests::of(&replicas::name(replica)).on(resource))
}

#[test]
fn a_result_that_its_queue_refuses_is_published_again() {
    ends_well(&scenario("refused result", works, |world| refused(world).boxed()));
}

async fn refused(world: World) -> Done {
    begins(&world).await?;
    let [.., queue] = queues(ID);
    world.broker().limit_queue(&queue, Some(0));
    let has_ended = |world: &World| world.nodes().lives().iter().all(|life| life.ended.is_some());
    world.until("the program has ended", has_ended).await?;
    sleep(WHILE).await;
    world.broker().limit_queue(&queue, None);
    comes_to_its_end(&world, "job", ID).await
}

/// The job is stored and not watched yet when its deletion comes.
#[test]
fn a_submission_that_is_deleted_at_once_is_cancelled() {
    let typed = &["--gateway-namespace=jobs"];
    let usual = scenario("deletion at once", goes_on, |world| deleted_at_once(world).boxed());
    ends_well(&Scenario { typed, ..usual });
}

async fn deleted_at_once(world: World) -> Done {
    offer(&world, &json!({})).await;
    sleep(WHILE).await;
    watches("omotesjobs").for_each(|watch| world.apiserver().hold_watches(watch));
    world.client().submit(ID, TYPE, "<esdl/>");
    world.until("the job is stored", |world| world.job(ID).is_some()).await?;
    world.client().delete(ID);
    sleep(WHILE).await;
    watches("omotesjobs").for_each(|watch| world.apiserver().release_watches(&watch));
    world.is_told(ID).await?;
    world.is_gone(ID).await
}

/// The deletion is in no event of a watch: a list lacks the workflow.
#[test]
fn a_workflow_that_a_list_lacks_takes_no_jobs() {
    ends_well(&scenario("withdrawn workflow", works, |world| withdrawn(world).boxed()));
}

async fn withdrawn(world: World) -> Done {
    offer(&world, &json!({})).await;
    sleep(WHILE).await;
    watches("omotesworkflows").for_each(|watch| world.apiserver().hold_watches(watch));
    let workflows: Api<OmotesWorkflow> = Api::namespaced(world.apiserver().client("user", JOBS), JOBS);
    workflows.delete(TYPE, &DeleteParams::default()).await.unwrap();
    for watch in watches("omotesworkflows") {
        world.apiserver().expire_watches(&watch);
        world.apiserver().release_watches(&watch);
    }
    sleep(WHILE).await;
    world.apply(&job_of_type("job", ID)).await;
    sleep(WHILE).await;
    if !world.pods().is_empty() {
        return Err("a job of a workflow that is gone has a pod".to_owned());
    }
    offer(&world, &json!({})).await;
    comes_to_its_end(&world, "job", ID).await
}
