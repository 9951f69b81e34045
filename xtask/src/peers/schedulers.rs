//! The schedulers that are tried, as `texp convert --format torch` writes them.

use std::path::Path;

use recipe_convert::{Conversion, RecipeFile, Target, write_torch};
use serde_json::{Value, json};

/// A recipe and what it is converted to.
struct Scheduler {
    name: &'static str,
    target: Target,
    /// What the recipe and its twin are trained with, as `optimisers.py` knows it.
    pair: &'static str,
    /// After the number of steps.
    recipe: &'static str,
}

/// Strong decay, so that a few hundred steps grow the rate by orders of magnitude; a further scheduler is
/// an entry here.
const SCHEDULERS: &[Scheduler] = &[
    Scheduler {
        name: "step decay",
        target: Target::WdFree,
        pair: "SGD",
        recipe: STEP_DECAY,
    },
    Scheduler {
        name: "step decay, tapered",
        target: Target::Tapered,
        pair: "SGD, tapered",
        recipe: STEP_DECAY,
    },
    Scheduler {
        name: "step decay, rate inside",
        target: Target::SgdLrInside,
        pair: "SGD, rate inside",
        recipe: STEP_DECAY,
    },
    Scheduler {
        name: "warm-up and cosine",
        target: Target::WdFree,
        pair: "SGD",
        recipe: "optimizer = { kind = \"sgd\", momentum = 0.9, weight_decay = 5e-3 }\n\
            schedule = { kind = \"warmup-cosine\", lr = 0.2, warmup_epochs = 2 }\n",
    },
    Scheduler {
        name: "another weight decay",
        target: Target::WeightDecay,
        pair: "SGD",
        // More than the recipe's at first, less of it at the end.
        recipe: "optimizer = { kind = \"sgd\", momentum = 0.9, weight_decay = 5e-3 }\n\
            schedule = { kind = \"warmup-cosine\", lr = 0.2, warmup_epochs = 2 }\n\
            target.weight_decay = { kind = \"cosine\", value = 1e-2 }\n",
    },
    Scheduler {
        name: "one cycle, with momentum",
        target: Target::WdFree,
        pair: "SGD",
        recipe: ONE_CYCLE,
    },
    Scheduler {
        name: "one cycle, rate inside",
        target: Target::SgdLrInside,
        pair: "SGD, rate inside",
        recipe: ONE_CYCLE,
    },
    Scheduler {
        name: "momentum 0 at times",
        target: Target::WdFree,
        pair: "SGD",
        recipe: MOMENTUM_AT_TIMES,
    },
    Scheduler {
        name: "momentum 0 at times, rate inside",
        target: Target::SgdLrInside,
        pair: "SGD, rate inside",
        recipe: MOMENTUM_AT_TIMES,
    },
    Scheduler {
        name: "groups",
        target: Target::WdFree,
        pair: "SGD, groups",
        recipe: "optimizer = { kind = \"sgd\", momentum = 0.9, weight_decay = 5e-3 }\n\
            schedule = { kind = \"cosine\", lr = 0.2, final_lr = 0.01 }\n\
            [[group]]\nname = \"head\"\nexponent = 0\nlr_scale = 0.1\nweight_decay = 0.02\n\
            [[group]]\nname = \"weights\"\n\
            [[group]]\nname = \"biases\"\nexponent = 2\nlr_scale = 0.5\n\
            weight_decay = { kind = \"cosine\", value = 1e-2 }\n",
    },
    Scheduler {
        name: "AdamW, one cycle",
        target: Target::WdFree,
        pair: "Adam",
        // A warm-up from 0, and an ε that is large enough to matter.
        recipe: "schedule = { kind = \"one-cycle\", lr = 0.02, initial_lr = 0, final_lr = 0, warmup_epochs = 4 }\n\
            [optimizer]\nkind = \"adamw\"\nweight_decay = 2.0\nbeta2 = 0.99\neps = 1e-3\n\
            beta1 = { kind = \"one-cycle\", value = 0.85, initial_value = 0.95, final_value = 0.95, warmup_epochs = 4 }\n",
    },
];

const STEP_DECAY: &str = "optimizer = { kind = \"sgd\", momentum = 0.9, weight_decay = 5e-3 }\n\
    schedule = { kind = \"step\", lr = 0.2, factor = 0.1, epochs = [10, 15] }\n";

const ONE_CYCLE: &str = "\
    schedule = { kind = \"one-cycle\", lr = 0.2, initial_lr = 0.01, final_lr = 1e-4, warmup_epochs = 6 }\n\
    [optimizer]\nkind = \"sgd\"\nweight_decay = 5e-3\n\
    momentum = { kind = \"one-cycle\", value = 0.8, initial_value = 0.95, final_value = 0.95, warmup_epochs = 6 }\n";

const MOMENTUM_AT_TIMES: &str = "schedule = { kind = \"cosine\", lr = 0.2, final_lr = 0.01 }\n\
    [optimizer]\nkind = \"sgd\"\nweight_decay = 5e-3\n\
    momentum = { kind = \"csv\", file = \"momentum.csv\" }\n";

/// What the recipe above reads.
fn momentum_table() -> String {
    let momentum = |step| if step % 20 < 3 { 0.0 } else { 0.9 };
    let lines = (0..300).map(|step| format!("{step},{}\n", momentum(step)));
    "step,momentum\n".to_owned() + &lines.collect::<String>()
}

/// Writes all, and `schedulers.json` that lists them, and after them what others list.
pub(super) fn write_all(folder: &Path, others: Vec<Value>) -> Result<(), String> {
    let mut list = Vec::new();
    for (scheduler, number) in SCHEDULERS.iter().zip(0..) {
        let file = format!("schedule_{number}.py");
        super::write(&folder.join(&file), &python(scheduler)?)?;
        list.push(json!({
            "name": scheduler.name,
            "pair": scheduler.pair,
            "file": file,
        }));
    }
    list.extend(others);
    let list = Value::from(list).to_string();
    super::write(&folder.join("schedulers.json"), list.as_bytes())
}

fn python(scheduler: &Scheduler) -> Result<Vec<u8>, String> {
    let recipe = format!("steps_per_epoch = 15\nepochs = 20\n{}", scheduler.recipe);
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", scheduler.name);
    let mut read_table = |_: &str| Ok(momentum_table());
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
