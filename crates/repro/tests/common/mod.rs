//! What the tests that train have in common.
#![allow(dead_code, reason = "not every test uses all of it")]

use std::path::Path;
use std::time::Duration;

use repro::Jobs;
use trainer::run::{DeviceKind, Event, Observer, Place, RunOptions};

pub(crate) struct Silent;

impl Observer for Silent {
    fn event(&mut self, _: &Event<'_>) {}
}

/// Two trainings at a time into a folder, on the CPU.
pub(crate) fn jobs(runs: &Path) -> Jobs {
    Jobs {
        on_cpu: 2,
        on_gpu: 1,
        place: Place {
            runs: runs.to_owned(),
            preset: None,
        },
        options: RunOptions {
            command: "cargo test".to_owned(),
            started: "2020-01-01T00:00:00Z".to_owned(),
            commit: None,
            device: DeviceKind::Cpu,
            threads: 1,
            checkpoint_every: Duration::from_secs(600),
        },
    }
}
