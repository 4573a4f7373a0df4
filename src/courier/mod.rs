//! The side of the job's pod: brings input in, carries progress and output out.
//!
//! Ring: shell. The same binary as the operator, as init container ([`input()`]), as native sidecar
//! ([`carry::run`]), or, in a pod that waits for a job, as both ([`warm::wait`]).
//!
//! The job's own program knows files only: it reads `/omotes/input`, appends to `/omotes/progress`, and leaves
//! `/omotes/output/output.esdl` and `messages.json`. The courier decides nothing: it says in its termination message what
//! became of the output, and the operator acts on that.
//!
//! Guarantees:
//! - A commit record is written only after the broker confirmed that the output is in a queue.
//! - No file is sent but a regular one of the job's own: a link to somewhere else is refused.
//! - No program of the job's reads the courier's memory or environment: [`deny_inspection`].
//! - A broker that is away never holds up the job; at the job's end it is waited for as long as the pod allows.
//! - Memory: about twice the output, three times while a broker sends it back.
//!
//! Assumes that `shutdown` is the kubelet's SIGTERM, which the last native sidecar gets when all regular containers have
//! ended, and before the other sidecars get it.

mod carry;
mod fetch;
mod flush;
mod input;
mod layout;
mod link;
mod output;
mod process;
mod report;
mod settings;
mod tail;
mod trial;
mod warm;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

#[cfg(feature = "testing")]
pub use carry::run;
pub use input::input;
pub use layout::Layout;
pub use process::{CourierPart, serve};
#[cfg(feature = "testing")]
pub use settings::CourierSettings;

/// Keeps the memory and the environment of this process from programs of the same user, which see it where a pod's
/// containers share their processes.
///
/// # Errors
/// When the kernel does not do it.
pub(crate) fn deny_inspection() -> std::io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}
