//! Loss and gradient of a batch: from weights to logits, and back.

use serde::{Deserialize, Serialize};

use crate::Batch;

/// How the weights `w` and a batch `x_1 … x_B` give logits `z_b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Logit {
    /// `z_b = ⟨w, x_b⟩`: no normalisation.
    Linear,
    /// `z_b = (⟨w, x_b⟩ − μ)/s`, with mean `μ` and standard deviation `s` of the batch: batch normalisation, without
    /// affine and with `ε = 0`. Where `s` is 0 all logits are, and so is the gradient.
    BatchNorm,
    /// `z_b = ⟨w, x_b⟩/‖w‖`: what batch normalisation tends to for large batches, since `⟨w, x⟩ ~ N(0, ‖w‖²)`. The
    /// theorem on nonconvergence is about it.
    UnitNorm,
}

/// Room for what a batch needs in between, kept from step to step.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// `⟨w, x_b⟩`, then `z_b`.
    logits: Vec<f64>,
    /// `∂ℓ_b/∂z_b`.
    slopes: Vec<f64>,
}

/// The mean logistic loss `L = (1/B) Σ ln(1 + e^{−y_b z_b})` of a batch, in nats; writes its gradient `∇L(w)` to
/// `gradient`, which is as long as `weights`.
///
/// With `g_b = ∂ℓ_b/∂z_b = σ(z_b) − [y_b = 1]`, σ the logistic function, and a bar for the mean of a batch:
/// ```text
/// Linear       ∇L = mean(g_b x_b)
/// UnitNorm     ∇L = mean(g_b x_b)/‖w‖ − mean(g z) w/‖w‖²
/// BatchNorm    ∇L = mean((g_b − ḡ − z_b mean(g z)) x_b)/s
/// ```
/// The last goes through mean and standard deviation of the batch: what a step cannot do, shift or scale all logits,
/// is taken off `g`. Its bracket is the residual of the regression of `g` on `1` and `z`, and so is 0 for two samples.
///
/// ```
/// use toy::{Batch, Logit, Samples, Scratch, loss_and_gradient};
///
/// let (mut batch, mut gradient) = (Batch::new(3, 8), vec![0.0; 3]);
/// Samples::new(1).batch(0, &mut batch);
/// let w = [0.5, -1.0, 2.0];
/// loss_and_gradient(Logit::BatchNorm, &w, &batch, &mut gradient, &mut Scratch::default());
/// // The loss does not depend on the length of w, so nothing pulls along it.
/// let along: f64 = w.iter().zip(&gradient).map(|(w, g)| w * g).sum();
/// assert!(along.abs() < 1e-15);
/// ```
pub fn loss_and_gradient(
    logit: Logit,
    weights: &[f64],
    batch: &Batch,
    gradient: &mut [f64],
    scratch: &mut Scratch,
) -> f64 {
    let Scratch { logits, slopes } = scratch;
    let size = batch.size().max(1) as f64;
    logits.clear();
    logits.extend(batch.samples().map(|(x, _)| dot(weights, x)));
    let scale = match logit {
        Logit::Linear => 1.0,
        Logit::UnitNorm => dot(weights, weights).sqrt(),
        Logit::BatchNorm => {
            let mean = logits.iter().sum::<f64>() / size;
            logits.iter_mut().for_each(|z| *z -= mean);
            (dot(logits, logits) / size).sqrt()
        }
    };
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    logits.iter_mut().for_each(|z| *z *= inverse);

    slopes.clear();
    let mut loss = 0.0;
    for ((_, label), z) in batch.samples().zip(logits.iter()) {
        let margin = label * z;
        // e^{−|margin|} cannot overflow, and both are exact in their tails.
        let small = (-margin.abs()).exp();
        loss += small.ln_1p() + (-margin).max(0.0);
        let wrong = if margin > 0.0 { small } else { 1.0 } / (1.0 + small);
        slopes.push(-label * wrong);
    }
    let slope_along = match logit {
        Logit::Linear => 0.0,
        Logit::UnitNorm | Logit::BatchNorm => dot(slopes, logits) / size,
    };
    let slope_of_shift = match logit {
        Logit::Linear | Logit::UnitNorm => 0.0,
        Logit::BatchNorm => slopes.iter().sum::<f64>() / size,
    };
    gradient.fill(0.0);
    for (((x, _), slope), z) in batch.samples().zip(slopes.iter()).zip(logits.iter()) {
        let coefficient = match logit {
            Logit::Linear | Logit::UnitNorm => *slope,
            Logit::BatchNorm => slope - slope_of_shift - z * slope_along,
        } * (inverse / size);
        for (g, x) in gradient.iter_mut().zip(x) {
            *g += coefficient * x;
        }
    }
    if logit == Logit::UnitNorm {
        for (g, w) in gradient.iter_mut().zip(weights) {
            *g -= slope_along * inverse * inverse * w;
        }
    }
    loss / size
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
