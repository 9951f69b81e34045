//! The law, one step from equal states, at any time of a training.

use nn_engine::{BatchSpec, Batches, Engine, HyperTable};
use run_records::Record;

use crate::TrainerError;
use crate::lockstep::{Deviation, Scales, map_state, relative};
use crate::plan::{PlannedStep, RunSchedule};

/// Runs without weight decay that follow the exact law, each with the original that it is compared with.
pub(super) type Pairs = Vec<(usize, usize)>;

/// A step of each pair: the run, set to its original's state as the law maps it, and the original make the step that the
/// original would make next; how far is the one from what the law makes of the other? All replicas are set back.
pub(super) fn check(
    engine: &mut dyn Engine,
    schedules: &[RunSchedule],
    pairs: &Pairs,
    batch: &BatchSpec,
    step: u64,
) -> Result<Vec<Record>, TrainerError> {
    let replicas = 0..schedules.len();
    let before = replicas.clone().map(|replica| engine.state(replica));
    let before = before.collect::<Result<Vec<_>, _>>()?;
    let graph = engine.graph().clone();
    let symmetry = engine.symmetry().clone();
    let groups = symmetry.groups();

    let mut planned: Vec<_> = schedules
        .iter()
        .map(|schedule| Planned {
            step: PlannedStep::original(step, schedule.original_ahead()),
            after: None,
        })
        .collect();
    for &(run, original) in pairs {
        let Some((equivalent, ln_ratio)) = schedules[run]
            .law_ahead()
            .map_err(crate::plan::PlanError::from)?
        else {
            continue;
        };
        let hyper = schedules[original].original_ahead();
        let start = Scales::before(&equivalent, ln_ratio);
        engine.load_state(run, &map_state(&graph, &symmetry, &before[original], start))?;
        planned[run] = Planned {
            step: PlannedStep::converted(hyper, &equivalent, ln_ratio.exp(), 0),
            after: Some(Scales::after(&equivalent)),
        };
    }
    let hyper = HyperTable::from_fn(1, schedules.len(), groups, |_, replica, group| {
        planned[replica].step.hyper(group)
    })?;
    let stats = engine.run(Batches::shared(std::slice::from_ref(batch)), &hyper)?;

    let mut records = Vec::new();
    for &(run, original) in pairs {
        let Some(scales) = planned[run].after else {
            continue;
        };
        let expected = map_state(&graph, &symmetry, &engine.state(original)?, scales);
        let found = Deviation::of_states(&graph, &engine.state(run)?, &expected);
        records.push(Record::Law {
            run,
            step,
            parameters: found.parameters,
            buffers: found.buffers,
            statistics: found.statistics,
            loss: relative(&[stats.get(0, run).loss], &[stats.get(0, original).loss]),
        });
    }
    for (replica, state) in before.iter().enumerate() {
        engine.load_state(replica, state)?;
    }
    Ok(records)
}

/// What a replica does in the step.
struct Planned {
    step: PlannedStep,
    /// How the law maps the original's state after it; none for a run that is not checked.
    after: Option<Scales>,
}
