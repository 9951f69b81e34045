//! To which numbers factors are rounded.

use std::sync::Arc;

use nn_engine::{
    BatchSpec, Batches, Engine, EngineOptions, GroupHyper, HyperTable, ImageSet, Split, State,
};
use nn_graph::{Bias, ConvSpec, Graph, GraphBuilder, Shape};
use nn_reference::ReferenceEngine;

use super::classified;
use crate::Subject;

const CHANNELS: usize = 40;

/// Of an engine that rounds factors, activations and weights of convolutions are rounded as the reference rounds them: to the nearest
/// number of the format, ties as the format says. A product of two such numbers is exact in float32, and where results and both
/// gradients are of one product each, the engine leaves the reference's bits.
///
/// # Panics
/// If a number is another.
pub fn factors_are_rounded_to_the_nearest(subject: &Subject) {
    if !subject.products().rounds() {
        return;
    }
    for kernel in [1, 3] {
        let graph = graph(kernel);
        let options = EngineOptions {
            products: subject.products(),
            ..EngineOptions::new(&graph, 1)
        };
        let wanted = trained(&mut ReferenceEngine::new(&graph, options.clone()).unwrap());
        let found = trained(subject.make(&graph, options).as_mut());
        // After one step a buffer is the gradient: of the activations, times whole numbers; and of the weights.
        for name in ["second.weight", "first.bias"] {
            let name = format!("{name}.momentum_buffer");
            let [wanted, found] = [&wanted, &found].map(|state| &state.get(&name).unwrap().values);
            assert!(wanted.iter().any(|&value| value != 0.0), "`{name}`");
            let mut pairs = wanted.iter().zip(found).enumerate();
            let off = pairs.find(|(_, (wanted, found))| wanted != found);
            assert!(
                off.is_none(),
                "{subject}, kernel {kernel}, `{name}`: {off:?}"
            );
        }
    }
}

/// An image of one position, whose channels are the first convolution's biases. The second has a weight for each channel alone.
fn graph(kernel: usize) -> Graph {
    let mut net = GraphBuilder::new(Shape::new([1, 1, 1])).unwrap();
    let mut x = net.input();
    for (name, bias) in [("first", Bias::Trained), ("second", Bias::None)] {
        let spec = ConvSpec {
            channels: CHANNELS,
            kernel,
            stride: 1,
            padding: kernel / 2,
            bias,
        };
        x = net.conv2d(name, x, spec).unwrap();
    }
    classified(net, x).unwrap()
}

/// Numbers of 1 to 2 and their negatives: halfway between two of tf32 or of bf16, beside that, and without a pattern.
fn number(index: usize) -> f64 {
    let hash = (index as u32).wrapping_mul(0x9E37_79B9);
    let fraction = match index % 8 {
        0 => 0x1000,
        1 => 0x3000,
        2 => 0x8000,
        3 => 0x1_8000,
        4 => 0x0fff,
        5 => 0x8001,
        _ => hash >> 9,
    };
    let sign = (hash >> 8 & 1) << 31;
    f64::from(f32::from_bits(
        sign | 0x3f80_0000 | fraction ^ (hash >> 12 << 17 & 0x7e_0000),
    ))
}

/// The state after a step.
fn trained(engine: &mut dyn Engine) -> State {
    let images = ImageSet::new([1, 1, 1], vec![1], vec![1], vec![0.0], vec![1.0 / 255.0]).unwrap();
    engine.load_images(Split::Train, Arc::new(images)).unwrap();
    let mut state = State::initial(engine.graph(), 1);
    let mut set = |name: &str, value: &dyn Fn(usize) -> f64| {
        let values = &mut state.get_mut(name).unwrap().values;
        let values = values.iter_mut().enumerate();
        values.for_each(|(index, to)| *to = value(index));
    };
    set("first.weight", &|_| 0.0);
    set("first.bias", &number);
    set("head.weight", &|index| {
        ((index + index / CHANNELS) % 5) as f64 - 2.0
    });
    // One class wins by so much that all probabilities are 0 or 1: gradients are differences of whole numbers.
    set("head.bias", &|class| {
        if class == 0 { f64::from(1 << 20) } else { 0.0 }
    });
    let taps = state.get("second.weight").unwrap().values.len() / (CHANNELS * CHANNELS);
    let weight = &mut state.get_mut("second.weight").unwrap().values;
    weight.fill(0.0);
    for channel in 0..CHANNELS {
        weight[(channel * CHANNELS + channel) * taps + taps / 2] = number(CHANNELS + channel);
    }
    engine.load_state(0, &state).unwrap();
    let batch = BatchSpec::plain(vec![0]);
    let hyper = HyperTable::from_fn(1, 1, 1, |_, _, _| GroupHyper::new(0.0, 0.0, 0.0)).unwrap();
    engine.run(Batches::shared(&[batch]), &hyper).unwrap();
    engine.state(0).unwrap()
}
