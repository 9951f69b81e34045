use crate::{GroupHyper, Optimiser, Precision, Split};

/// What an engine refuses, and why.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The graph holds an operation, or a form of one, that the engine does not train.
    #[error("{engine} cannot train `{node}` ({op}): {why}")]
    Unsupported {
        /// The engine.
        engine: &'static str,
        /// Name of the node.
        node: String,
        /// Kind of operation.
        op: &'static str,
        /// The reason, as the end of a sentence.
        why: String,
    },
    /// Options that no engine can work with.
    #[error("{0}")]
    Options(String),
    /// More memory than there is.
    #[error(
        "{what} take {bytes} bytes, which this machine does not give; \
         smaller batches, fewer replicas, a smaller network or fewer steps in a call take less"
    )]
    Memory {
        /// What it is for, in the plural.
        what: &'static str,
        /// How much.
        bytes: u128,
    },
    /// No device that an engine could run on.
    #[error("there is no GPU to compute with: {why}")]
    NoDevice {
        /// The reason, as the end of a sentence.
        why: String,
    },
    /// More memory than the device has left.
    #[error(
        "the GPU has {free} bytes of memory left and {bytes} are needed; {}",
        smaller(*batch, *replicas)
    )]
    DeviceMemory {
        /// Bytes needed.
        bytes: u128,
        /// Bytes that are free.
        free: u128,
        /// The largest batch that fits, with as many replicas; 0 if none does.
        batch: usize,
        /// The largest number of replicas that fits, with batches as large; 0 if none does.
        replicas: usize,
    },
    /// The device is lost with all that it holds; nothing can be computed on it until the process, or the device, is
    /// started again.
    #[error("the GPU was lost while {doing}: {why}; all that it held is gone")]
    DeviceLost {
        /// What was done, as the end of a sentence with "while".
        doing: &'static str,
        /// What the driver says.
        why: String,
    },
    /// The device refused a call. What a step had changed may be lost.
    #[error("the GPU failed while {doing}: {why}")]
    Device {
        /// What was done, as the end of a sentence with "while".
        doing: &'static str,
        /// What the driver says.
        why: String,
    },
    /// Images whose sizes, labels or normalisation do not agree.
    #[error("the images do not fit: {0}")]
    Images(String),
    /// A split is used before it was loaded.
    #[error("no {0} images are loaded; call load_images first")]
    NoImages(Split),
    /// A batch that the engine cannot run.
    #[error("batch {batch} cannot be run: {why}")]
    Batch {
        /// Position in the list given to `run`.
        batch: usize,
        /// The reason, as the end of a sentence.
        why: String,
    },
    /// A hyperparameter outside its range.
    #[error(
        "step {step} of replica {replica}, group {group}: learning rate {}, weight decay {}, momentum {} and scale ratio {} \
         must be finite, the rate not negative, the momentum in [0, 1), the ratio positive{}",
        entry.learning_rate, entry.weight_decay, entry.momentum, entry.scale_ratio, of_moments(entry)
    )]
    Hyper {
        /// Step in the table.
        step: usize,
        /// Replica in the table.
        replica: usize,
        /// Group in the table.
        group: usize,
        /// All values.
        entry: GroupHyper,
    },
    /// A step of another optimiser.
    #[error(
        "step {step} of replica {replica}, group {group} is none of {optimiser}; {}",
        match optimiser {
            Optimiser::AdamW => "give it moments, or make the engine for SGD",
            Optimiser::Sgd | Optimiser::Sgdw => "leave out its moments, or make the engine for AdamW",
        }
    )]
    HyperOptimiser {
        /// Step in the table.
        step: usize,
        /// Replica in the table.
        replica: usize,
        /// Group in the table.
        group: usize,
        /// The engine's.
        optimiser: Optimiser,
    },
    /// A hyperparameter whose value the engine's numbers cannot hold.
    #[error(
        "step {step} of replica {replica}, group {group}: learning rate {:?}, weight decay {:?} or momentum {:?}{} \
         leaves its range when rounded to {precision}; use smaller values, or an engine of higher precision",
        entry.learning_rate, entry.weight_decay, entry.momentum, or_moments(entry)
    )]
    HyperPrecision {
        /// Step in the table.
        step: usize,
        /// Replica in the table.
        replica: usize,
        /// Group in the table.
        group: usize,
        /// All values.
        entry: GroupHyper,
        /// Format of the engine's numbers.
        precision: Precision,
    },
    /// A hyperparameter table whose size does not match the call.
    #[error("the hyperparameter table {0}")]
    HyperShape(String),
    /// A replica that does not exist.
    #[error("there is no replica {replica}; this engine runs {replicas}, counted from 0")]
    Replica {
        /// The one asked for.
        replica: usize,
        /// How many there are.
        replicas: usize,
    },
    /// A change of scale that a replica cannot make.
    #[error("the replica cannot be rescaled: {0}")]
    Rescaling(String),
    /// A state of another network.
    #[error("the state does not belong to this network: {0}")]
    State(String),
    /// A symmetry table of another network.
    #[error("the symmetry does not belong to this network: {0}")]
    Symmetry(String),
}

/// What else must hold of AdamW's hyperparameters.
fn of_moments(entry: &GroupHyper) -> String {
    entry.moments.map_or(String::new(), |moments| {
        format!(
            "; of its moments weights {:?} and {:?} and epsilon {:?} must be finite and not negative, \
             what is kept of the second, {:?}, in [0, 1), and the bias corrections {:?} in (0, 1]",
            moments.first_weight,
            moments.second_weight,
            moments.epsilon,
            moments.second_keep,
            moments.bias_corrections
        )
    })
}

/// What else may have left its range.
fn or_moments(entry: &GroupHyper) -> String {
    entry
        .moments
        .map_or(String::new(), |moments| format!(", or one of {moments:?},"))
}

/// What would fit into a device's memory.
fn smaller(batch: usize, replicas: usize) -> String {
    match (batch, replicas) {
        (0, 0) => "use smaller batches and fewer replicas, or a smaller network".to_owned(),
        (batch, 0) => format!("batches of {batch} images fit"),
        (0, replicas) => format!("{replicas} replicas fit"),
        (batch, replicas) => format!("batches of {batch} images fit, or {replicas} replicas"),
    }
}
