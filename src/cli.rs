//! The command line, as typed. Every option is also an environment variable, which is how the chart sets them.
//!
//! Ring: shell.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing::Level;

use crate::{api::bounds::MAX_SECONDS, courier::CourierPart, telemetry::Format};

/// The Kubernetes operator for long, expensive jobs whose clients wait for results on `RabbitMQ`.
#[derive(Debug, Parser)]
#[command(name = "omotes-operator", version, about)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the operator.
    Run(Box<Run>),
    /// Prints the CustomResourceDefinitions as YAML.
    Crd,
    /// Prints OmotesWorkflow manifests made from an OMOTES orchestrator's workflow_config.json, as YAML.
    ImportWorkflows {
        /// The orchestrator's workflow_config.json.
        file: PathBuf,
        /// The image that runs the jobs; what else the pods need is to be added to the manifests.
        #[arg(long)]
        image: String,
    },
    /// Runs in a job's pod; the operator adds it there.
    Courier {
        /// Which of the courier's parts.
        #[command(subcommand)]
        part: CourierPart,
    },
}

/// What the client of a job that was stopped at its deadline hears.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(crate) enum DeadlineResult {
    /// What OMOTES' clients expect.
    Cancelled,
    /// The protocol's own word for it.
    Timeout,
}

/// What to do with queues that no job has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub(crate) enum OrphansAction {
    /// Count and name them.
    Report,
    /// Remove them, too.
    Delete,
}

