//! Every kind of bad recipe gives one sentence with file, position, key, and what is allowed.

mod common;

use std::io;

use common::{PAPER, parse};
use recipe_file::{Problem, RecipeFile};

#[track_caller]
fn check(old: &str, new: &str, expected: &str) {
    assert!(PAPER.contains(old), "`{old}` is not in the recipe");
    let message = parse(&PAPER.replacen(old, new, 1)).unwrap_err().to_string();
    assert_eq!(message, format!("r.toml{expected}"));
}

/// The same with another schedule.
#[track_caller]
fn check_schedule(lines: &str, expected: &str) {
    let old = "kind = \"step\"\nlr = 0.1\nfactor = 0.1\nepochs = [80, 120]\n";
    check(old, lines, expected);
}

#[test]
fn text_that_is_not_toml() {
    check(
        "lr = 0.1",
        "lr = = 0.1",
        ", line 9, column 6: this is not TOML: extra `=`, expected nothing",
    );
    check(
        "lr = 0.1",
        "lr = 0.1\nlr = 0.2",
        ", line 10, column 1: this is not TOML: duplicate key",
    );
}

#[test]
fn unknown_keys() {
    check(
        "epochs = 200",
        "epochs = 200\nbatch = 128",
        ", line 3, column 1: there is no key `batch`; the keys here are `steps_per_epoch`, `epochs`, \
         `optimizer`, \
         `schedule`, `group` and `target`",
    );
    check(
        "momentum = 0.9",
        "momentum = 0.9\nnesterov = true",
        ", line 6, column 1: there is no key `optimizer.nesterov`; the keys here are `kind`, `momentum` and \
         `weight_decay`",
    );
    check(
        "factor = 0.1",
        "faktor = 0.1",
        ", line 10, column 1: there is no key `schedule.faktor`; the keys here are `kind`, `lr`, `factor` and \
         `epochs`",
    );
    check(
        "weight_decay = 5e-4",
        "weight_decay = { kind = \"constant\", lr = 1.0 }",
        ", line 6, column 37: there is no key `optimizer.weight_decay.lr`; the keys here are `kind` and `value`",
    );
}

#[test]
fn missing_keys() {
    check(
        "steps_per_epoch = 391\n",
        "",
        ": the key `steps_per_epoch` is missing; it must be a whole number from 1 to 1000000000",
    );
    check(
        "factor = 0.1\n",
        "",
        ", line 7, column 1: the key `schedule.factor` is missing; it must be a number above 0, such as 0.1",
    );
    check(
        "weight_decay = 5e-4\n",
        "",
        ", line 3, column 1: the key `optimizer.weight_decay` is missing; it must be a number of at least 0, or \
         a table with a kind of schedule",
    );
    check(
        "kind = \"sgd\"\n",
        "",
        ", line 3, column 1: the key `optimizer.kind` is missing; it must be one of \"sgd\", \
         \"sgdw\", \"adamw\"",
    );
    let message = parse("steps_per_epoch = 1\nepochs = 1\n")
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "r.toml: the key `optimizer` is missing; it must be a table with kind, momentum and weight_decay"
    );
}

#[test]
fn values() {
    check(
        "epochs = 200",
        "epochs = 200.5",
        ", line 2, column 10: `epochs` is 200.5; it must be a whole number from 1 to 2557544",
    );
    check(
        "steps_per_epoch = 391",
        "steps_per_epoch = 0",
        ", line 1, column 19: `steps_per_epoch` is 0; it must be a whole number from 1 to 1000000000",
    );
    check(
        "epochs = 200",
        "epochs = 99999999999999999999",
        ", line 2, column 10: `epochs` is 99999999999999999999; it must be a whole number from 1 to 2557544",
    );
    check(
        "kind = \"sgd\"",
        "kind = \"lion\"",
        ", line 4, column 8: `optimizer.kind` is \"lion\"; it must be one of \"sgd\", \"sgdw\", \
         \"adamw\"",
    );
    check(
        "kind = \"step\"",
        "kind = \"stairs\"",
        ", line 8, column 8: `schedule.kind` is \"stairs\"; it must be one of \"constant\", \"step\", \"cosine\", \
         \"warmup-cosine\", \"wsd\", \"one-cycle\", \"polynomial\", \"exponential\", \"csv\", \
         \"joined\"",
    );
    check(
        "momentum = 0.9",
        "momentum = [0.9]",
        ", line 5, column 12: `optimizer.momentum` is a list of 1; it must be a number of at least 0 and below 1, or a \
         table with a kind of schedule",
    );
    check(
        "lr = 0.1",
        "lr = true",
        ", line 9, column 6: `schedule.lr` is true; it must be a number",
    );
    check(
        "lr = 0.1",
        "lr = nan",
        ", line 9, column 6: `schedule.lr` is nan; it must be a number",
    );
    check(
        "factor = 0.1",
        "factor = -1",
        ", line 10, column 10: `schedule.factor` is -1; it must be a number above 0, such as 0.1",
    );
}

