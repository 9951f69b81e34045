//! Mean softmax cross-entropy.
//!
//! `L = (1/N) Σ_n (ln Σ_k exp z[n, k] − z[n, label_n])` in nats, logits `z [N, classes]`;
//! backward: `∂L/∂z[n, k] = (softmax(z[n])[k] − [k = label_n]) / N`.

use crate::Tensor;

/// Loss of a batch.
pub(crate) struct BatchLoss {
    /// `Σ_n`, not yet divided by `N`.
    pub(crate) sum: f64,
    /// Images whose largest logit (the first of equals) was the right one.
    pub(crate) correct: u32,
    /// `∂L/∂z` of the mean.
    pub(crate) gradient: Tensor,
}

/// Loss and gradient of logits `[N, classes, 1, 1]`; `labels` holds a class below `classes` for each
/// image.
pub(crate) fn softmax_cross_entropy(logits: &Tensor, labels: &[u8]) -> BatchLoss {
    let (images, classes, ..) = logits.dim();
    let (mut sum, mut correct) = (0.0, 0);
    let mut gradient = Tensor::zeros(logits.dim());
    for (n, &label) in labels.iter().enumerate() {
        let label = usize::from(label);
        let logit = |k: usize| logits[[n, k, 0, 0]];
        let mut largest = 0;
        for k in 1..classes {
            if logit(k) > logit(largest) {
                largest = k;
            }
        }
        // Subtracting the largest keeps exp in range.
        let shifted = |k: usize| logit(k) - logit(largest);
        let normaliser: f64 = (0..classes).map(|k| shifted(k).exp()).sum();
        let loss = normaliser.ln() - shifted(label);
        sum += loss;
        // A logit that is not a number compares with nothing, and then no class was told.
        correct += u32::from(largest == label && !loss.is_nan());
        for k in 0..classes {
            let target = f64::from(u8::from(k == label));
            gradient[[n, k, 0, 0]] = (shifted(k).exp() / normaliser - target) / images as f64;
        }
    }
    BatchLoss {
        sum,
        correct,
        gradient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_and_extreme_logits() {
        let two = Tensor::from_shape_vec((2, 2, 1, 1), vec![0.0, 0.0, 1e4, -1e4]).unwrap();
        let loss = softmax_cross_entropy(&two, &[0, 1]);
        assert!((loss.sum - (2f64.ln() + 2e4)).abs() < 1e-9);
        assert_eq!(loss.correct, 1);
        let expected = [-0.25, 0.25, 0.5, -0.5];
        for (found, wanted) in loss.gradient.iter().zip(expected) {
            assert!((found - wanted).abs() < 1e-15);
        }
    }

    #[test]
    fn a_logit_that_is_no_number_is_never_right() {
        let logits = vec![f64::NAN, 0.0, f64::NAN, 3.0];
        let bad = Tensor::from_shape_vec((2, 2, 1, 1), logits).unwrap();
        let loss = softmax_cross_entropy(&bad, &[0, 1]);
        assert!(loss.sum.is_nan());
        assert_eq!(loss.correct, 0);
    }
}
