//! Projects outside the workspace that use its crates as others do.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use super::example::{self, Example};
use super::{Package, read, write};
use crate::cargo::{cargo, succeeds};
use crate::root;

/// A project made of the examples of one README.
pub(super) struct Consumer {
    pub(super) name: String,
    /// The crate that it depends on, whether or not an example names it.
    pub(super) depends_on: Option<String>,
    pub(super) examples: Vec<Example>,
}

impl Consumer {
    /// The examples of a crate's README.
    pub(super) fn of_crate(package: &Package) -> Result<Self, String> {
        Ok(Self {
            name: package.name.clone(),
            depends_on: Some(package.name.clone()),
            examples: example::of_readme(&read(&package.folder.join("README.md"))?),
        })
    }

    /// Those of the workspace's.
    pub(super) fn of_workspace() -> Result<Self, String> {
        Ok(Self {
            name: "README.md".to_owned(),
            depends_on: None,
            examples: example::of_readme(&read(&root().join("README.md"))?),
        })
    }

    /// Name of the project's package.
    fn project(&self) -> String {
        format!("use-{}", self.name.replace('.', "-"))
    }

    /// Compiles and runs the examples.
    pub(super) fn run(&self, folder: &Path) -> bool {
        let mut command = cargo(["run", "--quiet", "--package"]);
        command
            .arg(self.project())
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .stdout(Stdio::null());
        succeeds(&mut command)
    }

    fn uses(&self, package: &str) -> bool {
        let path = format!("{}::", package.replace('-', "_"));
        self.depends_on.as_deref() == Some(package)
            || self
                .examples
                .iter()
                .any(|example| example.code.contains(&path))
    }

    fn manifest(&self, packages: &BTreeMap<String, Package>) -> String {
        let name = self.project();
        let mut manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n"
        );
        for Package { name, version, .. } in packages.values().filter(|it| self.uses(&it.name)) {
            manifest += &format!("{name} = \"{version}\"\n");
        }
        manifest
    }

    fn main(&self) -> String {
        let mut main = "fn main() {\n".to_owned();
        let mut functions = String::new();
        for (index, example) in self.examples.iter().enumerate() {
            functions +=
                &format!("fn example_{index}() -> Result<(), Box<dyn std::error::Error>> {{\n");
            functions += &match example.code.contains("Ok::<") {
                // The last expression says what the example may fail with.
                true => format!(
                    "let done = (|| {{ {}\n}})();\nOk(done?)\n}}\n\n",
                    example.code
                ),
                false => format!("{}\nOk(())\n}}\n\n", example.code),
            };
            main += &match example.runs {
                true => format!("    example_{index}().unwrap();\n"),
                false => format!("    let _ = example_{index};\n"),
            };
        }
        functions + &main + "}\n"
    }
}

/// A workspace of all projects, in which the crates come from their packages.
pub(super) fn write_workspace(
    folder: &Path,
    packages: &BTreeMap<String, Package>,
    consumers: &[Consumer],
) -> Result<(), String> {
    let mut manifest = "[workspace]\nresolver = \"3\"\nmembers = [\"use-*\"]\n".to_owned();
    manifest += "\n[profile.dev]\ndebug = false\n";
    manifest += "\n[patch.crates-io]\n";
    for Package { name, folder, .. } in packages.values() {
        manifest += &format!("{name} = {{ path = {:?} }}\n", folder.display().to_string());
    }
    write(&folder.join("Cargo.toml"), &manifest)?;
    for consumer in consumers {
        let project = folder.join(consumer.project());
        write(&project.join("Cargo.toml"), &consumer.manifest(packages))?;
        write(&project.join("src/main.rs"), &consumer.main())?;
    }
    Ok(())
}
