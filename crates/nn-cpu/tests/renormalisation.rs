//! Renormalised by powers of two, a run is the plain run bit for bit as long as that one is finite, and then goes on:
//! on every instruction set, and on the reference engine.

use std::sync::Arc;

use nn_cpu::{CpuEngine, Level};
use nn_engine::{
    BatchSpec, Engine, EngineOptions, GroupHyper, HyperTable, ImageSet, Split, State, Symmetry,
};
use nn_graph::nets::{Architecture, NetConfig, Normaliser, Stem};
use nn_graph::{Affine, Bias, ConvSpec, Graph, GraphBuilder, Shape, Training};
use nn_reference::ReferenceEngine;
use proptest::prelude::*;
use scale_invariance::{SCALED_GROUP, analyse};

const INPUT: [usize; 3] = [3, 7, 6];
const BATCH: usize = 5;

/// The size that a run without weight decay has reached at a step: `ln η̃` grows by `growth` each.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    growth: f64,
}

impl Schedule {
    /// Of one group, the scaled one rescaled by `2^total`.
    fn hyper(self, step: usize, group: usize, total: i64) -> GroupHyper {
        if group != SCALED_GROUP {
            return GroupHyper::new(0.05, 1e-3, 0.9);
        }
        let plain = 0.1 * (step as f64 * self.growth).exp();
        GroupHyper {
            learning_rate: plain * 4f64.powi(total as i32),
            scale_ratio: (-0.5 * self.growth).exp(),
            ..GroupHyper::new(0.1, 0.0, 0.8)
        }
    }
}

/// One engine with one replica, and by how much it has been rescaled.
struct Run {
    engine: Box<dyn Engine>,
    schedule: Schedule,
    step: usize,
    total: i64,
}

impl Run {
    fn new(mut engine: Box<dyn Engine>, schedule: Schedule) -> Self {
        let [c, h, w] = INPUT;
        let pixels = (0..16 * c * h * w).map(|i| (i * i * 31 % 251) as u8);
        let labels = (0..16).map(|i| (i * 3 % 4) as u8).collect();
        let images = ImageSet::new(INPUT, pixels.collect(), labels, vec![0.5; c], vec![0.25; c]);
        let images = Arc::new(images.unwrap());
        for split in [Split::Train, Split::Test] {
            engine.load_images(split, images.clone()).unwrap();
        }
        let start = State::initial(engine.graph(), 11);
        engine.load_state(0, &start).unwrap();
        Self {
            engine,
            schedule,
            step: 0,
            total: 0,
        }
    }

    fn groups(&self) -> usize {
        self.engine.symmetry().groups()
    }

    fn rescale(&mut self, k: i64) {
        let mut exponents = vec![0; self.groups()];
        exponents[SCALED_GROUP] = k;
        self.engine.rescale(0, &exponents).unwrap();
        self.total += k;
    }

    /// The loss, unless the engine cannot hold the rate.
    fn step(&mut self) -> Option<f64> {
        let groups = self.groups();
        let hyper = |_, _, group| self.schedule.hyper(self.step, group, self.total);
        let table = HyperTable::from_fn(1, 1, groups, hyper).unwrap();
        let indices = (0..BATCH).map(|i| ((i * 5 + self.step * 3) % 16) as u32);
        let stats = self
            .engine
            .run(&[BatchSpec::plain(indices.collect())], &table);
        self.step += 1;
        Some(stats.ok()?.get(0, 0).loss)
    }

    /// The state at the scale of the start.
    fn plain_state(&self) -> State {
        let (engine, state) = (&self.engine, self.engine.state(0).unwrap());
        let mut exponents = vec![0; self.groups()];
        exponents[SCALED_GROUP] = -self.total;
        let precision = engine.device().precision;
        let back = state.rescaled(engine.graph(), engine.symmetry(), &exponents, precision);
        back.unwrap()
    }

    fn test_loss(&mut self) -> f64 {
        let groups = self.groups();
        let ratio = |group| self.schedule.hyper(self.step, group, 0).scale_ratio;
        let ratios: Vec<f64> = (0..groups).map(ratio).collect();
        self.engine.evaluate(0, Split::Test, &ratios).unwrap().loss
    }
}

fn is_finite(state: &State) -> bool {
    let mut values = state.tensors.iter().flat_map(|tensor| &tensor.values);
    values.all(|value| value.is_finite())
}

/// Whether all numbers are equal, but for those that float32 no longer held with all their digits in the plain run, as
/// the buffer of a weight without gradient.
fn is_alike(rescaled: &State, plain: &State) -> bool {
    let pairs = plain.tensors.iter().zip(&rescaled.tensors);
    let mut pairs = pairs.flat_map(|(plain, other)| plain.values.iter().zip(&other.values));
    pairs.all(|(&plain, &other)| plain == other || (plain as f32).is_subnormal())
}

