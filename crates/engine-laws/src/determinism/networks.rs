//! The networks of these laws, their images and batches.

use std::sync::Arc;

use nn_engine::{BatchSpec, Crop, ImageSet};
use nn_graph::nets::{Architecture, NetConfig};
use nn_graph::op::MaxPool;
use nn_graph::{Affine, Bias, ConvSpec, Graph, GraphBuilder, Shape, Training};

const INPUT: [usize; 3] = [3, 9, 11];

/// Images of a split.
pub(super) const IMAGES: usize = 64;

/// Largest batch.
pub(super) const BATCH: usize = 21;

/// Together, every operation.
pub(super) fn networks() -> [Graph; 3] {
    [narrow(), tiled(), pooled_groups()]
}

/// Channels that fill no vector.
fn narrow() -> Graph {
    let mut config = NetConfig::new(Architecture::PreResNet, 8);
    (config.width, config.input) = (5, INPUT);
    (config.affine, config.bias) = (Affine::ScaleAndShift, Bias::Trained);
    config.head = Training::Trained;
    config.build().unwrap()
}

/// Whole vectors of channels and whole tiles: what the fastest kernels are for.
fn tiled() -> Graph {
    let mut config = NetConfig::new(Architecture::ResNet, 8);
    (config.width, config.input) = (16, INPUT);
    config.build().unwrap()
}

/// Operations that a residual network of the paper does not have.
fn pooled_groups() -> Graph {
    let mut net = GraphBuilder::new(Shape::new(INPUT)).unwrap();
    let spec = |channels, kernel, stride| ConvSpec {
        channels,
        kernel,
        stride,
        padding: kernel / 2,
        bias: Bias::Trained,
    };
    let affine = Affine::ScaleAndShift;
    let x = net.conv2d("conv1", net.input(), spec(18, 7, 1)).unwrap();
    let x = net.group_norm("norm1", x, 3, affine, 1e-5).unwrap();
    let x = net.relu("relu1", x).unwrap();
    let pool = MaxPool {
        kernel: 3,
        stride: 2,
        padding: 1,
    };
    let pooled = net.max_pool("max", x, pool).unwrap();
    let x = net.conv2d("conv2", pooled, spec(18, 3, 1)).unwrap();
    let x = net.group_norm("norm2", x, 18, affine, 1e-5).unwrap();
    let x = net.add("add", x, pooled).unwrap();
    let x = net.group_norm("norm3", x, 1, affine, 1e-5).unwrap();
    let x = net.global_average_pool("mean", x).unwrap();
    let x = net.linear("head", x, 10, Bias::Trained, Training::Trained);
    net.finish(x.unwrap()).unwrap()
}

/// Little work, so that there may be many steps and images.
pub(super) fn smallest() -> Graph {
    let mut net = GraphBuilder::new(Shape::new(INPUT)).unwrap();
    let spec = ConvSpec {
        channels: 4,
        kernel: 1,
        stride: 5,
        padding: 0,
        bias: Bias::None,
    };
    let x = net.conv2d("conv", net.input(), spec).unwrap();
    let x = net.batch_norm("norm", x, Affine::None, 1e-5).unwrap();
    let x = net.relu("relu", x).unwrap();
    let x = net.global_average_pool("mean", x).unwrap();
    let x = net.linear("head", x, 10, Bias::Trained, Training::Trained);
    net.finish(x.unwrap()).unwrap()
}

pub(super) fn images(count: usize) -> Arc<ImageSet> {
    let pixels = (0..count * INPUT.iter().product::<usize>()).map(|i| (i * 7919 % 251) as u8);
    let labels = (0..count).map(|i| (i % 10) as u8);
    let (mean, deviation) = (vec![0.5; 3], vec![0.25; 3]);
    let images = ImageSet::new(INPUT, pixels.collect(), labels.collect(), mean, deviation);
    Arc::new(images.unwrap())
}

/// Batches of several sizes, so that what is cut from them differs from step to step.
pub(super) fn batches(steps: usize) -> Vec<BatchSpec> {
    let batch = |step: usize| {
        let images = BATCH - step % 3;
        BatchSpec {
            indices: (0..images)
                .map(|i| ((i * 5 + step * 11) % IMAGES) as u32)
                .collect(),
            crops: (0..images)
                .map(|i| Crop {
                    dy: (i % 5) as i8 - 2,
                    dx: (step % 3) as i8 - 1,
                })
                .collect(),
            flips: (0..images).map(|i| (i + step).is_multiple_of(2)).collect(),
        }
    };
    (0..steps).map(batch).collect()
}
