//! SGDW and AdamW: against values that PyTorch computed in float64 (`tests/data/make_optimiser_values.py`), and against the
//! optimisers that the laws of `schedule-core` speak of.

use std::collections::BTreeMap;
use std::sync::Arc;

use nn_engine::{
    BatchSpec, Batches, Engine, EngineError, EngineOptions, GroupHyper, HyperTable, ImageSet,
    Moments, Optimiser, Split, State,
};
use nn_graph::nets::{Architecture, NetConfig, Shortcut};
use nn_graph::{Affine, Graph};
use nn_reference::ReferenceEngine;
use schedule_core::law::decoupled::{AdamWLaw, DecoupledLaw};
use schedule_core::optimiser::{
    AdamWCoefficients, AdamWHyperparameters, AdamWState, MovingAverage, SgdwState,
};
use serde::Deserialize;

type Tensors = BTreeMap<String, Vec<f64>>;

#[derive(Deserialize)]
struct Data {
    pytorch: String,
    mean: f64,
    deviation: f64,
    classes: usize,
    size: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    optimiser: Optimiser,
    hyper: Hyper,
    pixels: Vec<u8>,
    labels: Vec<u8>,
    initial: Tensors,
    losses: Vec<f64>,
    parameters: Tensors,
    buffers: Tensors,
}

#[derive(Debug, Deserialize)]
struct Hyper {
    lr: f64,
    weight_decay: f64,
    momentum: f64,
    beta2: Option<f64>,
    epsilon: Option<f64>,
}

impl Hyper {
    fn at(&self, step: usize) -> GroupHyper {
        match (self.beta2, self.epsilon) {
            (Some(beta2), Some(epsilon)) => {
                let beta = [self.momentum, beta2];
                GroupHyper::adamw(self.lr, self.weight_decay, beta, epsilon, step as u64)
            }
            _ => GroupHyper::new(self.lr, self.weight_decay, self.momentum),
        }
    }
}

fn graph(classes: usize, size: usize) -> Graph {
    let mut net = NetConfig::new(Architecture::PreResNet, 8);
    (net.width, net.input, net.classes) = (1, [3, size, size], classes);
    (net.affine, net.shortcut) = (Affine::ScaleAndShift, Shortcut::ZeroPad);
    net.build().unwrap()
}

fn engine(graph: &Graph, optimiser: Optimiser, images: ImageSet) -> ReferenceEngine {
    let options = EngineOptions {
        optimiser,
        ..EngineOptions::new(graph, images.len())
    };
    let mut engine = ReferenceEngine::new(graph, options).unwrap();
    engine.load_images(Split::Train, Arc::new(images)).unwrap();
    engine
}

fn step(engine: &mut ReferenceEngine, batch: &BatchSpec, hyper: GroupHyper) -> f64 {
    let table = HyperTable::from_fn(1, 1, 1, |_, _, _| hyper).unwrap();
    let batches = Batches::shared(std::slice::from_ref(batch));
    engine.run(batches, &table).unwrap().get(0, 0).loss
}

/// Largest deviation, relative to the largest value of a tensor.
fn deviation(found: &[f64], wanted: &[f64]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let largest = wanted.iter().fold(0.0, |max: f64, w| max.max(w.abs()));
    let pairs = found.iter().zip(wanted);
    let error = pairs.fold(0.0, |max: f64, (f, w)| max.max((f - w).abs()));
    if error == 0.0 { 0.0 } else { error / largest }
}

