//! Clients that submit over AMQP, as OMOTES' SDK does, on the real cluster and broker: what they hear, and what becomes of
//! what nobody should send.

use std::time::Duration;

use omotes_operator::testing::{
    api::status::Phase,
    wire::{
        JobStatus::{Cancelled, Enqueued, Registered, Running},
        ResultType,
    },
};
use serde_json::json;

use crate::{
    intake::{Expected, corpus},
    support::{
        bed::{PATIENCE, Space, WAITS, job, phase, pod_spec},
        broker as rabbit,
        client::{Heard, Listener, depth},
        sdk::{Offer, Sdk, new_uuid},
        until,
        wire::{UUID, number, params, submission_of, text, varint},
    },
};

/// Long enough for a second result to arrive, if one were sent.
const AFTERWARDS: Duration = Duration::from_secs(2);
const ECHO: &str = "echo '{\"progress\": 0.5, \"message\": \"half\"}' >> /omotes/progress; sleep 1; cp /omotes/input/input.esdl /omotes/output/output.esdl";

async fn ends(mut listener: Listener, expected: ResultType) -> Listener {
    listener.listen(PATIENCE, AFTERWARDS).await;
    listener.only_result(expected);
    listener
}

/// Nothing of the input is left at the broker.
async fn no_input_left(before: usize) {
    until("inputs are removed", PATIENCE, || async {
        let left = inputs().await;
        if left <= before { Ok(()) } else { Err(format!("{left} queues, {before} before")) }
    })
    .await;
}

