//! Experiments of several recipes, starts and transforms, as the paper's figures are.

mod common;

use std::path::Path;

use claims::Predicate;
use datasets::synthetic;
use nn_graph::nets::Normaliser;
use run_records::{Run, RunFolder};
use trainer::experiment::{Experiment, Start, Transform};
use trainer::plan::RunSchedule;
use trainer::run::{Event, Place, SavedRun, run_experiment};

const TINY: &str = include_str!("data/tiny.toml");

/// [`TINY`] without its runs, with these instead, and with what comes after them.
fn with_runs(runs: &[&str], rest: &str) -> String {
    let (head, _) = TINY.split_once("[[run]]").unwrap();
    let run = |run: &&str| format!("[[run]]\nlabel = \"l\"\n{run}\n");
    let runs: String = runs.iter().map(run).collect();
    format!("{head}{runs}{rest}")
}

fn parse(text: &str) -> Experiment {
    Experiment::parse(text, "e.toml", None).unwrap()
}

fn train(experiment: &Experiment, runs: &Path) -> RunFolder {
    let data = synthetic::Spec {
        seed: 0,
        train: 16,
        test: 8,
    };
    let options = common::options(2);
    let place = Place {
        runs: runs.to_owned(),
        preset: None,
    };
    let observer = &mut |_: &Event<'_>| {};
    let dataset = data.generate().unwrap();
    let finished = run_experiment(experiment, dataset, &place, &options, observer).unwrap();
    RunFolder::read(&finished.folder).unwrap()
}

fn ln_rates(run: &Run) -> Vec<f64> {
    run.steps.iter().map(|step| step.ln_rate).collect()
}

const RECIPES: &str = "\
    [recipes.constant]\nschedule = { kind = \"constant\", lr = 0.1 }\n\
    [recipes.weaker.optimizer]\nweight_decay = 0.001\n";

#[test]
fn a_recipe_says_what_it_changes() {
    let runs = ["name = \"a\"\ntransform = \"original\"\nrecipe = \"weaker\""];
    let experiment = parse(&with_runs(&runs, RECIPES));
    let weaker = experiment.recipe(Some("weaker")).unwrap().recipe;
    let base = experiment.recipe(None).unwrap().recipe;
    assert_eq!(weaker.learning_rate(), base.learning_rate());
    assert_eq!(
        (weaker.at(0).weight_decay, base.at(0).weight_decay),
        (0.001, 0.01)
    );
    assert_eq!(
        experiment
            .recipe(Some("constant"))
            .unwrap()
            .recipe
            .at(7)
            .learning_rate,
        0.1
    );
    // As written into a run folder, and read back.
    let again = parse(&experiment.to_toml().unwrap());
    assert_eq!(again, experiment);
    // A preset changes what is written, before it is completed.
    let preset = "[presets.small]\nrecipe.optimizer.momentum = 0.5\nrecipes.weaker.optimizer.weight_decay = 0.002\n";
    let text = with_runs(&runs, &format!("{RECIPES}{preset}"));
    let small = Experiment::parse(&text, "e.toml", Some("small")).unwrap();
    let weaker = small.recipe(Some("weaker")).unwrap().recipe;
    assert_eq!(
        (weaker.at(0).weight_decay, weaker.at(0).momentum),
        (0.002, 0.5)
    );
}

#[test]
fn a_preset_changes_a_claim_by_its_id() {
    let claims = "\
        [[claim]]\nid = \"one\"\nsays = \"s\"\nsource = \"p\"\n\
        predicate = { kind = \"greater\", a = \"a/loss\", b = \"a/test-loss\", over = { last = 1 } }\n\
        [[presets.small.claim]]\nid = \"one\"\npredicate.over = { last = 3 }\n\
        [[presets.small.claim]]\nid = \"two\"\nsays = \"s\"\nsource = \"p\"\n\
        predicate = { kind = \"greater\", a = \"a/loss\", b = \"a/test-loss\", over = { last = 2 } }\n";
    let text = with_runs(&["name = \"a\"\ntransform = \"original\""], claims);
    let last = |preset| {
        let experiment = Experiment::parse(&text, "e.toml", preset).unwrap();
        let claims = experiment.claim.iter().map(|claim| match &claim.predicate {
            Predicate::Greater(greater) => format!("{} {:?}", claim.id, greater.over),
            other => panic!("{other:?}"),
        });
        claims.collect::<Vec<_>>()
    };
    assert_eq!(last(None), ["one Last(1)"]);
    assert_eq!(last(Some("small")), ["one Last(3)", "two Last(2)"]);
}

