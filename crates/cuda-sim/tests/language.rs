//! CUDA C++ means on the simulator what it means on a GPU.

mod common;

use common::{config, device};
use cudarc::driver::{DeviceRepr, LaunchConfig, PushKernelArg};

const SOURCE: &str = include_str!("kernels/language.cu");

#[repr(C)]
#[derive(Clone, Copy)]
struct Shape {
    rows: i32,
    columns: i32,
    factor: f32,
}

#[allow(unsafe_code)]
// SAFETY: the struct has the layout of the kernel's.
unsafe impl DeviceRepr for Shape {}

#[test]
fn structs_and_templates() {
    let Some(device) = device() else { return };
    let kernel = device.kernel(SOURCE, "row_sums");
    let x: Vec<f32> = (0..35).map(|i| i as f32).collect();
    let input = device.stream.clone_htod(&x).unwrap();
    let mut output = device.stream.alloc_zeros::<f32>(7).unwrap();
    let shape = Shape {
        rows: 7,
        columns: 5,
        factor: 2.0,
    };
    let two_dimensional = LaunchConfig {
        grid_dim: (2, 1, 1),
        block_dim: (32, 4, 1),
        shared_mem_bytes: 0,
    };
    device
        .launch(&kernel, two_dimensional, |arguments| {
            arguments.arg(&input).arg(&mut output).arg(&shape);
        })
        .unwrap();
    let wanted: Vec<f32> = x
        .chunks(5)
        .map(|row| 2.0 * row.iter().sum::<f32>())
        .collect();
    assert_eq!(device.stream.clone_dtoh(&output).unwrap(), wanted);
}

#[test]
fn shared_memory_and_barriers() {
    let Some(device) = device() else { return };
    let kernel = device.kernel(SOURCE, "block_sums");
    let x: Vec<f32> = (0..640).map(|i| i as f32).collect();
    let input = device.stream.clone_htod(&x).unwrap();
    let mut output = device.stream.alloc_zeros::<f32>(640).unwrap();
    device
        .launch(&kernel, config(10, 64, 256), |arguments| {
            arguments.arg(&input).arg(&mut output);
        })
        .unwrap();
    let wanted: Vec<f32> = x
        .chunks(64)
        .flat_map(|block| [block.iter().sum(); 64])
        .collect();
    assert_eq!(device.stream.clone_dtoh(&output).unwrap(), wanted);
}

#[test]
fn votes_of_a_block() {
    let Some(device) = device() else { return };
    let kernel = device.kernel(SOURCE, "votes_of_block");
    for (first, wanted) in [(1, 4811), (0, 4701), (-30, 1700)] {
        let x: Vec<i32> = (first..first + 48).collect();
        let input = device.stream.clone_htod(&x).unwrap();
        let mut output = device.stream.alloc_zeros::<i32>(48).unwrap();
        device
            .launch(&kernel, config(1, 48, 0), |arguments| {
                arguments.arg(&input).arg(&mut output);
            })
            .unwrap();
        assert_eq!(device.stream.clone_dtoh(&output).unwrap(), [wanted; 48]);
    }
}

#[test]
fn warp_operations() {
    let Some(device) = device() else { return };
    let kernel = device.kernel(SOURCE, "warp_operations");
    let mut output = device.stream.alloc_zeros::<i32>(64 * 8).unwrap();
    device
        .launch(&kernel, config(1, 64, 0), |arguments| {
            arguments.arg(&mut output);
        })
        .unwrap();
    let output = device.stream.clone_dtoh(&output).unwrap();
    for (thread, results) in output.chunks(8).enumerate() {
        let lane = thread as i32 % 32;
        let down = if lane + 3 < 32 { lane + 3 } else { lane };
        let up = if lane >= 3 { lane - 3 } else { lane };
        let ballot = (0..32)
            .filter(|lane| lane % 3 == 0)
            .map(|lane| 1u32 << lane)
            .sum::<u32>() as i32;
        let down_in_group = if lane % 8 + 2 < 8 { lane + 2 } else { lane };
        let half = if lane < 16 { lane ^ 8 } else { 20 };
        assert_eq!(
            results,
            [50, down, up, lane ^ 1, ballot, 2, down_in_group, half],
            "lane {lane}"
        );
    }
}

#[test]
fn atomics() {
    let Some(device) = device() else { return };
    let kernel = device.kernel(SOURCE, "atomics");
    let mut output = device.stream.clone_htod(&[0u32, 0, 1000, 0, 0]).unwrap();
    let mut sum = device.stream.alloc_zeros::<f32>(1).unwrap();
    device
        .launch(&kernel, config(100, 128, 0), |arguments| {
            arguments.arg(&mut output).arg(&mut sum);
        })
        .unwrap();
    assert_eq!(
        device.stream.clone_dtoh(&output).unwrap(),
        [12800, 12799, 5, u32::MAX, 12800]
    );
    assert_eq!(device.stream.clone_dtoh(&sum).unwrap(), [6400.0]);
}

