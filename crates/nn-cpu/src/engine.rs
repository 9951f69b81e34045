//! The engine: a compiled graph, its images, and the replicas that take turns on it.

use std::sync::Arc;

use nn_engine::plan::Plan;
use nn_engine::{
    BatchSpec, Device, Engine, EngineError, EngineOptions, Evaluation, GroupHyper, HyperTable,
    ImageSet, ParameterComparison, Precision, Split, State, Stats, StepStats, check_images,
    check_run,
};
use nn_graph::Graph;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::chunks::Chunks;
use crate::layout::Layout;
use crate::loss::softmax_cross_entropy;
use crate::op::{self, Compiling, Step};
use crate::optimiser;
use crate::replica::Replica;
use crate::simd::Level;
use crate::workspace::{Mode, Pass, Scratch, Workspace};

/// A float32 engine on all cores of the CPU.
///
/// ```
/// use nn_cpu::CpuEngine;
/// use nn_engine::{Engine, EngineOptions, State};
/// use nn_graph::nets::{Architecture, NetConfig};
///
/// let graph = NetConfig::new(Architecture::PreResNet, 8).build()?;
/// let mut engine = CpuEngine::new(&graph, EngineOptions::new(&graph, 32))?;
/// engine.load_state(0, &State::initial(&graph, 7))?;
/// println!("{} with {} MB", engine.device(), engine.bytes() / 1_000_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CpuEngine {
    graph: Graph,
    options: EngineOptions,
    level: Level,
    pool: ThreadPool,
    compiled: Compiled,
    replicas: Vec<Replica>,
    train: Option<Arc<ImageSet>>,
    test: Option<Arc<ImageSet>>,
}

/// The graph ready to run: everything a step touches but parameters and images.
struct Compiled {
    steps: Vec<Box<dyn Step>>,
    workspace: Workspace,
    input: Layout,
    output: Layout,
    output_node: usize,
    output_slot: Option<usize>,
    /// Factors of each normaliser's running statistics in the current pass.
    factors: Vec<(f64, f64)>,
}

impl CpuEngine {
    /// Compiles a graph for the fastest instructions this CPU has; replicas start from seed 0.
    ///
    /// # Errors
    /// As [`at_level`](Self::at_level).
    pub fn new(graph: &Graph, options: EngineOptions) -> Result<Self, EngineError> {
        Self::at_level(graph, options, Level::detect())
    }

    /// Compiles a graph for given instructions.
    ///
    /// # Errors
    /// [`EngineError::Options`] if the CPU lacks them, the options are out of range or threads cannot
    /// be started; [`EngineError::Unsupported`] if an operation has no kernel.
    pub fn at_level(
        graph: &Graph,
        options: EngineOptions,
        level: Level,
    ) -> Result<Self, EngineError> {
        options.check(graph, "nn-cpu")?;
        if !level.supported() {
            return Err(EngineError::Options(format!(
                "this CPU cannot run {level} instructions"
            )));
        }
        let pool = ThreadPoolBuilder::new()
            .num_threads(options.threads)
            .thread_name(|index| format!("nn-cpu-{index}"))
            .build()
            .map_err(|error| EngineError::Options(format!("threads cannot be started: {error}")))?;
        let compiled = Compiled::new(graph, options.batch_size)?;
        let initial = Replica::from_state(graph, &State::initial(graph, 0));
        let replicas = vec![initial; options.replicas];
        let graph = graph.clone();
        Ok(Self {
            graph,
            options,
            level,
            pool,
            compiled,
            replicas,
            train: None,
            test: None,
        })
    }

    /// Bytes of parameters, state, activations and gradients; images come on top. Known before the
    /// first step, and constant.
    pub fn bytes(&self) -> usize {
        let steps: usize = self.compiled.steps.iter().map(|step| step.bytes()).sum();
        let replica = |replica: &Replica| {
            let lists = replica.parameters.iter().chain(&replica.momentum);
            let statistics = replica
                .statistics
                .iter()
                .map(|s| s.mean.len() + s.variance.len());
            4 * (lists.map(Vec::len).sum::<usize>() + statistics.sum::<usize>())
        };
        self.compiled.workspace.bytes() + steps + self.replicas.iter().map(replica).sum::<usize>()
    }

