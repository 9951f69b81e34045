//! The engine: a graph compiled to launches, its images, and all replicas side by side on the GPU.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use cudarc::driver::CudaGraph;
use nn_engine::{
    BatchSpec, Batches, Device, Engine, EngineError, EngineOptions, Evaluation, HyperTable,
    ImageSet, Images, ParameterComparison, Precision, Split, State, Stats, StepStats, Symmetry,
    check_evaluate, check_replica, check_run,
};
use nn_graph::Graph;

use crate::blueprint::{Blueprint, WINDOW};
use crate::gpu::{Gpu, failed};
use crate::launch::Program;
use crate::memory::{Memory, Pictures};
use crate::pass::{self, Mode, Pass};
use crate::{comparison, op, state, tables};

const PRECISION: Precision = Precision::Float32;

/// A float32 engine on an NVIDIA GPU.
///
/// A step is captured as one CUDA graph, which the GPU replays; batches, rates and the step counter are in its memory, so that
/// many steps run without the host. All replicas are in every launch.
///
/// ```no_run
/// use nn_cuda::CudaEngine;
/// use nn_engine::{Engine, EngineOptions, State};
/// use nn_graph::nets::{Architecture, NetConfig};
///
/// let graph = NetConfig::new(Architecture::PreResNet, 32).build()?;
/// let mut engine = CudaEngine::new(&graph, EngineOptions::new(&graph, 128))?;
/// engine.load_state(0, &State::initial(&graph, 7))?;
/// println!("{}", engine.device());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CudaEngine {
    // Dropped in this order: graphs and memory before the GPU that they are on.
    steps: HashMap<usize, CudaGraph>,
    pictures: [Option<Pictures>; 2],
    memory: Memory,
    gpu: Gpu,
    blueprint: Blueprint,
    images: Images,
    /// Of each replica, see [`State::exponents`].
    exponents: Vec<Vec<i64>>,
    /// Of each replica, whether a failure left it somewhere in a call; until a state is loaded.
    interrupted: Vec<bool>,
}

impl CudaEngine {
    /// Compiles a graph for the first GPU. Replicas start from seed 0.
    ///
    /// # Errors
    /// [`EngineError::NoDevice`] without a usable GPU; [`EngineError::Options`], [`EngineError::Symmetry`] or
    /// [`EngineError::Unsupported`] for what it cannot train; [`EngineError::DeviceMemory`] if the GPU has not enough
    /// memory, with what would fit; [`EngineError::Device`] if it fails.
    pub fn new(graph: &Graph, options: EngineOptions) -> Result<Self, EngineError> {
        op::check(graph)?;
        let blueprint = Blueprint::new(graph, &options)?;
        let gpu = Gpu::open(options.products)?;
        let memory = Memory::new(&gpu, &blueprint)?;
        let mut engine = Self {
            steps: HashMap::new(),
            pictures: [None, None],
            memory,
            gpu,
            exponents: vec![Vec::new(); options.replicas],
            interrupted: vec![false; options.replicas],
            blueprint,
            images: Images::default(),
        };
        let optimiser = engine.blueprint.options.optimiser;
        let initial = State::initial(graph, 0).with_optimiser(graph, optimiser);
        for replica in 0..engine.replicas() {
            engine.load_state(replica, &initial)?;
        }
        Ok(engine)
    }

