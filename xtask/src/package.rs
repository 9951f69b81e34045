//! `cargo xtask package`: every crate, as somebody gets it who depends on it alone.

mod consumer;
mod example;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::consumer::Consumer;
use crate::cargo::{self, cargo};
use crate::root;

/// A crate that was packaged.
struct Package {
    name: String,
    version: String,
    /// Where its files lie, as packaged.
    folder: PathBuf,
}

/// Packages every publishable crate, then compiles and runs the example of its README, and of the workspace's,
/// in a project outside the workspace, and counts what it depends on.
pub(crate) fn run() -> ExitCode {
    match try_run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn try_run() -> Result<(), String> {
    let packages = package_all()?;
    let mut consumers = Vec::new();
    for package in packages.values() {
        consumers.push(Consumer::of_crate(package)?);
    }
    consumers.push(Consumer::of_workspace()?);
    let folder = root().join("target/package-consumers");
    consumer::write_workspace(&folder, &packages, &consumers)?;
    println!("{:<20} {:>12}  README's example", "crate", "dependencies");
    let mut failed = Vec::new();
    for consumer in &consumers {
        let runs = consumer.run(&folder);
        let dependencies = match &consumer.depends_on {
            Some(name) => count_dependencies(name)?.to_string(),
            None => "-".to_owned(),
        };
        let verdict = match (runs, consumer.examples.len()) {
            (false, _) => "FAILS",
            (true, 0) => "none: builds as a dependency",
            (true, _) if consumer.examples.iter().any(|example| example.runs) => {
                "compiles and runs"
            }
            (true, _) => "compiles",
        };
        println!("{:<20} {dependencies:>12}  {verdict}", consumer.name);
        if !runs {
            failed.push(consumer.name.as_str());
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(format!("these examples fail: {}", failed.join(", ")))
}

/// Makes the `.crate` files of all publishable members, and unpacks them.
fn package_all() -> Result<BTreeMap<String, Package>, String> {
    let names = publishable_members()?;
    // Built below, by those who depend on them.
    let mut command = cargo(["package", "--quiet", "--no-verify", "--allow-dirty"]);
    // Not the whole workspace: what is not published may depend on what has no version.
    command.args(names.iter().flat_map(|name| ["--package", name]));
    if !cargo::succeeds(&mut command) {
        return Err("`cargo package` failed; its message is above".to_owned());
    }
    let made = root().join("target/package");
    let mut packages = BTreeMap::new();
    for name in names {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let folder = made.join(format!("{name}-{version}"));
        let archive = folder.with_file_name(format!("{name}-{version}.crate"));
        unpack(&archive, &folder)?;
        packages.insert(
            name.clone(),
            Package {
                name,
                version,
                folder,
            },
        );
    }
    Ok(packages)
}

/// Unpacks a crate to its folder, in the place of what an earlier package left there.
fn unpack(archive: &Path, folder: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot unpack {}: {error}", archive.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    let file = fs::File::open(archive).map_err(failed)?;
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    // All packaged files bear one date, by which cargo would take a changed crate for the one that it built before.
    archive.set_preserve_mtime(false);
    archive
        .unpack(folder.parent().unwrap_or(folder))
        .map_err(failed)
}

fn publishable_members() -> Result<Vec<String>, String> {
    let output = cargo(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("`cargo metadata` is not JSON: {error}"))?;
    let members = metadata["packages"].as_array().into_iter().flatten();
    // `publish` is null where nothing forbids it.
    Ok(members
        .filter(|package| package["publish"].is_null())
        .filter_map(|package| package["name"].as_str().map(str::to_owned))
        .collect())
}

/// How many crates of others come with a crate, on this platform and with its default features.
fn count_dependencies(name: &str) -> Result<usize, String> {
    let arguments = [
        "tree",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--package",
        name,
    ];
    let output = cargo(arguments)
        .args(["--format", "{p}"])
        .output()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let root = root().display().to_string();
    // Members of the workspace show their path.
    let others: std::collections::BTreeSet<&str> = text
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .filter(|line| !line.is_empty() && !line.contains(&root))
        .collect();
    Ok(others.len())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}
