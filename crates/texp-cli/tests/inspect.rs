//! `texp inspect` as a user calls it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../nn-onnx/tests/fixtures")
        .join(name)
}

fn inspect(file: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_texp"));
    command.arg("inspect").arg(file).args(arguments);
    command.output().unwrap()
}

fn json(file: &Path, arguments: &[&str]) -> Value {
    let output = inspect(file, &[arguments, &["--format", "json"]].concat());
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn parameter<'a>(told: &'a Value, name: &str) -> Option<&'a Value> {
    let parameters = told["parameters"].as_array().unwrap();
    parameters
        .iter()
        .find(|parameter| parameter["name"] == name)
}

#[test]
fn the_object_has_what_its_contract_says() {
    let told = json(&fixture("dynamo_block.onnx"), &[]);
    for key in ["scale_invariant", "paper_rules"] {
        assert!(told[key].is_boolean(), "{key}");
    }
    assert!(told["dimension"].is_u64());
    assert_eq!(told["unsupported"][0]["operator"], "com.microsoft.Gelu");
    let weight = parameter(&told, "fc.weight").unwrap();
    assert_eq!(weight["shape"], serde_json::json!([8, 8]));
    assert_eq!(weight["invariance"], "balanced");
    let degree = &weight["degree"];
    assert_eq!((degree[0].is_i64(), &degree[1]), (true, &Value::from(1)));
    assert_eq!(weight["granularity"], Value::Null);
    assert_eq!(weight["reason"], Value::Null);
    let broken = json(&fixture("recurrent_22.onnx"), &[]);
    let broken = parameter(&broken, "rnn.weight_ih").unwrap();
    assert_eq!(
        (&broken["invariance"], &broken["group"]),
        (&"none".into(), &Value::Null)
    );
    let reason = broken["reason"].as_str().unwrap();
    assert!(reason.contains("LSTM"), "{reason}");
}

#[test]
fn what_is_frozen_is_no_longer_asked_about() {
    let file = fixture("dynamo_block.onnx");
    let told = json(&file, &["--freeze", "fc.*"]);
    assert!(parameter(&told, "fc.weight").is_none());
    // What was balanced against it alone now cannot be scaled.
    assert_eq!(parameter(&told, "scale").unwrap()["invariance"], "none");
    let output = inspect(&file, &["--freeze", "fx.*"]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("--freeze `fx.*` is the name of no trained parameter"),
        "{message}"
    );
}

#[test]
fn the_table_names_every_parameter_and_the_papers_rules_their_obstacle() {
    let file = fixture("torchscript_block_13.onnx");
    let output = inspect(&file, &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    for name in ["stem.0.weight", "ln.bias", "head.weight", "11 parameters: "] {
        assert!(text.contains(name), "{name}: {text}");
    }
    let output = inspect(&file, &["--rules", "paper"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("The paper's rules: not shown, since `"),
        "{text}"
    );
}

#[test]
fn what_is_no_network_is_one_sentence_and_exit_code_2() {
    for file in [
        PathBuf::from("nowhere.onnx"),
        Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"),
    ] {
        let output = inspect(&file, &[]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(message.trim_end().lines().count(), 1, "{message}");
        assert!(message.starts_with("error: "), "{message}");
    }
}
