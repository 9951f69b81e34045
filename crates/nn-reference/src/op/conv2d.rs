//! Two-dimensional convolution.
//!
//! `y[n, o, i, j] = b[o] + Σ_{c,u,v} w[o, c, u, v] · x̂[n, c, s·i + u, s·j + v]`, `x̂` the input with
//! `p` zeros on each side. Shapes: `x [N, C, H, W]`, `w [O, C, k, k]`, `b [O]`, `y [N, O, H', W']`
//! with `H' = ⌊(H + 2p − k)/s⌋ + 1`.
//!
//! Backward, with `g = ∂L/∂y`:
//! `∂L/∂x̂[n, c, s·i + u, s·j + v] += w[o, c, u, v] · g[n, o, i, j]`,
//! `∂L/∂w[o, c, u, v] = Σ_{n,i,j} g[n, o, i, j] · x̂[n, c, s·i + u, s·j + v]`, `∂L/∂b[o] = Σ_{n,i,j} g`.
//!
//! Factors of products (`x`, `w`, and `g` but in `∂L/∂b`) are rounded to the format that is multiplied
//! in; what is summed is float64.
//!
//! All three are one loop nest over `(o, c, u, v, i)` with the columns `j` innermost, a pass over two
//! rows in memory.

use std::borrow::Cow;

use ndarray::parallel::prelude::*;
use ndarray::{ArrayView3, ArrayViewMut3};
use nn_engine::Products;
use nn_graph::Shape;
use nn_graph::op::Conv2d;

use super::{sum_in_order, vector};
use crate::Tensor;

/// Gradients of the loss.
pub(crate) struct Conv2dGradients {
    pub(crate) input: Tensor,
    pub(crate) weight: Tensor,
    pub(crate) bias: Tensor,
}

/// Elements of `x̂` for one image, for sizes that have not been checked yet.
pub(crate) fn padded_elements(conv: &Conv2d, input: &Shape) -> u128 {
    let around = |size: usize| size as u128 + 2 * conv.padding as u128;
    let (channels, height, width) = input.image().unwrap_or_default();
    channels as u128 * around(height) * around(width)
}

/// `y`.
pub(crate) fn forward(
    conv: &Conv2d,
    products: Products,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
) -> Tensor {
    let (x, weight) = (&*rounded(products, x), &*rounded(products, weight));
    let sizes = Sizes::new(conv, x, weight);
    let w: Vec<f64> = weight.iter().copied().collect();
    let mut y = Tensor::zeros((x.dim().0, sizes.out, sizes.out_height, sizes.out_width));
    y.outer_iter_mut()
        .into_par_iter()
        .zip(x.outer_iter().into_par_iter())
        .for_each(|(mut y, x)| {
            let padded = sizes.pad(x);
            let mut image = vec![0.0; y.len()];
            if let Some(bias) = bias {
                for (plane, &bias) in image.chunks_mut(sizes.positions()).zip(bias) {
                    plane.fill(bias);
                }
            }
            sizes.for_each_row_pair(|weight, input, output| {
                let x = &padded[input..];
                add_scaled(
                    &mut image[output..][..sizes.out_width],
                    w[weight],
                    x,
                    sizes.stride,
                );
            });
            put(&mut y, &image);
        });
    y
}

/// All gradients, from `g = ∂L/∂y` of the shape of `y`.
pub(crate) fn backward(
    conv: &Conv2d,
    products: Products,
    x: &Tensor,
    weight: &Tensor,
    g: &Tensor,
) -> Conv2dGradients {
    let (x, weight) = (&*rounded(products, x), &*rounded(products, weight));
    let factors = rounded(products, g);
    let sizes = Sizes::new(conv, x, weight);
    let w: Vec<f64> = weight.iter().copied().collect();
    let mut input = Tensor::zeros(x.dim());
    let contributions: Vec<Tensor> = input
        .outer_iter_mut()
        .into_par_iter()
        .zip(x.outer_iter().into_par_iter())
        .zip(factors.outer_iter().into_par_iter())
        .map(|((mut input, x), g)| {
            let g: Vec<f64> = g.iter().copied().collect();
            sizes.crop(&input_gradient(&sizes, &w, &g), &mut input);
            let weight_gradient = weight_gradient(&sizes, &sizes.pad(x), &g);
            let mut elements = weight_gradient.iter();
            Tensor::from_shape_simple_fn(weight.dim(), || {
                elements.next().map_or(0.0, |lanes| lanes.iter().sum())
            })
        })
        .collect();
    let mut bias = vec![0.0; sizes.out];
    for image in g.outer_iter() {
        for (sum, plane) in bias.iter_mut().zip(image.outer_iter()) {
            *sum += plane.sum();
        }
    }
    Conv2dGradients {
        input,
        weight: sum_in_order(weight.raw_dim(), &contributions),
        bias: vector(&bias),
    }
}

