//! Against values that PyTorch computed in float64 (`tests/data/make_pytorch_values.py`).

use std::collections::BTreeMap;
use std::sync::Arc;

use nn_engine::{
    BatchSpec, Batches, Engine, EngineOptions, GroupHyper, HyperTable, ImageSet, Split, State,
    momentum_name,
};
use nn_graph::nets::{Architecture, NetConfig, Normaliser, Shortcut, Stem};
use nn_graph::op::MaxPool;
use nn_graph::{Affine, Bias, ConvSpec, Graph, GraphBuilder, Shape, Training};
use nn_reference::ReferenceEngine;
use serde::Deserialize;

type Tensors = BTreeMap<String, Vec<f64>>;

#[derive(Deserialize)]
struct Data {
    pytorch: String,
    learning_rate: f64,
    momentum: f64,
    weight_decay: f64,
    mean: f64,
    deviation: f64,
    classes: usize,
    size: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    config: Config,
    pixels: Vec<u8>,
    labels: Vec<u8>,
    initial: Tensors,
    logits: Vec<f64>,
    gradients: Tensors,
    first_running: Tensors,
    losses: Vec<f64>,
    parameters: Tensors,
    buffers: Tensors,
    running: Tensors,
    evaluation_loss: f64,
}

#[derive(Debug, Deserialize)]
struct Config {
    architecture: String,
    width: usize,
    shortcut: String,
    normaliser: String,
    affine: bool,
    bias: bool,
    long_stem: bool,
    trained_head: bool,
}

const BOUND: f64 = 1e-10;

fn graph(config: &Config, data: &Data) -> Graph {
    if config.architecture == "imagenet_stem" {
        return imagenet_stem(config, data);
    }
    let mut net = NetConfig::new(
        match config.architecture.as_str() {
            "preresnet" => Architecture::PreResNet,
            _ => Architecture::ResNet,
        },
        8,
    );
    net.width = config.width;
    net.input = [3, data.size, data.size];
    net.classes = data.classes;
    net.shortcut = match config.shortcut.as_str() {
        "projection" => Shortcut::Projection,
        _ => Shortcut::ZeroPad,
    };
    net.normaliser = match config.normaliser.as_str() {
        "batch" => Normaliser::Batch,
        "group" => Normaliser::Group { groups: 2 },
        "layer" => Normaliser::Layer,
        _ => Normaliser::Instance,
    };
    if config.affine {
        net.affine = Affine::ScaleAndShift;
    }
    if config.bias {
        net.bias = Bias::Trained;
    }
    if config.long_stem {
        net.stem = Stem::ConvNormReluConv;
    }
    if config.trained_head {
        net.head = Training::Trained;
    }
    net.build().unwrap()
}

/// What ResNets for large images start with (He et al. 2016a, table 1), and a classifier right behind it.
fn imagenet_stem(config: &Config, data: &Data) -> Graph {
    let mut net = GraphBuilder::new(Shape::new([3, data.size, data.size])).unwrap();
    let spec = ConvSpec {
        channels: config.width,
        kernel: 7,
        stride: 2,
        padding: 3,
        bias: match config.bias {
            true => Bias::Trained,
            false => Bias::None,
        },
    };
    let x = net.conv2d("conv", net.input(), spec).unwrap();
    let x = match config.normaliser.as_str() {
        "batch" => net.batch_norm("norm", x, Affine::ScaleAndShift, 1e-5),
        _ => net.group_norm("norm", x, 2, Affine::ScaleAndShift, 1e-5),
    };
    let x = net.relu("relu", x.unwrap()).unwrap();
    let pool = MaxPool {
        kernel: 3,
        stride: 2,
        padding: 1,
    };
    let x = net.max_pool("pool", x, pool).unwrap();
    let x = net.global_average_pool("mean", x).unwrap();
    let bias = Bias::Trained;
    let x = net
        .linear("head", x, data.classes, bias, Training::Trained)
        .unwrap();
    net.finish(x).unwrap()
}

