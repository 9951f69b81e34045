//! The engine as a whole: finite differences of a network, optimiser, running statistics, states,
//! threads, refusals.

use std::sync::Arc;

use nn_engine::{
    BatchSpec, Batches, Crop, Engine, EngineError, EngineOptions, GroupHyper, HyperTable, ImageSet,
    Split, State, Symmetry, momentum_name,
};
use nn_graph::nets::{Architecture, NetConfig, Shortcut, Stem};
use nn_graph::{Affine, Bias, Graph, GraphBuilder, Shape, Training};
use nn_reference::ReferenceEngine;

const SIZE: usize = 6;

fn network(architecture: Architecture) -> Graph {
    let mut config = NetConfig::new(architecture, 8);
    (config.width, config.classes) = (2, 3);
    config.input = [2, SIZE, SIZE];
    config.affine = Affine::ScaleAndShift;
    config.bias = Bias::Trained;
    config.head = Training::Trained;
    if architecture == Architecture::PreResNet {
        config.stem = Stem::ConvNormReluConv;
    } else {
        config.shortcut = Shortcut::Projection;
    }
    config.build().unwrap()
}

fn images(shape: [usize; 3], count: usize, classes: usize) -> Arc<ImageSet> {
    let bytes = count * shape.iter().product::<usize>();
    let mut state = 12345_u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let pixels = (0..bytes).map(|_| byte()).collect();
    let labels = (0..count).map(|n| (n % classes) as u8).collect();
    let per_channel = |value| vec![value; shape[0]];
    Arc::new(ImageSet::new(shape, pixels, labels, per_channel(0.5), per_channel(0.25)).unwrap())
}

fn engine(graph: &Graph, options: EngineOptions) -> ReferenceEngine {
    let mut engine = ReferenceEngine::new(graph, options).unwrap();
    let [c, h, w] = graph.input_shape().dims()[..] else {
        unreachable!()
    };
    let classes = graph.output_shape().channels();
    for (split, count) in [(Split::Train, 10), (Split::Test, 7)] {
        engine
            .load_images(split, images([c, h, w], count, classes))
            .unwrap();
    }
    engine
}

fn table(steps: usize, hyper: GroupHyper) -> HyperTable {
    HyperTable::from_fn(steps, 1, 1, |_, _, _| hyper).unwrap()
}

fn augmented(step: u32) -> BatchSpec {
    let mut batch = BatchSpec::plain((0..4).map(|n| (3 * step + n) % 10).collect());
    batch.crops[1] = Crop { dy: 2, dx: -1 };
    batch.flips[2] = true;
    batch
}

