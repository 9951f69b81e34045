//! The kernels: their text, and how it becomes code for a GPU.
//!
//! The text includes no header. It is compiled on the machine that runs it, by NVRTC, for the format that convolutions
//! multiply in, once for each kind of GPU and driver; the result is kept on disk. Where there is no NVRTC, code compiled
//! ahead is taken from a folder beside the program.

mod cache;
#[allow(unsafe_code)]
mod nvrtc;

use std::fmt::Write;
use std::path::PathBuf;

pub use cache::Cache;
use nn_engine::Products;

/// The files of `kernels/`, in the order in which they build on each other.
pub const FILES: [(&str, &str); 20] = [
    ("ptx.cu", include_str!("../../kernels/ptx.cu")),
    ("tensor.cu", include_str!("../../kernels/tensor.cu")),
    (
        "normalisation.cu",
        include_str!("../../kernels/normalisation.cu"),
    ),
    ("statistics.cu", include_str!("../../kernels/statistics.cu")),
    (
        "normalisation_passes.cu",
        include_str!("../../kernels/normalisation_passes.cu"),
    ),
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
    (
        "tensor_core.cu",
        include_str!("../../kernels/tensor_core.cu"),
    ),
    (
        "rounded_weights.cu",
        include_str!("../../kernels/rounded_weights.cu"),
    ),
    (
        "tensor_patch.cu",
        include_str!("../../kernels/tensor_patch.cu"),
    ),
    (
        "tensor_convolution.cu",
        include_str!("../../kernels/tensor_convolution.cu"),
    ),
    (
        "tensor_weight_gradient.cu",
        include_str!("../../kernels/tensor_weight_gradient.cu"),
    ),
    (
        "tensor_gradients.cu",
        include_str!("../../kernels/tensor_gradients.cu"),
    ),
    ("pointwise.cu", include_str!("../../kernels/pointwise.cu")),
    ("pooling.cu", include_str!("../../kernels/pooling.cu")),
    ("step.cu", include_str!("../../kernels/step.cu")),
    ("comparison.cu", include_str!("../../kernels/comparison.cu")),
];

/// Options of every compiler: the language; multiplications and additions fused where the text does not say (which any
/// power of two passes through); and no shortcut in divisions, square roots or small numbers.
pub const OPTIONS: [&str; 5] = [
    "--std=c++17",
    "--fmad=true",
    "--prec-div=true",
    "--prec-sqrt=true",
    "--ftz=false",
];

/// Where code compiled ahead is looked for, instead of the folder `cubins` beside the program: files named by
/// [`cubin_name`].
pub const CUBINS_VARIABLE: &str = "NN_CUDA_CUBINS";

/// A folder whose files are taken instead of those built in: to try a change of a kernel in a program that is built.
pub const KERNELS_VARIABLE: &str = "NN_CUDA_KERNELS";

/// All kernels of engines that multiply so, as one text, with lines numbered as in their files.
pub fn source(products: Products) -> String {
    joined(products, FILES.map(|(name, file)| (name, file.to_owned())))
}

/// Whether what multiplies so has a use for a file, or a kernel, of this name: 3×3 convolutions in full are not on tensor
/// cores, those of all other formats are.
pub(crate) fn is_of(products: Products, name: &str) -> bool {
    let for_tensor_cores = ["tensor_", "round"];
    match products {
        Products::Full => !for_tensor_cores.iter().any(|&of| name.starts_with(of)),
        Products::Tf32x3 | Products::Tf32 | Products::Bf16 => !name.starts_with("conv3x3"),
    }
}

fn joined(products: Products, files: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let mut text = format!("#define PRODUCTS_{}\n", products.to_string().to_uppercase());
    for (name, file) in files {
        if !is_of(products, name) {
            continue;
        }
        // Writing to a string does not fail.
        let _ = write!(text, "#line 1 \"{name}\"\n{file}");
    }
    text
}

/// The kernels of the folder that [`KERNELS_VARIABLE`] names, or those built in.
fn chosen(products: Products) -> Result<String, String> {
    let Some(folder) = std::env::var_os(KERNELS_VARIABLE).map(PathBuf::from) else {
        return Ok(source(products));
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
    Ok(joined(products, files.collect::<Result<Vec<_>, _>>()?))
}

/// A GPU that code is for, and the driver that takes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// Compute capability.
    pub(crate) major: i32,
    pub(crate) minor: i32,
    pub(crate) driver: i32,
}

/// Gives `take` the code of all kernels, and returns what it makes of it: code from the cache; where there is none or it is
/// not taken, code compiled now; where that cannot be done or is not taken, code compiled ahead.
///
/// # Errors
/// Why there is none that is taken, as the end of a sentence; `take` says the same.
pub(crate) fn load<T>(
    products: Products,
    target: Target,
    take: impl Fn(Vec<u8>) -> Result<T, String>,
) -> Result<T, String> {
    let source = chosen(products)?;
    let why = match compiled(&source, target, &take) {
        Ok(taken) => return Ok(taken),
        Err(why) => why,
    };
    // What was compiled ahead is not what is to be tried.
    if std::env::var_os(KERNELS_VARIABLE).is_some() {
        return Err(why);
    }
    // A GPU runs code for its own capability, or an older one of the same generation.
    let ahead = (0..=target.minor).rev().find_map(|minor| {
        let architecture = format!("sm_{}{minor}", target.major);
        let file = folder_ahead().join(cubin_name(&architecture, products));
        std::fs::read(file).ok()
    });
    match ahead {
        Some(code) => {
            take(code).map_err(|refused| format!("{why}; of those compiled ahead, {refused}"))
        }
        None => Err(format!(
            "{why}, and none for this GPU and program are compiled ahead in {}",
            folder_ahead().display()
        )),
    }
}

/// From the cache, or compiled now.
fn compiled<T>(
    source: &str,
    target: Target,
    take: impl Fn(Vec<u8>) -> Result<T, String>,
) -> Result<T, String> {
    let Some((major, minor)) = nvrtc::version() else {
        return Err(
            "NVIDIA's run-time compiler (libnvrtc, part of the CUDA toolkit) is not installed"
                .into(),
        );
    };
    let architecture = format!("sm_{}{}", target.major, target.minor);
    let cache = Cache::of_user();
    let versions = format!("driver {}, compiler {major}.{minor}", target.driver);
    let key = Cache::key(&[source, &OPTIONS.join(" "), &architecture, &versions]);
    if let Some(cache) = &cache
        && let Some(code) = cache.get(&key)
    {
        match take(code) {
            Ok(taken) => return Ok(taken),
            // Damaged in a way that its hash does not show.
            Err(_) => cache.remove(&key),
        }
    }
    let code = nvrtc::compile(source, &architecture)?;
    // Without a cache the next start takes some seconds longer, which is no reason to stop.
    if let Some(cache) = &cache {
        let _ = cache.put(&key, &code);
    }
    take(code)
}

/// The name of a file of kernels compiled ahead for an architecture, such as `sm_90`, and a format: with a hash of the kernels,
/// so that a program finds none but its own.
pub fn cubin_name(architecture: &str, products: Products) -> String {
    let hash = Cache::key(&[&source(products), &OPTIONS.join(" ")]);
    format!("{architecture}-{products}-{}.cubin", &hash[..16])
}

fn folder_ahead() -> PathBuf {
    let beside = || {
        let program = std::env::current_exe().unwrap_or_default();
        program.with_file_name("cubins")
    };
    std::env::var_os(CUBINS_VARIABLE).map_or_else(beside, PathBuf::from)
}
