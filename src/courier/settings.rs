//! What the operator tells the courier, by its environment, and the mounted Secret with the broker's credentials.
//!
//! Ring: shell.
//!
//! Guarantees: typed, then resolved: nothing is left to fail afterwards. Errors name the variable or file, and never its
//! value.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::api::names::courier_key_file;
use crate::broker::{Connector, Endpoint, EndpointError, Trust};
use crate::topology::{namespace_progress_key, sealed_input_queue_name};
use crate::wire::{Assignment, Capability, CourierMessage, CourierNotice, NamespaceKey, SealError, SealedInput};

const CREDENTIALS_DIR: &str = "OMOTES_COURIER_CREDENTIALS_DIR";
const KEY_ID: &str = "OMOTES_COURIER_KEY_ID";
const SEALED_CAPABILITY: &str = "OMOTES_COURIER_SEALED_CAPABILITY";
const JOB_UID: &str = "OMOTES_COURIER_JOB_UID";
const ATTEMPT: &str = "OMOTES_COURIER_ATTEMPT";
const POD_UID: &str = "OMOTES_COURIER_POD_UID";
const FLUSH_SECONDS: &str = "OMOTES_COURIER_FLUSH_SECONDS";
const EXPECTED_INPUT: &str = "OMOTES_COURIER_EXPECTED_INPUT";
const SEALED_INPUT: &str = "OMOTES_COURIER_SEALED_INPUT";
const INPUT_KEY_ID: &str = "OMOTES_COURIER_INPUT_KEY_ID";
const INPUT_QUEUE: &str = "OMOTES_COURIER_INPUT_QUEUE";

/// A kubelet that knows the Secret from before the operator put the key into it brings it within a minute or two.
const KEY_WAIT: Duration = Duration::from_secs(150);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// One attempt of one job, seen from its pod.
#[derive(Clone, Debug)]
pub struct CourierSettings {
    pub(super) credentials: Credentials,
    pub(super) identity: Identity,
    pub(super) job_uid: String,
    pub(super) attempt: i32,
    pub(super) pod_uid: String,
    pub(super) flush: Duration,
    pub(super) expected_input: Option<String>,
    pub(super) input: Option<InputQueue>,
    /// What the operator is sent after each connect.
    pub(super) greeting: CourierNotice,
}

/// What the courier of one attempt is known by at the broker.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    capability: Capability,
    pub(super) proof: Capability,
    /// What its output is routed by.
    pub(super) output_route: Capability,
    /// What its namespace's progress is routed by, where the operator listens to that.
    pub(super) progress_key: String,
}

/// Where the job's input waits at the broker.
#[derive(Clone, Debug)]
pub(super) struct InputQueue {
    pub(super) name: String,
    /// The key and the job that the input is sealed for; absent where an earlier version left it as it was.
    sealed_for: Option<(NamespaceKey, String)>,
}

impl InputQueue {
    fn sealed(key: &NamespaceKey, job: String) -> Self {
        Self { name: sealed_input_queue_name(&key.input_label(&job)), sealed_for: Some((key.clone(), job)) }
    }

    pub(super) fn open(name: String) -> Self {
        Self { name, sealed_for: None }
    }

    /// The ESDL in the message `body`.
    pub(super) fn unseal(&self, body: Vec<u8>) -> Result<Vec<u8>, SealError> {
        match &self.sealed_for {
            Some((key, job)) => key.open_input(job, body),
            None => Ok(body),
        }
    }
}

/// Where the broker's address and its authority are: a mounted Secret, whose files change when they are rotated.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    folder: PathBuf,
    pub(super) connector: Connector,
}

impl Credentials {
    fn mounted_at(folder: PathBuf) -> Self {
        Self { folder, connector: Connector::Amqp }
    }

