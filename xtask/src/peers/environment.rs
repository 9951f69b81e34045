//! A Python environment with PyTorch.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cargo::succeeds;
use crate::python;

/// What the checks were written with.
const PYTORCH: &str = "torch==2.15.0";

/// What PyTorch exports networks with.
const EXPORTERS: [&str; 2] = ["onnx==1.23.2", "onnxscript==0.7.2"];

/// Known networks, and what they need but PyTorch itself.
const NETWORKS: [&str; 2] = ["torchvision==0.29.2", "timm==1.0.31"];
const OF_NETWORKS: [&str; 5] = [
    "numpy",
    "pillow",
    "pyyaml",
    "huggingface_hub",
    "safetensors",
];

/// All of it, as Python imports it.
pub(crate) const MODULES: &str = "torch, onnx, onnxscript, torchvision, timm";

/// Prints what PyTorch requires but Triton, a compiler of 1 GB that nothing here runs. On Linux it cannot be
/// loaded without the CUDA libraries, which are most of the rest.
const REQUIREMENTS: &str = "\
import importlib.metadata
for requirement in importlib.metadata.requires('torch'):
    if not requirement.startswith('triton'):
        print(requirement)
";

/// The Python of an environment in a folder, which is made if it is not complete.
pub(crate) fn made(folder: &Path) -> Result<PathBuf, String> {
    let python = python::within(folder);
    if loads(&python, MODULES) {
        return Ok(python);
    }
    eprintln!(
        "making a Python environment with {PYTORCH}, its exporters to ONNX, torchvision and timm in {}; on Linux it takes 4.5 GB and some minutes",
        folder.display()
    );
    python::make(folder)
        .map_err(|reason| format!("{reason}, or name a Python that has them with --python FILE"))?;
    install(&python, folder)?;
    that_loads(&python, MODULES)
}

fn install(python: &Path, folder: &Path) -> Result<(), String> {
    let pip = || python::pip(python);
    let failed = || {
        format!(
            "pip cannot install {PYTORCH}, {} or {}; its message is above. It needs the network, 4.5 GB of disk and a \
             Python that PyTorch supports; or name a Python that has them with --python FILE",
            EXPORTERS.join(", "),
            NETWORKS.join(", ")
        )
    };
    if !succeeds(pip().args(["--no-deps", PYTORCH]).args(NETWORKS)) {
        return Err(failed());
    }
    let required = Command::new(python)
        .args(["-c", REQUIREMENTS])
        .output()
        .map_err(|error| format!("{} cannot be started: {error}", python.display()))?;
    let list = folder.join("requirements.txt");
    super::write(&list, &required.stdout)?;
    if succeeds(
        pip()
            .arg("--requirement")
            .arg(list)
            .args(EXPORTERS)
            .args(OF_NETWORKS),
    ) {
        Ok(())
    } else {
        Err(failed())
    }
}

/// The same Python, if it can load these modules.
pub(crate) fn that_loads(python: &Path, modules: &str) -> Result<PathBuf, String> {
    if loads(python, modules) {
        return Ok(python.to_owned());
    }
    Err(format!(
        "{0} cannot load {modules}; `{0} -c 'import {modules}'` says why. Name a Python that can with \
         --python FILE, or leave that out to have one made",
        python.display()
    ))
}

fn loads(python: &Path, modules: &str) -> bool {
    let mut load = Command::new(python);
    load.arg("-c").arg(format!("import {modules}"));
    load.stderr(Stdio::null());
    load.status().is_ok_and(|status| status.success())
}
