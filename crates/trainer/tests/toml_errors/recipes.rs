//! Recipes: schedules, optimisers, and what has no equivalent.

use super::{REMEDY, STEP, TINY, check, message, parse};

#[test]
fn recipes_that_are_not_there() {
    let (start, rest) = TINY.split_once("[recipe.optimizer]").unwrap();
    let (optimizer, rest) = rest.split_once("[recipe.schedule]").unwrap();
    let (_, runs) = rest.split_once("[[run]]").unwrap();
    let message = |text: String| parse(&text).unwrap_err().to_string();
    assert_eq!(
        message(format!("{start}[recipe.optimizer]{optimizer}[[run]]{runs}")),
        "e.toml, line 19, column 2: the key `recipe.schedule` is missing; it must be a table with a kind of schedule for \
         the rate"
    );
    assert_eq!(
        message(format!("{start}[[run]]{runs}")),
        format!("e.toml, line 1, column 1: missing key `recipe`{REMEDY}")
    );
    assert_eq!(
        message(format!("recipe = 3\n{start}[[run]]{runs}")),
        format!("e.toml, line 1, column 10: invalid type: integer `3`, expected a table{REMEDY}")
    );
}

#[test]
fn milestones() {
    check(
        "epochs = [1]",
        "epochs = [2.5]",
        "line 28, column 11: `recipe.schedule.epochs.0` is 2.5; it must be a time in epochs after 0 and before the end at 2",
    );
    check(
        "epochs = [1]",
        "epochs = [1.5, 1]",
        "line 28, column 16: `recipe.schedule.epochs.1` is 1; it must be a time in epochs after 1.5 and before the end at 2",
    );
    check(
        "epochs = [1]",
        "epochs = [1, 1.01]",
        "line 24, column 1: `recipe.schedule`: step decay: the change number 2 is at step 4, not after step 4; \
         give the steps of change in strictly increasing order, the first above 0; times are in epochs and rounded to steps, of which an epoch has 4",
    );
}

#[test]
fn schedules() {
    check(
        "kind = \"step\"",
        "kind = \"stepp\"",
        "line 25, column 8: `recipe.schedule.kind` is \"stepp\"; it must be one of \"constant\", \"step\", \"cosine\", \
         \"warmup-cosine\", \"wsd\", \"one-cycle\", \"polynomial\", \"exponential\", \"csv\", \"joined\"",
    );
    check(
        "factor = 0.1\n",
        "factor = 0.1\nfinal_lr = 0\n",
        "line 28, column 1: there is no key `recipe.schedule.final_lr`; the keys here are `kind`, `lr`, `factor` and `epochs`",
    );
    check(
        STEP,
        "kind = \"joined\"\nepochs = [1]\nparts = [0.1, { kind = \"cosine\", lr = 0.1, epochs = 1.5 }]\n",
        "line 27, column 53: `recipe.schedule.parts.1.epochs` is 1.5; it must be a time in epochs above 0 and at most the \
         1 that are left",
    );
}

/// What recipes have on their own, and experiments do not train.
#[test]
fn recipes_that_are_only_converted() {
    let refused = |old: &str, new: &str, key: &str, expected: &str| {
        let message = message(old, new);
        let (head, reason) = message
            .split_once(" has no place in an experiment: ")
            .unwrap();
        assert!(head.ends_with(&format!(": `recipe.{key}`")), "{message}");
        assert!(
            head.starts_with("e.toml, line ") && reason.starts_with(expected),
            "{message}"
        );
    };
    let table = "[recipe.optimizer]";
    for (new, key, reason) in [
        (
            "[recipe]\nepochs = 2\n",
            "epochs",
            "the length of the training is",
        ),
        (
            "[recipe]\nsteps_per_epoch = 4\n",
            "steps_per_epoch",
            "it follows from `data",
        ),
        (
            "[[recipe.group]]\n",
            "group",
            "all weights are trained by one recipe",
        ),
        (
            "[recipe.target]\n",
            "target",
            "no run has a weight decay of its own",
        ),
    ] {
        refused(table, &format!("{new}{table}"), key, reason);
    }
    let csv = "kind = \"csv\"\nfile = \"a.csv\"\n";
    refused(
        STEP,
        csv,
        "schedule.file",
        "a run folder must hold all that was run",
    );
    check(
        "[recipe.optimizer]",
        "[recipe]\nzero = 0\n[recipe.optimizer]",
        "line 20, column 1: there is no key `recipe.zero`; the keys here are `optimizer` and `schedule`",
    );
}

