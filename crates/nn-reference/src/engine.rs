//! The engine: replicas, images, and the order of a training step.

use std::sync::Arc;

use nn_engine::{
    BatchSpec, Batches, Device, Engine, EngineError, EngineOptions, Evaluation, HyperTable,
    ImageSet, Images, Precision, Products, Split, State, Stats, StepStats, Symmetry,
    check_evaluate, check_memory, check_replica, check_run,
};
use nn_graph::Graph;
use rayon::ThreadPool;

use crate::Tensor;
use crate::loss::softmax_cross_entropy;
use crate::network::{self, Activations};
use crate::replica::Replica;

const PRECISION: Precision = Precision::Float64;

/// More threads than any machine has use for; asking for more is a mistake.
const MOST_THREADS: usize = 4096;

/// The float64 engine (see the [crate](crate) for an example).
///
/// A step: forward with the batch's statistics, mean softmax cross-entropy, backward; running
/// statistics multiplied by [`Symmetry::statistics_factors`](nn_engine::Symmetry::statistics_factors)
/// and then moved by 0.1 to the batch's mean and unbiased variance (biased if the channel has a
/// single value); then the [`Update`](nn_engine::Update) of every parameter but fixed ones.
///
/// A new engine's replicas all hold [`State::initial`] with seed 0, and the buffers of its optimiser.
#[derive(Debug)]
pub struct ReferenceEngine {
    pub(crate) options: EngineOptions,
    pub(crate) images: Images,
    graph: Graph,
    pub(crate) replicas: Vec<Replica>,
    /// `None` for the threads that the whole process shares.
    pool: Option<ThreadPool>,
}

/// What one batch gives, before any update.
pub(crate) struct ForwardBackward {
    pub(crate) activations: Activations,
    pub(crate) loss: f64,
    pub(crate) correct: u32,
    pub(crate) gradients: Vec<Tensor>,
}

impl ReferenceEngine {
    /// An engine for this graph.
    ///
    /// # Errors
    /// [`EngineError::Options`], [`EngineError::Symmetry`], [`EngineError::Unsupported`] or
    /// [`EngineError::Memory`].
    pub fn new(graph: &Graph, options: EngineOptions) -> Result<Self, EngineError> {
        options.check(graph, "nn-reference", &Products::ALL)?;
        network::check_supported(graph)?;
        let states = 8 * (options.replicas as u128 + 1) * State::values(graph, options.optimiser);
        let bytes = states + network::bytes(graph, 1);
        check_memory("the replicas and one image's activations", bytes)?;
        let initial = State::initial(graph, 0).with_optimiser(graph, options.optimiser);
        let initial = Replica::from_state(graph, &options, &initial)?;
        Ok(Self {
            graph: graph.clone(),
            images: Images::default(),
            replicas: vec![initial; options.replicas],
            pool: pool(options.threads)?,
            options,
        })
    }

    /// Bytes that an engine with these options holds at most, in a step on a batch of the largest size; images come on
    /// top.
    ///
    /// # Errors
    /// As [`new`](Self::new), but [`EngineError::Memory`].
    pub fn bytes_needed(graph: &Graph, options: &EngineOptions) -> Result<u128, EngineError> {
        options.check(graph, "nn-reference", &Products::ALL)?;
        network::check_supported(graph)?;
        let states = 8 * options.replicas as u128 * State::values(graph, options.optimiser);
        Ok(states + network::bytes(graph, options.batch_size))
    }

    /// Runs `work` on this engine's threads.
    pub(crate) fn in_pool<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    /// Whether there is memory for a batch of this many images.
    pub(crate) fn check_batch_memory(&self, images: usize) -> Result<(), EngineError> {
        let bytes = network::bytes(&self.graph, images);
        check_memory("activations and gradients of a batch", bytes)
    }

    /// Loss and gradients of a batch that has been checked.
    pub(crate) fn forward_backward(
        &self,
        replica: usize,
        batch: &BatchSpec,
    ) -> Result<ForwardBackward, EngineError> {
        let images = self.images.get(Split::Train)?;
        let replica = &self.replicas[replica];
        let input = input(images, batch);
        let activations = network::forward(&self.graph, replica, input, None)?;
        let labels: Vec<u8> = (batch.indices.iter())
            .map(|&index| images.labels()[index as usize])
            .collect();
        let loss = softmax_cross_entropy(activations.logits(&self.graph), &labels);
        let gradients = network::backward(&self.graph, replica, &activations, loss.gradient)?;
        Ok(ForwardBackward {
            activations,
            loss: loss.sum / batch.len() as f64,
            correct: loss.correct,
            gradients,
        })
    }

