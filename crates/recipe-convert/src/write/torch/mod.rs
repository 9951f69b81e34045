//! A scheduler for PyTorch.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schedule_core::Schedule;
use schedule_core::schedule::{Phase, Tabulated};

use super::Columns;
use crate::{Conversion, Optimizer, Target};

/// What several laws are made of.
const DIGITS: &str = include_str!("law/digits.py");
const COUPLED: &str = include_str!("law/coupled.py");

/// Bytes of a table in one line of Python.
const BYTES_A_LINE: usize = 72;

/// Writes a Python file that needs nothing but Python: the recipe, the law's recurrence, a
/// scheduler that sets rate, weight decay and momentum of every parameter group, and a helper for
/// running statistics. Run as a program it prints the table of
/// [`write_table`](crate::write_table) as CSV.
///
/// # Errors
/// Those of `out`.
///
/// ```
/// use recipe_convert::{Conversion, RecipeFile, Target, write_torch};
///
/// let text = r#"
/// steps_per_epoch = 391
/// epochs = 200
/// optimizer = { kind = "sgd", momentum = 0.9, weight_decay = 5e-4 }
/// schedule = { kind = "cosine", lr = 0.1 }
/// "#;
/// let file = RecipeFile::parse(text, "recipe.toml", &mut |_| Ok(String::new()))?;
/// let mut python = Vec::new();
/// write_torch(&Conversion::new(&file, Target::WdFree)?, &mut python)?;
/// assert!(String::from_utf8(python)?.contains("LR = [(0, cosine(0.1, 0.0, 78200))]"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_torch(conversion: &Conversion<'_>, out: &mut dyn Write) -> io::Result<()> {
    let parts = Parts::of(conversion);
    writeln!(
        out,
        "\"\"\"{}: {}.\n\nMade by recipe-convert {}.\n",
        parts.title,
        conversion.target(),
        env!("CARGO_PKG_VERSION")
    )?;
    write!(out, "{}{}", parts.about, include_str!("schedules.py"))?;
    constants(conversion, out)?;
    write!(
        out,
        "{}{}{}",
        include_str!("scale.py"),
        parts.law.concat(),
        parts.rows
    )?;
    write!(
        out,
        "# ---- For PyTorch ----\n\n\n{}{}",
        parts.optimizer, parts.set
    )?;
    let [scheduler, end] = [include_str!("scheduler.py"), include_str!("end.py")];
    write!(out, "{scheduler}{end}")
}

/// The pieces of a file that depend on the conversion.
struct Parts {
    title: &'static str,
    about: &'static str,
    law: &'static [&'static str],
    rows: &'static str,
    /// An optimiser that PyTorch does not have.
    optimizer: &'static str,
    /// What the scheduler asks of a parameter group, and sets in it.
    set: &'static str,
}

impl Parts {
    fn of(conversion: &Conversion<'_>) -> Self {
        let wd_free = Self {
            title: "SGD without weight decay at an exponential learning rate",
            about: include_str!("about/sgd.txt"),
            law: &[DIGITS, COUPLED, include_str!("law/wd_free.py")],
            rows: include_str!("rows_sgd.py"),
            optimizer: "",
            set: include_str!("set_sgd.py"),
        };
        if !conversion.file().groups().is_empty() {
            return Self {
                title: "SGD with parameter groups at an exponential learning rate",
                about: include_str!("about/groups.txt"),
                law: &[DIGITS, COUPLED, include_str!("law/groups.py")],
                rows: "",
                set: include_str!("set_groups.py"),
                ..wd_free
            };
        }
        match conversion.target() {
            Target::WdFree => match conversion.file().optimizer() {
                Optimizer::Sgd => wd_free,
                Optimizer::Sgdw => Self {
                    about: include_str!("about/sgdw.txt"),
                    law: &[include_str!("law/sgdw.py")],
                    ..wd_free
                },
                Optimizer::AdamW => Self {
                    title: "Adam without weight decay at an exponential learning rate",
                    about: include_str!("about/adamw.txt"),
                    law: &[include_str!("law/adamw.py")],
                    rows: include_str!("rows_adamw.py"),
                    set: include_str!("set_adamw.py"),
                    ..wd_free
                },
            },
            Target::Tapered => Self {
                about: include_str!("about/sgd_tapered.txt"),
                law: &[include_str!("law/tapered.py"), include_str!("law/root.py")],
                ..wd_free
            },
            Target::TaperedNoDrop => Self {
                about: include_str!("about/sgd_no_drop.txt"),
                law: &[
                    include_str!("law/tapered_no_drop.py"),
                    include_str!("law/root.py"),
                ],
                ..wd_free
            },
            Target::WeightDecay => Self {
                title: "SGD with another weight decay, at the learning rate that makes up for it",
                law: &[DIGITS, COUPLED, include_str!("law/weight_decay.py")],
                ..wd_free
            },
            Target::SgdLrInside => Self {
                about: include_str!("about/sgd_lr_inside.txt"),
                law: &[DIGITS, include_str!("law/sgd_lr_inside.py")],
                optimizer: include_str!("sgd_lr_inside.py"),
                ..wd_free
            },
        }
    }
}

