//! The GPU: found, opened, and with all kernels loaded.

use std::collections::HashMap;
use std::sync::Arc;

use cudarc::driver::{CudaContext, CudaFunction, CudaStream, DriverError, sys};
use cudarc::nvrtc::Ptx;
use nn_engine::{EngineError, Products};

use crate::kernels::{self, Target};
use crate::launch::Kernel;

/// Oldest driver that takes what NVRTC of CUDA 13 makes, and has all that is called.
const OLDEST_DRIVER: i32 = 13_000;

/// The oldest generation of GPUs that the kernels run on: its major compute capability.
const OLDEST_CAPABILITY: i32 = 8;

/// The first generation whose launches can begin before the one before has ended (Hopper).
const CAPABILITY_OF_EARLY_LAUNCHES: i32 = 9;

/// If it is set, none does: to time the difference, or to see whether a fault comes from it.
const NOT_EARLY_VARIABLE: &str = "NN_CUDA_NOT_EARLY";

/// In percent.
const ALL_SHARED: i32 = 100;

/// A GPU with its kernels.
pub(crate) struct Gpu {
    pub(crate) context: Arc<CudaContext>,
    pub(crate) stream: Arc<CudaStream>,
    functions: HashMap<Kernel, CudaFunction>,
    pub(crate) products: Products,
    pub(crate) multiprocessors: usize,
    /// Whether launches begin before the one before them has ended.
    pub(crate) begins_early: bool,
    pub(crate) name: String,
}

/// Whether there is a GPU that an engine can run on.
///
/// # Errors
/// [`EngineError::NoDevice`] with the reason why not.
///
/// ```
/// match nn_cuda::is_available() {
///     Ok(()) => println!("training on the GPU"),
///     Err(reason) => println!("training on the CPU: {reason}"),
/// }
/// ```
pub fn is_available() -> Result<(), EngineError> {
    Gpu::open(Products::Full).map(|_| ())
}

fn none(why: impl Into<String>) -> EngineError {
    EngineError::NoDevice { why: why.into() }
}

/// The error of a call to the driver.
pub(crate) fn failed(doing: &'static str) -> impl Fn(DriverError) -> EngineError {
    move |error| {
        let why = describe(error);
        if is_lost(error.0) {
            EngineError::DeviceLost { doing, why }
        } else {
            EngineError::Device { doing, why }
        }
    }
}

/// Whether, after this, every call fails until the process is started again, as the driver's manual says of it.
fn is_lost(code: sys::CUresult) -> bool {
    use sys::CUresult::*;
    matches!(
        code,
        CUDA_ERROR_ASSERT
            | CUDA_ERROR_CONTAINED
            | CUDA_ERROR_CONTEXT_IS_DESTROYED
            | CUDA_ERROR_DEINITIALIZED
            | CUDA_ERROR_DEVICE_UNAVAILABLE
            | CUDA_ERROR_ECC_UNCORRECTABLE
            | CUDA_ERROR_EXTERNAL_DEVICE
            | CUDA_ERROR_HARDWARE_STACK_ERROR
            | CUDA_ERROR_ILLEGAL_ADDRESS
            | CUDA_ERROR_ILLEGAL_INSTRUCTION
            | CUDA_ERROR_INVALID_ADDRESS_SPACE
            | CUDA_ERROR_INVALID_PC
            | CUDA_ERROR_LAUNCH_FAILED
            | CUDA_ERROR_LAUNCH_TIMEOUT
            | CUDA_ERROR_MISALIGNED_ADDRESS
            | CUDA_ERROR_MPS_CLIENT_TERMINATED
            | CUDA_ERROR_NVLINK_UNCORRECTABLE
            | CUDA_ERROR_UNKNOWN
    )
}

fn describe(error: DriverError) -> String {
    let text = error.error_string().ok().map(|text| text.to_string_lossy());
    match text {
        Some(text) => format!("{text} ({:?})", error.0),
        None => format!("{:?}", error.0),
    }
}

impl Gpu {
    /// The first GPU, with the kernels of a format.
    ///
    /// # Errors
    /// [`EngineError::NoDevice`].
    pub(crate) fn open(products: Products) -> Result<Self, EngineError> {
        let driver = driver_version()?;
        let context = CudaContext::new(0).map_err(|error| {
            none(match error.0 {
                sys::CUresult::CUDA_ERROR_NO_DEVICE => {
                    "NVIDIA's driver is installed and finds no GPU".to_owned()
                }
                _ => format!("NVIDIA's driver cannot open the GPU: {}", describe(error)),
            })
        })?;
        let unusable = |error| none(format!("the GPU cannot be used: {}", describe(error)));
        untracked(&context);
        let name = context.name().map_err(unusable)?;
        let (major, minor) = context.compute_capability().map_err(unusable)?;
        check_capability(major, minor).map_err(none)?;
        let count = sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;
        let multiprocessors = context.attribute(count).map_err(unusable)?;
        let target = Target {
            major,
            minor,
            driver,
        };
        let loaded = kernels::load(products, target, |code| functions(&context, products, code));
        let functions = loaded.map_err(none)?;
        let stream = context.new_stream().map_err(unusable)?;
        Ok(Self {
            context,
            stream,
            functions,
            products,
            multiprocessors: multiprocessors.max(1) as usize,
            begins_early: major >= CAPABILITY_OF_EARLY_LAUNCHES
                && std::env::var_os(NOT_EARLY_VARIABLE).is_none(),
            name,
        })
    }

