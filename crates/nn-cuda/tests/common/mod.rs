//! A device for tests: the simulated one, or the machine's own where asked for.

use std::io::Write;

/// Tests run on the machine's own GPU if this variable is set, and on the simulated driver otherwise.
pub const REAL_VARIABLE: &str = "NN_CUDA_TEST_GPU";

/// Whether there is a device to test on. Where there is none, says why past what `cargo test` captures.
pub fn device() -> bool {
    if std::env::var_os(REAL_VARIABLE).is_some() {
        return true;
    }
    match cuda_sim::load() {
        Ok(_) => true,
        Err(cuda_sim::SimulatorError::NoCompiler(_)) => {
            let _ = writeln!(
                std::io::stderr(),
                "skipped: the simulated CUDA driver needs g++"
            );
            false
        }
        Err(error) => panic!("{error}"),
    }
}
