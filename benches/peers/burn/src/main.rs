//! `bench-burn BATCH SAMPLES`: training steps of PreResNet-32 with burn's Flex backend on random
//! images, timed.

#[path = "../../../src/measure.rs"]
mod measure;

use anyhow::{Context, Result};
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Distribution, Int, Tensor};

#[derive(Module, Debug)]
struct Block {
    norm1: BatchNorm,
    conv1: Conv2d,
    norm2: BatchNorm,
    conv2: Conv2d,
    projection: Option<Conv2d>,
}

#[derive(Module, Debug)]
struct PreResNet32 {
    stem: Conv2d,
    blocks: Vec<Block>,
    norm: BatchNorm,
    head: Linear,
}

fn conv(from: usize, to: usize, kernel: usize, stride: usize, device: &Device) -> Conv2d {
    let pad = kernel / 2;
    Conv2dConfig::new([from, to], [kernel; 2])
        .with_stride([stride; 2])
        .with_padding(PaddingConfig2d::Explicit(pad, pad, pad, pad))
        .with_bias(false)
        .init(device)
}

impl Block {
    fn new(from: usize, to: usize, stride: usize, device: &Device) -> Self {
        Self {
            norm1: BatchNormConfig::new(from).init(device),
            conv1: conv(from, to, 3, stride, device),
            norm2: BatchNormConfig::new(to).init(device),
            conv2: conv(to, to, 3, 1, device),
            projection: (from != to).then(|| conv(from, to, 1, stride, device)),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let active = relu(self.norm1.forward(x.clone()));
        let shortcut = match &self.projection {
            Some(projection) => projection.forward(active.clone()),
            None => x,
        };
        let x = self.conv1.forward(active);
        self.conv2.forward(relu(self.norm2.forward(x))) + shortcut
    }
}

impl PreResNet32 {
    fn new(device: &Device) -> Self {
        let (mut blocks, mut from) = (Vec::new(), 16);
        for (to, first_stride) in [(16, 1), (32, 2), (64, 2)] {
            for block in 0..5 {
                let stride = if block == 0 { first_stride } else { 1 };
                blocks.push(Block::new(from, to, stride, device));
                from = to;
            }
        }
        Self {
            stem: conv(3, 16, 3, 1, device),
            blocks,
            norm: BatchNormConfig::new(64).init(device),
            head: LinearConfig::new(64, 10).init(device),
        }
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let stream = self.stem.forward(images);
        let stream = self.blocks.iter().fold(stream, |x, block| block.forward(x));
        let pooled = relu(self.norm.forward(stream)).mean_dim(2).mean_dim(3);
        self.head.forward(pooled.flatten(1, 3))
    }
}

fn main() -> Result<()> {
    let meter = measure::Meter::new();
    let usage = "usage: bench-burn BATCH SAMPLES";
    let mut numbers = std::env::args()
        .skip(1)
        .map(|number| number.parse::<usize>());
    let batch = numbers.next().context(usage)?.context(usage)?;
    let samples = numbers.next().context(usage)?.context(usage)?;

    let device = Device::flex().autodiff();
    let mut network = Some(PreResNet32::new(&device));
    let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
    let mut optimiser = SgdConfig::new()
        .with_momentum(Some(momentum))
        .with_weight_decay(Some(WeightDecayConfig::new(1e-4)))
        .init();
    let images = Tensor::<4>::random([batch, 3, 32, 32], Distribution::Normal(0.0, 1.0), &device);
    let labels: Vec<i32> = (0..batch as i32).map(|image| image % 10).collect();
    let labels = Tensor::<1, Int>::from_ints(&labels[..], &device);
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    let line = meter.time(
        "burn 0.22.1, flex",
        [batch, 1],
        [1, samples],
        || -> Result<f64> {
            let trained = network.take().context("a step failed before")?;
            let logits = trained.forward(images.clone());
            let loss = cross_entropy.forward(logits, labels.clone());
            let gradients = GradientsParams::from_grads(loss.backward(), &trained);
            network = Some(optimiser.step(0.01, trained, gradients));
            Ok(loss.into_scalar::<f32>().into())
        },
    )?;
    println!("{line}");
    Ok(())
}
