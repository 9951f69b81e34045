//! A device for tests: the simulated one, or the machine's own where asked for.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::ffi::OsStr;
use std::io::Write;
use std::process::Command;

use cuda_sim::{Simulator, SimulatorError};
use engine_laws::Subject;
use nn_cuda::CudaEngine;
use nn_engine::Products;
use nn_engine::conformance::Algorithm;

/// Tests run on the machine's own GPU if this variable is set, and on the simulated driver otherwise.
const REAL_VARIABLE: &str = "NN_CUDA_TEST_GPU";

/// Whether tests run on the machine's own GPU.
pub(crate) fn is_real() -> bool {
    std::env::var_os(REAL_VARIABLE).is_some()
}

/// The engine on the device for tests, if there is one.
pub(crate) fn subject() -> Option<Subject> {
    let name = match is_real() {
        true => "GPU",
        false => "simulated GPU",
    };
    device().then(|| Subject::new(name, Algorithm::Direct, CudaEngine::new))
}

/// The engine in every format, if there is a device.
pub(crate) fn subjects() -> Vec<Subject> {
    let subjects = Products::ALL.map(|products| subject().map(|cuda| cuda.with_products(products)));
    subjects.into_iter().flatten().collect()
}

/// The engine in every format of tensor cores, if there is a device.
pub(crate) fn on_tensor_cores() -> Vec<Subject> {
    let mut subjects = subjects();
    subjects.retain(|cuda| cuda.products() != Products::Full);
    subjects
}

/// Whether there is a device to test on. Where there is none, says why past what `cargo test` captures.
pub(crate) fn device() -> bool {
    is_real() || simulator().is_some()
}

/// The simulated driver, loaded, if there is one and tests run on it.
pub(crate) fn simulator() -> Option<Simulator> {
    match is_real() {
        true => None,
        false => unless_missing(cuda_sim::load()),
    }
}

/// What is there unless the simulated driver cannot be compiled, which is said past what `cargo test` captures.
pub(crate) fn unless_missing<T>(found: Result<T, SimulatorError>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(error @ (SimulatorError::NoCompiler(_) | SimulatorError::Platform)) => {
            let thread = std::thread::current();
            let test = thread.name().unwrap_or("a test");
            // In one piece, since other tests write too.
            let line = format!("nn-cuda: skipped {test}: {error}\n");
            let _ = std::io::stderr().write_all(line.as_bytes());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// What an ignored test of this program prints after "told: ", in a process of its own with another environment.
pub(crate) fn told_by(test: &str, environment: &[(&str, &OsStr)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", test, "--nocapture"]);
    command.envs(environment.iter().copied());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.split_once("told: "));
    line.unwrap_or_else(|| panic!("{text}")).1.to_owned()
}
