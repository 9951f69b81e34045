//! Convolutions in plain float32 loops, against their definition in float64: how large errors really are.

use nn_graph::Shape;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::bounds::DEVIATIONS;
use super::{A, Algorithm, B, Errors, G, M, POINTS, R};

const ROUNDOFF: f64 = f32::EPSILON as f64 / 2.0;

/// Images `[count][channels][height][width]`, or weights `[out][in][3][3]`.
#[derive(Clone)]
struct Tensor {
    shape: [usize; 4],
    values: Vec<f32>,
}

impl Tensor {
    fn zeros(shape: [usize; 4]) -> Self {
        let values = vec![0.0; shape.iter().product()];
        Self { shape, values }
    }

    fn random(shape: [usize; 4], random: &mut ChaCha8Rng) -> Self {
        let mut tensor = Self::zeros(shape);
        tensor.values.fill_with(|| random.random_range(-1.0..1.0));
        tensor
    }

    /// `None` outside.
    fn index(&self, n: usize, c: usize, row: isize, column: isize) -> Option<usize> {
        let [_, channels, height, width] = self.shape;
        let (row, column) = (usize::try_from(row).ok()?, usize::try_from(column).ok()?);
        let inside = row < height && column < width;
        inside.then_some(((n * channels + c) * height + row) * width + column)
    }

    fn get(&self, n: usize, c: usize, row: isize, column: isize) -> f32 {
        self.index(n, c, row, column)
            .map_or(0.0, |index| self.values[index])
    }

    /// The square of values whose first is here.
    fn square<const N: usize>(&self, n: usize, c: usize, row: isize, column: isize) -> Square<N> {
        std::array::from_fn(|i| {
            std::array::from_fn(|j| self.get(n, c, row + i as isize, column + j as isize))
        })
    }
}

type Square<const N: usize> = [[f32; N]; N];

/// `T x Tᵀ`, columns first.
fn both_sides<const P: usize, const Q: usize>(t: &[[f64; Q]; P], x: &Square<Q>) -> Square<P> {
    let mut half = [[0.0; Q]; P];
    let mut whole = [[0.0; P]; P];
    for i in 0..P {
        for j in 0..Q {
            for k in 0..Q {
                half[i][j] += t[i][k] as f32 * x[k][j];
            }
        }
    }
    for i in 0..P {
        for j in 0..P {
            for k in 0..Q {
                whole[i][j] += half[i][k] * t[j][k] as f32;
            }
        }
    }
    whole
}

fn transposed<const P: usize, const Q: usize>(t: &[[f64; Q]; P]) -> [[f64; P]; Q] {
    std::array::from_fn(|j| std::array::from_fn(|i| t[i][j]))
}

fn add_products(sum: &mut Square<POINTS>, a: &Square<POINTS>, b: &Square<POINTS>) {
    for i in 0..POINTS {
        for j in 0..POINTS {
            sum[i][j] += a[i][j] * b[i][j];
        }
    }
}

/// First positions of the tiles.
fn tiles(x: &Tensor) -> impl Iterator<Item = (isize, isize)> + use<> {
    let [_, _, height, width] = x.shape;
    let rows = (0..height as isize).step_by(M);
    rows.flat_map(move |row| (0..width as isize).step_by(M).map(move |c| (row, c)))
}

/// `Aᵀ [Σ_c (G w Gᵀ) ⊙ (Bᵀ x B)] A`.
fn winograd_forward(x: &Tensor, w: &Tensor) -> Tensor {
    let [images, channels, height, width] = x.shape;
    let mut y = Tensor::zeros([images, w.shape[0], height, width]);
    for n in 0..images {
        for (row, column) in tiles(x) {
            for o in 0..w.shape[0] {
                let mut sum = [[0.0; POINTS]; POINTS];
                for c in 0..channels {
                    let filter = both_sides(&G, &w.square::<R>(o, c, 0, 0));
                    let data = both_sides(&B, &x.square(n, c, row - 1, column - 1));
                    add_products(&mut sum, &filter, &data);
                }
                let tile = both_sides(&transposed(&A), &sum);
                for (i, line) in tile.iter().enumerate() {
                    for (j, value) in line.iter().enumerate() {
                        if let Some(at) = y.index(n, o, row + i as isize, column + j as isize) {
                            y.values[at] = *value;
                        }
                    }
                }
            }
        }
    }
    y
}

