//! The graph ready to run, and one step of training on it.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use nn_engine::plan::Plan;
use nn_engine::{
    BatchSpec, Crop, EngineError, EngineOptions, Evaluation, GroupHyper, ImageSet, Optimiser,
    State, StepStats, check_memory,
};
use nn_graph::Graph;

use crate::chunks::Chunks;
use crate::compiling::Compiling;
use crate::layout::Layout;
use crate::loss::softmax_cross_entropy;
use crate::norm::{self, Mode};
use crate::op::{self, Step};
use crate::optimiser;
use crate::pool::Pool;
use crate::profile::{Clock, Part};
use crate::replica::Replica;
use crate::simd::Level;
use crate::workspace::{Pass, Scratch, Workspace};

/// The graph ready to run: everything a step touches but parameters and images.
pub(crate) struct Compiled {
    pool: Pool,
    steps: Vec<Box<dyn Step>>,
    workspace: Workspace,
    input: Layout,
    output: Layout,
    output_node: usize,
    output_slot: Option<usize>,
    /// Of [`bytes`](Self::bytes), what each image of the largest batch takes.
    bytes_per_image: u128,
    /// Factors of each normalisation's running statistics in the current pass.
    factors: Vec<(f64, f64)>,
    /// Pressed after every part of a step.
    pub(crate) clock: Clock,
}

impl Compiled {
    /// Checks that there is memory for all that an engine with these options allocates before it allocates what grows
    /// with batch and replicas.
    pub(crate) fn new(graph: &Graph, options: &EngineOptions) -> Result<Self, EngineError> {
        let plan = Plan::compile(graph);
        let layouts: Vec<Layout> = graph
            .nodes()
            .iter()
            .map(|node| Layout::new(&node.shape))
            .collect();
        let per_image = Workspace::bytes_per_image(graph, &plan, &layouts)
            + norm::bytes_per_image(graph, &layouts);
        // Replicas start from a state in float64.
        let replica = Replica::bytes(graph, options.optimiser);
        let replicas =
            replica * options.replicas as u128 + 8 * State::values(graph, options.optimiser);
        let bytes = options.batch_size as u128 * per_image + replicas;
        check_memory("activations, gradients and replicas", bytes)?;
        let threads = match options.threads {
            0 => available_parallelism().map_or(1, NonZeroUsize::get),
            threads => threads,
        };
        let context = Compiling {
            graph,
            plan: &plan,
            layouts: &layouts,
            batch_size: options.batch_size,
            threads,
        };
        let steps = (0..plan.groups().len())
            .map(|group| op::compile(&context, group))
            .collect::<Result<Vec<_>, _>>()?;
        let scratch = steps
            .iter()
            .map(|step| step.scratch())
            .fold(Scratch::default(), Scratch::max);
        // With what is known only now; operations have their weights already.
        let gradients = 4 * State::values(graph, options.optimiser);
        let bytes = bytes + scratch.bytes(threads) + gradients;
        check_memory("activations, gradients, replicas and scratch space", bytes)?;
        let output = graph.output();
        let pool = Pool::new(threads)
            .map_err(|error| EngineError::Options(format!("threads cannot be started: {error}")))?;
        Ok(Self {
            pool,
            workspace: Workspace::new(&context, scratch)?,
            steps,
            input: layouts[0],
            output: layouts[output.index()],
            output_node: output.index(),
            output_slot: plan.gradient_slot(output),
            bytes_per_image: per_image,
            factors: vec![(1.0, 1.0); graph.normalisers().len()],
            clock: Clock::default(),
        })
    }

    /// Threads it computes with.
    pub(crate) fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// Bytes of activations, gradients and what operations own.
    pub(crate) fn bytes(&self) -> usize {
        self.workspace.bytes() + self.steps.iter().map(|step| step.bytes()).sum::<usize>()
    }

    /// What [`bytes`](Self::bytes) would be with these options, for which nothing but a batch of one image is
    /// allocated: whatever does not grow with the batch is there then, and what does grows by as much for each image.
    pub(crate) fn bytes_needed(
        graph: &Graph,
        options: &EngineOptions,
    ) -> Result<u128, EngineError> {
        let one = EngineOptions {
            batch_size: 1,
            replicas: 1,
            ..options.clone()
        };
        let compiled = Self::new(graph, &one)?;
        let more = options.batch_size as u128 - 1;
        Ok(compiled.bytes() as u128 + more * compiled.bytes_per_image)
    }

    /// Loss and accuracy of a replica on all images, with running statistics.
    pub(crate) fn evaluate(
        &mut self,
        level: Level,
        options: &EngineOptions,
        images: &ImageSet,
        replica: &mut Replica,
        scale_ratios: &[f64],
    ) -> Evaluation {
        self.set_factors(options, scale_ratios.iter().copied());
        let mut total = Evaluation {
            images: images.len(),
            ..Evaluation::default()
        };
        for first in (0..images.len()).step_by(options.batch_size) {
            let count = options.batch_size.min(images.len() - first);
            let plain = |index| Sample {
                image: first + index,
                crop: Crop::default(),
                flip: false,
            };
            self.fill_input(images, plain, count);
            self.forward(level, Mode::Evaluate, count, replica);
            let stats = self.loss(images.labels()[first..].iter().copied(), count, false);
            total.loss += stats.loss;
            total.correct += stats.correct as usize;
        }
        total.loss /= images.len().max(1) as f64;
        total
    }

