//! What is rounded to a shorter format, what that leaves alone, and how exact products are where nothing is rounded.

mod accuracy;
mod rounding;

use std::sync::Arc;

use nn_engine::{
    BatchSpec, Batches, Engine, EngineOptions, GroupHyper, HyperTable, ImageSet, Products, Split,
    State,
};
use nn_graph::{Bias, ConvSpec, Graph, GraphBuilder, GraphError, NodeId, Shape, Training};
use nn_reference::ReferenceEngine;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};

pub use accuracy::long_sums_are_as_exact_as_in_full_unless_factors_are_rounded;
pub use rounding::factors_are_rounded_to_the_nearest;

use crate::Subject;

/// One convolution, and the positions of its result.
#[derive(Clone, Copy, Debug)]
struct Layer {
    channels: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    /// Positions of the input beyond those that are read.
    unread: [usize; 2],
}

impl Layer {
    /// Length of the input that gives a result so long, if there is one.
    fn input(self, output: usize, axis: usize) -> Option<usize> {
        let read = (output - 1) * self.stride + self.kernel + self.unread[axis] % self.stride;
        read.checked_sub(2 * self.padding).filter(|&it| it > 0)
    }
}

/// Two convolutions, a mean over positions, and four classes.
#[derive(Clone, Debug)]
struct WholeNumbers {
    channels: usize,
    layers: [Layer; 2],
    /// Positions of the last result: powers of two, so that means are exact.
    output: [usize; 2],
    relu: bool,
    bias: Bias,
    /// Whether results are to have more bits than bf16, or gradients.
    long_results: bool,
    batch: usize,
    seed: u64,
}

fn layer() -> impl Strategy<Value = Layer> {
    let kernel = prop_oneof![4 => Just(3_usize), 2 => Just(1), 1 => Just(2)];
    let channels = prop_oneof![1..=9_usize, Just(16), 17..=40_usize];
    let numbers = (
        channels,
        kernel,
        1..=3_usize,
        0..=2_usize,
        [0..=1_usize, 0..=1],
    );
    numbers.prop_map(|(channels, kernel, stride, padding, unread)| {
        // Most of those that experiments train.
        let (stride, padding) = match (kernel, stride) {
            (3, 3) => (1, 1),
            _ => (stride, padding),
        };
        Layer {
            channels,
            kernel,
            stride,
            padding,
            unread,
        }
    })
}

fn whole_numbers() -> impl Strategy<Value = WholeNumbers> {
    let length = || (0..=5_u32).prop_map(|power| 1_usize << power);
    (
        1..=6_usize,
        [layer(), layer()],
        [length(), length()],
        any::<bool>(),
        prop_oneof![Just(Bias::None), Just(Bias::Trained)],
        any::<bool>(),
        (0..=2_u32).prop_map(|power| 1 << power),
        any::<u64>(),
    )
        .prop_map(
            |(channels, layers, output, relu, bias, long_results, batch, seed)| WholeNumbers {
                channels,
                layers,
                output,
                relu,
                bias,
                long_results,
                batch,
                seed,
            },
        )
}

/// A network that ends in a mean over positions and four classes.
fn classified(mut net: GraphBuilder, x: NodeId) -> Result<Graph, GraphError> {
    let x = net.global_average_pool("pool", x)?;
    let x = net.linear("head", x, 4, Bias::Trained, Training::Trained)?;
    net.finish(x)
}

impl WholeNumbers {
    /// The network, if its sizes fit together.
    fn graph(&self) -> Option<Graph> {
        let of_axis = |axis: usize| {
            let between = self.layers[1].input(self.output[axis], axis)?;
            self.layers[0].input(between, axis)
        };
        let mut net =
            GraphBuilder::new(Shape::new([self.channels, of_axis(0)?, of_axis(1)?])).ok()?;
        let mut x = net.input();
        for (name, layer) in ["first", "second"].into_iter().zip(self.layers) {
            let spec = ConvSpec {
                channels: layer.channels,
                kernel: layer.kernel,
                stride: layer.stride,
                padding: layer.padding,
                bias: self.bias,
            };
            x = net.conv2d(name, x, spec).ok()?;
            if self.relu && name == "first" {
                x = net.relu("relu", x).ok()?;
            }
        }
        classified(net, x).ok()
    }