#[test]
fn gradients_of_whole_networks_are_differences_of_the_loss() {
    for architecture in [Architecture::PreResNet, Architecture::ResNet] {
        let graph = network(architecture);
        let mut engine = engine(&graph, EngineOptions::new(&graph, 4));
        let batch = augmented(0);
        let start = State::initial(&graph, 3);
        engine.load_state(0, &start).unwrap();
        let gradients = engine.gradients(0, &batch).unwrap();
        let mut worst: f64 = 0.0;
        for (index, gradient) in gradients.parameters.iter().enumerate() {
            // Three elements of each tensor: the operations are checked element by element.
            for element in [0, gradient.values.len() / 2, gradient.values.len() - 1] {
                let mut loss = |shift: f64| {
                    let mut moved = start.clone();
                    moved.tensors[index].values[element] += shift;
                    engine.load_state(0, &moved).unwrap();
                    engine.gradients(0, &batch).unwrap().loss
                };
                let h = 2e-6;
                let numeric =
                    (8.0 * (loss(h) - loss(-h)) - (loss(2.0 * h) - loss(-2.0 * h))) / (12.0 * h);
                let error = (numeric - gradient.values[element]).abs();
                assert!(error < 1e-8, "{}[{element}]: {error:e}", gradient.name);
                worst = worst.max(error);
            }
        }
        println!("{architecture:?}: largest error {worst:.1e}");
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let graph = network(Architecture::PreResNet);
    let hyper = table(3, GroupHyper::new(0.1, 5e-4, 0.9));
    let batches: Vec<_> = (0..3).map(augmented).collect();
    let results = [0, 1, 2, 3, 7].map(|threads| {
        let mut options = EngineOptions::new(&graph, 4);
        options.threads = threads;
        let mut engine = engine(&graph, options);
        let stats = engine.run(Batches::shared(&batches), &hyper).unwrap();
        let evaluation = engine.evaluate(0, Split::Test, &[1.0]).unwrap();
        (stats, evaluation, engine.state(0).unwrap())
    });
    assert!(results.iter().all(|result| *result == results[0]));
}

#[test]
fn several_steps_at_once_are_single_steps_and_states_resume() {
    let graph = network(Architecture::ResNet);
    let batches: Vec<_> = (0..4).map(augmented).collect();
    let hyper = GroupHyper::new(0.1, 5e-4, 0.9);
    let mut whole = engine(&graph, EngineOptions::new(&graph, 4));
    let stats = whole
        .run(Batches::shared(&batches), &table(4, hyper))
        .unwrap();
    let mut state = State::initial(&graph, 0);
    for (step, batch) in batches.iter().enumerate() {
        let mut fresh = engine(&graph, EngineOptions::new(&graph, 4));
        fresh.load_state(0, &state).unwrap();
        assert_eq!(fresh.state(0).unwrap(), state);
        let one = fresh
            .run(
                Batches::shared(std::slice::from_ref(batch)),
                &table(1, hyper),
            )
            .unwrap();
        assert_eq!(one.get(0, 0), stats.get(step, 0));
        state = fresh.state(0).unwrap();
    }
    assert_eq!(whole.state(0).unwrap(), state);
}

#[test]
fn replicas_are_separate_runs() {
    let graph = network(Architecture::PreResNet);
    let rate = |replica: usize| GroupHyper::new(0.05 * (1 + replica) as f64, 1e-3, 0.9);
    let mut options = EngineOptions::new(&graph, 4);
    options.replicas = 3;
    let mut together = engine(&graph, options);
    let batches = [augmented(0), augmented(1)];
    let hyper = HyperTable::from_fn(2, 3, 1, |_, replica, _| rate(replica)).unwrap();
    let stats = together.run(Batches::shared(&batches), &hyper).unwrap();
    for replica in 0..3 {
        let mut alone = engine(&graph, EngineOptions::new(&graph, 4));
        let single = alone
            .run(Batches::shared(&batches), &table(2, rate(replica)))
            .unwrap();
        assert_eq!(single.get(1, 0), stats.get(1, replica));
        assert_eq!(alone.state(0).unwrap(), together.state(replica).unwrap());
    }
    let compared = together.compare(0, 1).unwrap();
    assert_eq!(compared.len(), graph.parameters().len());
    assert!(compared[0].distance > 0.0 && compared[0].norm_a != compared[0].norm_b);
    let itself = together.compare(2, 2).unwrap();
    assert!(
        itself
            .iter()
            .all(|c| c.distance == 0.0 && c.norm_a == c.norm_b)
    );
}

#[test]
fn the_update_is_momentum_and_coupled_decay_by_group_and_skips_fixed_parameters() {
    let mut config = NetConfig::new(Architecture::PreResNet, 8);
    (config.width, config.input, config.classes) = (2, [2, SIZE, SIZE], 3);
    let graph = config.build().unwrap();
    let mut options = EngineOptions::new(&graph, 4);
    for (index, group) in options.symmetry.group.iter_mut().enumerate() {
        *group = index % 2;
    }
    options.symmetry.degree = vec![vec![1, 0]; graph.normalisers().len()];
    let mut engine = engine(&graph, options);
    let mut start = State::initial(&graph, 5);
    let first = momentum_name(&graph.parameters()[0].name);
    start.get_mut(&first).unwrap().values.fill(0.125);
    engine.load_state(0, &start).unwrap();
    let batch = augmented(0);
    let gradients = engine.gradients(0, &batch).unwrap();
    let group = [
        GroupHyper::new(0.1, 0.01, 0.9),
        GroupHyper::new(0.3, 0.0, 0.5),
    ];
    let hyper = HyperTable::from_fn(1, 1, 2, |_, _, g| group[g]).unwrap();
    engine.run(Batches::shared(&[batch]), &hyper).unwrap();
    let after = engine.state(0).unwrap();
    for (index, parameter) in graph.parameters().iter().enumerate() {
        let (theta, found) = (&start.tensors[index].values, &after.tensors[index].values);
        if !parameter.trainable {
            assert_eq!(theta, found);
            continue;
        }
        let hyper = group[index % 2];
        let buffer = &start.get(&momentum_name(&parameter.name)).unwrap().values;
        for (element, &found) in found.iter().enumerate() {
            let g = gradients.parameters[index].values[element];
            let b = hyper.momentum * buffer[element] + g + hyper.weight_decay * theta[element];
            let wanted = theta[element] - hyper.learning_rate * b;
            assert!((found - wanted).abs() < 1e-15, "{}", parameter.name);
        }
    }
}

/// A network that only normalises one channel and reads its mean.
fn normaliser(epsilon: f64) -> Graph {
    let mut net = GraphBuilder::new(Shape::new([1, 1, 2])).unwrap();
    let x = net
        .batch_norm("norm", net.input(), Affine::None, epsilon)
        .unwrap();
    let x = net.global_average_pool("pool", x).unwrap();
    let x = net
        .linear("head", x, 2, Bias::None, Training::Trained)
        .unwrap();
    net.finish(x).unwrap()
}

fn on_bytes(graph: &Graph, symmetry: Symmetry, bytes: &[u8]) -> ReferenceEngine {
    let mut options = EngineOptions::new(graph, 4);
    options.symmetry = symmetry;
    let mut engine = ReferenceEngine::new(graph, options).unwrap();
    let labels = vec![0; bytes.len() / 2];
    let set = ImageSet::new(
        [1, 1, 2],
        bytes.to_vec(),
        labels,
        vec![0.0],
        vec![1.0 / 255.0],
    );
    engine
        .load_images(Split::Train, Arc::new(set.unwrap()))
        .unwrap();
    engine
}

#[test]
fn running_statistics_are_rescaled_and_then_moved_to_mean_and_unbiased_variance() {
    let graph = normaliser(1e-5);
    let mut symmetry = Symmetry::none(&graph);
    symmetry.degree = vec![vec![2]];
    // Values 0, 2, 4, 10: mean 4, squares 16 + 4 + 0 + 36 = 56, unbiased variance 56/3.
    let mut engine = on_bytes(&graph, symmetry, &[0, 2, 4, 10]);
    let mut state = State::initial(&graph, 0);
    state.get_mut("norm.running_mean").unwrap().values[0] = 3.0;
    engine.load_state(0, &state).unwrap();
    let mut hyper = GroupHyper::new(0.1, 0.0, 0.0);
    hyper.scale_ratio = 0.5;
    engine
        .run(
            Batches::shared(&[BatchSpec::plain(vec![0, 1])]),
            &table(1, hyper),
        )
        .unwrap();
    let state = engine.state(0).unwrap();
    let value = |name: &str| state.get(name).unwrap().values[0];
    assert!((value("norm.running_mean") - (0.9 * 3.0 * 4.0 + 0.1 * 4.0)).abs() < 1e-12);
    assert!((value("norm.running_variance") - (0.9 * 16.0 + 0.1 * 56.0 / 3.0)).abs() < 1e-12);
    // Evaluation rescales a copy.
    let before = engine.evaluate(0, Split::Train, &[1.0]).unwrap();
    assert_ne!(
        engine.evaluate(0, Split::Train, &[0.5]).unwrap().loss,
        before.loss
    );
    assert_eq!(engine.evaluate(0, Split::Train, &[1.0]).unwrap(), before);
    assert_eq!(engine.state(0).unwrap(), state);
}

#[test]
fn a_channel_without_variance_trains_with_epsilon_0() {
    let graph = normaliser(0.0);
    let mut engine = on_bytes(&graph, Symmetry::none(&graph), &[7, 7, 7, 7]);
    let batch = BatchSpec::plain(vec![0, 1]);
    let batches = vec![batch.clone(); 400];
    let stats = engine
        .run(
            Batches::shared(&batches),
            &table(400, GroupHyper::new(0.1, 0.0, 0.9)),
        )
        .unwrap();
    assert!((stats.get(399, 0).loss - 2f64.ln()).abs() < 1e-15);
    let gradients = engine.gradients(0, &batch).unwrap();
    assert!(gradients.parameters[0].values.iter().all(|&g| g == 0.0));
    assert!(
        engine
            .evaluate(0, Split::Train, &[1.0])
            .unwrap()
            .loss
            .is_finite()
    );
    assert_eq!(engine.kink_distance(0, &batch).unwrap(), f64::INFINITY);
}

#[test]
fn evaluation_goes_through_all_images_whatever_the_chunk() {
    let graph = network(Architecture::PreResNet);
    let evaluations = [1, 3, 7, 100].map(|chunk| {
        let mut engine = engine(&graph, EngineOptions::new(&graph, chunk));
        engine.evaluate(0, Split::Test, &[1.0]).unwrap()
    });
    for evaluation in evaluations {
        assert_eq!(evaluation.images, 7);
        assert_eq!(evaluation.correct, evaluations[0].correct);
        assert!((evaluation.loss - evaluations[0].loss).abs() < 1e-12);
    }
}

#[test]
fn refusals_are_sentences_and_change_nothing() {
    let graph = network(Architecture::PreResNet);
    let options = EngineOptions::new(&graph, 4);
    let mut bare = ReferenceEngine::new(&graph, options.clone()).unwrap();
    let hyper = table(1, GroupHyper::new(0.1, 0.0, 0.0));
    let batch = [BatchSpec::plain(vec![0])];
    assert_eq!(
        bare.run(Batches::shared(&batch), &hyper),
        Err(EngineError::NoImages(Split::Train))
    );
    assert_eq!(
        bare.evaluate(0, Split::Test, &[1.0]),
        Err(EngineError::NoImages(Split::Test))
    );

    let mut engine = engine(&graph, options);
    let start = engine.state(0).unwrap();
    let batches = [
        BatchSpec::plain(vec![]),
        BatchSpec::plain(vec![0; 5]),
        BatchSpec::plain(vec![10]),
        BatchSpec {
            flips: vec![],
            ..BatchSpec::plain(vec![0])
        },
    ];
    for batch in &batches {
        let both = [BatchSpec::plain(vec![0]), batch.clone()];
        let refused = engine.run(
            Batches::shared(&both),
            &table(2, GroupHyper::new(0.1, 0.0, 0.0)),
        );
        assert!(matches!(refused, Err(EngineError::Batch { batch: 1, .. })));
        assert!(matches!(
            engine.gradients(0, batch),
            Err(EngineError::Batch { .. })
        ));
    }
    assert!(matches!(
        engine.run(Batches::shared(&vec![batches[2].clone(); 2]), &hyper),
        Err(EngineError::HyperShape(_))
    ));
    for ratios in [&[][..], &[1.0, 1.0], &[0.0], &[f64::NAN]] {
        let refused = engine.evaluate(0, Split::Test, ratios).unwrap_err();
        assert!(refused.to_string().contains("scale ratios"), "{refused}");
    }
    let replica = EngineError::Replica {
        replica: 1,
        replicas: 1,
    };
    assert_eq!(engine.state(1).unwrap_err(), replica);
    assert_eq!(engine.compare(0, 1).unwrap_err(), replica);
    assert_eq!(engine.load_state(1, &start).unwrap_err(), replica);
    assert_eq!(
        engine.evaluate(1, Split::Test, &[1.0]).unwrap_err(),
        replica
    );
    assert_eq!(engine.gradients(1, &batch[0]).unwrap_err(), replica);

    let mut other = start.clone();
    other.tensors.pop();
    assert!(matches!(
        engine.load_state(0, &other),
        Err(EngineError::State(_))
    ));
    let wrong = images([2, 5, 5], 3, 3);
    assert!(matches!(
        engine.load_images(Split::Train, wrong),
        Err(EngineError::Images(_))
    ));
    let mut options = EngineOptions::new(&graph, 4);
    options.threads = usize::MAX;
    let refused = ReferenceEngine::new(&graph, options).unwrap_err();
    assert!(refused.to_string().contains("threads"), "{refused}");
    let mut symmetry = EngineOptions::new(&graph, 4);
    symmetry.symmetry.degree.pop();
    assert!(matches!(
        ReferenceEngine::new(&graph, symmetry),
        Err(EngineError::Symmetry(_))
    ));
    assert_eq!(engine.state(0).unwrap(), start);
}

#[test]
fn two_hundred_steps_take_seconds() {
    let mut config = NetConfig::new(Architecture::PreResNet, 8);
    config.width = 8;
    let graph = config.build().unwrap();
    let mut engine = engine(&graph, EngineOptions::new(&graph, 32));
    let batch = BatchSpec::plain((0..32).map(|n| n % 10).collect());
    let steps = 5;
    let start = std::time::Instant::now();
    let hyper = table(steps, GroupHyper::new(0.1, 5e-4, 0.9));
    let stats = engine
        .run(Batches::shared(&vec![batch; steps]), &hyper)
        .unwrap();
    let seconds = 200.0 / steps as f64 * start.elapsed().as_secs_f64();
    println!("{seconds:.1} s for 200 steps on {}", engine.device());
    assert!(stats.get(steps - 1, 0).loss.is_finite());
}