/// A tensor's values as they are multiplied.
fn rounded(products: Products, tensor: &Tensor) -> Cow<'_, Tensor> {
    match products.rounds() {
        false => Cow::Borrowed(tensor),
        true => Cow::Owned(tensor.mapv(|value| products.round(value))),
    }
}

/// `∂L/∂x̂` of one image, `[C, H + 2p, W + 2p]`.
fn input_gradient(sizes: &Sizes, w: &[f64], g: &[f64]) -> Vec<f64> {
    let mut padded = vec![0.0; sizes.padded_len()];
    sizes.for_each_row_pair(|weight, input, output| {
        let g = &g[output..][..sizes.out_width];
        add_scaled_apart(&mut padded[input..], w[weight], g, sizes.stride);
    });
    padded
}

/// One image's contribution to `∂L/∂w`: each element is the sum of its lanes.
fn weight_gradient(sizes: &Sizes, padded: &[f64], g: &[f64]) -> Vec<[f64; LANES]> {
    let mut sums = vec![[0.0; LANES]; sizes.weights()];
    sizes.for_each_row_pair(|weight, input, output| {
        let g = &g[output..][..sizes.out_width];
        add_products(&mut sums[weight], g, &padded[input..], sizes.stride);
    });
    sums
}

/// Partial sums of a dot product: one sum would wait for itself at every term.
const LANES: usize = 8;

/// `y[j] += w · x[s·j]`.
#[inline]
fn add_scaled(y: &mut [f64], w: f64, x: &[f64], stride: usize) {
    if stride == 1 {
        for (y, x) in y.iter_mut().zip(x) {
            *y += w * x;
        }
    } else {
        for (y, x) in y.iter_mut().zip(x.iter().step_by(stride)) {
            *y += w * x;
        }
    }
}

/// `x[s·j] += w · y[j]`.
#[inline]
fn add_scaled_apart(x: &mut [f64], w: f64, y: &[f64], stride: usize) {
    if stride == 1 {
        for (x, y) in x.iter_mut().zip(y) {
            *x += w * y;
        }
    } else {
        for (x, y) in x.iter_mut().step_by(stride).zip(y) {
            *x += w * y;
        }
    }
}

/// `Σ_j g[j] · x[s·j]`, term `j` in lane `j mod LANES`.
#[inline]
fn add_products(sums: &mut [f64; LANES], g: &[f64], x: &[f64], stride: usize) {
    if stride == 1 {
        let (g_chunks, g_rest) = g.as_chunks::<LANES>();
        let (x_chunks, x_rest) = x[..g.len()].as_chunks::<LANES>();
        for (g, x) in g_chunks.iter().zip(x_chunks) {
            for lane in 0..LANES {
                sums[lane] += g[lane] * x[lane];
            }
        }
        for ((sum, g), x) in sums.iter_mut().zip(g_rest).zip(x_rest) {
            *sum += g * x;
        }
    } else {
        for (j, (g, x)) in g.iter().zip(x.iter().step_by(stride)).enumerate() {
            sums[j % LANES] += g * x;
        }
    }
}

/// All sizes of a convolution of one image.
struct Sizes {
    out: usize,
    channels: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    padded_height: usize,
    padded_width: usize,
    out_height: usize,
    out_width: usize,
}

