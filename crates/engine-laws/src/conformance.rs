//! The corpus of `nn-engine` against the float64 reference.

use nn_engine::conformance::{
    Algorithm, Case, ChainLink, ChainOp, NetworkSpec, Report, Tier, run, run_case,
};
use nn_engine::{EngineError, EngineOptions, Products, strategies};
use nn_graph::Graph;
use nn_reference::ReferenceEngine;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::Subject;

/// Share of its bounds within which the reference itself must stay where it rounds what it multiplies and stores: an engine
/// that does the same in another order of sums, or stores less often, may be as far off again.
const ROOM: f64 = 0.5;

/// Every case of a tier trains as on the reference, within the bounds of the subject's algorithm. Prints every report.
///
/// A subject that rounds what it multiplies or stores is compared with the reference that does not. Some cases amplify that rounding
/// more than the bounds suppose (they normalise by variances of two or three values, or lie at kinks): there the reference
/// that rounds, too, leaves the bounds, and they are wider by as much.
///
/// # Panics
/// If one does not.
pub fn the_corpus_trains_as_on_the_reference(subject: &Subject, tier: Tier) {
    let mut failed = Vec::new();
    for case in Case::all(tier) {
        let case = with_room(case, subject.products());
        let report = compared(subject, &case);
        println!("{subject}: {report}");
        if !report.deviations.is_empty() {
            failed.push(report.to_string());
        }
    }
    assert!(failed.is_empty(), "{subject}: {}", failed.join("\n"));
}

/// What becomes of a case on the subject, and on the reference in full.
fn compared(subject: &Subject, case: &Case) -> Report {
    let graph = case.graph().unwrap();
    let mut reference = ReferenceEngine::new(&graph, case.options(&graph)).unwrap();
    let mut candidate = subject.make(&graph, case.options(&graph));
    let algorithm = subject.algorithm();
    run(case, algorithm, &mut reference, candidate.as_mut()).unwrap()
}

/// Convolutions of every kernel and stride that an engine is likely to have a way of its own for, trained as on the reference.
///
/// There is no ReLU, so that bounds on gradients are a few percent also where products are rounded; and what follows reads
/// every position with weights of its own, so that no two have equal gradients.
///
/// # Panics
/// If one does not train so.
pub fn convolutions_train_as_on_the_reference(subject: &Subject) {
    for case in convolutions() {
        let case = with_room(case, subject.products());
        let report = compared(subject, &case);
        println!("{subject}: {report}");
        assert!(report.deviations.is_empty(), "{subject}: {report}");
    }
}

fn convolutions() -> Vec<Case> {
    let mut cases = Vec::new();
    for channels in [[3, 5], [16, 16], [17, 33], [40, 24]] {
        for (kernel, stride) in [(3, 1), (3, 2), (1, 1), (1, 2)] {
            let sizes = [7, 8].into_iter();
            cases.extend(sizes.map(|size| convolution(channels, [kernel, stride], size)));
        }
    }
    cases
}

/// A convolution between these channels, behind another and before one that reads it whole.
fn convolution([from, to]: [usize; 2], [kernel, stride]: [usize; 2], size: usize) -> Case {
    let layer = |channels, kernel, stride, padding| ChainOp::Conv2d {
        channels,
        kernel,
        stride,
        padding,
        bias: true,
    };
    let ops = [
        layer(from, 3, 1, 1),
        layer(to, kernel, stride, kernel / 2),
        layer(6, size.div_ceil(stride), 1, 0),
        ChainOp::GlobalAveragePool {},
        ChainOp::Linear {
            features: 4,
            bias: true,
            fixed: false,
        },
    ];
    // Whatever else a case says.
    let other = strategies::case().new_tree(&mut TestRunner::deterministic());
    Case {
        name: format!("{from} to {to} channels, kernel {kernel}, stride {stride}, size {size}"),
        network: NetworkSpec::Chain {
            input: [3, size, size],
            ops: ops.map(|op| ChainLink { op, from: None }).into(),
        },
        batch: 5,
        seed: 1,
        ..other.unwrap().current()
    }
}

/// The case with as much tolerance as the reference needs to stay well within the bounds where it rounds what it multiplies
/// and stores: itself, where nothing is rounded.
///
/// # Panics
/// If the reference cannot train it.
pub fn with_room(case: Case, products: Products) -> Case {
    let beyond = match products.rounds() {
        false => 0.0,
        true => rounded(&case, products).worst.0 / ROOM,
    };
    if beyond <= 1.0 {
        return case;
    }
    // Where gradients jump, bounds grow as the root.
    let tolerance = case.tolerance * beyond * beyond;
    println!("{}: tolerance {tolerance:.1}", case.name);
    Case { tolerance, ..case }
}

/// Whether a case is one for the bounds on an engine that rounds what it multiplies.
pub(crate) fn has_room(case: &Case, products: Products) -> bool {
    !products.rounds() || rounded(case, products).worst.0 <= ROOM
}

/// The reference that rounds what it multiplies, beside the one that does not.
fn rounded(case: &Case, products: Products) -> Report {
    let algorithm = Algorithm::Direct;
    run_case(case, algorithm, ReferenceEngine::new, multiplying(products)).unwrap()
}

/// Makes the reference that rounds so.
fn multiplying(
    products: Products,
) -> impl FnOnce(&Graph, EngineOptions) -> Result<ReferenceEngine, EngineError> {
    move |graph, options| {
        let options = EngineOptions {
            products,
            ..options
        };
        ReferenceEngine::new(graph, options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So little is room that what another format does takes most of it, or more.
    #[test]
    fn products_of_fewer_bits_are_noticed() {
        for (said, multiplied, least) in [
            (Products::Full, Products::Tf32, 100.0),
            (Products::Tf32, Products::Bf16, 0.3),
        ] {
            for case in convolutions() {
                let case = with_room(case, said);
                let [multiplied, said] = [multiplied, said].map(multiplying);
                let report = run_case(&case, Algorithm::Direct, multiplied, said).unwrap();
                println!("{report}");
                assert!(report.worst.0 > least, "{report}");
            }
        }
    }
}