/// `Gᵀ [Σ_{n, tiles} (A g Aᵀ) ⊙ (Bᵀ x B)] G`.
fn winograd_weight_gradient(x: &Tensor, g: &Tensor) -> Tensor {
    let mut gradient = Tensor::zeros([g.shape[1], x.shape[1], R, R]);
    for o in 0..g.shape[1] {
        for c in 0..x.shape[1] {
            let mut sum = [[0.0; POINTS]; POINTS];
            for n in 0..x.shape[0] {
                for (row, column) in tiles(x) {
                    let tile = both_sides(&A, &g.square::<M>(n, o, row, column));
                    let data = both_sides(&B, &x.square(n, c, row - 1, column - 1));
                    add_products(&mut sum, &tile, &data);
                }
            }
            let taps = both_sides(&transposed(&G), &sum);
            let at = (o * x.shape[1] + c) * R * R;
            gradient.values[at..][..R * R].copy_from_slice(taps.as_flattened());
        }
    }
    gradient
}

/// `w[c][o]` turned by half a turn: the data gradient is a convolution with it.
fn turned(w: &Tensor) -> Tensor {
    let [out, channels, ..] = w.shape;
    let mut turned = Tensor::zeros([channels, out, R, R]);
    for c in 0..channels {
        for o in 0..out {
            for tap in 0..R * R {
                let from = (o * channels + c) * R * R + R * R - 1 - tap;
                turned.values[(c * out + o) * R * R + tap] = w.values[from];
            }
        }
    }
    turned
}

/// Each sum of products by its definition, in float32 and in float64.
fn defined(
    result: [usize; 4],
    terms: impl Fn([usize; 4], &mut dyn FnMut(f32, f32)),
) -> (Vec<f32>, Vec<f64>) {
    let (mut single, mut exact) = (Vec::new(), Vec::new());
    let [a, b, c, d] = result;
    for index in 0..a * b * c * d {
        let at = [
            index / (b * c * d),
            index / (c * d) % b,
            index / d % c,
            index % d,
        ];
        let (mut short, mut long) = (0.0, 0.0);
        terms(at, &mut |x, y| {
            short += x * y;
            long += f64::from(x) * f64::from(y);
        });
        single.push(short);
        exact.push(long);
    }
    (single, exact)
}

fn forward(x: &Tensor, w: &Tensor) -> (Vec<f32>, Vec<f64>) {
    let [images, channels, height, width] = x.shape;
    defined([images, w.shape[0], height, width], |[n, o, i, j], add| {
        for c in 0..channels {
            for u in 0..R {
                for v in 0..R {
                    let (row, column) = ((i + u) as isize - 1, (j + v) as isize - 1);
                    add(
                        x.get(n, c, row, column),
                        w.get(o, c, u as isize, v as isize),
                    );
                }
            }
        }
    })
}

fn weight_gradient(x: &Tensor, g: &Tensor) -> (Vec<f32>, Vec<f64>) {
    let [images, channels, height, width] = x.shape;
    defined([g.shape[1], channels, R, R], |[o, c, u, v], add| {
        for n in 0..images {
            for i in 0..height as isize {
                for j in 0..width as isize {
                    let (row, column) = (i + u as isize - 1, j + v as isize - 1);
                    add(x.get(n, c, row, column), g.get(n, o, i, j));
                }
            }
        }
    })
}

/// `‖found − exact‖ / ‖exact‖`.
fn error(found: &[f32], exact: &[f64]) -> f64 {
    let off = found.iter().zip(exact);
    let off: f64 = off.map(|(&f, &e)| (f64::from(f) - e).powi(2)).sum();
    let size: f64 = exact.iter().map(|e| e * e).sum();
    (off / size).sqrt()
}

