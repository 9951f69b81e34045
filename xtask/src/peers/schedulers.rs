//! The schedulers that are tried, as `texp convert --format torch` writes them.

use std::path::Path;

use recipe_convert::{Conversion, RecipeFile, Target, write_torch};
use serde_json::json;

/// A recipe and what it is converted to.
struct Scheduler {
    name: &'static str,
    target: Target,
    /// As `check.py` knows it.
    target_name: &'static str,
    /// As the recipe and `check.py` know it.
    optimizer: &'static str,
    /// Of the recipe, after the number of steps.
    rest: &'static str,
}

/// Strong decay, so that a few hundred steps grow the rate by orders of magnitude; a further scheduler is
/// an entry here.
const SCHEDULERS: &[Scheduler] = &[
    Scheduler {
        name: "step decay",
        target: Target::WdFree,
        target_name: "wd-free",
        optimizer: "sgd",
        rest: "momentum = 0.9\nweight_decay = 5e-3\n\
            [schedule]\nkind = \"step\"\nlr = 0.2\nfactor = 0.1\nepochs = [10, 15]\n",
    },
    Scheduler {
        name: "step decay, tapered",
        target: Target::Tapered,
        target_name: "tapered",
        optimizer: "sgd",
        rest: "momentum = 0.9\nweight_decay = 5e-3\n\
            [schedule]\nkind = \"step\"\nlr = 0.2\nfactor = 0.1\nepochs = [10, 15]\n",
    },
    Scheduler {
        name: "warm-up and cosine",
        target: Target::WdFree,
        target_name: "wd-free",
        optimizer: "sgd",
        rest: "momentum = 0.9\nweight_decay = 5e-3\n\
            [schedule]\nkind = \"warmup-cosine\"\nlr = 0.2\nwarmup_epochs = 2\n",
    },
    Scheduler {
        name: "one cycle, with momentum",
        target: Target::WdFree,
        target_name: "wd-free",
        optimizer: "sgd",
        rest: "weight_decay = 5e-3\nmomentum = { kind = \"one-cycle\", value = 0.8, \
            initial_value = 0.95, final_value = 0.95, warmup_epochs = 6 }\n\
            [schedule]\nkind = \"one-cycle\"\nlr = 0.2\ninitial_lr = 0.01\nfinal_lr = 1e-4\nwarmup_epochs = 6\n",
    },
];

/// Writes all, and `schedulers.json` that lists them.
pub(super) fn write_all(folder: &Path) -> Result<(), String> {
    let mut list = Vec::new();
    for (scheduler, number) in SCHEDULERS.iter().zip(0..) {
        let file = format!("schedule_{number}.py");
        super::write(&folder.join(&file), &python(scheduler)?)?;
        list.push(json!({
            "name": scheduler.name,
            "target": scheduler.target_name,
            "optimizer": scheduler.optimizer,
            "file": file,
        }));
    }
    let list = serde_json::Value::from(list).to_string();
    super::write(&folder.join("schedulers.json"), list.as_bytes())
}

fn python(scheduler: &Scheduler) -> Result<Vec<u8>, String> {
    let recipe = format!(
        "steps_per_epoch = 15\nepochs = 20\n[optimizer]\nkind = \"{}\"\n{}",
        scheduler.optimizer, scheduler.rest
    );
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", scheduler.name);
    let no_table = |path: &str| Err(std::io::Error::other(format!("{path} is not there")));
    let mut read_table = no_table;
    let file = RecipeFile::parse(&recipe, scheduler.name, &mut read_table)
        .map_err(|error| failed(&error))?;
    let twin = Conversion::new(&file, scheduler.target).map_err(|error| failed(&error))?;
    let mut python = Vec::new();
    write_torch(&twin, &mut python).map_err(|error| failed(&error))?;
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_can_be_converted() {
        for scheduler in SCHEDULERS {
            let python = String::from_utf8(python(scheduler).unwrap()).unwrap();
            assert!(python.contains("STEPS = 300"), "{python}");
        }
    }
}
