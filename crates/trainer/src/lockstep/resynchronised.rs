//! The law, one step at a time from equal states.

use nn_engine::{BatchSpec, Batches, Engine, GroupHyper, HyperTable, Symmetry};
use recipe_file::RecipeTables;

use super::deviation::relative;
use super::{Deviation, LockstepError, Scales, map_state};
use crate::plan::{NoTwin, PlannedStep, TwinStep, hyper_at};

/// Trains replica 0 with `recipe`, and at every step compares replica 1 with it: set to the mapped
/// state of the original, it takes the same step without weight decay, and must arrive at the
/// mapped result.
///
/// `engine` has 2 replicas and was made with `symmetry` and the recipe's optimiser; replica 0 starts from the state it
/// has, which is step 0 of the recipe. `convert` gives the equivalent of each step in order, normally
/// `|hyper| law.step(hyper)` of a [`TwinLaw`](crate::plan::TwinLaw). One [`Deviation`] is
/// returned for each batch.
///
/// # Errors
/// [`LockstepError`] from the engine or the law.
pub fn resynchronised(
    engine: &mut dyn Engine,
    symmetry: &Symmetry,
    recipe: &RecipeTables,
    batches: &[BatchSpec],
    mut convert: impl FnMut(GroupHyper) -> Result<TwinStep, NoTwin>,
) -> Result<Vec<Deviation>, LockstepError> {
    let graph = engine.graph().clone();
    let mut deviations = Vec::with_capacity(batches.len());
    let mut previous_ln_shrink = 0.0;
    for (step, batch) in (0..).zip(batches) {
        let hyper = hyper_at(recipe, step);
        let equivalent = convert(hyper)?;
        let start = Scales::before(&equivalent, previous_ln_shrink);
        let mapped = map_state(&graph, symmetry, &engine.state(0)?, start);
        engine.load_state(1, &mapped)?;

        let twin = PlannedStep::converted(hyper, &equivalent, f64::exp(previous_ln_shrink), 0);
        let table =
            HyperTable::from_fn(1, 2, symmetry.groups(), |_, replica, group| match replica {
                0 => hyper,
                _ => twin.hyper(group),
            })?;
        let stats = engine.run(Batches::shared(std::slice::from_ref(batch)), &table)?;

        let expected = map_state(
            &graph,
            symmetry,
            &engine.state(0)?,
            Scales::after(&equivalent),
        );
        let mut deviation = Deviation::of_states(&graph, &engine.state(1)?, &expected);
        deviation.loss = relative(&[stats.get(0, 1).loss], &[stats.get(0, 0).loss]);
        deviations.push(deviation);
        previous_ln_shrink = equivalent.ln_shrink();
    }
    Ok(deviations)
}
