//! Networks of random topology against the float64 reference.

mod disturbed;
mod fairness;

use nn_engine::EngineOptions;
use nn_engine::conformance::{Case, ChainLink, ChainOp, NetworkSpec, run};
use nn_engine::strategies::case;
use nn_reference::ReferenceEngine;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};

use self::fairness::is_fair;
use crate::Subject;
use crate::conformance::has_room;

/// Seeds of which one must be fair.
const SEEDS: u64 = 20;

/// Every random network trains as on the reference, on each of these numbers of threads. Cases whose bounds would not hold
/// for a correct engine are left out. All subjects compute convolutions by the same algorithm, and multiply in the same format.
///
/// # Panics
/// If one does not; with the smallest such network.
pub fn any_network_trains_as_on_the_reference(
    subjects: &[Subject],
    threads: &[usize],
    config: Config,
) {
    let trains = |case| trains_as_on_the_reference(subjects, threads, &case);
    let outcome = TestRunner::new(config).run(&case(), trains);
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// Images of one position, convolved with a stride: few random networks have that, and it has its own way through an
/// engine that takes positions a stride apart together.
///
/// # Panics
/// If it does not train as on the reference.
pub fn a_strided_convolution_of_single_positions_trains_as_on_the_reference(subjects: &[Subject]) {
    let convolution = |stride| ChainOp::Conv2d {
        channels: 5,
        kernel: 3,
        stride,
        padding: 1,
        bias: true,
    };
    let head = ChainOp::Linear {
        features: 3,
        bias: false,
        fixed: false,
    };
    let ops = [
        convolution(1),
        convolution(2),
        convolution(3),
        ChainOp::GlobalAveragePool {},
        head,
    ];
    let network = NetworkSpec::Chain {
        input: [2, 1, 1],
        ops: ops.map(|op| ChainLink { op, from: None }).into(),
    };
    let others = case().new_tree(&mut TestRunner::deterministic()).unwrap();
    let case = Case {
        network,
        batch: 5,
        ..others.current()
    };
    let outcome = trains_as_on_the_reference(subjects, &[1], &case);
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

fn trains_as_on_the_reference(
    subjects: &[Subject],
    threads: &[usize],
    case: &Case,
) -> TestCaseResult {
    let (algorithm, products) = (subjects[0].algorithm(), subjects[0].products());
    let mut seeds = (0..SEEDS).map(|n| Case {
        seed: case.seed + n,
        ..case.clone()
    });
    let fair = seeds.find(|case| is_fair(case, algorithm) && has_room(case, products));
    prop_assume!(fair.is_some());
    let case = fair.unwrap();
    let graph = case.graph().unwrap();
    for subject in subjects {
        assert_eq!(subject.algorithm(), algorithm, "{subject}");
        assert_eq!(subject.products(), products, "{subject}");
        for &threads in threads {
            let options = EngineOptions {
                threads,
                ..case.options(&graph)
            };
            let mut reference = ReferenceEngine::new(&graph, case.options(&graph)).unwrap();
            let mut candidate = subject.make(&graph, options);
            let report = run(&case, algorithm, &mut reference, candidate.as_mut()).unwrap();
            let at = format!("{subject}, {threads} threads: {report}, {case:?}");
            prop_assert!(report.deviations.is_empty(), "{at}");
        }
    }
    Ok(())
}
