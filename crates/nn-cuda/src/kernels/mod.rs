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
pub const FILES: [(&str, &str); 11] = [
    ("tensor.cu", include_str!("../../kernels/tensor.cu")),
    (
        "normalisation.cu",
        include_str!("../../kernels/normalisation.cu"),
    ),
    ("statistics.cu", include_str!("../../kernels/statistics.cu")),
    (
        "convolution.cu",
        include_str!("../../kernels/convolution.cu"),
    ),
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

/// A folder whose files are taken instead of those built in: to try a change of a kernel in a program that is built.
pub const KERNELS_VARIABLE: &str = "NN_CUDA_KERNELS";

/// All kernels as one text, with lines numbered as in their files.
pub fn source() -> String {
    joined(FILES.map(|(name, file)| (name, file.to_owned())))
}

fn joined(files: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let mut text = String::new();
    for (name, file) in files {
        // Writing to a string does not fail.
        let _ = write!(text, "#line 1 \"{name}\"\n{file}");
    }
    text
}

/// The kernels of the folder that [`KERNELS_VARIABLE`] names, or those built in.
fn chosen() -> Result<String, String> {
    let Some(folder) = std::env::var_os(KERNELS_VARIABLE).map(PathBuf::from) else {
        return Ok(source());
    };
    let read = |name: &'static str| {
        let file = folder.join(name);
        let text = std::fs::read_to_string(&file);
        text.map(|text| (name, text)).map_err(|error| {
            let file = file.display();
            format!(
                "the kernels are to be read from {file}, which {KERNELS_VARIABLE} names: {error}"
            )
        })
    };
    let files = FILES.iter().map(|(name, _)| read(name));
    Ok(joined(files.collect::<Result<Vec<_>, _>>()?))
}

/// The code of all kernels for a GPU of an architecture, such as `sm_90`, under a driver of this version: from the
/// cache, else by NVRTC, else compiled ahead.
///
/// # Errors
/// Why there is none, as the end of a sentence.
pub(crate) fn code(architecture: &str, driver: i32) -> Result<Vec<u8>, String> {
    let source = chosen()?;
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