/// The recipe, as constants of the module.
fn constants(conversion: &Conversion<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (file, recipe) = (conversion.file(), conversion.file().recipe());
    writeln!(out, "\n\nSTEPS = {}", file.steps())?;
    let moments = file.moments();
    let target = file
        .target_weight_decay()
        .filter(|_| conversion.target().keeps_weight_decay());
    let schedules = [
        ("LR", Some(recipe.learning_rate())),
        ("WEIGHT_DECAY", Some(recipe.weight_decay())),
        ("MOMENTUM", Some(recipe.momentum())),
        ("TARGET_WEIGHT_DECAY", target),
        ("BETA1", moments.map(|moments| &moments.beta1)),
        ("BETA2", moments.map(|moments| &moments.beta2)),
        ("EPS", moments.map(|moments| &moments.epsilon)),
    ];
    for (name, schedule) in schedules {
        if let Some(schedule) = schedule {
            writeln!(out, "{name} = {}", parts(schedule))?;
        }
    }
    if moments.is_none() {
        least_momentum(recipe.momentum(), out)?;
    }
    if !file.groups().is_empty() {
        writeln!(
            out,
            "# Name, weight decay, factor of the rate, exponent.\nGROUPS = ["
        )?;
        for group in file.groups() {
            let (name, decay) = (&group.name, parts(group.recipe.weight_decay()));
            let (lr_scale, exponent) = (group.lr_scale, group.exponent);
            writeln!(out, "    ({name:?}, {decay}, {lr_scale:?}, {exponent:?}),")?;
        }
        writeln!(out, "]")?;
    }
    let columns = Columns::of(conversion).header();
    writeln!(out, "\nCOLUMNS = {columns:?}.split(\",\")")
}

/// What the scheduler sets at least.
///
/// At a momentum of 0 PyTorch leaves its buffer as it was, where the recipe's is the gradient: the next step
/// with momentum would then not be the recipe's. Without any momentum there is no such step, nor a buffer.
fn least_momentum(momentum: &Schedule, out: &mut dyn Write) -> io::Result<()> {
    let none = |phases: Vec<Phase>| phases.iter().all(|phase| phase.value == 0.0);
    if momentum.phases().is_some_and(none) {
        return writeln!(out, "LEAST_MOMENTUM = 0.0");
    }
    writeln!(
        out,
        "# At 0 PyTorch would leave its buffer as it was; at this it is the gradient, as in the recipe.\n\
         LEAST_MOMENTUM = 5e-324"
    )
}

/// A schedule as a list of `(start, function)`.
fn parts(schedule: &Schedule) -> String {
    let Schedule::Joined(joined) = schedule else {
        return format!("[(0, {})]", function(schedule));
    };
    let parts: Vec<String> = joined
        .parts()
        .map(|(part, start)| format!("    ({start}, {}),\n", function(part)))
        .collect();
    format!("[\n{}]", parts.concat())
}

/// The call that makes the function of a schedule.
fn function(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Cosine(cosine) => {
            let (initial, r#final) = (cosine.initial(), cosine.r#final());
            format!("cosine({initial:?}, {final:?}, {})", cosine.steps())
        }
        Schedule::Linear(linear) => {
            let (from, to) = (linear.from(), linear.to());
            format!("linear({from:?}, {to:?}, {})", linear.steps())
        }
        Schedule::Polynomial(polynomial) => {
            let (initial, r#final) = (polynomial.initial(), polynomial.r#final());
            let (power, steps) = (polynomial.power(), polynomial.steps());
            format!("polynomial({initial:?}, {final:?}, {power:?}, {steps})")
        }
        Schedule::Exponential(exponential) => {
            let (initial, growth) = (exponential.initial(), exponential.growth());
            let (period, steps) = (exponential.period(), exponential.steps());
            format!("exponential({initial:?}, {growth:?}, {period}, {steps})")
        }
        Schedule::Tabulated(tabulated) => table(tabulated, &phases(schedule)),
        // Made of constant pieces, all the others.
        _ => pieces(&phases(schedule)),
    }
}

fn phases(schedule: &Schedule) -> Vec<Phase> {
    schedule.phases().unwrap_or_default()
}

fn pieces(phases: &[Phase]) -> String {
    let starts: Vec<u64> = phases.iter().map(|phase| phase.start).collect();
    let values: Vec<f64> = phases.iter().map(|phase| phase.value).collect();
    format!("pieces({starts:?}, {values:?})")
}

/// The bits of all values, or the pieces where they say it in less.
fn table(table: &Tabulated, phases: &[Phase]) -> String {
    let values = table.values();
    if phases.len() <= values.len() / 4 || phases.len() == 1 {
        return pieces(phases);
    }
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let lines: Vec<String> = bytes
        .chunks(BYTES_A_LINE)
        .map(|line| format!("    \"{}\"\n", STANDARD.encode(line)))
        .collect();
    format!("table(\n{})", lines.concat())
}
