//! Cases that change what all jobs share; they run one at a time.

mod attempt_limits;
mod flood;
mod namespaces;
mod passes;
mod quota;
mod result_delay;
mod rotation;
mod upgrade;
mod vhost_limits;