    /// The namespace's key of this id.
    fn key(&self, id: &str) -> Result<NamespaceKey, SettingsError> {
        let path = self.folder.join(courier_key_file(id));
        match std::fs::read(&path) {
            Ok(bytes) => {
                let unusable = |error: SealError| SettingsError::Unreadable { path, reason: error.to_string() };
                NamespaceKey::from_bytes(&bytes).map_err(unusable)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SettingsError::NoKey(path)),
            Err(error) => Err(SettingsError::Unreadable { path, reason: error.to_string() }),
        }
    }

    /// Where the input is, and how it is opened.
    fn input(&self, sealed: Option<SealedInput>) -> Result<Option<InputQueue>, SettingsError> {
        let Some(SealedInput { job, key_id }) = sealed else { return Ok(None) };
        Ok(Some(InputQueue::sealed(&self.key(&key_id)?, job)))
    }

    /// What the files hold now.
    pub(super) fn read(&self) -> Result<Endpoint, EndpointError> {
        let (uri, ca) = (self.folder.join("amqp-uri"), self.folder.join("ca.crt"));
        let unreadable = |path: &PathBuf, error: &io::Error| EndpointError::Unreadable {
            path: path.clone(),
            reason: error.to_string(),
        };
        let text = std::fs::read_to_string(&uri).map_err(|error| unreadable(&uri, &error))?;
        let trust = match std::fs::read_to_string(&ca) {
            Ok(pem) if pem.trim().is_empty() => Trust::System,
            Ok(pem) => Trust::from_pem(&pem, &ca.display().to_string())?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Trust::System,
            Err(error) => return Err(unreadable(&ca, &error)),
        };
        Endpoint::parse(&text, &uri.display().to_string(), trust)
    }
}

/// A pod that has no job yet.
#[derive(Clone, Debug)]
pub(crate) struct WaitingSettings {
    credentials: Credentials,
    pod_uid: String,
    key_id: String,
}

/// The environment is not one that the operator made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A variable is not there, or empty.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// A variable holds something else than it should.
    #[error("the environment variable {0} does not hold {1}")]
    Malformed(&'static str, &'static str),
    /// The capability was sealed for another attempt, or under another key.
    #[error("the courier cannot prove itself: {0}")]
    Sealed(#[from] SealError),
    /// The Secret does not hold the key.
    #[error(
        "{} is not there: Secret omotes-courier lacks the key of this pod's namespace. The operator that made the pod puts it there; one of another version or with another key may have replaced it since. Delete the pod, or start the job again",
        .0.display()
    )]
    NoKey(PathBuf),
    /// The file with the key cannot be used.
    #[error("cannot use {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl WaitingSettings {
    /// The same courier, whose connections are carried by `connector`.
    pub(super) fn carried_by(mut self, connector: Connector) -> Self {
        self.credentials.connector = connector;
        self
    }

    /// The settings of an environment that `variable` looks up.
    ///
    /// # Errors
    /// When a variable is missing or malformed.
    pub(super) fn resolve(variable: &impl Fn(&'static str) -> Option<String>) -> Result<Self, SettingsError> {
        let credentials = Credentials::mounted_at(required(variable, CREDENTIALS_DIR)?.into());
        Ok(Self { credentials, pod_uid: required(variable, POD_UID)?, key_id: required(variable, KEY_ID)? })
    }

    /// The settings of the job that the pod got, once its key is there.
    pub(super) async fn assigned(&self, assignment: &Assignment) -> Result<CourierSettings, SettingsError> {
        when_keyed(|| self.assign(assignment)).await
    }

    fn assign(&self, assignment: &Assignment) -> Result<CourierSettings, SettingsError> {
        let Assignment { job_uid, attempt, sealed_capability, flush_seconds, sealed_input, input_queue, .. } =
            assignment.clone();
        let key = self.credentials.key(&self.key_id)?;
        Ok(CourierSettings {
            credentials: self.credentials.clone(),
            identity: self.identity(&key, &sealed_capability, &job_uid, attempt)?,
            job_uid,
            attempt,
            pod_uid: self.pod_uid.clone(),
            flush: Duration::from_secs(u64::try_from(flush_seconds).unwrap_or(0)),
            expected_input: None,
            input: self.credentials.input(sealed_input)?.or(input_queue.map(InputQueue::open)),
            greeting: CourierNotice::Arrival,
        })
    }

    fn identity(
        &self,
        key: &NamespaceKey,
        sealed: &str,
        job_uid: &str,
        attempt: i32,
    ) -> Result<Identity, SettingsError> {
        Ok(Identity {
            capability: key.open_capability(sealed, job_uid, attempt)?,
            proof: key.proof(job_uid, attempt, &self.pod_uid),
            output_route: key.output_route(job_uid, attempt),
            progress_key: namespace_progress_key(key),
        })
    }
}