    fn replica(&self, replica: usize) -> Result<&Replica, EngineError> {
        let replicas = self.replicas.len();
        self.replicas
            .get(replica)
            .ok_or(EngineError::Replica { replica, replicas })
    }
}

impl Compiled {
    fn new(graph: &Graph, batch_size: usize) -> Result<Self, EngineError> {
        let plan = Plan::compile(graph);
        let halo = op::halo(graph);
        let layouts: Vec<Layout> = graph
            .nodes()
            .iter()
            .map(|node| Layout::new(&node.shape, halo))
            .collect();
        let context = Compiling {
            graph,
            plan: &plan,
            layouts: &layouts,
        };
        let compile = |group| op::compile(&context, group);
        let steps = plan
            .groups()
            .iter()
            .map(compile)
            .collect::<Result<Vec<_>, _>>()?;
        let scratch = steps
            .iter()
            .map(|step| step.scratch())
            .fold(Scratch::default(), Scratch::max);
        let output = graph.output();
        Ok(Self {
            workspace: Workspace::new(graph, &plan, &layouts, batch_size, scratch),
            steps,
            input: layouts[0],
            output: layouts[output.index()],
            output_node: output.index(),
            output_slot: plan.gradient_slot(output),
            factors: vec![(1.0, 1.0); graph.normalisers().len()],
        })
    }

    /// Writes a batch's augmented images into the input buffer.
    fn fill_input(
        &mut self,
        images: &ImageSet,
        batch: impl Fn(usize) -> Sample + Sync,
        count: usize,
    ) {
        let layout = self.input;
        Chunks::new(count).map(
            &mut self.workspace.activations[0],
            layout.image(),
            |first, target| {
                for (index, target) in target.chunks_exact_mut(layout.image()).enumerate() {
                    let Sample { image, crop, flip } = batch(first + index);
                    images.for_each_pixel(image, crop, flip, |channel, y, x, value| {
                        target[layout.offset(y as isize, x as isize) + channel] = value as f32;
                    });
                }
            },
        );
    }

    fn forward(&mut self, level: Level, mode: Mode, images: usize, replica: &mut Replica) {
        let mut pass = Pass::new(
            level,
            mode,
            images,
            replica,
            &self.factors,
            &mut self.workspace,
        );
        for step in &mut self.steps {
            step.forward(&mut pass);
        }
    }

    fn backward(&mut self, level: Level, images: usize, replica: &mut Replica) {
        let mut pass = Pass::new(
            level,
            Mode::Train,
            images,
            replica,
            &self.factors,
            &mut self.workspace,
        );
        for step in self.steps.iter_mut().rev() {
            step.backward(&mut pass);
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
struct Sample {
    image: usize,
    crop: nn_engine::Crop,
    flip: bool,
}

/// What one step of training needs besides the replica.
struct TrainingStep<'a> {
    graph: &'a Graph,
    options: &'a EngineOptions,
    level: Level,
    images: &'a ImageSet,
    batch: &'a BatchSpec,
}

impl TrainingStep<'_> {
    fn run(
        &self,
        compiled: &mut Compiled,
        replica: &mut Replica,
        hyper: &[GroupHyper],
    ) -> StepStats {
        let count = self.batch.len();
        let symmetry = &self.options.symmetry;
        for (normaliser, factors) in compiled.factors.iter_mut().enumerate() {
            *factors = symmetry
                .statistics_factors(normaliser, hyper.iter().map(|group| group.scale_ratio));
        }
        compiled.forward(self.level, Mode::Train, count, replica);
        let labels = self
            .batch
            .indices
            .iter()
            .map(|&index| self.images.labels()[index as usize]);
        let mut stats = compiled.loss(labels, count, true);
        stats.loss /= count as f64;
        compiled.backward(self.level, count, replica);
        let gradients = &compiled.workspace.parameter_gradients;
        let tensors = replica
            .parameters
            .iter_mut()
            .zip(&mut replica.momentum)
            .zip(gradients);
        for (index, ((parameter, buffer), gradient)) in tensors.enumerate() {
            if self.graph.parameters()[index].trainable {
                optimiser::update(parameter, buffer, gradient, &hyper[symmetry.group[index]]);
            }
        }
        stats
    }
}

impl Engine for CpuEngine {
    fn device(&self) -> Device {
        Device {
            engine: "nn-cpu",
            precision: Precision::Float32,
            hardware: self.level.to_string(),
            threads: self.pool.current_num_threads(),
        }
    }

