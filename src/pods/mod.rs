//! The pod of a job: the user's template and, around it, the job's files and the courier. [`warm`] has those that wait for a
//! job.
//!
//! Ring: core. Main's command, environment and user stay as they are; `OMOTES_…` variables and the mount at `/omotes`
//! are added to main alone.

mod attempt;
mod build;
mod courier;
mod input;
mod main_container;
mod main_defect;
mod places;
mod settings;
mod shown;
mod values;
mod volumes;
pub mod warm;

pub use attempt::Attempt;
pub use build::build;
pub(crate) use build::parameters_json;
pub use input::input_queue;
pub use main_container::main_container;
pub(crate) use main_container::main_of;
pub(crate) use main_defect::{added_defect, main_defect};
pub use settings::Settings;
pub(crate) use shown::greets;
pub use shown::proves;
