//! The corpus, against the float64 reference.

mod common;

use nn_cuda::CudaEngine;
use nn_engine::conformance::{Algorithm, Case, Tier, run_case};
use nn_reference::ReferenceEngine;

#[test]
fn the_engine_conforms_to_the_reference() {
    if !common::device() {
        return;
    }
    let mut failed = Vec::new();
    for case in Case::all(Tier::Sim) {
        let report = run_case(
            &case,
            Algorithm::Direct,
            ReferenceEngine::new,
            CudaEngine::new,
        );
        let report = report.unwrap();
        println!("{report}");
        if !report.deviations.is_empty() {
            failed.push(report.to_string());
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
