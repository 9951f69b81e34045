//! Which runs figures have in common, and which of them are there already.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Silent, jobs};
use datasets::{Dataset, fingerprint, synthetic};
use repro::{Family, Figure, Job, Plan, Store, judge, train_all};
use trainer::experiment::{Arithmetic, Experiment, Transform};
use trainer::run::{Event, Observer};

const HEAD: &str = r#"
title = "T"
network = { architecture = "preresnet", depth = 8, width = 2 }
data = { train_images = 16, test_images = 8 }
training = { batch_size = 4, epochs = 2, norms_every = 1 }
[recipe]
optimizer = { kind = "sgd", momentum = 0.9, weight_decay = 0.01 }
schedule = { kind = "step", lr = 0.1, factor = 0.1, epochs = [1] }
[recipes.flat]
schedule = { kind = "constant", lr = 0.1 }
"#;

/// A figure of these runs: name, transform, recipe if not the first.
fn figure(folder: &Path, name: &str, runs: &[(&str, &str, &str)], rest: &str) -> Figure {
    let run = |(name, transform, recipe): &(&str, &str, &str)| {
        let recipe = match *recipe {
            "" => String::new(),
            recipe => format!("recipe = \"{recipe}\"\n"),
        };
        format!(
            "[[run]]\nname = \"{name}\"\nlabel = \"{name}\"\ntransform = \"{transform}\"\n{recipe}"
        )
    };
    let runs: String = runs.iter().map(run).collect();
    let path = folder.join(format!("{name}.toml"));
    fs::write(&path, format!("name = \"{name}\"\n{HEAD}{runs}{rest}")).unwrap();
    Figure::read(&path, None).unwrap()
}

fn two_figures(folder: &Path) -> [Figure; 2] {
    let pair = [("step", "original", ""), ("exact", "wd-free", "")];
    let other = [
        // The same recipe by its values, and another one of the same name as a run above.
        ("decayed", "wd-free", ""),
        ("step", "original", "flat"),
        ("texp", "tapered", "flat"),
    ];
    [
        figure(folder, "a", &pair, ""),
        figure(folder, "b", &other, ""),
    ]
}

fn images() -> Dataset {
    let spec = synthetic::Spec {
        seed: 0,
        train: 16,
        test: 8,
    };
    spec.generate().unwrap()
}

/// Stops as soon as it may.
struct Hasty;

impl Observer for Hasty {
    fn event(&mut self, _: &Event<'_>) {}
    fn wants_to_stop(&self) -> bool {
        true
    }
}

fn train(family: Family, runs: &Path) -> PathBuf {
    let job = Job {
        family,
        unfinished: None,
    };
    let name = job.family.experiment.name.clone();
    train_all(&jobs(runs), vec![job], |_| images(), |_| Silent).unwrap();
    runs.join(name)
}

#[test]
fn a_run_that_two_figures_have_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan::of(&two_figures(folder.path()));
    let [family] = &plan.families[..] else {
        panic!("{plan:?}")
    };
    let experiment = &family.experiment;
    experiment.validate().unwrap();
    let names: Vec<&str> = experiment.run.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(names, ["step", "exact", "b.step", "texp"]);
    let of_b: Vec<_> = plan.members[1]
        .iter()
        .map(|member| (member.claimed.as_str(), member.run))
        .collect();
    assert_eq!(of_b, [("decayed", 1), ("step", 2), ("texp", 3)]);
    // Each keeps its recipe, and its original.
    assert_eq!(experiment.run[2].recipe, experiment.run[3].recipe);
    let name = experiment.run[3].recipe.as_deref();
    assert_eq!(
        experiment.recipe(name).unwrap().recipe.at(7).learning_rate,
        0.1
    );
    assert_eq!((experiment.twin(1), experiment.twin(3)), (Some(0), Some(2)));
}

#[test]
fn figures_of_other_networks_precisions_or_seeds_are_apart() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = two_figures(folder.path());
    let path = folder.path().join("b.toml");
    for (from, to) in [
        ("width = 2", "width = 3"),
        ("epochs = 2,", "epochs = 3,"),
        ("epochs = 2,", "epochs = 2, precision = \"tf32\","),
        ("train_images = 16", "train_images = 12"),
    ] {
        fs::write(&path, b.text.replace(from, to)).unwrap();
        let other = Figure::read(&path, None).unwrap();
        assert_eq!(Plan::of(&[a.clone(), other]).families.len(), 2, "{to}");
    }
    let family = &Plan::of(&[a]).families[0];
    let seeds = [0, 1].map(|n| family.with_seed(n).experiment);
    assert_ne!(seeds[0].training, seeds[1].training);
    assert_ne!(seeds[0].name, seeds[1].name);
}

