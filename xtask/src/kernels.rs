//! `cargo xtask kernels`: nn-cuda's kernels, compiled by NVIDIA's compiler without a GPU; and checked on a simulated one.

mod early;
mod mutate;
mod record;
mod sanitize;
mod simulated;
mod toolchain;
mod usage;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nn_cuda::kernels::{OPTIONS, cubin_name, source};
use nn_engine::Products;

use crate::{root, verdict};
use toolchain::Toolchain;
use usage::Usage;

/// What they are compiled for: the oldest that code compiled ahead serves, and what they are timed on.
const ARCHITECTURES: [&str; 2] = ["sm_80", "sm_90"];

/// The record, in the tree.
const RECORD: &str = "crates/nn-cuda/kernels/resources.md";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Keep what the kernels use as the record.
    #[arg(long)]
    record: bool,
    /// Something else than to compile them for a GPU.
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Debug, clap::Subcommand)]
enum Task {
    /// Run every kernel under ThreadSanitizer and AddressSanitizer, on the simulated driver.
    Sanitize,
    /// Make one mistake at a time (a barrier left out, an index or a bound one too large), and see what finds it.
    Mutate(mutate::Args),
}

/// The kernels as device code.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// A file for each format and architecture, named as programs look for it.
    pub(crate) cubins: Vec<PathBuf>,
    usages: Vec<Usage>,
    complaints: Vec<String>,
}

impl Compiled {
    /// Why kernels are refused: they use local memory, or touch memory before they have waited for the launch before.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let of_local_memory = self.usages.iter().filter_map(Usage::complaint);
        of_local_memory.chain(self.complaints.clone()).collect()
    }
}

/// Compiles, prints the table and how it differs from the record; or does another task.
///
/// Exits with 1 if a kernel spills, touches memory before it has waited for the launch before, is reported by a sanitizer, or a mistake
/// is found by nothing; with 2 if it could not be done.
pub(crate) fn run(args: &Args) -> ExitCode {
    verdict(match &args.task {
        Some(Task::Sanitize) => sanitize::run(),
        Some(Task::Mutate(args)) => mutate::run(args),
        None => compile(&root().join("target/kernels")).and_then(|compiled| {
            report(&compiled.usages, &root().join(RECORD), args.record)?;
            Ok(compiled.complaints())
        }),
    })
}

/// Compiles the kernels of every format for every architecture into a folder, with every warning an error; installs the compiler there.
///
/// # Errors
/// Why it cannot be done, in a sentence or in the compiler's words.
pub(crate) fn compile(folder: &Path) -> Result<Compiled, String> {
    let toolchain = Toolchain::installed(&folder.join("toolchain"))?;
    let mut compiled = Compiled {
        cubins: Vec::new(),
        usages: Vec::new(),
        complaints: Vec::new(),
    };
    for products in Products::ALL {
        let text = folder.join(format!("kernels-{products}.cu"));
        fs::write(&text, source(products))
            .map_err(|error| format!("cannot write {}: {error}", text.display()))?;
        for architecture in ARCHITECTURES {
            let cubin = folder.join(cubin_name(architecture, products));
            let said = toolchain.compile(&OPTIONS, architecture, &text, &cubin)?;
            let usages = usage::read(&said, products, architecture)?;
            compiled.usages.extend(usages);
            if early::begins_early(architecture) {
                let code = toolchain.disassemble(&cubin)?;
                let complaints = early::complaints(&code, products, architecture)?;
                compiled.complaints.extend(complaints);
            }
            compiled.cubins.push(cubin);
        }
    }
    Ok(compiled)
}

fn report(usages: &[Usage], file: &Path, keep: bool) -> Result<(), String> {
    let new = record::markdown(usages);
    println!("{new}");
    if keep {
        return fs::write(file, &new)
            .map_err(|error| format!("cannot write {}: {error}", file.display()));
    }
    let Ok(old) = fs::read_to_string(file) else {
        println!("There is no record yet; `--record` writes {RECORD}.");
        return Ok(());
    };
    let changed = record::difference(&old, &new);
    if !changed.is_empty() {
        println!("Other than in the record, {RECORD} (`--record` rewrites it):\n");
        changed.iter().for_each(|line| println!("{line}"));
    }
    Ok(())
}
