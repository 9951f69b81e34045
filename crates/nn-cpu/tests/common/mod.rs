//! The engine on every instruction set this CPU has.

use engine_laws::Subject;
use nn_cpu::{CpuEngine, Level};
use nn_engine::conformance::Algorithm;

pub(crate) fn every_level() -> Vec<Subject> {
    let subject = |level: Level| {
        Subject::new(
            level.to_string(),
            Algorithm::Winograd,
            move |graph, options| CpuEngine::at_level(graph, options, level),
        )
    };
    Level::available().into_iter().map(subject).collect()
}