/// What `resolve` gives once the namespace's key is there.
async fn when_keyed(
    resolve: impl Fn() -> Result<CourierSettings, SettingsError>,
) -> Result<CourierSettings, SettingsError> {
    let until = Instant::now() + KEY_WAIT;
    loop {
        match resolve() {
            Err(error @ SettingsError::NoKey(_)) if Instant::now() < until => {
                tracing::warn!(%error, "waiting for the key");
                sleep(LOOK_EVERY).await;
            }
            resolved => return resolved,
        }
    }
}

fn optional(variable: &impl Fn(&'static str) -> Option<String>, name: &'static str) -> Option<String> {
    variable(name).filter(|value| !value.trim().is_empty())
}

fn required(variable: &impl Fn(&'static str) -> Option<String>, name: &'static str) -> Result<String, SettingsError> {
    optional(variable, name).ok_or(SettingsError::Missing(name))
}

impl CourierSettings {
    /// The same courier, whose connections are carried by `connector`.
    #[must_use]
    pub fn carried_by(mut self, connector: Connector) -> Self {
        self.credentials.connector = connector;
        self
    }

    /// The settings of an environment that `variable` looks up, once the namespace's key is there.
    ///
    /// # Errors
    /// When a variable is missing or malformed, or the key does not appear within 150 s.
    pub(super) async fn once_keyed(variable: impl Fn(&'static str) -> Option<String>) -> Result<Self, SettingsError> {
        when_keyed(|| Self::resolve(&variable)).await
    }

    /// The settings of an environment that `variable` looks up.
    ///
    /// # Errors
    /// When a variable is missing or malformed, or the namespace's key is not there.
    pub fn resolve(variable: impl Fn(&'static str) -> Option<String>) -> Result<Self, SettingsError> {
        let pod = WaitingSettings::resolve(&variable)?;
        let key = pod.credentials.key(&pod.key_id)?;
        Self::keyed(&variable, pod, &key)
    }

    fn keyed(
        variable: &impl Fn(&'static str) -> Option<String>,
        pod: WaitingSettings,
        key: &NamespaceKey,
    ) -> Result<Self, SettingsError> {
        let optional = |name| optional(variable, name);
        let required = |name| required(variable, name);
        let (job_uid, attempt) = (required(JOB_UID)?, whole(ATTEMPT, &required(ATTEMPT)?)?);
        let flush = Duration::from_secs(whole(FLUSH_SECONDS, &required(FLUSH_SECONDS)?)?);
        let sealed_input =
            optional(SEALED_INPUT).zip(optional(INPUT_KEY_ID)).map(|(job, key_id)| SealedInput { job, key_id });
        let input = pod.credentials.input(sealed_input)?;
        Ok(Self {
            identity: pod.identity(key, &required(SEALED_CAPABILITY)?, &job_uid, attempt)?,
            credentials: pod.credentials,
            job_uid,
            attempt,
            pod_uid: pod.pod_uid,
            flush,
            expected_input: optional(EXPECTED_INPUT),
            input: input.or_else(|| optional(INPUT_QUEUE).map(InputQueue::open)),
            greeting: CourierNotice::Hello,
        })
    }

    pub(super) fn connection_name(&self) -> String {
        format!("omotes-courier {} attempt {}", self.job_uid, self.attempt)
    }

    /// The message that reports `notice` as this courier.
    pub(super) fn message(&self, notice: CourierNotice) -> CourierMessage {
        CourierMessage {
            job: self.job_uid.clone(),
            attempt: self.attempt,
            pod: self.pod_uid.clone(),
            capability: self.identity.capability,
            proof: Some(self.identity.proof),
            notice,
        }
    }
}

fn whole<N: std::str::FromStr>(name: &'static str, value: &str) -> Result<N, SettingsError> {
    value.trim().parse().map_err(|_| SettingsError::Malformed(name, "a whole number"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::layout::tests::Pod;
    use super::*;

    fn key() -> NamespaceKey {
        NamespaceKey::from_bytes(&[7; 32]).unwrap()
    }

    /// As the operator seals it for attempt 2 of the job.
    fn sealed() -> String {
        key().seal_capability(&"00112233445566778899aabbccddeeff".parse().unwrap(), "job-uid", 2)
    }

    fn environment(name: &'static str) -> Option<String> {
        let value = match name {
            CREDENTIALS_DIR => "/no/such/folder",
            KEY_ID => return Some(key().id().to_string()),
            SEALED_CAPABILITY => return Some(sealed()),
            JOB_UID => "job-uid",
            ATTEMPT => "2",
            POD_UID => "pod-uid",
            FLUSH_SECONDS => "3",
            _ => return None,
        };
        Some(value.to_owned())
    }

    /// A courier whose credentials are in the folder of `pod`, and whose broker does not answer.
    pub(in super::super) fn lonely(pod: &Pod) -> CourierSettings {
        pod.write("../credentials/amqp-uri", "amqp://courier:s3cret@127.0.0.1:1/omotes\n");
        let folder = pod.layout.root.with_file_name("credentials");
        CourierSettings { credentials: Credentials::mounted_at(folder), ..unmounted() }
    }

    /// A courier whose Secret is not mounted.
    pub(in super::super) fn unmounted() -> CourierSettings {
        keyed(environment).unwrap()
    }

    fn keyed(variable: impl Fn(&'static str) -> Option<String>) -> Result<CourierSettings, SettingsError> {
        CourierSettings::keyed(&variable, WaitingSettings::resolve(&variable)?, &key())
    }

    /// One whose pod has no job yet, and has its Secret in a folder of `pod`.
    pub(in super::super) fn waiting(pod: &Pod) -> WaitingSettings {
        bring_key(pod);
        WaitingSettings { credentials: lonely(pod).credentials, ..WaitingSettings::resolve(&environment).unwrap() }
    }

    fn bring_key(pod: &Pod) {
        let file = pod.layout.root.with_file_name("credentials").join(courier_key_file(&key().id().to_string()));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, key().as_bytes()).unwrap();
    }

    pub(in super::super) fn assignment() -> Assignment {
        Assignment {
            job_uid: "job-uid".to_owned(),
            attempt: 2,
            capability: Capability::none(),
            sealed_capability: sealed(),
            flush_seconds: 0,
            sealed_input: None,
            input_queue: None,
            assigned_time: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH),
        }
    }

    #[test]
    fn the_environment_is_read() {
        let settings = unmounted();
        assert_eq!((settings.attempt, settings.flush), (2, Duration::from_secs(3)));
        assert!(settings.expected_input.is_none() && settings.input.is_none());
        let message = settings.message(CourierNotice::Hello);
        assert_eq!(message.capability.to_string(), "00112233445566778899aabbccddeeff");
        assert_eq!(message.proof, Some(key().proof("job-uid", 2, "pod-uid")));
        assert_eq!(settings.connection_name(), "omotes-courier job-uid attempt 2");
    }

    #[test]
    fn errors_name_the_variable_and_not_its_value() {
        let names = [CREDENTIALS_DIR, KEY_ID, SEALED_CAPABILITY, JOB_UID, ATTEMPT, POD_UID, FLUSH_SECONDS];
        for name in names {
            let missing = keyed(|asked| environment(asked).filter(|_| asked != name));
            assert_eq!(missing.unwrap_err(), SettingsError::Missing(name));
        }
        for (name, words) in [(SEALED_CAPABILITY, "prove itself"), (ATTEMPT, ATTEMPT), (FLUSH_SECONDS, FLUSH_SECONDS)] {
            let broken = keyed(|asked| if asked == name { Some("s3cret".to_owned()) } else { environment(asked) });
            let text = broken.unwrap_err().to_string();
            assert!(text.contains(words) && !text.contains("s3cret"), "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_comes_late_is_waited_for_and_one_that_does_not_is_named() {
        let pod = Pod::empty();
        let waiting = WaitingSettings { credentials: lonely(&pod).credentials, ..waiting(&Pod::empty()) };
        let bring = async {
            sleep(Duration::from_secs(90)).await;
            bring_key(&pod);
        };
        let assignment = assignment();
        let (assigned, ()) = tokio::join!(waiting.assigned(&assignment), bring);
        assert_eq!(assigned.unwrap().message(CourierNotice::Hello), unmounted().message(CourierNotice::Hello));
        let error = WaitingSettings { key_id: "00".to_owned(), ..waiting }.assigned(&assignment).await.unwrap_err();
        assert!(error.to_string().contains("credentials/key-00 is not there: Secret omotes-courier lacks"), "{error}");
    }

    #[test]
    fn a_sealed_input_is_opened_and_one_of_an_earlier_version_left_as_it_is() {
        let pod = Pod::empty();
        bring_key(&pod);
        let credentials = lonely(&pod).credentials;
        let input = |job: &str| SealedInput { job: job.to_owned(), key_id: key().id().to_string() };
        let sealed = credentials.input(Some(input("job"))).unwrap().unwrap();
        assert_eq!(sealed.name, sealed_input_queue_name(&key().input_label("job")));
        let body = key().seal_input("job", b"<esdl/>", [1; 12]);
        assert_eq!(sealed.unseal(body.clone()), Ok(b"<esdl/>".to_vec()));
        assert_eq!(credentials.input(Some(input("another"))).unwrap().unwrap().unseal(body), Err(SealError::Broken));
        let given = |asked| if asked == INPUT_QUEUE { Some("omotes.input.00".to_owned()) } else { environment(asked) };
        let open = keyed(given).unwrap().input.unwrap();
        assert_eq!(
            (open.name.as_str(), open.unseal(b"<esdl/>".to_vec())),
            ("omotes.input.00", Ok(b"<esdl/>".to_vec()))
        );
    }

    /// As the kubelet changes the files of a Secret that was rotated.
    #[test]
    fn credentials_are_those_that_the_folder_holds_now() {
        let pod = Pod::empty();
        let credentials = lonely(&pod).credentials;
        assert_eq!(credentials.read().unwrap().to_string(), "amqp://courier@127.0.0.1:1, vhost omotes");
        pod.write("../credentials/amqp-uri", "amqps://next:s3cret@127.0.0.2:5671/omotes");
        pod.write("../credentials/ca.crt", "\n");
        assert_eq!(credentials.read().unwrap().to_string(), "amqps://next@127.0.0.2:5671, vhost omotes");
    }

    #[test]
    fn unusable_credentials_are_named_by_their_file() {
        let error = unmounted().credentials.read().unwrap_err().to_string();
        assert!(error.starts_with("cannot read /no/such/folder/amqp-uri: "), "{error}");
        let pod = Pod::empty();
        let credentials = lonely(&pod).credentials;
        pod.write("../credentials/ca.crt", "s3cret");
        let error = credentials.read().unwrap_err().to_string();
        assert!(error.ends_with("credentials/ca.crt holds no certificate in PEM form"), "{error}");
    }
}
