//! What the checks that engines share refuse, and in which words.

use nn_engine::{
    BatchSpec, Batches, EngineError, EngineOptions, GroupHyper, HyperTable, ImageSet, Moments,
    Optimiser, Precision, Products, State, Symmetry, check_run,
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
        let refused = options
            .check(&graph, "an engine", &[Products::Full])
            .unwrap_err();
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
fn products_that_an_engine_does_not_have_are_refused() {
    let graph = graph();
    let options = EngineOptions {
        products: Products::Bf16,
        ..EngineOptions::new(&graph, 4)
    };
    let formats = Products::ALL;
    assert_eq!(options.check(&graph, "an engine", &formats), Ok(()));
    let refused = options.check(&graph, "an engine", &formats[..2]);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "convolutions are to multiply in bf16, which an engine cannot; nn-cuda can"
    );
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

#[test]
fn a_state_of_another_optimiser_is_refused() {
    let graph = graph();
    let sgd = State::initial(&graph, 3);
    let adamw = sgd.clone().with_optimiser(&graph, Optimiser::AdamW);
    assert_eq!(sgd.check(&graph, Optimiser::Sgdw), Ok(()));
    assert_eq!(adamw.check(&graph, Optimiser::AdamW), Ok(()));
    let again = adamw.clone().with_optimiser(&graph, Optimiser::Sgd);
    assert_eq!(again, sgd);
    for (state, optimiser) in [
        (&sgd, Optimiser::Sgd),
        (&sgd, Optimiser::Sgdw),
        (&adamw, Optimiser::AdamW),
    ] {
        let values = state.tensors.iter().map(|tensor| tensor.values.len());
        let values = values.sum::<usize>() as u128;
        assert_eq!(State::values(&graph, optimiser), values);
    }
    let place = graph.parameters().len();
    let refused = sgd.check(&graph, Optimiser::AdamW).unwrap_err().to_string();
    let wanted = format!(
        "the state does not belong to this network: tensor {place} is `stem.conv1.weight.momentum_buffer` of shape \
         [16, 3, 3, 3] with 432 values; the network has `stem.conv1.weight.first_moment` of shape [16, 3, 3, 3], for \
         AdamW"
    );
    assert_eq!(refused, wanted);
    assert!(adamw.check(&graph, Optimiser::Sgd).is_err());
}

fn checked(optimiser: Optimiser, entry: GroupHyper, precision: Precision) -> Option<String> {
    let table = HyperTable::from_fn(1, 1, 1, |_, _, _| entry);
    let checked = table.and_then(|table| table.check_update(1, optimiser, precision));
    checked.err().map(|error| error.to_string())
}

#[test]
fn hyperparameters_of_another_optimiser_are_refused() {
    let sgd = GroupHyper::new(0.1, 5e-4, 0.9);
    let adamw = GroupHyper::adamw(1e-3, 1e-2, [0.9, 0.999], 1e-8, 0);
    let check = |optimiser, entry| checked(optimiser, entry, Precision::Float32);
    assert_eq!(check(Optimiser::Sgd, sgd), None);
    assert_eq!(check(Optimiser::Sgdw, sgd), None);
    assert_eq!(check(Optimiser::AdamW, adamw), None);
    assert_eq!(
        check(Optimiser::AdamW, sgd).unwrap(),
        "step 0 of replica 0, group 0 is none of AdamW; give it moments, or make the engine for SGD"
    );
    assert_eq!(
        check(Optimiser::Sgdw, adamw).unwrap(),
        "step 0 of replica 0, group 0 is none of SGDW; leave out its moments, or make the engine for AdamW"
    );
}

#[test]
fn moments_outside_their_ranges_are_refused() {
    let good = GroupHyper::adamw(1e-3, 1e-2, [0.0, 0.0], 0.0, u64::MAX);
    assert_eq!(
        checked(Optimiser::AdamW, good, Precision::Float32),
        None,
        "no memory at all"
    );
    let with = |change: fn(&mut Moments)| {
        let mut hyper = GroupHyper::adamw(1e-3, 1e-2, [0.9, 0.999], 1e-8, 0);
        hyper.moments.iter_mut().for_each(change);
        hyper
    };
    let outside: [fn(&mut Moments); 7] = [
        |m| m.first_weight = -0.1,
        |m| m.second_weight = f64::INFINITY,
        |m| m.second_keep = 1.0,
        |m| m.bias_corrections[0] = 0.0,
        |m| m.bias_corrections[1] = 1.1,
        |m| m.epsilon = f64::NAN,
        |m| m.epsilon = -1e-8,
    ];
    for change in outside {
        let entry = with(change);
        let refused = checked(Optimiser::AdamW, entry, Precision::Float64).unwrap();
        assert!(refused.contains("bias corrections"), "{refused}");
    }
    // What float64 holds and float32 does not.
    let beyond: [fn(&mut Moments); 3] = [
        |m| m.second_keep = 1.0 - 1e-9,
        |m| m.epsilon = 1e41,
        |m| m.bias_corrections[0] = 1e-45,
    ];
    for change in beyond {
        let entry = with(change);
        let refused = checked(Optimiser::AdamW, entry, Precision::Float32).unwrap();
        let end = "leaves its range when rounded to float32; use smaller values, or an engine of higher precision";
        assert!(refused.ends_with(end), "{refused}");
        assert!(refused.contains("Moments"), "{refused}");
        assert_eq!(checked(Optimiser::AdamW, entry, Precision::Float64), None);
    }
    // A decay that is huge by itself, at a rate that makes it none.
    let entry = GroupHyper::new(1e-30, 1e40, 0.9);
    assert_eq!(checked(Optimiser::Sgdw, entry, Precision::Float32), None);
    assert!(checked(Optimiser::Sgd, entry, Precision::Float32).is_some());
}
