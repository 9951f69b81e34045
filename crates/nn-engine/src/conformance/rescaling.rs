//! Whether an engine trains the same at any scale: one run as it is, one whose scale changes before every step.

use super::bounds::{distance, norm};
use super::{Case, Deviation, Report, Rescale, Stage};
use crate::{Engine, EngineError, Evaluation, HyperTable, Split, State, Stats, StepStats};

/// What one run leaves.
struct Run {
    /// Of each step.
    stats: Vec<Stats>,
    /// State and evaluation of each replica.
    ends: Vec<(State, Evaluation)>,
}

/// Trains the candidate plainly and rescaled, from the same start, and enters every difference: of the loss and the
/// right answers of each step, of each tensor of the last state once the plain one is rescaled, and of evaluation.
/// None is allowed, since a power of two commutes with every rounding.
pub(super) fn check(
    case: &Case,
    rescale: &Rescale,
    start: &[State],
    candidate: &mut dyn Engine,
    report: &mut Report,
) -> Result<(), EngineError> {
    let groups = rescale.exponents.len();
    let totals = |step: usize| -> Vec<i64> {
        // To k, −k, k, …, so that every step comes from another scale.
        let sign = if step.is_multiple_of(2) { 1 } else { -1 };
        rescale.exponents.iter().map(|k| sign * k).collect()
    };
    let plain = train(case, start, candidate, |_| vec![0; groups])?;
    let rescaled = train(case, start, candidate, totals)?;
    let last = totals(plain.stats.len() - 1);
    let (graph, precision) = (candidate.graph().clone(), candidate.device().precision);
    for replica in 0..start.len() {
        let mut number = |what: String, wanted: f64, found: f64| {
            let error = (found - wanted).abs();
            enter(report, replica, what, error, wanted.abs());
        };
        for (step, (plain, rescaled)) in plain.stats.iter().zip(&rescaled.stats).enumerate() {
            let of = |stats: &Stats| -> StepStats { stats.get(0, replica) };
            let (wanted, found) = (of(plain), of(rescaled));
            number(format!("the loss at step {step}"), wanted.loss, found.loss);
            let (wanted, found) = (f64::from(wanted.correct), f64::from(found.correct));
            number(format!("right answers at step {step}"), wanted, found);
        }
        let ((state, wanted), (found_state, found)) =
            (&plain.ends[replica], &rescaled.ends[replica]);
        number(
            "the loss of the test images".into(),
            wanted.loss,
            found.loss,
        );
        let wanted = state.rescaled(&graph, candidate.symmetry(), &last, precision)?;
        let same = f64::from(u8::from(wanted.exponents == found_state.exponents));
        number("that the state tells its exponents".into(), 1.0, same);
        for (wanted, found) in wanted.tensors.iter().zip(&found_state.tensors) {
            let what = format!("`{}`", wanted.name);
            enter(report, replica, what, distance(wanted, found), norm(wanted));
        }
    }
    Ok(())
}

fn enter(report: &mut Report, replica: usize, what: String, error: f64, reference: f64) {
    report.enter(Deviation {
        stage: Stage::Rescaled,
        replica,
        what,
        error,
        allowed: 0.0,
        reference,
    });
}

/// Trains all steps from the start, rescaled in all by `2^{totals(step)}` of each group at every step.
fn train(
    case: &Case,
    start: &[State],
    engine: &mut dyn Engine,
    totals: impl Fn(usize) -> Vec<i64>,
) -> Result<Run, EngineError> {
    for (replica, state) in start.iter().enumerate() {
        engine.load_state(replica, state)?;
    }
    let (hyper, replicas, groups) = (case.hyper()?, start.len(), engine.symmetry().groups());
    let mut before = vec![0; groups];
    let mut stats = Vec::new();
    let specs = case.batches();
    let batches = case.arranged(&specs)?;
    for step in 0..batches.steps() {
        let total = totals(step);
        let change: Vec<i64> = total
            .iter()
            .zip(&before)
            .map(|(to, from)| to - from)
            .collect();
        // The plain run is one that nobody rescales.
        if change.iter().any(|&k| k != 0) {
            for replica in 0..replicas {
                engine.rescale(replica, &change)?;
            }
        }
        let row = HyperTable::from_fn(1, replicas, groups, |_, replica, group| {
            hyper.get(step, replica)[group].rescaled(case.optimiser, total[group])
        })?;
        stats.push(engine.run(batches.part(step..step + 1), &row)?);
        before = total;
    }
    let ratios = case.scale_ratios();
    let end = |replica| {
        let state = engine.state(replica)?;
        Ok((state, engine.evaluate(replica, Split::Test, &ratios)?))
    };
    let ends = (0..replicas).map(end).collect::<Result<_, EngineError>>()?;
    Ok(Run { stats, ends })
}