type MakeEngine = Box<dyn Fn() -> Box<dyn Engine>>;

/// The engine at every level, and the reference.
fn engines(graph: &Graph, symmetry: &Symmetry) -> Vec<(String, MakeEngine)> {
    let options = EngineOptions {
        symmetry: symmetry.clone(),
        threads: 2,
        ..EngineOptions::new(graph, BATCH)
    };
    let mut engines: Vec<(String, MakeEngine)> = Vec::new();
    for level in Level::available() {
        let (graph, options) = (graph.clone(), options.clone());
        let engine = move || -> Box<dyn Engine> {
            Box::new(CpuEngine::at_level(&graph, options.clone(), level).unwrap())
        };
        engines.push((level.to_string(), Box::new(engine)));
    }
    let graph = graph.clone();
    let engine = move || -> Box<dyn Engine> {
        Box::new(ReferenceEngine::new(&graph, options.clone()).unwrap())
    };
    engines.push(("reference".into(), Box::new(engine)));
    engines
}

/// Convolutions one after the other, each normalised; the second is of the kind that Winograd's method takes.
fn plain_network(normaliser: Normaliser, affine: Affine, epsilon: f64) -> Graph {
    let mut net = GraphBuilder::new(Shape::new(INPUT)).unwrap();
    let mut x = net.input();
    for (index, (channels, stride)) in [(8, 1), (10, 1), (6, 2)].into_iter().enumerate() {
        let spec = ConvSpec {
            channels,
            kernel: 3,
            stride,
            padding: 1,
            bias: Bias::None,
        };
        x = net.conv2d(&format!("conv{index}"), x, spec).unwrap();
        // The last has no affine: the head is fixed.
        let affine = if index < 2 { affine } else { Affine::None };
        let name = format!("norm{index}");
        let groups = match normaliser {
            Normaliser::Batch => None,
            Normaliser::Group { groups } => Some(groups),
            Normaliser::Layer => Some(1),
            Normaliser::Instance => Some(channels),
        };
        x = match groups {
            None => net.batch_norm(&name, x, affine, epsilon).unwrap(),
            Some(groups) => net.group_norm(&name, x, groups, affine, epsilon).unwrap(),
        };
        x = net.relu(&format!("relu{index}"), x).unwrap();
    }
    let x = net.global_average_pool("pool", x).unwrap();
    let head = net.linear("head", x, 4, Bias::None, Training::Fixed);
    net.finish(head.unwrap()).unwrap()
}

#[derive(Clone, Debug)]
struct Net {
    graph: Graph,
    symmetry: Symmetry,
}

impl Net {
    /// If there is something to scale.
    fn new(graph: Graph) -> Option<Self> {
        let analysis = analyse(&graph);
        let convertible = analysis.is_convertible();
        let symmetry = analysis.symmetry;
        convertible.then_some(Self { graph, symmetry })
    }
}

