//! Nodes whose clock is wrong: each is reported once.
//!
//! Ring: shell.

use jiff::SignedDuration;
use tracing::debug;

use crate::{
    api::Reason,
    controller::context::Context,
    plan::{
        Observed, Step,
        facts::node_clock::{NodeClock, WORTH_A_WARNING},
    },
    pods::main_of,
};

use super::execute::carry_out;

/// Reports the clock of the node that the job's pod is on, where it is wrong and was not reported.
pub(super) async fn report(observed: &mut Observed, context: &Context) {
    let Some((node, skew)) = skewed(observed).filter(|(node, _)| context.state.skewed_nodes.is_news(node)) else {
        return;
    };
    let note = format!(
        "the clock of node {node} is at least {} s {} the operator's: no verdict rests on its times, and a limit counts from the nearest possible one. Synchronize the clock",
        skew.unsigned_abs().as_secs(),
        if skew.is_negative() { "behind" } else { "ahead of" },
    );
    let warning = Step::Warn { reason: Reason::ClockSkew, note };
    if let Err(error) = carry_out(warning, observed, context).await {
        debug!(%error, node, "could not report the node's clock");
    }
}

fn skewed(observed: &Observed) -> Option<(String, SignedDuration)> {
    let pod = observed.own_pod()?;
    let node = pod.spec.as_ref()?.node_name.clone()?;
    let skew = NodeClock::of(pod, &main_of(&observed.job, pod), observed.now).skew();
    (skew.unsigned_abs() > WORTH_A_WARNING.unsigned_abs()).then_some((node, skew))
}
