//! Learning rate, weight decay and momentum of every step, replica and parameter group.

use crate::{EngineError, Precision, check_memory};

/// What one parameter group does in one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupHyper {
    /// `η`: finite, not negative.
    pub learning_rate: f64,
    /// `λ`: coupled (L2) weight decay.
    pub weight_decay: f64,
    /// `γ`, in `[0, 1)`.
    pub momentum: f64,
    /// `a_{t−1} > 0`: how much the run that this one stands for shrank, relative to this one, in the
    /// step before; 1 for a run that stands for itself. Before the step every running mean is
    /// multiplied by `a^{−x}` and every running variance by `a^{−2x}`, `x` the degree of the
    /// normaliser's input in this group (Li & Arora's trajectories agree only up to scale, and running statistics average
    /// over steps of different scale).
    pub scale_ratio: f64,
}

impl GroupHyper {
    /// Hyperparameters of a run that stands for itself.
    pub fn new(learning_rate: f64, weight_decay: f64, momentum: f64) -> Self {
        Self {
            learning_rate,
            weight_decay,
            momentum,
            scale_ratio: 1.0,
        }
    }

    /// As an engine of this precision computes with it. `a` is applied in float64 by every engine.
    fn rounded(self, precision: Precision) -> Self {
        let round = |value: f64| match precision {
            Precision::Float32 => f64::from(value as f32),
            Precision::Float64 => value,
        };
        Self {
            learning_rate: round(self.learning_rate),
            weight_decay: round(self.weight_decay),
            momentum: round(self.momentum),
            scale_ratio: self.scale_ratio,
        }
    }

    fn is_valid(&self) -> bool {
        let finite = self.learning_rate.is_finite() && self.weight_decay.is_finite();
        let ratio = self.scale_ratio > 0.0 && self.scale_ratio.is_finite();
        finite && self.learning_rate >= 0.0 && (0.0..1.0).contains(&self.momentum) && ratio
    }
}

/// [`GroupHyper`] for `[step][replica][group]`.
///
/// ```
/// use nn_engine::{GroupHyper, HyperTable};
/// // Two steps of three replicas with one group each.
/// let table = HyperTable::from_fn(2, 3, 1, |step, replica, _| {
///     GroupHyper::new(0.1 * (1 + step + replica) as f64, 5e-4, 0.9)
/// })?;
/// assert_eq!(table.get(1, 2)[0].learning_rate, 0.4);
/// # Ok::<(), nn_engine::EngineError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HyperTable {
    replicas: usize,
    groups: usize,
    rows: Vec<GroupHyper>,
}

impl HyperTable {
    /// A table filled by `hyper(step, replica, group)`.
    ///
    /// # Errors
    /// [`EngineError::Hyper`] naming the first entry outside its range, or [`EngineError::Memory`] if
    /// the table is too large for the machine.
    pub fn from_fn(
        steps: usize,
        replicas: usize,
        groups: usize,
        mut hyper: impl FnMut(usize, usize, usize) -> GroupHyper,
    ) -> Result<Self, EngineError> {
        let entry_size = size_of::<GroupHyper>() as u128;
        let count = [steps, replicas, groups]
            .iter()
            .fold(1, |count: u128, &size| count.saturating_mul(size as u128));
        let what = "hyperparameters of so many steps, replicas and groups";
        check_memory(what, count.saturating_mul(entry_size))?;
        // Fits, as its bytes do.
        let count = count as usize;
        let mut rows = Vec::with_capacity(count);
        for index in 0..count {
            let (row, group) = (index / groups, index % groups);
            let (step, replica) = (row / replicas, row % replicas);
            let entry = hyper(step, replica, group);
            if !entry.is_valid() {
                return Err(EngineError::Hyper {
                    step,
                    replica,
                    group,
                    entry,
                });
            }
            rows.push(entry);
        }
        Ok(Self {
            replicas,
            groups,
            rows,
        })
    }

    /// Checks that the first `steps` steps stay in range when rounded to this precision: that no rate
    /// or decay becomes infinite, and no momentum 1.
    ///
    /// # Errors
    /// [`EngineError::HyperPrecision`] naming the first entry that does not.
    pub fn check_precision(&self, steps: usize, precision: Precision) -> Result<(), EngineError> {
        for step in 0..steps.min(self.steps()) {
            for replica in 0..self.replicas {
                for (group, &entry) in self.get(step, replica).iter().enumerate() {
                    if !entry.rounded(precision).is_valid() {
                        return Err(EngineError::HyperPrecision {
                            step,
                            replica,
                            group,
                            entry,
                            precision,
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// Number of steps.
    pub fn steps(&self) -> usize {
        self.rows.len() / self.replicas.saturating_mul(self.groups).max(1)
    }

    /// Number of replicas.
    pub fn replicas(&self) -> usize {
        self.replicas
    }

    /// Number of parameter groups.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// The groups of one replica at one step.
    ///
    /// # Panics
    /// If `step` or `replica` is outside the table.
    pub fn get(&self, step: usize, replica: usize) -> &[GroupHyper] {
        assert!(
            replica < self.replicas,
            "replica {replica} of {}",
            self.replicas
        );
        &self.rows[(step * self.replicas + replica) * self.groups..][..self.groups]
    }
}
