//! What each fuzz target does with its bytes. A target fails by a panic, and by what it asserts here.
//!
//! They are plain functions so that `cargo test` drives them, too, on a stable compiler.

use std::fs;

use datasets::cifar10::{RECORD_BYTES, parse_batch};
use trainer::experiment::Experiment;

/// An experiment's TOML, as it stands and at its preset `p`: an accepted one is written and read back the same.
pub fn experiment(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for preset in [None, Some("p")] {
        match Experiment::parse(text, "fuzz.toml", preset) {
            Err(error) => assert!(!error.to_string().contains('\n'), "not one line: {error}"),
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

/// A run folder: `manifest.json` up to the first line that is empty, then `records.jsonl`.
pub fn run_folder(bytes: &[u8]) {
    let split = bytes.windows(2).position(|pair| pair == b"\n\n");
    let (manifest, records) = match split {
        Some(split) => (&bytes[..split], &bytes[split + 2..]),
        None => (bytes, &[][..]),
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).expect("a file in a temporary folder");
    };
    write("manifest.json", manifest);
    write("records.jsonl", records);
    write("experiment.toml", b"name = \"fuzz\"\n");
    if let Err(error) = report::write(folder.path()) {
        assert!(!folder.path().join("report.html").exists(), "{error}");
    }
}
