//! The engine: a compiled graph, its images, and the replicas that take turns on it.

use std::sync::Arc;

use nn_engine::plan::Plan;
use nn_engine::{
    Batches, Device, Engine, EngineError, EngineOptions, Evaluation, HyperTable, ImageSet, Images,
    ParameterComparison, Precision, Products, Split, State, Stats, Symmetry, check_evaluate,
    check_replica, check_run,
};
use nn_graph::Graph;

use crate::compiled::{Compiled, Sample, TrainingStep};
use crate::profile::{Clock, Profile};
use crate::replica::Replica;
use crate::simd::Level;

const PRECISION: Precision = Precision::Float32;

/// Forces the level of [`CpuEngine::new`]: to test or time one that is not the CPU's fastest.
const LEVEL_VARIABLE: &str = "NN_CPU_LEVEL";

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
    compiled: Compiled,
    replicas: Vec<Replica>,
    images: Images,
}

impl CpuEngine {
    /// Compiles a graph for the fastest instructions this CPU has, or those that the environment variable
    /// `NN_CPU_LEVEL` names: `portable`, `avx2` or `avx512`. Replicas start from seed 0.
    ///
    /// # Errors
    /// As [`at_level`](Self::at_level); [`EngineError::Options`] also if the variable names no level.
    pub fn new(graph: &Graph, options: EngineOptions) -> Result<Self, EngineError> {
        let level = match std::env::var_os(LEVEL_VARIABLE) {
            Some(name) => named_level(&name.to_string_lossy())?,
            None => Level::detect(),
        };
        Self::at_level(graph, options, level)
    }

    /// Compiles a graph for given instructions.
    ///
    /// # Errors
    /// [`EngineError::Options`] if the CPU lacks them, the options are out of range or threads cannot
    /// be started; [`EngineError::Unsupported`] if an operation has no kernel; [`EngineError::Memory`]
    /// if there is not enough for the batches and replicas.
    pub fn at_level(
        graph: &Graph,
        options: EngineOptions,
        level: Level,
    ) -> Result<Self, EngineError> {
        options.check(graph, "nn-cpu", &[Products::Full])?;
        if !level.supported() {
            return Err(EngineError::Options(format!(
                "this CPU cannot run {level} instructions"
            )));
        }
        let compiled = Compiled::new(graph, &options)?;
        let initial = State::initial(graph, 0).with_optimiser(graph, options.optimiser);
        let initial = Replica::from_state(graph, &options, &initial)?;
        let replicas = vec![initial; options.replicas];
        let graph = graph.clone();
        Ok(Self {
            graph,
            options,
            level,
            compiled,
            replicas,
            images: Images::default(),
        })
    }

    /// Bytes of parameters, state, activations and gradients; images come on top. Constant.
    pub fn bytes(&self) -> usize {
        let replica = Replica::bytes(&self.graph, self.options.optimiser) as usize;
        self.compiled.bytes() + self.replicas.len() * replica
    }

    /// What [`bytes`](Self::bytes) of an engine with these options would be, without the memory for it.
    ///
    /// ```
    /// use nn_cpu::CpuEngine;
    /// use nn_engine::EngineOptions;
    /// use nn_graph::nets::{Architecture, NetConfig};
    ///
    /// let graph = NetConfig::new(Architecture::PreResNet, 8).build()?;
    /// let huge = CpuEngine::bytes_needed(&graph, &EngineOptions::new(&graph, 1 << 16))?;
    /// assert!(huge > 30_000_000_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`at_level`](Self::at_level), but [`EngineError::Memory`] only if there is not enough for one replica and one
    /// image.
    pub fn bytes_needed(graph: &Graph, options: &EngineOptions) -> Result<u128, EngineError> {
        options.check(graph, "nn-cpu", &[Products::Full])?;
        let replicas = options.replicas as u128 * Replica::bytes(graph, options.optimiser);
        Ok(Compiled::bytes_needed(graph, options)? + replicas)
    }

