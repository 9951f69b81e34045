//! The network that all contestants train, on `nn-cpu`.

use std::error::Error;
use std::sync::Arc;

use nn_cpu::CpuEngine;
use nn_engine::{BatchSpec, Crop, Engine, EngineOptions, GroupHyper, HyperTable, ImageSet, Split};
use nn_graph::nets::{Architecture, NetConfig, Normaliser};
use nn_graph::{Affine, Graph, Training as Head};

/// What is trained, and how.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Layers of the PreResNet.
    pub depth: usize,
    /// Channels of its first stage.
    pub width: usize,
    /// What it normalises over.
    pub normaliser: Normaliser,
    /// Images of a batch.
    pub batch: usize,
    /// Threads; 0 for all the machine has.
    pub threads: usize,
}

/// A network with random images, ready to train.
///
/// ```
/// use benches::{Setting, Training};
/// use nn_graph::nets::Normaliser;
/// let normaliser = Normaliser::Batch;
/// let setting = Setting { depth: 8, width: 4, normaliser, batch: 2, threads: 1 };
/// let mut training = Training::new(setting, 3)?;
/// let before = training.steps()?;
/// assert!(training.steps()? < before);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Training {
    pub(crate) graph: Graph,
    pub(crate) engine: CpuEngine,
    pub(crate) batches: Vec<BatchSpec>,
    pub(crate) hyper: HyperTable,
}

impl Training {
    /// The network that PyTorch's users train: with scale and shift in every normalisation and a
    /// trained head, so that the peers do the same work. Each batch is `setting.batch` images, with
    /// crops and flips.
    ///
    /// # Errors
    /// A setting that no network or engine can have, in a sentence.
    pub fn new(setting: Setting, steps_a_call: usize) -> Result<Self, Box<dyn Error>> {
        let mut config = NetConfig::new(Architecture::PreResNet, setting.depth);
        config.width = setting.width;
        config.normaliser = setting.normaliser;
        (config.affine, config.head) = (Affine::ScaleAndShift, Head::Trained);
        let graph = config.build()?;
        let options = EngineOptions {
            threads: setting.threads,
            ..EngineOptions::new(&graph, setting.batch)
        };
        let mut engine = CpuEngine::new(&graph, options)?;
        engine.load_images(Split::Train, Arc::new(images(setting.batch)?))?;
        let hyper = |_, _, _| GroupHyper::new(0.01, 1e-4, 0.9);
        Ok(Self {
            batches: (0..steps_a_call)
                .map(|step| batch(setting.batch, step))
                .collect(),
            hyper: HyperTable::from_fn(steps_a_call, 1, 1, hyper)?,
            graph,
            engine,
        })
    }

    /// One call of the engine; the loss of its last step.
    ///
    /// # Errors
    /// What the engine says.
    pub fn steps(&mut self) -> Result<f64, Box<dyn Error>> {
        let stats = self.engine.run(&self.batches, &self.hyper)?;
        Ok(stats.get(self.batches.len() - 1, 0).loss)
    }

    /// Engine, precision, instructions and threads.
    pub fn what(&self) -> String {
        self.engine.device().to_string()
    }
}

/// As many images as a batch has, of bytes without a pattern.
fn images(count: usize) -> Result<ImageSet, Box<dyn Error>> {
    let mut state = 1u32;
    let pixels = (0..count * 3072).map(|_| {
        // Numerical Recipes' generator; its high bits are good.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let pixels = pixels.collect();
    let labels = (0..count).map(|image| (image % 10) as u8).collect();
    Ok(ImageSet::new(
        [3, 32, 32],
        pixels,
        labels,
        vec![0.5; 3],
        vec![0.25; 3],
    )?)
}

/// All images, cropped and flipped in every way, in an order that depends on the step.
fn batch(count: usize, step: usize) -> BatchSpec {
    let shift = |image: usize, stride: usize| ((image * stride + step) % 9) as i8 - 4;
    let crop = |image| Crop {
        dy: shift(image, 1),
        dx: shift(image, 4),
    };
    BatchSpec {
        indices: (0..count)
            .map(|image| ((image + step) % count) as u32)
            .collect(),
        crops: (0..count).map(crop).collect(),
        flips: (0..count).map(|image| image % 2 == 1).collect(),
    }
}
