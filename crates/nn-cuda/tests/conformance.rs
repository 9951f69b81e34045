//! The corpus, against the float64 reference.

use nn_cuda::CudaEngine;
use nn_engine::conformance::{Algorithm, Case, Tier, run_case};
use nn_reference::ReferenceEngine;

#[test]
fn the_engine_conforms_to_the_reference() {
    let mut failed = Vec::new();
    let only = std::env::var("CASE").unwrap_or_default();
    for case in Case::all(if std::env::var("TIER").is_ok() { Tier::Cpu } else { Tier::Sim }).iter().filter(|case| case.name.contains(&only)) {
        let start = std::time::Instant::now();
        let report = run_case(case, Algorithm::Direct, ReferenceEngine::new, CudaEngine::new).unwrap();
        println!("{:.2} s {report}", start.elapsed().as_secs_f64());
        if !report.deviations.is_empty() {
            failed.push(report.to_string());
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