    /// A number without a pattern.
    fn number(&self, index: usize) -> u64 {
        let mixed = (self.seed ^ index as u64).wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// Bytes 0 and 1 that stand for themselves.
    fn images(&self, graph: &Graph) -> ImageSet {
        let shape = graph.nodes()[0].shape.image().unwrap();
        let shape = [shape.0, shape.1, shape.2];
        let pixels = self.batch * shape.iter().product::<usize>();
        let bytes = (0..pixels).map(|index| (self.number(index) & 1) as u8);
        let labels = (0..self.batch).map(|image| (1 + image % 3) as u8);
        let (mean, deviation) = (vec![0.0; shape[0]], vec![1.0 / 255.0; shape[0]]);
        ImageSet::new(shape, bytes.collect(), labels.collect(), mean, deviation).unwrap()
    }

    /// Positions of the last result.
    fn positions(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Largest weights of the first convolution and of the linear layer: whole numbers, as large as leaves all sums exact,
    /// and factors of convolutions with the bits of the format. `None` if there are none.
    ///
    /// In units of the last bit, with weights of up to `a` and `b`, `N` images, `P` positions, `t` terms of a first result,
    /// `u` of a second one and `v` of the gradient of a first one,
    ///
    /// | | at most |
    /// | --- | --- |
    /// | first results, which are factors | `t a` |
    /// | second results, of all positions together | `P u t a` |
    /// | their gradients, differences of weights, which are factors | `2 b` |
    /// | gradients of second weights | `N P 2 b t a` |
    /// | gradients of first results, which are factors | `v 2 b` |
    /// | the same, of all positions together | `N P v 2 b` |
    ///
    /// and no gradient of a first weight is more than the last. Sums stay below 2²³, which leaves as much for biases and
    /// updates. Factors have at most 11 bits, unless bf16 stores what it multiplies.
    fn largest(&self, products: Products) -> Option<[u64; 2]> {
        let [first, second] = self.layers;
        let taps = second.kernel * second.kernel;
        let terms = self.channels * first.kernel * first.kernel + 1;
        let (forward, backward) = (first.channels * taps, second.channels * taps);
        let (positions, images) = (self.positions(), self.batch);
        let largest = if self.long_results {
            let sums = positions * terms * forward.max(2 * images);
            [(ROOM / sums).min(LONGEST / terms).min(SHORTEST), 1]
        } else {
            let sums = positions * terms * forward;
            let gradients = 2 * images * positions * backward.max(terms);
            let factors = match products {
                Products::Bf16 => 2,
                _ => 2 * backward,
            };
            [
                (ROOM / sums).min(1),
                (ROOM / gradients).min(LONGEST / factors),
            ]
        };
        (!largest.contains(&0)).then_some(largest.map(|largest| largest as u64))
    }

    /// Such weights, and a class that wins by so much that all probabilities are 0 or 1.
    fn state(&self, graph: &Graph, products: Products) -> State {
        let largest = self.largest(products).unwrap_or_default();
        let mut state = State::initial(graph, 0);
        for (number, tensor) in state.tensors.iter_mut().enumerate() {
            let largest = match &tensor.name[..] {
                "first.weight" | "first.bias" => largest[0],
                "second.weight" | "second.bias" => 1,
                "head.weight" => largest[1],
                _ => continue,
            };
            for (index, value) in tensor.values.iter_mut().enumerate() {
                let number = self.number((number + 1) << 32 | index) % (2 * largest + 1);
                *value = number as f64 - largest as f64;
            }
        }
        let winning = (ROOM / self.positions()) as f64;
        state.get_mut("head.bias").unwrap().values = vec![winning, 0.0, 0.0, 0.0];
        state
    }

    /// Gives an engine images and state.
    fn load(&self, graph: &Graph, products: Products, engine: &mut dyn Engine) {
        let images = Arc::new(self.images(graph));
        engine.load_images(Split::Train, images).unwrap();
        engine.load_state(0, &self.state(graph, products)).unwrap();
    }

    /// The first loss and the state after a step.
    fn trained(&self, engine: &mut dyn Engine) -> (f64, State) {
        let batches = [BatchSpec::plain((0..self.batch as u32).collect())];
        let hyper = HyperTable::from_fn(1, 1, 1, |_, _, _| GroupHyper::new(0.5, 0.0, 0.5)).unwrap();
        let stats = engine.run(Batches::shared(&batches), &hyper).unwrap();
        (stats.get(0, 0).loss, engine.state(0).unwrap())
    }

    /// Whether one class wins by so much that probabilities are 0 and 1, and the sums that no size bounds are exact in
    /// float32: those of logits, and of the gradient of the linear layer.
    fn is_exact(&self, reference: &ReferenceEngine) -> bool {
        let state = reference.state(0).unwrap();
        let value = |name: &str| &state.get(name).unwrap().values;
        let (weight, bias) = (value("head.weight"), value("head.bias"));
        // In units of a mean over positions.
        let exact = |sum: f64| sum * self.positions() as f64 <= 2.0 * ROOM as f64;
        let features = weight.len() / bias.len();
        // The update is by half of them, divided by the images.
        let updated = 2.0 * self.batch as f64 * LONGEST as f64;
        let mut gradients = vec![updated; features];
        (0..self.batch as u32).all(|image| {
            let alone = reference.gradients(0, &BatchSpec::plain(vec![image]));
            let alone = alone.unwrap();
            let named = alone.parameters.iter().find(|p| p.name == "head.weight");
            // Of the class that wins and is not the label's: what is multiplied.
            let pooled = &named.unwrap().values[..features];
            let gradients = gradients.iter_mut().zip(pooled);
            gradients.for_each(|(sum, pooled)| *sum += pooled.abs());
            let classes = weight.chunks(features).zip(bias);
            let mut sums = classes.map(|(weights, bias)| {
                let products = weights.iter().zip(pooled).map(|(w, x)| (w * x).abs());
                bias + products.sum::<f64>()
            });
            let [first, others @ ..] = &alone.logits.values[..] else {
                return false;
            };
            let mut leads = others.iter().map(|other| first - other);
            sums.all(exact) && leads.all(|lead| lead >= DECIDED && exact(lead))
        }) && gradients.into_iter().all(exact)
    }
}

/// Half of the whole numbers that float32 has without a gap.
const ROOM: usize = 1 << (f32::MANTISSA_DIGITS - 1);

/// Up to it whole numbers have the bits of tf32.
const LONGEST: usize = 1 << 11;

/// Up to it whole numbers have the bits of bf16: weights.
const SHORTEST: usize = 1 << 8;

/// The exponential of less than its negative is 0, in float64 too.
const DECIDED: f64 = 1024.0;

/// Where no factor of a convolution has more bits than a format, a step of an engine leaves the bits that a step of the
/// reference leaves in the same format, full or rounded: whatever the sizes, forward and in both gradients. Of the engine in
/// full the law is that sums are complete; of one that rounds, that factors are multiplied as they are, and that every
/// result and every gradient is stored as the format says, once.
///
/// All sums are exact in float32, so that their order does not matter: images are 0 and 1, weights whole numbers, and
/// probabilities 0 and 1. What is rounded to bf16 on the way is a multiple of the same unit.
///
/// # Panics
/// If a number is another.
pub fn short_numbers_are_multiplied_as_in_full(
    full: &Subject,
    rounded: &[Subject],
    config: Config,
) {
    let law = |case: WholeNumbers| {
        let graph = case.graph();
        prop_assume!(graph.is_some());
        let graph = graph.unwrap();
        std::iter::once(full)
            .chain(rounded)
            .try_for_each(|subject| trains_to_the_bit(&case, &graph, subject))
    };
    law(many_tiles()).unwrap_or_else(|failure| panic!("{failure}: {:?}", many_tiles()));
    let outcome = TestRunner::new(config).run(&whole_numbers(), law);
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// More tiles than a small GPU has blocks for at once, and more channels than one has in its fastest memory at a time.
fn many_tiles() -> WholeNumbers {
    let layer = Layer {
        channels: 40,
        kernel: 3,
        stride: 1,
        padding: 1,
        unread: [0, 0],
    };
    WholeNumbers {
        channels: 5,
        layers: [layer; 2],
        output: [1, 16],
        relu: true,
        bias: Bias::None,
        long_results: true,
        batch: 16,
        seed: 1,
    }
}

fn trains_to_the_bit(case: &WholeNumbers, graph: &Graph, subject: &Subject) -> TestCaseResult {
    let products = subject.products();
    prop_assume!(case.largest(products).is_some());
    let options = EngineOptions {
        products,
        ..EngineOptions::new(graph, case.batch)
    };
    let mut reference = ReferenceEngine::new(graph, options.clone()).unwrap();
    case.load(graph, products, &mut reference);
    prop_assume!(case.is_exact(&reference));
    let (wanted_loss, wanted) = case.trained(&mut reference);
    let mut engine = subject.make(graph, options);
    case.load(graph, products, engine.as_mut());
    let (loss, found) = case.trained(engine.as_mut());
    prop_assert_eq!(
        wanted_loss.to_bits(),
        loss.to_bits(),
        "{}: the loss",
        subject
    );
    for (wanted, found) in wanted.tensors.iter().zip(&found.tensors) {
        let is_short = |&value: &f64| f64::from(value as f32) == value;
        prop_assert!(wanted.values.iter().all(is_short), "`{}`", wanted.name);
        let pairs = wanted.values.iter().zip(&found.values);
        let off = pairs
            .enumerate()
            .find(|(_, (wanted, found))| wanted != found);
        prop_assert!(off.is_none(), "{subject}, `{}`: {off:?}", wanted.name);
    }
    Ok(())
}

/// An evaluation multiplies the weights of now, not those of an evaluation before: of another state, or before a step.
///
/// # Panics
/// If it does not.
pub fn evaluation_multiplies_the_weights_of_now(subject: &Subject) {
    let mut case = whole_numbers()
        .new_tree(&mut TestRunner::deterministic())
        .unwrap()
        .current();
    case.layers = [case.layers[0]; 2].map(|layer| Layer {
        kernel: 3,
        stride: 1,
        padding: 1,
        ..layer
    });
    let graph = case.graph().unwrap();
    let images = Arc::new(case.images(&graph));
    let ready = |state: &State| {
        let options = EngineOptions::new(&graph, case.batch);
        let mut engine = subject.make(&graph, options);
        engine.load_images(Split::Train, images.clone()).unwrap();
        engine.load_state(0, state).unwrap();
        engine
    };
    let loss = |engine: &mut dyn Engine| {
        let evaluation = engine.evaluate(0, Split::Train, &[1.0]).unwrap();
        evaluation.loss.to_bits()
    };
    let mut engine = ready(&State::initial(&graph, 1));
    let first = loss(engine.as_mut());
    let other = State::initial(&graph, 2);
    engine.load_state(0, &other).unwrap();
    let second = loss(engine.as_mut());
    assert_ne!(first, second, "{subject}");
    assert_eq!(
        second,
        loss(ready(&other).as_mut()),
        "{subject}: another state"
    );
    let batches = [BatchSpec::plain((0..case.batch as u32).collect())];
    let hyper = HyperTable::from_fn(1, 1, 1, |_, _, _| GroupHyper::new(0.5, 0.0, 0.5)).unwrap();
    engine.run(Batches::shared(&batches), &hyper).unwrap();
    let stepped = engine.state(0).unwrap();
    let third = loss(engine.as_mut());
    assert_ne!(second, third, "{subject}");
    assert_eq!(
        third,
        loss(ready(&stepped).as_mut()),
        "{subject}: after a step"
    );
}
