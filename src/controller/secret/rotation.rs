//! Brings rotated credentials to the pods that are there.
//!
//! Ring: shell.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::{
    controller::{context::Context, error::Error},
    pods,
};

use super::execute::{ensure, nudge};

/// How often the operator's own files are compared with what the namespaces got.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(15);
/// A kubelet that is told of a changed pod before it knows the Secret mounts the old one for another minute.
const SETTLE: Duration = Duration::from_secs(2);

/// Brings rotated credentials to the pods that are there, until it is aborted. Without a change nothing is asked: a new
/// leader reads the Secret of each namespace once.
pub(crate) async fn follow_rotations(context: Arc<Context>) {
    loop {
        sleep(LOOK_EVERY).await;
        if let Err(error) = bring_rotated(&context).await {
            warn!(%error, "the couriers' credentials cannot be read; the operator tries again");
        }
    }
}

async fn bring_rotated(context: &Context) -> Result<(), Error> {
    let pods = context.state.pods.filtered(reads_credentials);
    let namespaces = pods.iter().filter_map(|pod| pod.namespace()).collect();
    for namespace in context.state.secrets.stale(namespaces)? {
        if let Err(error) = ensure(&namespace, context.clock.now(), context).await {
            warn!(namespace, %error, "rotated credentials have not reached the couriers; the operator tries again");
        }
    }
    let rotated = context.state.secrets.take_rotated();
    if rotated.is_empty() {
        return Ok(());
    }
    let namespaces = rotated.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    info!(namespaces, "brought the rotated credentials of couriers");
    sleep(SETTLE).await;
    for pod in pods.iter().filter(|pod| pod.namespace().is_some_and(|namespace| rotated.contains(&namespace))) {
        nudge(context, pod).await;
    }
    Ok(())
}

/// Also where main has ended: the courier may still try to send its output.
fn reads_credentials(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    pods::greets(pod) && !matches!(phase, Some("Succeeded" | "Failed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pods_whose_courier_may_connect_get_rotated_credentials() {
        let pod = |volume: &str, phase: &str, state: &str| -> Pod {
            let main = json!({"name": "main", "image": "", "imageID": "", "ready": false, "restartCount": 0,
                "state": {state: {"exitCode": 0}}});
            let pod = json!({"spec": {"containers": [{"name": "main"}], "volumes": [{"name": volume}]},
                "status": {"phase": phase, "containerStatuses": [main]}});
            serde_json::from_value(pod).unwrap()
        };
        for (volume, phase, state, expected) in [
            ("omotes-credentials", "Pending", "waiting", true),
            ("omotes-credentials", "Running", "running", true),
            ("omotes-credentials", "Running", "terminated", true),
            ("omotes-credentials", "Succeeded", "terminated", false),
            ("omotes-work", "Running", "running", false),
        ] {
            assert_eq!(reads_credentials(&pod(volume, phase, state)), expected, "{volume} {phase} {state}");
        }
    }
}