fn networks() -> impl Strategy<Value = Net> {
    let normaliser = prop_oneof![
        Just(Normaliser::Batch),
        Just(Normaliser::Group { groups: 2 }),
        Just(Normaliser::Layer),
        Just(Normaliser::Instance),
    ];
    let affine = prop_oneof![Just(Affine::None), Just(Affine::ScaleAndShift)];
    let head = prop_oneof![Just(Training::Fixed), Just(Training::Trained)];
    let epsilon = prop_oneof![Just(0.0), Just(1e-5), 1e-3..1.0];
    (0..3, normaliser, affine, head, epsilon).prop_filter_map(
        "a network without a scaling",
        |(kind, normaliser, affine, head, epsilon)| {
            let architecture = match kind {
                0 => return Net::new(plain_network(normaliser, affine, epsilon)),
                1 => Architecture::PreResNet,
                _ => Architecture::ResNet,
            };
            let mut config = NetConfig::new(architecture, 8);
            // Wide enough for Winograd's method.
            (config.width, config.input, config.classes) = (8, INPUT, 4);
            (config.normaliser, config.affine) = (normaliser, affine);
            (config.head, config.epsilon) = (head, epsilon);
            if architecture == Architecture::PreResNet && affine == Affine::ScaleAndShift {
                config.stem = Stem::ConvNormReluConv;
            }
            Net::new(config.build().unwrap())
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_renormalised_run_is_the_plain_run_bit_for_bit(
        net in networks(),
        every in 1_usize..6,
        totals in proptest::collection::vec(-12_i64..13, 12),
        growth in 0.0..0.6,
    ) {
        for (name, engine) in engines(&net.graph, &net.symmetry) {
            let schedule = Schedule { growth };
            let (mut plain, mut rescaled) = (Run::new(engine(), schedule), Run::new(engine(), schedule));
            for (step, total) in totals.iter().enumerate() {
                if step % every == 0 {
                    rescaled.rescale(total - rescaled.total);
                }
                let (wanted, found) = (plain.step(), rescaled.step());
                prop_assert!(wanted.is_some_and(f64::is_finite));
                prop_assert_eq!(found, wanted, "{}, loss of step {}", &name, step);
            }
            prop_assert_eq!(rescaled.test_loss(), plain.test_loss(), "{}", &name);
            prop_assert!(plain.engine.state(0).unwrap() == rescaled.plain_state(), "{}", &name);
        }
    }
}

#[test]
fn it_goes_on_where_the_plain_run_ends() {
    // Running statistics tell when a variance has overflowed. At inputs of degree 1 it grows like η̃, of degree 2 like η̃².
    for (affine, about) in [(Affine::None, 1_400_usize), (Affine::ScaleAndShift, 750)] {
        let net = Net::new(plain_network(Normaliser::Batch, affine, 1e-5)).unwrap();
        for level in Level::available() {
            let options = EngineOptions {
                symmetry: net.symmetry.clone(),
                ..EngineOptions::new(&net.graph, BATCH)
            };
            let engine =
                || Box::new(CpuEngine::at_level(&net.graph, options.clone(), level).unwrap());
            let schedule = Schedule { growth: 0.06 };
            let (mut plain, mut rescaled) =
                (Run::new(engine(), schedule), Run::new(engine(), schedule));
            let mut alike: Option<usize> = None;
            for step in 0..2_000 {
                // Parameters grow like √η̃.
                if step % 8 == 7 {
                    let total = -(step as f64 * schedule.growth / 4f64.ln()).round() as i64;
                    rescaled.rescale(total - rescaled.total);
                }
                let loss = rescaled.step().unwrap();
                let state = rescaled.engine.state(0).unwrap();
                assert!(
                    loss.is_finite() && is_finite(&state),
                    "{level}, step {step}: {loss}"
                );
                if alike.is_none() {
                    let wanted = plain.step();
                    let state = plain.engine.state(0).unwrap();
                    if wanted.is_some() && is_finite(&state) {
                        assert_eq!(wanted, Some(loss), "{level}, step {step}");
                        assert!(
                            is_alike(&rescaled.plain_state(), &state),
                            "{level}, step {step}"
                        );
                    } else {
                        alike = Some(step);
                    }
                }
            }
            let steps = alike.expect("the plain run overflows");
            println!("{level}, {affine:?}: the plain run ends at step {steps}");
            assert!(steps.abs_diff(about) < 100, "{level}: {steps}");
        }
    }
}

/// The state tells the scale, and with it ε, which is large here.
#[test]
fn a_rescaled_run_is_resumed_from_its_state() {
    let normaliser = Normaliser::Group { groups: 2 };
    let net = Net::new(plain_network(normaliser, Affine::ScaleAndShift, 0.3)).unwrap();
    for (name, engine) in engines(&net.graph, &net.symmetry) {
        let schedule = Schedule { growth: 0.1 };
        let (mut whole, mut resumed) = (Run::new(engine(), schedule), Run::new(engine(), schedule));
        whole.step();
        whole.rescale(-5);
        whole.step();
        let middle = whole.engine.state(0).unwrap();
        assert_eq!(middle.exponents, [-5], "{name}");
        resumed.engine.load_state(0, &middle).unwrap();
        (resumed.step, resumed.total) = (whole.step, whole.total);
        assert_eq!(whole.step(), resumed.step(), "{name}");
        let end = whole.engine.state(0).unwrap();
        assert!(end == resumed.engine.state(0).unwrap(), "{name}");
        // Without its scale it would be another run's.
        let forgotten = State {
            exponents: Vec::new(),
            ..middle
        };
        resumed.engine.load_state(0, &forgotten).unwrap();
        resumed.step -= 1;
        resumed.step();
        assert!(
            end.tensors != resumed.engine.state(0).unwrap().tensors,
            "{name}"
        );
    }
}

#[test]
fn replicas_are_rescaled_one_by_one() {
    let net = Net::new(plain_network(Normaliser::Batch, Affine::None, 0.3)).unwrap();
    let options = EngineOptions {
        symmetry: net.symmetry.clone(),
        replicas: 2,
        ..EngineOptions::new(&net.graph, BATCH)
    };
    let mut engine = CpuEngine::new(&net.graph, options).unwrap();
    let start = engine.state(0).unwrap();
    engine.rescale(1, &[-7]).unwrap();
    assert!(engine.state(0).unwrap() == start);
    assert_eq!(engine.state(1).unwrap().exponents, [-7]);
    let compared = engine.compare(0, 1).unwrap();
    assert_eq!(compared[0].norm_a, 128.0 * compared[0].norm_b);
    let refused = engine.rescale(1, &[200]).unwrap_err().to_string();
    assert!(
        refused.ends_with("leaves float32; rescale by less"),
        "{refused}"
    );
    assert_eq!(engine.state(1).unwrap().exponents, [-7]);
}
