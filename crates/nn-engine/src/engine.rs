//! The trait that every engine implements, and the checks they share.

use std::fmt;
use std::sync::Arc;

use nn_graph::Graph;

use crate::state::check_trainable;
use crate::{
    BatchSpec, Batches, EngineError, Evaluation, HyperTable, ImageSet, Optimiser,
    ParameterComparison, Products, Split, State, Stats, Symmetry,
};

/// Floating-point format of an engine's parameters and arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// IEEE binary32.
    Float32,
    /// IEEE binary64.
    Float64,
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Precision::Float32 => "float32",
            Precision::Float64 => "float64",
        })
    }
}

/// What an engine runs on, for records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Name of the engine's crate.
    pub engine: &'static str,
    /// Format of its numbers.
    pub precision: Precision,
    /// Format of what its convolutions multiply, and of what it stores between operations.
    pub products: Products,
    /// Instruction set or device name.
    pub hardware: String,
    /// Threads of the processor that it computes with; none for an engine on another device.
    pub threads: Option<usize>,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            engine,
            precision,
            products,
            hardware,
            threads,
        } = self;
        write!(f, "{engine} ({precision}")?;
        if *products != Products::Full {
            write!(f, " with {products} products")?;
        }
        write!(f, ", {hardware}")?;
        match threads {
            None => {}
            Some(1) => write!(f, ", 1 thread")?,
            Some(threads) => write!(f, ", {threads} threads")?,
        }
        write!(f, ")")
    }
}

/// How an engine is set up.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Largest number of images in a training batch; evaluation uses chunks of this size.
    pub batch_size: usize,
    /// Number of runs side by side.
    pub replicas: usize,
    /// Parameter groups and scaling.
    pub symmetry: Symmetry,
    /// How parameters are updated.
    pub optimiser: Optimiser,
    /// What convolutions multiply, and what is stored between operations; linear layers multiply in full.
    pub products: Products,
    /// Threads to compute with; 0 for all the machine has. Results do not depend on it.
    pub threads: usize,
}

impl EngineOptions {
    /// One replica, one group, SGD, all threads.
    pub fn new(graph: &Graph, batch_size: usize) -> Self {
        Self {
            batch_size,
            replicas: 1,
            symmetry: Symmetry::none(graph),
            optimiser: Optimiser::Sgd,
            products: Products::Full,
            threads: 0,
        }
    }

    /// The checks that hold for every engine, called by its constructor; `products` are the formats that it has.
    ///
    /// # Errors
    /// [`EngineError::Options`], [`EngineError::Symmetry`] or [`EngineError::Unsupported`].
    pub fn check(
        &self,
        graph: &Graph,
        engine: &'static str,
        products: &[Products],
    ) -> Result<(), EngineError> {
        if !products.contains(&self.products) {
            return Err(EngineError::Options(format!(
                "convolutions are to multiply in {}, which {engine} cannot; nn-cuda can",
                self.products
            )));
        }
        for (what, value) in [
            ("batch size", self.batch_size),
            ("number of replicas", self.replicas),
        ] {
            if !(1..=1 << 16).contains(&value) {
                return Err(EngineError::Options(format!(
                    "the {what} is {value}; it must be between 1 and 65536"
                )));
            }
        }
        check_trainable(graph, engine)?;
        self.symmetry.check(graph)
    }
}

/// A training engine: replicas of one graph, their images and optimiser state.
///
/// Deterministic: the same calls give the same bits, on any number of threads.
pub trait Engine {
    /// What it runs on.
    fn device(&self) -> Device;

    /// The network it trains.
    fn graph(&self) -> &Graph;

    /// Number of replicas.
    fn replicas(&self) -> usize;

    /// The scaling that it was made with.
    fn symmetry(&self) -> &Symmetry;

    /// Takes the images of a split, replacing those it had.
    ///
    /// # Errors
    /// [`EngineError::Images`] if their shape or a label does not fit the graph.
    fn load_images(&mut self, split: Split, images: Arc<ImageSet>) -> Result<(), EngineError>;

