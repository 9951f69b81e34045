//! What the device tells of itself and of its kernels.
#![allow(unsafe_code)]

mod common;

use std::ffi::CStr;
use std::ptr::null_mut;

use common::raw::{memory, raw, read, stream};
use common::{config, device};
use cudarc::driver::sys::CUdevice_attribute as Attribute;
use cudarc::driver::sys::CUfunction_attribute as FunctionAttribute;
use cudarc::driver::sys::{self, CUresult, CUstreamCaptureMode, CUstreamCaptureStatus};
use cudarc::driver::{CudaContext, PushKernelArg};

#[test]
fn attributes_are_those_of_a_small_hopper() {
    let Some(device) = device() else { return };
    assert_eq!(device.context.name().unwrap(), "CUDA simulator");
    assert_eq!(device.context.compute_capability().unwrap(), (9, 0));
    assert_eq!(CudaContext::device_count().unwrap(), 1);
    for (attribute, value) in [
        (Attribute::CU_DEVICE_ATTRIBUTE_WARP_SIZE, 32),
        (Attribute::CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1024),
        (Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 4),
        (
            Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK,
            49152,
        ),
        (
            Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
            232_448,
        ),
    ] {
        assert_eq!(
            device.context.attribute(attribute).unwrap(),
            value,
            "{attribute:?}"
        );
    }
    let unknown = device
        .context
        .attribute(Attribute::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_WIDTH);
    assert_eq!(unknown.unwrap_err().0, CUresult::CUDA_ERROR_NOT_SUPPORTED);
    assert!(
        device.report().contains("cuDeviceGetAttribute"),
        "{}",
        device.report()
    );
    assert_eq!(
        CudaContext::new(1).unwrap_err().0,
        CUresult::CUDA_ERROR_INVALID_DEVICE
    );
}

#[test]
fn results_have_names_and_texts() {
    let Some(_device) = device() else { return };
    let (mut name, mut text) = (std::ptr::null(), std::ptr::null());
    // SAFETY: the texts live as long as the library.
    unsafe {
        sys::cuGetErrorName(CUresult::CUDA_ERROR_OUT_OF_MEMORY, &mut name)
            .result()
            .unwrap();
        sys::cuGetErrorString(CUresult::CUDA_ERROR_OUT_OF_MEMORY, &mut text)
            .result()
            .unwrap();
        assert_eq!(CStr::from_ptr(name), c"CUDA_ERROR_OUT_OF_MEMORY");
        assert_eq!(CStr::from_ptr(text), c"out of memory");
    }
}

#[test]
fn functions_tell_what_is_known_of_them() {
    let Some(device) = device() else { return };
    let source =
        "extern \"C\" __global__ void __launch_bounds__(64 * 3, 2) bounded(int* x) { x[0] = 1; }
                  extern \"C\" __global__ void free(int* x) { x[0] = 1; }";
    let threads = FunctionAttribute::CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK;
    let bounded = device.kernel(source, "bounded");
    assert_eq!(bounded.get_attribute(threads).unwrap(), 192);
    assert_eq!(
        device
            .kernel(source, "free")
            .get_attribute(threads)
            .unwrap(),
        1024
    );
    let shared = FunctionAttribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
    assert_eq!(bounded.get_attribute(shared).unwrap(), 49152);
    bounded.set_attribute(shared, 50000).unwrap();
    assert_eq!(bounded.get_attribute(shared).unwrap(), 50000);
    assert_eq!(
        bounded.num_regs().unwrap_err().0,
        CUresult::CUDA_ERROR_NOT_SUPPORTED
    );
}

#[test]
fn streams_tell_flags_priority_and_capture() {
    let Some(raw) = raw() else { return };
    let (mut s, mut flags, mut priority, mut id) = (null_mut(), 9, 9, 0);
    let mut status = CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_NONE;
    let mut graph = null_mut();
    let mut count = 0;
    // SAFETY: stream and graph live, and there is a place for each result.
    unsafe {
        sys::cuStreamCreateWithPriority(&mut s, 1, -2)
            .result()
            .unwrap();
        sys::cuStreamGetFlags(s, &mut flags).result().unwrap();
        sys::cuStreamGetPriority(s, &mut priority).result().unwrap();
        assert_eq!((flags, priority), (1, -2));
        sys::cuStreamBeginCapture_v2(s, CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED)
            .result()
            .unwrap();
        raw.store(s, memory(), 1);
        let none: *mut u8 = null_mut();
        let info = sys::cuStreamGetCaptureInfo_v3(
            s,
            &mut status,
            &mut id,
            none.cast(),
            none.cast(),
            none.cast(),
            none.cast(),
        );
        info.result().unwrap();
        assert_eq!(
            status,
            CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_ACTIVE
        );
        assert_ne!(id, 0);
        sys::cuStreamEndCapture(s, &mut graph).result().unwrap();
        sys::cuGraphGetNodes(graph, null_mut(), &mut count)
            .result()
            .unwrap();
        sys::cuGraphDestroy(graph).result().unwrap();
    }
    assert_eq!(count, 1);
}

#[test]
fn memory_is_filled_by_bytes_and_words() {
    let Some(_raw) = raw() else { return };
    let (s, x) = (stream(1), memory());
    // SAFETY: the memory has 32 words.
    unsafe {
        sys::cuMemsetD32_v2(x, 12, 32).result().unwrap();
        assert_eq!(read(x), 12);
        sys::cuMemsetD32Async(x, 13, 32, s).result().unwrap();
        sys::cuStreamSynchronize(s).result().unwrap();
        assert_eq!(read(x), 13);
        sys::cuMemsetD8_v2(x, 1, 128).result().unwrap();
        assert_eq!(read(x), 0x0101_0101);
        assert_eq!(
            sys::cuMemsetD32_v2(x + 2, 0, 1),
            CUresult::CUDA_ERROR_INVALID_VALUE
        );
        assert_eq!(
            sys::cuMemsetD8_v2(x, 0, 129),
            CUresult::CUDA_ERROR_INVALID_VALUE
        );
    }
}

/// Pinned memory has the same address on the device.
#[test]
fn kernels_use_pinned_memory() {
    let Some(device) = device() else { return };
    let kernel = device.kernel(
        "extern \"C\" __global__ void next(int* x) { x[threadIdx.x] += 1; }",
        "next",
    );
    let host = common::raw::pinned(32);
    let mut address = 0;
    // SAFETY: the memory has 32 numbers; it is used between synchronisations.
    unsafe {
        host.write_bytes(0, 32);
        sys::cuMemHostGetDevicePointer_v2(&mut address, host.cast(), 0)
            .result()
            .unwrap();
        device
            .launch(&kernel, config(1, 32, 0), |arguments| {
                arguments.arg(&address);
            })
            .unwrap();
        device.stream.synchronize().unwrap();
        assert_eq!(host.add(31).read(), 1);
        sys::cuMemFreeHost(host.cast()).result().unwrap();
        assert_eq!(
            sys::cuMemFreeHost(host.cast()),
            CUresult::CUDA_ERROR_INVALID_VALUE
        );
    }
}
