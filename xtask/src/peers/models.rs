//! Known networks as PyTorch exports them: what `texp inspect` finds, whether it is what `docs/networks.md` says, and
//! whether PyTorch's numbers bear it out.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::cargo::succeeds;
use crate::root;

/// What `models.py` exports, in the order of the table.
const NETWORKS: [&str; 11] = [
    "resnet18",
    "resnet50",
    "preact_resnet50",
    "vgg11_bn",
    "densenet121",
    "mobilenet_v2",
    "efficientnet_b0",
    "convnext_tiny",
    "vit_tiny",
    "gpt",
    "gpt_qk_norm",
];

/// Inspects every network, says what of the table in the documentation is no longer so, and gives the command that runs the
/// networks at scaled parameters.
///
/// # Errors
/// What cannot be exported or inspected, or is told differently of one network by its two exports.
pub(super) fn check(python: &Path, folder: &Path) -> Result<(bool, Command), String> {
    let script = root().join("xtask/src/peers/models.py");
    let run = |verb: &str| {
        let mut command = Command::new(python);
        command.arg("-B").arg(&script).arg(verb).arg(folder);
        command
    };
    fs::create_dir_all(folder)
        .map_err(|error| format!("cannot write {}: {error}", folder.display()))?;
    if !succeeds(&mut run("export")) {
        return Err("PyTorch cannot export the networks; its message is above".to_owned());
    }
    let page = root().join("docs/networks.md");
    let documented = fs::read_to_string(&page)
        .map_err(|error| format!("cannot read {}: {error}", page.display()))?;
    let mut is_documented = true;
    for network in NETWORKS {
        let row = row(network, &inspected(network, folder)?)?;
        println!("{row}");
        if !documented.lines().any(|line| line == row) {
            is_documented = false;
            println!("FAILS: docs/networks.md has no such row");
        }
    }
    Ok((is_documented, run("witness")))
}

/// What is told of both exports of a network, the same of each; written to `NAME.json` for the witness.
fn inspected(network: &str, folder: &Path) -> Result<Value, String> {
    let tell = |exporter: &str| {
        let file = format!("{network}.{exporter}.onnx");
        super::texp(folder, ["inspect", &file, "--format", "json"])
    };
    let told = tell("torchscript")?;
    let parse = |text: &[u8]| -> Result<Value, String> {
        serde_json::from_slice(text).map_err(|error| format!("texp inspect of {network}: {error}"))
    };
    let (first, second) = (parse(&told)?, parse(&tell("dynamo")?)?);
    if verdicts(&first) != verdicts(&second) {
        return Err(format!(
            "of {network}, texp inspect finds {:?} in the export by TorchScript, and {:?} in that by dynamo",
            counts(&first),
            counts(&second)
        ));
    }
    super::write(&folder.join(format!("{network}.json")), &told)?;
    Ok(first)
}

/// What is told of each parameter, by its shape: exporters may name one differently.
fn verdicts(told: &Value) -> Vec<String> {
    let parameters = told["parameters"].as_array().into_iter().flatten();
    let mut verdicts: Vec<String> = parameters
        .map(|parameter| format!("{} {}", parameter["shape"], parameter["invariance"]))
        .collect();
    verdicts.sort();
    verdicts
}

/// How many parameters there are of each kind, and the dimension of the space of scalings.
fn counts(told: &Value) -> Option<[u64; 6]> {
    let parameters = told["parameters"].as_array()?;
    let of = |kind: &str| {
        let found = parameters.iter().filter(|p| p["invariance"] == kind);
        found.count() as u64
    };
    let [alone, jointly, balanced, none] = ["alone", "jointly", "balanced", "none"].map(of);
    let dimension = told["dimension"].as_u64()?;
    Some([
        parameters.len() as u64,
        alone,
        jointly,
        balanced,
        none,
        dimension,
    ])
}

/// A row of the table.
fn row(network: &str, told: &Value) -> Result<String, String> {
    let counts =
        counts(told).ok_or_else(|| format!("texp inspect of {network} tells no counts"))?;
    let yes = |key: &str| match told[key] == Value::Bool(true) {
        true => "yes",
        false => "no",
    };
    let counts = counts.map(|count| count.to_string()).join(" | ");
    Ok(format!(
        "| `{network}` | {counts} | {} | {} |",
        yes("scale_invariant"),
        yes("paper_rules")
    ))
}