#[test]
fn times() {
    check(
        "[80, 120]",
        "[80, 70]",
        ", line 11, column 15: `schedule.epochs.1` is 70; it must be a time in epochs after 80 and before the end \
         at 200",
    );
    check(
        "[80, 120]",
        "80",
        ", line 11, column 10: `schedule.epochs` is 80; it must be a list of times in epochs, increasing between \
         0 and 200",
    );
    check(
        "[80, 120]",
        "[80, 80.000001]",
        ", line 7, column 1: `schedule`: step decay: the change number 2 is at step 31280, not after step 31280; \
         give the steps of change in strictly increasing order, the first above 0; times are in epochs and \
         rounded to steps, of which an epoch has 391",
    );
    check_schedule(
        "kind = \"cosine\"\nlr = 0.1\nepochs = 201\n",
        ", line 10, column 10: `schedule.epochs` is 201; it must be a time in epochs above 0 and at most the \
         200 that are left",
    );
    check_schedule(
        "kind = \"wsd\"\nlr = 0.1\nwarmup_epochs = 5\ndecay_epochs = 195\n",
        ", line 11, column 16: `schedule.decay_epochs` is 195; it must be a time in epochs above 0 and below the \
         195 that are left",
    );
    check_schedule(
        "kind = \"warmup-cosine\"\nlr = 0.1\nwarmup_epochs = 0.001\n",
        ", line 7, column 1: `schedule`: a linear schedule over 0 steps has no shape; give at least 1 step, or \
         use a constant schedule; times are in epochs and rounded to steps, of which an epoch has 391",
    );
}

#[test]
fn keys_of_other_kinds() {
    check_schedule(
        "kind = \"one-cycle\"\nlr = 0.1\nwarmup_epochs = 60\n",
        ", line 7, column 1: the key `schedule.initial_lr` is missing; it must be a number",
    );
    check_schedule(
        "kind = \"polynomial\"\nlr = 0.1\npower = 0\n",
        ", line 10, column 9: `schedule.power` is 0; it must be a number above 0",
    );
    check_schedule(
        "kind = \"exponential\"\nlr = 0.1\ngrowth = 0\nper = \"epoch\"\n",
        ", line 10, column 10: `schedule.growth` is 0; it must be a number above 0, such as 1.481",
    );
    check_schedule(
        "kind = \"exponential\"\nlr = 0.1\ngrowth = 1.5\nper = \"hour\"\n",
        ", line 11, column 7: `schedule.per` is \"hour\"; it must be one of \"epoch\", \"step\"",
    );
    check_schedule(
        "kind = \"exponential\"\nlr = 0.1\ngrowth = 1.5\nper = \"step\"\n",
        ", line 7, column 1: `schedule`: the exponential 0.1 × 1.5^(78200/1) is not a finite float64; lower the \
         growth or the number of steps; times are in epochs and rounded to steps, of which an epoch has 391",
    );
    check_schedule(
        "kind = \"csv\"\nfile = 3\n",
        ", line 9, column 8: `schedule.file` is 3; it must be the path of a CSV file",
    );
}

#[test]
fn hyperparameters_out_of_range() {
    check(
        "momentum = 0.9",
        "momentum = 1.0",
        ", line 5, column 12: the momentum is 1.0 at step 0; it must be at least 0 and below 1, or the momentum \
         buffer does not forget",
    );
    check(
        "weight_decay = 5e-4",
        "weight_decay = -5e-4",
        ", line 6, column 16: the weight decay is -0.0005 at step 0; it must be finite and not negative",
    );
    check(
        "lr = 0.1",
        "lr = -0.1",
        ", line 7, column 1: the learning rate is -0.1 at step 0; it must be finite and not negative",
    );
}

