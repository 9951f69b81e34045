//! `bench-candle BATCH SAMPLES`: training steps of PreResNet-32 with candle on random images, timed.

#[path = "../../../src/measure.rs"]
mod measure;

use anyhow::{Context, Result};
use candle_core::{DType, Device, Module, ModuleT, Tensor, Var};
use candle_nn::{
    BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, Linear, VarBuilder, VarMap, batch_norm,
    conv2d_no_bias, linear, loss,
};

struct Block {
    norm1: BatchNorm,
    conv1: Conv2d,
    norm2: BatchNorm,
    conv2: Conv2d,
    projection: Option<Conv2d>,
}

struct PreResNet32 {
    stem: Conv2d,
    blocks: Vec<Block>,
    norm: BatchNorm,
    head: Linear,
}

fn conv(from: usize, to: usize, kernel: usize, stride: usize, vb: VarBuilder) -> Result<Conv2d> {
    let config = Conv2dConfig {
        padding: kernel / 2,
        stride,
        ..Default::default()
    };
    Ok(conv2d_no_bias(from, to, kernel, config, vb)?)
}

impl Block {
    fn new(from: usize, to: usize, stride: usize, vb: VarBuilder) -> Result<Self> {
        let projection = || conv(from, to, 1, stride, vb.pp("projection"));
        Ok(Self {
            norm1: batch_norm(from, BatchNormConfig::default(), vb.pp("norm1"))?,
            conv1: conv(from, to, 3, stride, vb.pp("conv1"))?,
            norm2: batch_norm(to, BatchNormConfig::default(), vb.pp("norm2"))?,
            conv2: conv(to, to, 3, 1, vb.pp("conv2"))?,
            projection: (from != to).then(projection).transpose()?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let active = self.norm1.forward_t(x, true)?.relu()?;
        let shortcut = match &self.projection {
            Some(projection) => projection.forward(&active)?,
            None => x.clone(),
        };
        let x = self.conv1.forward(&active)?;
        let x = self.norm2.forward_t(&x, true)?.relu()?;
        Ok((self.conv2.forward(&x)? + shortcut)?)
    }
}

impl PreResNet32 {
    fn new(vb: VarBuilder) -> Result<Self> {
        let (mut blocks, mut from) = (Vec::new(), 16);
        for (to, first_stride) in [(16, 1), (32, 2), (64, 2)] {
            for block in 0..5 {
                let stride = if block == 0 { first_stride } else { 1 };
                let name = format!("block{}", blocks.len());
                blocks.push(Block::new(from, to, stride, vb.pp(name))?);
                from = to;
            }
        }
        Ok(Self {
            stem: conv(3, 16, 3, 1, vb.pp("stem"))?,
            blocks,
            norm: batch_norm(64, BatchNormConfig::default(), vb.pp("norm"))?,
            head: linear(64, 10, vb.pp("head"))?,
        })
    }

    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let mut x = self.stem.forward(images)?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        let x = self.norm.forward_t(&x, true)?.relu()?.mean((2, 3))?;
        Ok(self.head.forward(&x)?)
    }
}

/// SGD with momentum and coupled weight decay, which candle does not have.
struct Sgd(Vec<(Var, Tensor)>);

impl Sgd {
    fn new(variables: Vec<Var>) -> Result<Self> {
        let with_buffer = |variable: Var| Ok((variable.clone(), variable.zeros_like()?));
        Ok(Self(
            variables
                .into_iter()
                .map(with_buffer)
                .collect::<Result<_>>()?,
        ))
    }

    fn step(&mut self, loss: &Tensor) -> Result<()> {
        let gradients = loss.backward()?;
        for (variable, buffer) in &mut self.0 {
            // Running statistics are variables, too, and have none.
            let Some(gradient) = gradients.get(variable) else {
                continue;
            };
            let decayed = (gradient + (variable.as_tensor() * 1e-4)?)?;
            *buffer = ((buffer.detach() * 0.9)? + decayed)?.detach();
            variable.set(&(variable.as_tensor() - (&*buffer * 0.01)?)?)?;
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    let meter = measure::Meter::new();
    let usage = "usage: bench-candle BATCH SAMPLES";
    let mut numbers = std::env::args()
        .skip(1)
        .map(|number| number.parse::<usize>());
    let batch = numbers.next().context(usage)?.context(usage)?;
    let samples = numbers.next().context(usage)?.context(usage)?;

    let device = Device::Cpu;
    let variables = VarMap::new();
    let network = PreResNet32::new(VarBuilder::from_varmap(&variables, DType::F32, &device))?;
    let mut optimiser = Sgd::new(variables.all_vars())?;
    let images = Tensor::randn(0f32, 1.0, (batch, 3, 32, 32), &device)?;
    let labels: Vec<u32> = (0..batch as u32).map(|image| image % 10).collect();
    let labels = Tensor::new(labels, &device)?;
    let line = meter.time(
        "candle 0.11.1",
        [batch, 1],
        [1, samples],
        || -> Result<f64> {
            let loss = loss::cross_entropy(&network.forward(&images)?, &labels)?;
            optimiser.step(&loss)?;
            Ok(loss.to_scalar::<f32>()?.into())
        },
    )?;
    println!("{line}");
    Ok(())
}
