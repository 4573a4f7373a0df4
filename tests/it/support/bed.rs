//! The cluster: namespaces of a test's own, jobs in them, and waiting for what becomes of them.

use std::{env, process::Command, time::Duration};

use k8s_openapi::api::{
    core::v1::{Namespace, Pod},
    events::v1::Event,
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use omotes_operator::testing::api::{OmotesJob, status::Phase};
use serde_json::{Value, json};

use super::until;

/// How long anything that works takes at most on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// What a program does that works until it is stopped. It costs no processor, and a trap before it is run at once.
pub(crate) const WAITS: &str = "sleep 3600 & while :; do wait; done";

/// A program that works until it gets SIGTERM, and then exits with `code`.
pub(crate) fn quits(code: u8) -> String {
    format!("trap 'exit {code}' TERM; {WAITS}")
}

/// A program that ignores SIGTERM.
pub(crate) fn deaf() -> String {
    format!("trap '' TERM; {WAITS}")
}

/// A variable that `target/testbed/env` exports.
pub(crate) fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `make up` and `. target/testbed/env` first"))
}

/// Runs the test bed's own command, such as `broker restart`.
pub(crate) fn testbed(arguments: &[&str]) -> String {
    let output = Command::new(variable("OMOTES_TESTBED")).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "testbed {arguments:?}: {text}");
    text
}

/// Runs kubectl and tells whether it succeeded, and what it said.
pub(crate) fn kubectl(arguments: &[&str], input: Option<&str>) -> (bool, String) {
    use std::{io::Write, process::Stdio};
    let mut child = Command::new("kubectl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.unwrap_or_default().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

/// Runs a shell script in the main container of a pod.
pub(crate) fn run_in(namespace: &str, pod: &str, script: &str) {
    let exec = ["exec", "--namespace", namespace, pod, "--container", "main", "--", "sh", "-c", script];
    let (done, text) = kubectl(&exec, None);
    assert!(done, "{text}");
}

/// A client for the cluster that `KUBECONFIG` names.
pub(crate) async fn cluster() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    variable("KUBECONFIG");
    Client::try_default().await.unwrap()
}

/// A namespace of a test's own, which enforces `restricted`.
pub(crate) struct Space {
    pub client: Client,
    pub name: String,
    pub jobs: Api<OmotesJob>,
    pub pods: Api<Pod>,
}

impl Space {
    /// A fresh namespace called after the test.
    pub(crate) async fn new(test: &str) -> Self {
        Self::labelled(test, json!({"pod-security.kubernetes.io/enforce": "restricted"})).await
    }

    /// A fresh namespace that nobody prepared, called after the test.
    pub(crate) async fn bare(test: &str) -> Self {
        Self::labelled(test, json!({})).await
    }

    async fn labelled(test: &str, labels: Value) -> Self {
        let client = cluster().await;
        let name = format!("{}-{:06x}", test.replace('_', "-"), fastrand::u32(..0x0100_0000));
        let namespace = json!({"metadata": {"name": name, "labels": labels}});
        let api: Api<Namespace> = Api::all(client);
        api.create(&PostParams::default(), &serde_json::from_value(namespace).unwrap()).await.unwrap();
        Self::of(&name).await
    }

    /// A namespace that is there.
    pub(crate) async fn of(name: &str) -> Self {
        let client = cluster().await;
        let (jobs, pods) = (Api::namespaced(client.clone(), name), Api::namespaced(client.clone(), name));
        Self { client, name: name.to_owned(), jobs, pods }
    }

    /// Creates a job, unchanged.
    pub(crate) async fn create(&self, job: &OmotesJob) -> OmotesJob {
        self.jobs.create(&PostParams::default(), job).await.unwrap()
    }

    /// Waits until `wanted` holds of the job called `name`.
    pub(crate) async fn wait(&self, name: &str, what: &str, wanted: impl Fn(&OmotesJob) -> bool) -> OmotesJob {
        until(&format!("{}/{name}: {what}", self.name), PATIENCE, || async {
            match self.jobs.get_opt(name).await.unwrap() {
                Some(job) if wanted(&job) => Ok(job),
                Some(job) => Err(serde_json::to_string(&job.status).unwrap()),
                None => Err("there is no such job".to_owned()),
            }
        })
        .await
    }

    /// Waits until the job called `name` has ended.
    pub(crate) async fn ended(&self, name: &str) -> OmotesJob {
        self.wait(name, "ended", |job| phase(job).is_some_and(Phase::is_terminal)).await
    }

    /// Waits until the program of the job called `name` runs.
    pub(crate) async fn running(&self, name: &str) -> OmotesJob {
        let started =
            |job: &OmotesJob| phase(job) == Some(Phase::Running) || phase(job).is_some_and(Phase::is_terminal);
        let job = self.wait(name, "running", started).await;
        assert_eq!(phase(&job), Some(Phase::Running), "{name} was over before it was seen to run: {:?}", job.status);
        job
    }

    /// Changes the spec of the job called `name`.
    pub(crate) async fn change(&self, name: &str, spec: &Value) {
        self.try_change(name, spec).await.unwrap();
    }

    /// The same where the apiserver may refuse it; tells why.
    pub(crate) async fn try_change(&self, name: &str, spec: &Value) -> Result<(), String> {
        let patch = Patch::Merge(json!({"spec": spec}));
        let changed = self.jobs.patch(name, &PatchParams::default(), &patch).await;
        changed.map(drop).map_err(|error| error.to_string())
    }

    /// Asks for the deletion of the job called `name`.
    pub(crate) async fn delete(&self, name: &str) {
        self.jobs.delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// Waits until there is no job called `name` any more.
    pub(crate) async fn gone(&self, name: &str) {
        until(&format!("{}/{name} is gone", self.name), PATIENCE, || async {
            match self.jobs.get_opt(name).await.unwrap() {
                None => Ok(()),
                Some(job) => Err(serde_json::to_string(&(&job.metadata, &job.status)).unwrap()),
            }
        })
        .await;
    }

    /// Waits until neither a job nor a pod is left.
    pub(crate) async fn empty(&self) {
        until(&format!("{} is empty", self.name), PATIENCE, || async {
            let jobs = self.jobs.list(&ListParams::default()).await.unwrap().items;
            let pods = self.pods.list(&ListParams::default()).await.unwrap().items;
            let names: Vec<String> =
                jobs.iter().map(ResourceExt::name_any).chain(pods.iter().map(ResourceExt::name_any)).collect();
            if names.is_empty() { Ok(()) } else { Err(names.join(", ")) }
        })
        .await;
    }

    /// Waits until the operator holds the pod called `name` no more: its exit codes are recorded.
    pub async fn released(&self, name: &str) -> Pod {
        until(&format!("{}/{name} is released", self.name), PATIENCE, || async {
            let pod = self.pods.get(name).await.map_err(|error| error.to_string())?;
            if pod.finalizers().is_empty() { Ok(pod) } else { Err(format!("{:?}, {:?}", pod.finalizers(), pod.status)) }
        })
        .await
    }

    /// Waits for an Event about the job called `name`, and returns what it says.
    pub(crate) async fn event(&self, name: &str, reason: &str) -> String {
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.name);
        until(&format!("an Event {reason} about {}/{name}", self.name), PATIENCE, || async {
            let about = ListParams::default().fields(&format!("regarding.name={name},reason={reason}"));
            let found = events.list(&about).await.unwrap().items.into_iter().next();
            found.map(|event| event.note.unwrap_or_default()).ok_or_else(|| "no such Event".to_owned())
        })
        .await
    }

    /// Asks for the removal of the namespace.
    pub(crate) async fn abandon(&self) {
        let api: Api<Namespace> = Api::all(self.client.clone());
        api.delete(&self.name, &DeleteParams::default()).await.unwrap();
    }

    /// Removes the namespace; no job and no pod in it may hold it back. What the namespace's own controller then still has to do
    /// is not waited for.
    pub(crate) async fn remove(self) {
        self.abandon().await;
        self.empty().await;
    }

    /// Removes the namespace, and waits until it is gone; nothing in it may hold it back.
    pub(crate) async fn vanish(self) {
        self.abandon().await;
        let api: Api<Namespace> = Api::all(self.client.clone());
        until(&format!("namespace {} is gone", self.name), PATIENCE, || async {
            match api.get_opt(&self.name).await.unwrap() {
                None => Ok(()),
                Some(namespace) => Err(serde_json::to_string(&namespace.status).unwrap()),
            }
        })
        .await;
    }
}

/// The phase in a job's status.
pub(crate) fn phase(job: &OmotesJob) -> Option<Phase> {
    job.status.as_ref().and_then(|status| status.phase)
}

/// The cause in a job's status, as text; empty while there is none.
pub(crate) fn cause(job: &OmotesJob) -> &'static str {
    job.status.as_ref().and_then(|status| status.termination.as_ref()).map_or("", |end| end.cause.as_str())
}

