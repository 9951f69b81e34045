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
