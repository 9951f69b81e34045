//! Shapes of all fixtures, against those that onnx infers and that onnxruntime computes (`fixtures/make.py`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Lengths that are the same for any size of the inputs, and known only to whoever knows that the batch is not empty,
/// or that numbers are not 0.
const NOT_KNOWN: [(&str, &str); 2] = [("shapes", "nonzero"), ("rearrangement_9", "slice_28")];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

type Lengths = Vec<Option<usize>>;

fn lengths(shape: &Value) -> Option<Lengths> {
    let length = |length: &Value| length.as_u64().map(|length| length as usize);
    Some(shape.as_array()?.iter().map(length).collect())
}

/// A length is known exactly where onnxruntime computes the same for inputs of any size, and wherever onnx infers it.
fn fits(ours: &Lengths, inferred: Option<&Lengths>, computed: Option<&Lengths>) -> bool {
    let inferred = inferred.is_none_or(|theirs| {
        let fits = |(own, their): (&Option<usize>, &Option<usize>)| their.is_none() || own == their;
        ours.len() == theirs.len() && ours.iter().zip(theirs).all(fits)
    });
    inferred && computed.is_none_or(|theirs| ours == theirs)
}

#[test]
fn shapes_are_those_of_onnx_and_onnxruntime() {
    let text = std::fs::read_to_string(fixtures().join("shapes.json")).unwrap();
    let all: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(&text).unwrap();
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for (file, tensors) in &all {
        let imported = nn_onnx::open(fixtures().join(file))
            .unwrap()
            .import()
            .unwrap();
        for (name, shapes) in tensors {
            let excepted =
                |(of, tensor): &(&str, &str)| file.starts_with(of) && name.starts_with(tensor);
            if NOT_KNOWN.iter().any(excepted) {
                continue;
            }
            let ours = imported.extents.get(name).cloned().unwrap_or_default();
            let (inferred, computed) = (lengths(&shapes["inferred"]), lengths(&shapes["computed"]));
            compared += 1;
            if !fits(&ours, inferred.as_ref(), computed.as_ref()) {
                wrong.push(format!(
                    "{file} {name}: {ours:?}, inferred {inferred:?}, computed {computed:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 1000, "only {compared} tensors");
}
