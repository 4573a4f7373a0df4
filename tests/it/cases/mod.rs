//! What real clusters and brokers do: one file a kind, one test a case, each with its source.
//!
//! Cases on fake nodes and cases that only their own namespace sees run side by side (`cases::`). Those that change what
//! all jobs share – the operator's installation, the node, a vhost – are in `exclusive` and run alone.

mod acceptance;
mod addresses;
mod after_main;
mod attempt_limits;
mod clocks;
mod ended_by_cluster;
mod exclusive;
mod gateway;
mod job_ids;
mod main_container;
mod messages;
mod progress;
mod refused_results;
mod rotation;
mod slots;
mod traces;
mod unknown_pods;
