//! The names and paths that the containers of a pod agree on.
//!
//! Ring: core.

use crate::api::names;

pub(super) const VOLUME_WORK: &str = "omotes-work";
pub(super) const VOLUME_INPUT: &str = "omotes-input";
pub(super) const INPUT: &str = "/omotes/input";
/// Where the courier finds what it brings to [`INPUT`] beside the ESDL of the broker: only it mounts this.
pub(super) const VOLUME_SOURCE: &str = "omotes-source";
pub(super) const SOURCE: &str = "/omotes-source";
/// Where the courier is told to send the output although other containers run on: only it mounts this.
pub(super) const VOLUME_CONTROL: &str = "omotes-control";
pub(super) const CONTROL: &str = "/omotes-control";
/// What the file there is called.
pub(super) const FLUSH: &str = "flush";
/// The broker's credentials: only the courier mounts them. The kubelet brings a rotated Secret within about a minute, which
/// it never does for an environment.
pub(super) const VOLUME_CREDENTIALS: &str = "omotes-credentials";
pub(super) const CREDENTIALS: &str = "/omotes-credentials";

/// The files that every job has, and the annotations behind them.
pub(super) const ABOUT: [(&str, &str); 2] =
    [(names::ANNOTATION_JOB, "job.json"), (names::ANNOTATION_PARAMETERS, "parameters.json")];
/// The same of an inline ESDL.
pub(super) const INLINE_ESDL: (&str, &str) = (names::ANNOTATION_INPUT_ESDL, "input.esdl");