    fn graph(&self) -> &Graph {
        &self.graph
    }

    fn replicas(&self) -> usize {
        self.replicas.len()
    }

    fn load_images(&mut self, split: Split, images: Arc<ImageSet>) -> Result<(), EngineError> {
        check_images(&self.graph, &images)?;
        match split {
            Split::Train => self.train = Some(images),
            Split::Test => self.test = Some(images),
        }
        Ok(())
    }

    fn run(&mut self, batches: &[BatchSpec], hyper: &HyperTable) -> Result<Stats, EngineError> {
        check_run(batches, hyper, self.train.as_deref(), &self.options)?;
        let images = self
            .train
            .as_deref()
            .ok_or(EngineError::NoImages(Split::Train))?;
        let mut stats = Stats::new(batches.len(), self.replicas.len());
        let Self {
            graph,
            options,
            level,
            pool,
            compiled,
            replicas,
            ..
        } = self;
        pool.install(|| {
            for (step, batch) in batches.iter().enumerate() {
                let sample = |index: usize| Sample {
                    image: batch.indices[index] as usize,
                    crop: batch.crops[index],
                    flip: batch.flips[index],
                };
                compiled.fill_input(images, sample, batch.len());
                let training = TrainingStep {
                    graph,
                    options,
                    level: *level,
                    images,
                    batch,
                };
                for (index, replica) in replicas.iter_mut().enumerate() {
                    stats.set(
                        step,
                        index,
                        training.run(compiled, replica, hyper.get(step, index)),
                    );
                }
            }
        });
        Ok(stats)
    }

    fn evaluate(
        &mut self,
        replica: usize,
        split: Split,
        scale_ratios: &[f64],
    ) -> Result<Evaluation, EngineError> {
        self.replica(replica)?;
        let groups = self.options.symmetry.groups();
        if scale_ratios.len() != groups {
            return Err(EngineError::HyperShape(format!(
                "for evaluation has {} scale ratios; the network has {groups} parameter groups",
                scale_ratios.len()
            )));
        }
        let Self {
            options,
            level,
            pool,
            compiled,
            replicas,
            train,
            test,
            ..
        } = self;
        let images = match split {
            Split::Train => train.as_deref(),
            Split::Test => test.as_deref(),
        }
        .ok_or(EngineError::NoImages(split))?;
        for (normaliser, factors) in compiled.factors.iter_mut().enumerate() {
            *factors = options
                .symmetry
                .statistics_factors(normaliser, scale_ratios.iter().copied());
        }
        let mut total = Evaluation {
            images: images.len(),
            ..Evaluation::default()
        };
        pool.install(|| {
            for first in (0..images.len()).step_by(options.batch_size) {
                let count = options.batch_size.min(images.len() - first);
                let plain = |index| Sample {
                    image: first + index,
                    crop: Default::default(),
                    flip: false,
                };
                compiled.fill_input(images, plain, count);
                compiled.forward(*level, Mode::Evaluate, count, &mut replicas[replica]);
                let stats = compiled.loss(images.labels()[first..].iter().copied(), count, false);
                total.loss += stats.loss;
                total.correct += stats.correct as usize;
            }
        });
        total.loss /= images.len().max(1) as f64;
        Ok(total)
    }

    fn state(&self, replica: usize) -> Result<State, EngineError> {
        Ok(self.replica(replica)?.state(&self.graph))
    }

    fn load_state(&mut self, replica: usize, state: &State) -> Result<(), EngineError> {
        self.replica(replica)?;
        state.check(&self.graph)?;
        self.replicas[replica] = Replica::from_state(&self.graph, state);
        Ok(())
    }

    fn compare(&self, a: usize, b: usize) -> Result<Vec<ParameterComparison>, EngineError> {
        Ok(self.replica(a)?.compare(self.replica(b)?))
    }
}