#[test]
fn six_steps_are_pytorchs() {
    let data: Data = serde_json::from_str(include_str!("data/optimiser_values.json")).unwrap();
    assert_eq!(data.cases.len(), 3);
    let graph = graph(data.classes, data.size);
    for case in &data.cases {
        let shape = [3, data.size, data.size];
        let (pixels, labels) = (case.pixels.clone(), case.labels.clone());
        let (mean, deviations) = (vec![data.mean; 3], vec![data.deviation; 3]);
        let images = ImageSet::new(shape, pixels, labels, mean, deviations).unwrap();
        let batch = BatchSpec::plain((0..images.len() as u32).collect());
        let mut engine = engine(&graph, case.optimiser, images);
        let mut state = State::initial(&graph, 0).with_optimiser(&graph, case.optimiser);
        assert_eq!(case.initial.len(), graph.parameters().len());
        for (name, values) in &case.initial {
            state.get_mut(name).unwrap().values.clone_from(values);
        }
        engine.load_state(0, &state).unwrap();
        let mut worst: f64 = 0.0;
        for (number, &wanted) in case.losses.iter().enumerate() {
            let loss = step(&mut engine, &batch, case.hyper.at(number));
            worst = worst.max(deviation(&[loss], &[wanted]));
        }
        let found = engine.state(0).unwrap();
        let kinds = case.optimiser.buffer_names("").count();
        assert_eq!(case.buffers.len(), kinds * case.parameters.len());
        for (name, wanted) in case.parameters.iter().chain(&case.buffers) {
            worst = worst.max(deviation(&found.get(name).unwrap().values, wanted));
        }
        println!(
            "{} {:?}: at most {worst:.1e} from PyTorch {}",
            case.optimiser, case.hyper, data.pytorch
        );
        // The data has 11 digits.
        assert!(worst < 1e-10, "{}: {worst:e}", case.optimiser);
    }
}

fn random_images() -> ImageSet {
    let pixels = (0..6 * 3 * 36).map(|i| (i * i * 31 % 251) as u8).collect();
    let labels = (0..6).map(|i| i % 3).collect();
    ImageSet::new([3, 6, 6], pixels, labels, vec![0.5; 3], vec![0.25; 3]).unwrap()
}

/// All values of some tensors as one list.
fn flat(graph: &Graph, state: &State, name: impl Fn(&str) -> String) -> Vec<f64> {
    let trained = graph.parameters().iter().filter(|p| p.trainable);
    let tensors = trained.map(|p| state.get(&name(&p.name)).unwrap());
    tensors.flat_map(|tensor| tensor.values.clone()).collect()
}

/// The gradient of every trained parameter, as one list.
fn gradient(engine: &ReferenceEngine, batch: &BatchSpec) -> Vec<f64> {
    let gradients = engine.gradients(0, batch).unwrap().parameters;
    let trained = engine.graph().parameters().iter().zip(gradients);
    let trained = trained.filter(|(parameter, _)| parameter.trainable);
    trained.flat_map(|(_, gradient)| gradient.values).collect()
}

fn of_coefficients(with: &AdamWCoefficients) -> GroupHyper {
    let moments = Moments {
        first_weight: with.first_moment.weight,
        second_keep: with.second_moment.keep,
        second_weight: with.second_moment.weight,
        bias_corrections: [with.first_bias_correction, with.second_bias_correction],
        epsilon: with.epsilon,
    };
    GroupHyper {
        moments: Some(moments),
        ..GroupHyper::new(
            with.learning_rate,
            with.weight_decay,
            with.first_moment.keep,
        )
    }
}

/// Largest deviation seen over all steps of these tests.
const ONE_STEP: f64 = 1e-14;

#[test]
fn a_step_of_adamw_and_of_its_twin_is_schedule_cores() {
    let graph = graph(3, 6);
    for twin in [false, true] {
        let mut engine = engine(&graph, Optimiser::AdamW, random_images());
        let mut law = AdamWLaw::new();
        for number in 0..20_u64 {
            let hyper = AdamWHyperparameters {
                learning_rate: 0.01 / (1.0 + number as f64),
                weight_decay: 2.0,
                beta1: 0.9,
                beta2: 0.95,
                epsilon: 1e-3,
            };
            let with = match twin {
                false => hyper.coefficients(number),
                true => law.step(hyper).unwrap().coefficients(),
            };
            if number == 0 {
                let stock = GroupHyper::adamw(0.01, hyper.weight_decay, [0.9, 0.95], 1e-3, 0);
                assert!(twin || of_coefficients(&with) == stock);
            }
            let batch = BatchSpec::plain(vec![number as u32 % 6, 1, 2, (number as u32 + 3) % 6]);
            let before = engine.state(0).unwrap();
            let gradient = gradient(&engine, &batch);
            let of = |state: &State, end: &str| flat(&graph, state, |p| format!("{p}{end}"));
            let wanted = AdamWState {
                parameters: of(&before, ""),
                first_moment: of(&before, ".first_moment"),
                second_moment: of(&before, ".second_moment"),
            };
            let wanted = wanted.stepped(|_| gradient, &with);
            step(&mut engine, &batch, of_coefficients(&with));
            let after = engine.state(0).unwrap();
            for (end, wanted) in [
                ("", &wanted.parameters),
                (".first_moment", &wanted.first_moment),
                (".second_moment", &wanted.second_moment),
            ] {
                let off = deviation(&of(&after, end), wanted);
                assert!(off < ONE_STEP, "step {number}, `{end}`: {off:e}");
            }
        }
    }
}