    /// Whether an engine with these options can be made now, beside so many bytes of images.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn check(graph: &Graph, options: &EngineOptions, images: u128) -> Result<(), EngineError> {
        op::check(graph)?;
        let blueprint = Blueprint::new(graph, options)?;
        blueprint.check_memory(Gpu::open(options.products)?.free_memory()?, images)
    }

    /// Bytes that an engine with these options holds on the GPU, images come on top; known without a GPU.
    ///
    /// ```
    /// use nn_cuda::CudaEngine;
    /// use nn_engine::EngineOptions;
    /// use nn_graph::nets::{Architecture, NetConfig};
    ///
    /// let graph = NetConfig::new(Architecture::PreResNet, 32).build()?;
    /// let bytes = CudaEngine::bytes_needed(&graph, &EngineOptions::new(&graph, 128))?;
    /// assert!(bytes < 1 << 30);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`EngineError::Options`], [`EngineError::Symmetry`] or [`EngineError::Unsupported`].
    pub fn bytes_needed(graph: &Graph, options: &EngineOptions) -> Result<u128, EngineError> {
        op::check(graph)?;
        let blueprint = Blueprint::new(graph, options)?;
        Ok(blueprint.inventory().bytes(options.replicas))
    }

    /// Names of the kernels of a training step on a whole batch, in the order in which they are launched.
    ///
    /// # Errors
    /// [`EngineError::NoImages`] before the training images are loaded.
    pub fn launches(&self) -> Result<Vec<&'static str>, EngineError> {
        let program = self.step(self.blueprint.options.batch_size)?;
        let launches = program.launches.iter();
        Ok(launches.map(|launch| launch.kernel.name()).collect())
    }

    /// Trains on one batch, and says how long each launch took, in seconds: one by one, not as a graph, so that the sum
    /// is more than a step takes. The order is that of [`launches`](Self::launches).
    ///
    /// # Errors
    /// As [`run`](Engine::run).
    pub fn profile(
        &mut self,
        batch: &BatchSpec,
        hyper: &HyperTable,
    ) -> Result<Vec<f64>, EngineError> {
        let images = self.images.get(Split::Train)?;
        let batches = Batches::shared(std::slice::from_ref(batch));
        check_run(batches, hyper, images, &self.blueprint.options, PRECISION)?;
        self.check_whole()?;
        let step = self.step(batch.len())?;
        self.changing(|engine| {
            engine.write_steps(batches, hyper, 0)?;
            step.time(&engine.gpu)
        })
    }

    fn pass(&self, mode: Mode, images: usize, replicas: Range<usize>) -> Pass<'_> {
        Pass {
            blueprint: &self.blueprint,
            memory: &self.memory,
            mode,
            images,
            replicas,
            multiprocessors: self.gpu.multiprocessors,
        }
    }

    fn pictures(&self, split: Split) -> Result<&Pictures, EngineError> {
        let pictures = self.pictures[split as usize].as_ref();
        pictures.ok_or(EngineError::NoImages(split))
    }

    /// The launches of a training step on a batch of so many images.
    fn step(&self, images: usize) -> Result<Program, EngineError> {
        let pictures = self.pictures(Split::Train)?;
        let pass = self.pass(Mode::Train, images, 0..self.blueprint.options.replicas);
        let mut program = Program::default();
        // Not directly before a convolution, which reads weights while the launch before it may still run.
        pass::round_weights(&pass, &mut program);
        pass::input(&pass, pictures, &mut program);
        pass::forward(&pass, &mut program);
        pass::loss(&pass, pictures, &mut program);
        pass::backward(&pass, &mut program);
        pass::update(&pass, &mut program);
        pass::advance(&pass, &mut program);
        Ok(program)
    }

    /// The launches of an evaluation of a replica on so many images.
    fn evaluation(
        &self,
        split: Split,
        images: usize,
        replica: usize,
    ) -> Result<Program, EngineError> {
        let pictures = self.pictures(split)?;
        let pass = self.pass(Mode::Evaluate, images, replica..replica + 1);
        let mut program = Program::default();
        pass::input(&pass, pictures, &mut program);
        pass::forward(&pass, &mut program);
        pass::loss(&pass, pictures, &mut program);
        pass::advance(&pass, &mut program);
        Ok(program)
    }

    /// Refuses to go on from somewhere in a call that failed.
    fn check_whole(&self) -> Result<(), EngineError> {
        let Some(replica) = self.interrupted.iter().position(|&interrupted| interrupted) else {
            return Ok(());
        };
        // A device that is lost says so itself.
        self.gpu.synchronize()?;
        Err(EngineError::Device {
            doing: "training before",
            why: format!(
                "it is not known how many steps replica {replica} has made; load a state of every replica"
            ),
        })
    }

    /// Does what changes replicas, and remembers if it failed on the way.
    fn changing<T>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let done = change(self);
        if done.is_err() {
            self.interrupted.fill(true);
        }
        done
    }

    fn write_steps(
        &mut self,
        batches: Batches<'_>,
        hyper: &HyperTable,
        first: usize,
    ) -> Result<(), EngineError> {
        let Self {
            gpu,
            blueprint,
            memory,
            ..
        } = self;
        let rows = (hyper, first);
        tables::write_steps(gpu, blueprint, memory, batches, rows)
    }

    /// Trains on at most [`WINDOW`] batches, the first of them row `first` of the table.
    fn run_window(
        &mut self,
        batches: Batches<'_>,
        hyper: &HyperTable,
        first: usize,
        stats: &mut Stats,
    ) -> Result<(), EngineError> {
        self.write_steps(batches, hyper, first)?;
        let steps = batches.steps();
        for images in (0..steps).map(|step| batches.images(step)) {
            if let Some(step) = self.steps.get(&images) {
                step.launch().map_err(failed("training"))?;
            }
        }
        for replica in 0..self.blueprint.options.replicas {
            let results = self.memory.results.read(&self.gpu, replica, 0, steps)?;
            for (index, result) in results.iter().enumerate() {
                let stats_of_step = StepStats {
                    loss: result.loss / batches.images(index) as f64,
                    correct: result.correct as u32,
                };
                stats.set(first + index, replica, stats_of_step);
            }
        }
        Ok(())
    }
}

impl Engine for CudaEngine {
    fn device(&self) -> Device {
        Device {
            engine: "nn-cuda",
            precision: PRECISION,
            products: self.blueprint.options.products,
            hardware: self.gpu.name.clone(),
            threads: None,
        }
    }

