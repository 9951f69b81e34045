//! What an experiment finds depends on what its file says, and on nothing else.

use toy::experiment::Experiment;
use toy::study::{Findings, QUANTITIES, run};
use toy::theory::Equilibrium;
use toy::{Logit, Samples, Sgd};

const QUICK: &str = r#"
name = "quick"
title = "Everything, in no time"
dimension = 4
learning_rate = 0.1
first_seed = 3
seeds = 3
threshold = 0.5
stationary = { burn_in = 0.5, measured = 1 }

[[sweep]]
name = "both-a"
logit = "batch-norm"
batch_size = 8
intrinsic_rates = [0.01, 0.1]

[population]
name = "both-b"
intrinsic_rates = [0.01, 0.1]
stationary = { burn_in = 1, measured = 10 }

[batches]
weight_decay = 0.1
sizes = [4, 8, 16]

[norm_alone]
batch_size = 8
learning_rates = [0.1, 1.0]
steps = 1000

[[nonconvergence]]
name = "waiting"
logit = "unit-norm"
intrinsic_rate = 0.05
batch_sizes = [4, 16]
start = { on-axis = 10 }
delta = 0.1
trials = 20

[[nonconvergence]]
name = "waiting-on"
logit = "batch-norm"
intrinsic_rate = 0.05
batch_sizes = [4, 16]
start = "equilibrium"
delta = 0.1
trials = 20
"#;

fn quick(change: (&str, &str)) -> Experiment {
    assert!(QUICK.contains(change.0));
    let text = QUICK.replace(change.0, change.1);
    Experiment::parse(&text, "quick.toml", None).expect("an experiment")
}

fn on_threads(experiment: &Experiment, threads: usize) -> Findings {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().expect("threads").install(|| run(experiment))
}

#[test]
fn threads_change_no_bit() {
    let experiment = quick(("", ""));
    let one = on_threads(&experiment, 1);
    assert_eq!(one, on_threads(&experiment, 3));
    assert_eq!(one, on_threads(&experiment, 7));
    assert_ne!(one.seeds[0].series, one.seeds[1].series);
}

#[test]
fn a_seed_finds_the_same_whatever_else_is_run() {
    let all = run(&quick(("", "")));
    let fewer = run(&quick((
        "first_seed = 3\nseeds = 3",
        "first_seed = 4\nseeds = 1",
    )));
    assert_eq!(all.seeds[1], fewer.seeds[0]);
    let shorter = run(&quick(("sizes = [4, 8, 16]", "sizes = [8]")));
    let name = "both-by-batch/log10-rms-error";
    assert_eq!(
        all.seeds[0].series[name].points[1],
        shorter.seeds[0].series[name].points[0]
    );
}

#[test]
fn every_series_has_increasing_positions_and_finite_values() {
    let experiment = quick(("", ""));
    let findings = run(&experiment);
    let runs = experiment.runs();
    for seed in &findings.seeds {
        let named = |name: &String| runs.iter().any(|run| name.starts_with(&format!("{run}/")));
        assert!(seed.series.keys().all(named));
        assert_eq!(seed.series.len(), 6 + 6 + 4 + 6 + 2 * 3 + 2 * 4);
        for (name, series) in &seed.series {
            let quantity = name.split_once('/').map(|(_, quantity)| quantity);
            assert!(QUANTITIES.contains(&quantity.unwrap_or_default()), "{name}");
            let points = &series.points;
            assert!(
                points.windows(2).all(|pair| pair[0].0 < pair[1].0),
                "{name} {points:?}"
            );
            assert!(
                points.iter().all(|(x, y)| x.is_finite() && y.is_finite()),
                "{name} {points:?}"
            );
        }
    }
    let series = &findings.seeds[0].series;
    assert_eq!(series["both-a/rms-over-predicted"].points.len(), 2);
    assert_eq!(series["both-a/rms-over-predicted"].points[0].0, -1.0);
    assert!(series["norm-alone-rate-0.1/log10-rms-error"].points.len() > 8);
}

#[test]
fn means_over_seeds_have_their_standard_errors() {
    let findings = run(&quick(("", "")));
    let name = "both-a/mean-error-over-root";
    let values: Vec<f64> = findings
        .seeds
        .iter()
        .map(|seed| seed.series[name].points[0].1)
        .collect();
    let mean = values.iter().sum::<f64>() / 3.0;
    let squares: f64 = values.iter().map(|y| (y - mean).powi(2)).sum();
    let (x, found, error) = findings.over_seeds(name)[0];
    assert_eq!((x, found), (-1.0, mean));
    assert!((error - (squares / 6.0).sqrt()).abs() < 1e-15);
    assert!(findings.over_seeds("nothing/at-all").is_empty());
}

#[test]
fn waiting_times_are_those_of_single_runs() {
    let findings = run(&quick(("trials = 20", "trials = 1")));
    // 2ε² is half of ηλ, which is 0.05.
    let epsilon = (0.25f64 * 0.05).sqrt();
    let norm_squared = 10.0 * Equilibrium::new(Logit::UnitNorm, 4, 4.0, 0.05).norm_squared(0.1);
    for seed in &findings.seeds {
        let weights = vec![norm_squared.sqrt(), 0.0, 0.0, 0.0];
        let mut sgd = Sgd::new(Logit::UnitNorm, Samples::new(seed.seed), weights, 4);
        let mut steps = 0.0;
        while sgd.direction().angle() <= epsilon {
            sgd.step(0.1, 0.5);
            steps += 1.0;
        }
        let found = seed.series["waiting/log10-waiting"].points[0].1;
        assert_eq!(found, f64::log10(steps));
    }
}
