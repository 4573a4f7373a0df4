//! The couriers of pods: the operator's own program, with files of the pod's in a folder on this machine.
//!
//! What of a kubelet matters to them is done here: mounts, variables, termination messages. A volume of annotations follows
//! the pod within [`SYNC_EVERY`].

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::{Container, Pod, Secret, Volume};
use kube::ResourceExt;
use omotes_operator::testing::{
    broker::{Connector, SimulatedBroker},
    courier::{self, CourierPart, Layout},
};
use tokio::{sync::oneshot, time::sleep};

use super::{
    apiserver::SimulatedApiserver,
    folder::Folder,
    nodes::{Courier, Exit},
};

const SYNC_EVERY: Duration = Duration::from_secs(1);
const OUTPUT: &str = "omotes/output/output.esdl";
const INPUT: &str = "omotes/input/input.esdl";

/// The couriers of all pods.
#[derive(Clone)]
pub(super) struct RealCouriers {
    apiserver: SimulatedApiserver,
    broker: SimulatedBroker,
    /// The files of each pod, by its UID.
    folders: Arc<Mutex<BTreeMap<String, Arc<Folder>>>>,
}

/// The files of one pod, and what its kubelet knows.
struct PodFiles {
    apiserver: SimulatedApiserver,
    folder: Arc<Folder>,
    container: Container,
}

impl RealCouriers {
    pub(super) fn new(apiserver: &SimulatedApiserver, broker: &SimulatedBroker) -> Self {
        Self { apiserver: apiserver.clone(), broker: broker.clone(), folders: Arc::default() }
    }

    fn folder(&self, pod: &Pod) -> Arc<Folder> {
        let mut folders = self.folders.lock().unwrap();
        Arc::clone(folders.entry(pod.uid().unwrap()).or_insert_with(|| Arc::new(Folder::new())))
    }

    async fn play(self, courier: Courier) -> Exit {
        let pod = courier.pod();
        let container = container(&pod, &courier.container);
        let files = PodFiles { apiserver: self.apiserver.clone(), folder: self.folder(&pod), container };
        while !files.mount(&pod) {
            sleep(SYNC_EVERY).await;
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let program = files.serve(&pod, &self.broker, async { drop(stopped.await) });
        let kubelet = async {
            let mut stop = Some(stop);
            loop {
                files.follow(&courier);
                tokio::select! {
                    () = courier.stopped(), if stop.is_some() => {
                        files.follow(&courier);
                        drop(stop.take());
                    }
                    () = sleep(SYNC_EVERY) => {}
                }
            }
        };
        tokio::select! {
            exit = program => exit,
            () = kubelet => unreachable!("a kubelet goes on"),
        }
    }
}

impl super::nodes::Couriers for RealCouriers {
    fn run(&self, courier: Courier) -> BoxFuture<'static, Exit> {
        Box::pin(self.clone().play(courier))
    }
}

impl PodFiles {
    /// Runs the courier's program.
    async fn serve(&self, pod: &Pod, broker: &SimulatedBroker, stopped: impl Future<Output = ()>) -> Exit {
        let log = self.folder.path().join(format!("{}.log", self.container.name));
        let layout = Layout::new(self.folder.path().join("omotes"), &log);
        let part = match self.container.args.as_deref() {
            Some([_, part]) if part == "input" => CourierPart::Input,
            Some([_, part]) if part == "warm" => CourierPart::Warm,
            _ => CourierPart::Run,
        };
        let connector = Connector::Simulated(broker.clone());
        let code = courier::serve(part, |name| self.variable(pod, name), &layout, connector, stopped).await;
        let number = i32::from(code != Ok(ExitCode::SUCCESS));
        let said = fs::read_to_string(log).unwrap_or_default();
        Exit::code(number).saying(&said)
    }

    fn variable(&self, pod: &Pod, name: &str) -> Option<String> {
        let variable = self.container.env.iter().flatten().find(|variable| variable.name == name)?;
        let Some(value) = &variable.value else { return pod.uid() };
        Some(if name.ends_with("_DIR") { self.place(value).display().to_string() } else { value.clone() })
    }

    /// Where on this machine a path of the pod is.
    fn place(&self, path: &str) -> PathBuf {
        self.folder.path().join(path.trim_start_matches('/'))
    }

    /// What a kubelet does as long as the container lives.
    fn follow(&self, courier: &Courier) {
        self.mount(&courier.pod());
        if let Some(output) = courier.main_end().and_then(|end| end.output) {
            self.folder.write(OUTPUT, output);
        }
        if self.folder.path().join(INPUT).exists() {
            courier.bring_input();
        }
    }

    /// Writes all files that the pod mounts; false where a Secret is missing, which a kubelet waits for.
    fn mount(&self, pod: &Pod) -> bool {
        let mounts = self.container.volume_mounts.iter().flatten();
        mounts.fold(true, |all, mount| {
            let volume = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
            let volume = volume.into_iter().find(|volume| volume.name == mount.name);
            let place = self.place(&mount.mount_path);
            fs::create_dir_all(&place).unwrap();
            volume.is_none_or(|volume| self.fill(pod, volume, &place)) && all
        })
    }

    fn fill(&self, pod: &Pod, volume: &Volume, place: &Path) -> bool {
        let sources = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
        for item in
            sources.filter_map(|source| source.downward_api.as_ref()).flat_map(|files| files.items.iter().flatten())
        {
            let field = item.field_ref.as_ref().map(|field| field.field_path.as_str()).unwrap_or_default();
            write(place, &item.path, annotation(pod, field).unwrap_or_default().as_bytes());
        }
        let Some(secret) = volume.secret.as_ref().and_then(|secret| secret.secret_name.as_ref()) else { return true };
        let namespace = pod.namespace();
        let is_meant = |known: &Secret| known.namespace() == namespace && known.name_any() == *secret;
        let all = self.apiserver.objects("secrets").into_iter();
        let found = all.map(|value| serde_json::from_value(value).unwrap()).find(is_meant);
        let Some(Secret { data, .. }) = found else { return false };
        data.iter().flatten().for_each(|(name, bytes)| write(place, name, &bytes.0));
        true
    }
}

/// Writes a file that is not like that yet.
fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    if fs::read(&path).ok().as_deref() != Some(bytes) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// The annotation that a field's path means.
fn annotation<'a>(pod: &'a Pod, field: &str) -> Option<&'a str> {
    let key = field.strip_prefix("metadata.annotations['")?.strip_suffix("']")?;
    pod.annotations().get(key).map(String::as_str)
}

fn container(pod: &Pod, name: &str) -> Container {
    let spec = pod.spec.as_ref().unwrap();
    let all = spec.init_containers.iter().flatten().chain(&spec.containers);
    all.into_iter().find(|container| container.name == name).unwrap().clone()
}