    fn graph(&self) -> &Graph {
        &self.blueprint.graph
    }

    fn replicas(&self) -> usize {
        self.blueprint.options.replicas
    }

    fn symmetry(&self) -> &Symmetry {
        &self.blueprint.options.symmetry
    }

    fn load_images(&mut self, split: Split, images: Arc<ImageSet>) -> Result<(), EngineError> {
        let mut checked = self.images.clone();
        checked.load(&self.blueprint.graph, split, images)?;
        let loaded = checked.get(split)?;
        // What is given back is free once all before it is done.
        self.gpu.synchronize()?;
        let before = self.images.get(split).map_or(0, Pictures::bytes);
        let free = self.gpu.free_memory()? + self.blueprint.bytes() + before;
        self.blueprint.check_memory(free, Pictures::bytes(loaded))?;
        if split == Split::Train {
            // Captured steps have the addresses of the images before.
            self.steps.clear();
        }
        self.pictures[split as usize] = None;
        self.gpu.synchronize()?;
        let pictures = Pictures::new(&self.gpu, loaded)?;
        self.gpu.synchronize()?;
        self.pictures[split as usize] = Some(pictures);
        self.images = checked;
        Ok(())
    }

    fn run(&mut self, batches: Batches<'_>, hyper: &HyperTable) -> Result<Stats, EngineError> {
        let images = self.images.get(Split::Train)?;
        check_run(batches, hyper, images, &self.blueprint.options, PRECISION)?;
        self.check_whole()?;
        let steps = batches.steps();
        // Before anything is changed: a capture may fail, too.
        for images in (0..steps).map(|step| batches.images(step)) {
            if !self.steps.contains_key(&images) {
                let graph = self.step(images)?.capture(&self.gpu)?;
                self.steps.insert(images, graph);
            }
        }
        let mut stats = Stats::new(steps, self.blueprint.options.replicas);
        for first in (0..steps).step_by(WINDOW) {
            let window = batches.part(first..steps.min(first + WINDOW));
            self.changing(|engine| engine.run_window(window, hyper, first, &mut stats))?;
        }
        Ok(stats)
    }

    fn evaluate(
        &mut self,
        replica: usize,
        split: Split,
        scale_ratios: &[f64],
    ) -> Result<Evaluation, EngineError> {
        check_evaluate(replica, scale_ratios, &self.blueprint.options)?;
        let images = self.images.get(split)?.len();
        let batch = self.blueprint.options.batch_size;
        let mut total = Evaluation {
            images,
            ..Evaluation::default()
        };
        // Once for all batches: nothing changes them in between.
        let mut rounding = Program::default();
        let pass = self.pass(Mode::Evaluate, batch, replica..replica + 1);
        pass::round_weights(&pass, &mut rounding);
        rounding.launch(&self.gpu)?;
        for first in (0..images).step_by(WINDOW * batch) {
            let window = first..images.min(first + WINDOW * batch);
            let Self {
                gpu,
                blueprint,
                memory,
                ..
            } = self;
            let of = (replica, scale_ratios);
            tables::write_images(gpu, blueprint, memory, window.clone(), of)?;
            // Only the last batch may have fewer images.
            let (whole, rest) = (window.len() / batch, window.len() % batch);
            let batches = [(batch, whole), (rest, usize::from(rest > 0))];
            for (count, times) in batches.into_iter().filter(|&(_, times)| times > 0) {
                let program = self.evaluation(split, count, replica)?;
                (0..times).try_for_each(|_| program.launch(&self.gpu))?;
            }
            let steps = window.len().div_ceil(batch);
            let results = self.memory.results.read(&self.gpu, replica, 0, steps)?;
            for result in results {
                total.loss += result.loss;
                total.correct += result.correct as usize;
            }
        }
        total.loss /= images.max(1) as f64;
        Ok(total)
    }

    fn state(&self, replica: usize) -> Result<State, EngineError> {
        check_replica(replica, &self.blueprint.options)?;
        let exponents = &self.exponents[replica];
        state::read(&self.gpu, &self.blueprint, &self.memory, replica, exponents)
    }

    fn compare(&self, a: usize, b: usize) -> Result<Vec<ParameterComparison>, EngineError> {
        check_replica(a, &self.blueprint.options)?;
        check_replica(b, &self.blueprint.options)?;
        comparison::compare(&self.gpu, &self.memory, [a, b])
    }

    fn load_state(&mut self, replica: usize, state: &State) -> Result<(), EngineError> {
        check_replica(replica, &self.blueprint.options)?;
        let Self {
            gpu,
            blueprint,
            memory,
            ..
        } = self;
        state::write(gpu, blueprint, memory, (replica, state))?;
        self.exponents[replica].clone_from(&state.exponents);
        self.interrupted[replica] = false;
        Ok(())
    }
}
