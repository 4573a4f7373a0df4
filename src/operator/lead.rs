//! One leadership, from its first moment to the hand-over.
//!
//! Ring: shell.

use std::{sync::Arc, time::Duration};

use anyhow::bail;
use kube::Client;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tracing::info;

use crate::{
    broker::{Broker, BrokerEvent},
    clock::Clock,
    config::Config,
    controller::Controller,
    gateway,
    leader::Campaign,
    plan::Settings,
    task,
    telemetry::Metrics,
};

/// What a pass under way at the end may take before the lease is given back; less than the lease has left.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Leads until told to stop or until the lease is lost.
pub(super) async fn lead(
    client: Client,
    clock: Clock,
    settings: Settings,
    config: Config,
    metrics: Arc<Metrics>,
    mut campaign: Campaign,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let (end_broker, broker_ended) = oneshot::channel::<()>();
    let (broker, news) = Broker::start(config.broker, clock, async { drop(broker_ended.await) });
    metrics.watch_broker(broker.clone());
    let (end, ended) = oneshot::channel::<()>();
    let key = settings.keys.current.clone();
    let controller = Controller::new(client, broker.clone(), clock, settings, Arc::clone(&metrics), config.controller);
    let taking = config.gateway.map(|options| {
        let namespace = &options.placement.namespace;
        gateway::run(controller.jobs(namespace), broker, clock, metrics, key.namespace_key(namespace), options)
    });
    let controller = control(controller, taking, news, async { drop(ended.await) });
    let controller = task::spawn_vital("controller", controller);
    let abort = controller.abort_handle();
    tokio::select! {
        // A process that does not lead has nothing to finish.
        biased;
        () = campaign.lost() => {
            abort.abort();
            bail!("this process does not lead any more; it ends, so that it cannot act as if it did");
        }
        _ = controller => bail!("the controller ended by itself"),
        () = stop => info!("told to stop; passes under way are finished"),
    }
    drop(end);
    let drained = tokio::time::timeout(DRAIN_TIMEOUT, async {
        while !abort.is_finished() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    drop(drained.await);
    abort.abort();
    drop(end_broker);
    campaign.release().await;
    Ok(())
}

/// Runs the controller, and beside it what takes submissions, until `shutdown` completes.
async fn control(
    controller: Controller,
    taking: Option<impl Future<Output = ()> + Send + 'static>,
    news: mpsc::Receiver<BrokerEvent>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let controller = controller.start(news);
    let taking = taking.map(|taking| task::spawn_vital("gateway", taking));
    let controller = controller.pass_until(shutdown).await;
    taking.inspect(JoinHandle::abort);
    controller.end();
}
