//! What of the weights the classifier's error depends on.

use std::f64::consts::PI;

/// The weights seen from the axis `e_1` that separates the classes: how far along it, how far off it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Direction {
    /// `w_1`.
    pub along: f64,
    /// `‖w_⊥‖`, the length of all other coordinates.
    pub off: f64,
}

impl Direction {
    /// Of these weights.
    #[must_use]
    pub fn of(weights: &[f64]) -> Self {
        match weights {
            [] => Self {
                along: 0.0,
                off: 0.0,
            },
            [first, rest @ ..] => Self {
                along: *first,
                off: rest.iter().map(|w| w * w).sum::<f64>().sqrt(),
            },
        }
    }

    /// The angle `θ = arccos(w_1/‖w‖)` between weights and axis, in radians, from 0 to π.
    ///
    /// It is computed as `atan2(‖w_⊥‖, w_1)`, which keeps its digits near 0 where the arc cosine has none.
    #[must_use]
    pub fn angle(self) -> f64 {
        self.off.atan2(self.along)
    }

    /// The share of samples that are on the wrong side, `P(⟨w, x⟩ y < 0) = θ/π`.
    ///
    /// In the plane of `w` and `e_1` the direction of a Gaussian sample is uniform, and it is misclassified in two
    /// sectors of angle θ out of 2π. A normalisation shifts and scales all logits alike; the shift of a batch's
    /// mean, which is 0 for the population, is left out.
    ///
    /// ```
    /// use toy::Direction;
    ///
    /// assert_eq!(Direction::of(&[0.0, 3.0, 4.0]).error(), 0.5);
    /// ```
    #[must_use]
    pub fn error(self) -> f64 {
        self.angle() / PI
    }

    /// `‖w‖²`.
    #[must_use]
    pub fn norm_squared(self) -> f64 {
        self.along * self.along + self.off * self.off
    }
}
