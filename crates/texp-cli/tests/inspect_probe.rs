//! `texp inspect --probe` as a user calls it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../nn-onnx/tests/fixtures")
        .join(name)
}

fn probe(file: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_texp"));
    command.arg("inspect").arg(fixture(file)).arg("--probe");
    command.args(arguments).output().unwrap()
}

#[test]
fn numbers_bear_out_what_is_found() {
    let output = probe("classifier_13.onnx", &[]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap();
    // A basis of 4 vectors, 2 parameters in filters, 6 that do not scale alone, all together, and no more than these.
    assert!(last.ends_with("of 14 claims 14 hold."), "{last}");
    assert!(last.contains("4 random images of 3×8×8"), "{last}");
}

#[test]
fn the_object_lists_every_claim() {
    let output = probe(
        "classifier_13.onnx",
        &["--format", "json", "--freeze", "head.bias"],
    );
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let claims = told["probe"].as_array().unwrap();
    assert!(claims.iter().all(|claim| claim["holds"] == true), "{told}");
    let claim = |words: &str| {
        let mut claims = claims.iter();
        claims.find(|claim| claim["claim"].as_str().unwrap().contains(words))
    };
    for (words, stays) in [
        ("all parameters × c changes the function", false),
        ("`conv.weight` × c^1 leaves the function alone", true),
        ("each piece of `conv.weight` may be multiplied", true),
        ("`head.weight` × c alone changes the function", false),
        (
            "whole parameters have no scalings but those in 4 dimensions",
            false,
        ),
    ] {
        let change = claim(words).unwrap()["change"].as_f64().unwrap();
        assert_eq!(change < 1e-12, stays, "{words}: {change:e}");
        assert_eq!(change > 1e-3, !stays, "{words}: {change:e}");
    }
    assert!(
        claim("head.bias").is_none(),
        "nothing is claimed of what is frozen"
    );
}

#[test]
fn what_no_engine_runs_is_refused_by_the_operation() {
    let output = probe("torchscript_block_13.onnx", &[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("an engine"), "{message}");
    assert_eq!(message.trim_end().lines().count(), 1, "{message}");
}
