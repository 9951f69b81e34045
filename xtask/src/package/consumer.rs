//! Projects outside the workspace that depend on one crate each.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use super::example::Example;
use super::{Package, write};
use crate::cargo::{cargo, succeeds};

/// A workspace of one project a crate, in which the other crates come from their packages, too.
pub(super) fn write_workspace(
    folder: &Path,
    packages: &BTreeMap<String, Package>,
) -> Result<(), String> {
    let mut manifest = "[workspace]\nresolver = \"3\"\nmembers = [\"use-*\"]\n".to_owned();
    manifest += "\n[patch.crates-io]\n";
    for Package { name, folder, .. } in packages.values() {
        manifest += &format!("{name} = {{ path = {:?} }}\n", folder.display().to_string());
    }
    write(&folder.join("Cargo.toml"), &manifest)?;
    for package in packages.values() {
        let readme = super::read(&package.folder.join("README.md"))?;
        write_project(
            folder,
            package,
            packages,
            &super::example::of_readme(&readme),
        )?;
    }
    Ok(())
}

fn write_project(
    folder: &Path,
    package: &Package,
    packages: &BTreeMap<String, Package>,
    examples: &[Example],
) -> Result<(), String> {
    let name = &package.name;
    // What else of the workspace the examples name.
    let used = packages.values().filter(|other| {
        let path = format!("{}::", other.name.replace('-', "_"));
        other.name == *name || examples.iter().any(|example| example.code.contains(&path))
    });
    let mut manifest = format!(
        "[package]\nname = \"use-{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n"
    );
    for Package { name, version, .. } in used {
        manifest += &format!("{name} = \"{version}\"\n");
    }
    let mut code = String::new();
    for (index, example) in examples.iter().enumerate() {
        // The last expression of an example says what it may fail with.
        code += &format!("fn example_{index}() -> Result<(), Box<dyn std::error::Error>> {{\n");
        code += &format!(
            "let done = (|| {{ {}\n}})();\nOk(done?)\n}}\n\n",
            example.code
        );
    }
    code += "fn main() {\n";
    for (index, example) in examples.iter().enumerate() {
        code += &match example.runs {
            true => format!("    example_{index}().unwrap();\n"),
            false => format!("    let _ = example_{index};\n"),
        };
    }
    code += "}\n";
    let project = folder.join(format!("use-{name}"));
    write(&project.join("Cargo.toml"), &manifest)?;
    write(&project.join("src/main.rs"), &code)
}

/// Compiles and runs a crate's project.
pub(super) fn run(folder: &Path, package: &Package) -> bool {
    let mut command = cargo(["run", "--quiet", "--package"]);
    command
        .arg(format!("use-{}", package.name))
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .stdout(Stdio::null());
    succeeds(&mut command)
}
