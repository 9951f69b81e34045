//! Every kind of schedule, as the file says it.

mod common;

use common::{PAPER, parse};

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
        "kind = \"joined\", parts = [1, 0.5, 0.75], epochs = [2, 2.54]",
        &[(19, 1.0), (20, 0.5), (24, 0.5), (25, 0.75), (99, 0.75)],
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

/// A part counts from its own start, ends where the next one begins, and has the keys of what it is part of.
#[test]
fn parts_of_joined_schedules() {
    let line = "kind = \"polynomial\", power = 1";
    assert_rates(
        &format!(
            "kind = \"joined\", epochs = [2, 6], parts = [{{ {line}, lr = 0, final_lr = 1 }}, \
             {{ kind = \"step\", lr = 1, factor = 0.5, epochs = [1.5] }}, {{ kind = \"cosine\", lr = 0.5 }}]"
        ),
        &[(0, 0.0), (10, 0.5), (34, 1.0), (35, 0.5), (80, 0.25)],
    );
    // A curve may be longer than its part, and is cut off; parts may be joined themselves.
    assert_rates(
        &format!(
            "kind = \"joined\", epochs = [5], parts = [{{ {line}, lr = 1, epochs = 10 }}, \
             {{ kind = \"joined\", epochs = [2], parts = [0.25, {{ {line}, lr = 1 }}] }}]"
        ),
        &[(49, 0.51), (50, 0.25), (70, 1.0), (85, 0.5)],
    );
    // Rounded on their own, 0.25 and 0.75 epochs of 10 steps would be 11 steps.
    assert_rates(
        &format!(
            "kind = \"joined\", epochs = [0.25, 1], parts = [2, {{ {line}, lr = 1, final_lr = 0.3 }}, 7]"
        ),
        &[(2, 2.0), (3, 1.0), (9, 0.4), (10, 7.0)],
    );
    let text = format!("{HEAD}schedule = {{ kind = \"constant\", lr = 0.1 }}\n").replace(
        "momentum = 0.9",
        "momentum = { kind = \"joined\", epochs = [1], parts = [0.9, { kind = \"constant\", value = 0.5 }] }",
    );
    let file = parse(&text).unwrap();
    assert_eq!(
        [9, 10].map(|step| file.recipe().at(step).momentum),
        [0.9, 0.5]
    );
}