    /// Trains as [`run`](Engine::run) does, and says where the time went: medians over the steps, and
    /// over the replicas, in seconds; all 0 without a batch. The first step on new memory is slower than the others.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use nn_cpu::CpuEngine;
    /// use nn_engine::plan::Plan;
    /// use nn_engine::{BatchSpec, Batches, Engine, EngineOptions, GroupHyper, HyperTable, ImageSet, Split};
    /// use nn_graph::nets::{Architecture, NetConfig};
    ///
    /// let graph = NetConfig::new(Architecture::PreResNet, 8).build()?;
    /// let mut engine = CpuEngine::new(&graph, EngineOptions::new(&graph, 2))?;
    /// let grey = ImageSet::new([3, 32, 32], vec![128; 6144], vec![0; 2], vec![0.5; 3], vec![1.0; 3])?;
    /// engine.load_images(Split::Train, Arc::new(grey))?;
    /// let batches = vec![BatchSpec::plain(vec![0, 1]); 5];
    /// let hyper = HyperTable::from_fn(5, 1, 1, |_, _, _| GroupHyper::new(0.1, 5e-4, 0.9))?;
    ///
    /// let profile = engine.profile(Batches::shared(&batches), &hyper)?;
    /// let plan = Plan::compile(&graph);
    /// for (group, time) in plan.groups().iter().zip(&profile.groups) {
    ///     let images = 2.0;
    ///     let flops = images * group.forward.flops as f64;
    ///     let name = &graph.node(group.head).name;
    ///     println!("{name}: {:.1} GFLOP/s forward", 1e-9 * flops / time.forward);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Engine::run).
    pub fn profile(
        &mut self,
        batches: Batches<'_>,
        hyper: &HyperTable,
    ) -> Result<Profile, EngineError> {
        let groups = Plan::compile(&self.graph).groups().len();
        self.compiled.clock = Clock::running(groups);
        let trained = self.run(batches, hyper);
        let clock = std::mem::take(&mut self.compiled.clock);
        trained.map(|_| clock.profile())
    }
}

impl Engine for CpuEngine {
    fn device(&self) -> Device {
        Device {
            engine: "nn-cpu",
            precision: PRECISION,
            products: Products::Full,
            hardware: self.level.to_string(),
            threads: Some(self.compiled.threads()),
        }
    }

    fn graph(&self) -> &Graph {
        &self.graph
    }

    fn replicas(&self) -> usize {
        self.replicas.len()
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
        let mut stats = Stats::new(batches.steps(), self.replicas.len());
        let Self {
            graph,
            options,
            level,
            compiled,
            replicas,
            ..
        } = self;
        for step in 0..batches.steps() {
            for (index, replica) in replicas.iter_mut().enumerate() {
                let batch = batches.get(step, index);
                // What all share is written once.
                if index == 0 || batches.replicas().is_some() {
                    let sample = |index: usize| Sample {
                        image: batch.indices[index] as usize,
                        crop: batch.crops[index],
                        flip: batch.flips[index],
                    };
                    compiled.fill_input(images, sample, batch.len());
                }
                let training = TrainingStep {
                    graph,
                    options,
                    level: *level,
                    images,
                    batch,
                };
                let done = training.run(compiled, replica, hyper.get(step, index));
                stats.set(step, index, done);
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
        let Self {
            options,
            level,
            compiled,
            replicas,
            images,
            ..
        } = self;
        check_evaluate(replica, scale_ratios, options)?;
        let images = images.get(split)?;
        let replica = &mut replicas[replica];
        Ok(compiled.evaluate(*level, options, images, replica, scale_ratios))
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

    fn compare(&self, a: usize, b: usize) -> Result<Vec<ParameterComparison>, EngineError> {
        check_replica(a, &self.options)?;
        check_replica(b, &self.options)?;
        Ok(self.replicas[a].compare(&self.replicas[b]))
    }
}

/// The level that [`LEVEL_VARIABLE`] names.
fn named_level(name: &str) -> Result<Level, EngineError> {
    match name {
        "portable" => Ok(Level::Portable),
        "avx2" => Ok(Level::Avx2),
        "avx512" => Ok(Level::Avx512),
        _ => Err(EngineError::Options(format!(
            "the environment variable {LEVEL_VARIABLE} is `{name}`; it must be portable, avx2 or avx512, or not set"
        ))),
    }
}
