//! What the tests that train have in common.

use std::time::Duration;

use trainer::run::{DeviceKind, RunOptions};

/// On so many threads of the CPU, saved at the beginning and at the end only.
pub(crate) fn options(threads: usize) -> RunOptions {
    RunOptions {
        command: "cargo test".to_owned(),
        started: "2020-01-01T00:00:00Z".to_owned(),
        commit: None,
        device: DeviceKind::Cpu,
        threads,
        checkpoint_every: Duration::from_secs(600),
    }
}
