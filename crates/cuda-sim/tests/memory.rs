//! A device with little memory: what happens when there is none left.
#![allow(unsafe_code)]

mod common;

use std::sync::Once;

use common::{Device, device};
use cudarc::driver::sys::{self, CUresult};

const TOTAL: usize = 1 << 20;

/// The device has a megabyte; told by the environment, before the simulator is loaded.
fn small_device() -> Option<Device> {
    static SET: Once = Once::new();
    // SAFETY: all tests of this program come through here before they read the environment.
    SET.call_once(|| unsafe { std::env::set_var("CUDA_SIM_MEMORY", TOTAL.to_string()) });
    device()
}

#[test]
fn out_of_memory() {
    let Some(device) = small_device() else { return };
    let before = device.context.mem_get_info().unwrap();
    assert_eq!(before.1, TOTAL);
    assert_eq!(device.context.total_mem().unwrap(), TOTAL);
    let error = device.stream.alloc_zeros::<u8>(TOTAL + 1).unwrap_err();
    assert_eq!(error.0, CUresult::CUDA_ERROR_OUT_OF_MEMORY);
    assert!(
        device.report().contains("1048577 bytes asked for"),
        "{}",
        device.report()
    );
    let half = device.stream.alloc_zeros::<u8>(TOTAL / 2).unwrap();
    assert_eq!(
        device.context.mem_get_info().unwrap().0,
        before.0 - TOTAL / 2
    );
    assert!(device.stream.alloc_zeros::<u8>(TOTAL / 2 + 1).is_err());
    drop(half);
    let whole = device.stream.alloc_zeros::<u8>(TOTAL);
    whole.expect("memory that a stream has yet to free is not missing");
}

#[test]
fn no_memory_at_all() {
    let Some(_device) = small_device() else {
        return;
    };
    let mut address = 1;
    // SAFETY: the address' place is valid; freeing nothing is allowed.
    unsafe {
        assert_eq!(
            sys::cuMemAlloc_v2(&mut address, 0),
            CUresult::CUDA_ERROR_INVALID_VALUE
        );
        sys::cuMemAllocAsync(&mut address, 0, std::ptr::null_mut())
            .result()
            .unwrap();
        assert_eq!(address, 0);
        sys::cuMemFree_v2(0).result().unwrap();
    }
}

#[test]
fn leaks_are_listed() {
    let Some(device) = small_device() else { return };
    let kept = device.stream.alloc_zeros::<u8>(1234).unwrap();
    let dropped = device.stream.alloc_zeros::<u8>(4321).unwrap();
    drop(dropped);
    let leaks = device.simulator.leaks();
    assert!(
        leaks.iter().any(|leak| leak.contains("(1234 bytes at")),
        "{leaks:?}"
    );
    assert!(
        !leaks.iter().any(|leak| leak.contains("(4321 bytes at")),
        "{leaks:?}"
    );
    drop(kept);
    device.stream.synchronize().unwrap();
    assert!(
        !device
            .simulator
            .leaks()
            .iter()
            .any(|leak| leak.contains("(1234 bytes at"))
    );
}
