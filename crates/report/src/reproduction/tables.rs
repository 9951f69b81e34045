//! What a reproduction found, as tables.

use run_records::{EpochPoint, Run};
use serde::Serialize;

use super::Reproduction;
use crate::error::ReportError;
use crate::table;

/// A line of `claims.csv`.
#[derive(Default, Serialize)]
struct ClaimRow<'a> {
    figure: &'a str,
    claim: &'a str,
    says: &'a str,
    source: &'a str,
    verdict: String,
    evidence: &'a str,
}

/// `claims.csv`: one line for each claim.
pub(super) fn claims(reproduction: &Reproduction) -> Result<Vec<u8>, ReportError> {
    let rows = reproduction.figures.iter().flat_map(|figure| {
        let outcomes = figure.outcomes.iter();
        outcomes.map(|outcome| ClaimRow {
            figure: &figure.id,
            claim: &outcome.id,
            says: &outcome.says,
            source: &outcome.source,
            verdict: outcome.verdict.to_string(),
            evidence: &outcome.evidence,
        })
    });
    table::csv("claims.csv", rows)
}

/// A line of `epochs.csv`: losses in nats, accuracies from 0 to 1; what is measured before steps, before the last of the
/// epoch where it was.
#[derive(Default, Serialize)]
struct EpochRow<'a> {
    figure: &'a str,
    run: &'a str,
    seed: usize,
    epoch: u64,
    train_loss: f64,
    train_accuracy: f64,
    test_loss: f64,
    test_accuracy: f64,
    ln_rate: f64,
    ln_norm_squared: f64,
    ln_norm_squared_over_rate: f64,
    gap: f64,
    median_gap: f64,
    law: f64,
}

/// `epochs.csv`: one line for each figure, run, seed and epoch.
pub(super) fn epochs(reproduction: &Reproduction) -> Result<Vec<u8>, ReportError> {
    let rows = reproduction.figures.iter().flat_map(|figure| {
        figure.runs.iter().flat_map(move |seeded| {
            (1..).zip(&seeded.seeds).flat_map(move |(seed, run)| {
                let epochs = run.epochs.iter();
                let place = (&*figure.id, &*seeded.name, seed);
                epochs.map(move |point| epoch(place, run, point))
            })
        })
    });
    table::csv("epochs.csv", rows)
}

/// Of figure, run and seed.
fn epoch<'a>(place: (&'a str, &'a str, usize), run: &Run, at: &EpochPoint) -> EpochRow<'a> {
    let (figure, name, seed) = place;
    let norms = run.norms.partition_point(|point| point.step < at.step);
    let norms = norms.checked_sub(1).and_then(|last| run.norms.get(last));
    let of_norms = |value: fn(&run_records::NormPoint) -> f64| norms.map_or(f64::NAN, value);
    let step = at.step.checked_sub(1).and_then(|last| run.step(last));
    let law = run.laws.iter().find(|law| law.step == at.step);
    EpochRow {
        figure,
        run: name,
        seed,
        epoch: at.epoch,
        train_loss: at.train_loss,
        train_accuracy: at.train_accuracy,
        test_loss: at.test_loss,
        test_accuracy: at.test_accuracy,
        ln_rate: step.map_or(f64::NAN, |step| step.ln_rate),
        ln_norm_squared: of_norms(|norms| norms.ln_norm_squared),
        ln_norm_squared_over_rate: of_norms(|norms| norms.ln_norm_squared_over_rate),
        gap: of_norms(|norms| norms.worst_gap),
        median_gap: of_norms(|norms| norms.median_gap),
        law: law.map_or(f64::NAN, |law| law.largest()),
    }
}
