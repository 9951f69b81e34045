//! AdamW, and the hyperparameters with which a stock Adam is to follow it.

use std::path::Path;

use schedule_core::law::decoupled::AdamWLaw;
use schedule_core::optimiser::AdamWHyperparameters;
use serde_json::{Value, json};

const STEPS: u32 = 200;

/// Writes the hyperparameters of both optimisers at each step, and how their states relate.
pub(super) fn write_steps(path: &Path) -> Result<(), String> {
    let mut law = AdamWLaw::new();
    let steps: Result<Vec<Value>, _> = (0..STEPS)
        .map(|step| {
            let with = hyperparameters(f64::from(step) / f64::from(STEPS));
            law.step(with).map(|twin| {
                let stock = twin.stock.hyperparameters();
                json!({
                    "lr": with.learning_rate,
                    "weight_decay": with.weight_decay,
                    "betas": [with.beta1, with.beta2],
                    "eps": with.epsilon,
                    "ln_scale": twin.decoupled.ln_scale,
                    "stock": {
                        "lr": stock.learning_rate,
                        "betas": [stock.beta1, stock.beta2],
                        "eps": stock.epsilon,
                        "scales_after": [
                            twin.stock.first_moment_scale_after,
                            twin.stock.second_moment_scale_after,
                        ],
                    },
                })
            })
        })
        .collect();
    let steps = steps.map_err(|error| error.to_string())?;
    super::write(path, Value::from(steps).to_string().as_bytes())
}

/// Of a run of which a part is done: the rate is warmed up and then falls, momentum goes the other way, and
/// ε is large enough to matter.
fn hyperparameters(done: f64) -> AdamWHyperparameters {
    let height = (done / 0.2).min((1.0 - done) / 0.8);
    AdamWHyperparameters {
        learning_rate: 0.02 * height,
        weight_decay: 2.0,
        beta1: 0.95 - 0.1 * height,
        beta2: 0.99,
        epsilon: 1e-3,
    }
}