    /// Sum of the losses, and right answers, of some images with running statistics.
    fn evaluate_chunk(
        &self,
        replica: usize,
        images: &ImageSet,
        chunk: BatchSpec,
        scale_ratios: &[f64],
    ) -> Result<(f64, u32), EngineError> {
        let replica = &self.replicas[replica];
        let ratios = scale_ratios.iter().copied();
        let running = replica.rescaled_running(&self.options.symmetry, ratios);
        let input = input(images, &chunk);
        let done = network::forward(&self.graph, replica, input, Some(&running))?;
        let labels = (chunk.indices.iter()).map(|&index| images.labels()[index as usize]);
        let labels: Vec<u8> = labels.collect();
        let loss = softmax_cross_entropy(done.logits(&self.graph), &labels);
        Ok((loss.sum, loss.correct))
    }
}

impl Engine for ReferenceEngine {
    fn device(&self) -> Device {
        let threads = match &self.pool {
            Some(pool) => pool.current_num_threads(),
            None => rayon::current_num_threads(),
        };
        Device {
            engine: "nn-reference",
            precision: PRECISION,
            products: self.options.products,
            hardware: std::env::consts::ARCH.into(),
            threads: Some(threads),
        }
    }

    fn graph(&self) -> &Graph {
        &self.graph
    }

    fn replicas(&self) -> usize {
        self.options.replicas
    }

    fn symmetry(&self) -> &Symmetry {
        &self.options.symmetry
    }

    fn load_images(&mut self, split: Split, images: Arc<ImageSet>) -> Result<(), EngineError> {
        self.images.load(&self.graph, split, images)
    }

    fn run(&mut self, batches: Batches<'_>, hyper: &HyperTable) -> Result<Stats, EngineError> {
        let images = self.images.get(Split::Train)?;
        check_run(batches, hyper, images, &self.options, PRECISION)?;
        let largest = (0..batches.steps()).map(|step| batches.images(step)).max();
        self.check_batch_memory(largest.unwrap_or(0))?;
        let mut stats = Stats::new(batches.steps(), self.options.replicas);
        for step in 0..batches.steps() {
            for replica in 0..self.options.replicas {
                let batch = batches.get(step, replica);
                let done = self.in_pool(|| self.forward_backward(replica, batch))?;
                let groups = hyper.get(step, replica);
                let symmetry = &self.options.symmetry;
                let state = &mut self.replicas[replica];
                state.move_running(symmetry, groups, &done.activations.statistics);
                state.update(&self.options, groups, &done.gradients);
                let (loss, correct) = (done.loss, done.correct);
                stats.set(step, replica, StepStats { loss, correct });
            }
        }
        Ok(stats)
    }

    fn evaluate(
        &mut self,
        replica: usize,
        split: Split,
        scale_ratios: &[f64],
    ) -> Result<Evaluation, EngineError> {
        check_evaluate(replica, scale_ratios, &self.options)?;
        let images = self.images.get(split)?;
        self.check_batch_memory(images.len().min(self.options.batch_size))?;
        let (mut sum, mut correct) = (0.0, 0);
        let all: Vec<u32> = (0..images.len() as u32).collect();
        for chunk in all.chunks(self.options.batch_size) {
            let chunk = BatchSpec::plain(chunk.to_vec());
            let chunk =
                self.in_pool(|| self.evaluate_chunk(replica, images, chunk, scale_ratios))?;
            sum += chunk.0;
            correct += chunk.1 as usize;
        }
        Ok(Evaluation {
            loss: sum / images.len().max(1) as f64,
            correct,
            images: images.len(),
        })
    }

    fn state(&self, replica: usize) -> Result<State, EngineError> {
        check_replica(replica, &self.options)?;
        Ok(self.replicas[replica].state(&self.graph, self.options.optimiser))
    }

    fn load_state(&mut self, replica: usize, state: &State) -> Result<(), EngineError> {
        check_replica(replica, &self.options)?;
        self.replicas[replica] = Replica::from_state(&self.graph, &self.options, state)?;
        Ok(())
    }
}

/// The augmented and normalised images of a batch, `[N, C, H, W]`.
pub(crate) fn input(images: &ImageSet, batch: &BatchSpec) -> Tensor {
    let [channels, height, width] = images.shape();
    let mut input = Tensor::zeros((batch.len(), channels, height, width));
    for (n, &image) in batch.indices.iter().enumerate() {
        let (crop, flip) = (batch.crops[n], batch.flips[n]);
        images.for_each_pixel(image as usize, crop, flip, |c, y, x, value| {
            input[[n, c, y, x]] = value;
        });
    }
    input
}

fn pool(threads: usize) -> Result<Option<ThreadPool>, EngineError> {
    if threads == 0 {
        return Ok(None);
    }
    if threads > MOST_THREADS {
        return Err(EngineError::Options(format!(
            "the number of threads is {threads}; it must be at most {MOST_THREADS}, or 0 for all"
        )));
    }
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
    builder.build().map(Some).map_err(|error| {
        EngineError::Options(format!("{threads} threads could not be started: {error}"))
    })
}
