//! Clipping of gradients in a run whose parameters change scale.

/// Clipping of the gradient by its norm, before weight decay is added.
///
/// A gradient in the run without weight decay is `g̃_t = A_t g_t`, so what it is compared with is multiplied
/// by `A_t` (new here):
/// ```text
/// g ← g · min(1, C/(‖g‖ + ε))        C̃_t = C A_t        ε̃_t = ε A_t
/// ```
/// Where groups have different scales, the threshold stays `C` and the norm is [`norm_of_groups`].
///
/// ```
/// use schedule_core::companions::NormClipping;
///
/// let clipping = NormClipping::pytorch(1.0);
/// let twin = clipping.equivalent(0.5f64.ln());
/// assert_eq!(twin.threshold, 0.5);
/// // Half the gradient is clipped by the same factor.
/// assert!((twin.factor(4.0) - clipping.factor(8.0)).abs() < 1e-16);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormClipping {
    /// `C`, the largest norm that is let through.
    pub threshold: f64,
    /// `ε`, added to the norm that is divided by.
    pub epsilon: f64,
}

impl NormClipping {
    /// PyTorch's `clip_grad_norm_(parameters, threshold)`, which adds 1e-6 to the norm.
    #[must_use]
    pub fn pytorch(threshold: f64) -> Self {
        Self {
            threshold,
            epsilon: 1e-6,
        }
    }

    /// The clipping of the run without weight decay, at `ln_scale = ln A_t` before the step.
    #[must_use]
    pub fn equivalent(&self, ln_scale: f64) -> Self {
        let scale = ln_scale.exp();
        Self {
            threshold: self.threshold * scale,
            epsilon: self.epsilon * scale,
        }
    }

    /// What a gradient of this norm is multiplied by.
    #[must_use]
    pub fn factor(&self, norm: f64) -> f64 {
        let factor = self.threshold / (norm + self.epsilon);
        // `f64::min` would turn a NaN, of a gradient that is not finite, into 1.
        if factor > 1.0 { 1.0 } else { factor }
    }
}

/// The norm that clipping by a common norm must use where groups have scales of their own,
/// `√Σ_p (‖g̃_p‖/A_t^{(p)})²`: that of the gradient of the run with weight decay (new here). Pairs of
/// `‖g̃_p‖` and `ln A_t^{(p)}`.
///
/// ```
/// let norm = schedule_core::companions::norm_of_groups([(3.0, 0.0), (2.0, 0.5f64.ln())]);
/// assert_eq!(norm, 5.0);
/// ```
#[must_use]
pub fn norm_of_groups(norms_and_ln_scales: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let original = |(norm, ln_scale): (f64, f64)| norm / ln_scale.exp();
    norms_and_ln_scales
        .into_iter()
        .map(original)
        .fold(0.0, f64::hypot)
}

/// Clipping of each entry of the gradient, before weight decay is added: `g_i ← clamp(g_i, −v, v)`, in the
/// run without weight decay `ṽ_t = v A_t` (new here).
///
/// Clipped so, a gradient is no longer orthogonal to the parameters; the law does not ask for that, only
/// for `g̃_t = A_t g_t`.
///
/// ```
/// use schedule_core::companions::ValueClipping;
///
/// let twin = ValueClipping { threshold: 1.0 }.equivalent(0.5f64.ln());
/// assert_eq!([-2.0, 0.25].map(|entry| twin.clipped(entry)), [-0.5, 0.25]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueClipping {
    /// `v`, the largest entry that is let through.
    pub threshold: f64,
}

impl ValueClipping {
    /// The clipping of the run without weight decay, at `ln_scale = ln A_t` before the step.
    #[must_use]
    pub fn equivalent(&self, ln_scale: f64) -> Self {
        Self {
            threshold: self.threshold * ln_scale.exp(),
        }
    }

    /// An entry of the gradient, clipped.
    #[must_use]
    pub fn clipped(&self, entry: f64) -> f64 {
        if entry.abs() > self.threshold {
            self.threshold.copysign(entry)
        } else {
            entry
        }
    }
}
