//! How large the rounding error of one convolution is, for each way to compute it.

use nn_graph::Shape;

use crate::Products;

/// How an engine computes its convolutions, as its own conformance test says: the bounds follow from it.
///
/// Errors are root mean squares relative to the exact result's, in units of the unit roundoff `u`. A sum of `n`
/// terms whose signs are random has partial sums of size `√k`, each rounded by at most `u` of itself: together at most
/// `u √(Σ k) ≤ n u`, against a result of size `√n`. So
///
/// `ε(n) = √n u` for a sum of `n` terms, and `√(n₁ + n₂ + …) u` for sums of sums, whose errors are independent.
///
/// (Sums of terms of one sign have partial sums of size `k`, errors `u √(Σ k²) ≤ n^{3/2} u` and a result of size `n`:
/// the same.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Sums of products as they are defined: `C k²` terms forward, `O k²` in the data gradient, one a position and
    /// image in the weight gradient, in any order.
    Direct,
    /// Some or all 3×3 convolutions of stride 1 by Winograd's F(4×4, 3×3) with the points 0, ±1, ±2, ∞ (or
    /// 0, ±1, ±½, ∞, which is the same in reverse), the others directly.
    ///
    /// # What it adds
    /// In one dimension, `m = 4` outputs of an `r = 3` tap filter `g` on `m + r − 1` inputs `d` are
    ///
    /// `y = Aᵀ [(G g) ⊙ (Bᵀ d)]`,
    ///
    /// one product a point `i`. With `A_i`, `G_i`, `B_i` the vectors by which point `i` enters the three transforms
    /// (rows of `A`, of `G` and of `Bᵀ`), and independent entries of mean 0 and variance 1, the product has variance
    /// `‖G_i‖² ‖B_i‖²`. Relative errors `ε` in it reach the outputs with total variance `ε² Σ_i ‖A_i‖² ‖G_i‖² ‖B_i‖²`,
    /// while the outputs, sums of `r` terms, have total variance `m r`. In two dimensions each point is a pair and both
    /// totals are squared, so errors grow by
    ///
    /// `κ = Σ_i ‖A_i‖² ‖G_i‖² ‖B_i‖² / (m r) = 10.8`.
    ///
    /// (Barabasz et al., "Error analysis and improving the accuracy of Winograd convolution", bound the worst case by
    /// `‖Aᵀ‖₁² ‖G‖_F² ‖B‖_F²`; `κ` is that product point by point, for the mean square.) The weight gradient
    /// `Gᵀ [(A g) ⊙ (Bᵀ d)]` exchanges the roles of `A` and `G`, `κ` is symmetric in all three, and the data
    /// gradient is a forward pass with the filter turned by half a turn: one `κ` for all. The `ε` it multiplies is that
    /// of the longest chain of sums, two passes (rows, then columns) of each transform and the sum over channels, or
    /// over tiles and images:
    ///
    /// | | terms of the chain |
    /// | --- | --- |
    /// | forward | `C + 2(r + 1) + 4(m + r − 1)` |
    /// | data gradient | `O + 2(r + 1) + 4(m + r − 1)` |
    /// | weight gradient | `N ⌈H/4⌉ ⌈W/4⌉ + 2(m + 1) + 4(m + r − 1)` |
    ///
    /// where 1 more counts the rounding of constants that are no floating-point numbers, such as 1/6. Frames of zeros
    /// take terms from the sums and not from the errors, most at 4×4 images: by a factor of at most 1.2, for which
    /// [`Bounds`](super::Bounds) has room.
    Winograd,
}

/// Root mean square errors of one operation's results, relative, in units of `u`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Errors {
    /// Of the result, given its inputs.
    pub(super) forward: f64,
    /// Of the gradient of its input, given that of its result.
    pub(super) data: f64,
    /// Of the gradients of its parameters, given the same.
    pub(super) weight: f64,
}

/// Roundings around a sum: a bias; or the centring, division, scale and shift of a normalisation.
const AROUND: usize = 4;

impl Errors {
    /// Where nothing is rounded.
    pub(super) const NONE: Self = Self {
        forward: 0.0,
        data: 0.0,
        weight: 0.0,
    };

    /// From the number of terms of the three sums.
    pub(super) fn of_sums(forward: usize, data: usize, weight: usize) -> Self {
        let error = |terms: usize| ((terms + AROUND) as f64).sqrt();
        Self {
            forward: error(forward),
            data: error(data),
            weight: error(weight),
        }
    }

    /// Of a convolution with a weight `[out, in, k, k]` of `images` images to results of a shape `[out, H, W]`.
    pub(super) fn of_convolution(
        algorithm: Algorithm,
        weight: &[usize],
        stride: usize,
        result: &Shape,
        images: usize,
    ) -> Self {
        let (out, fan_in) = (weight[0], weight[1]);
        let taps: usize = weight[2..].iter().product();
        let (_, height, width) = result.image().unwrap_or_default();
        let direct = Self::of_sums(fan_in * taps, out * taps, images * height * width);
        let winograd = algorithm == Algorithm::Winograd && taps == R * R && stride == 1;
        if !winograd {
            return direct;
        }
        let tiles = images * height.div_ceil(M) * width.div_ceil(M);
        let transforms = |second: usize| 2 * (second + 1) + 4 * POINTS;
        let chains = Self::of_sums(
            fan_in + transforms(R),
            out + transforms(R),
            tiles + transforms(M),
        );
        // Which of them are done so is the engine's choice.
        let grown = |chain: f64, direct: f64| direct.max(amplification() * chain);
        Self {
            forward: grown(chains.forward, direct.forward),
            data: grown(chains.data, direct.data),
            weight: grown(chains.weight, direct.weight),
        }
    }

