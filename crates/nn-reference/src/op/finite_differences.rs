//! Every gradient of every operation against differences of its forward pass.
//!
//! The scalar is `Σ c · y` with random `c`. Differences are of fourth order,
//! `(8(f(h) − f(−h)) − (f(2h) − f(−2h))) / 12h` with `h = 10⁻³`: truncation is of order `h⁴ = 10⁻¹²`
//! and rounding of order `10⁻¹³`, so a gradient may differ by 10⁻⁹ of the largest of its tensor.

use ndarray::Zip;
use nn_engine::Products;
use nn_graph::op::{Conv2d, GroupNorm, MaxPool, ZeroPadShortcut};
use nn_graph::{Bias, ConvSpec, GraphBuilder, Op, Shape};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::batch_norm::ChannelStatistics;
use super::{
    add, batch_norm, conv2d, global_average_pool, group_norm, linear, max_pool, relu,
    zero_pad_shortcut,
};
use crate::Tensor;
use crate::loss::softmax_cross_entropy;

const BOUND: f64 = 1e-9;
type Dim = (usize, usize, usize, usize);

pub(super) fn random(seed: u64, shape: Dim) -> Tensor {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // Away from 0, where ReLU has its kink.
    Tensor::from_shape_simple_fn(shape, || {
        let size: f64 = random.random_range(0.05..1.0);
        if random.random() { size } else { -size }
    })
}

/// Largest difference between analytic and numeric gradients, each as a share of the largest entry
/// of its tensor (or of 1, if that is larger).
fn largest_error(
    what: &str,
    inputs: &[Tensor],
    forward: &dyn Fn(&[Tensor]) -> Tensor,
    backward: &dyn Fn(&[Tensor], &Tensor) -> Vec<Tensor>,
) -> f64 {
    let weights = random(99, forward(inputs).dim());
    let gradients = backward(inputs, &weights);
    assert_eq!(gradients.len(), inputs.len());
    let scalar = |inputs: &[Tensor]| {
        let y = forward(inputs);
        Zip::from(&y)
            .and(&weights)
            .fold(0.0, |sum, y, c| sum + y * c)
    };
    let mut worst: f64 = 0.0;
    for (which, gradient) in gradients.iter().enumerate() {
        assert_eq!(gradient.dim(), inputs[which].dim());
        let largest = gradient.iter().fold(1.0, |max: f64, g| max.max(g.abs()));
        for (index, &analytic) in gradient.indexed_iter() {
            let h = 1e-3;
            let at = |shift: f64| {
                let mut moved = inputs.to_vec();
                moved[which][index] += shift;
                scalar(&moved)
            };
            let numeric = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
            worst = worst.max((numeric - analytic).abs() / largest);
        }
    }
    println!("{what}: largest error {worst:.1e}");
    assert!(worst < BOUND, "{what}: {worst:e}");
    worst
}

