//! Learning rate, weight decay and what is kept of gradients, for every step, replica and parameter group.

use crate::{EngineError, Optimiser, Precision, Update, check_memory};

/// What one parameter group does in one step; [`Optimiser`] has the formulas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupHyper {
    /// `η`: finite, not negative.
    pub learning_rate: f64,
    /// `λ`: weight decay, coupled or decoupled as the optimiser has it.
    pub weight_decay: f64,
    /// `γ`, or `β₁` with moments: what is kept of the gradients before; in `[0, 1)`.
    pub momentum: f64,
    /// What AdamW has beside, and no other.
    pub moments: Option<Moments>,
    /// `a_{t−1} > 0`: how much the run that this one stands for shrank, relative to this one, in the
    /// step before; 1 for a run that stands for itself. Before the step every running mean is
    /// multiplied by `a^{−x}` and every running variance by `a^{−2x}`, `x` the degree of the
    /// normaliser's input in this group (Li & Arora's trajectories agree only up to scale, and running statistics average
    /// over steps of different scale).
    pub scale_ratio: f64,
}

/// What one step of AdamW has beside a learning rate, weight decay and the `β₁` that is kept of the first moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// `w₁`, the weight of the new gradient in the first moment: finite, not negative.
    pub first_weight: f64,
    /// `β₂`, what is kept of the second moment; in `[0, 1)`.
    pub second_keep: f64,
    /// `w₂`, the weight of the new gradient's square in the second moment: finite, not negative.
    pub second_weight: f64,
    /// `[c₁, c₂]`, by which the moments are divided; in `(0, 1]`.
    pub bias_corrections: [f64; 2],
    /// `ε`, outside the root: finite, not negative.
    pub epsilon: f64,
}

impl GroupHyper {
    /// Hyperparameters of a run with SGD or SGDW that stands for itself.
    pub fn new(learning_rate: f64, weight_decay: f64, momentum: f64) -> Self {
        Self {
            learning_rate,
            weight_decay,
            momentum,
            moments: None,
            scale_ratio: 1.0,
        }
    }

    /// Hyperparameters of a run with AdamW that stands for itself: PyTorch's at a step, counted from 0.
    ///
    /// ```
    /// use nn_engine::GroupHyper;
    /// let hyper = GroupHyper::adamw(1e-3, 1e-2, [0.5, 0.75], 1e-8, 1);
    /// let moments = hyper.moments.unwrap();
    /// assert_eq!((hyper.momentum, moments.first_weight), (0.5, 0.5));
    /// assert_eq!((moments.second_keep, moments.second_weight), (0.75, 0.25));
    /// // 1 − β².
    /// assert!((moments.bias_corrections[0] - 0.75).abs() < 1e-15);
    /// ```
    pub fn adamw(
        learning_rate: f64,
        weight_decay: f64,
        beta: [f64; 2],
        epsilon: f64,
        step: u64,
    ) -> Self {
        Self {
            moments: Some(Moments {
                first_weight: 1.0 - beta[0],
                second_keep: beta[1],
                second_weight: 1.0 - beta[1],
                // 1 − β^{t+1} without cancellation.
                bias_corrections: beta.map(|beta| -((step as f64 + 1.0) * beta.ln()).exp_m1()),
                epsilon,
            }),
            ..Self::new(learning_rate, weight_decay, beta[0])
        }
    }

    fn is_valid(&self) -> bool {
        let finite = self.learning_rate.is_finite() && self.weight_decay.is_finite();
        let ratio = self.scale_ratio > 0.0 && self.scale_ratio.is_finite();
        let moments = self.moments.is_none_or(|moments| moments.is_valid());
        finite && is_weight(self.learning_rate) && is_kept(self.momentum) && ratio && moments
    }
}

impl Moments {
    fn is_valid(&self) -> bool {
        let correction = |&correction: &f64| correction > 0.0 && correction <= 1.0;
        let weights = [self.first_weight, self.second_weight, self.epsilon];
        weights.into_iter().all(is_weight)
            && is_kept(self.second_keep)
            && self.bias_corrections.iter().all(correction)
    }
}

/// Finite and not negative.
fn is_weight(value: f64) -> bool {
    value >= 0.0 && value.is_finite()
}

/// Whether less than all is kept.
fn is_kept(value: f64) -> bool {
    (0.0..1.0).contains(&value)
}

impl Update {
    /// Whether an engine of this precision can compute with it.
    fn fits(&self, precision: Precision) -> bool {
        let round = |value: f64| match precision {
            Precision::Float32 => f64::from(value as f32),
            Precision::Float64 => value,
        };
        let weights = [self.first_weight, self.second_weight, self.epsilon];
        let finite = [self.rate, self.decay, self.coupled_decay].into_iter();
        finite.chain(weights).all(|value| round(value).is_finite())
            && [self.momentum, self.second_keep]
                .into_iter()
                .all(|kept| is_kept(round(kept)))
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

    /// Checks that the first `steps` steps are this optimiser's, and stay in range when rounded to this precision: that
    /// nothing in an [`Update`] becomes infinite, and nothing is kept whole.
    ///
    /// # Errors
    /// [`EngineError::HyperOptimiser`] or [`EngineError::HyperPrecision`] naming the first entry that is or does not.
    pub fn check_update(
        &self,
        steps: usize,
        optimiser: Optimiser,
        precision: Precision,
    ) -> Result<(), EngineError> {
        for step in 0..steps.min(self.steps()) {
            for replica in 0..self.replicas {
                for (group, &entry) in self.get(step, replica).iter().enumerate() {
                    if entry.moments.is_some() != (optimiser == Optimiser::AdamW) {
                        return Err(EngineError::HyperOptimiser {
                            step,
                            replica,
                            group,
                            optimiser,
                        });
                    }
                    if !entry.update(optimiser).fits(precision) {
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