#[test]
fn tables() {
    let lines = "kind = \"csv\"\nfile = \"t.csv\"\n";
    check_schedule(
        lines,
        ", line 9, column 8: `schedule.file`: t.csv cannot be read (no such file); check the path and its \
         permissions",
    );
    let text = PAPER.replace(
        "kind = \"step\"\nlr = 0.1\nfactor = 0.1\nepochs = [80, 120]\n",
        lines,
    );
    for (table, expected) in [
        (
            "",
            "line 1: there is no column `step`; the first line must name the columns `step` and `lr`",
        ),
        (
            "step;lr\n0;0.1\n",
            "line 1: there is no column `step`; the first line must name the columns `step` and `lr`",
        ),
        (
            "\nstep,rate\n0,0.1\n",
            "line 2: there is no column `lr`; the first line must name the columns `step` and `lr`",
        ),
        (
            "step,lr\n",
            "line 1: there are no values; give one a line, from step 0 on",
        ),
        (
            "step,lr\n0,0.1\n1\n",
            "line 3: `lr` is ``; it must be a finite number",
        ),
        (
            "step,lr\n0,inf\n",
            "line 2: `lr` is `inf`; it must be a finite number",
        ),
        (
            "step,lr\n0.0,1\n",
            "line 2: `step` is `0.0`; it must be a whole number of at least 0",
        ),
        (
            "step,lr\n0,1\n\n2,1\n",
            "line 4: `step` is 2; steps must be 0, 1, 2, … without a gap, so it must be 1",
        ),
    ] {
        let error = RecipeFile::parse(&text, "r.toml", &mut |_| Ok(table.to_owned())).unwrap_err();
        let head = "r.toml, line 9, column 8: `schedule.file`: t.csv, ";
        assert_eq!(error.to_string(), format!("{head}{expected}"));
    }
    // A byte order mark, Windows' line ends, spaces, other columns.
    let table = "\u{feff}name, step, lr\r\na, 0, 0.5\r\nb, 1, 0.25\r\n\r\n";
    let file = RecipeFile::parse(&text, "r.toml", &mut |_| Ok(table.to_owned())).unwrap();
    assert_eq!(
        [0, 1, 2].map(|step| file.recipe().at(step).learning_rate),
        [0.5, 0.25, 0.25]
    );
}

#[test]
fn parts() {
    for (parts, expected) in [
        (
            "[1]",
            "9: `schedule.parts` is a list of 1; it must be a list of 2 numbers and tables with a kind of schedule, \
             one more than there are `epochs`",
        ),
        (
            "[1, true]",
            "13: `schedule.parts.1` is true; it must be a number, or a table with a kind of schedule",
        ),
        (
            "[1, {}]",
            "13: the key `schedule.parts.1.kind` is missing; it must be one of",
        ),
        (
            "[1, { kind = \"constant\", lr = 1, value = 1 }]",
            "42: there is no key `schedule.parts.1.value`",
        ),
        (
            "[1, { kind = \"cosine\", lr = 1, epochs = 121 }]",
            "49: `schedule.parts.1.epochs` is 121; it must be a \
             time in epochs above 0 and at most the 120 that are left",
        ),
        (
            "[{ kind = \"step\", lr = 1, factor = 1, epochs = [80] }, 1]",
            "57: `schedule.parts.0.epochs.0` is 80; it \
             must be a time in epochs after 0 and before the end at 80",
        ),
        (
            "[1, { kind = \"csv\", file = \"t.csv\" }]",
            "36: `schedule.parts.1.file`: t.csv cannot be read",
        ),
    ] {
        let lines = format!("kind = \"joined\"\nepochs = [80]\nparts = {parts}\n");
        let old = "kind = \"step\"\nlr = 0.1\nfactor = 0.1\nepochs = [80, 120]\n";
        let message = parse(&PAPER.replacen(old, &lines, 1))
            .unwrap_err()
            .to_string();
        let expected = format!("r.toml, line 10, column {expected}");
        assert!(message.starts_with(&expected), "{message}\n{expected}");
    }
}

#[test]
fn keys_of_another_optimiser() {
    check(
        "kind = \"sgd\"",
        "kind = \"adamw\"",
        ", line 5, column 1: there is no key `optimizer.momentum`; the keys here are `kind`, `weight_decay`, \
         `beta1`, `beta2` and `eps`",
    );
}

#[test]
fn causes_are_kept() {
    let text = PAPER.replace(
        "momentum = 0.9",
        "momentum = { kind = \"csv\", file = \"x\" }",
    );
    let refuse = &mut |_: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, "no"));
    let error = RecipeFile::parse(&text, "r.toml", refuse).unwrap_err();
    assert!(matches!(error.problem, Problem::UnreadableTable { .. }));
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no");
}