/// The operation as the builder makes it: its parameter ids mean nothing here.
pub(super) fn conv(channels: usize, kernel: usize, stride: usize, padding: usize) -> Conv2d {
    let mut net = GraphBuilder::new(Shape::new([1, 64, 64])).unwrap();
    let bias = Bias::Trained;
    let spec = ConvSpec {
        channels,
        kernel,
        stride,
        padding,
        bias,
    };
    let id = net.conv2d("conv", net.input(), spec).unwrap();
    match net.finish(id).unwrap().node(id).op.clone() {
        Op::Conv2d(conv) => conv,
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn convolution() {
    // images, channels in and out, height, width, kernel, stride, padding
    for (n, c, o, h, w, k, s, p) in [
        (2, 3, 4, 5, 5, 3, 1, 1),
        (1, 2, 3, 7, 5, 3, 2, 1),
        (3, 2, 2, 6, 4, 3, 2, 1),
        (2, 3, 2, 5, 7, 1, 2, 0),
        (2, 3, 2, 4, 3, 1, 1, 0),
        (1, 1, 2, 5, 6, 3, 1, 0),
        (2, 2, 1, 1, 1, 3, 1, 1),
        (1, 2, 2, 1, 1, 1, 1, 0),
        (1, 1, 1, 8, 9, 5, 3, 2),
        (1, 1, 2, 9, 8, 7, 2, 3),
        (1, 2, 1, 3, 4, 2, 2, 1),
    ] {
        let op = conv(o, k, s, p);
        let inputs = [
            random(1, (n, c, h, w)),
            random(2, (o, c, k, k)),
            random(3, (o, 1, 1, 1)),
        ];
        largest_error(
            &format!("conv2d {n}x{c}x{h}x{w} to {o}, kernel {k}, stride {s}, padding {p}"),
            &inputs,
            &|i| conv2d::forward(&op, Products::Full, &i[0], &i[1], Some(&i[2])),
            &|i, g| {
                let gradients = conv2d::backward(&op, Products::Full, &i[0], &i[1], g);
                vec![gradients.input, gradients.weight, gradients.bias]
            },
        );
    }
}

#[test]
fn convolution_is_its_formula() {
    for (k, s, p) in [
        (3, 1, 1),
        (3, 2, 1),
        (1, 2, 0),
        (5, 3, 2),
        (3, 1, 0),
        (7, 2, 3),
    ] {
        let (op, x, w) = (
            conv(3, k, s, p),
            random(1, (2, 2, 7, 5)),
            random(2, (3, 2, k, k)),
        );
        let y = conv2d::forward(&op, Products::Full, &x, &w, None);
        let wanted = Tensor::from_shape_fn(y.dim(), |(n, o, i, j)| {
            let mut sum = 0.0;
            for ((_, c, u, v), w) in w.indexed_iter().filter(|((out, ..), _)| *out == o) {
                let (row, column) = ((s * i + u).wrapping_sub(p), (s * j + v).wrapping_sub(p));
                sum += w * x.get((n, c, row, column)).unwrap_or(&0.0);
            }
            sum
        });
        assert!(
            (&y - &wanted).iter().all(|d| d.abs() < 1e-14),
            "{k} {s} {p}"
        );
    }
}

#[test]
fn fully_connected() {
    for (n, i, o) in [(1, 1, 1), (3, 4, 2), (2, 7, 10)] {
        let inputs = [
            random(1, (n, i, 1, 1)),
            random(2, (o, i, 1, 1)),
            random(3, (o, 1, 1, 1)),
        ];
        largest_error(
            &format!("linear {n}x{i} to {o}"),
            &inputs,
            &|i| linear::forward(&i[0], &i[1], Some(&i[2])),
            &|i, g| {
                let gradients = linear::backward(&i[0], &i[1], g);
                vec![gradients.input, gradients.weight, gradients.bias]
            },
        );
    }
}

#[test]
fn normalisation() {
    for shape in [(4, 2, 3, 5), (1, 3, 4, 4), (5, 1, 1, 1), (2, 2, 1, 3)] {
        for epsilon in [0.0, 1e-5, 0.1] {
            let c = shape.1;
            let x = random(1, shape);
            largest_error(
                &format!("batch_norm {shape:?}, epsilon {epsilon}, without affine"),
                std::slice::from_ref(&x),
                &|i| {
                    let statistics = ChannelStatistics::of(&i[0]);
                    batch_norm::forward(&i[0], &statistics, epsilon, None, None)
                },
                &|i, g| {
                    let statistics = ChannelStatistics::of(&i[0]);
                    vec![batch_norm::backward(&i[0], &statistics, epsilon, None, g).input]
                },
            );
            largest_error(
                &format!("batch_norm {shape:?}, epsilon {epsilon}, with affine"),
                &[x, random(2, (c, 1, 1, 1)), random(3, (c, 1, 1, 1))],
                &|i| {
                    let statistics = ChannelStatistics::of(&i[0]);
                    batch_norm::forward(&i[0], &statistics, epsilon, Some(&i[1]), Some(&i[2]))
                },
                &|i, g| {
                    let statistics = ChannelStatistics::of(&i[0]);
                    let gradients =
                        batch_norm::backward(&i[0], &statistics, epsilon, Some(&i[1]), g);
                    vec![gradients.input, gradients.scale, gradients.shift]
                },
            );
        }
    }
}

/// The operation without parameters: those are given to the functions.
fn groups(groups: usize, epsilon: f64) -> GroupNorm {
    GroupNorm {
        groups,
        scale: None,
        shift: None,
        epsilon,
    }
}

#[test]
fn normalisation_in_groups() {
    for (shape, count) in [
        ((2, 4, 3, 2), 1),
        ((2, 4, 3, 2), 2),
        ((2, 4, 3, 2), 4),
        ((1, 6, 1, 2), 2),
        ((3, 1, 2, 4), 1),
    ] {
        for epsilon in [0.0, 1e-5, 0.1] {
            let norm = groups(count, epsilon);
            let x = random(1, shape);
            largest_error(
                &format!("group_norm {shape:?} in {count}, epsilon {epsilon}, without affine"),
                std::slice::from_ref(&x),
                &|i| group_norm::forward(&norm, &i[0], None, None),
                &|i, g| vec![group_norm::backward(&norm, &i[0], None, g).input],
            );
            let c = shape.1;
            largest_error(
                &format!("group_norm {shape:?} in {count}, epsilon {epsilon}, with affine"),
                &[x, random(2, (c, 1, 1, 1)), random(3, (c, 1, 1, 1))],
                &|i| group_norm::forward(&norm, &i[0], Some(&i[1]), Some(&i[2])),
                &|i, g| {
                    let gradients = group_norm::backward(&norm, &i[0], Some(&i[1]), g);
                    vec![gradients.input, gradients.scale, gradients.shift]
                },
            );
        }
    }
}

/// Batch normalisation of one image is instance normalisation, and of one image whose channels lie one after the
/// other in a single one, layer normalisation.
#[test]
fn groups_of_an_image_are_channels_of_a_batch() {
    let (n, c, h, w) = (2, 6, 3, 4);
    let (x, g) = (random(1, (n, c, h, w)), random(2, (n, c, h, w)));
    for count in [1, 2, 3, 6] {
        let norm = groups(count, 1e-5);
        let (y, dx) = (
            group_norm::forward(&norm, &x, None, None),
            group_norm::backward(&norm, &x, None, &g).input,
        );
        // The rows of a group, one below the other, as one channel of a batch with a single image.
        let shape = (1, count, c / count * h, w);
        for image in 0..n {
            let part = |tensor: &Tensor, shape: Dim| {
                let image = tensor.index_axis(ndarray::Axis(0), image).to_owned();
                image.into_shape_with_order(shape).unwrap()
            };
            let statistics = ChannelStatistics::of(&part(&x, shape));
            let batch = batch_norm::forward(&part(&x, shape), &statistics, 1e-5, None, None);
            let gradient = part(&g, shape);
            let batch_dx =
                batch_norm::backward(&part(&x, shape), &statistics, 1e-5, None, &gradient);
            for (found, wanted) in [(&y, batch), (&dx, batch_dx.input)] {
                let difference = &part(found, shape) - &wanted;
                assert!(difference.iter().all(|d| d.abs() < 1e-13), "{count} groups");
            }
        }
    }
}

#[test]
fn a_group_without_variance_gives_its_shift_and_no_gradient() {
    let x = Tensor::from_elem((1, 2, 7, 1), 0.1);
    let shift = super::vector(&[0.25, 0.5]);
    for (count, epsilon) in [(1, 0.0), (2, 0.0), (1, 1e-5)] {
        let norm = groups(count, epsilon);
        let y = group_norm::forward(&norm, &x, None, Some(&shift));
        assert!(
            y.indexed_iter()
                .all(|((_, c, ..), &y)| y == shift[[c, 0, 0, 0]])
        );
        let gradients = group_norm::backward(&norm, &x, None, &random(4, x.dim()));
        assert_eq!(gradients.scale[[0, 0, 0, 0]], 0.0);
        if epsilon == 0.0 {
            assert!(gradients.input.iter().all(|&g| g == 0.0));
        }
    }
}

#[test]
fn maximum_of_windows() {
    // height, width, kernel, stride, padding
    for (h, w, kernel, stride, padding) in [
        (6, 5, 3, 2, 1),
        (4, 4, 2, 2, 0),
        (5, 7, 3, 1, 2),
        (1, 1, 3, 2, 1),
        (7, 3, 2, 3, 1),
    ] {
        let pool = MaxPool {
            kernel,
            stride,
            padding,
        };
        // At most 210 different numbers, farther apart than the differences' steps.
        let mut place = 0;
        let x = Tensor::from_shape_simple_fn((2, 3, h, w), || {
            place += 1;
            f64::from(37 * place % 211) / 50.0 - 2.0
        });
        assert!(max_pool::smallest_lead(&pool, &x) > 1e-2);
        largest_error(
            &format!("max_pool {h}x{w}, kernel {kernel}, stride {stride}, padding {padding}"),
            &[x],
            &|i| max_pool::forward(&pool, &i[0]),
            &|i, g| vec![max_pool::backward(&pool, &i[0], g)],
        );
    }
}

#[test]
fn the_first_of_equal_maxima_takes_the_gradient_and_padding_is_never_one() {
    let pool = MaxPool {
        kernel: 2,
        stride: 1,
        padding: 1,
    };
    let x = Tensor::from_shape_vec((1, 1, 2, 2), vec![-3.0, -1.0, -1.0, -1.0]).unwrap();
    let y = max_pool::forward(&pool, &x);
    let wanted = [-3.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0];
    assert_eq!(y.iter().copied().collect::<Vec<_>>(), wanted);
    let g = Tensor::from_shape_vec(y.dim(), (0..9).map(|i| f64::from(1 << i)).collect());
    let dx = max_pool::backward(&pool, &x, &g.unwrap());
    // Row by row: the top left is the only value of one window; the top right is first in all that hold it.
    let found: Vec<f64> = dx.iter().copied().collect();
    assert_eq!(
        found,
        [1.0, 2.0 + 4.0 + 16.0 + 32.0, 8.0 + 64.0 + 128.0, 256.0]
    );
    let nan = Tensor::from_shape_vec((1, 1, 1, 3), vec![1.0, f64::NAN, 2.0]).unwrap();
    assert!(max_pool::forward(&pool, &nan)[[0, 0, 0, 1]].is_nan());
}

#[test]
fn a_channel_without_variance_gives_its_shift_and_no_gradient() {
    // 0.1 has no exact mean when summed: the definition must not depend on that.
    let x = Tensor::from_elem((3, 1, 7, 1), 0.1);
    let shift = super::vector(&[0.25]);
    let statistics = ChannelStatistics::of(&x);
    assert_eq!((statistics.mean[0], statistics.variance[0]), (0.1, 0.0));
    let y = batch_norm::forward(&x, &statistics, 0.0, None, Some(&shift));
    assert!(y.iter().all(|&y| y == 0.25));
    let g = random(4, x.dim());
    let gradients = batch_norm::backward(&x, &statistics, 0.0, None, &g);
    assert!(gradients.input.iter().all(|&g| g == 0.0));
    assert_eq!(gradients.scale[[0, 0, 0, 0]], 0.0);
}

#[test]
fn normalised_channels_have_mean_0_and_variance_1() {
    let x = random(5, (3, 2, 4, 5)) * 7.0 + 100.0;
    let y = batch_norm::forward(&x, &ChannelStatistics::of(&x), 0.0, None, None);
    let statistics = ChannelStatistics::of(&y);
    for (mean, variance) in statistics.mean.iter().zip(&statistics.variance) {
        assert!(mean.abs() < 1e-13 && (variance - 1.0).abs() < 1e-12);
    }
}

#[test]
fn the_other_operations() {
    for shape in [(2, 3, 5, 4), (1, 1, 1, 1), (3, 2, 7, 5)] {
        let x = random(1, shape);
        largest_error(
            &format!("relu {shape:?}"),
            std::slice::from_ref(&x),
            &|i| relu::forward(&i[0]),
            &|i, g| vec![relu::backward(&i[0], g)],
        );
        largest_error(
            &format!("add {shape:?}"),
            &[x.clone(), random(2, shape)],
            &|i| add::forward(&i[0], &i[1]),
            &|_, g| {
                let (a, b) = add::backward(g);
                vec![a, b]
            },
        );
        largest_error(
            &format!("global_average_pool {shape:?}"),
            std::slice::from_ref(&x),
            &|i| global_average_pool::forward(&i[0]),
            &|i, g| vec![global_average_pool::backward(i[0].dim(), g)],
        );
        for stride in 1..4 {
            let channels = shape.1 + stride - 1;
            let op = ZeroPadShortcut { stride, channels };
            largest_error(
                &format!("zero_pad_shortcut {shape:?}, stride {stride}"),
                std::slice::from_ref(&x),
                &|i| zero_pad_shortcut::forward(&op, &i[0]),
                &|i, g| vec![zero_pad_shortcut::backward(&op, i[0].dim(), g)],
            );
        }
    }
}

#[test]
fn loss() {
    for (images, classes) in [(1, 2), (4, 10), (3, 1)] {
        let labels: Vec<u8> = (0..images).map(|n| (n * 3 % classes) as u8).collect();
        let mean = |z: &Tensor| softmax_cross_entropy(z, &labels).sum / images as f64;
        largest_error(
            &format!("softmax cross-entropy of {images}x{classes}"),
            &[random(1, (images, classes, 1, 1)) * 3.0],
            &|i| Tensor::from_elem((1, 1, 1, 1), mean(&i[0])),
            &|i, g| vec![softmax_cross_entropy(&i[0], &labels).gradient * g[[0, 0, 0, 0]]],
        );
    }
}

#[test]
fn relu_is_flat_at_0_and_shows_divergence() {
    let x = Tensor::from_shape_vec((1, 1, 1, 3), vec![0.0, -0.0, f64::NAN]).unwrap();
    let y = relu::forward(&x);
    assert_eq!((y[[0, 0, 0, 0]], y[[0, 0, 0, 1]]), (0.0, 0.0));
    assert!(y[[0, 0, 0, 2]].is_nan());
    let g = relu::backward(&x, &Tensor::ones(x.dim()));
    assert_eq!((g[[0, 0, 0, 0]], g[[0, 0, 0, 1]]), (0.0, 0.0));
}

#[test]
fn every_operation_has_its_file() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/op");
    for name in Op::NAMES {
        assert!(folder.join(format!("{name}.rs")).is_file(), "{name}");
    }
}
