//! Fully connected layer.
//!
//! `y[n, o] = b[o] + Σ_i w[o, i] · x[n, i]`. Shapes: `x [N, I]`, `w [O, I]`, `b [O]`, `y [N, O]`, each
//! padded with ones to four dimensions.
//!
//! Backward, with `g = ∂L/∂y`: `∂L/∂x[n, i] = Σ_o w[o, i] · g[n, o]`,
//! `∂L/∂w[o, i] = Σ_n g[n, o] · x[n, i]`, `∂L/∂b[o] = Σ_n g[n, o]`.

use crate::Tensor;

/// Gradients of the loss.
pub(crate) struct LinearGradients {
    pub(crate) input: Tensor,
    pub(crate) weight: Tensor,
    pub(crate) bias: Tensor,
}

/// `y`.
pub(crate) fn forward(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let (images, features, ..) = x.dim();
    let out = weight.dim().0;
    Tensor::from_shape_fn((images, out, 1, 1), |(n, o, ..)| {
        let mut sum = bias.map_or(0.0, |bias| bias[[o, 0, 0, 0]]);
        for i in 0..features {
            sum += weight[[o, i, 0, 0]] * x[[n, i, 0, 0]];
        }
        sum
    })
}

/// All gradients, from `g = ∂L/∂y`.
pub(crate) fn backward(x: &Tensor, weight: &Tensor, g: &Tensor) -> LinearGradients {
    let (images, features, ..) = x.dim();
    let out = weight.dim().0;
    let mut input = Tensor::zeros(x.dim());
    let mut weight_gradient = Tensor::zeros(weight.dim());
    let mut bias = Tensor::zeros((out, 1, 1, 1));
    for n in 0..images {
        for o in 0..out {
            let g = g[[n, o, 0, 0]];
            bias[[o, 0, 0, 0]] += g;
            for i in 0..features {
                input[[n, i, 0, 0]] += weight[[o, i, 0, 0]] * g;
                weight_gradient[[o, i, 0, 0]] += g * x[[n, i, 0, 0]];
            }
        }
    }
    LinearGradients {
        input,
        weight: weight_gradient,
        bias,
    }
}
