//! What is wrong with a launch is found and told: kernel, block, thread and what happened.

#[allow(unsafe_code)]
mod calls;
#[path = "../common/mod.rs"]
mod common;
mod launches;
mod memory;
mod threads;

use common::{Device, config, device};
use cudarc::driver::sys::CUresult;
use cudarc::driver::{CudaSlice, LaunchConfig, PushKernelArg};

const SOURCE: &str = include_str!("../kernels/errors.cu");

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

/// Where a slice lies.
fn address_of(slice: &CudaSlice<f32>, device: &Device) -> u64 {
    use cudarc::driver::DevicePtr;
    slice.device_ptr(&device.stream).0
}
