//! The names and shapes of everything that the operator has at the broker.
//!
//! Ring: core. Pure: declarations are values here, `broker` carries them out.
//!
//! Guarantees:
//! - Queues of a job are named by what identifies the job for ever; the name alone says what a queue is for.
//! - Queues of a job are durable classic queues whose arguments an OMOTES client's own declaration finds equivalent:
//!   `x-expires` (compared by value) and an explicit `x-queue-type`, without which a virtual host's default type would
//!   be taken.

use crate::wire::{Capability, NamespaceKey};

/// The exchange that couriers publish to, and the only thing that they may write to.
pub const COURIER_EXCHANGE: &str = "omotes.courier";
/// The routing key of progress in [`COURIER_EXCHANGE`] that no namespace's queue takes: see [`NamespaceProgress`].
pub const PROGRESS_KEY: &str = "progress";
/// The exclusive queue whose holder alone speaks to clients. It never carries a message.
pub(crate) const LEADER_QUEUE: &str = "omotes.leader";
/// The exchange of the broker's event exchange plugin.
pub(crate) const EVENT_EXCHANGE: &str = "amq.rabbitmq.event";
/// The routing key of the deletion of a queue in [`EVENT_EXCHANGE`].
pub(crate) const QUEUE_DELETED_KEY: &str = "queue.deleted";

/// The exchange that OMOTES' clients and this operator share: direct, not durable, no arguments. Any deviation is an error
/// for every client.
pub(crate) const CLIENT_EXCHANGE: &str = "omotes_exchange";
/// The routing key of the types of jobs that there are, in [`CLIENT_EXCHANGE`].
pub(crate) const AVAILABLE_WORKFLOWS_KEY: &str = "available_workflows";

/// What couriers send or fetch lives at least that long unused: longer than the operator is away. It goes with its job.
const CARRIED_LEAST_SECONDS: i64 = 172_800;
/// The names of queues with the output of an attempt begin so.
const OUTPUT_PREFIX: &str = "omotes.output.";
/// The names of queues with the input of a job as it is begin so: earlier versions made them.
const INPUT_PREFIX: &str = "omotes.input.";
/// The names of queues with the sealed input of a job begin so.
const SEALED_INPUT_PREFIX: &str = "omotes.input.sealed.";
/// The names of queues that keep a result begin so.
const KEPT_PREFIX: &str = "omotes.kept.";

/// The names of queues with the progress of a namespace begin so.
const PROGRESS_PREFIX: &str = "omotes.progress.";

/// Progress is worth nothing when it is a minute old, and a later message replaces it.
const PROGRESS_TTL_MS: i64 = 60_000;
/// Ten messages of each of 1000 running jobs.
const PROGRESS_MAX_LENGTH: i64 = 10_000;
/// Ten messages of each of 200 running jobs: what is older than the newest of each is worth nothing.
const NAMESPACE_MAX_LENGTH: i64 = 2000;
/// As many messages of the largest size that a courier sends.
const NAMESPACE_MAX_BYTES: i64 = 16 * 1024 * 1024;
/// An operator that was away for longer has missed the lives of its queues altogether: their default TTL is two days.
const OWN_EXPIRE_MS: i64 = 7 * 24 * 3600 * 1000;
/// A day of deletions at more than one a second.
const EVENTS_MAX_LENGTH: i64 = 100_000;

/// A durable classic queue that should exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDeclaration {
    /// `name` is at most 255 bytes.
    pub name: String,
    /// `expires_ms` after its last use the broker deletes the queue; absent: never.
    pub expires_ms: Option<i64>,
    /// `limits` on what it holds.
    pub limits: Limits,
    /// `binding` to an exchange other than the default one.
    pub binding: Option<Binding>,
}

/// What a queue drops by itself, oldest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// `max_length` is the number of messages kept.
    pub max_length: Option<i64>,
    /// `message_ttl_ms` is how long a message is kept.
    pub message_ttl_ms: Option<i64>,
}

/// Where a queue's messages come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// `exchange` that the queue is bound to.
    pub exchange: &'static str,
    /// `routing_key` of its messages.
    pub routing_key: String,
}

/// The value of a queue's argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A 64-bit integer.
    Integer(i64),
    /// A text.
    Text(&'static str),
}

/// A queue that OMOTES' clients speak to; it is bound to [`CLIENT_EXCHANGE`] with its own name, and has no arguments, so that
/// a client's own declaration is the same whatever the virtual host's default type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientQueue {
    /// Jobs to run. Clients declare it, too.
    Submissions,
    /// Jobs to end.
    Deletions,
    /// Questions which types of jobs there are.
    Requests,
}

