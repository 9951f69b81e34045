//! Both runs on their own, and how far apart they are after many steps.

use nn_engine::{BatchSpec, Batches, Engine, GroupHyper, HyperTable, Precision, State, Symmetry};
use nn_graph::Graph;
use recipe_file::RecipeTables;

use super::LockstepError;
use super::map::is_scaled;
use crate::plan::{NoTwin, PlannedStep, TwinStep, hyper_at};

/// How far apart the runs are after a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// Between the original and its twin.
    pub twin: f64,
    /// Between the original and the control.
    pub control: f64,
}

impl Gap {
    /// The largest ratio, over the steps from index `from` on, of the twin's largest gap so far to
    /// the control's.
    ///
    /// Running maxima, because either gap goes up and down by chance; they include the steps before
    /// `from`. Those steps themselves are not judged: there both gaps are a few units in the last
    /// place, the twin's of a whole first step rounded, the control's of the start alone, and
    /// training has not amplified either yet. Infinity where the control has not moved and the twin
    /// has, or a gap is NaN; 0 if there is no step to judge.
    pub fn largest_ratio(gaps: &[Gap], from: usize) -> f64 {
        let (mut twin, mut control, mut ratio) = (0.0_f64, 0.0_f64, 0.0_f64);
        for (index, gap) in gaps.iter().enumerate() {
            if gap.twin.is_nan() || gap.control.is_nan() {
                return f64::INFINITY;
            }
            (twin, control) = (twin.max(gap.twin), control.max(gap.control));
            if index >= from && twin > 0.0 {
                ratio = ratio.max(twin / control);
            }
        }
        ratio
    }
}

/// `‖ θ/‖θ‖ − θ'/‖θ'‖ ‖₂` over all scaled parameters together: how far two runs are apart, whatever
/// their scale.
///
/// From 0 to 2; NaN if a state is all zero, not finite, or lacks a parameter.
pub fn directional_gap(graph: &Graph, symmetry: &Symmetry, a: &State, b: &State) -> f64 {
    let scaled = |state: &State| -> Vec<f64> {
        let parameters = graph.parameters().iter().enumerate();
        parameters
            .filter(|&(index, _)| is_scaled(symmetry, index))
            .flat_map(|(_, parameter)| match state.get(&parameter.name) {
                Some(tensor) => tensor.values.clone(),
                None => vec![f64::NAN],
            })
            .collect()
    };
    let (a, b) = (scaled(a), scaled(b));
    let norm = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>().sqrt();
    let (norm_a, norm_b) = (norm(&a), norm(&b));
    let difference: Vec<f64> = a
        .iter()
        .zip(&b)
        .map(|(a, b)| a / norm_a - b / norm_b)
        .collect();
    norm(&difference)
}

/// The state with every scaled parameter's every element moved to a neighbouring number of a format, up or
/// down at random by `seed`.
pub fn one_ulp_away(
    graph: &Graph,
    symmetry: &Symmetry,
    state: &State,
    precision: Precision,
    seed: u64,
) -> State {
    let mut moved = state.clone();
    let mut counter = seed;
    for (index, parameter) in graph.parameters().iter().enumerate() {
        if !is_scaled(symmetry, index) {
            continue;
        }
        for value in moved
            .get_mut(&parameter.name)
            .into_iter()
            .flat_map(|tensor| &mut tensor.values)
        {
            let up = random_bit(&mut counter);
            *value = match (precision, up) {
                (Precision::Float64, true) => value.next_up(),
                (Precision::Float64, false) => value.next_down(),
                (Precision::Float32, true) => f64::from((*value as f32).next_up()),
                (Precision::Float32, false) => f64::from((*value as f32).next_down()),
            };
        }
    }
    moved
}

/// One bit of SplitMix64 (Steele, Lea & Flood, *Fast splittable pseudorandom number generators*,
/// 2014).
fn random_bit(counter: &mut u64) -> bool {
    *counter = counter.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut bits = *counter;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (bits ^ (bits >> 31)) & 1 == 1
}

/// Trains replica 0 with `recipe`, replica 1 with its equivalent without weight decay, and replica
/// 2, the control, with `recipe` from a start [one unit in the last place away](one_ulp_away).
///
/// `engine` has 3 replicas and was made with `symmetry` and the recipe's optimiser; all start from replica 0's state.
/// `convert` as for [`resynchronised`](super::resynchronised). One [`Gap`] is returned for each
/// batch, measured after its step.
///
/// # Errors
/// [`LockstepError`] from the engine or the law.
pub fn free_running(
    engine: &mut dyn Engine,
    symmetry: &Symmetry,
    recipe: &RecipeTables,
    batches: &[BatchSpec],
    control_seed: u64,
    mut convert: impl FnMut(GroupHyper) -> Result<TwinStep, NoTwin>,
) -> Result<Vec<Gap>, LockstepError> {
    let graph = engine.graph().clone();
    let start = engine.state(0)?;
    engine.load_state(1, &start)?;
    let precision = engine.device().precision;
    let control = one_ulp_away(&graph, symmetry, &start, precision, control_seed);
    engine.load_state(2, &control)?;
    let mut gaps = Vec::with_capacity(batches.len());
    let mut scale_ratio = 1.0;
    for (step, batch) in (0..).zip(batches) {
        let hyper = hyper_at(recipe, step);
        let equivalent = convert(hyper)?;
        let planned = PlannedStep::converted(hyper, &equivalent, scale_ratio, 0);
        let table =
            HyperTable::from_fn(1, 3, symmetry.groups(), |_, replica, group| match replica {
                1 => planned.hyper(group),
                _ => hyper,
            })?;
        engine.run(Batches::shared(std::slice::from_ref(batch)), &table)?;
        let original = engine.state(0)?;
        gaps.push(Gap {
            twin: directional_gap(&graph, symmetry, &original, &engine.state(1)?),
            control: directional_gap(&graph, symmetry, &original, &engine.state(2)?),
        });
        scale_ratio = equivalent.shrink();
    }
    Ok(gaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(gaps: &[(f64, f64)], from: usize) -> f64 {
        let gaps: Vec<Gap> = gaps
            .iter()
            .map(|&(twin, control)| Gap { twin, control })
            .collect();
        Gap::largest_ratio(&gaps, from)
    }

    #[test]
    fn ratios_are_those_of_running_maxima() {
        // The control comes back to 1 in the second step: its maximum, 4, counts.
        assert_eq!(ratio(&[(2.0, 4.0), (6.0, 1.0), (1.0, 8.0)], 0), 1.5);
        assert_eq!(ratio(&[(2.0, 4.0), (6.0, 1.0), (1.0, 8.0)], 2), 0.75);
        assert_eq!(ratio(&[(9.0, 1.0)], 1), 0.0);
    }

    #[test]
    fn what_cannot_be_compared_is_no_success() {
        assert_eq!(ratio(&[(1.0, 0.0)], 0), f64::INFINITY);
        assert_eq!(ratio(&[(f64::NAN, 1.0), (1.0, 1.0)], 1), f64::INFINITY);
        assert_eq!(ratio(&[(1.0, f64::NAN)], 0), f64::INFINITY);
        assert_eq!(ratio(&[(0.0, 0.0)], 0), 0.0);
    }
}
