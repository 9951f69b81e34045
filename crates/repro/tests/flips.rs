//! The same claims, fed with runs that are right and with runs that are wrong: trained, not made up.

mod common;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use claims::Verdict;
use common::{Silent, jobs};
use datasets::{Dataset, fingerprint, synthetic};
use repro::{Figure, Plan, Store, judge, train_all};

/// A pair, and two runs that are wrong: no decay at the recipe's own rate, and TEXP of a quarter of the exponent.
const RUNS: &str = r#"
name = "flips"
title = "T"
network = { architecture = "preresnet", depth = 8, width = 4 }
data = { train_images = 128, test_images = 32 }
training = { batch_size = 16, epochs = 6, norms_every = 1 }
[recipe]
optimizer = { kind = "sgd", momentum = 0.9, weight_decay = 0.02 }
schedule = { kind = "constant", lr = 0.1 }
[recipes.no-decay]
optimizer = { weight_decay = 0.0 }
[recipes.quarter]
optimizer = { weight_decay = 0.005 }
[[run]]
name = "constant"
label = "constant rate + WD"
transform = "original"
[[run]]
name = "exact"
label = "exact"
transform = "wd-free"
[[run]]
name = "no-decay"
label = "no WD"
recipe = "no-decay"
transform = "original"
[[run]]
name = "wrong-exponent"
label = "TEXP of another exponent"
recipe = "quarter"
transform = "tapered"
"#;

/// What is claimed of a run without weight decay, of any run.
fn claims(run: &str) -> String {
    let rate = "ln-norm-squared-over-rate";
    format!(
        r#"
[[claim]]
id = "{run}/same-rate"
says = "it has the original's effective rate in the end"
source = "a test"
predicate = {{ kind = "equivalent", a = "constant/{rate}", b = "{run}/{rate}", over = {{ between = [5, inf] }}, margin = 0.1 }}
[[claim]]
id = "{run}/exponent"
says = "its rate grows towards 2 × 8 × 0.0268 an epoch, which is the recipe's exponent"
source = "a test"
predicate = {{ kind = "slope", of = "{run}/ln-rate", over = {{ between = [3, inf] }}, within = [0.3, 0.43] }}
"#
    )
}

fn images() -> Dataset {
    let spec = synthetic::Spec {
        seed: 0,
        train: 128,
        test: 32,
    };
    spec.generate().unwrap()
}

/// Verdicts by the ids of claims, over three seeds.
fn verdicts(figure: &Figure, runs: &Path) -> HashMap<String, Verdict> {
    let plan = Plan::of(std::slice::from_ref(figure));
    let families: Vec<_> = (0..3)
        .map(|seed| plan.families[0].with_seed(seed))
        .collect();
    let data = fingerprint(&images());
    fs::create_dir_all(runs).unwrap();
    let empty = Store::read(runs).unwrap();
    let wanted = families.iter().map(|family| empty.look_for(family, &data));
    let wanted = wanted.filter_map(repro::Need::into_job).collect();
    train_all(&jobs(runs), wanted, |_| images(), |_| Silent).unwrap();

    let store = Store::read(runs).unwrap();
    let found: Vec<HashMap<_, _>> = families
        .iter()
        .map(|family| {
            let found = store.look_for(family, &data).found;
            let members = plan.members[0].iter();
            members
                .map(|member| (member.claimed.clone(), found[member.run].clone().unwrap()))
                .collect()
        })
        .collect();
    let judged = judge(figure, &found).unwrap();
    for outcome in &judged.outcomes {
        println!("{}: {}, {}", outcome.id, outcome.verdict, outcome.evidence);
    }
    let outcomes = judged.outcomes.into_iter();
    outcomes
        .map(|outcome| (outcome.id, outcome.verdict))
        .collect()
}

#[test]
fn wrong_runs_flip_the_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flips.toml");
    let all = ["exact", "no-decay", "wrong-exponent"];
    fs::write(&path, format!("{RUNS}{}", all.map(claims).concat())).unwrap();
    let figure = Figure::read(&path, None).unwrap();
    let verdicts = verdicts(&figure, &folder.path().join("runs"));
    for (run, verdict) in [
        ("exact", Verdict::Reproduced),
        ("no-decay", Verdict::NotReproduced),
        ("wrong-exponent", Verdict::NotReproduced),
    ] {
        for claim in ["same-rate", "exponent"] {
            let id = format!("{run}/{claim}");
            assert_eq!(verdicts[&id], verdict, "{id}");
        }
    }
}