#[test]
fn a_step_of_sgdw_and_of_its_twin_is_schedule_cores() {
    let graph = graph(3, 6);
    for twin in [false, true] {
        let mut engine = engine(&graph, Optimiser::Sgdw, random_images());
        let mut law = DecoupledLaw::sgdw();
        for number in 0..20_u32 {
            let (rate, decay) = (0.1 / f64::from(1 + number), 0.5);
            let momentum = MovingAverage::of_momentum(0.9);
            let (rate, decay, momentum) = match (twin, law.step(rate, decay).unwrap()) {
                (false, _) => (rate, decay, momentum),
                (true, step) => (step.learning_rate(), 0.0, step.memory(momentum)),
            };
            let batch = BatchSpec::plain(vec![number % 6, 1, 2, (number + 3) % 6]);
            let before = engine.state(0).unwrap();
            let gradient = gradient(&engine, &batch);
            let of = |state: &State, end: &str| flat(&graph, state, |p| format!("{p}{end}"));
            let wanted = SgdwState {
                parameters: of(&before, ""),
                buffer: of(&before, ".momentum_buffer"),
            };
            let wanted = wanted.stepped(|_| gradient, rate, decay, momentum);
            step(
                &mut engine,
                &batch,
                GroupHyper::new(rate, decay, momentum.keep),
            );
            let after = engine.state(0).unwrap();
            for (end, wanted) in [
                ("", &wanted.parameters),
                (".momentum_buffer", &wanted.buffer),
            ] {
                let off = deviation(&of(&after, end), wanted);
                assert!(off < ONE_STEP, "step {number}, `{end}`: {off:e}");
            }
        }
    }
}

/// A weight that never had a gradient does not move, though `0/0` is no number.
#[test]
fn without_a_gradient_and_an_epsilon_a_weight_stays() {
    let graph = graph(3, 6);
    let pixels = vec![100; 2 * 3 * 36];
    let grey = ImageSet::new([3, 6, 6], pixels, vec![0; 2], vec![0.0; 3], vec![1.0; 3]);
    let mut engine = engine(&graph, Optimiser::AdamW, grey.unwrap());
    let batch = BatchSpec::plain(vec![0, 1]);
    let gradient = gradient(&engine, &batch);
    assert!(gradient.contains(&0.0) && gradient.iter().any(|g| *g != 0.0));
    let weights = |state: &State| flat(&graph, state, str::to_owned);
    let before = weights(&engine.state(0).unwrap());
    let hyper = GroupHyper::adamw(0.01, 0.0, [0.9, 0.99], 0.0, 0);
    step(&mut engine, &batch, hyper);
    let after = weights(&engine.state(0).unwrap());
    for ((before, after), gradient) in before.iter().zip(&after).zip(&gradient) {
        // The first update is the gradient's sign.
        let sign = if *gradient == 0.0 {
            0.0
        } else {
            gradient.signum()
        };
        assert!((after - (before - 0.01 * sign)).abs() < 1e-15, "{gradient}");
    }
}

#[test]
fn a_step_of_another_optimiser_is_refused_before_anything_changes() {
    let graph = graph(3, 6);
    let mut engine = engine(&graph, Optimiser::AdamW, random_images());
    let before = engine.state(0).unwrap();
    let batch = [BatchSpec::plain(vec![0, 1])];
    let sgd = HyperTable::from_fn(1, 1, 1, |_, _, _| GroupHyper::new(0.1, 0.0, 0.9)).unwrap();
    let refused = engine.run(Batches::shared(&batch), &sgd).unwrap_err();
    assert!(matches!(refused, EngineError::HyperOptimiser { .. }));
    let refused = engine.load_state(0, &State::initial(&graph, 1));
    assert!(matches!(refused, Err(EngineError::State(_))));
    assert_eq!(engine.state(0).unwrap(), before);
}
