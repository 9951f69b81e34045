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
    /// `‖w_a/‖w_a‖ − w_b/‖w_b‖‖₂`, between the directions of both: 0 for the same one, √2 for a right angle, 2 for
    /// opposite ones. Unlike `1 − cosine`, half its square, it sees differences that are smaller than the root of a
    /// float64's rounding. A tensor of zeros has no direction: 1 if one is, 0 if both are.
    pub distance: f64,
}

impl ParameterComparison {
    /// From the elements of both, which are read twice, in float64.
    ///
    /// ```
    /// use nn_engine::ParameterComparison;
    ///
    /// let (a, b) = ([3.0, 4.0], [-8.0, 6.0]);
    /// let compared = ParameterComparison::of(a.into_iter().zip(b));
    /// assert_eq!((compared.norm_a, compared.norm_b), (5.0, 10.0));
    /// assert!((compared.distance - f64::sqrt(2.0)).abs() < 1e-15);
    /// ```
    pub fn of(elements: impl Iterator<Item = (f64, f64)> + Clone) -> Self {
        let norm_a = norm(elements.clone().map(|(a, _)| a));
        let norm_b = norm(elements.clone().map(|(_, b)| b));
        let unit = |value: f64, norm: f64| if norm == 0.0 { 0.0 } else { value / norm };
        Self {
            norm_a,
            norm_b,
            distance: norm(elements.map(|(a, b)| unit(a, norm_a) - unit(b, norm_b))),
        }
    }
}

/// `‖x‖₂`, with the roundings of the sum put back (Kahan): those of a norm would pass for a distance.
fn norm(elements: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0, 0.0);
    for x in elements {
        let term = x * x - lost;
        let next = sum + term;
        lost = (next - sum) - term;
        sum = next;
    }
    f64::sqrt(sum)
}

#[cfg(test)]
mod tests {
    use super::ParameterComparison;

    fn distance(a: &[f64], b: &[f64]) -> f64 {
        ParameterComparison::of(a.iter().copied().zip(b.iter().copied())).distance
    }

    #[test]
    fn directions_are_compared_whatever_the_lengths() {
        let a: Vec<f64> = (1..10_000).map(|i| f64::from(i).sin()).collect();
        let longer: Vec<f64> = a.iter().map(|x| 1e80 * x).collect();
        let opposite: Vec<f64> = a.iter().map(|x| -3.0 * x).collect();
        assert!(distance(&a, &longer) < 2e-16);
        assert!((distance(&a, &opposite) - 2.0).abs() < 1e-15);
    }

    #[test]
    fn a_difference_far_below_what_a_cosine_can_tell_is_seen() {
        // In the plane, an angle is the distance; 1 − cosine is 5e-25 here, which is 0 in float64.
        assert!((distance(&[1.0, 0.0], &[7.0, 7e-12]) - 1e-12).abs() < 1e-27);
    }

    #[test]
    fn zeros_have_no_direction() {
        assert_eq!(distance(&[0.0, 0.0], &[3.0, 4.0]), 1.0);
        assert_eq!(distance(&[0.0], &[0.0]), 0.0);
        assert_eq!(distance(&[], &[]), 0.0);
    }

    #[test]
    fn what_is_not_finite_stays_so() {
        assert!(distance(&[f64::NAN, 1.0], &[1.0, 1.0]).is_nan());
        assert!(distance(&[f64::INFINITY, 1.0], &[1.0, 1.0]).is_nan());
    }
}