/// Largest deviation so far, relative to the largest entry of each tensor (or to 1e-3, for gradients
/// that cancel, as those of a bias before a normalisation do).
#[derive(Default)]
struct Worst(f64);

impl Worst {
    fn compare(&mut self, what: &str, found: &[f64], wanted: &[f64]) {
        assert_eq!(found.len(), wanted.len(), "{what}");
        let largest = wanted.iter().fold(1e-3, |max: f64, w| max.max(w.abs()));
        for (found, wanted) in found.iter().zip(wanted) {
            let error = (found - wanted).abs() / largest;
            assert!(error < BOUND, "{what}: {found} and not {wanted}");
            self.0 = self.0.max(error);
        }
    }

    /// Every tensor PyTorch has, under the name that `rename` gives it.
    fn compare_all(&mut self, found: &State, wanted: &Tensors, rename: impl Fn(&str) -> String) {
        for (name, wanted) in wanted {
            let name = rename(name);
            let found = found.get(&name).unwrap_or_else(|| panic!("no `{name}`"));
            self.compare(&name, &found.values, wanted);
        }
    }
}

fn check(case: &Case, data: &Data, worst: &mut Worst) {
    let graph = graph(&case.config, data);
    let images = case.labels.len();
    let mut engine = ReferenceEngine::new(&graph, EngineOptions::new(&graph, images)).unwrap();
    let set = ImageSet::new(
        [3, data.size, data.size],
        case.pixels.clone(),
        case.labels.clone(),
        vec![data.mean; 3],
        vec![data.deviation; 3],
    );
    engine
        .load_images(Split::Train, Arc::new(set.unwrap()))
        .unwrap();
    let mut state = State::initial(&graph, 0);
    assert_eq!(
        case.initial.len(),
        graph.parameters().len(),
        "{:?}",
        case.config
    );
    for (name, values) in &case.initial {
        state.get_mut(name).unwrap().values.clone_from(values);
    }
    engine.load_state(0, &state).unwrap();

    let batch = BatchSpec::plain((0..images as u32).collect());
    let first = engine.gradients(0, &batch).unwrap();
    worst.compare("the logits", &first.logits.values, &case.logits);
    assert_eq!(
        case.gradients.len(),
        graph.parameters().iter().filter(|p| p.trainable).count()
    );
    let tensors = first.parameters;
    worst.compare_all(
        &State {
            tensors,
            exponents: Vec::new(),
        },
        &case.gradients,
        str::to_owned,
    );

    let hyper = GroupHyper::new(data.learning_rate, data.weight_decay, data.momentum);
    for (step, &loss) in case.losses.iter().enumerate() {
        let table = HyperTable::from_fn(1, 1, 1, |_, _, _| hyper).unwrap();
        let stats = engine
            .run(Batches::shared(std::slice::from_ref(&batch)), &table)
            .unwrap();
        worst.compare(&format!("loss {step}"), &[stats.get(0, 0).loss], &[loss]);
        if step == 0 {
            let found = engine.state(0).unwrap();
            worst.compare_all(&found, &case.first_running, str::to_owned);
        }
    }
    let found = engine.state(0).unwrap();
    worst.compare_all(&found, &case.parameters, str::to_owned);
    worst.compare_all(&found, &case.buffers, momentum_name);
    worst.compare_all(&found, &case.running, str::to_owned);
    let evaluation = engine.evaluate(0, Split::Train, &[1.0]).unwrap();
    worst.compare("evaluation", &[evaluation.loss], &[case.evaluation_loss]);
}

#[test]
fn three_steps_of_ten_networks_are_pytorchs() {
    let data: Data = serde_json::from_str(include_str!("data/pytorch_values.json")).unwrap();
    assert_eq!(data.cases.len(), 10);
    for case in &data.cases {
        let mut worst = Worst::default();
        check(case, &data, &mut worst);
        println!(
            "{:?}: at most {:.1e} from PyTorch {}",
            case.config, worst.0, data.pytorch
        );
    }
}
