//! The corpus of `nn-engine` against the float64 reference.

use nn_engine::conformance::{Case, Tier, run};
use nn_reference::ReferenceEngine;

use crate::Subject;

/// Every case of a tier trains as on the reference, within the bounds of the subject's algorithm. Prints every report.
///
/// # Panics
/// If one does not.
pub fn the_corpus_trains_as_on_the_reference(subject: &Subject, tier: Tier) {
    let mut failed = Vec::new();
    for case in Case::all(tier) {
        let graph = case.graph().unwrap();
        let mut reference = ReferenceEngine::new(&graph, case.options(&graph)).unwrap();
        let mut candidate = subject.make(&graph, case.options(&graph));
        let report = run(
            &case,
            subject.algorithm(),
            &mut reference,
            candidate.as_mut(),
        );
        let report = report.unwrap();
        println!("{subject}: {report}");
        if !report.deviations.is_empty() {
            failed.push(report.to_string());
        }
    }
    assert!(failed.is_empty(), "{subject}: {}", failed.join("\n"));
}
