//! NVIDIA's run-time compiler.

use std::ffi::CString;

use cudarc::nvrtc::{result, sys};

use super::OPTIONS;

/// The compiler's version, or none where there is no compiler.
pub(super) fn version() -> Option<(i32, i32)> {
    // SAFETY: looks for the library, and runs its initialisers.
    if !unsafe { sys::is_culib_present() } {
        return None;
    }
    let (mut major, mut minor) = (0, 0);
    // SAFETY: both are valid for writes.
    let answer = unsafe { sys::nvrtcVersion(&raw mut major, &raw mut minor) };
    answer.result().ok().map(|()| (major, minor))
}

/// A program of the compiler, destroyed at the end.
struct Program(sys::nvrtcProgram);

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: made by `create_program`, and destroyed only here. There is nobody to tell of a failure.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}

/// Machine code for an architecture.
///
/// # Errors
/// What the compiler said.
pub(super) fn compile(source: &str, architecture: &str) -> Result<Vec<u8>, String> {
    let failed = |error: result::NvrtcError| format!("NVIDIA's run-time compiler failed ({error})");
    let text = CString::new(source).map_err(|_| "the kernels' text has a zero byte".to_owned())?;
    let name = c"nn-cuda.cu";
    let program = Program(result::create_program(&text, Some(name)).map_err(failed)?);
    let mut options = vec![format!("--gpu-architecture={architecture}")];
    options.extend(OPTIONS.map(str::to_owned));
    // SAFETY: the program is one, and its text lives on.
    if let Err(error) = unsafe { result::compile_program(program.0, &options) } {
        // SAFETY: as before.
        let log = unsafe { result::get_program_log(program.0) }.unwrap_or_default();
        let log: Vec<u8> = log.into_iter().map(|byte| byte as u8).collect();
        let log = String::from_utf8_lossy(&log);
        let log = log.trim_end_matches('\0').trim();
        return Err(format!(
            "NVIDIA's run-time compiler refused the kernels for {architecture} ({error}): {log}"
        ));
    }
    let mut size = 0;
    // SAFETY: `size` is valid for writes.
    let answer = unsafe { sys::nvrtcGetCUBINSize(program.0, &raw mut size) };
    answer.result().map_err(failed)?;
    let mut code = vec![0_u8; size];
    // SAFETY: there is room for as many bytes as the compiler asked for.
    let answer = unsafe { sys::nvrtcGetCUBIN(program.0, code.as_mut_ptr().cast()) };
    answer.result().map_err(failed)?;
    Ok(code)
}
