//! Products of matrices, and what goes with them.

mod common;

use common::{Device, config, device};
use cudarc::driver::{DriverError, PushKernelArg};

const SOURCE: &str = include_str!("kernels/tensor_core.cu");

/// The numbers of 8 significant bits beside `x`: towards 0 and away from it.
fn neighbours(x: f32) -> [f32; 2] {
    let below = x.to_bits() & 0xffff_0000;
    let above = if below == x.to_bits() {
        below
    } else {
        below + 0x1_0000
    };
    [below, above].map(f32::from_bits)
}

#[test]
fn factors_are_rounded_to_nearest() {
    let Some(device) = device() else { return };
    let kernel = device.kernel(SOURCE, "roundings");
    let mut x: Vec<f32> = (0..4096_u32)
        .map(|i| f32::from_bits(i.wrapping_mul(0x9E37_79B9)))
        .collect();
    // Ties: one to an even neighbour, one to an odd one.
    x.extend([0x3f80_8000, 0x3f81_8000, 0xbf80_8000].map(f32::from_bits));
    x.extend([
        0.0,
        -0.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        f32::MAX,
    ]);
    let input = device.stream.clone_htod(&x).unwrap();
    let mut output = device.stream.alloc_zeros::<u32>(x.len()).unwrap();
    let blocks = (x.len() as u32).div_ceil(256);
    let count = x.len() as i32;
    device
        .launch(&kernel, config(blocks, 256, 0), |arguments| {
            arguments.arg(&input).arg(&mut output).arg(&count);
        })
        .unwrap();
    let output = device.stream.clone_dtoh(&output).unwrap();
    for (&x, rounded) in x.iter().zip(output) {
        assert_eq!(rounded >> 16, 0x3f80, "the second of two");
        let got = f32::from_bits(rounded << 16);
        if x.is_nan() {
            assert!(got.is_nan());
            continue;
        }
        let [below, above] = neighbours(x);
        let distance = |to: f32| (f64::from(x) - f64::from(to)).abs();
        let is_even = below.to_bits() >> 16 & 1 == 0;
        // Beyond the largest number is one more step.
        let other = distance(above).min(step_above(below) / 2.0);
        let nearest = match distance(below) {
            near if near < other || near == other && is_even => below,
            _ => above,
        };
        assert_eq!(got.to_bits(), nearest.to_bits(), "{x:e}");
    }
}

/// From `x` to the next number of 8 bits, also where that is none of float32.
fn step_above(x: f32) -> f64 {
    let exponent = (x.to_bits() >> 23 & 0xff).max(1) as i32 - 127;
    2f64.powi(exponent - 7)
}

/// Entries without a pattern that 8 bits hold.
fn entries(count: usize, seed: u32) -> Vec<f32> {
    let number = |i: usize| (i as u32 + 1).wrapping_mul(seed) >> 24;
    (0..count).map(|i| number(i) as f32 / 16.0 - 8.0).collect()
}

#[test]
fn products_are_those_of_matrices() {
    let Some(device) = device() else { return };
    for (name, depth) in [("product_tf32", 8), ("product_bf16", 16)] {
        let words = |x: &[f32]| -> Vec<u32> {
            match depth {
                // What is beyond 11 bits is not looked at.
                8 => x.iter().map(|x| x.to_bits() | 0x1357).collect(),
                _ => x
                    .chunks(2)
                    .map(|pair| pair[0].to_bits() >> 16 | pair[1].to_bits() & 0xffff_0000)
                    .collect(),
            }
        };
        let (a, b) = (
            entries(16 * depth, 0x9E37_79B9),
            entries(8 * depth, 0x85EB_CA6B),
        );
        let c = entries(16 * 8, 0xC2B2_AE35);
        let kernel = device.kernel(SOURCE, name);
        let first = device.stream.clone_htod(&words(&a)).unwrap();
        let second = device.stream.clone_htod(&words(&b)).unwrap();
        let mut sums = device.stream.clone_htod(&c).unwrap();
        device
            .launch(&kernel, config(1, 32, 0), |arguments| {
                arguments.arg(&first).arg(&second).arg(&mut sums);
            })
            .unwrap();
        let sums = device.stream.clone_dtoh(&sums).unwrap();
        for row in 0..16 {
            for column in 0..8 {
                let products = (0..depth).map(|k| a[row * depth + k] * b[column * depth + k]);
                // All of it is exact.
                let wanted = c[row * 8 + column] + products.sum::<f32>();
                assert_eq!(sums[row * 8 + column], wanted, "{name}, {row}, {column}");
            }
        }
    }
}

