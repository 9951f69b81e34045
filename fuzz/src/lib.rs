//! What each fuzz target does with its bytes. A target fails by a panic, and by what it asserts here.
//!
//! They are plain functions so that `cargo test` drives them, too, on a stable compiler.

mod laws;

use std::fmt::Display;
use std::fs;
use std::io;

use audit::{Audit, Columns, Constants, Log, NormVerdict};
use datasets::cifar10::{RECORD_BYTES, parse_batch};
use nn_graph::network::TensorId;
use recipe_convert::{Conversion, RecipeFile, Target};
use trainer::experiment::Experiment;

/// An experiment's TOML, as it stands and at its preset `p`: an accepted one is written and read back the same.
pub fn experiment(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for preset in [None, Some("p")] {
        match Experiment::parse(text, "fuzz.toml", preset) {
            Err(error) => one_line(error),
            Ok(experiment) => {
                let written = experiment.to_toml().expect("TOML of what came from TOML");
                let read = Experiment::parse(&written, "written.toml", None).expect("the same");
                assert_eq!(read, experiment);
            }
        }
    }
}

/// A batch file of CIFAR-10: an accepted one has every byte of the file, and no other.
pub fn cifar10_batch(bytes: &[u8]) {
    if let Ok(batch) = parse_batch(bytes, "fuzz.bin") {
        assert_eq!(bytes.len(), batch.labels.len() * RECORD_BYTES);
        assert_eq!(bytes.len(), batch.labels.len() + batch.pixels.len());
        assert!(batch.labels.iter().all(|&label| label < 10));
    }
}

/// A model: what is accepted has operations that each read what is there, and shapes for all tensors of known rank; as a
/// graph for engines it has the parameters of the file.
pub fn onnx(bytes: &[u8]) {
    let model = match nn_onnx::from_reader(io::Cursor::new(bytes), "fuzz.onnx") {
        Err(error) => return one_line(error),
        Ok(model) => model,
    };
    let imported = model.import().map_err(one_line).ok();
    if let Some(imported) = &imported {
        let network = &imported.network;
        for operation in network.operations() {
            let before = |input: &TensorId| input.index() < operation.output.index();
            assert!(operation.inputs.iter().all(before), "{operation:?}");
        }
        assert!(!network.outputs().is_empty() || network.operations().is_empty());
    }
    if let Ok(of_engines) = model.import_graph().map_err(one_line) {
        let network = &imported.expect("what engines run has rules").network;
        let parameters = of_engines.graph.parameters();
        for (parameter, of_graph) in of_engines.parameters.iter().zip(parameters) {
            let mut tensors = network.parameters().map(|id| network.tensor(id));
            let tensor = tensors.find(|tensor| tensor.name == parameter.name);
            let lengths = tensor.and_then(|tensor| tensor.extents.as_deref());
            let elements: Option<usize> = lengths.into_iter().flatten().copied().product();
            assert_eq!(elements, Some(of_graph.elements()), "{parameter:?}");
        }
        assert_eq!(of_engines.parameters.len(), parameters.len());
    }
}

/// Asserts that an error is one line.
fn one_line(error: impl Display) {
    let error = error.to_string();
    assert!(!error.contains('\n'), "not one line: {error}");
}

/// A run folder: `manifest.json`, `sittings.json` and `records.jsonl`, with an empty line after each of the first two.
pub fn run_folder(bytes: &[u8]) {
    let split = |bytes: &'_ [u8]| bytes.windows(2).position(|pair| pair == b"\n\n");
    let parts = |bytes| match split(bytes) {
        Some(at) => (bytes[..at].to_vec(), bytes[at + 2..].to_vec()),
        None => (bytes.to_vec(), Vec::new()),
    };
    let (manifest, rest) = parts(bytes);
    let (sittings, records) = parts(&rest);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).expect("a file in a temporary folder");
    };
    write("manifest.json", &manifest);
    write("sittings.json", &sittings);
    write("records.jsonl", &records);
    write("experiment.toml", b"name = \"fuzz\"\n");
    if let Err(error) = report::write(folder.path()) {
        assert!(!folder.path().join("report.html").exists(), "{error}");
    }
}

/// Steps of a training that are converted: few enough for many recipes a second.
const MOST_STEPS: u64 = 1_000;

/// A recipe's TOML, up to the first two empty lines, and the CSV that it may name, after it: what is
/// accepted is converted to every target, or refused in one line.
pub fn recipe(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (text, table) = text.split_once("\n\n\n").unwrap_or((text, ""));
    let mut read_table = |path: &str| match path {
        "table.csv" => Ok(table.to_owned()),
        _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
    };
    let file = match RecipeFile::parse(text, "fuzz.toml", &mut read_table) {
        Err(error) => return one_line(error),
        Ok(file) => file,
    };
    let recipe = file.recipe();
    for step in [0, 1, file.steps() / 2, file.steps(), u64::MAX] {
        assert!(recipe.at(step).validate(step).is_ok(), "step {step}");
    }
    if file.steps() > MOST_STEPS {
        return;
    }
    for target in [Target::WdFree, Target::Tapered] {
        match Conversion::new(&file, target) {
            Err(error) => one_line(error),
            Ok(conversion) => {
                assert_eq!(conversion.rows().count() as u64, file.steps());
                assert!(conversion.rows().all(|row| row.ln_lr_exp < f64::INFINITY));
                assert!(!conversion.summary().to_string().contains("NaN"));
            }
        }
    }
}

/// A training log: what is accepted is audited, with and without the length of an epoch, and phases cover it; what is said to be
/// known is a number.
pub fn audit(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let constants = Constants {
        weight_decay: Some(5e-4),
        momentum: Some(0.9),
        ..Constants::default()
    };
    for constants in [Constants::default(), constants] {
        let log = match Log::parse(text, "fuzz.log", &Columns::default(), constants) {
            Err(error) => {
                one_line(error);
                continue;
            }
            Ok(log) => log,
        };
        for steps_per_epoch in [None, Some(1), Some(50), Some(u64::MAX)] {
            let audit = Audit::new(log.clone(), steps_per_epoch).expect("an epoch of some steps");
            let found = audit.findings();
            let mut from = found.first_step;
            for phase in &found.phases {
                assert_eq!(phase.start, from);
                assert!(phase.start < phase.end);
                from = phase.end;
                for norm in &phase.norms {
                    let known = norm.verdict == NormVerdict::Known;
                    assert_eq!(known, norm.ratio_end.is_some(), "{norm:?}");
                    assert!(!known || norm.gradient_noise.is_some_and(|noise| noise.square > 0.0));
                    assert!(
                        norm.rotation_per_step.is_none_or(|angle| angle >= 0.0),
                        "{norm:?}"
                    );
                }
            }
            assert_eq!(from, found.end_step);
            found
                .advice
                .iter()
                .for_each(|advice| one_line(&advice.sentence));
        }
    }
}

/// Any numbers into every schedule and law: an error, or numbers where the documentation says so.
pub fn laws(bytes: &[u8]) {
    laws::laws(bytes);
}