    /// What is due on running statistics in the next passes.
    fn set_factors(&mut self, options: &EngineOptions, ratios: impl Iterator<Item = f64> + Clone) {
        for (normaliser, factors) in self.factors.iter_mut().enumerate() {
            *factors = options
                .symmetry
                .statistics_factors(normaliser, ratios.clone());
        }
    }

    /// Writes a batch's augmented images into the input buffer.
    pub(crate) fn fill_input(
        &mut self,
        images: &ImageSet,
        batch: impl Fn(usize) -> Sample + Sync,
        count: usize,
    ) {
        let layout = self.input;
        Chunks::new(count, &self.pool).map(
            &mut self.workspace.activations[0],
            layout.image(),
            |first, target| {
                for (index, target) in target.chunks_exact_mut(layout.image()).enumerate() {
                    let Sample { image, crop, flip } = batch(first + index);
                    images.for_each_pixel(image, crop, flip, |channel, y, x, value| {
                        target[layout.offset(y, x) + channel] = value as f32;
                    });
                }
            },
        );
        self.clock.lap(Part::Batch);
    }

    fn forward(&mut self, level: Level, mode: Mode, images: usize, replica: &mut Replica) {
        let mut pass = Pass::new(
            level,
            mode,
            images,
            replica,
            &self.factors,
            (&self.pool, &mut self.workspace),
        );
        for (group, step) in self.steps.iter_mut().enumerate() {
            step.forward(&mut pass);
            self.clock.lap(Part::Forward(group));
        }
    }

    fn backward(&mut self, level: Level, images: usize, replica: &mut Replica) {
        let mut pass = Pass::new(
            level,
            Mode::Train,
            images,
            replica,
            &self.factors,
            (&self.pool, &mut self.workspace),
        );
        for (group, step) in self.steps.iter_mut().enumerate().rev() {
            step.backward(&mut pass);
            self.clock.lap(Part::Backward(group));
        }
    }

    /// Loss over the images in the input buffer, and its gradient if asked for.
    fn loss(
        &mut self,
        labels: impl Iterator<Item = u8>,
        images: usize,
        gradient: bool,
    ) -> StepStats {
        let logits = &self.workspace.activations[self.output_node];
        let slot = self.output_slot.filter(|_| gradient);
        let gradient = slot.map(|slot| &mut self.workspace.gradients[slot][..]);
        softmax_cross_entropy(&self.output, logits, labels, images, gradient)
    }
}

/// One image of a batch.
pub(crate) struct Sample {
    pub(crate) image: usize,
    pub(crate) crop: Crop,
    pub(crate) flip: bool,
}

/// What one step of training needs besides the replica.
pub(crate) struct TrainingStep<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) options: &'a EngineOptions,
    pub(crate) level: Level,
    pub(crate) images: &'a ImageSet,
    pub(crate) batch: &'a BatchSpec,
}

impl TrainingStep<'_> {
    /// Forward, backward, update; loss and accuracy before the update.
    pub(crate) fn run(
        &self,
        compiled: &mut Compiled,
        replica: &mut Replica,
        hyper: &[GroupHyper],
    ) -> StepStats {
        let count = self.batch.len();
        compiled.set_factors(self.options, hyper.iter().map(|group| group.scale_ratio));
        compiled.forward(self.level, Mode::Train, count, replica);
        let labels = self
            .batch
            .indices
            .iter()
            .map(|&index| self.images.labels()[index as usize]);
        let mut stats = compiled.loss(labels, count, true);
        stats.loss /= count as f64;
        compiled.clock.lap(Part::Loss);
        compiled.backward(self.level, count, replica);
        self.update(&compiled.workspace.parameter_gradients, replica, hyper);
        compiled.clock.lap(Part::Update);
        stats
    }

    fn update(&self, gradients: &[Vec<f32>], replica: &mut Replica, hyper: &[GroupHyper]) {
        let optimiser = self.options.optimiser;
        let buffers = replica.momentum.iter_mut().zip(&mut replica.second_moment);
        let tensors = replica.parameters.iter_mut().zip(buffers).zip(gradients);
        for (index, ((parameter, (momentum, second)), gradient)) in tensors.enumerate() {
            if !self.graph.parameters()[index].trainable {
                continue;
            }
            let with = hyper[self.options.symmetry.group[index]].update(optimiser);
            match optimiser {
                Optimiser::Sgd => optimiser::sgd(parameter, momentum, gradient, &with),
                Optimiser::Sgdw => optimiser::sgdw(parameter, momentum, gradient, &with),
                Optimiser::AdamW => {
                    optimiser::adam(parameter, [momentum, second], gradient, &with);
                }
            }
        }
    }
}