#[test]
fn normalisers_are_named() {
    let with = |line: &str| {
        let text = TINY.replace("depth = 8\n", &format!("depth = 8\n{line}\n"));
        parse(&text).network.normaliser
    };
    assert_eq!(with(""), Normaliser::Batch);
    assert_eq!(with("normaliser = \"layer\""), Normaliser::Layer);
    assert_eq!(with("normaliser = \"instance\""), Normaliser::Instance);
    assert_eq!(
        with("normaliser = { group = 2 }"),
        Normaliser::Group { groups: 2 }
    );
}

#[test]
fn each_run_is_compared_with_the_original_of_its_recipe() {
    let experiment = parse(&with_runs(
        &[
            "name = \"texp\"\ntransform = \"tapered\"",
            "name = \"constant\"\ntransform = \"original\"\nrecipe = \"constant\"",
            "name = \"control\"\ntransform = \"original\"\nstart = \"one-ulp-away\"",
            "name = \"step\"\ntransform = \"original\"",
            "name = \"exact\"\ntransform = \"wd-free\"\nrecipe = \"constant\"",
            "name = \"weaker\"\ntransform = \"wd-free\"\nrecipe = \"weaker\"",
        ],
        RECIPES,
    ));
    let twins: Vec<_> = (0..6).map(|run| experiment.twin(run)).collect();
    assert_eq!(twins, [Some(3), None, Some(3), None, Some(1), None]);
    assert_eq!(experiment.run[2].start, Start::OneUlpAway);
}

#[test]
fn rates_are_those_of_the_papers_schedules() {
    let experiment = parse(&with_runs(
        &[
            "name = \"texp\"\ntransform = \"tapered\"",
            "name = \"texp--\"\ntransform = \"tapered-no-drop\"",
            "name = \"drops\"\ntransform = \"constant-exponent\"",
            "name = \"smooth\"\ntransform = \"tapered\"\nrecipe = \"constant\"",
        ],
        RECIPES,
    ));
    let runs = tempfile::tempdir().unwrap();
    let folder = train(&experiment, runs.path());
    let [texp, no_drop, drops, smooth] = [0, 1, 2, 3].map(|run| ln_rates(&folder.runs[run]));
    let growth = smooth[1] - smooth[0];
    for step in 0..8 {
        // Figure 4: the same exponential throughout, once with the drop by 10 at step 4.
        let drop = if step < 4 { 0.0 } else { 10f64.ln() };
        assert!((smooth[step] - drops[step] - drop).abs() < 1e-12);
        assert!((smooth[step] - smooth[0] - step as f64 * growth).abs() < 1e-12);
        // Figure 3: the same exponents, with and without the drop.
        assert!((no_drop[step] - texp[step] - drop).abs() < 1e-12);
    }
    assert!((texp[7] - texp[6]) < 0.2 * growth && growth > 0.0);
}

#[test]
fn statistics_are_corrected_where_the_scale_is_known() {
    let experiment = parse(&with_runs(
        &["name = \"o\"\ntransform = \"original\""],
        RECIPES,
    ));
    let recipe = experiment.recipe(None).unwrap();
    for (transform, known) in [
        (Transform::WdFree, true),
        (Transform::Tapered, true),
        (Transform::ConstantExponent, false),
    ] {
        let mut schedule = RunSchedule::new(&recipe, transform).unwrap();
        let ratios = (0..8).map(|_| schedule.next_step().unwrap().hyper(0).scale_ratio);
        let ratios: Vec<f64> = ratios.collect();
        assert!(
            ratios[1..].iter().all(|&ratio| (ratio < 1.0) == known),
            "{transform:?}: {ratios:?}"
        );
    }
}

