//! Whether the broker can be reached from this pod, before the program starts.
//!
//! Ring: shell.
//!
//! The kubelet shows the termination message of an init container while the pod runs, so that the operator can name what
//! keeps the courier from the broker, without a broker. Where a template's own sidecar makes the network this fails, and
//! the courier connects later: the operator reports the reason only of a courier that it does not hear.

use std::time::Duration;

use super::link::Link;
use super::settings::CourierSettings;

/// A broker that drops packets holds up the start of the program for no longer.
const LIMIT: Duration = Duration::from_secs(2);

/// What keeps this pod from the broker; `None` where it connects.
pub(super) async fn obstacle(settings: &CourierSettings) -> Option<String> {
    // Whoever fetches the input from the broker reaches it, or fails.
    if settings.input.is_some() {
        return None;
    }
    let mut link = Link::of(settings);
    let tried = link.try_connect(LIMIT).await;
    link.close().await;
    let error = tried.err()?;
    tracing::warn!(%error, "no connection to the broker yet; the program starts all the same");
    Some(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::layout::tests::Pod;
    use super::super::settings::tests::{lonely, unmounted};
    use super::*;

    #[tokio::test]
    async fn what_keeps_a_courier_from_its_broker_is_named_without_the_password() {
        let pod = Pod::empty();
        let words = obstacle(&lonely(&pod)).await.unwrap();
        assert!(words.contains("amqp://courier@127.0.0.1:1, vhost omotes") && words.contains("refused"), "{words}");
        assert!(!words.contains("s3cret"), "{words}");
        let words = obstacle(&unmounted()).await.unwrap();
        assert!(words.contains("/no/such/folder/amqp-uri"), "{words}");
    }
}
