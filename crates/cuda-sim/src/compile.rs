//! Compiles the driver, once for each version of its sources.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::SimulatorError;

/// The driver's sources: path and text.
const SOURCES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/sources.rs"));

/// Where compiled libraries are kept: the build's own folder of this crate.
const CACHE: &str = env!("OUT_DIR");

const COMPILER: &str = "g++";

const FLAGS: &[&str] = &[
    "-std=c++17",
    "-O2",
    "-g1",
    "-fPIC",
    "-shared",
    "-fvisibility=hidden",
    // The state of the running block is read at each access to threadIdx.
    "-ftls-model=initial-exec",
    // Threads of the driver run until the process ends.
    "-Wl,-z,nodelete",
    "-pthread",
];

/// The compiled simulator.
#[derive(Clone, Debug)]
pub struct Libraries {
    folder: PathBuf,
}

impl Libraries {
    /// The folder with `libcuda.so`, `libcuda.so.1` and `libnvrtc.so`: what `LD_LIBRARY_PATH` must name for another
    /// program to run on the simulator.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Compiles the simulator, unless that has been done before with the same sources and compiler; takes seconds the first
/// time. Several processes may call it at once.
///
/// # Errors
/// No compiler, another platform, a folder that cannot be written.
pub fn build() -> Result<Libraries, SimulatorError> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(SimulatorError::Platform);
    }
    let name = build_name()?;
    let folder = Path::new(CACHE).join(&name);
    if folder.join("libnvrtc.so").exists() {
        return Ok(Libraries { folder });
    }
    let written = |path: &Path| {
        let path = path.to_owned();
        move |error| SimulatorError::Write { path, error }
    };
    fs::create_dir_all(CACHE).map_err(written(Path::new(CACHE)))?;
    // One process compiles, others wait; the lock goes with the process.
    let lock_path = folder.with_extension("lock");
    let lock = File::create(&lock_path).map_err(written(&lock_path))?;
    lock.lock().map_err(written(&lock_path))?;
    if folder.join("libnvrtc.so").exists() {
        return Ok(Libraries { folder });
    }
    let work = tempfile::tempdir_in(CACHE).map_err(written(Path::new(CACHE)))?;
    write_sources(work.path())?;
    compile_library(work.path(), "libcuda.so", &["exec", "api"], &name, &folder)?;
    compile_library(work.path(), "libnvrtc.so", &["nvrtc"], &name, &folder)?;
    let link = work.path().join("libcuda.so.1");
    std::os::unix::fs::symlink("libcuda.so", &link).map_err(written(&link))?;
    // All at once: who finds the folder finds it whole.
    fs::rename(work.path(), &folder).map_err(written(&folder))?;
    Ok(Libraries { folder })
}

/// Names what goes into the libraries: sources, flags, compiler.
fn build_name() -> Result<String, SimulatorError> {
    let version = Command::new(COMPILER)
        .arg("--version")
        .output()
        .map_err(SimulatorError::NoCompiler)?;
    let mut hash = Sha256::new();
    hash.update(&version.stdout);
    for flag in FLAGS {
        hash.update(flag);
        hash.update([0]);
    }
    for (path, text) in SOURCES {
        hash.update(path);
        hash.update([0]);
        hash.update(text);
        hash.update([0]);
    }
    let digest = hash.finalize();
    let mut name = String::from("cuda-sim-");
    for byte in &digest[..8] {
        let _ = write!(name, "{byte:02x}");
    }
    Ok(name)
}

fn write_sources(folder: &Path) -> Result<(), SimulatorError> {
    for (path, text) in SOURCES {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| SimulatorError::Write { path, error })?;
    }
    Ok(())
}

/// Compiles the sources of some folders as one: most of the time goes into the headers of the C++ library.
fn compile_library(
    folder: &Path,
    library: &str,
    parts: &[&str],
    name: &str,
    final_folder: &Path,
) -> Result<(), SimulatorError> {
    let mut all = String::new();
    for (path, _) in SOURCES {
        let part = Path::new(path).parent().and_then(Path::file_name);
        if path.ends_with(".cpp") && parts.iter().any(|wanted| part == Some(wanted.as_ref())) {
            let _ = writeln!(all, "#include \"{path}\"");
        }
    }
    let source = folder.join(format!("{library}.cpp"));
    fs::write(&source, all).map_err(|error| SimulatorError::Write {
        path: source.clone(),
        error,
    })?;
    let output = Command::new(COMPILER)
        .args(FLAGS)
        // A runtime that is preloaded is meant for this program.
        .env_remove("LD_PRELOAD")
        .arg(format!("-Wl,-soname,{library}"))
        .arg(format!("-DCUDA_SIM_BUILD_NAME=\"{name}\""))
        .arg(format!("-DCUDA_SIM_COMPILER=\"{COMPILER}\""))
        // Names in debug information hold after the folder was moved.
        .arg(format!(
            "-ffile-prefix-map={}={}",
            folder.display(),
            final_folder.display()
        ))
        .arg(&source)
        .arg("-o")
        .arg(folder.join(library))
        .arg("-ldl")
        .output()
        .map_err(SimulatorError::NoCompiler)?;
    if output.status.success() {
        return Ok(());
    }
    Err(SimulatorError::Compiler(
        String::from_utf8_lossy(&output.stderr).into_owned(),
    ))
}

/// Where the compiler keeps a library of its own; `None` where it has none of that name.
pub(crate) fn compiler_file(name: &str) -> Result<Option<PathBuf>, SimulatorError> {
    let output = Command::new(COMPILER)
        .arg(format!("-print-file-name={name}"))
        .output()
        .map_err(SimulatorError::NoCompiler)?;
    let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    // The bare name comes back where there is no such file.
    Ok(path.is_absolute().then_some(path))
}
