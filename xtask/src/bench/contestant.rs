//! Who trains PreResNet-32, and how each is started.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::program::{Program, built};
use crate::root;

/// Images of a batch.
pub(super) const BATCH: usize = 128;

/// Normalisers, as the program in `benches` calls them, and the operations that they are.
pub(super) const NORMALISERS: [(&str, &str); 4] = [
    ("batch", "batch norm"),
    ("group", "group norm"),
    ("layer", "group norm"),
    ("instance", "group norm"),
];

/// Contestants of which only the best counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Class {
    /// nn-cpu, on the network that all train.
    Own,
    /// nn-cpu, on networks that nobody else trains here.
    OtherNormaliser,
    PyTorch,
    /// With an allocator that gives no memory back: faster, and nothing that PyTorch does by itself.
    PyTorchKeepingMemory,
    PyTorchBfloat16,
    Burn,
    Candle,
}

impl Class {
    /// Those that nn-cpu is compared with, in the order of the record.
    pub(super) const PEERS: [(Self, &'static str); 5] = [
        (Self::PyTorch, "PyTorch in float32, at its defaults"),
        (
            Self::PyTorchKeepingMemory,
            "PyTorch in float32, without trimming",
        ),
        (Self::PyTorchBfloat16, "PyTorch in bfloat16"),
        (Self::Burn, "burn"),
        (Self::Candle, "candle"),
    ];
}

/// Somebody who trains.
#[derive(Clone, Debug)]
pub(super) struct Contestant {
    pub(super) name: String,
    pub(super) class: Class,
    /// Prints a line of JSON, or why there is no program to start.
    pub(super) program: Result<Program, String>,
    /// What is timed beside a process that keeps a core busy, if that is of interest.
    pub(super) beside: Option<Program>,
}

/// How long each trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    Full,
    /// Enough to see that everything works; its numbers mean nothing.
    Quick,
}

impl Effort {
    /// One of two numbers.
    pub(super) fn choose<T>(self, full: T, quick: T) -> T {
        match self {
            Self::Full => full,
            Self::Quick => quick,
        }
    }
}

/// nn-cpu, once with each normaliser; `cpu` is the program of `benches`.
pub(super) fn own(cpu: &Path, threads: usize, effort: Effort) -> Vec<Contestant> {
    let train = Program::new(cpu).arg("train").options([
        ("batch", BATCH),
        ("threads", threads),
        ("steps", effort.choose(4, 1)),
        ("samples", effort.choose(5, 1)),
    ]);
    let contestant = |(normaliser, _)| {
        let program = train.clone().arg("--normaliser").arg(normaliser);
        let (class, beside) = match normaliser {
            "batch" => (Class::Own, Some(program.clone())),
            _ => (Class::OtherNormaliser, None),
        };
        Contestant {
            name: format!("nn-cpu, {normaliser} norm"),
            class,
            program: Ok(program),
            beside,
        }
    };
    NORMALISERS.map(contestant).into()
}

/// PyTorch with this Python, in its modes.
pub(super) fn pytorch(python: &Path, threads: usize, effort: Effort) -> Vec<Contestant> {
    let script = Program::new(python)
        .arg(root().join("benches/peers/pytorch.py").display())
        .env(
            "TORCHINDUCTOR_CACHE_DIR",
            root().join("target/peers/inductor").display(),
        )
        .options([("threads", threads), ("batch", BATCH)]);
    let steps = |warm_up, samples| {
        let script = script.clone();
        script.options([("warm-up", warm_up), ("samples", samples)])
    };
    let eager = effort.choose(steps(4, 15), steps(1, 2));
    // Its threads spin while they wait for each other: beside a busy process a step takes seconds.
    let beside = effort.choose(steps(1, 4), steps(0, 1));
    let compiled = eager.clone().arg("--compile");
    let bfloat16 = eager.clone().arg("--bf16");
    // What glibc frees at the top of the heap goes back to the system, and comes again as pages to be
    // cleared, in every step.
    let keeping = |program: &Program| {
        let program = program.clone();
        program
            .env("MALLOC_TRIM_THRESHOLD_", 8_000_000_000u64)
            .env("MALLOC_MMAP_THRESHOLD_", 4_000_000_000u64)
    };
    use Class::{PyTorch, PyTorchBfloat16, PyTorchKeepingMemory};
    let contestant = |mode: &str, class, program, beside| Contestant {
        name: format!("PyTorch, {mode}"),
        class,
        program: Ok(program),
        beside,
    };
    vec![
        contestant("eager", PyTorch, eager.clone(), Some(beside)),
        contestant("compiled", PyTorch, compiled.clone(), None),
        contestant(
            "eager, no trimming",
            PyTorchKeepingMemory,
            keeping(&eager),
            None,
        ),
        contestant(
            "compiled, no trimming",
            PyTorchKeepingMemory,
            keeping(&compiled),
            None,
        ),
        contestant("eager, bfloat16 autocast", PyTorchBfloat16, bfloat16, None),
    ]
}

/// burn and candle, built for this machine's CPU. They take seconds a step.
pub(super) fn rust_peers(threads: usize, effort: Effort) -> [Contestant; 2] {
    [("burn", Class::Burn, 3), ("candle", Class::Candle, 2)].map(|(name, class, samples)| {
        let program = build(name).map(|file| {
            Program::new(&file)
                .arg(BATCH)
                .arg(effort.choose(samples, 1))
                .env("RAYON_NUM_THREADS", threads)
        });
        Contestant {
            name: name.to_owned(),
            class,
            program,
            beside: None,
        }
    })
}

/// A program in `benches/peers`, a workspace of its own.
fn build(name: &str) -> Result<PathBuf, String> {
    eprintln!("building {name}, which takes minutes the first time");
    let manifest = format!("benches/peers/{name}/Cargo.toml");
    let target = format!("target/peers/{name}");
    let arguments = [
        "--locked",
        "--manifest-path",
        &manifest,
        "--target-dir",
        &target,
    ];
    built(&arguments, Some("-C target-cpu=native"))
}