async fn inputs() -> usize {
    rabbit::depths().await.keys().filter(|queue| queue.starts_with("omotes.input.")).count()
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_client_lists_submits_follows_and_gets_its_result() {
    let offer = Offer::of("submits", ECHO, &json!({"parameters": [{"keyName": "n", "float": {"default": 0.5}}]})).await;
    let mut sdk = Sdk::start().await;
    sdk.ask().await;
    let told = sdk.hears(&offer.type_name, true).await;
    let workflow = told.workflows.iter().find(|workflow| workflow.type_name == offer.type_name).unwrap();
    assert_eq!(workflow.parameters[0].key_name, "n");

    let more = [params(&number("n", 3.0)), text(6, b"variant B"), varint(7, 2), varint(2, 600_000)].concat();
    let (uuid, listener) = sdk.submit(&offer.type_name, b"<esdl>\xc3\xa4</esdl>", &more).await;
    let listener = ends(listener, ResultType::Succeeded).await;
    assert_eq!(listener.only_result(ResultType::Succeeded).output_esdl.as_deref(), Some(&b"<esdl>\xc3\xa4</esdl>"[..]));
    assert_eq!(listener.statuses(), [Registered, Enqueued, Running]);
    assert!(listener.log.contains(&Heard::Progress(0.5)), "{:?}", listener.log);
    let job = offer.stored(&uuid).await;
    let spec = serde_json::to_value(&job.spec).unwrap();
    assert_eq!(
        (&spec["priority"], &spec["jobReference"], &spec["maxRunSeconds"]),
        (&json!("High"), &json!("variant B"), &json!(600))
    );
    // The apiserver stores 3.0 as 3; the pod gets 3.0 (see below).
    assert_eq!(spec["input"]["parameters"]["n"].as_f64(), Some(3.0));
    listener.leave().await;
    offer.remove().await;
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn workflows_that_come_and_go_are_told_without_a_question() {
    let mut sdk = Sdk::start().await;
    let offer = Offer::new("comes", ECHO).await;
    sdk.hears(&offer.type_name, true).await;
    let name = offer.type_name.clone();
    offer.remove().await;
    sdk.hears(&name, false).await;
}

/// Parameters arrive as doubles: `3` would make a worker fall back to its default without a word.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn numbers_arrive_with_their_decimal_point() {
    let script = "cp /omotes/input/parameters.json /omotes/output/output.esdl";
    let offer = Offer::of("doubles", script, &json!({"parameters": [{"keyName": "n", "float": {}}]})).await;
    let sdk = Sdk::start().await;
    until("the workflow is offered", PATIENCE, || async { offered(&offer).await }).await;
    let (_, listener) = sdk.submit(&offer.type_name, b"<esdl/>", &params(&number("n", 1_577_836_800.0))).await;
    let listener = ends(listener, ResultType::Succeeded).await;
    let output = listener.only_result(ResultType::Succeeded).output_esdl.clone().unwrap();
    assert_eq!(output.as_ref(), br#"{"n":1577836800.0}"#);
    offer.remove().await;
}

async fn offered(offer: &Offer) -> Result<(), String> {
    let mut sdk = Sdk::start().await;
    sdk.ask().await;
    let told = sdk.broadcast(PATIENCE).await;
    let there = told.workflows.iter().any(|workflow| workflow.type_name == offer.type_name);
    if there { Ok(()) } else { Err("not offered yet".to_owned()) }
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn sixty_four_mebibytes_go_in_and_out() {
    const BYTES: usize = 64 * 1024 * 1024;
    let before = inputs().await;
    let offer = Offer::new("large", "cp /omotes/input/input.esdl /omotes/output/output.esdl").await;
    let sdk = Sdk::start().await;
    until("the workflow is offered", PATIENCE, || async { offered(&offer).await }).await;
    let esdl: Vec<u8> = (0..BYTES).map(|at| b"<esdl/>\n"[at % 8]).collect();
    let (uuid, listener) = sdk.submit(&offer.type_name, &esdl, b"").await;
    let listener = ends(listener, ResultType::Succeeded).await;
    let output = listener.only_result(ResultType::Succeeded).output_esdl.clone().unwrap();
    assert!(output == esdl, "the output is the input, byte for byte");
    let stored = serde_json::to_string(&offer.stored(&uuid).await).unwrap();
    assert!(stored.len() < 64 * 1024, "the input is not in the resource");
    no_input_left(before).await;
    offer.remove().await;
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn the_same_submission_again_runs_nothing_again() {
    let offer = Offer::new("again", ECHO).await;
    let sdk = Sdk::start().await;
    until("the workflow is offered", PATIENCE, || async { offered(&offer).await }).await;
    let (uuid, listener) = sdk.submit(&offer.type_name, b"<esdl/>", b"").await;
    let again = submission_of(&uuid, &offer.type_name, b"<other/>");
    sdk.publish("job_submissions", &again).await;
    let listener = ends(listener, ResultType::Succeeded).await;
    assert_eq!(listener.only_result(ResultType::Succeeded).output_esdl.as_deref(), Some(&b"<esdl/>"[..]));
    let uid = offer.stored(&uuid).await.metadata.uid;
    let before = inputs().await;
    sdk.publish("job_submissions", &again).await;
    sdk.drained().await;
    assert_eq!(offer.stored(&uuid).await.metadata.uid, uid, "after its end, too");
    no_input_left(before).await;
    offer.remove().await;
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn what_cannot_be_is_answered_with_the_reason() {
    let offer = Offer::of("refuses", ECHO, &json!({"parameters": [{"keyName": "n", "float": {"maximum": 10}}]})).await;
    let sdk = Sdk::start().await;
    until("the workflow is offered", PATIENCE, || async { offered(&offer).await }).await;
    for (type_name, more, words) in [
        ("nobody_knows_it", Vec::new(), vec!["nobody_knows_it", "unknown"]),
        (offer.type_name.as_str(), params(&number("n", 11.0)), vec!["n", "11", "10"]),
        (offer.type_name.as_str(), params(&number("m", 1.0)), vec!["m"]),
        (offer.type_name.as_str(), params(&number("n", f64::NAN)), vec!["n", "not finite"]),
    ] {
        let (uuid, listener) = sdk.submit(type_name, b"<esdl/>", &more).await;
        let listener = ends(listener, ResultType::Error).await;
        let logs = &listener.only_result(ResultType::Error).logs;
        assert!(words.iter().all(|word| logs.contains(word)), "{logs}");
        assert_eq!(offer.jobs.get_opt(&uuid).await.unwrap(), None);
        listener.leave().await;
    }
    offer.remove().await;
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_client_deletes_its_job_at_any_moment() {
    let before = inputs().await;
    let offer = Offer::new("deletes", WAITS).await;
    let sdk = Sdk::start().await;
    until("the workflow is offered", PATIENCE, || async { offered(&offer).await }).await;

    // While it runs.
    let (running, listener) = sdk.submit(&offer.type_name, b"<esdl/>", b"").await;
    until("it runs", PATIENCE, || async {
        let job = offer.stored(&running).await;
        if phase(&job) == Some(Phase::Running) { Ok(()) } else { Err(format!("{:?}", phase(&job))) }
    })
    .await;
    sdk.delete(&running).await;
    let listener = ends(listener, ResultType::Cancelled).await;
    assert_eq!(listener.statuses(), [Registered, Enqueued, Running, Cancelled]);
    offer.gone(&running).await;

    // In its first moment.
    let (young, listener) = sdk.submit(&offer.type_name, b"<esdl/>", b"").await;
    sdk.delete(&young).await;
    let listener = ends(listener, ResultType::Cancelled).await;
    assert_eq!(listener.statuses().last(), Some(&Cancelled));
    offer.gone(&young).await;

    // Before its submission.
    let early = new_uuid();
    sdk.declare_queues(&early).await;
    let listener = Listener::attach(&early).await;
    sdk.delete(&early).await;
    sdk.drained().await;
    sdk.publish("job_submissions", &submission_of(&early, &offer.type_name, b"<esdl/>")).await;
    let listener = ends(listener, ResultType::Cancelled).await;
    assert_eq!(listener.statuses(), [Cancelled]);
    assert_eq!(offer.jobs.get_opt(&early).await.unwrap(), None, "it never ran");
    no_input_left(before).await;
    offer.remove().await;
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_finished_or_unknown_job_is_deleted_in_silence() {
    let offer = Offer::new("late", "true").await;
    let sdk = Sdk::start().await;
    until("the workflow is offered", PATIENCE, || async { offered(&offer).await }).await;
    let (uuid, listener) = sdk.submit(&offer.type_name, b"<esdl/>", b"").await;
    let mut listener = ends(listener, ResultType::Succeeded).await;
    sdk.delete(&uuid).await;
    sdk.delete(&new_uuid()).await;
    sdk.drained().await;
    let heard = listener.listen(PATIENCE, AFTERWARDS).await.len();
    assert_eq!(listener.results().len(), 1, "{heard} messages");
    assert_eq!(phase(&offer.stored(&uuid).await), Some(Phase::Succeeded), "it stays as a record");
    offer.remove().await;
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_timeout_stops_the_job() {
    let offer = Offer::new("timeout", WAITS).await;
    let sdk = Sdk::start().await;
    until("the workflow is offered", PATIENCE, || async { offered(&offer).await }).await;
    let (_, listener) = sdk.submit(&offer.type_name, b"<esdl/>", &varint(2, 3000)).await;
    ends(listener, ResultType::Cancelled).await;
    offer.remove().await;
}

/// The id of a job that somebody made himself is his: neither a submission nor a deletion touches it.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn the_job_of_another_namespace_is_out_of_reach() {
    let space = Space::new("reach").await;
    let offer = Offer::new("reach", ECHO).await;
    let sdk = Sdk::start().await;
    until("the workflow is offered", PATIENCE, || async { offered(&offer).await }).await;
    let uuid = new_uuid();
    let spec = json!({"jobId": uuid, "template": {"spec": pod_spec(WAITS)}});
    space.create(&job("mine", &spec)).await;
    space.running("mine").await;
    sdk.publish("job_submissions", &submission_of(&uuid, &offer.type_name, b"<esdl/>")).await;
    sdk.delete(&uuid).await;
    sdk.drained().await;
    assert_eq!(offer.jobs.get_opt(&uuid).await.unwrap(), None);
    let mine = space.jobs.get("mine").await.unwrap();
    assert_eq!((phase(&mine), mine.metadata.deletion_timestamp), (Some(Phase::Running), None));
    assert_eq!(depth(&sdk.connection, &format!("jobs.{uuid}.result")).await, Some(0));
    space.delete("mine").await;
    space.gone("mine").await;
    offer.remove().await;
    space.remove().await;
}

/// An input that nobody put to the broker.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn only_jobs_that_came_over_amqp_have_their_input_at_the_broker() {
    let space = Space::new("forged").await;
    let spec = json!({"input": {"esdl": {"fromBroker": {}}}, "template": {"spec": pod_spec("true")}});
    space.create(&job("forged", &spec)).await;
    let job = space.ended("forged").await;
    let conditions = serde_json::to_string(&job.status.unwrap().conditions).unwrap();
    assert!(conditions.contains("NoInputAtBroker"), "{conditions}");
    space.remove().await;
}

/// Everything of the corpus that no client should send: the queue is empty afterwards, and the next job is as any other.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn what_nobody_should_send_stops_nothing() {
    let offer = Offer::new("corpus", ECHO).await;
    let sdk = Sdk::start().await;
    until("the workflow is offered", PATIENCE, || async { offered(&offer).await }).await;
    let poison = || corpus().into_iter().filter(|(_, _, expected)| matches!(expected, Expected::Rejected(_)));
    for (_, body, _) in poison() {
        sdk.publish("job_submissions", &body).await;
        sdk.publish("job_deletions", &body[..body.len().min(5000)]).await;
    }
    sdk.drained().await;
    assert_eq!(offer.jobs.get_opt(UUID).await.unwrap(), None);
    let (_, listener) = sdk.submit(&offer.type_name, b"<esdl/>", b"").await;
    ends(listener, ResultType::Succeeded).await;
    offer.remove().await;
}
