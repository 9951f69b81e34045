//! What is wrong with a launch is found and told: kernel, block, thread and what happened.

mod common;

use common::{Device, config, device};
use cudarc::driver::sys::CUresult;
use cudarc::driver::{CudaSlice, LaunchConfig, PushKernelArg};

const SOURCE: &str = include_str!("kernels/errors.cu");

/// Runs a kernel on 64 floats, and returns the error of the call or, after it, of the synchronisation.
fn run(device: &Device, name: &str, config: LaunchConfig) -> Option<CUresult> {
    let kernel = device.kernel(SOURCE, name);
    let mut x = device.stream.clone_htod(&[1.0f32; 64]).unwrap();
    let launched = device.launch(&kernel, config, |arguments| {
        arguments.arg(&mut x).arg(&64i32);
    });
    let outcome = launched.and_then(|()| device.stream.synchronize());
    outcome.err().map(|error| error.0)
}

/// The kernel fails with a code, a report that has all the words, and the device stays broken until it is reset.
fn fails(name: &str, config: LaunchConfig, code: CUresult, words: &[&str]) {
    let Some(device) = device() else { return };
    assert_eq!(run(&device, name, config), Some(code));
    let report = device.report();
    let words = words.iter().map(|word| with_lines(word));
    for word in words.chain(["kernel ".into(), name.into()]) {
        assert!(report.contains(&word), "{word:?} is not in {report:?}");
    }
    assert_eq!(
        device.stream.synchronize().unwrap_err().0,
        code,
        "the error stays"
    );
    assert_eq!(
        device.stream.alloc_zeros::<f32>(1).unwrap_err().0,
        code,
        "for all calls"
    );
    device.simulator.reset();
    assert_eq!(device.simulator.last_error(), None);
    assert_eq!(
        run(&device, "fine", common::config(1, 64, 0)),
        None,
        "after a reset the device works"
    );
}

/// Puts the number of the line that has a comment in the place of the comment: "kernel.cu:// of some".
fn with_lines(word: &str) -> String {
    match word.split_once("//") {
        Some((before, comment)) => {
            let line = SOURCE
                .lines()
                .position(|line| line.ends_with(&format!("//{comment}")));
            format!(
                "{before}{}",
                line.expect("the comment is in the source") + 1
            )
        }
        None => word.to_owned(),
    }
}

const ILLEGAL: CUresult = CUresult::CUDA_ERROR_ILLEGAL_ADDRESS;
const FAILED: CUresult = CUresult::CUDA_ERROR_LAUNCH_FAILED;

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
fn divergent_barriers() {
    fails(
        "divergent_barriers",
        config(1, 64, 0),
        FAILED,
        &[
            "divergent barriers",
            "kernel.cu:// of the first warp",
            "kernel.cu:// of the others",
            "32 threads",
        ],
    );
}

#[test]
fn barrier_of_some_threads() {
    fails(
        "barrier_of_some",
        config(1, 64, 0),
        FAILED,
        &[
            "barrier after an exit",
            "32 threads wait at kernel.cu:// of some",
        ],
    );
}

#[test]
fn barrier_after_exit() {
    fails(
        "barrier_after_exit",
        config(1, 64, 0),
        FAILED,
        &["barrier after an exit", "40 threads wait", "the other 24"],
    );
}

#[test]
fn deadlock() {
    fails(
        "deadlock",
        config(1, 64, 0),
        FAILED,
        &[
            "deadlock",
            "16 threads wait for __syncwarp at kernel.cu:// of half a warp",
            "48 threads wait for __syncthreads",
        ],
    );
}

#[test]
fn lane_outside_the_mask() {
    fails(
        "lane_outside_the_mask",
        config(1, 64, 0),
        FAILED,
        &[
            "lane outside the mask",
            "lane 16",
            "0x0000ffff",
            "thread (16,0,0)",
        ],
    );
}

