//! What the checks that engines share refuse, and in which words.

use nn_engine::{
    BatchSpec, Batches, EngineError, EngineOptions, GroupHyper, HyperTable, ImageSet, Precision,
    Symmetry, check_run,
};
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

#[test]
fn batches_of_replicas_are_as_many_and_of_one_size() {
    let plain = |images: &[u32]| BatchSpec::plain(images.to_vec());
    let specs = [plain(&[0, 1]), plain(&[2, 3]), plain(&[1]), plain(&[2])];
    let own = Batches::own(&specs, 2).unwrap();
    assert_eq!((own.steps(), own.images(0), own.images(1)), (2, 2, 1));
    assert_eq!(own.part(1..2).get(0, 1), &specs[3]);
    let refused =
        |specs: &[BatchSpec], replicas| Batches::own(specs, replicas).unwrap_err().to_string();
    assert_eq!(
        refused(&specs, 3),
        "batch 0 cannot be run: one replica has 2 images and another 1; all must have as many"
    );
    assert_eq!(
        refused(&specs[..3], 2),
        "batch 1 cannot be run: there are batches for 1 of 2 replicas"
    );
    assert!(Batches::own(&specs, 0).is_err());
    assert_eq!(Batches::own(&[], 0).unwrap().steps(), 0);

    let graph = graph();
    let images = ImageSet::new(
        [3, 32, 32],
        vec![0; 4 * 3072],
        vec![0; 4],
        vec![0.0; 3],
        vec![1.0; 3],
    );
    let images = images.unwrap();
    let check = |batches, replicas| {
        let options = EngineOptions {
            replicas,
            ..EngineOptions::new(&graph, 2)
        };
        let still = |_, _, _| GroupHyper::new(0.0, 0.0, 0.0);
        let hyper = HyperTable::from_fn(2, replicas, 1, still).unwrap();
        check_run(batches, &hyper, &images, &options, Precision::Float32)
    };
    let refused = check(own, 3).unwrap_err().to_string();
    assert_eq!(
        refused,
        "batch 0 cannot be run: it is a batch for each of 2 replicas; this engine runs 3"
    );
    assert_eq!(check(own, 2), Ok(()));
    let beyond = [plain(&[0]), plain(&[1]), plain(&[2]), plain(&[4])];
    let refused = check(Batches::own(&beyond, 2).unwrap(), 2).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "batch 1 cannot be run: it names image 4 of 4"
    );
}
