//! What rounding factors leaves alone.

use std::sync::Arc;

use nn_engine::{
    BatchSpec, Batches, Engine, EngineOptions, GroupHyper, HyperTable, ImageSet, Split, State,
};
use nn_graph::{Bias, ConvSpec, Graph, GraphBuilder, Shape, Training};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

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
        (0..=2_u32).prop_map(|power| 1 << power),
        any::<u64>(),
    )
        .prop_map(
            |(channels, layers, output, relu, bias, batch, seed)| WholeNumbers {
                channels,
                layers,
                output,
                relu,
                bias,
                batch,
                seed,
            },
        )
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
        let x = net.global_average_pool("pool", x).ok()?;
        let x = net
            .linear("head", x, 4, Bias::Trained, Training::Trained)
            .ok()?;
        net.finish(x).ok()
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

    /// Weights −1, 0 and 1, and a class that wins by so much that all probabilities are 0 or 1.
    fn state(&self, graph: &Graph) -> State {
        let mut state = State::initial(graph, 0);
        for (number, tensor) in state.tensors.iter_mut().enumerate() {
            if tensor.name.ends_with("weight") || tensor.name.ends_with("bias") {
                for (index, value) in tensor.values.iter_mut().enumerate() {
                    *value = (self.number((number + 1) << 32 | index) % 3) as f64 - 1.0;
                }
            }
        }
        state.get_mut("head.bias").unwrap().values = vec![f64::from(1 << 20), 0.0, 0.0, 0.0];
        state
    }

    /// The first loss and the state after a step.
    fn trained(&self, graph: &Graph, engine: &mut dyn Engine) -> (f64, State) {
        let images = Arc::new(self.images(graph));
        engine.load_images(Split::Train, images).unwrap();
        engine.load_state(0, &self.state(graph)).unwrap();
        let batches = [BatchSpec::plain((0..self.batch as u32).collect())];
        let hyper = HyperTable::from_fn(1, 1, 1, |_, _, _| GroupHyper::new(0.5, 0.0, 0.5)).unwrap();
        let stats = engine.run(Batches::shared(&batches), &hyper).unwrap();
        (stats.get(0, 0).loss, engine.state(0).unwrap())
    }
}

/// Where no factor of a convolution has more bits than a format, a step of an engine with rounded products leaves the bits that
/// a step of the engine in full leaves: whatever the sizes, forward and in both gradients. All sums are exact here, so that their
/// order does not matter: weights are −1, 0 and 1, images 0 and 1, and probabilities 0 and 1.
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
        let trained = |subject: &Subject| {
            let options = EngineOptions::new(&graph, case.batch);
            case.trained(&graph, subject.make(&graph, options).as_mut())
        };
        let (loss, wanted) = trained(full);
        for subject in rounded {
            let (rounded_loss, found) = trained(subject);
            prop_assert_eq!(
                loss.to_bits(),
                rounded_loss.to_bits(),
                "{}: the loss",
                subject
            );
            for (wanted, found) in wanted.tensors.iter().zip(&found.tensors) {
                let pairs = wanted.values.iter().zip(&found.values);
                let off = pairs
                    .enumerate()
                    .find(|(_, (wanted, found))| wanted != found);
                prop_assert!(off.is_none(), "{subject}, `{}`: {off:?}", wanted.name);
            }
        }
        Ok(())
    };
    let outcome = TestRunner::new(config).run(&whole_numbers(), law);
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
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
