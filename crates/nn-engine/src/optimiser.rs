//! What turns a gradient into an update.

use std::fmt;

use serde::Deserialize;

use crate::GroupHyper;

/// The rule by which an engine updates its parameters; what it takes at each step is in [`GroupHyper`].
///
/// | | kept of the gradients | an update |
/// | --- | --- | --- |
/// | SGD | `b ← γb + g + λθ` | `θ ← θ − ηb` |
/// | SGDW | `b ← γb + g` | `θ ← (1 − ηλ)θ − ηb` |
/// | AdamW | `m ← β₁m + w₁g`, `v ← β₂v + w₂g²` | `θ ← (1 − ηλ)θ − η (m/c₁)/(√(v/c₂) + ε)` |
///
/// Without weight decay the first two are the same, and the last is Adam. Each memory's coefficient, each weight of the
/// new gradient and each bias correction `c` is given by itself and for every step, since in the run without weight
/// decay that equals one with it they are not those of any `β`: `β₁a_{t−1}` and `β₂a_{t−1}²` are kept, at the weights
/// and corrections of the recipe's own `β₁` and `β₂`, with `ε A_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimiser {
    /// SGD with momentum and coupled (L2) weight decay, the learning rate outside the buffer.
    #[default]
    Sgd,
    /// SGD with momentum and decoupled weight decay (Loshchilov & Hutter, arXiv:1711.05101).
    Sgdw,
    /// Adam with decoupled weight decay (the same).
    AdamW,
}

impl Optimiser {
    /// Of each tensor that is kept for a parameter: the end of its name, and its degree in the gradients, in the order
    /// of a state.
    pub(crate) fn buffers(self) -> &'static [(&'static str, i64)] {
        match self {
            Self::Sgd | Self::Sgdw => &[("momentum_buffer", 1)],
            Self::AdamW => &[("first_moment", 1), ("second_moment", 2)],
        }
    }

    /// Names of the tensors that a state holds for a parameter that is trained: `p.momentum_buffer`, or
    /// `p.first_moment` and `p.second_moment`.
    ///
    /// ```
    /// use nn_engine::Optimiser;
    /// let names: Vec<_> = Optimiser::AdamW.buffer_names("conv.weight").collect();
    /// assert_eq!(names, ["conv.weight.first_moment", "conv.weight.second_moment"]);
    /// ```
    pub fn buffer_names(self, parameter: &str) -> impl Iterator<Item = String> {
        let ends = self.buffers().iter();
        ends.map(move |(end, _)| format!("{parameter}.{end}"))
    }

    /// `k`: gradients scaled by `c` give an update `u` in `θ ← θ − ηu` that is scaled by `c^k`.
    ///
    /// ```
    /// use nn_engine::Optimiser;
    /// assert_eq!([Optimiser::Sgd, Optimiser::Sgdw, Optimiser::AdamW].map(Optimiser::degree), [1, 1, 0]);
    /// ```
    pub fn degree(self) -> i64 {
        match self {
            Self::Sgd | Self::Sgdw => 1,
            Self::AdamW => 0,
        }
    }
}

impl fmt::Display for Optimiser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sgd => "SGD",
            Self::Sgdw => "SGDW",
            Self::AdamW => "AdamW",
        })
    }
}

/// The numbers of one update, found in float64 by every engine alike ([`GroupHyper::update`]):
/// ```text
/// SGD, SGDW: b ← momentum b + (g + coupled_decay θ)                                       u = b
/// AdamW:     m ← momentum m + first_weight g      v ← second_keep v + second_weight g²    u = m/(√v + epsilon)
/// then       θ ← (θ − decay θ) − rate u
/// ```
/// where `u = 0` if `m` is 0, whatever it is divided by. A shrinking factor `1 − ηλ` would lose in float32 all digits of
/// `ηλ` but a few; `decay` keeps them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update {
    /// `η`; of AdamW `η √c₂/c₁`.
    pub rate: f64,
    /// `ηλ` where weight decay is decoupled, else 0.
    pub decay: f64,
    /// `λ` where weight decay is coupled, else 0.
    pub coupled_decay: f64,
    /// What is kept of the momentum buffer or first moment.
    pub momentum: f64,
    /// Of the new gradient in the first moment; 1 without moments.
    pub first_weight: f64,
    /// What is kept of the second moment; 0 without moments.
    pub second_keep: f64,
    /// Of the new gradient's square in the second moment; 0 without moments.
    pub second_weight: f64,
    /// `ε √c₂`; 0 without moments.
    pub epsilon: f64,
}

impl GroupHyper {
    /// What an engine of this optimiser computes with.
    ///
    /// ```
    /// use nn_engine::{GroupHyper, Optimiser};
    /// let hyper = GroupHyper::new(0.5, 0.25, 0.9);
    /// let (sgd, sgdw) = (hyper.update(Optimiser::Sgd), hyper.update(Optimiser::Sgdw));
    /// assert_eq!((sgd.coupled_decay, sgd.decay), (0.25, 0.0));
    /// assert_eq!((sgdw.coupled_decay, sgdw.decay), (0.0, 0.125));
    /// ```
    pub fn update(&self, optimiser: Optimiser) -> Update {
        let (decay, coupled_decay) = match optimiser {
            Optimiser::Sgd => (0.0, self.weight_decay),
            Optimiser::Sgdw | Optimiser::AdamW => (self.learning_rate * self.weight_decay, 0.0),
        };
        let sgd = Update {
            rate: self.learning_rate,
            decay,
            coupled_decay,
            momentum: self.momentum,
            first_weight: 1.0,
            second_keep: 0.0,
            second_weight: 0.0,
            epsilon: 0.0,
        };
        let Some(moments) = self.moments else {
            return sgd;
        };
        let [first, second] = moments.bias_corrections;
        let root = second.sqrt();
        Update {
            rate: self.learning_rate * root / first,
            first_weight: moments.first_weight,
            second_keep: moments.second_keep,
            second_weight: moments.second_weight,
            epsilon: moments.epsilon * root,
            ..sgd
        }
    }
}
