//! The smallest networks, and images of one value.

use std::sync::Arc;

use nn_engine::{
    BatchSpec, Batches, Engine, EngineError, EngineOptions, GroupHyper, HyperTable, ImageSet,
    Split, Stats,
};
use nn_graph::{Affine, Bias, ConvSpec, Graph, GraphBuilder, Shape, Training};

use crate::Subject;

/// A network that only normalises one channel and classifies by its mean.
pub(super) fn normaliser(affine: Affine, epsilon: f64) -> Graph {
    classified(|net| net.batch_norm("norm", net.input(), affine, epsilon))
}

/// The same with instance normalisation, which has no running statistics.
pub(super) fn instance_normaliser(affine: Affine, epsilon: f64) -> Graph {
    classified(|net| net.group_norm("norm", net.input(), 1, affine, epsilon))
}

/// A normalisation of what a convolution makes, which another reads.
pub(super) fn between_convolutions(epsilon: f64, relu: bool) -> Graph {
    let spec = |kernel, bias| ConvSpec {
        channels: 1,
        kernel,
        stride: 1,
        padding: kernel / 2,
        bias,
    };
    classified(|net| {
        let x = net.conv2d("before", net.input(), spec(1, Bias::Trained))?;
        let mut x = net.batch_norm("norm", x, Affine::ScaleAndShift, epsilon)?;
        if relu {
            x = net.relu("relu", x)?;
        }
        net.conv2d("after", x, spec(3, Bias::None))
    })
}

fn classified(
    normalise: impl FnOnce(&mut GraphBuilder) -> Result<nn_graph::NodeId, nn_graph::GraphError>,
) -> Graph {
    let mut net = GraphBuilder::new(Shape::new([1, 3, 7])).unwrap();
    let x = normalise(&mut net).unwrap();
    let x = net.global_average_pool("pool", x).unwrap();
    let x = net.linear("head", x, 2, Bias::None, Training::Trained);
    net.finish(x.unwrap()).unwrap()
}

/// Three images of `graph`'s shape, every byte of which is `byte`.
pub(super) fn constant_images(graph: &Graph, byte: u8) -> Arc<ImageSet> {
    let (c, h, w) = graph.input_shape().image().unwrap();
    let pixels = vec![byte; 3 * c * h * w];
    let images = ImageSet::new([c, h, w], pixels, vec![0, 1, 1], vec![0.0; c], vec![1.0; c]);
    Arc::new(images.unwrap())
}

/// An engine with such images to train on.
pub(super) fn on_constant_images(subject: &Subject, graph: &Graph, byte: u8) -> Box<dyn Engine> {
    let mut engine = subject.make(graph, EngineOptions::new(graph, 3));
    let images = constant_images(graph, byte);
    engine.load_images(Split::Train, images).unwrap();
    engine
}

/// A step on all three images.
pub(super) fn one_step(engine: &mut dyn Engine, hyper: GroupHyper) -> Result<Stats, EngineError> {
    let hyper = HyperTable::from_fn(1, 1, 1, |_, _, _| hyper).unwrap();
    engine.run(Batches::shared(&[BatchSpec::plain(vec![0, 1, 2])]), &hyper)
}
