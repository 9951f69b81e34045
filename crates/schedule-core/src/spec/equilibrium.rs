//! The equilibrium of weight decay and gradients, in the mean.

use proptest::test_runner::TestCaseError;

use super::property::property;
use super::{Outcome, Settings, Statement};
use crate::Hyperparameters;
use crate::equilibrium::Equilibrium;
use crate::law::exact::ConstantPhase;

const SOURCES: &str = "Li, Lyu & Arora, arXiv:2010.02916; Wan et al., arXiv:2006.08419; texp";

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "equilibrium/norm",
        words: "under constant hyperparameters and gradients of noise the mean square of the parameters tends to the predicted one",
        formula: "‖θ‖⁴ → ησ²/(2λ(1−γ)),  to first order in ηλ",
        source: SOURCES,
        tolerance: 6e-4,
        property: |settings, tolerance| simulated(settings, tolerance, Prediction::Norm),
    },
    Statement {
        id: "equilibrium/time-constant",
        words: "‖θ‖⁴ relaxes to it exponentially, with the predicted time constant",
        formula: "(1−γ)/(4ηλ) steps,  to first order in ηλ",
        source: SOURCES,
        tolerance: 6e-4,
        property: |settings, tolerance| simulated(settings, tolerance, Prediction::TimeConstant),
    },
    Statement {
        id: "equilibrium/rotation",
        words: "there every step turns the parameters by the predicted angle",
        formula: "η‖b‖/‖θ‖ = √(2ηλ/(1+γ)),  to first order in ηλ",
        source: SOURCES,
        tolerance: 6e-4,
        property: |settings, tolerance| simulated(settings, tolerance, Prediction::Rotation),
    },
];

/// What is predicted.
#[derive(Clone, Copy)]
enum Prediction {
    Norm,
    TimeConstant,
    Rotation,
}

/// `E‖θ‖²`, `E⟨θ, b⟩` and `E‖b‖²`.
#[derive(Clone, Copy)]
struct Moments {
    square: f64,
    product: f64,
    buffer_square: f64,
}

impl Moments {
    /// A step of SGD with a gradient that is orthogonal to the parameters and, in the mean, to the
    /// buffer, `E‖g‖² = σ²/E‖θ‖²`.
    fn stepped(self, with: Hyperparameters, noise: f64) -> Self {
        let Hyperparameters {
            learning_rate,
            weight_decay,
            momentum,
        } = with;
        // ⟨θ, b'⟩ of b' = γb + g + λθ.
        let along = momentum * self.product + weight_decay * self.square;
        let buffer_square = momentum * momentum * self.buffer_square
            + noise * noise / self.square
            + weight_decay * weight_decay * self.square
            + 2.0 * momentum * weight_decay * self.product;
        Self {
            square: self.square - 2.0 * learning_rate * along
                + learning_rate * learning_rate * buffer_square,
            product: along - learning_rate * buffer_square,
            buffer_square,
        }
    }
}

fn simulated(settings: &Settings, tolerance: f64, prediction: Prediction) -> Outcome {
    let cases = (0.0..0.9, 3e-5..1e-4, -7.0..0.0, 0.1..10.0, 0.3..2.0);
    property(
        settings,
        tolerance,
        cases,
        |(momentum, part, ln_rate, noise, start): (f64, f64, f64, f64, f64), tamper| {
            let learning_rate = ln_rate.exp();
            let with = Hyperparameters {
                learning_rate,
                weight_decay: part * (1.0 - momentum).powi(2) / learning_rate,
                momentum,
            };
            let (expected, found) = compare(with, noise, start, prediction)?;
            Ok((found * tamper.factor::<f64>() / expected - 1.0).abs())
        },
    )
}

/// The predicted and the simulated number, from `start` times the predicted `‖θ‖²` and no buffer.
fn compare(
    with: Hyperparameters,
    noise: f64,
    start: f64,
    prediction: Prediction,
) -> Result<(f64, f64), TestCaseError> {
    let predicted = Equilibrium::new(ConstantPhase::new(with)?);
    let constant = predicted.fourth_power_time_constant();
    let square = predicted.squared_norm(noise);
    let advanced = |mut moments: Moments, steps: u64| {
        for _ in 0..steps {
            moments = moments.stepped(with, noise);
        }
        moments
    };
    let initial = Moments {
        square: square * start,
        product: 0.0,
        buffer_square: 0.0,
    };
    // Until the buffer is full.
    let filled = (20.0 / (1.0 - with.momentum)) as u64;
    let from = advanced(initial, filled + constant as u64 / 2);
    let apart = constant as u64;
    let to = advanced(from, apart);
    let end = advanced(to, (9.0 * constant) as u64);
    Ok(match prediction {
        Prediction::Norm => (square, end.square),
        Prediction::Rotation => {
            let turned = with.learning_rate * (end.buffer_square / end.square).sqrt();
            (predicted.rotation_per_step(), turned)
        }
        Prediction::TimeConstant => {
            let missing = |moments: Moments| end.square.powi(2) - moments.square.powi(2);
            (constant, apart as f64 / (missing(from) / missing(to)).ln())
        }
    })
}
