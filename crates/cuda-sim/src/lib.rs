//! A CUDA driver and NVRTC that run kernels on the CPU and say what is wrong with them, for tests.
//!
//! [`load`] compiles two libraries, `libcuda.so` and `libnvrtc.so`, and loads them into the process in place of
//! NVIDIA's: a program that uses `cudarc` with dynamic loading runs on them as it is.
//!
//! ```no_run
//! let simulator = cuda_sim::load()?;
//! // … code that uses cudarc …
//! assert_eq!(simulator.last_error(), None);
//! # Ok::<(), cuda_sim::SimulatorError>(())
//! ```
//!
//! [`run`] runs another program on the simulator, under ThreadSanitizer or AddressSanitizer where wanted.
#![deny(missing_docs)]

mod compile;
mod error;
mod library;
mod program;

pub use compile::{Libraries, build};
pub use error::SimulatorError;
pub use library::{Failure, Simulator, load};
pub use program::{Run, Sanitizer, run};