#[test]
fn sums_are_rounded_towards_zero() {
    let Some(device) = device() else { return };
    let kernel = device.kernel(SOURCE, "product_tf32");
    // One product of ±3/4 of the last place of what it is added to; below 1, a place is half as much.
    for (c, product, wanted) in [
        (1.0_f32, 0.75 * f32::EPSILON, 1.0),
        (-1.0, -0.75 * f32::EPSILON, -1.0),
        (1.0, -0.75 * f32::EPSILON, 1.0 - f32::EPSILON),
    ] {
        let (mut a, mut b) = (vec![0.0_f32; 128], vec![0.0_f32; 64]);
        (a[0], b[0]) = (product, 1.0);
        let first = device.stream.clone_htod(&a).unwrap();
        let second = device.stream.clone_htod(&b).unwrap();
        let mut sums = device.stream.clone_htod(&vec![c; 128]).unwrap();
        device
            .launch(&kernel, config(1, 32, 0), |arguments| {
                arguments.arg(&first).arg(&second).arg(&mut sums);
            })
            .unwrap();
        assert_eq!(device.stream.clone_dtoh(&sums).unwrap()[0], wanted, "{c}");
    }
}

#[test]
fn matrices_are_transposed() {
    let Some(device) = device() else { return };
    let kernel = device.kernel(SOURCE, "transposed");
    let x: Vec<u16> = (0..256).collect();
    let input = device.stream.clone_htod(&x).unwrap();
    let mut output = device.stream.alloc_zeros::<u16>(256).unwrap();
    device
        .launch(&kernel, config(1, 32, 0), |arguments| {
            arguments.arg(&input).arg(&mut output);
        })
        .unwrap();
    let output = device.stream.clone_dtoh(&output).unwrap();
    for matrix in 0..4_usize {
        for row in 0..8 {
            for column in 0..8 {
                let at = |row: usize, column: usize| 64 * matrix + 8 * row + column;
                assert_eq!(output[at(column, row)], x[at(row, column)]);
            }
        }
    }
}

/// Launches a kernel on one warp, and gives back its 128 results.
fn on_a_warp(device: &Device, name: &str) -> Result<Vec<f32>, DriverError> {
    let kernel = device.kernel(SOURCE, name);
    let x: Vec<f32> = (0..64).map(|i| i as f32).collect();
    let input = device.stream.clone_htod(&x)?;
    let mut output = device.stream.alloc_zeros::<f32>(128)?;
    device.launch(&kernel, config(1, 32, 0), |arguments| {
        arguments.arg(&input).arg(&mut output);
    })?;
    device.stream.clone_dtoh(&output)
}

#[test]
fn a_copy_is_there_once_it_has_been_waited_for() {
    let Some(device) = device() else { return };
    let out = on_a_warp(&device, "too_early").unwrap();
    for (lane, of_lane) in out.chunks(4).enumerate() {
        assert_eq!(of_lane, [-1.0, -1.0, 2.0 * lane as f32, 0.0]);
    }
}

#[test]
fn what_is_wrong_is_reported() {
    for (kernel, wanted) in [
        (
            "never_waited_for",
            "it exits before it has waited for 1 asynchronous copies",
        ),
        ("half_a_warp", "wants all lanes of the warp"),
        ("misaligned_row", "misaligned"),
    ] {
        let Some(device) = device() else { return };
        let failed = on_a_warp(&device, kernel);
        assert!(failed.is_err(), "{kernel}: {failed:?}");
        let report = device.report();
        assert!(report.contains(wanted), "{kernel}: {report}");
    }
}