impl ClientQueue {
    /// Its name and its routing key.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Submissions => "job_submissions",
            Self::Deletions => "job_deletions",
            Self::Requests => "request_available_workflows",
        }
    }

    /// Whether it outlives connection and broker; else it is exclusive, as clients know it. A question is not worth keeping:
    /// whoever connects answers it anyway.
    #[must_use]
    pub(crate) fn is_durable(self) -> bool {
        match self {
            Self::Submissions | Self::Deletions => true,
            Self::Requests => false,
        }
    }
}

impl QueueDeclaration {
    fn new(name: String) -> Self {
        Self { name, expires_ms: None, limits: Limits::default(), binding: None }
    }

    fn bound(self, exchange: &'static str, routing_key: String) -> Self {
        Self { binding: Some(Binding { exchange, routing_key }), ..self }
    }

    /// The arguments to declare it with.
    #[must_use]
    pub fn arguments(&self) -> Vec<(&'static str, Argument)> {
        let integers = [
            ("x-expires", self.expires_ms),
            ("x-max-length", self.limits.max_length),
            ("x-message-ttl", self.limits.message_ttl_ms),
        ];
        let given = integers.into_iter().filter_map(|(name, value)| Some((name, Argument::Integer(value?))));
        [("x-queue-type", Argument::Text("classic"))].into_iter().chain(given).collect()
    }
}

/// The queue of a job's progress.
#[must_use]
pub(crate) fn progress_queue(job_id: &str) -> String {
    format!("jobs.{job_id}.progress")
}

/// The queue of a job's status.
#[must_use]
pub(crate) fn status_queue(job_id: &str) -> String {
    format!("jobs.{job_id}.status")
}

/// The queue of a job's result.
#[must_use]
pub fn result_queue(job_id: &str) -> String {
    format!("jobs.{job_id}.result")
}

/// Whose a queue is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueueKind<'a> {
    /// That of the client of the job with this id, which is a UUID.
    Client(&'a str),
    /// One of the operator's own: the input of a job, the output of some attempt, or a result that is kept.
    Own,
}

/// Whose `queue` is, if it is one that the operator makes for a job.
#[must_use]
pub(crate) fn kind_of(queue: &str) -> Option<QueueKind<'_>> {
    let by_capability =
        [OUTPUT_PREFIX, SEALED_INPUT_PREFIX, INPUT_PREFIX].into_iter().find_map(|prefix| queue.strip_prefix(prefix));
    if let Some(capability) = by_capability {
        return capability.parse::<Capability>().ok().map(|_| QueueKind::Own);
    }
    if let Some(uid) = queue.strip_prefix(KEPT_PREFIX) {
        return is_uuid(uid).then_some(QueueKind::Own);
    }
    job_of_queue(queue).filter(|id| is_uuid(id)).map(QueueKind::Client)
}

