//! The update of one parameter, in the order of its formula.

use ndarray::Zip;
use nn_engine::Update;

use crate::Tensor;

/// What is kept of a parameter's gradients.
#[derive(Clone, Debug)]
pub(crate) enum Memory {
    /// `b`.
    Momentum(Tensor),
    /// `m` and `v`.
    Moments(Tensor, Tensor),
}

impl Memory {
    /// The buffer at this place of those that a state has for a parameter.
    pub(crate) fn buffer(&self, kind: usize) -> Option<&Tensor> {
        match (self, kind) {
            (Self::Momentum(buffer) | Self::Moments(buffer, _), 0) => Some(buffer),
            (Self::Moments(_, second), 1) => Some(second),
            _ => None,
        }
    }

    /// Takes a gradient in, and moves the parameter (see [`Update`] for the formulas).
    pub(crate) fn update(&mut self, parameter: &mut Tensor, gradient: &Tensor, with: &Update) {
        match self {
            Self::Momentum(buffer) => {
                Zip::from(buffer)
                    .and(parameter)
                    .and(gradient)
                    .for_each(|b, theta, g| {
                        *b = with.momentum * *b + g + with.coupled_decay * *theta;
                        *theta -= with.decay * *theta;
                        *theta -= with.rate * *b;
                    });
            }
            Self::Moments(first, second) => {
                Zip::from(first)
                    .and(second)
                    .and(parameter)
                    .and(gradient)
                    .for_each(|m, v, theta, g| {
                        *m = with.momentum * *m + with.first_weight * g;
                        *v = with.second_keep * *v + with.second_weight * (g * g);
                        let direction = match *m == 0.0 {
                            true => 0.0,
                            false => *m / (v.sqrt() + with.epsilon),
                        };
                        *theta -= with.decay * *theta;
                        *theta -= with.rate * direction;
                    });
            }
        }
    }
}