    /// Waits for all that was launched.
    ///
    /// # Errors
    /// [`EngineError::Device`], also for a failure of a launch before.
    pub(crate) fn synchronize(&self) -> Result<(), EngineError> {
        self.stream.synchronize().map_err(failed("computing"))
    }

    /// Bytes of memory that are free.
    ///
    /// # Errors
    /// [`EngineError::Device`].
    pub(crate) fn free_memory(&self) -> Result<u128, EngineError> {
        let asked = self.context.mem_get_info();
        let (free, _) = asked.map_err(failed("asking for its memory"))?;
        Ok(free as u128)
    }

    /// # Errors
    /// [`EngineError::Device`] for a kernel of another format.
    pub(crate) fn function(&self, kernel: Kernel) -> Result<&CudaFunction, EngineError> {
        self.functions.get(&kernel).ok_or(EngineError::Device {
            doing: "launching a kernel",
            why: format!("there is no `{}` in {}", kernel.name(), self.products),
        })
    }
}

/// Whether a GPU of this compute capability has what the kernels use: copies past the registers, and tensor cores that take
/// tf32 and bf16.
///
/// # Errors
/// Why not, as the end of a sentence.
fn check_capability(major: i32, minor: i32) -> Result<(), String> {
    if major >= OLDEST_CAPABILITY {
        return Ok(());
    }
    Err(format!(
        "the GPU is of compute capability {major}.{minor}; one of {OLDEST_CAPABILITY}.0 or newer is needed (Ampere, 2020)"
    ))
}

#[allow(unsafe_code)]
fn driver_version() -> Result<i32, EngineError> {
    // SAFETY: looks for the library, and runs its initialisers.
    if !unsafe { sys::is_culib_present() } {
        return Err(none(
            "NVIDIA's driver (libcuda) is not installed; an NVIDIA GPU with its driver is needed",
        ));
    }
    let mut version = 0;
    // SAFETY: `version` is valid for writes.
    let answer = unsafe { sys::cuDriverGetVersion(&raw mut version) };
    answer.result().map_err(|error| {
        none(format!(
            "NVIDIA's driver does not answer: {}",
            describe(error)
        ))
    })?;
    if version < OLDEST_DRIVER {
        let part = |version: i32| format!("{}.{}", version / 1000, version % 1000 / 10);
        return Err(none(format!(
            "NVIDIA's driver is of CUDA {}; install one of CUDA {} or newer",
            part(version),
            part(OLDEST_DRIVER)
        )));
    }
    Ok(version)
}

/// One stream does everything in order, so that nothing need be recorded for each list of values; what is captured in a
/// graph must not wait for events outside of it.
#[allow(unsafe_code)]
fn untracked(context: &Arc<CudaContext>) {
    // SAFETY: no list of values is used on two streams.
    unsafe { context.disable_event_tracking() };
}

/// All kernels of some code.
///
/// # Errors
/// Why the driver does not take it, as the end of a sentence.
fn functions(
    context: &Arc<CudaContext>,
    products: Products,
    code: Vec<u8>,
) -> Result<HashMap<Kernel, CudaFunction>, String> {
    let refused = |error| format!("the GPU does not take the kernels: {}", describe(error));
    let module = context
        .load_module(Ptx::from_binary(code))
        .map_err(refused)?;
    let kernels = Kernel::ALL.iter();
    let functions = kernels.filter(|(_, name)| kernels::is_of(products, name));
    functions
        .map(|&(kernel, name)| {
            let function = module.load_function(name)?;
            let most = sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            let bytes = kernel.shared_bytes(products);
            if bytes > 0 {
                function.set_attribute(most, bytes as i32)?;
            }
            // Shared memory and the L1 cache are one memory. A multiprocessor that is to divide it anew lets all its blocks end
            // first, and no launch begins early there: so all kernels on tensor cores, nearly all of a step, want it alike.
            let share =
                sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT;
            if kernel.is_on_tensor_cores() {
                function.set_attribute(share, ALL_SHARED)?;
            }
            Ok((kernel, function))
        })
        .collect::<Result<_, _>>()
        .map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::check_capability;

    #[test]
    fn older_generations_are_refused_in_a_sentence() {
        for (major, minor) in [(8, 0), (8, 9), (9, 0), (12, 1)] {
            assert_eq!(check_capability(major, minor), Ok(()));
        }
        assert_eq!(
            check_capability(7, 5).unwrap_err(),
            "the GPU is of compute capability 7.5; one of 8.0 or newer is needed (Ampere, 2020)"
        );
    }
}