#[test]
fn what_is_there_is_found_and_only_the_rest_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let figures = two_figures(folder.path());
    let sha = fingerprint(&images());
    let alone = &Plan::of(&figures[..1]).families[0];
    let empty = Store::read(&runs).unwrap();
    let need = empty.look_for(alone, &sha);
    assert_eq!(need.missing.as_ref(), Some(alone));
    assert!(need.unfinished.is_none() && need.found.iter().all(Option::is_none));

    let trained = train(need.missing.unwrap(), &runs);
    let store = Store::read(&runs).unwrap();
    assert!(store.look_for(alone, &sha).missing.is_none());
    // Other images, other seeds: other runs.
    assert!(store.look_for(alone, "other").missing.is_some());
    assert!(store.look_for(&alone.with_seed(1), &sha).missing.is_some());
    let mut rounded = alone.clone();
    rounded.experiment.training.precision = Arithmetic::Bf16;
    assert!(store.look_for(&rounded, &sha).missing.is_some());
    let both = &Plan::of(&figures).families[0];
    let need = store.look_for(both, &sha);
    let found: Vec<_> = need
        .found
        .iter()
        .map(|found| found.as_ref().map(|found| found.name.as_str()))
        .collect();
    assert_eq!(found, [Some("step"), Some("exact"), None, None]);
    let missing = need.missing.unwrap();
    let names: Vec<_> = missing
        .experiment
        .run
        .iter()
        .map(|run| run.name.as_str())
        .collect();
    assert_eq!(names, ["b.step", "texp"]);
    missing.experiment.validate().unwrap();
    assert_eq!(need.found[0].as_ref().unwrap().folder, trained);
}

#[test]
fn a_run_counts_as_compared_only_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let sha = fingerprint(&images());
    let alone = figure(folder.path(), "alone", &[("texp", "tapered", "")], "");
    train(Plan::of(&[alone]).families.remove(0), &runs);
    let pair = [("step", "original", ""), ("texp", "tapered", "")];
    let pair = figure(folder.path(), "pair", &pair, "");
    let need = Store::read(&runs)
        .unwrap()
        .look_for(&Plan::of(&[pair]).families[0], &sha);
    assert_eq!(need.missing.unwrap().experiment.run.len(), 2);
}

#[test]
fn what_was_cut_off_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let figures = two_figures(folder.path());
    let plan = Plan::of(&figures);
    let family = plan.families[0].clone();
    let job = Job {
        family: family.clone(),
        unfinished: None,
    };
    train_all(&jobs(&runs), vec![job], |_| images(), |_| Hasty).unwrap_err();
    let sha = fingerprint(&images());
    let need = Store::read(&runs).unwrap().look_for(&family, &sha);
    let job = need.into_job().unwrap();
    assert!(job.unfinished.is_some());
    train_all(&jobs(&runs), vec![job], |_| images(), |_| Silent).unwrap();
    assert_eq!(fs::read_dir(&runs).unwrap().count(), 1);
    let need = Store::read(&runs).unwrap().look_for(&family, &sha);
    assert!(need.missing.is_none());
    assert!(need.found[3].is_some());
}

#[test]
fn claims_are_judged_by_the_runs_they_name() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let claims = "\
        [[claim]]\nid = \"rate\"\nsays = \"s\"\nsource = \"p\"\n\
        predicate = { kind = \"range\", of = \"decayed/ln-rate\", over = { last = 1 }, within = [0, inf] }\n\
        [[claim]]\nid = \"same\"\nsays = \"s\"\nsource = \"p\"\n\
        predicate = { kind = \"range\", of = \"decayed/gap\", over = { last = 1 }, within = [-1e-3, 1e-3] }\n\
        [undecided]\nsame = \"too short\"\n";
    let pair = [("step", "original", ""), ("decayed", "wd-free", "")];
    let figures = [
        two_figures(folder.path())[0].clone(),
        figure(folder.path(), "c", &pair, claims),
    ];
    let plan = Plan::of(&figures);
    train(plan.families[0].clone(), &runs);
    let need = Store::read(&runs)
        .unwrap()
        .look_for(&plan.families[0], &fingerprint(&images()));
    let found = plan.members[1].iter().map(|member| {
        (
            member.claimed.clone(),
            need.found[member.run].clone().unwrap(),
        )
    });
    let judged = judge(&figures[1], &[found.collect()]).unwrap();
    let verdicts: Vec<String> = judged
        .outcomes
        .iter()
        .map(|outcome| outcome.verdict.to_string())
        .collect();
    assert_eq!(verdicts, ["not reproduced", "not decided"]);
    assert!(
        judged.outcomes[1]
            .evidence
            .starts_with("too short (values ")
    );
    let labels: Vec<&str> = judged.runs.iter().map(|run| run.label.as_str()).collect();
    assert_eq!(labels, ["step", "decayed"]);
    assert_eq!(judged.milestones, [1.0]);
}

