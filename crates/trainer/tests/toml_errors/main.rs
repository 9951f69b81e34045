//! Every kind of bad TOML gives one clear sentence with file, position and remedy.

mod form;
mod networks;
mod recipes;
mod values;

use trainer::experiment::{Experiment, ExperimentError};

const TINY: &str = include_str!("../data/tiny.toml");

fn parse(text: &str) -> Result<Experiment, ExperimentError> {
    Experiment::parse(text, "e.toml", None)
}

/// The message for `tiny.toml` with `old` replaced by `new`.
fn message(old: &str, new: &str) -> String {
    assert!(TINY.contains(old), "`{old}` is not in tiny.toml");
    let message = parse(&TINY.replacen(old, new, 1)).unwrap_err().to_string();
    assert!(!message.contains('\n'), "not one line: {message}");
    message
}

#[track_caller]
fn check(old: &str, new: &str, expected: &str) {
    assert_eq!(message(old, new), format!("e.toml, {expected}"));
}

/// The schedule of `tiny.toml`.
const STEP: &str = "kind = \"step\"\nlr = 0.1\nfactor = 0.1\nepochs = [1]\n";

const REMEDY: &str = "; correct it, `experiments/figure-2.toml` in the repository shows every key";
