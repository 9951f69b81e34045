//! What the checks that engines share refuse, and in which words.

use nn_engine::{EngineError, EngineOptions, GroupHyper, HyperTable, Symmetry};
use nn_graph::Graph;
use nn_graph::nets::{Architecture, NetConfig};

fn graph() -> Graph {
    NetConfig::new(Architecture::PreResNet, 8).build().unwrap()
}

#[test]
fn group_numbers_beyond_the_parameters_are_refused() {
    let graph = graph();
    let parameters = graph.parameters().len();
    for number in [usize::MAX, 1 << 40, parameters] {
        let mut options = EngineOptions::new(&graph, 4);
        options.symmetry.group[2] = number;
        let refused = options.check(&graph, "an engine").unwrap_err();
        assert!(matches!(refused, EngineError::Symmetry(_)));
        assert_eq!(
            refused.to_string(),
            format!(
                "the symmetry does not belong to this network: parameter 2 is in group {number}; \
                 {parameters} parameters make at most {parameters} groups, counted from 0"
            )
        );
        assert_eq!(options.symmetry.groups(), number.saturating_add(1));
    }
    let mut symmetry = Symmetry::none(&graph);
    symmetry.group[2] = parameters - 1;
    symmetry.degree = vec![vec![0; parameters]; graph.normalisers().len()];
    assert_eq!(symmetry.check(&graph), Ok(()));
}

#[test]
fn every_degree_gives_factors() {
    let mut symmetry = Symmetry::none(&graph());
    for (degree, factor) in [(i32::MIN, 0.0), (i32::MAX, f64::INFINITY), (0, 1.0)] {
        symmetry.degree[0] = vec![degree];
        assert_eq!(symmetry.statistics_factors(0, [0.5].into_iter()).0, factor);
    }
}

#[test]
fn hyperparameter_tables_beyond_memory_are_refused() {
    let good = |_, _, _| GroupHyper::new(0.1, 0.0, 0.9);
    for [steps, replicas, groups] in [[1 << 44, 1 << 16, 1 << 10], [1 << 50, 1, 1]] {
        let refused = HyperTable::from_fn(steps, replicas, groups, good).unwrap_err();
        assert!(matches!(refused, EngineError::Memory { bytes, .. } if bytes >= 32 << 50));
    }
    let empty = HyperTable::from_fn(0, usize::MAX, usize::MAX, good).unwrap();
    assert_eq!(empty.steps(), 0);
}
