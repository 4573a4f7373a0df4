//! What the operator tells the courier, by its environment.
//!
//! Ring: shell.
//!
//! Guarantees: typed, then resolved: nothing is left to fail afterwards. Errors name the variable, and never its value.

use std::time::Duration;

use crate::broker::{Endpoint, EndpointError, Trust};
use crate::wire::{Capability, CourierProgress, ProgressLine};

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
        let optional = |name| variable(name).filter(|value| !value.trim().is_empty());
        let required = |name| optional(name).ok_or(SettingsError::Missing(name));
        let trust = optional(CA_PEM).map_or(Ok(Trust::System), |pem| Trust::from_pem(&pem, CA_PEM))?;
        Ok(Self {
            endpoint: Endpoint::parse(&required(AMQP_URI)?, AMQP_URI, trust)?,
            capability: required(CAPABILITY)?
                .parse()
                .map_err(|_| SettingsError::Malformed(CAPABILITY, "a capability"))?,
            job_uid: required(JOB_UID)?,
            attempt: whole(ATTEMPT, &required(ATTEMPT)?)?,
            pod_uid: required(POD_UID)?,
            flush: Duration::from_secs(whole(FLUSH_SECONDS, &required(FLUSH_SECONDS)?)?),
            expected_input: optional(EXPECTED_INPUT),
            input_queue: optional(INPUT_QUEUE),
        })
    }

    pub(super) fn connection_name(&self) -> String {
        format!("omotes-courier {} attempt {}", self.job_uid, self.attempt)
    }

    pub(super) fn progress(&self, line: ProgressLine) -> CourierProgress {
        CourierProgress {
            job: self.job_uid.clone(),
            attempt: self.attempt,
            pod: self.pod_uid.clone(),
            capability: self.capability,
            progress: line.progress,
            message: line.message,
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