#[test]
fn different_operations_of_a_warp() {
    fails(
        "different_operations",
        config(1, 64, 0),
        FAILED,
        &["different operations", "a shuffle at", "a vote at"],
    );
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

/// Where a slice lies.
fn address_of(slice: &CudaSlice<f32>, device: &Device) -> u64 {
    use cudarc::driver::DevicePtr;
    slice.device_ptr(&device.stream).0
}

#[allow(unsafe_code)]
mod calls {
    //! Wrong calls of the driver's interface, made without cudarc's safe part.
    use super::common::device;
    use cudarc::driver::sys::{self, CUresult};

    #[test]
    fn double_free() {
        let Some(device) = device() else { return };
        let mut address = 0;
        // SAFETY: the second call is what the simulator must refuse.
        unsafe {
            sys::cuMemAlloc_v2(&mut address, 100).result().unwrap();
            assert!(
                device
                    .simulator
                    .leaks()
                    .iter()
                    .any(|leak| leak.contains("(100 bytes at"))
            );
            sys::cuMemFree_v2(address).result().unwrap();
            assert_eq!(
                sys::cuMemFree_v2(address),
                CUresult::CUDA_ERROR_INVALID_VALUE
            );
        }
        assert!(
            device.report().contains("was freed before"),
            "{}",
            device.report()
        );
        assert!(
            !device
                .simulator
                .leaks()
                .iter()
                .any(|leak| leak.contains("(100 bytes at"))
        );
    }

    #[test]
    fn free_of_what_was_not_allocated() {
        let Some(device) = device() else { return };
        let mut address = 0;
        // SAFETY: both wrong calls are what the simulator must refuse.
        unsafe {
            sys::cuMemAlloc_v2(&mut address, 100).result().unwrap();
            assert_eq!(
                sys::cuMemFree_v2(address + 16),
                CUresult::CUDA_ERROR_INVALID_VALUE
            );
            assert!(
                device
                    .report()
                    .contains("not the beginning of an allocation")
            );
            sys::cuMemFree_v2(address).result().unwrap();
        }
    }

    #[test]
    fn copies_past_the_end_and_to_the_host() {
        let Some(device) = device() else { return };
        let mut address = 0;
        let mut host = [0u8; 101];
        // SAFETY: wrong copies are what the simulator must refuse before it makes them.
        unsafe {
            sys::cuMemAlloc_v2(&mut address, 100).result().unwrap();
            assert_eq!(
                sys::cuMemcpyHtoD_v2(address, host.as_ptr().cast(), 101),
                CUresult::CUDA_ERROR_INVALID_VALUE
            );
            assert!(
                device.report().contains("the destination of 101 bytes"),
                "{}",
                device.report()
            );
            assert_eq!(
                sys::cuMemcpyDtoH_v2(host.as_mut_ptr().cast(), address + 50, 51),
                CUresult::CUDA_ERROR_INVALID_VALUE
            );
            let to_host = host.as_mut_ptr() as u64;
            assert_eq!(
                sys::cuMemcpyDtoD_v2(to_host, address, 50),
                CUresult::CUDA_ERROR_INVALID_VALUE
            );
            assert!(
                device.report().contains("a pointer of the host"),
                "{}",
                device.report()
            );
            sys::cuMemFree_v2(address).result().unwrap();
        }
    }

    #[test]
    fn destroyed_stream() {
        let Some(device) = device() else { return };
        let mut stream = std::ptr::null_mut();
        // SAFETY: uses of the destroyed stream are what the simulator must refuse.
        unsafe {
            sys::cuStreamCreate(&mut stream, 1).result().unwrap();
            sys::cuStreamDestroy_v2(stream).result().unwrap();
            assert_eq!(
                sys::cuStreamSynchronize(stream),
                CUresult::CUDA_ERROR_INVALID_HANDLE
            );
            assert!(
                device
                    .report()
                    .contains("cuStreamSynchronize: the stream does not exist or was destroyed")
            );
            assert_eq!(
                sys::cuStreamDestroy_v2(stream),
                CUresult::CUDA_ERROR_INVALID_HANDLE
            );
        }
    }

    #[test]
    fn no_context() {
        let Some(device) = device() else { return };
        // SAFETY: another thread has no context, which the simulator must notice.
        let outcome = std::thread::spawn(|| unsafe { sys::cuMemAlloc_v2(&mut 0, 100) })
            .join()
            .unwrap();
        assert_eq!(outcome, CUresult::CUDA_ERROR_INVALID_CONTEXT);
        assert!(
            device.report().contains("no current context"),
            "{}",
            device.report()
        );
    }
}
