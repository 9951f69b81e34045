//! Every kind of schedule, as the file says it.

mod common;

use common::{PAPER, parse};
use recipe_convert::{Conversion, Optimizer, RecipeFile, Target};

const HEAD: &str = "steps_per_epoch = 10\nepochs = 10\n\
    optimizer = { kind = \"sgd\", momentum = 0.9, weight_decay = 5e-4 }\n";

#[track_caller]
fn assert_rates(schedule: &str, expected: &[(u64, f64)]) {
    let file = parse(&format!("{HEAD}schedule = {{ {schedule} }}\n")).unwrap();
    for (step, rate) in expected {
        let found = file.recipe().at(*step).learning_rate;
        assert!(
            (found - rate).abs() < 1e-15,
            "{found} at step {step}, not {rate}"
        );
    }
}

#[test]
fn the_papers_recipe() {
    let file = parse(PAPER).unwrap();
    assert_eq!(
        (file.steps(), file.steps_per_epoch(), file.epochs()),
        (78_200, 391, 200)
    );
    let rates = [0, 80 * 391 - 1, 80 * 391, 120 * 391].map(|step| file.recipe().at(step));
    assert_eq!(rates.map(|at| at.momentum), [0.9; 4]);
    assert_eq!(rates.map(|at| at.weight_decay), [5e-4; 4]);
    let rates = rates.map(|at| at.learning_rate);
    assert_eq!(rates[..2], [0.1, 0.1]);
    assert!((rates[2] - 0.01).abs() < 1e-17 && (rates[3] - 0.001).abs() < 1e-18);
}

#[test]
fn every_kind() {
    assert_rates("kind = \"constant\", lr = 1", &[(0, 1.0), (99, 1.0)]);
    assert_rates(
        "kind = \"step\", lr = 0.5, factor = 0.5, epochs = [2.54, 5]",
        &[(24, 0.5), (25, 0.25), (49, 0.25), (50, 0.125)],
    );
    assert_rates(
        "kind = \"cosine\", lr = 1.0",
        &[(0, 1.0), (50, 0.5), (100, 0.0)],
    );
    assert_rates(
        "kind = \"cosine\", lr = 1.0, final_lr = 0.5, epochs = 5",
        &[(0, 1.0), (25, 0.75), (50, 0.5), (99, 0.5)],
    );
    assert_rates(
        "kind = \"warmup-cosine\", lr = 1.0, warmup_epochs = 2, initial_lr = 0.5, final_lr = 0.5",
        &[(0, 0.5), (10, 0.75), (20, 1.0), (60, 0.75), (100, 0.5)],
    );
    assert_rates(
        "kind = \"wsd\", lr = 1.0, warmup_epochs = 2, decay_epochs = 4, final_lr = 0.5",
        &[
            (0, 0.0),
            (10, 0.5),
            (20, 1.0),
            (60, 1.0),
            (80, 0.75),
            (100, 0.5),
        ],
    );
    assert_rates(
        "kind = \"one-cycle\", lr = 1.0, initial_lr = 0.5, final_lr = 0.0, warmup_epochs = 4",
        &[(0, 0.5), (20, 0.75), (40, 1.0), (70, 0.5), (100, 0.0)],
    );
    assert_rates(
        "kind = \"polynomial\", lr = 1.0, power = 2, epochs = 4",
        &[(0, 1.0), (20, 0.25), (40, 0.0)],
    );
    assert_rates(
        "kind = \"exponential\", lr = 1.0, growth = 2.0, per = \"epoch\"",
        &[(0, 1.0), (5, 2f64.sqrt()), (10, 2.0), (30, 8.0)],
    );
    assert_rates(
        "kind = \"exponential\", lr = 1.0, growth = 0.5, per = \"step\"",
        &[(0, 1.0), (1, 0.5), (2, 0.25)],
    );
    assert_rates(
        "kind = \"csv\", file = \"table.csv\"",
        &[(0, 0.1), (1, 0.05), (99, 0.025)],
    );
}

#[test]
fn decay_and_momentum_may_change_too() {
    let text = "steps_per_epoch = 10\nepochs = 10\n\
        [optimizer]\nkind = \"sgd\"\n\
        momentum = { kind = \"csv\", file = \"table.csv\" }\n\
        [optimizer.weight_decay]\nkind = \"cosine\"\nvalue = 1e-3\nfinal_value = 5e-4\n\
        [schedule]\nkind = \"constant\"\nlr = 0.1\n";
    let file = parse(text).unwrap();
    let at = |step| file.recipe().at(step);
    assert_eq!(
        [0, 1, 2, 99].map(|step| at(step).momentum),
        [0.9, 0.8, 0.7, 0.7]
    );
    assert_eq!([0, 100].map(|step| at(step).weight_decay), [1e-3, 5e-4]);
}

/// The recipe of this name that comes with the workspace.
fn example(name: &str) -> RecipeFile {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../recipes/");
    parse(&std::fs::read_to_string(format!("{folder}{name}.toml")).unwrap()).unwrap()
}

/// Known answer, the warm-up and the decay being straight lines: ln A = Σ ln(1 − ηλ) ≈ −λ Σ η, and Σ η is
/// 3e-3 · (1000/2 + 15000 + 4000/2) steps.
#[test]
fn the_example_of_adamw() {
    let file = example("adamw");
    assert_eq!((file.steps(), file.optimizer()), (20_000, Optimizer::AdamW));
    let twin = Conversion::new(&file, Target::WdFree).unwrap();
    let ln_scale = twin.summary().ln_scale_last;
    assert!(
        (ln_scale + 0.1 * 3e-3 * 17_500.0).abs() < 2e-3,
        "{ln_scale}"
    );
    assert_eq!(twin.summary().warnings, []);
}
