//! What `texp inspect` makes of networks that PyTorch exported, and `texp convert` of that.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::cargo::succeeds;
use crate::root;

/// A network of `nets.py`, and which of its parameters have no weight decay.
struct Inspected {
    net: &'static str,
    no_decay: &'static [&'static str],
}

/// A further one is an entry here.
const INSPECTED: &[Inspected] = &[
    // As is usual.
    Inspected {
        net: "conv-affine",
        no_decay: &["*.bias", "1.weight", "4.weight"],
    },
    // Its first normaliser is scaled, too, so that what the second one reads has degree 2.
    Inspected {
        net: "conv-affine",
        no_decay: &[],
    },
    // A normaliser that must keep its decay, among weights that lose theirs.
    Inspected {
        net: "residual",
        no_decay: &[],
    },
    // A weight that is used twice, and keeps half of its decay.
    Inspected {
        net: "tied",
        no_decay: &[],
    },
];

const RECIPE: &str = "steps_per_epoch = 15\nepochs = 20\n\
    optimizer = { kind = \"sgd\", momentum = 0.9, weight_decay = 5e-3 }\n\
    schedule = { kind = \"step\", lr = 0.1, factor = 0.1, epochs = [10, 15] }\n";

/// Writes networks, groups and schedulers, and gives what `schedulers.json` lists of them.
pub(super) fn write_all(python: &Path, folder: &Path) -> Result<Vec<Value>, String> {
    let mut export = Command::new(python);
    export
        .arg("-B")
        .arg(root().join("xtask/src/peers/export.py"));
    if !succeeds(export.arg(folder)) {
        return Err("PyTorch cannot export the networks; its message is above".to_owned());
    }
    super::write(&folder.join("recipe.toml"), RECIPE.as_bytes())?;
    let entries = INSPECTED.iter().zip(0..);
    entries
        .map(|(inspected, number)| inspected.write(folder, number))
        .collect()
}

impl Inspected {
    fn write(&self, folder: &Path, number: usize) -> Result<Value, String> {
        let file = |end: &str| format!("inspected_{number}{end}");
        let [groups, schedule, recipe] = ["_groups.py", "_schedule.py", ".toml"].map(file);
        let network = format!("{}.onnx", self.net);
        let inspect = ["inspect", &network, "--recipe", "recipe.toml"];
        let written = ["--param-groups", &groups, "--format", "recipe"];
        let no_decay = (self.no_decay.iter()).flat_map(|pattern| ["--no-decay", pattern]);
        let arguments = inspect.into_iter().chain(written).chain(no_decay);
        super::write(&folder.join(&recipe), &super::texp(folder, arguments)?)?;
        let convert = [
            "convert", &recipe, "--format", "torch", "--output", &schedule,
        ];
        super::texp(folder, convert)?;
        Ok(json!({
            "name": format!("inspected {number}"),
            "pair": "SGD, inspected",
            "file": schedule,
            "groups": groups,
            "net": self.net,
        }))
    }
}
