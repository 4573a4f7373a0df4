//! The courier beside the program, from its start to its end.
//!
//! Ring: shell.
//!
//! Guarantees: the output is sent after the last progress that was seen; what became of it is the last word.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use super::layout::Layout;
use super::link::Link;
use super::settings::CourierSettings;
use super::{flush, report, tail};
use crate::wire::{CourierMessage, TerminationRecord};

/// Carries progress until `shutdown`, then the output: the native sidecar. Where other containers run on, the operator asks
/// for the output before.
pub async fn run(settings: &CourierSettings, layout: &Layout, shutdown: impl Future<Output = ()>) -> ExitCode {
    tokio::pin!(shutdown);
    let mut link = Link::of(settings);
    let is_over = AtomicBool::new(false);
    let end = async {
        tokio::select! {
            () = &mut shutdown => is_over.store(true, Ordering::Relaxed),
            () = flush::requested(layout) => tracing::info!("main has ended and other containers run on: sending the output"),
        }
    };
    let latest = tail::follow(settings, layout, &mut link, end).await;
    let mut code = send(settings, layout, &mut link, latest).await;
    if !is_over.load(Ordering::Relaxed) {
        flush::repeat(settings, layout, &mut link, shutdown).await;
        if code != ExitCode::SUCCESS {
            code = send(settings, layout, &mut link, None).await;
        }
    }
    link.close().await;
    code
}

/// Sends the output and reports what became of it, to the kubelet and over the broker.
async fn send(
    settings: &CourierSettings,
    layout: &Layout,
    link: &mut Link,
    latest: Option<CourierMessage>,
) -> ExitCode {
    let code = match flush::flush(settings, layout, link, latest).await {
        Ok(record) => {
            tracing::info!(bytes = record.bytes, sha256 = %record.sha256, "the broker has the output");
            report::write(layout.termination_log(), &TerminationRecord::Committed(record))
        }
        Err(failure) => report::fail(layout, failure),
    };
    flush::report(settings, layout, link).await;
    code
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::layout::tests::Pod;
    use super::super::settings::tests::lonely;
    use super::*;

    #[tokio::test]
    async fn a_failure_is_the_last_word() {
        let pod = Pod::prepared();
        fs::create_dir(pod.layout.output()).unwrap();
        let settings = lonely(&pod);
        run(&settings, &pod.layout, std::future::ready(())).await;
        let record = TerminationRecord::parse(&fs::read_to_string(pod.layout.termination_log()).unwrap());
        assert!(matches!(record, Ok(TerminationRecord::Failed(_))), "{record:?}");
    }
}