/// Status and reason of a condition in a job's status, such as `False Unroutable`; empty while it is not there.
pub(crate) fn verdict(job: &OmotesJob, type_: &str) -> String {
    let mut conditions = job.status.iter().flat_map(|status| &status.conditions);
    let found = conditions.find(|condition| condition.type_ == type_);
    found.map(|condition| format!("{} {}", condition.status, condition.reason)).unwrap_or_default()
}

/// What a job's status says of its end.
pub(crate) fn message(job: &OmotesJob) -> String {
    let termination = job.status.as_ref().and_then(|status| status.termination.clone());
    termination.and_then(|end| end.message).unwrap_or_default()
}

/// A job whose main container runs a shell script as user 10001, admitted where `restricted` is enforced.
pub(crate) fn shell_job(name: &str, script: &str) -> OmotesJob {
    job(name, &json!({"template": {"spec": pod_spec(script)}}))
}

/// A job with this spec.
pub(crate) fn job(name: &str, spec: &Value) -> OmotesJob {
    let job =
        json!({"apiVersion": "omotes.io/v1alpha1", "kind": "OmotesJob", "metadata": {"name": name}, "spec": spec});
    serde_json::from_value(job).unwrap()
}

/// `value` with `patch` merged into it (RFC 7386): a null takes a field away.
pub(crate) fn merged(value: Value, patch: &Value) -> Value {
    let Value::Object(changes) = patch else { return patch.clone() };
    let mut object = value.as_object().cloned().unwrap_or_default();
    for (key, change) in changes {
        let before = object.remove(key).unwrap_or_default();
        if !change.is_null() {
            object.insert(key.clone(), merged(before, change));
        }
    }
    object.into()
}

/// The pod of [`shell_job`].
pub(crate) fn pod_spec(script: &str) -> Value {
    json!({
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "securityContext": {"runAsNonRoot": true, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "terminationGracePeriodSeconds": 5,
        "containers": [container("main", script)],
    })
}

/// A busybox container that is admitted where `restricted` is enforced.
pub(crate) fn container(name: &str, script: &str) -> Value {
    json!({
        "name": name,
        "image": "localhost/busybox:1",
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", script],
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": true},
    })
}
