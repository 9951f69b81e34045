//! What several tests use.
#![allow(dead_code, reason = "not every test uses all of it")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nn_engine::State;
use nn_graph::Graph;

/// Of 20 epochs of 15 steps, with strong decay.
pub(crate) const RECIPE: &str = "\
# A comment that stays.
steps_per_epoch = 15
epochs = 20
schedule = { kind = \"cosine\", lr = 0.2, final_lr = 0.01 }
[optimizer]
kind = \"sgd\"
momentum = 0.9
weight_decay = 5e-3
";

/// An experiment of 8 steps.
pub(crate) const TINY: &str = r#"
name = "tiny"
title = "Tiny"
[network]
architecture = "preresnet"
depth = 8
width = 2
[data]
train_images = 16
test_images = 8
[training]
batch_size = 4
epochs = 2
[recipe]
optimizer = { kind = "sgd", momentum = 0.9, weight_decay = 0.01 }
schedule = { kind = "step", lr = 0.1, factor = 0.1, epochs = [1] }
[[run]]
name = "step"
label = "step decay"
transform = "original"
[[run]]
name = "exact"
label = "exact"
transform = "wd-free"
"#;

/// The command in a folder, on a machine without a GPU and without images.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_texp"));
    command.args(arguments).current_dir(folder);
    command.env_remove("CIFAR10_DIR");
    // Where there is one, the driver does not show it.
    command.env("CUDA_VISIBLE_DEVICES", "");
    command
}

/// Runs the command in a folder, with a text on standard input.
pub(crate) fn texp(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = command(folder, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses its arguments reads nothing and may be gone by now.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// What it wrote to standard output and to standard error.
#[track_caller]
pub(crate) fn success(output: Output) -> (String, String) {
    let [out, said] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{said}");
    (out, said)
}

/// Writes a graph, with any values, and the recipe.
pub(crate) fn write(folder: &Path, graph: &Graph) {
    let state = State::initial(graph, 7);
    let values = |name: &str| state.get(name).map(|tensor| tensor.values.clone());
    let mut file = fs::File::create(folder.join("net.onnx")).unwrap();
    nn_onnx::write(graph, values, &mut file).unwrap();
    fs::write(folder.join("recipe.toml"), RECIPE).unwrap();
}

/// Puts one name in the place of another of the same length, so that the file stays one.
pub(crate) fn replace(file: &Path, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let old = fs::read(file).unwrap();
    let mut new = old.clone();
    for at in 0..old.len() - from.len() {
        if old[at..].starts_with(from.as_bytes()) {
            new[at..at + from.len()].copy_from_slice(to.as_bytes());
        }
    }
    assert_ne!(old, new);
    fs::write(file, new).unwrap();
}