impl Sizes {
    fn new(conv: &Conv2d, x: &Tensor, weight: &Tensor) -> Self {
        let (_, channels, height, width) = x.dim();
        let (out, _, kernel, _) = weight.dim();
        let padded = |size: usize| size + 2 * conv.padding;
        let extent = |size: usize| (padded(size) - kernel) / conv.stride + 1;
        Self {
            out,
            channels,
            kernel,
            stride: conv.stride,
            padding: conv.padding,
            padded_height: padded(height),
            padded_width: padded(width),
            out_height: extent(height),
            out_width: extent(width),
        }
    }

    /// `H'·W'`.
    fn positions(&self) -> usize {
        self.out_height * self.out_width
    }

    /// `O·C·k²`.
    fn weights(&self) -> usize {
        self.out * self.channels * self.kernel * self.kernel
    }

    /// Elements of the padded input.
    fn padded_len(&self) -> usize {
        self.channels * self.padded_height * self.padded_width
    }

    /// The loop nest: for every weight `(o, c, u, v)` and output row `i`, calls `visit` with the
    /// positions in memory of the weight, of `x̂[c, s·i + u, v]` and of `y[o, i, 0]`.
    #[inline]
    fn for_each_row_pair(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let mut weight = 0;
        for o in 0..self.out {
            for c in 0..self.channels {
                for u in 0..self.kernel {
                    for v in 0..self.kernel {
                        for i in 0..self.out_height {
                            let row = c * self.padded_height + self.stride * i + u;
                            let input = row * self.padded_width + v;
                            let output = (o * self.out_height + i) * self.out_width;
                            visit(weight, input, output);
                        }
                        weight += 1;
                    }
                }
            }
        }
    }

    /// `x̂`.
    fn pad(&self, x: ArrayView3<'_, f64>) -> Vec<f64> {
        let mut padded = vec![0.0; self.padded_len()];
        for ((c, y, x), &value) in x.indexed_iter() {
            padded[self.position(c, y, x)] = value;
        }
        padded
    }

    /// The inverse of [`pad`](Self::pad).
    fn crop(&self, padded: &[f64], x: &mut ArrayViewMut3<'_, f64>) {
        for ((c, y, x), value) in x.indexed_iter_mut() {
            *value = padded[self.position(c, y, x)];
        }
    }

    /// Where the unpadded position is in the padded input.
    fn position(&self, c: usize, y: usize, x: usize) -> usize {
        (c * self.padded_height + y + self.padding) * self.padded_width + x + self.padding
    }
}

/// Row-major values into a tensor.
fn put(tensor: &mut ArrayViewMut3<'_, f64>, values: &[f64]) {
    for (element, &value) in tensor.iter_mut().zip(values) {
        *element = value;
    }
}

#[cfg(test)]
mod tests {
    use super::super::finite_differences::{conv, random};
    use super::*;

    /// Three products in the format, and `∂L/∂b`, which is no product, in full.
    #[test]
    fn all_factors_are_rounded_and_nothing_else() {
        let conv = conv(4, 3, 2, 1);
        let (x, w) = (random(1, (2, 3, 5, 4)), random(2, (4, 3, 3, 3)));
        for products in [Products::Tf32, Products::Bf16] {
            let in_full = Products::Full;
            let [rx, rw] = [&x, &w].map(|t| t.mapv(|value| products.round(value)));
            let y = forward(&conv, products, &x, &w, None);
            assert_eq!(y, forward(&conv, in_full, &rx, &rw, None));
            assert_ne!(y, forward(&conv, in_full, &rx, &w, None));
            assert_ne!(y, forward(&conv, in_full, &x, &rw, None));

            let g = random(3, y.dim());
            let rg = g.mapv(|value| products.round(value));
            let found = backward(&conv, products, &x, &w, &g);
            let wanted = backward(&conv, in_full, &rx, &rw, &rg);
            assert_eq!((found.input, found.weight), (wanted.input, wanted.weight));
            let unrounded = backward(&conv, in_full, &x, &w, &g);
            assert_eq!(found.bias, unrounded.bias);
            assert_ne!(found.bias, wanted.bias);
        }
    }
}