/// Errors in the result, data gradient and weight gradient: by definition, and Winograd's.
fn measured(x: &Tensor, w: &Tensor, g: &Tensor) -> [[f64; 3]; 2] {
    let (y, exact_y) = forward(x, w);
    let (by_x, exact_x) = forward(g, &turned(w));
    let (by_w, exact_w) = weight_gradient(x, g);
    let winograd = [
        error(&winograd_forward(x, w).values, &exact_y),
        error(&winograd_forward(g, &turned(w)).values, &exact_x),
        error(&winograd_weight_gradient(x, g).values, &exact_w),
    ];
    let direct = [
        error(&y, &exact_y),
        error(&by_x, &exact_x),
        error(&by_w, &exact_w),
    ];
    [direct, winograd]
}

/// Images, channels, results, height, width.
const SIZES: [[usize; 5]; 10] = [
    [1, 1, 1, 4, 4],
    [1, 12, 5, 1, 1],
    [2, 3, 5, 7, 5],
    [1, 17, 5, 9, 8],
    [3, 16, 16, 8, 8],
    [1, 33, 17, 12, 16],
    [4, 5, 3, 4, 4],
    [1, 128, 8, 2, 3],
    [8, 4, 4, 32, 32],
    [1, 8, 256, 5, 6],
];

#[test]
fn errors_of_float32_stay_within_the_bounds_and_near_them() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut largest = [[0f64; 3]; 2];
    for [images, channels, out, height, width] in SIZES {
        let mut x = Tensor::random([images, channels, height, width], &mut random);
        let w = Tensor::random([out, channels, R, R], &mut random);
        let g = Tensor::random([images, out, height, width], &mut random);
        for after_relu in [false, true] {
            if after_relu {
                x.values.iter_mut().for_each(|x| *x = x.max(0.0));
            }
            let errors = measured(&x, &w, &g);
            let algorithms = [Algorithm::Direct, Algorithm::Winograd];
            for ((algorithm, errors), largest) in
                algorithms.into_iter().zip(errors).zip(&mut largest)
            {
                let shape = Shape::new([out, height, width]);
                let bound = Errors::of_convolution(algorithm, &w.shape, 1, &shape, images);
                let bounds = [bound.forward, bound.data, bound.weight];
                let bounds = bounds.map(|bound| DEVIATIONS * bound * ROUNDOFF);
                for (pass, (error, bound)) in errors.into_iter().zip(bounds).enumerate() {
                    let [x, w] = [x.shape, w.shape];
                    assert!(
                        error <= bound,
                        "{algorithm:?}, pass {pass}, images {x:?}, weight {w:?}: {error:e} > {bound:e}"
                    );
                    largest[pass] = largest[pass].max(error / bound);
                }
            }
        }
    }
    println!("largest errors as shares of their bounds, direct and Winograd: {largest:.3?}");
    for share in largest.into_iter().flatten() {
        assert!(share > 0.03, "a bound is far above all errors: {largest:?}");
    }
}

#[test]
fn tiles_beyond_the_image_cost_no_more_than_a_fifth() {
    let whole = super::amplification();
    assert!((whole - 10.77).abs() < 0.01, "{whole}");
    // The same sums over the inputs and outputs that exist, for images of one dimension.
    for size in 1..=40usize {
        let (mut errors, mut results) = (0.0, 0.0);
        for tile in (0..size).step_by(M) {
            let inside = |k: usize| (1..=size).contains(&(tile + k));
            let square = |row: &[f64], exists: &dyn Fn(usize) -> bool| -> f64 {
                let terms = row.iter().enumerate().filter(|(k, _)| exists(*k));
                terms.map(|(_, x)| x * x).sum()
            };
            for ((a, g), b) in A.iter().zip(&G).zip(&B) {
                errors +=
                    square(a, &|k| tile + k < size) * square(g, &|_| true) * square(b, &inside);
            }
            let outputs = (0..M).filter(|k| tile + k < size);
            results += outputs
                .map(|k| (k..k + R).filter(|&i| inside(i)).count() as f64)
                .sum::<f64>();
        }
        let growth = errors / results;
        assert!(growth < 1.2 * whole, "{size}: {growth} of {whole}");
    }
}
