//! The kernels: their text, and how it becomes code for a GPU.
//!
//! The text includes no header. It is compiled on the machine that runs it, by NVRTC, once for each kind of GPU and
//! driver; the result is kept on disk. Where there is no NVRTC, code compiled ahead is taken from a folder beside the
//! program.

mod cache;
#[allow(unsafe_code)]
mod nvrtc;

use std::fmt::Write;
use std::path::PathBuf;

pub use cache::Cache;

/// The files of `kernels/`, in the order in which they build on each other.
pub const FILES: [(&str, &str); 10] = [
    ("tensor.cu", include_str!("../../kernels/tensor.cu")),
    (
        "normalisation.cu",
        include_str!("../../kernels/normalisation.cu"),
    ),
    ("statistics.cu", include_str!("../../kernels/statistics.cu")),
    ("conv2d.cu", include_str!("../../kernels/conv2d.cu")),
    (
        "conv2d_weight_gradient.cu",
        include_str!("../../kernels/conv2d_weight_gradient.cu"),
    ),
    ("conv3x3.cu", include_str!("../../kernels/conv3x3.cu")),
    (
        "conv3x3_weight_gradient.cu",
        include_str!("../../kernels/conv3x3_weight_gradient.cu"),
    ),
    ("pointwise.cu", include_str!("../../kernels/pointwise.cu")),
    ("pooling.cu", include_str!("../../kernels/pooling.cu")),
    ("step.cu", include_str!("../../kernels/step.cu")),
];

/// Options of every compiler: the language; multiplications and additions fused where the text does not say (which any
/// power of two passes through); and no shortcut in divisions, square roots or small numbers.
pub const OPTIONS: [&str; 1] = ["--std=c++17"];

/// Where code compiled ahead is looked for, instead of the folder `cubins` beside the program: files `sm_90.cubin`.
pub const CUBINS_VARIABLE: &str = "NN_CUDA_CUBINS";

/// All kernels as one text, with lines numbered as in their files.
pub fn source() -> String {
    FILES.iter().fold(String::new(), |mut text, (name, file)| {
        // Writing to a string does not fail.
        let _ = write!(text, "#line 1 \"{name}\"\n{file}");
        text
    })
}

/// The code of all kernels for a GPU of an architecture, such as `sm_90`, under a driver of this version: from the
/// cache, else by NVRTC, else compiled ahead.
///
/// # Errors
/// Why there is none, as the end of a sentence.
pub(crate) fn code(architecture: &str, driver: i32) -> Result<Vec<u8>, String> {
    let source = source();
    let missing = match nvrtc::version() {
        None => "NVIDIA's run-time compiler (libnvrtc, part of the CUDA toolkit) is not installed"
            .to_owned(),
        Some(version) => {
            let cache = Cache::of_user();
            let key = Cache::key(&[
                &source,
                &OPTIONS.join(" "),
                architecture,
                &format!("driver {driver}, compiler {}.{}", version.0, version.1),
            ]);
            if let Some(code) = cache.as_ref().and_then(|cache| cache.get(&key)) {
                return Ok(code);
            }
            match nvrtc::compile(&source, architecture) {
                Ok(code) => {
                    // Without a cache the next start takes a second longer, which is no reason to stop.
                    if let Some(cache) = cache {
                        let _ = cache.put(&key, &code);
                    }
                    return Ok(code);
                }
                Err(why) => why,
            }
        }
    };
    ahead(architecture).ok_or_else(|| {
        format!(
            "{missing}, and no kernels compiled ahead are at {}",
            cubin(architecture).display()
        )
    })
}

/// Forgets what the cache holds for this GPU: it could not be loaded.
pub(crate) fn forget() {
    if let Some(cache) = Cache::of_user() {
        cache.clear();
    }
}

fn cubin(architecture: &str) -> PathBuf {
    let folder = std::env::var_os(CUBINS_VARIABLE).map(PathBuf::from);
    let beside = || {
        let program = std::env::current_exe().unwrap_or_default();
        program.with_file_name("cubins")
    };
    let folder = folder.unwrap_or_else(beside);
    folder.join(format!("{architecture}.cubin"))
}

fn ahead(architecture: &str) -> Option<Vec<u8>> {
    std::fs::read(cubin(architecture)).ok()
}
