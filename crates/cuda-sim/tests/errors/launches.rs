//! Launches that cannot be made, and kernels that end themselves.

use super::*;

#[test]
fn too_much_shared_memory() {
    fails(
        "too_much_shared",
        config(1, 64, 0),
        CUresult::CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES,
        &["48 KiB"],
    );
}

#[test]
fn stack_overflow() {
    fails(
        "stack_overflow",
        config(1, 64, 0),
        CUresult::CUDA_ERROR_HARDWARE_STACK_ERROR,
        &["stack overflowed"],
    );
}

#[test]
fn division_by_zero() {
    fails(
        "divides_by_zero",
        config(1, 64, 0),
        FAILED,
        &["divided by zero"],
    );
}

#[test]
fn trap() {
    fails(
        "traps",
        config(1, 64, 0),
        FAILED,
        &["__trap was called at kernel.cu", "thread (9,0,0)"],
    );
}

#[test]
fn assertion() {
    fails(
        "asserts",
        config(1, 64, 0),
        CUresult::CUDA_ERROR_ASSERT,
        &["assertion threadIdx.x < 50 &&", "thread (50,0,0)"],
    );
}

/// A launch that cannot be: an error of the call, and the device stays in order.

#[test]
fn invalid_configurations() {
    let Some(device) = device() else { return };
    let dimensions = |grid_dim, block_dim| LaunchConfig {
        grid_dim,
        block_dim,
        shared_mem_bytes: 0,
    };
    let cases = [
        (config(1, 1025, 0), "a block has"),
        (config(1, 0, 0), "a block has"),
        (dimensions((1, 1, 1), (8, 1, 65)), "a block has"),
        (dimensions((1, 1, 1), (1024, 2, 1)), "a block has"),
        (config(0, 32, 0), "a grid has"),
        (dimensions((1, 65536, 1), (32, 1, 1)), "a grid has"),
        (config(1, 129, 0), "__launch_bounds__(128)"),
        (config(1, 64, 49153), "49153 bytes of dynamic shared memory"),
    ];
    for (config, words) in cases {
        assert_eq!(
            run(&device, "fine", config),
            Some(CUresult::CUDA_ERROR_INVALID_VALUE),
            "{config:?}"
        );
        assert!(device.report().contains(words), "{}", device.report());
    }
    assert_eq!(run(&device, "fine", config(1, 64, 0)), None);
}

#[test]
fn dynamic_shared_memory_beyond_the_default_must_be_allowed() {
    use cudarc::driver::sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES as MAXIMUM;
    let Some(device) = device() else { return };
    let kernel = device.kernel(SOURCE, "fine");
    let mut x = device.stream.alloc_zeros::<f32>(64).unwrap();
    assert!(kernel.set_attribute(MAXIMUM, 227 * 1024 + 1).is_err());
    kernel.set_attribute(MAXIMUM, 100_000).unwrap();
    device
        .launch(&kernel, config(1, 64, 100_000), |arguments| {
            arguments.arg(&mut x).arg(&64i32);
        })
        .unwrap();
    device.stream.synchronize().unwrap();
}

#[test]
fn wrong_name_and_too_few_arguments() {
    let Some(device) = device() else { return };
    let module = device.module(SOURCE);
    assert_eq!(
        module.load_function("absent").unwrap_err().0,
        CUresult::CUDA_ERROR_NOT_FOUND
    );
    assert!(
        device.report().contains("no kernel absent"),
        "{}",
        device.report()
    );

    let kernel = module.load_function("fine").unwrap();
    let launched = device.launch(&kernel, config(1, 64, 0), |_| {});
    assert_eq!(launched.unwrap_err().0, CUresult::CUDA_ERROR_INVALID_VALUE);
    assert!(
        device.report().contains("argument 1 of 2 cannot be read"),
        "{}",
        device.report()
    );
}