#[test]
fn the_papers_figures_share_their_runs_at_every_preset() {
    let experiments = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    for preset in ["paper", "small", "smoke", "tiny"] {
        let names = [
            "divergence",
            "figure-1",
            "figure-2",
            "figure-3",
            "figure-4",
            "figure-5",
            "figure-6",
            "warmup-cosine",
            "wrong-runs",
        ];
        let figures = names.map(|name| {
            Figure::read(&experiments.join(format!("{name}.toml")), Some(preset)).unwrap()
        });
        let plan = Plan::of(&figures);
        let [family] = &plan.families[..] else {
            panic!("{preset}: {} families", plan.families.len())
        };
        family.experiment.validate().unwrap();
        assert_eq!(family.experiment.run.len(), 17, "{preset}");
        let originals = |experiment: &Experiment| {
            let runs = experiment.run.iter();
            runs.filter(|run| run.transform == Transform::Original)
                .count()
        };
        assert_eq!(originals(&family.experiment), 8, "{preset}");
    }
}

#[test]
fn runs_of_different_optimisers_are_trained_apart() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/optimisers.toml");
    for preset in ["paper", "small", "smoke", "tiny"] {
        let plan = Plan::of(&[Figure::read(&file, Some(preset)).unwrap()]);
        assert_eq!(plan.families.len(), 4, "{preset}");
        for family in &plan.families {
            family.experiment.validate().unwrap();
            assert_eq!(family.experiment.run.len(), 2, "{preset}");
        }
    }
}

#[test]
fn another_precision_is_of_figures_that_are_not_about_precision() {
    use Arithmetic::{Bf16, Float32, Float64};
    let experiments = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    for preset in ["paper", "small", "smoke", "tiny"] {
        for (name, wanted) in [
            ("figure-2", &[Bf16][..]),
            ("law", &[Float64, Float32]),
            ("optimisers", &[Bf16, Bf16, Float64, Float64]),
        ] {
            let path = experiments.join(format!("{name}.toml"));
            let plain = Figure::read(&path, Some(preset)).unwrap();
            let figure = plain.clone().at_precision(Bf16);
            let parts = figure.parts.iter();
            let found: Vec<_> = parts
                .map(|part| part.experiment.training.precision)
                .collect();
            assert_eq!(found, wanted, "{name}, {preset}");
            // And they are other runs.
            let apart = Plan::of(&[plain, figure]).families.len();
            let changed = wanted.iter().filter(|&&one| one == Bf16).count();
            assert_eq!(apart, wanted.len() + changed, "{name}, {preset}");
        }
    }
}

#[test]
fn recipes_of_a_family_read_back_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let cosine = |name: &str, keys: &str| {
        let path = folder.path().join(format!("{name}.toml"));
        let (head, _) = HEAD.split_once("schedule = ").unwrap();
        let run = "[[run]]\nname = \"r\"\nlabel = \"r\"\ntransform = \"original\"\n";
        let schedule = format!("schedule = {{ kind = \"cosine\", lr = 0.1{keys} }}\n");
        fs::write(&path, format!("name = \"{name}\"\n{head}{schedule}{run}")).unwrap();
        Figure::read(&path, None).unwrap()
    };
    // The second leaves out what the first says.
    let figures = [cosine("a", ", final_lr = 0.05"), cosine("b", "")];
    let family = Plan::of(&figures).families.remove(0);
    assert_eq!(family.experiment.run.len(), 2);
    train(family.clone(), &runs);
    let need = Store::read(&runs)
        .unwrap()
        .look_for(&family, &fingerprint(&images()));
    assert!(need.missing.is_none(), "{:?}", need.missing);
}

#[test]
fn a_run_that_diverges_is_done_and_a_folder_that_is_broken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let path = folder.path().join("wild.toml");
    let text = format!(
        "name = \"wild\"\n{}[[run]]\nname = \"r\"\nlabel = \"r\"\ntransform = \"original\"\n\
         [[claim]]\nid = \"c\"\nsays = \"s\"\nsource = \"p\"\n\
         predicate = {{ kind = \"range\", of = \"r/test-accuracy\", over = {{ last = 1 }}, within = [0.5, 1] }}\n",
        HEAD.replace("lr = 0.1", "lr = 1e30")
    );
    fs::write(&path, text).unwrap();
    let figures = [Figure::read(&path, None).unwrap()];
    let plan = Plan::of(&figures);
    train(plan.families[0].clone(), &runs);
    let store = Store::read(&runs).unwrap();
    let need = store.look_for(&plan.families[0], &fingerprint(&images()));
    assert!(need.missing.is_none());
    let found = [("r".to_owned(), need.found[0].clone().unwrap())];
    let judged = judge(&figures[0], &[found.into_iter().collect()]).unwrap();
    assert_eq!(judged.outcomes[0].verdict.to_string(), "not reproduced");

    fs::write(runs.join("wild/sittings.json"), "[{").unwrap();
    fs::create_dir(runs.join("no-run")).unwrap();
    let store = Store::read(&runs).unwrap();
    let [passed_over] = &store.passed_over[..] else {
        panic!("{store:?}")
    };
    assert!(passed_over.why.to_string().contains("sittings.json"));
}
