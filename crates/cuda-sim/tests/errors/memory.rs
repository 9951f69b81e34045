//! Accesses outside of what is there.

use super::*;

#[test]
fn read_past_the_end() {
    fails(
        "read_past_the_end",
        config(1, 64, 0),
        ILLEGAL,
        &[
            "block (0,0,0), thread (0,0,0)",
            "0 bytes past the end of",
            "(256 bytes at",
        ],
    );
}

#[test]
fn write_past_the_end() {
    fails(
        "write_past_the_end",
        config(3, 32, 0),
        ILLEGAL,
        &["block (2,0,0), thread (0,0,0)", "0 bytes past the end of"],
    );
}

/// So many threads that several workers run them: one fails, the others stop.

#[test]
fn one_of_many_blocks() {
    fails(
        "write_past_the_end",
        config(64, 64, 0),
        ILLEGAL,
        &["block (1,0,0), thread (0,0,0)", "0 bytes past the end of"],
    );
}

#[test]
fn write_before_the_beginning() {
    fails(
        "write_before_the_beginning",
        config(1, 64, 0),
        ILLEGAL,
        &["4096 bytes before"],
    );
}

#[test]
fn write_just_before_the_beginning() {
    fails(
        "write_just_before",
        config(1, 64, 0),
        ILLEGAL,
        &["wrote before the beginning"],
    );
}

/// An allocation whose size is no multiple of 16 bytes does not end at the end of a page.
#[test]
fn write_just_past_the_end() {
    let Some(device) = device() else { return };
    let kernel = device.kernel(SOURCE, "fine");
    let mut x = device.stream.alloc_zeros::<f32>(63).unwrap();
    device
        .launch(&kernel, config(1, 64, 0), |arguments| {
            arguments.arg(&mut x).arg(&64i32);
        })
        .unwrap();
    assert_eq!(device.stream.synchronize().unwrap_err().0, ILLEGAL);
    let report = device.report();
    assert!(
        report.contains("kernel fine wrote") && report.contains("past the end of allocation"),
        "{report}"
    );
    device.simulator.reset();
}

#[test]
fn null_pointer() {
    fails(
        "null_pointer",
        config(1, 64, 0),
        ILLEGAL,
        &["a null pointer", "thread (0,0,0)"],
    );
}

#[test]
fn misaligned_vectors() {
    let misaligned = CUresult::CUDA_ERROR_MISALIGNED_ADDRESS;
    for name in [
        "misaligned_vector",
        "misaligned_vector_read",
        "misaligned_pair",
    ] {
        fails(name, config(1, 64, 0), misaligned, &["not a multiple of"]);
    }
}

#[test]
fn write_past_a_shared_array() {
    fails(
        "overruns_shared",
        config(1, 64, 0),
        ILLEGAL,
        &["__shared__", "block (0,0,0)"],
    );
}

#[test]
fn write_past_dynamic_shared_memory() {
    fails(
        "overruns_dynamic_shared",
        config(1, 64, 256),
        ILLEGAL,
        &[
            "past the end of the block's shared memory",
            "thread (63,0,0)",
        ],
    );
}

#[test]
fn use_after_free() {
    let Some(device) = device() else { return };
    let kernel = device.kernel(SOURCE, "fine");
    let x = device.stream.alloc_zeros::<f32>(64).unwrap();
    let address = address_of(&x, &device);
    drop(x);
    device
        .launch(&kernel, config(1, 64, 0), |arguments| {
            arguments.arg(&address).arg(&64i32);
        })
        .unwrap();
    assert_eq!(device.stream.synchronize().unwrap_err().0, ILLEGAL);
    let report = device.report();
    assert!(
        report.contains("0 bytes into allocation") && report.contains("has been freed"),
        "{report}"
    );
    device.simulator.reset();
}

#[test]
fn pointer_of_the_host() {
    let Some(device) = device() else { return };
    let kernel = device.kernel(SOURCE, "fine");
    let host = vec![0.0f32; 64];
    let address = host.as_ptr() as u64;
    device
        .launch(&kernel, config(1, 64, 0), |arguments| {
            arguments.arg(&address).arg(&64i32);
        })
        .unwrap();
    assert_eq!(device.stream.synchronize().unwrap_err().0, ILLEGAL);
    let report = device.report();
    assert!(
        report.contains("parameter 1") && report.contains("a pointer of the host"),
        "{report}"
    );
    assert_eq!(host, [0.0; 64], "it was not written to");
    device.simulator.reset();
}
