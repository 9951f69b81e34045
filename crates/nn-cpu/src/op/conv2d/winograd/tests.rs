//! Against the definition in float64, within a bound that holds for every number: what the same sums of absolute values
//! come to, times the unit roundoff for each rounding on the way.

use proptest::prelude::*;

use super::super::ahead::Ahead;
use super::super::epilogue::Epilogue;
use super::*;
use crate::memory::Buffer;
use crate::simd::Level;

const BT: [[f64; 6]; 6] = [
    [4.0, 0.0, -5.0, 0.0, 1.0, 0.0],
    [0.0, -4.0, -4.0, 1.0, 1.0, 0.0],
    [0.0, 4.0, -4.0, -1.0, 1.0, 0.0],
    [0.0, -2.0, -1.0, 2.0, 1.0, 0.0],
    [0.0, 2.0, -1.0, -2.0, 1.0, 0.0],
    [0.0, 4.0, 0.0, -5.0, 0.0, 1.0],
];
const G: [[f64; 3]; 6] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];
const AT: [[f64; 6]; 4] = [
    [1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
    [0.0, 1.0, -1.0, 2.0, -2.0, 0.0],
    [0.0, 1.0, 1.0, 4.0, 4.0, 0.0],
    [0.0, 1.0, -1.0, 8.0, -8.0, 1.0],
];

/// Roundings of the transforms along one axis: at most four sums in `Bᵀ` and `Aᵀ`, four and a product with a rounded
/// factor in `G`; in two dimensions twice that, for the two factors and the result.
const TRANSFORMS: usize = 2 * (4 + 6 + 4);

fn transposed<const I: usize, const O: usize>(m: [[f64; I]; O]) -> [[f64; O]; I] {
    std::array::from_fn(|i| std::array::from_fn(|o| m[o][i]))
}

/// `|m| x |mᵀ|` for `x` without negative numbers.
fn amplified<const I: usize, const O: usize>(m: [[f64; I]; O], x: [[f64; I]; I]) -> [[f64; O]; O] {
    let of = |o: usize, p: usize| {
        let terms = (0..I).flat_map(|i| (0..I).map(move |j| (i, j)));
        terms
            .map(|(i, j)| m[o][i].abs() * x[i][j] * m[p][j].abs())
            .sum()
    };
    std::array::from_fn(|o| std::array::from_fn(|p| of(o, p)))
}

/// A convolution of some images with numbers for its tensors.
#[derive(Clone, Debug)]
struct Case {
    images: usize,
    source: Layout,
    target: Layout,
    padding: usize,
    seed: u64,
}

fn layout(channels: usize, height: usize, width: usize) -> Layout {
    Layout {
        channels,
        height,
        width,
        stored: channels.next_multiple_of(LANES),
    }
}

fn cases() -> impl Strategy<Value = Case> {
    // Up to 25 tiles: more than are computed together.
    let sizes = (1usize..24, 1usize..24, 3usize..20, 3usize..20);
    let more = (0usize..3, 1usize..4, any::<u64>());
    (sizes, more).prop_map(|((c, k, height, width), (padding, images, seed))| Case {
        images,
        source: layout(c, height, width),
        target: layout(k, height + 2 * padding - 2, width + 2 * padding - 2),
        padding,
        seed,
    })
}

impl Case {
    /// Numbers of either sign and of many sizes, by a congruential generator.
    fn numbers(&self, count: usize, salt: u64) -> Vec<f32> {
        let mut state = self.seed ^ salt.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut next = || {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let part = (state >> 40) as f32 / (1 << 24) as f32 - 0.5;
            part * f32::powi(2.0, (state >> 33 & 7) as i32)
        };
        (0..count).map(|_| next()).collect()
    }

    /// All images, `[image][row][column][channel filled up]`.
    fn batch(&self, of: Layout, salt: u64) -> Vec<f32> {
        let mut batch = self.numbers(self.images * of.image(), salt);
        for position in batch.chunks_exact_mut(of.stored) {
            position[of.channels..].fill(0.0);
        }
        batch
    }

    /// Weights `[tap][source channel][target channel filled up]`.
    fn taps(&self) -> Vec<f32> {
        let mut taps = self.numbers(9 * self.source.channels * self.target.stored, 2);
        for row in taps.chunks_exact_mut(self.target.stored) {
            row[self.target.channels..].fill(0.0);
        }
        taps
    }

    fn tap(&self, taps: &[f32], [u, v]: [usize; 2], c: usize, k: usize) -> f64 {
        f64::from(taps[((u * 3 + v) * self.source.channels + c) * self.target.stored + k])
    }
}

/// A value of an image, 0 outside it.
fn at(of: Layout, image: &[f32], [y, x]: [isize; 2], channel: usize) -> f64 {
    let inside = (0..of.height as isize).contains(&y) && (0..of.width as isize).contains(&x);
    if inside {
        f64::from(image[of.offset(y as usize, x as usize) + channel])
    } else {
        0.0
    }
}

fn framed(frame: Framed, batch: &[f32]) -> Vec<f32> {
    let images = batch.chunks_exact(frame.inner.image());
    let framed = images.flat_map(|image| {
        // What lay there before must not matter.
        let mut framed = vec![f32::NAN; frame.image()];
        let row = frame.inner.row();
        frame.fill(&mut framed, |y, to| {
            to.copy_from_slice(&image[y * row..][..row])
        });
        framed
    });
    framed.collect()
}

/// `|Bᵀ| |d| |B|` of a tile of the source.
fn source_bound(case: &Case, image: &[f32], [y, x]: [usize; 2], channel: usize) -> [[f64; 6]; 6] {
    let shift = |at: usize, by: usize| (at + by) as isize - case.padding as isize;
    let value = |i, j| at(case.source, image, [shift(y, i), shift(x, j)], channel).abs();
    amplified(
        BT,
        std::array::from_fn(|i| std::array::from_fn(|j| value(i, j))),
    )
}

fn products(a: [[f64; 6]; 6], b: [[f64; 6]; 6], sum: &mut [[f64; 6]; 6]) {
    for i in 0..6 {
        for j in 0..6 {
            sum[i][j] += a[i][j] * b[i][j];
        }
    }
}

fn check(
    found: f32,
    wanted: f64,
    bound: f64,
    roundings: usize,
    what: &str,
) -> Result<(), TestCaseError> {
    let roundoff = f64::from(f32::EPSILON) / 2.0;
    let error = (f64::from(found) - wanted).abs();
    let allowed = roundings as f64 * roundoff * bound;
    prop_assert!(
        error <= allowed,
        "{what}: {found} for {wanted}, {error:e} beyond {allowed:e}"
    );
    Ok(())
}

fn forward(case: &Case, level: Level) -> Result<(), TestCaseError> {
    let Case {
        source,
        target,
        padding,
        ..
    } = *case;
    let (batch, taps) = (case.batch(source, 1), case.taps());
    let winograd = Winograd::new(source, target, padding);
    let mut weights = Buffer::zeros(winograd.weights()).unwrap();
    winograd.transform_weights(level, &taps, &mut weights);
    let framed = framed(winograd.source(), &batch);
    let (before, addend) = (case.batch(target, 4), case.batch(target, 5));
    let bias = case.numbers(target.stored, 6);
    let mut found = before.clone();
    let mut scratch = Buffer::zeros(winograd.scratch()).unwrap();
    let epilogue = Epilogue {
        bias: Some(&bias),
        addend: Some(&addend),
        accumulate: true,
    };
    let ahead = Ahead::default();
    winograd.run(
        level,
        (&weights, &framed),
        &mut found,
        epilogue,
        ahead,
        &mut scratch,
    );
    for (number, image) in batch.chunks_exact(source.image()).enumerate() {
        let part = |list: &[f32], k, y, x| {
            f64::from(list[number * target.image() + target.offset(y, x) + k])
        };
        check_image(case, image, &taps, |y, x, k, convolved, bound| {
            let added = [
                f64::from(bias[k]),
                part(&addend, k, y, x),
                part(&before, k, y, x),
            ];
            let wanted = convolved + added.iter().sum::<f64>();
            let bound = bound + added.map(f64::abs).iter().sum::<f64>();
            let found = part(&found, k, y, x) as f32;
            let what = format!("{level}, image {number}, result {y}, {x} of channel {k}");
            check(
                found,
                wanted,
                bound,
                source.channels + TRANSFORMS + added.len(),
                &what,
            )
        })?;
    }
    Ok(())
}

/// Calls `check(row, column, channel, result, sum of absolute values)` for every result of one image.
fn check_image(
    case: &Case,
    image: &[f32],
    taps: &[f32],
    check: impl Fn(usize, usize, usize, f64, f64) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let Case {
        source,
        target,
        padding,
        ..
    } = *case;
    for k in 0..target.channels {
        let weight = |c| -> [[f64; 3]; 3] {
            std::array::from_fn(|u| std::array::from_fn(|v| case.tap(taps, [u, v], c, k)))
        };
        for (y, x) in (0..target.height).flat_map(|y| (0..target.width).map(move |x| (y, x))) {
            let (mut wanted, mut sums) = (0.0, [[0.0; 6]; 6]);
            for c in 0..source.channels {
                let w = weight(c);
                for (u, v) in (0..3).flat_map(|u| (0..3).map(move |v| (u, v))) {
                    let from = [y + u, x + v].map(|at| at as isize - padding as isize);
                    wanted += w[u][v] * at(source, image, from, c);
                }
                let tile = [y / TILE * TILE, x / TILE * TILE];
                let of_weight = amplified(G, w.map(|row| row.map(f64::abs)));
                products(of_weight, source_bound(case, image, tile, c), &mut sums);
            }
            let bound = amplified(AT, sums)[y % TILE][x % TILE];
            check(y, x, k, wanted, bound)?;
        }
    }
    Ok(())
}

fn weight_gradient(case: &Case, level: Level) -> Result<(), TestCaseError> {
    let Case {
        source,
        target,
        padding,
        ..
    } = *case;
    let (batch, dy) = (case.batch(source, 1), case.batch(target, 3));
    let x_frame = Winograd::new(source, target, padding).source();
    let gradient = WinogradGradient::new(x_frame, target, padding);
    let (x, framed_dy) = (framed(x_frame, &batch), framed(gradient.output(), &dy));
    let mut sums = Buffer::zeros(gradient.sums()).unwrap();
    let mut scratch = Buffer::zeros(gradient.scratch()).unwrap();
    gradient.add(
        level,
        case.images,
        (&x, &framed_dy),
        &mut sums,
        Ahead::default(),
        &mut scratch,
    );
    let mut found = vec![0.0; 9 * source.channels * target.stored];
    gradient.finish(level, &sums, &mut found);
    let tiles = Tiles::of(target);
    for (c, k) in (0..source.channels).flat_map(|c| (0..target.channels).map(move |k| (c, k))) {
        let mut bounds = [[0.0; 6]; 6];
        for tile in 0..case.images * tiles.count() {
            let (number, y, x) = tiles.place(tile);
            let image = &batch[number * source.image()..][..source.image()];
            let dy = &dy[number * target.image()..][..target.image()];
            let value = |i, j| at(target, dy, [(y + i) as isize, (x + j) as isize], k).abs();
            let of_dy: [[f64; 4]; 4] =
                std::array::from_fn(|i| std::array::from_fn(|j| value(i, j)));
            let of_dy = amplified(transposed(AT), of_dy);
            products(of_dy, source_bound(case, image, [y, x], c), &mut bounds);
        }
        let bounds = amplified(transposed(G), bounds);
        for (u, v) in (0..3).flat_map(|u| (0..3).map(move |v| (u, v))) {
            let images = batch.chunks_exact(source.image());
            let images = images.zip(dy.chunks_exact(target.image()));
            let products = images.flat_map(|(image, dy)| {
                let rows = 0..target.height;
                let positions = rows.flat_map(|y| (0..target.width).map(move |x| (y, x)));
                positions.map(move |(y, x)| {
                    let from = [y + u, x + v].map(|at| at as isize - padding as isize);
                    at(source, image, from, c) * f64::from(dy[target.offset(y, x) + k])
                })
            });
            let wanted: f64 = products.sum();
            let found = case.tap(&found, [u, v], c, k) as f32;
            let what = format!("{level}, weight {u}, {v} from {c} to {k}");
            check(
                found,
                wanted,
                bounds[u][v],
                case.images * tiles.count() + TRANSFORMS,
                &what,
            )?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn results_are_those_of_the_definition(case in cases()) {
        for level in Level::available() {
            forward(&case, level)?;
        }
    }

    #[test]
    fn weight_gradients_are_those_of_the_definition(case in cases()) {
        for level in Level::available() {
            weight_gradient(&case, level)?;
        }
    }
}