    /// Trains every replica for one step on each of its batches, in order. A replica is trained as it would be alone,
    /// whatever becomes of the others.
    ///
    /// A loss that is not finite is reported as it is; the run goes on.
    ///
    /// # Errors
    /// [`EngineError::NoImages`], [`EngineError::Batch`], [`EngineError::HyperShape`],
    /// [`EngineError::HyperOptimiser`], [`EngineError::HyperPrecision`], or [`EngineError::Memory`] from an
    /// engine that allocates in a call; before anything is changed.
    fn run(&mut self, batches: Batches<'_>, hyper: &HyperTable) -> Result<Stats, EngineError>;

    /// Loss and accuracy of a replica on all images of a split, without augmentation, with running
    /// statistics multiplied by the powers of `scale_ratios` (one for each group, see
    /// [`GroupHyper::scale_ratio`](crate::GroupHyper::scale_ratio)) that are still due. Changes nothing.
    ///
    /// # Errors
    /// [`EngineError::NoImages`], [`EngineError::Replica`] or [`EngineError::HyperShape`].
    fn evaluate(
        &mut self,
        replica: usize,
        split: Split,
        scale_ratios: &[f64],
    ) -> Result<Evaluation, EngineError>;

    /// A copy of everything the replica's future depends on, as the replica holds it: the state of a rescaled one is
    /// the rescaled state, with its [exponents](State::exponents).
    ///
    /// # Errors
    /// [`EngineError::Replica`].
    fn state(&self, replica: usize) -> Result<State, EngineError>;

    /// Replaces a replica's state, and the scale of its `ε` with it.
    ///
    /// # Errors
    /// [`EngineError::Replica`]; [`EngineError::State`] or, for exponents that do not fit,
    /// [`EngineError::Rescaling`]; before anything is changed.
    fn load_state(&mut self, replica: usize, state: &State) -> Result<(), EngineError>;

    /// Changes a replica's scale by powers of two: `Π^c` with `c = 2^k`, `exponents` being `k` of each group (see
    /// [`State::rescaled`], which says what becomes of each number, and [`Symmetry::epsilons`] for `ε`). With
    /// hyperparameters [rescaled](crate::GroupHyper::rescaled) from then on, which is the caller's part, the replica goes
    /// on as it would have, bit for bit.
    ///
    /// A replica keeps the sum of its exponents; [`state`](Self::state) tells and [`load_state`](Self::load_state)
    /// sets it, so that a rescaled run is stored and resumed as any other.
    ///
    /// # Errors
    /// [`EngineError::Replica`], or [`EngineError::Rescaling`] as [`State::rescaled`], before anything is changed.
    fn rescale(&mut self, replica: usize, exponents: &[i64]) -> Result<(), EngineError> {
        let precision = self.device().precision;
        let state = self.state(replica)?;
        let rescaled = state.rescaled(self.graph(), self.symmetry(), exponents, precision)?;
        self.load_state(replica, &rescaled)
    }

    /// Norms of every parameter of two replicas (or of one with itself) and how far their directions are apart, as they are held: see
    /// [`rescale`](Self::rescale).
    ///
    /// # Errors
    /// [`EngineError::Replica`].
    fn compare(&self, a: usize, b: usize) -> Result<Vec<ParameterComparison>, EngineError> {
        let (a, b) = (self.state(a)?, self.state(b)?);
        let parameters = self.graph().parameters().len();
        let pairs = a.tensors.iter().zip(&b.tensors).take(parameters);
        Ok(pairs
            .map(|(a, b)| {
                let values = a.values.iter().copied().zip(b.values.iter().copied());
                ParameterComparison::of(values)
            })
            .collect())
    }
}

/// Checks a call of [`Engine::run`] against what the engine holds and the precision it computes with;
/// `images` are those of the training split.
///
/// # Errors
/// As [`Engine::run`].
pub fn check_run(
    batches: Batches<'_>,
    hyper: &HyperTable,
    images: &ImageSet,
    options: &EngineOptions,
    precision: Precision,
) -> Result<(), EngineError> {
    let groups = options.symmetry.groups();
    let steps = batches.steps();
    if hyper.steps() < steps || hyper.replicas() != options.replicas || hyper.groups() != groups {
        return Err(EngineError::HyperShape(format!(
            "has {} steps of {} replicas with {} groups; needed are {} steps of {} replicas with {groups} groups",
            hyper.steps(),
            hyper.replicas(),
            hyper.groups(),
            steps,
            options.replicas
        )));
    }
    hyper.check_update(steps, options.optimiser, precision)?;
    check_batches(batches, images, options)
}

/// Checks batches against what the engine holds; `images` are those of the training split.
///
/// # Errors
/// [`EngineError::Batch`].
pub fn check_batches(
    batches: Batches<'_>,
    images: &ImageSet,
    options: &EngineOptions,
) -> Result<(), EngineError> {
    for batch in 0..batches.steps() {
        let refused = |why| EngineError::Batch { batch, why };
        if batches
            .replicas()
            .is_some_and(|own| own != options.replicas)
        {
            return Err(refused(format!(
                "it is a batch for each of {} replicas; this engine runs {}",
                batches.of_step(batch).len(),
                options.replicas
            )));
        }
        for spec in batches.of_step(batch) {
            check_batch(spec, images, options.batch_size).map_err(refused)?;
        }
    }
    Ok(())
}

/// Why a batch cannot be run, as the end of a sentence.
fn check_batch(spec: &BatchSpec, images: &ImageSet, largest: usize) -> Result<(), String> {
    let count = spec.len();
    if !(1..=largest).contains(&count) {
        return Err(format!(
            "it has {count} images; between 1 and {largest} fit"
        ));
    }
    if spec.crops.len() != count || spec.flips.len() != count {
        return Err(format!(
            "{count} images have {} crops and {} flips",
            spec.crops.len(),
            spec.flips.len()
        ));
    }
    let mut indices = spec.indices.iter();
    match indices.find(|&&index| index as usize >= images.len()) {
        Some(index) => Err(format!("it names image {index} of {}", images.len())),
        None => Ok(()),
    }
}

/// Checks a call of [`Engine::evaluate`] against what the engine holds.
///
/// # Errors
/// As [`Engine::evaluate`].
pub fn check_evaluate(
    replica: usize,
    scale_ratios: &[f64],
    options: &EngineOptions,
) -> Result<(), EngineError> {
    check_replica(replica, options)?;
    let groups = options.symmetry.groups();
    let usable = |&ratio: &f64| ratio > 0.0 && ratio.is_finite();
    if scale_ratios.len() != groups || !scale_ratios.iter().all(usable) {
        return Err(EngineError::HyperShape(format!(
            "of an evaluation has scale ratios {scale_ratios:?}; needed are {groups}, finite and positive"
        )));
    }
    Ok(())
}

/// Checks that there is a replica of this number.
///
/// # Errors
/// [`EngineError::Replica`].
pub fn check_replica(replica: usize, options: &EngineOptions) -> Result<(), EngineError> {
    let replicas = options.replicas;
    if replica < replicas {
        return Ok(());
    }
    Err(EngineError::Replica { replica, replicas })
}
