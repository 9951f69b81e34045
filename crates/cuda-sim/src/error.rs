use std::io;
use std::path::PathBuf;

/// Why there is no simulator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulatorError {
    /// The operating system or the processor is another one.
    #[error("the CUDA simulator runs on Linux with an x86-64 processor only")]
    Platform,
    /// There is no C++ compiler.
    #[error(
        "the CUDA simulator compiles kernels with g++, which cannot be started ({0}); install it (Debian: apt-get install g++)"
    )]
    NoCompiler(io::Error),
    /// The compiler does not accept the simulator's sources.
    #[error("g++ does not compile the CUDA simulator:\n{0}")]
    Compiler(String),
    /// A file cannot be written or moved.
    #[error("the CUDA simulator cannot be put into {path}: {error}", path = .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// The compiler has no runtime of a sanitizer.
    #[error(
        "g++ comes without {library}; install it (Debian: it is part of libgcc-12-dev or its like)"
    )]
    NoSanitizer {
        /// The library's name.
        library: &'static str,
    },
    /// A program cannot be started.
    #[error("{program} cannot be started: {error}", program = .program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// The libraries cannot be loaded.
    #[error("the CUDA simulator cannot be loaded: {0}")]
    Load(libloading::Error),
    /// The process uses another `libcuda.so` already.
    #[error(
        "this process has loaded another libcuda.so already; call cuda_sim::load before anything that uses CUDA"
    )]
    AnotherDriver,
}
