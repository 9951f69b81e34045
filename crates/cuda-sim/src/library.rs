//! The simulator within this process. All that is unsafe is here.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int};
use std::sync::OnceLock;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW, Symbol};

use crate::{SimulatorError, build};

/// `dlopen`'s RTLD_NOLOAD on Linux: only finds what is loaded already.
const RTLD_NOLOAD: c_int = 4;

type ReadText = unsafe extern "C" fn(*mut c_char, usize) -> usize;

/// How a launch is to fail; see [`Simulator::fail_launch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// `CUDA_ERROR_LAUNCH_FAILED`: the kernel crashed.
    LaunchFailed,
    /// `CUDA_ERROR_DEVICE_UNAVAILABLE`: the device is gone.
    DeviceUnavailable,
    /// `CUDA_ERROR_ECC_UNCORRECTABLE`: its memory broke.
    EccUncorrectable,
}

impl Failure {
    fn code(self) -> c_int {
        match self {
            Failure::LaunchFailed => 719,
            Failure::DeviceUnavailable => 46,
            Failure::EccUncorrectable => 214,
        }
    }
}

/// The simulator that this process has loaded, of which there is one.
#[derive(Clone, Copy, Debug)]
pub struct Simulator {
    functions: &'static Functions,
}

#[derive(Debug)]
struct Functions {
    last_error: Symbol<ReadText>,
    leaks: Symbol<ReadText>,
    launches: Symbol<unsafe extern "C" fn() -> u64>,
    early_launches: Symbol<unsafe extern "C" fn() -> u64>,
    fail_launch: Symbol<unsafe extern "C" fn(u64, c_int)>,
    reset: Symbol<unsafe extern "C" fn()>,
}

/// Compiles the simulator where needed ([`build`]) and loads it, so that `cudarc` finds it in place of NVIDIA's
/// driver. Once a process; cheap after that.
///
/// # Errors
/// As [`build`]; and when the process has loaded another `libcuda.so` before.
pub fn load() -> Result<Simulator, SimulatorError> {
    static LOADED: OnceLock<Functions> = OnceLock::new();
    // Two threads may both get here: dlopen gives both the same library.
    let functions = match LOADED.get() {
        Some(functions) => functions,
        None => {
            let functions = open()?;
            LOADED.get_or_init(|| functions)
        }
    };
    Ok(Simulator { functions })
}

fn open() -> Result<Functions, SimulatorError> {
    let folder = build()?.folder().to_owned();
    // SAFETY: the libraries' initialisers only set up their own state.
    let driver = unsafe {
        let driver = Library::open(Some(folder.join("libcuda.so")), RTLD_NOW | RTLD_LOCAL)
            .map_err(SimulatorError::Load)?;
        let nvrtc = Library::open(Some(folder.join("libnvrtc.so")), RTLD_NOW | RTLD_LOCAL)
            .map_err(SimulatorError::Load)?;
        // Both stay for as long as the process does: cudarc finds them by name.
        std::mem::forget(nvrtc);
        driver
    };
    // SAFETY: nothing is loaded; only what the name stands for in this process is looked up.
    let found = unsafe { Library::open(Some("libcuda.so"), RTLD_NOW | RTLD_NOLOAD) };
    // SAFETY: the symbol is only looked up.
    let ours =
        found.is_ok_and(|found| unsafe { found.get::<ReadText>(b"cuda_sim_last_error\0") }.is_ok());
    if !ours {
        return Err(SimulatorError::AnotherDriver);
    }
    // SAFETY: the types are those of driver/api/control.cpp, and the library is never closed.
    let functions = unsafe {
        Functions {
            last_error: driver
                .get(b"cuda_sim_last_error\0")
                .map_err(SimulatorError::Load)?,
            leaks: driver
                .get(b"cuda_sim_leaks\0")
                .map_err(SimulatorError::Load)?,
            launches: driver
                .get(b"cuda_sim_launches\0")
                .map_err(SimulatorError::Load)?,
            early_launches: driver
                .get(b"cuda_sim_early_launches\0")
                .map_err(SimulatorError::Load)?,
            fail_launch: driver
                .get(b"cuda_sim_fail_launch\0")
                .map_err(SimulatorError::Load)?,
            reset: driver
                .get(b"cuda_sim_reset\0")
                .map_err(SimulatorError::Load)?,
        }
    };
    std::mem::forget(driver);
    Ok(functions)
}

impl Simulator {
    /// What went wrong last, as a sentence: the kernel, block and thread that failed, or the function of the driver
    /// that was called wrongly. After a failure of the device, the report of that.
    pub fn last_error(&self) -> Option<String> {
        let text = read(&self.functions.last_error);
        (!text.is_empty()).then_some(text)
    }

    /// Memory that was allocated and not freed, one sentence an allocation, in the order of addresses.
    pub fn leaks(&self) -> Vec<String> {
        read(&self.functions.leaks)
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// How many kernels have run since the process began or [`Simulator::reset`] was called. Work that nobody has
    /// waited for has not run.
    pub fn launches(&self) -> u64 {
        // SAFETY: reads a counter.
        unsafe { (self.functions.launches)() }
    }

    /// How many of [`launches`](Self::launches) began before the one before them had ended.
    pub fn early_launches(&self) -> u64 {
        // SAFETY: reads a counter.
        unsafe { (self.functions.early_launches)() }
    }

    /// Lets the `nth` kernel from now fail, counted from 1, as it does on a device that breaks down: that call and all
    /// after it return the error.
    pub fn fail_launch(&self, nth: u64, failure: Failure) {
        // SAFETY: sets two numbers.
        unsafe { (self.functions.fail_launch)(nth, failure.code()) }
    }

    /// Puts the device in order after an error, without the work that waits; ends captures; sets
    /// [`Simulator::launches`] and [`Simulator::early_launches`] to 0. Memory and modules stay.
    pub fn reset(&self) {
        // SAFETY: takes no argument; the driver guards its own state.
        unsafe { (self.functions.reset)() }
    }
}

/// Reads a text of any length from the driver.
fn read(function: &Symbol<ReadText>) -> String {
    let mut text = vec![0u8; 256];
    loop {
        // SAFETY: the driver writes at most as many bytes as it is told there is room for.
        let length = unsafe { function(text.as_mut_ptr().cast(), text.len()) };
        if length < text.len() {
            text.truncate(length);
            return String::from_utf8_lossy(&text).into_owned();
        }
        text.resize(length + 1, 0);
    }
}
