//! What an engine reports.

/// One training step of one replica, on the batch it was computed from (before the update).
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct StepStats {
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Images whose largest logit was the right one.
    pub correct: u32,
}

/// [`StepStats`] for `[step][replica]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    replicas: usize,
    rows: Vec<StepStats>,
}

impl Stats {
    /// Room for `steps` steps of `replicas` replicas, all zero.
    pub fn new(steps: usize, replicas: usize) -> Self {
        Self {
            replicas,
            rows: vec![StepStats::default(); steps * replicas],
        }
    }

    /// One step of one replica.
    ///
    /// # Panics
    /// If `step` or `replica` is outside the table.
    pub fn get(&self, step: usize, replica: usize) -> StepStats {
        assert!(
            replica < self.replicas,
            "replica {replica} of {}",
            self.replicas
        );
        self.rows[step * self.replicas + replica]
    }

    /// Enters one step of one replica.
    ///
    /// # Panics
    /// If `step` or `replica` is outside the table.
    pub fn set(&mut self, step: usize, replica: usize, stats: StepStats) {
        assert!(
            replica < self.replicas,
            "replica {replica} of {}",
            self.replicas
        );
        self.rows[step * self.replicas + replica] = stats;
    }
}

/// Result on a whole split, with running statistics.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Evaluation {
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Images classified correctly.
    pub correct: usize,
    /// Images in all.
    pub images: usize,
}

impl Evaluation {
    /// Share of images classified correctly, 0 for an empty split.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.images.max(1) as f64
    }
}

/// One parameter tensor of two replicas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParameterComparison {
    /// `‖w_a‖₂`.
    pub norm_a: f64,
    /// `‖w_b‖₂`.
    pub norm_b: f64,
    /// `⟨w_a, w_b⟩ / (‖w_a‖‖w_b‖)`; 1 if both are zero, 0 if one is.
    pub cosine: f64,
}

impl ParameterComparison {
    /// From the elements of both, accumulated in float64.
    pub fn of(elements: impl Iterator<Item = (f64, f64)>) -> Self {
        let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
        for (a, b) in elements {
            aa += a * a;
            bb += b * b;
            ab += a * b;
        }
        let (norm_a, norm_b) = (f64::sqrt(aa), f64::sqrt(bb));
        let cosine = match (norm_a > 0.0, norm_b > 0.0) {
            (true, true) => ab / norm_a / norm_b,
            (false, false) => 1.0,
            _ => 0.0,
        };
        Self {
            norm_a,
            norm_b,
            cosine,
        }
    }
}
