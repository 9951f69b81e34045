//! The network that all contestants train, on an engine of this workspace.

use std::error::Error;
use std::sync::Arc;

use nn_engine::{
    BatchSpec, Batches, Crop, Engine, EngineError, EngineOptions, GroupHyper, HyperTable, ImageSet,
    Split,
};
use nn_graph::nets::{Architecture, NetConfig, Normaliser};
use nn_graph::{Affine, Graph, GraphError, Training as Head};

use crate::Format;

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
    /// Runs side by side, on the same batches.
    pub replicas: usize,
    /// Threads; 0 for all the machine has.
    pub threads: usize,
    /// What convolutions multiply.
    pub format: Format,
}

impl Setting {
    /// The network that PyTorch's users train: with scale and shift in every normalisation and a
    /// trained head, so that the peers do the same work.
    ///
    /// # Errors
    /// What is wrong with its sizes.
    pub fn graph(&self) -> Result<Graph, GraphError> {
        let mut config = NetConfig::new(Architecture::PreResNet, self.depth);
        config.width = self.width;
        config.normaliser = self.normaliser;
        (config.affine, config.head) = (Affine::ScaleAndShift, Head::Trained);
        config.build()
    }

    /// Options of an engine for its graph.
    pub fn options(&self, graph: &Graph) -> EngineOptions {
        EngineOptions {
            threads: self.threads,
            replicas: self.replicas,
            products: self.format.products(),
            ..EngineOptions::new(graph, self.batch)
        }
    }
}

/// A network with random images, ready to train.
///
/// ```
/// use benches::{Choice, Format, Setting, Training};
/// use nn_graph::nets::Normaliser;
/// let (normaliser, format) = (Normaliser::Batch, Format::Full);
/// let setting = Setting { depth: 8, width: 4, normaliser, batch: 2, replicas: 1, threads: 1, format };
/// let mut training = Training::new(setting, 3, |graph, options| Choice::Cpu.engine(graph, options))?;
/// let before = training.steps()?;
/// assert!(training.steps()? < before);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Training<E: ?Sized> {
    pub(crate) graph: Graph,
    pub(crate) engine: Box<E>,
    pub(crate) batches: Vec<BatchSpec>,
    pub(crate) hyper: HyperTable,
}

impl<E: Engine + ?Sized> Training<E> {
    /// The network of the [`Setting`]. Each batch is `setting.batch` images, with crops and flips.
    ///
    /// # Errors
    /// A setting that no network or engine can have, in a sentence.
    pub fn new(
        setting: Setting,
        steps_a_call: usize,
        engine: impl FnOnce(&Graph, EngineOptions) -> Result<Box<E>, EngineError>,
    ) -> Result<Self, Box<dyn Error>> {
        let graph = setting.graph()?;
        let mut engine = engine(&graph, setting.options(&graph))?;
        engine.load_images(Split::Train, Arc::new(images(setting.batch)?))?;
        let hyper = |_, _, _| GroupHyper::new(0.01, 1e-4, 0.9);
        Ok(Self {
            batches: (0..steps_a_call)
                .map(|step| batch(setting.batch, step))
                .collect(),
            hyper: HyperTable::from_fn(steps_a_call, setting.replicas, 1, hyper)?,
            graph,
            engine,
        })
    }

    /// One call of the engine; the loss of its last step.
    ///
    /// # Errors
    /// What the engine says.
    pub fn steps(&mut self) -> Result<f64, Box<dyn Error>> {
        let stats = self
            .engine
            .run(Batches::shared(&self.batches), &self.hyper)?;
        Ok(stats.get(self.batches.len() - 1, 0).loss)
    }

    /// Engine, precision, instructions and threads.
    pub fn what(&self) -> String {
        self.engine.device().to_string()
    }
}

/// Mean and deviation of each channel of the images.
pub(crate) const MEAN: f64 = 0.5;
pub(crate) const DEVIATION: f64 = 0.25;

/// As many images as a batch has, of bytes without a pattern.
pub(crate) fn images(count: usize) -> Result<ImageSet, EngineError> {
    let mut state = 1u32;
    let pixels = (0..count * 3072).map(|_| {
        // Numerical Recipes' generator; its high bits are good.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let pixels = pixels.collect();
    let labels = (0..count).map(|image| (image % 10) as u8).collect();
    let (mean, deviation) = (vec![MEAN; 3], vec![DEVIATION; 3]);
    ImageSet::new([3, 32, 32], pixels, labels, mean, deviation)
}

/// All images, cropped and flipped in every way, in an order that depends on the step.
pub(crate) fn batch(count: usize, step: usize) -> BatchSpec {
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
