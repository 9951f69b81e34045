//! NVIDIA's compiler, from wheels of fixed versions: it needs no GPU.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::python;

/// What belongs together; other versions mix and fail.
const WHEELS: [&str; 6] = [
    "nvidia-cuda-nvcc==13.0.88",
    "nvidia-nvvm==13.0.88",
    "nvidia-cuda-crt==13.0.88",
    "nvidia-cuda-runtime==13.0.96",
    "nvidia-cuda-cccl==13.0.85",
    // The oldest that there is; it reads what older ones made.
    "nvidia-cuda-nvdisasm==13.2.51",
];

/// Prints where packages are installed.
const PACKAGES: &str = "import sysconfig; print(sysconfig.get_path('purelib'))";

/// The programs, once they are installed.
#[derive(Clone, Debug)]
pub(super) struct Toolchain {
    nvcc: PathBuf,
    nvdisasm: PathBuf,
}

impl Toolchain {
    /// Installs the compiler into a folder, unless it is there.
    ///
    /// # Errors
    /// Why it cannot be, in a sentence.
    pub(super) fn installed(folder: &Path) -> Result<Self, String> {
        let mut python = python::within(folder);
        if !python.exists() {
            eprintln!(
                "installing NVIDIA's compiler {} in {}: 108 MB to download, 300 MB on disk",
                Self::version(),
                folder.display()
            );
            python = python::make(folder)?;
        }
        // Does nothing, without the network, where all is there already.
        let mut pip = python::pip(&python);
        if !crate::cargo::succeeds(pip.args(WHEELS)) {
            return Err(format!(
                "pip cannot install {}; its message is above. It needs the network, 300 MB of disk and Linux",
                WHEELS.join(", ")
            ));
        }
        let packages = output(Command::new(&python).args(["-c", PACKAGES]))?;
        let packages = PathBuf::from(String::from_utf8_lossy(&packages.stdout).trim());
        let programs = packages.join("nvidia/cu13/bin");
        Ok(Self {
            nvcc: programs.join("nvcc"),
            nvdisasm: programs.join("nvdisasm"),
        })
    }

    /// The compiler's version.
    pub(super) fn version() -> &'static str {
        let (_, version) = WHEELS[0].split_once("==").unwrap_or_default();
        version
    }

    /// Compiles a file for one architecture with every warning an error, and says what the compiler said of what each
    /// function uses.
    ///
    /// # Errors
    /// What is wrong with the file, in the compiler's words; or that the compiler cannot be started.
    pub(super) fn compile(
        &self,
        options: &[&str],
        architecture: &str,
        source: &Path,
        cubin: &Path,
    ) -> Result<String, String> {
        let mut nvcc = Command::new(&self.nvcc);
        nvcc.args(options)
            .args(["-Werror", "all-warnings", "-Xptxas", "-v,-Werror"])
            .args(["-arch", architecture, "-cubin", "-o"])
            .arg(cubin)
            .arg(source);
        let output = output(&mut nvcc)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            return Ok(said);
        }
        let printed = String::from_utf8_lossy(&output.stdout);
        Err(format!(
            "the kernels do not compile for {architecture} with warnings as errors; nvcc needs a C++ compiler beside it, \
             and says:\n{printed}{said}"
        ))
    }

    /// The instructions of device code.
    ///
    /// # Errors
    /// What the disassembler says, or that it cannot be started.
    pub(super) fn disassemble(&self, cubin: &Path) -> Result<String, String> {
        let output = output(Command::new(&self.nvdisasm).arg("-c").arg(cubin))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{} cannot be read: {said}", cubin.display()))
    }
}

fn output(command: &mut Command) -> Result<Output, String> {
    let output = command.output();
    output.map_err(|error| {
        let program = command.get_program().display();
        format!("{program} cannot be started: {error}")
    })
}
