//! `cargo xtask kernels sanitize`: every kernel under ThreadSanitizer and AddressSanitizer, on the simulated driver.

use std::collections::BTreeSet;
use std::sync::Arc;

use cuda_sim::Sanitizer;
use nn_cuda::CudaEngine;
use nn_engine::conformance::{Case, Tier};
use nn_engine::{Engine, EngineError, Split};

use super::simulated::Corpus;

/// Trains small cases of the corpus that together launch every kernel, under both.
///
/// # Errors
/// That it could not be done.
pub(super) fn run() -> Result<Vec<String>, String> {
    let corpus = Corpus::build()?;
    let cases = covering()?;
    let names = Case::all(Tier::Sim);
    let mut complaints = Vec::new();
    for (name, sanitizer) in [
        ("AddressSanitizer", Sanitizer::Address),
        ("ThreadSanitizer", Sanitizer::Thread),
    ] {
        for &case in &cases {
            let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
            let found = corpus.run(Some(case), None, Some(sanitizer), scratch.path())?;
            let what = format!("{name}, `{}`", names[case].name);
            println!(
                "{what}: {} deviations, {} reports",
                found.deviations,
                found.reports.len()
            );
            if found.cases == 0 {
                complaints.push(format!("{what}: it was not trained to its end"));
            }
            complaints.extend(found.error.map(|error| format!("{what}: {error}")));
            let reports = found.reports.into_iter();
            complaints.extend(reports.map(|report| format!("{what}:\n{report}")));
        }
    }
    Ok(complaints)
}

/// Numbers of cases that together launch every kernel that any of them does, each more than those before.
///
/// # Errors
/// That there is no simulator.
pub(super) fn covering() -> Result<Vec<usize>, String> {
    cuda_sim::load().map_err(|error| error.to_string())?;
    let cases = Case::all(Tier::Sim);
    let mut launched = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let kernels = kernels_of(case).map_err(|error| format!("`{}`: {error}", case.name))?;
        launched.push((index, kernels));
    }
    let all: BTreeSet<&str> = launched
        .iter()
        .flat_map(|(_, kernels)| kernels.clone())
        .collect();
    let (mut seen, mut chosen) = (BTreeSet::new(), Vec::new());
    while seen.len() < all.len() {
        let new = |kernels: &BTreeSet<&str>| kernels.difference(&seen).count();
        let most = launched
            .iter()
            .max_by_key(|(index, kernels)| (new(kernels), usize::MAX - index));
        let Some((index, kernels)) = most else { break };
        chosen.push(*index);
        seen = &seen | kernels;
    }
    Ok(chosen)
}

/// What a step of a case launches.
fn kernels_of(case: &Case) -> Result<BTreeSet<&'static str>, EngineError> {
    let graph = case
        .graph()
        .map_err(|error| EngineError::Options(error.to_string()))?;
    let mut engine = CudaEngine::new(&graph, case.options(&graph))?;
    let images = case.images(&graph, Split::Train)?;
    engine.load_images(Split::Train, Arc::new(images))?;
    Ok(engine.launches()?.into_iter().collect())
}