#[test]
fn controls_start_elsewhere_and_the_law_holds_at_any_time() {
    let text = with_runs(
        &[
            "name = \"step\"\ntransform = \"original\"",
            "name = \"exact\"\ntransform = \"wd-free\"",
            "name = \"ulp\"\ntransform = \"original\"\nstart = \"one-ulp-away\"",
            "name = \"seed\"\ntransform = \"original\"\nstart = \"other-seed\"",
        ],
        "",
    );
    let text = text
        .replace("norms_every = 3", "norms_every = 1\nlaw_every = 1")
        .replace("epochs = 2", "epochs = 4")
        .replace("width = 2", "width = 2\nepsilon = 0.0");
    let experiment = parse(&text);
    let runs = tempfile::tempdir().unwrap();
    let folder = train(&experiment, runs.path());
    let [_, exact, ulp, seed] = &folder.runs[..] else {
        panic!("four runs")
    };
    assert!((1e-18..1e-15).contains(&ulp.norms[0].median_gap));
    let apart = |step: usize| (ulp.steps[step].loss - folder.runs[0].steps[step].loss).abs();
    let apart: Vec<f64> = (0..16).map(apart).collect();
    assert!(apart.iter().any(|&apart| apart > 0.0), "{apart:?}");
    assert!(apart.iter().all(|&apart| apart < 1e-9), "{apart:?}");
    assert!(seed.norms[0].median_gap > 1.0);
    // After each epoch but the last, in float64 with ε = 0.
    let steps: Vec<_> = exact.laws.iter().map(|law| law.step).collect();
    assert_eq!(steps, [4, 8, 12]);
    for law in &exact.laws {
        let largest = law
            .parameters
            .max(law.buffers)
            .max(law.statistics)
            .max(law.loss);
        assert!(largest < 1e-12, "{law:?}");
        assert!(largest > 0.0, "{law:?}");
    }
    assert!(
        folder
            .runs
            .iter()
            .all(|run| run.laws.is_empty() || run.record.name == "exact")
    );

    // Nothing of the check is left behind.
    let without = parse(&text.replace("law_every = 1", ""));
    let other = train(&without, runs.path());
    for (with, without) in folder.runs.iter().zip(&other.runs) {
        assert_eq!(ln_rates(with), ln_rates(without));
        let losses = |run: &Run| run.steps.iter().map(|step| step.loss).collect::<Vec<_>>();
        assert_eq!(losses(with), losses(without));
    }

    // In float32 as exactly as its rounding allows.
    let single = parse(&text.replace("float64", "float32"));
    for law in &train(&single, runs.path()).runs[1].laws {
        let largest = law
            .parameters
            .max(law.buffers)
            .max(law.statistics)
            .max(law.loss);
        assert!((1e-9..1e-5).contains(&largest), "{law:?}");
    }
}

#[test]
fn the_wrong_way_decays_nothing_and_lets_every_rate_grow() {
    let head = "head = \"trained\"\naffine = \"scale-and-shift\"";
    let text = with_runs(
        &[
            "name = \"step\"\ntransform = \"original\"",
            "name = \"right\"\ntransform = \"wd-free\"",
            "name = \"wrong\"\ntransform = \"wd-free-everywhere\"",
        ],
        "",
    )
    .replace("\"preresnet\"", "\"resnet\"")
    .replace("weight_decay = 0.01", "weight_decay = 0.1")
    .replace("momentum = 0.9", "momentum = 0.0")
    .replace("norms_every = 3", "norms_every = 1")
    .replace("width = 2", &format!("width = 2\n{head}\nepsilon = 0.0"));
    let runs = tempfile::tempdir().unwrap();
    let folder = train(&parse(&text), runs.path());
    let losses = |run: usize| {
        folder.runs[run]
            .steps
            .iter()
            .map(|step| step.loss)
            .collect::<Vec<_>>()
    };
    let gap = |run: usize| {
        let pairs = losses(0).into_iter().zip(losses(run));
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    assert!(gap(1) < 1e-9, "{:e}", gap(1));
    assert!(gap(2) > 1e-4, "{:e}", gap(2));
}

#[test]
fn variants_are_presets_that_are_claimed_of_together() {
    let rest = "\
        [[claim]]\nid = \"one\"\nsays = \"s\"\nsource = \"p\"\n\
        predicate = { kind = \"greater\", a = \"thin/a/loss\", b = \"wide/a/loss\", over = { last = 1 } }\n\
        [presets.thin]\nnetwork.width = 1\n[presets.wide]\nnetwork.width = 3\n\
        [presets.short]\ntraining.epochs = 4\nundecided.one = \"too short\"\n";
    let runs = ["name = \"a\"\ntransform = \"original\""];
    let text = format!(
        "variants = [\"thin\", \"wide\"]\n{}",
        with_runs(&runs, rest)
    );
    let read = |preset| Experiment::parse(&text, "e.toml", preset);
    let both = read(Some("short,wide")).unwrap();
    assert_eq!((both.network.width, both.training.epochs), (3, 4));
    assert_eq!(both.undecided["one"], "too short");
    assert_eq!(both.variants, ["thin", "wide"]);
    // As it is run, it is one of them, of which nothing is claimed alone; and it can be gone on with.
    let runs = tempfile::tempdir().unwrap();
    train(&both, runs.path());
    let saved = SavedRun::open(&runs.path().join("tiny")).unwrap();
    assert!(saved.is_complete() && saved.experiment().claim.is_empty());
    let message = |text: &str| {
        Experiment::parse(text, "e.toml", None)
            .unwrap_err()
            .to_string()
    };
    let other = message(&text.replace("\"wide\"]", "\"tall\"]"));
    assert!(other.contains("there is no preset `tall`"), "{other}");
    let other = message(&text.replace("\"thin/a/loss\"", "\"a/loss\""));
    assert!(
        other.contains("the runs are `thin/a` and `wide/a`"),
        "{other}"
    );
    let text = text.replace("undecided.one", "undecided.two");
    let other = Experiment::parse(&text, "e.toml", Some("short"))
        .unwrap_err()
        .to_string();
    assert!(other.contains("there is no claim `two`"), "{other}");
}
