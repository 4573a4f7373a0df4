//! How soon after its program's end a client has a job's result, while the node is quiet.

use std::{fs, time::Duration};

use kube::ResourceExt;
use omotes_operator::testing::{
    api::names,
    wire::{JobResult, ResultType},
};
use serde_json::json;

use crate::support::{
    bed::{PATIENCE, Space, merged, pod_spec, shell_job},
    client::Listener,
    sdk::{Offer, Sdk},
    until,
};

const JOBS: usize = 30;
/// The program's last act: it writes when that is, by the clock of the machine that it shares with this test.
const STAMPS: &str = r#"read up rest < /proc/uptime; printf '%s' "$up" > /omotes/output/output.esdl"#;

/// The seconds of a line of /proc/uptime, as a time since the machine's start.
fn since_boot(text: &str) -> Duration {
    Duration::from_secs_f64(text.split_whitespace().next().unwrap().parse().unwrap())
}

fn delay(result: &JobResult) -> Duration {
    let now = since_boot(&fs::read_to_string("/proc/uptime").unwrap());
    let ended = String::from_utf8(result.output_esdl.clone().unwrap().to_vec()).unwrap();
    now.saturating_sub(since_boot(&ended))
}

/// Median and longest of thirty: of so many the longest is the 99th percentile.
fn judge(what: &str, mut delays: Vec<Duration>) {
    delays.sort_unstable();
    let (median, longest) = (delays[delays.len() / 2], delays[delays.len() - 1]);
    println!("{what}: result after {median:.2?} (median of {}), {longest:.2?} at most", delays.len());
    // The goals are 1.2 s and 2 s; a kubelet looks at its containers once a second, and machines are noisy.
    assert!(median < Duration::from_secs(2) && longest < Duration::from_secs(4), "{delays:?}");
}

/// Short jobs, one after the other, each in a pod of its own.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn the_result_of_a_short_job_comes_soon() {
    let space = Space::new("soon").await;
    let mut delays = Vec::new();
    for number in 0..JOBS {
        let name = format!("job-{number}");
        let id = space.create(&shell_job(&name, &format!("sleep 1.{number}; {STAMPS}"))).await.uid().unwrap();
        let mut client = Listener::attach(&id).await;
        client.listen(PATIENCE, Duration::ZERO).await;
        delays.push(delay(client.only_result(ResultType::Succeeded)));
        client.leave().await;
    }
    judge("in pods of their own", delays);
    space.remove().await;
}

/// The same in pods that had waited for a job.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn the_result_of_a_job_in_a_warm_pod_comes_soon() {
    let waits = "until [ -e /omotes/input/input.esdl ]; do sleep 0.05; done; sleep 0.5";
    let spec = merged(pod_spec(&format!("{waits}; {STAMPS}")), &json!({"terminationGracePeriodSeconds": 5}));
    let template = json!({"metadata": {"annotations": {names::ANNOTATION_WARM: names::WAIT_FOR_INPUT}}, "spec": spec});
    let offer = Offer::of("warm-soon", "true", &json!({"warmPool": {"size": 2}, "template": template})).await;
    let sdk = Sdk::start().await;
    let mut delays = Vec::new();
    for _ in 0..JOBS {
        until("a pod waits", PATIENCE, || async {
            let status = offer.workflows.get(&offer.type_name).await.unwrap().status.unwrap_or_default();
            let ready = status.conditions.iter().any(|known| known.type_ == "WarmPoolReady" && known.status == "True");
            if ready { Ok(()) } else { Err(format!("{:?}", status.conditions)) }
        })
        .await;
        let (_, mut client) = sdk.submit(&offer.type_name, b"<esdl/>", b"").await;
        client.listen(PATIENCE, Duration::ZERO).await;
        delays.push(delay(client.only_result(ResultType::Succeeded)));
        client.leave().await;
    }
    judge("in pods that had waited", delays);
    offer.remove().await;
}