/// Options of `run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The namespaces whose OmotesJobs to run, separated by commas. Empty means all.
    #[arg(long, env = "OMOTES_WATCH_NAMESPACES", value_delimiter = ',')]
    pub watch_namespaces: Vec<String>,

    /// The folder with the broker's credentials: amqp-uri and courier-amqp-uri, and optionally management-uri and
    /// ca.crt. A mounted Secret; it is read again at each connect.
    #[arg(long, env = "OMOTES_BROKER_DIR", default_value = "/etc/omotes/broker")]
    pub broker_dir: PathBuf,

    /// Refuses a broker's URI that is not encrypted, for the operator as well as for couriers.
    #[arg(long, env = "OMOTES_REQUIRE_TLS")]
    pub require_tls: bool,

    /// The image that holds the courier: the operator's own.
    #[arg(long, env = "OMOTES_COURIER_IMAGE")]
    pub courier_image: String,

    /// The pull policy of the courier's image: Always, IfNotPresent or Never.
    #[arg(long, env = "OMOTES_COURIER_IMAGE_PULL_POLICY")]
    pub courier_image_pull_policy: Option<String>,

    /// Requests and limits of the courier's containers, as JSON.
    #[arg(long, env = "OMOTES_COURIER_RESOURCES", default_value = "{}")]
    pub courier_resources: String,

    /// The PriorityClass of a job's pod by the job's spec.priority, as JSON: {"Low": "batch", "High": "urgent"}. A priority
    /// without one, and a template with a class of its own, get none.
    #[arg(long, env = "OMOTES_PRIORITY_CLASSES", default_value = "{}")]
    pub priority_classes: String,

    /// For jobs that give spec.expectedDuration without secondsPerResource: 1 to 315360000 (ten years).
    #[arg(long, env = "OMOTES_DEFAULT_SECONDS_PER_RESOURCE", default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=MAX_SECONDS))]
    pub default_seconds_per_resource: i64,

    /// For jobs that give spec.expectedDuration without bufferSeconds: 0 to 315360000 (ten years).
    #[arg(long, env = "OMOTES_DEFAULT_BUFFER_SECONDS", default_value_t = 1200, value_parser = clap::value_parser!(i64).range(0..=MAX_SECONDS))]
    pub default_buffer_seconds: i64,

    /// For jobs without spec.maxRunSeconds: 1 to 315360000 (ten years). Left out, such jobs have no limit.
    #[arg(long, env = "OMOTES_DEFAULT_MAX_RUN_SECONDS", value_parser = clap::value_parser!(i64).range(1..=MAX_SECONDS))]
    pub default_max_run_seconds: Option<i64>,

    /// For jobs without spec.startDeadlineSeconds: 1 to 315360000 (ten years). Left out, such jobs have no limit.
    #[arg(long, env = "OMOTES_DEFAULT_START_DEADLINE_SECONDS", value_parser = clap::value_parser!(i64).range(1..=MAX_SECONDS))]
    pub default_start_deadline_seconds: Option<i64>,

    /// What the client of a job that was stopped at its deadline hears: CANCELLED or TIMEOUT.
    #[arg(long, env = "OMOTES_DEADLINE_RESULT_TYPE", value_enum, default_value_t = DeadlineResult::Cancelled)]
    pub deadline_result_type: DeadlineResult,

    /// What to do with queues that no job has: Report counts them and names them in the log, Delete also removes them.
    #[arg(long, env = "OMOTES_ORPHANS_ACTION", value_enum, default_value_t = OrphansAction::Report)]
    pub orphans_action: OrphansAction,

    /// How often queues that no job has are looked for, in seconds: 10 to 86400 (a day).
    #[arg(long, env = "OMOTES_ORPHANS_INTERVAL_SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(10..=86_400))]
    pub orphans_interval_seconds: u64,

    /// For how long a queue must be known to belong to no job before it is removed, in seconds: 10 to 2592000 (30 days).
    #[arg(long, env = "OMOTES_ORPHANS_GRACE_SECONDS", default_value_t = 7200, value_parser = clap::value_parser!(i64).range(10..=2_592_000))]
    pub orphans_grace_seconds: i64,

    /// The namespace for the jobs that clients submit over AMQP; it must be one that is watched. Left out, this operator
    /// takes no submissions, and leaves them to whoever does.
    #[arg(long, env = "OMOTES_GATEWAY_NAMESPACE")]
    pub gateway_namespace: Option<String>,

    /// How long a job that came over AMQP stays after its end, in seconds: 0 to 315360000 (ten years). A submission that
    /// the broker delivers once more finds it, and does not run again.
    #[arg(long, env = "OMOTES_GATEWAY_TTL_SECONDS_AFTER_FINISHED", default_value_t = 86_400, value_parser = clap::value_parser!(i64).range(0..=MAX_SECONDS))]
    pub gateway_ttl_seconds_after_finished: i64,

    /// The namespace of the operator's Lease and key.
    #[arg(long, env = "POD_NAMESPACE")]
    pub namespace: String,

    /// The name of this process among the replicas.
    #[arg(long, env = "POD_NAME")]
    pub identity: String,

    /// The UID of this process's pod, for Events about it. Left out, they name the pod only.
    #[arg(long, env = "POD_UID")]
    pub pod_uid: Option<String>,

    /// The Lease by which one replica leads.
    #[arg(long, env = "OMOTES_LEASE_NAME", default_value = "omotes-operator")]
    pub lease_name: String,

    #[expect(rustdoc::broken_intra_doc_links, reason = "[::] is an address, and the text is that of --help")]
    /// Where /healthz, /readyz and /metrics are served; [::] is any address, IPv4 or IPv6.
    #[arg(long, env = "OMOTES_HTTP_ADDRESS", default_value = "[::]:8080")]
    pub http_address: SocketAddr,

    /// How many jobs are looked at at once: 1 to 1000.
    #[arg(long, env = "OMOTES_MAX_CONCURRENT_RECONCILES", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub max_concurrent_reconciles: u16,

    /// The most requests a second that the operator sends to the apiserver: 1 to 10000.
    #[arg(long, env = "OMOTES_KUBE_REQUESTS_PER_SECOND", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub kube_requests_per_second: u64,

    /// How a line of the log looks.
    #[arg(long, env = "OMOTES_LOG_FORMAT", value_enum, default_value_t = Format::Json)]
    pub log_format: Format,

    /// The least level that is logged: error, warn, info, debug or trace.
    #[arg(long, env = "OMOTES_LOG_LEVEL", default_value_t = Level::INFO)]
    pub log_level: Level,
}
