//! What the operator tells the courier, by its environment.
//!
//! Ring: shell.
//!
//! Guarantees: typed, then resolved: nothing is left to fail afterwards. Errors name the variable, and never its value.

use std::time::Duration;

use crate::broker::{Endpoint, EndpointError, Trust};
use crate::wire::{Assignment, Capability, CourierProgress, ProgressLine};

const AMQP_URI: &str = "OMOTES_COURIER_AMQP_URI";
const CA_PEM: &str = "OMOTES_COURIER_CA_PEM";
const CAPABILITY: &str = "OMOTES_COURIER_CAPABILITY";
const JOB_UID: &str = "OMOTES_COURIER_JOB_UID";
const ATTEMPT: &str = "OMOTES_COURIER_ATTEMPT";
const POD_UID: &str = "OMOTES_COURIER_POD_UID";
const FLUSH_SECONDS: &str = "OMOTES_COURIER_FLUSH_SECONDS";
const EXPECTED_INPUT: &str = "OMOTES_COURIER_EXPECTED_INPUT";
const INPUT_QUEUE: &str = "OMOTES_COURIER_INPUT_QUEUE";

/// One attempt of one job, seen from its pod.
#[derive(Clone, Debug)]
pub struct CourierSettings {
    pub(super) endpoint: Endpoint,
    pub(super) capability: Capability,
    pub(super) job_uid: String,
    pub(super) attempt: i32,
    pub(super) pod_uid: String,
    pub(super) flush: Duration,
    pub(super) expected_input: Option<String>,
    pub(super) input_queue: Option<String>,
    /// Whether somebody waits to hear that the input is there.
    pub(super) announces: bool,
}

/// A pod that has no job yet.
#[derive(Clone, Debug)]
pub struct WaitingSettings {
    endpoint: Endpoint,
    pod_uid: String,
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
    /// URI or certificates are malformed.
    #[error("{0}")]
    Endpoint(String),
}

impl From<EndpointError> for SettingsError {
    fn from(error: EndpointError) -> Self {
        Self::Endpoint(error.to_string())
    }
}

impl WaitingSettings {
    /// The settings of this process's environment.
    ///
    /// # Errors
    /// When a variable is missing or malformed.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::resolve(&|name| std::env::var(name).ok())
    }

    fn resolve(variable: &impl Fn(&'static str) -> Option<String>) -> Result<Self, SettingsError> {
        let pem = optional(variable, CA_PEM);
        let trust = pem.map_or(Ok(Trust::System), |pem| Trust::from_pem(&pem, CA_PEM))?;
        let uri = required(variable, AMQP_URI)?;
        Ok(Self { endpoint: Endpoint::parse(&uri, AMQP_URI, trust)?, pod_uid: required(variable, POD_UID)? })
    }

    /// The settings of the job that the pod got.
    pub(super) fn assigned(&self, assignment: Assignment) -> CourierSettings {
        let Assignment { job_uid, attempt, capability, flush_seconds, input_queue, assigned_time: _ } = assignment;
        CourierSettings {
            endpoint: self.endpoint.clone(),
            capability,
            job_uid,
            attempt,
            pod_uid: self.pod_uid.clone(),
            flush: Duration::from_secs(u64::try_from(flush_seconds).unwrap_or(0)),
            expected_input: None,
            input_queue,
            announces: true,
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
    /// The settings of this process's environment.
    ///
    /// # Errors
    /// When a variable is missing or malformed.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::resolve(|name| std::env::var(name).ok())
    }

    /// The settings of an environment that `variable` looks up.
    ///
    /// # Errors
    /// When a variable is missing or malformed.
    pub fn resolve(variable: impl Fn(&'static str) -> Option<String>) -> Result<Self, SettingsError> {
        let WaitingSettings { endpoint, pod_uid } = WaitingSettings::resolve(&variable)?;
        let optional = |name| optional(&variable, name);
        let required = |name| required(&variable, name);
        Ok(Self {
            endpoint,
            capability: required(CAPABILITY)?
                .parse()
                .map_err(|_| SettingsError::Malformed(CAPABILITY, "a capability"))?,
            job_uid: required(JOB_UID)?,
            attempt: whole(ATTEMPT, &required(ATTEMPT)?)?,
            pod_uid,
            flush: Duration::from_secs(whole(FLUSH_SECONDS, &required(FLUSH_SECONDS)?)?),
            expected_input: optional(EXPECTED_INPUT),
            input_queue: optional(INPUT_QUEUE),
            announces: false,
        })
    }

    pub(super) fn connection_name(&self) -> String {
        format!("omotes-courier {} attempt {}", self.job_uid, self.attempt)
    }

    /// The word that the job's input is there.
    pub(super) fn arrival(&self) -> CourierProgress {
        CourierProgress { arrival: true, ..self.progress(ProgressLine { progress: 0.0, message: String::new() }) }
    }

    pub(super) fn progress(&self, line: ProgressLine) -> CourierProgress {
        CourierProgress {
            job: self.job_uid.clone(),
            attempt: self.attempt,
            pod: self.pod_uid.clone(),
            capability: self.capability,
            progress: line.progress,
            message: line.message,
            arrival: false,
        }
    }
}

fn whole<N: std::str::FromStr>(name: &'static str, value: &str) -> Result<N, SettingsError> {
    value.trim().parse().map_err(|_| SettingsError::Malformed(name, "a whole number"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn environment(name: &'static str) -> Option<String> {
        let value = match name {
            AMQP_URI => "amqp://courier:s3cret@127.0.0.1:1/omotes",
            CAPABILITY => "00112233445566778899aabbccddeeff",
            JOB_UID => "job-uid",
            ATTEMPT => "2",
            POD_UID => "pod-uid",
            FLUSH_SECONDS => "3",
            _ => return None,
        };
        Some(value.to_owned())
    }

    /// A courier whose broker does not answer.
    pub(in super::super) fn lonely() -> CourierSettings {
        CourierSettings::resolve(environment).unwrap()
    }

    /// The same before its pod has a job.
    pub(in super::super) fn waiting() -> WaitingSettings {
        WaitingSettings::resolve(&environment).unwrap()
    }

    pub(in super::super) fn assignment() -> Assignment {
        Assignment {
            job_uid: "job-uid".to_owned(),
            attempt: 2,
            capability: lonely().capability,
            flush_seconds: 0,
            input_queue: None,
            assigned_time: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH),
        }
    }

    #[test]
    fn the_environment_is_read() {
        let settings = lonely();
        assert_eq!((settings.attempt, settings.flush), (2, Duration::from_secs(3)));
        assert_eq!(settings.expected_input, None);
        assert_eq!(settings.connection_name(), "omotes-courier job-uid attempt 2");
    }

    #[test]
    fn errors_name_the_variable_and_not_its_value() {
        for name in [AMQP_URI, CAPABILITY, JOB_UID, ATTEMPT, POD_UID, FLUSH_SECONDS] {
            let missing = CourierSettings::resolve(|asked| environment(asked).filter(|_| asked != name));
            assert_eq!(missing.unwrap_err(), SettingsError::Missing(name));
        }
        for name in [AMQP_URI, CA_PEM, CAPABILITY, ATTEMPT, FLUSH_SECONDS] {
            let broken =
                CourierSettings::resolve(
                    |asked| if asked == name { Some("s3cret".to_owned()) } else { environment(asked) },
                );
            let text = broken.unwrap_err().to_string();
            assert!(text.contains(name) && !text.contains("s3cret"), "{text}");
        }
    }
}
