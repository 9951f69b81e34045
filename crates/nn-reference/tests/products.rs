//! The bounds on engines that round what convolutions multiply and what is stored, against what rounding does: the reference
//! does nothing else.

use nn_engine::conformance::{Algorithm, Case, Report, Stage, Tier, run_case};
use nn_engine::{EngineError, EngineOptions, Products};
use nn_graph::{Graph, Op};
use nn_reference::ReferenceEngine;

const ROUNDED: [Products; 2] = [Products::Tf32, Products::Bf16];

/// A case trained with some products and with others, within the bounds of the others.
fn compared(case: &Case, reference: Products, candidate: Products) -> Report {
    type Made = Result<ReferenceEngine, EngineError>;
    let engine = |products| {
        move |graph: &Graph, options: EngineOptions| -> Made {
            ReferenceEngine::new(
                graph,
                EngineOptions {
                    products,
                    ..options
                },
            )
        }
    };
    let algorithm = Algorithm::Direct;
    run_case(case, algorithm, engine(reference), engine(candidate)).unwrap()
}

/// Losses and statistics of the first step of every case; and gradients of all but a few, which lie at kinks, or are
/// normalised by variances of two or three values.
#[test]
fn rounded_products_stay_within_the_bounds_and_near_them() {
    for products in ROUNDED {
        let (mut largest, mut cases, mut beyond) = (0f64, 0, 0);
        for case in Case::all(Tier::Cpu) {
            let report = compared(&case, Products::Full, products);
            println!("{products}: {report}");
            let smooth = |what: &str| what.contains("running_") || what.contains("at step 0");
            let first = report.deviations.iter();
            let mut first = first.filter(|deviation| deviation.stage == Stage::FirstStep);
            assert!(!first.any(|deviation| smooth(&deviation.what)), "{report}");
            cases += 1;
            match report.deviations.is_empty() {
                true => largest = largest.max(report.worst.0),
                false => beyond += 1,
            }
        }
        println!("{products}: {beyond} of {cases}");
        assert!(beyond * 20 < cases, "{products}: {beyond} of {cases}");
        assert!(largest > 0.5, "{products}: bounds are far above all errors");
    }
}

/// An engine that rounds and does not say so is found out by every case with a convolution, but the one whose results are
/// normalised away; and by every case at all in bf16, which images are stored in.
#[test]
fn rounded_products_are_noticed() {
    for multiplied in ROUNDED {
        let (mut noticed, mut cases, mut convolved) = (0, 0, 0);
        for case in Case::all(Tier::Sim) {
            let graph = case.graph().unwrap();
            let mut nodes = graph.nodes().iter();
            let report = compared(&case, multiplied, Products::Full);
            cases += 1;
            convolved += usize::from(nodes.any(|node| matches!(node.op, Op::Conv2d(_))));
            noticed += usize::from(!report.deviations.is_empty());
        }
        assert!(convolved > 10);
        let wanted = match multiplied {
            Products::Bf16 => cases,
            _ => convolved - 1,
        };
        assert_eq!(noticed, wanted, "{multiplied}");
    }
}