#[test]
fn vectors() {
    let Some(device) = device() else { return };
    let kernel = device.kernel(SOURCE, "vectors");
    let a = device
        .stream
        .clone_htod(&(0..16).map(|i| i as f32).collect::<Vec<_>>())
        .unwrap();
    let c = device
        .stream
        .clone_htod(&(0..16).collect::<Vec<i32>>())
        .unwrap();
    let mut b = device.stream.alloc_zeros::<f32>(8).unwrap();
    let mut d = device.stream.alloc_zeros::<f64>(8).unwrap();
    let mut e = device.stream.alloc_zeros::<u32>(16).unwrap();
    device
        .launch(&kernel, config(1, 4, 0), |arguments| {
            arguments
                .arg(&a)
                .arg(&mut b)
                .arg(&c)
                .arg(&mut d)
                .arg(&mut e);
        })
        .unwrap();
    assert_eq!(
        device.stream.clone_dtoh(&b).unwrap(),
        [1.0, 6.0, 9.0, 42.0, 17.0, 110.0, 25.0, 210.0]
    );
    assert_eq!(
        device.stream.clone_dtoh(&d).unwrap(),
        [0.5, 3.0, 4.5, 7.0, 8.5, 11.0, 12.5, 15.0]
    );
    assert_eq!(
        device.stream.clone_dtoh(&e).unwrap(),
        (0..16).collect::<Vec<u32>>()
    );
}

#[test]
fn arithmetic_is_rounded_as_asked_for() {
    let Some(device) = device() else { return };
    let kernel = device.kernel(SOURCE, "arithmetic");
    let (a, b) = (1.0000001f32, 3.0000002f32);
    let product = a * b;
    let x = device
        .stream
        .clone_htod(&[a, b, product, f32::NAN, f32::INFINITY])
        .unwrap();
    let (p, q) = (2.0f64.next_up(), 3.0f64.next_up());
    let d = device.stream.clone_htod(&[p, q, p * q]).unwrap();
    let mut y = device.stream.alloc_zeros::<f32>(10).unwrap();
    let mut z = device.stream.alloc_zeros::<f64>(3).unwrap();
    device
        .launch(&kernel, config(1, 1, 0), |arguments| {
            arguments.arg(&x).arg(&d).arg(&mut y).arg(&mut z);
        })
        .unwrap();
    let y = device.stream.clone_dtoh(&y).unwrap();
    let fused = a.mul_add(b, -product);
    assert_ne!(fused, 0.0, "the product is not exact");
    assert_eq!(
        y[..6],
        [0.0, fused, a / b, a.sqrt(), 1.0 / b, 1.0 / a.sqrt()]
    );
    assert_eq!(y[6..9], [3.0, a + 3.0 + 2.5, f32::NEG_INFINITY]);
    assert_eq!(y[9], (1.0 / f64::from(a).sqrt()) as f32);
    let z = device.stream.clone_dtoh(&z).unwrap();
    assert_eq!(z, [p.sqrt(), p.mul_add(q, -(p * q)), 1.0 / p.sqrt()]);
}

#[test]
fn what_was_not_written_is_nan() {
    let Some(device) = device() else { return };
    let kernel = device.kernel(SOURCE, "uninitialised");
    let zero = device.stream.alloc_zeros::<f32>(1).unwrap();
    let mut output = device.stream.alloc_zeros::<f32>(64 * 20).unwrap();
    device
        .launch(&kernel, config(20, 64, 256), |arguments| {
            arguments.arg(&mut output).arg(&zero);
        })
        .unwrap();
    for block in device.stream.clone_dtoh(&output).unwrap().chunks(64) {
        assert_eq!(block[..8], [2.0; 8]);
        assert!(block[8..].iter().all(|value| value.is_nan()), "{block:?}");
    }
    #[allow(unsafe_code)]
    // SAFETY: to be read uninitialised is what the test is about.
    let fresh = unsafe { device.stream.alloc::<f32>(3) }.unwrap();
    device
        .launch(&kernel, config(1, 64, 256), |arguments| {
            arguments.arg(&mut output).arg(&fresh);
        })
        .unwrap();
    assert!(device.stream.clone_dtoh(&output).unwrap()[0].is_nan());
}

#[test]
fn kernels_are_found_where_they_are_extern_c() {
    let Some(device) = device() else { return };
    let module = device.module(SOURCE);
    for name in ["from_a_macro", "in_a_block", "row_sums"] {
        module
            .load_function(name)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(module.load_function("left_out").is_err());
    assert!(module.load_function("without_c_linkage").is_err());
    assert!(module.load_function("sum_of").is_err());
}