#[test]
fn recipes_without_an_equivalent() {
    // Above (1 − √0.9)² = 2.63e-3, TEXP has complex roots; the exact law fails some steps later.
    let text = message("weight_decay = 0.01", "weight_decay = 0.03");
    assert!(
        text.starts_with(
            "e.toml, line 22, column 16: run `texp` cannot do without weight decay: the constant phase from step 0 has no closed form"
        ) && text.contains("lower the learning rate, the weight decay or the momentum"),
        "{text}"
    );
    let text = message("weight_decay = 0.01", "weight_decay = 9.0");
    assert!(
        text.starts_with(
            "e.toml, line 22, column 16: run `exact` cannot do without weight decay: step "
        ) && text.contains("is not positive at learning rate η = 0.1"),
        "{text}"
    );
    let cosine = TINY.replace(STEP, "kind = \"cosine\"\nlr = 0.1\n");
    let text = parse(&cosine).unwrap_err().to_string();
    assert!(
        text.contains(
            "run `texp` cannot do without weight decay: the learning rate follows a cosine schedule"
        ),
        "{text}"
    );
}

#[test]
fn recipes_that_leave_the_numbers_of_the_engine() {
    // The run's own recipe is to blame, not the one that others have.
    let fast = "[recipes.fast]\noptimizer = { kind = \"sgd\", momentum = 0.0, weight_decay = 0.0 }\n\
                schedule = { kind = \"constant\", lr = 1e300 }\n\
                [[run]]\nname = \"fast\"\nlabel = \"fast\"\ntransform = \"wd-free\"\nrecipe = \"fast\"\n\
                [[run]]\nname = \"step\"";
    let text = TINY
        .replace("float64", "float32")
        .replacen("[[run]]\nname = \"step\"", fast, 1);
    let text = parse(&text).unwrap_err().to_string();
    assert!(
        text.starts_with(
            "e.toml, line 30, column 1: run `fast` cannot be kept within the engine's numbers"
        ),
        "{text}"
    );
}

#[test]
fn optimisers() {
    const SGD: &str = "kind = \"sgd\"\nmomentum = 0.9\nweight_decay = 0.01\n";
    check(
        "\"sgd\"",
        "\"sgdw\"",
        "line 43, column 13: run `texp` cannot do without weight decay: transform = \"tapered\" is for recipes of \"sgd\", \
         and this one is of \"sgdw\"; choose \"wd-free\", which is exact for every optimiser, or optimizer.kind = \"sgd\"",
    );
    check(
        "[[run]]\nname = \"step\"",
        "[recipes.decoupled]\noptimizer = { kind = \"sgdw\", momentum = 0.9, weight_decay = 0.1 }\n\
         [[run]]\nname = \"sgdw\"\nlabel = \"SGDW\"\ntransform = \"original\"\nrecipe = \"decoupled\"\n\
         [[run]]\nname = \"step\"",
        "line 37, column 1: run `step` is trained by \"sgd\" and run `sgdw` by \"sgdw\", but all runs of an experiment share an \
         engine and so an optimiser; give them recipes of one optimizer.kind, or make each a variant of the experiment",
    );
    let adamw = |beta1: &str, eps: &str, decay: &str| {
        format!(
            "kind = \"adamw\"\nbeta1 = {beta1}\nbeta2 = 0.999\neps = {eps}\nweight_decay = {decay}\n"
        )
    };
    check(
        SGD,
        &adamw("1.0", "1e-8", "0.1"),
        "line 21, column 9: `recipe.optimizer.beta1` is 1 at step 0; it must be at least 0 and below 1",
    );
    check(
        SGD,
        &adamw(
            "0.9",
            "{ kind = \"cosine\", value = 1e-8, final_value = -0.25 }",
            "0.1",
        ),
        "line 23, column 7: `recipe.optimizer.eps` is -0.25 at step 18446744073709551615; it must be at least 0 and finite",
    );
    let text = message(SGD, &adamw("0.9", "1e-8", "20"));
    assert!(
        text.starts_with(
            "e.toml, line 24, column 16: run `exact` cannot do without weight decay: step 0 has no weight-decay-free equivalent"
        ),
        "{text}"
    );
}

#[test]
fn rates_that_no_scale_brings_into_float32() {
    // That ln η̃ leaves float32, and float64, is no mistake: the run is rescaled.
    let long = TINY
        .replace("epochs = 2", "epochs = 8000")
        .replace("epochs = [1]", "epochs = [7999]")
        .replace("weight_decay = 0.01", "weight_decay = 0.02");
    let float32 = |text: &str| text.replace("precision = \"float64\"\n", "");
    parse(&long).unwrap();
    parse(&float32(&long)).unwrap();

    // A rate that needs tiny weights from the first step on, whose variances then are too small.
    let large = TINY
        .replace("lr = 0.1", "lr = 1e90")
        .replace("weight_decay = 0.01", "weight_decay = 1e-93");
    parse(&large).unwrap();
    assert_eq!(
        parse(&float32(&large)).unwrap_err().to_string(),
        "e.toml, line 18, column 2: run `exact` cannot be kept within the engine's numbers: at step 0 no scale keeps \
         everything among the normal numbers of float32: for the learning rate the parameters must be rescaled by 2^-86 \
         or less, for the squared norm of the parameters by 2^-55 or more; use a format with a wider range, or lower \
         the learning rate"
    );
}
