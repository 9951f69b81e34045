//! `cargo xtask gpu-bundle`: a folder that checks and times nn-cuda on a machine without Rust.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use texp_cli::{commit, now};

use crate::bench::program::built;
use crate::cargo::succeeds;
use crate::{kernels, root};

/// At most so many bytes, so that it is copied in seconds.
const MOST_BYTES: u64 = 64 << 20;

/// What is copied as it is: from where in the tree, to where in the bundle.
const FILES: [(&str, &str); 10] = [
    ("benches/bundle/check", "check"),
    ("benches/bundle/bench", "bench"),
    ("benches/bundle/repro", "repro"),
    ("benches/bundle/common.sh", "common.sh"),
    ("benches/peers/preresnet.py", "python/preresnet.py"),
    ("benches/peers/float64.py", "python/float64.py"),
    ("benches/peers/race.py", "python/race.py"),
    ("experiments/figure-2.toml", "experiments/figure-2.toml"),
    ("experiments/precisions.toml", "experiments/precisions.toml"),
    ("benches/bundle/README.md", "README.md"),
];

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the bundle goes, a folder that is not there yet [default: target/gpu-bundle, which is replaced].
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Builds the bundle; exits with 2 if it cannot be built.
pub(crate) fn run(args: &Args) -> ExitCode {
    match bundle(args.out.as_deref()) {
        Ok((folder, bytes)) => {
            println!("{}: {:.1} MB", folder.display(), bytes as f64 / 1e6);
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::from(2)
        }
    }
}

fn bundle(named: Option<&Path>) -> Result<(PathBuf, u64), String> {
    let default = root().join("target/gpu-bundle");
    let folder = named.unwrap_or(&default);
    if named.is_some() && folder.exists() {
        let folder = folder.display();
        return Err(format!(
            "there is something at {folder} already; choose another folder or delete it"
        ));
    }
    // Before minutes of building.
    let compiled = kernels::compile(&root().join("target/kernels"))?;
    if let Some(complaint) = compiled.complaints().first() {
        return Err(complaint.clone());
    }
    let programs = [("texp-cli", "texp"), ("benches", "cuda")]
        .map(|(package, name)| built(&["--package", package, "--bin", name], None));
    let cannot = |what: &str, error| format!("cannot {what}: {error}");
    if folder.exists() {
        fs::remove_dir_all(folder)
            .map_err(|error| cannot(&format!("replace {}", folder.display()), error))?;
    }
    for program in programs {
        strip(&program?, &folder.join("bin"))?;
    }
    for cubin in &compiled.cubins {
        let name = cubin.file_name().unwrap_or_default();
        copy(cubin, &folder.join("bin/cubins").join(name))?;
    }
    for (from, to) in FILES {
        copy(&root().join(from), &folder.join(to))?;
    }
    let commit = commit().unwrap_or_else(|| "not a checkout".to_owned());
    let made = format!("commit {commit}\nbuilt {}\n", now());
    fs::write(folder.join("made.txt"), made).map_err(|error| cannot("write made.txt", error))?;
    let bytes = size(folder).map_err(|error| cannot("measure the bundle", error))?;
    if bytes > MOST_BYTES {
        return Err(format!(
            "the bundle has {bytes} bytes, more than the {MOST_BYTES} that are copied in seconds; leave out what is large"
        ));
    }
    Ok((folder.to_owned(), bytes))
}

/// A program without its symbols, into a folder.
fn strip(program: &Path, folder: &Path) -> Result<(), String> {
    let to = folder.join(program.file_name().unwrap_or_default());
    make_folder(folder)?;
    let mut strip = Command::new("strip");
    strip.arg("--strip-all").arg("-o").arg(to).arg(program);
    if succeeds(&mut strip) {
        return Ok(());
    }
    Err(format!(
        "`strip` cannot shorten {}; it comes with binutils",
        program.display()
    ))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    make_folder(to.parent().unwrap_or(to))?;
    // With its permissions.
    let copied = fs::copy(from, to);
    copied.map_err(|error| {
        format!(
            "cannot copy {} to {}: {error}",
            from.display(),
            to.display()
        )
    })?;
    Ok(())
}

fn make_folder(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))
}

/// Bytes of all files of a folder.
fn size(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.metadata()?;
        bytes += match kind.is_dir() {
            true => size(&entry.path())?,
            false => kind.len(),
        };
    }
    Ok(bytes)
}