/// Whether `text` is a UUID as clients write it: lower-case and with dashes.
#[must_use]
pub fn is_uuid(text: &str) -> bool {
    let is_dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let fits = |(at, byte): (usize, u8)| match byte {
        b'-' => is_dash(at),
        b'0'..=b'9' | b'a'..=b'f' => !is_dash(at),
        _ => false,
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

/// Whether a queue is that of some job's result.
#[must_use]
pub(crate) fn is_result_queue(queue: &str) -> bool {
    queue.ends_with(".result") && job_of_queue(queue).is_some()
}

/// The id of the job that a queue for its client is named after; `None` for any other queue.
#[must_use]
pub(crate) fn job_of_queue(queue: &str) -> Option<&str> {
    let (id, kind) = queue.strip_prefix("jobs.")?.rsplit_once('.')?;
    (!id.is_empty() && matches!(kind, "progress" | "status" | "result")).then_some(id)
}

/// The names of the three queues that a job's client reads.
#[must_use]
pub(crate) fn client_queues(job_id: &str) -> Vec<String> {
    vec![progress_queue(job_id), status_queue(job_id), result_queue(job_id)]
}

/// The three queues of a job, which its client reads.
#[must_use]
pub fn job_queues(job_id: &str, expire_after_seconds: i64) -> [QueueDeclaration; 3] {
    [progress_queue(job_id), status_queue(job_id), result_queue(job_id)].map(|name| QueueDeclaration {
        expires_ms: Some(milliseconds(expire_after_seconds)),
        ..QueueDeclaration::new(name)
    })
}

/// The name of the queue of one attempt's output, which the operator reads.
#[must_use]
pub(crate) fn output_queue_name(capability: &Capability) -> String {
    format!("{OUTPUT_PREFIX}{capability}")
}

/// The routing key of one attempt's output in [`COURIER_EXCHANGE`]. It differs from the queue's name, so that who lists
/// queues cannot publish to them.
#[must_use]
pub fn output_key(route: &Capability) -> String {
    format!("output.{route}")
}

/// The queue of one attempt's output, which comes by `route`.
#[must_use]
pub fn output_queue(capability: &Capability, route: &Capability, expire_after_seconds: i64) -> QueueDeclaration {
    QueueDeclaration {
        expires_ms: Some(milliseconds(expire_after_seconds.max(CARRIED_LEAST_SECONDS))),
        ..QueueDeclaration::new(output_queue_name(capability)).bound(COURIER_EXCHANGE, output_key(route))
    }
}

/// The name of the queue with a job's input as it is, which its couriers read: earlier versions did not seal it.
#[must_use]
pub(crate) fn input_queue_name(capability: &Capability) -> String {
    format!("{INPUT_PREFIX}{capability}")
}

/// The name of the queue with a job's sealed input, which its couriers read.
#[must_use]
pub(crate) fn sealed_input_queue_name(label: &Capability) -> String {
    format!("{SEALED_INPUT_PREFIX}{label}")
}

/// The queue with a job's sealed input: one message, which stays there while couriers come and go.
#[must_use]
pub fn input_queue(label: &Capability) -> QueueDeclaration {
    QueueDeclaration {
        expires_ms: Some(milliseconds(CARRIED_LEAST_SECONDS)),
        limits: Limits { max_length: Some(1), message_ttl_ms: None },
        ..QueueDeclaration::new(sealed_input_queue_name(label))
    }
}

/// The operator's queue that keeps the result of the job with this UID while its client's queue is gone.
#[must_use]
pub fn kept_queue(job_uid: &str, expire_after_seconds: i64) -> QueueDeclaration {
    QueueDeclaration {
        expires_ms: Some(milliseconds(expire_after_seconds)),
        // The newest alone: after a crash the same result is put there again.
        limits: Limits { max_length: Some(1), message_ttl_ms: None },
        ..QueueDeclaration::new(format!("{KEPT_PREFIX}{job_uid}"))
    }
}

/// The operator's queue of all couriers' progress.
#[must_use]
pub(crate) fn courier_progress_queue() -> QueueDeclaration {
    QueueDeclaration {
        expires_ms: Some(OWN_EXPIRE_MS),
        limits: Limits { max_length: Some(PROGRESS_MAX_LENGTH), message_ttl_ms: Some(PROGRESS_TTL_MS) },
        ..QueueDeclaration::new("omotes.progress".to_owned()).bound(COURIER_EXCHANGE, PROGRESS_KEY.to_owned())
    }
}

/// Where the progress of one namespace's couriers goes, so that a flood of it holds up no other namespace's.
///
/// The queue is exclusive to the operator's connection: while there is none, couriers find no queue under that key, and use
/// [`PROGRESS_KEY`], whose queue is durable.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamespaceProgress {
    /// `namespace` that it is of.
    pub namespace: String,
    /// `queue_prefix` is how its queues' names begin: whoever listens has one of its own.
    pub queue_prefix: String,
    /// `routing_key` in [`COURIER_EXCHANGE`], which only who has the namespace's key knows.
    pub routing_key: String,
}

impl NamespaceProgress {
    /// That of the namespace called so, whose key this is.
    #[must_use]
    pub fn of(namespace: &str, key: &NamespaceKey) -> Self {
        Self {
            namespace: namespace.to_owned(),
            queue_prefix: format!("{PROGRESS_PREFIX}{}.", key.progress_label()),
            routing_key: namespace_progress_key(key),
        }
    }

    /// The arguments to declare the queue with: the oldest messages are dropped first, and a queue without a consumer
    /// expires.
    #[must_use]
    pub fn arguments() -> [(&'static str, Argument); 5] {
        [
            ("x-expires", Argument::Integer(PROGRESS_TTL_MS)),
            ("x-queue-type", Argument::Text("classic")),
            ("x-max-length", Argument::Integer(NAMESPACE_MAX_LENGTH)),
            ("x-max-length-bytes", Argument::Integer(NAMESPACE_MAX_BYTES)),
            ("x-message-ttl", Argument::Integer(PROGRESS_TTL_MS)),
        ]
    }
}

/// The routing key in [`COURIER_EXCHANGE`] of the progress of the namespace whose key this is.
#[must_use]
pub(crate) fn namespace_progress_key(key: &NamespaceKey) -> String {
    format!("progress.{}", key.progress_route())
}

/// The operator's queue of deletions of queues. Durable, so that it also keeps those that happen between two operators.
#[must_use]
pub(crate) fn events_queue() -> QueueDeclaration {
    QueueDeclaration {
        expires_ms: Some(OWN_EXPIRE_MS),
        limits: Limits { max_length: Some(EVENTS_MAX_LENGTH), message_ttl_ms: None },
        ..QueueDeclaration::new("omotes.events".to_owned()).bound(EVENT_EXCHANGE, QUEUE_DELETED_KEY.to_owned())
    }
}

fn milliseconds(seconds: i64) -> i64 {
    seconds.saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capability() -> Capability {
        "00112233445566778899aabbccddeeff".parse().unwrap()
    }

    #[test]
    fn a_job_has_three_queues_that_a_client_may_declare_too() {
        let queues = job_queues("0b0f", 172_800);
        assert_eq!(
            queues.each_ref().map(|queue| queue.name.as_str()),
            ["jobs.0b0f.progress", "jobs.0b0f.status", "jobs.0b0f.result"]
        );
        for queue in queues {
            assert_eq!(queue.binding, None, "clients are reached through the default exchange");
            assert_eq!(
                queue.arguments(),
                [("x-queue-type", Argument::Text("classic")), ("x-expires", Argument::Integer(172_800_000)),]
            );
        }
    }

    #[test]
    fn an_output_reaches_its_queue_by_a_key_that_only_the_attempt_knows() {
        let queue = output_queue(&capability(), &"ffeeddccbbaa99887766554433221100".parse().unwrap(), 3600);
        assert_eq!(queue.name, "omotes.output.00112233445566778899aabbccddeeff");
        let routing_key = "output.ffeeddccbbaa99887766554433221100".to_owned();
        assert_eq!(queue.binding, Some(Binding { exchange: "omotes.courier", routing_key }));
    }

    #[test]
    fn an_input_is_one_message_that_nobody_but_the_operator_can_send() {
        let queue = input_queue(&capability());
        assert_eq!(queue.name, "omotes.input.sealed.00112233445566778899aabbccddeeff");
        assert_eq!(queue.binding, None, "couriers may not write to the default exchange");
        assert!(queue.arguments().contains(&("x-max-length", Argument::Integer(1))));
        assert!(queue.arguments().contains(&("x-expires", Argument::Integer(172_800_000))));
        for name in [&queue.name, "omotes.input.00112233445566778899aabbccddeeff"] {
            assert_eq!(kind_of(name), Some(QueueKind::Own), "{name}");
        }
    }

    #[test]
    fn only_what_the_protocol_calls_a_uuid_is_one() {
        assert!(is_uuid("0b0f1c9e-93a8-4c0c-b6c4-6f6a0a8d4a10"));
        for other in [
            "",
            "0b0f1c9e93a84c0cb6c46f6a0a8d4a10",
            "0B0F1C9E-93A8-4C0C-B6C4-6F6A0A8D4A10",
            "0b0f1c9e-93a8-4c0c-b6c4-6f6a0a8d4a1g",
        ] {
            assert!(!is_uuid(other), "{other}");
        }
    }

    #[test]
    fn the_operators_own_queues_are_bounded() {
        assert!(courier_progress_queue().arguments().contains(&("x-max-length", Argument::Integer(10_000))));
        assert!(courier_progress_queue().arguments().contains(&("x-message-ttl", Argument::Integer(60_000))));
        assert!(events_queue().arguments().contains(&("x-expires", Argument::Integer(604_800_000))));
    }

    #[test]
    fn queues_of_jobs_are_known_by_their_name() {
        assert_eq!(job_of_queue(&progress_queue("0b0f")), Some("0b0f"));
        for other in ["jobs.0b0f.input", "jobs..status", "jobs.result", "omotes.events"] {
            assert_eq!(job_of_queue(other), None, "{other}");
        }
        assert!(is_result_queue(&result_queue("0b0f")));
        for other in ["jobs.0b0f.status", "jobs..result", "jobs.result", "job_submissions"] {
            assert!(!is_result_queue(other), "{other}");
        }
    }
}
