//! `cargo xtask kernels sanitize`: every kernel under ThreadSanitizer and AddressSanitizer, on the simulated driver.

use std::collections::BTreeSet;
use std::sync::Arc;

use cuda_sim::Sanitizer;
use nn_cuda::CudaEngine;
use nn_engine::conformance::{Case, Tier};
use nn_engine::{Engine, EngineError, EngineOptions, Products, Split};

use super::simulated::{Corpus, Part};

/// Trains small cases of the corpus that together launch every kernel, under both.
///
/// # Errors
/// That it could not be done.
pub(super) fn run() -> Result<Vec<String>, String> {
    let corpus = Corpus::build()?;
    let parts = covering()?;
    let names = Case::all(Tier::Sim);
    let mut complaints = Vec::new();
    for (name, sanitizer) in [
        ("AddressSanitizer", Sanitizer::Address),
        ("ThreadSanitizer", Sanitizer::Thread),
    ] {
        // Kernels are compiled once for all parts, which takes longer than to run some.
        let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
        for &part in &parts {
            let found = corpus.run(part, None, Some(sanitizer), scratch.path())?;
            let case = part.case.map_or("all", |case| &names[case].name);
            let what = format!("{name}, `{case}`, {} products", part.products);
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

/// Cases and formats that together launch every kernel that any of them does, each more than those before.
///
/// # Errors
/// That there is no simulator.
pub(super) fn covering() -> Result<Vec<Part>, String> {
    cuda_sim::load().map_err(|error| error.to_string())?;
    let cases = Case::all(Tier::Sim);
    let mut launched = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        for products in Products::ALL {
            let kernels = kernels_of(case, products);
            let kernels = kernels.map_err(|error| format!("`{}`: {error}", case.name))?;
            let part = Part {
                case: Some(index),
                products,
            };
            launched.push((part, kernels));
        }
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
            .max_by_key(|(part, kernels)| (new(kernels), std::cmp::Reverse(part.case)));
        let Some((part, kernels)) = most else { break };
        chosen.push(*part);
        seen = &seen | kernels;
    }
    Ok(chosen)
}

/// What a step of a case launches.
fn kernels_of(case: &Case, products: Products) -> Result<BTreeSet<&'static str>, EngineError> {
    let graph = case
        .graph()
        .map_err(|error| EngineError::Options(error.to_string()))?;
    let options = EngineOptions {
        products,
        ..case.options(&graph)
    };
    let mut engine = CudaEngine::new(&graph, options)?;
    let images = case.images(&graph, Split::Train)?;
    engine.load_images(Split::Train, Arc::new(images))?;
    Ok(engine.launches()?.into_iter().collect())
}