    /// With the factors of all three sums rounded to a format before they are multiplied, sums being by definition;
    /// `roundoff` is `u`.
    ///
    /// # What it adds
    /// A factor is off by a share `δ` of itself: by up to half a unit in its last place, which is uniform where factors
    /// have many more bits than are kept, and at most `u_p` ([`Products::roundoff`]) of the factor where its significand
    /// is least. So `δ` has a mean of 0 and a root mean square of at most `u_p / √3`. Of a sum `Σ x_k w_k` the error is
    ///
    /// `Σ x_k w_k (δ_k + δ'_k)`, of variance `2 (u_p²/3) Σ (x_k w_k)²`,
    ///
    /// while the sum's own is `Σ (x_k w_k)²` where signs are random, and more where terms have one sign. Relative to it,
    /// whatever the number of terms, the error is at most
    ///
    /// `√(2/3) u_p`,
    ///
    /// once in each sum: 0.82 `u_p`. (Factors that are equal, as pixels are, have equal `δ`, of at most `u_p`: two of them
    /// are `2 u_p` off, for which the [`Bounds`](super::Bounds)' 4 deviations have room. Products of so few bits are exact
    /// in float32.) It is independent of the rounding of the sum, so that squares add. Where factors are split instead
    /// ([`Products::Tf32x3`]) a product is off by at most `2 u_p`, as here.
    ///
    /// What is [stored](Self::of_storage) in the format is not rounded again: then only weights are, which are a factor of
    /// the result and of the data gradient, and the error of these is `√(1/3) u_p`.
    pub(super) fn of_products(self, products: Products, roundoff: f64) -> Self {
        let [forward, data, weight] = match products {
            Products::Full => return self,
            Products::Tf32x3 | Products::Tf32 => [2, 2, 2],
            Products::Bf16 => [1, 1, 0],
        };
        let rounded = |error: f64, factors| rounded(error, factors, products, roundoff);
        Self {
            forward: rounded(self.forward, forward),
            data: rounded(self.data, data),
            weight: rounded(self.weight, weight),
        }
    }

    /// With the result stored so many times, and the gradient of the input.
    ///
    /// # What it adds
    /// Each time every value is off by another `δ` as [above](Self::of_products), of a root mean square of at most
    /// `u_p / √3`. That is the error of the whole, relative, and independent of that of the sum.
    pub(super) fn of_storage(
        self,
        [forward, data]: [usize; 2],
        products: Products,
        roundoff: f64,
    ) -> Self {
        if products != Products::Bf16 {
            return self;
        }
        Self {
            forward: rounded(self.forward, forward, products, roundoff),
            data: rounded(self.data, data, products, roundoff),
            ..self
        }
    }
}

/// An error in units of `u`, and that of so many roundings to a format.
fn rounded(error: f64, times: usize, products: Products, roundoff: f64) -> f64 {
    error.hypot((times as f64 / 3.0).sqrt() * products.roundoff() / roundoff)
}

/// Outputs of a tile, in each dimension.
const M: usize = 4;
/// Taps of a filter, in each dimension.
const R: usize = 3;
/// Points, and inputs of a tile in each dimension.
const POINTS: usize = M + R - 1;

/// `A`: row `i` is `1, p, p², p³` at point `p`.
const A: [[f64; M]; POINTS] = [
    [1.0, 0.0, 0.0, 0.0],
    [1.0, 1.0, 1.0, 1.0],
    [1.0, -1.0, 1.0, -1.0],
    [1.0, 2.0, 4.0, 8.0],
    [1.0, -2.0, 4.0, -8.0],
    [0.0, 0.0, 0.0, 1.0],
];

/// `G`: row `i` is `1, p, p²` divided by the product of `p`'s differences to the other points (with the signs of the
/// usual choice of `B`).
const G: [[f64; R]; POINTS] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// `Bᵀ`: row `i` has the coefficients of the polynomial that vanishes at all other points.
const B: [[f64; POINTS]; POINTS] = [
    [4.0, 0.0, -5.0, 0.0, 1.0, 0.0],
    [0.0, -4.0, -4.0, 1.0, 1.0, 0.0],
    [0.0, 4.0, -4.0, -1.0, 1.0, 0.0],
    [0.0, -2.0, -1.0, 2.0, 1.0, 0.0],
    [0.0, 2.0, -1.0, -2.0, 1.0, 0.0],
    [0.0, 4.0, 0.0, -5.0, 0.0, 1.0],
];

/// `κ`.
fn amplification() -> f64 {
    let square = |row: &[f64]| row.iter().map(|x| x * x).sum::<f64>();
    let points = A.iter().zip(&G).zip(&B);
    let total: f64 = points
        .map(|((a, g), b)| square(a) * square(g) * square(b))
        .sum();
    total / (M * R) as f64
}

#[cfg(test)]
mod tests;
