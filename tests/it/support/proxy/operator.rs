//! An operator behind the proxy, in place of the installed one: the binary of this build as a process of this machine. It is
//! configured as the Deployment is, takes its Lease, and is started again when it ends, as by a kubelet.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use serde_json::json;
use tokio::{
    process::{Child, Command},
    sync::oneshot,
    task::JoinHandle,
    time::sleep,
};

use super::Proxy;
use crate::support::{
    bed::{PATIENCE, kubectl, variable},
    operator::{Operator, signal},
    until,
};

/// As a kubelet waits at least.
const START_AGAIN: Duration = Duration::from_secs(1);
/// How many replicas are installed.
const REPLICAS: u8 = 2;

/// The operator behind the proxy. The installed one is there again when it is dropped.
pub(crate) struct ProxiedOperator {
    pub proxy: Proxy,
    pages: SocketAddr,
    /// When its process has ended by itself.
    ends: Arc<Mutex<Vec<Instant>>>,
    stop: Option<oneshot::Sender<()>>,
    keeper: JoinHandle<()>,
    folder: Folder,
    _installed: Withdrawn,
}

impl ProxiedOperator {
    /// Takes the installed operator away, and waits until another one behind a proxy leads and is connected.
    pub(crate) async fn start() -> Self {
        let installed = Operator::settled().await;
        let withdrawn = Withdrawn::new();
        let (proxy, folder) = (Proxy::start().await, Folder::new());
        folder.configure(&proxy);
        let pages = free_address();
        let command = command(&installed, &folder.0, pages).await;
        let (stop, stopped) = oneshot::channel();
        let ends = Arc::<Mutex<Vec<Instant>>>::default();
        let keeper = tokio::spawn(keep(command, Arc::clone(&ends), stopped));
        let operator = Self { proxy, pages, ends, stop: Some(stop), keeper, folder, _installed: withdrawn };
        operator.connected().await;
        operator
    }

    /// Waits until it leads, knows what there is, and is connected to the broker.
    pub(crate) async fn connected(&self) {
        until("the proxied operator is in good order", PATIENCE, || async {
            let readiness = self.readiness().await;
            let wanted = ["role: leader\n", "in sync: true\n", "broker: connected since"];
            if wanted.iter().all(|line| readiness.contains(line)) { Ok(()) } else { Err(readiness) }
        })
        .await;
    }

    /// What it says of itself, without the proxy.
    pub(crate) async fn readiness(&self) -> String {
        let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
        match client.get(format!("http://{}/readyz", self.pages)).send().await {
            Ok(answer) => answer.text().await.unwrap_or_else(|error| error.to_string()),
            Err(error) => error.to_string(),
        }
    }

    /// Waits until its process has ended by itself; tells when that was.
    pub(crate) async fn ended(&self) -> Instant {
        until("the operator's process has ended", PATIENCE, || async {
            self.ends.lock().unwrap().first().copied().ok_or_else(|| "it runs".to_owned())
        })
        .await
    }

    /// How often its process has ended by itself.
    pub(crate) fn restarts(&self) -> usize {
        self.ends.lock().unwrap().len()
    }

    /// Stops it, as at the end of a Deployment; the installed one comes back.
    pub(crate) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        (&mut self.keeper).await.unwrap();
    }
}

impl Drop for ProxiedOperator {
    fn drop(&mut self) {
        self.keeper.abort();
        if thread::panicking() {
            println!("the proxied operator's log: {}", self.folder.log().display());
        }
    }
}

/// A folder of its own for the process; after a failure it stays.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("proxied-{:08x}", fastrand::u32(..));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Writes where the proxy is.
    fn configure(&self, proxy: &Proxy) {
        let server = format!("http://{}", proxy.apiserver.address);
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "clusters": [{"name": "proxy", "cluster": {"server": server}}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
            "users": [{"name": "proxy", "user": {}}],
        });
        for (file, text) in [
            ("kubeconfig", kubeconfig.to_string()),
            ("amqp-uri", proxy.broker_uri.to_string()),
            ("courier-amqp-uri", variable("OMOTES_COURIER_AMQP_URI")),
            ("management-uri", proxy.management_uri.to_string()),
        ] {
            fs::write(self.0.join(file), text).unwrap();
        }
    }

    fn log(&self) -> PathBuf {
        self.0.join("log")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !thread::panicking() {
            drop(fs::remove_dir_all(&self.0));
        }
    }
}

/// The installed operator while it is away.
struct Withdrawn;

impl Withdrawn {
    fn new() -> Self {
        let withdrawn = Self;
        Operator::scale(0);
        withdrawn
    }
}

impl Drop for Withdrawn {
    /// Who comes next waits for it.
    fn drop(&mut self) {
        let (namespace, count) = (variable("OMOTES_NAMESPACE"), format!("--replicas={REPLICAS}"));
        let (done, said) = kubectl(&["-n", &namespace, "scale", "deployment/omotes-operator", &count], None);
        // A test may be failing already.
        if !done {
            println!("the installed operator does not come back: {said}");
        }
    }
}

/// Where nothing listens.
fn free_address() -> SocketAddr {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

/// The process that the Deployment would start in a pod, but with these files, which its log is added to.
async fn command(installed: &Operator, folder: &Path, pages: SocketAddr) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_omotes-operator"));
    command.arg("run").env_clear().envs(settings(installed).await);
    command.env("KUBECONFIG", folder.join("kubeconfig")).env("OMOTES_BROKER_DIR", folder);
    command.env("OMOTES_HTTP_ADDRESS", pages.to_string()).env("OMOTES_LOG_FORMAT", "text");
    command.env("POD_NAMESPACE", variable("OMOTES_NAMESPACE")).env("POD_NAME", "proxied");
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).kill_on_drop(true);
    command
}

/// What the Deployment sets by value.
async fn settings(installed: &Operator) -> Vec<(String, String)> {
    let deployments: Api<Deployment> = Api::namespaced(installed.client.clone(), &variable("OMOTES_NAMESPACE"));
    let pod = deployments.get("omotes-operator").await.unwrap().spec.template.spec.unwrap();
    let variables = pod.containers.into_iter().filter_map(|container| container.env).flatten();
    variables.filter_map(|variable| Some((variable.name, variable.value?))).collect()
}

/// Runs the process until it is stopped, again and again.
async fn keep(mut command: Command, ends: Arc<Mutex<Vec<Instant>>>, mut stopped: oneshot::Receiver<()>) {
    loop {
        let mut process: Child = command.spawn().unwrap();
        tokio::select! {
            status = process.wait() => {
                ends.lock().unwrap().push(Instant::now());
                println!("the operator's process has ended: {}", status.unwrap());
            }
            _ = &mut stopped => {
                signal("TERM", process.id().unwrap());
                process.wait().await.unwrap();
                return;
            }
        }
        sleep(START_AGAIN).await;
    }
}
