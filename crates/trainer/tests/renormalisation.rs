//! Runs without weight decay beyond the range of float32.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use datasets::synthetic;
use nn_cpu::CpuEngine;
use nn_engine::{BatchSpec, Batches, Engine, EngineOptions, HyperTable, Split, State};
use nn_reference::ReferenceEngine;
use run_records::Record;
use scale_invariance::analyse;
use schedule_core::renormalisation::{FloatFormat, RangeReport, Renormaliser, Side};
use schedule_core::{ExactLaw, Recipe, Schedule};
use trainer::experiment::{Experiment, Transform};
use trainer::lockstep::{Scales, map_state};
use trainer::plan::{RunSchedule, magnitudes};
use trainer::run::{DeviceKind, Event, Place, RunOptions, run_experiment};

/// `ln η̃` grows by 0.39 a step; 2560 steps.
const LONG: &str = r#"
name = "long"
title = "Beyond float32"
[network]
architecture = "preresnet"
depth = 8
width = 2
epsilon = 0.0
[data]
train_images = 64
test_images = 8
[training]
batch_size = 4
epochs = 160
norms_every = 100
[recipe]
optimizer = { kind = "sgd", momentum = 0.5, weight_decay = 0.7 }
schedule = { kind = "constant", lr = 0.1 }
[[run]]
name = "constant"
label = "constant"
transform = "original"
[[run]]
name = "exact"
label = "exact"
transform = "wd-free"
"#;

fn records(experiment: &Experiment, runs: &Path) -> Vec<Record> {
    let data = synthetic::Spec {
        seed: 0,
        train: 64,
        test: 8,
    };
    let options = RunOptions {
        command: "cargo test".to_owned(),
        started: "2020-01-01T00:00:00Z".to_owned(),
        commit: None,
        device: DeviceKind::Cpu,
        threads: 2,
        checkpoint_every: Duration::from_secs(60),
    };
    let place = Place {
        runs: runs.to_owned(),
        preset: None,
    };
    let observer = &mut |_: &Event<'_>| {};
    let images = data.generate().unwrap();
    let finished = run_experiment(experiment, images, &place, &options, observer);
    let folder = finished.unwrap().folder;
    let text = fs::read_to_string(folder.join("records.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn training_goes_on_where_float32_ends() {
    let runs = tempfile::tempdir().unwrap();
    let experiment = Experiment::parse(LONG, "long.toml", None).unwrap();
    let (mut losses, mut tests) = ([vec![], vec![]], [vec![], vec![]]);
    let mut ln_norms = [vec![], vec![]];
    let mut ln_rates = vec![];
    for record in records(&experiment, runs.path()) {
        match record {
            Record::Step {
                run, loss, ln_rate, ..
            } => {
                losses[run].push(loss);
                if run == 1 {
                    ln_rates.push(ln_rate);
                }
            }
            Record::Epoch { run, test_loss, .. } => tests[run].push(test_loss),
            Record::Norms {
                run,
                norms,
                effective_rates,
                ..
            } => {
                assert!(effective_rates.iter().all(|rate| rate.is_finite()));
                ln_norms[run]
                    .push(norms.iter().map(|norm| norm.ln()).sum::<f64>() / norms.len() as f64);
            }
            Record::Law { .. } | Record::Finished { .. } => {}
        }
    }
    assert_eq!(ln_rates.len(), 2_560);
    assert!(ln_rates[2_559] > 1_000.0, "{}", ln_rates[2_559]);
    for loss in losses.iter().chain(&tests).flatten() {
        assert!(loss.is_finite());
    }
    // Equal but for rounding, until training has amplified that; then alike.
    for (step, (wanted, found)) in losses[0].iter().zip(&losses[1]).take(6).enumerate() {
        assert!(
            (found / wanted - 1.0).abs() < 1e-4,
            "step {step}: {found}, not {wanted}"
        );
    }
    let late = |all: &[f64]| all[all.len() / 2..].iter().sum::<f64>() / (all.len() / 2) as f64;
    println!("late losses {} and {}", late(&losses[0]), late(&losses[1]));
    assert!((late(&losses[1]) / late(&losses[0]) - 1.0).abs() < 0.1);
    // The norms are recorded as those of the run and not as what is held: they grow like √η̃.
    for (index, (original, twin)) in ln_norms[0].iter().zip(&ln_norms[1]).enumerate() {
        let growth = (ln_rates[100 * index] - ln_rates[0]) / 2.0;
        let found = twin - original;
        assert!(
            (found - growth).abs() < 2.0,
            "{index}: {found}, not {growth}"
        );
    }
}

/// At every late step, the twin set to the mapped original takes the same step, at `ln η̃ > 1000`.
#[test]
fn the_law_holds_far_beyond_float64() {
    let experiment = Experiment::parse(LONG, "long.toml", None).unwrap();
    let graph = experiment.network.graph().unwrap();
    let symmetry = analyse(&graph).symmetry;
    let options = EngineOptions {
        replicas: 2,
        symmetry: symmetry.clone(),
        ..EngineOptions::new(&graph, 8)
    };
    let reference = ReferenceEngine::new(&graph, options.clone()).unwrap();
    let cpu = CpuEngine::new(&graph, options).unwrap();
    for (mut engine, format, tolerance) in [
        (
            Box::new(reference) as Box<dyn Engine>,
            FloatFormat::F64,
            1e-10,
        ),
        (Box::new(cpu), FloatFormat::F32, 1e-4),
    ] {
        late_steps(&experiment, engine.as_mut(), format, tolerance);
    }
}

fn late_steps(
    experiment: &Experiment,
    engine: &mut dyn Engine,
    format: FloatFormat,
    tolerance: f64,
) {
    let (graph, symmetry) = (engine.graph().clone(), engine.symmetry().clone());
    let data = synthetic::Spec {
        seed: 0,
        train: 64,
        test: 8,
    };
    let data = data.generate().unwrap();
    engine
        .load_images(Split::Train, Arc::new(data.train))
        .unwrap();
    engine
        .load_images(Split::Test, Arc::new(data.test))
        .unwrap();
    engine.load_state(0, &State::initial(&graph, 0)).unwrap();
    let recipe = experiment.recipe(None).unwrap();
    let limits = magnitudes(&graph, &symmetry).unwrap();
    let schedule = RunSchedule::new(&recipe, Transform::WdFree).unwrap();
    let mut schedule = schedule.renormalised(Renormaliser::new(format, limits));
    let mut law = ExactLaw::new();
    for step in 0..4_000 {
        let before = schedule.due_scale_ratio().ln();
        let planned = schedule.next_step().unwrap();
        let equivalent = law.step(recipe.at(step)).unwrap();
        if step < 3_990 {
            continue;
        }
        assert!(planned.ln_learning_rate > 1_500.0);
        // The twin's state as it is held.
        let held = planned.total_rescaling as f64 * std::f64::consts::LN_2;
        let at_scale = |scales: Scales| Scales {
            ln_scale: scales.ln_scale + held,
            ln_statistics_scale: scales.ln_statistics_scale + held,
            ..scales
        };
        let exponents = vec![-planned.total_rescaling];
        let map = |state: &State, scales| State {
            exponents: exponents.clone(),
            ..map_state(&graph, &symmetry, state, at_scale(scales))
        };
        let start = map(
            &engine.state(0).unwrap(),
            Scales::before(&equivalent, before),
        );
        engine.load_state(1, &start).unwrap();
        let table = HyperTable::from_fn(1, 2, 1, |_, replica, group| match replica {
            0 => planned.original_hyper(),
            _ => planned.hyper(group),
        });
        let batch = BatchSpec::plain((0..8).map(|i| ((step * 8 + i) % 64) as u32).collect());
        let stats = engine
            .run(Batches::shared(&[batch]), &table.unwrap())
            .unwrap();

        let name = engine.device().engine;
        let (wanted, found) = (stats.get(0, 0).loss, stats.get(0, 1).loss);
        assert!(
            (found / wanted - 1.0).abs() < tolerance,
            "{name}: {found}, not {wanted}"
        );
        let wanted = map(&engine.state(0).unwrap(), Scales::after(&equivalent));
        let found = engine.state(1).unwrap();
        for (wanted, found) in wanted.tensors.iter().zip(&found.tensors) {
            let norm = wanted.values.iter().map(|v| v * v).sum::<f64>().sqrt();
            let pairs = wanted.values.iter().zip(&found.values);
            let gap = pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
            assert!(
                gap <= tolerance * norm,
                "{name}, {}: {gap:e} of {norm:e}",
                wanted.name
            );
        }
        let ratios = schedule.due_scale_ratios(1);
        let wanted = engine.evaluate(0, Split::Test, &[1.0]).unwrap().loss;
        let found = engine.evaluate(1, Split::Test, &ratios).unwrap().loss;
        assert!(
            (found / wanted - 1.0).abs() < tolerance,
            "{name}: {found}, not {wanted}"
        );
    }
}

#[test]
fn a_run_that_fits_is_never_rescaled_and_one_that_does_not_in_time() {
    let constant = |value| Schedule::constant(value).unwrap();
    let experiment = Experiment::parse(LONG, "long.toml", None).unwrap();
    let graph = experiment.network.graph().unwrap();
    let limits = magnitudes(&graph, &analyse(&graph).symmetry).unwrap();
    for (decay, steps, fits) in [
        (5e-4, 50_000, true),
        (5e-4, 100_000, false),
        (2e-2, 10_000, false),
    ] {
        let recipe = Recipe::new(constant(0.1), constant(decay), constant(0.9)).unwrap();
        let report = RangeReport::of(
            ExactLaw::new().steps(&recipe).take(steps),
            FloatFormat::F32,
            &limits,
        );
        let mut departures = report.unwrap().departures.into_iter();
        let overflow = departures.find(|it| it.side == Side::Overflow);
        assert_eq!(overflow.is_none(), fits, "{overflow:?}");
        let plain = RunSchedule::new(&recipe, Transform::WdFree).unwrap();
        let renormaliser = Renormaliser::new(FloatFormat::F32, limits);
        let (mut plain, mut kept) = (plain.clone(), plain.renormalised(renormaliser));
        let mut first = None;
        for step in 0..steps {
            let (plain, kept) = (plain.next_step().unwrap(), kept.next_step().unwrap());
            if kept.rescaling != 0 {
                first = first.or(Some(step as u64));
            }
            assert_eq!(kept.ln_learning_rate, plain.ln_learning_rate);
            if kept.total_rescaling == 0 {
                assert_eq!(kept, plain);
            } else {
                let power = (2 * kept.total_rescaling) as f64;
                assert_eq!(kept.learning_rate * power.exp2(), plain.learning_rate);
                assert!(kept.learning_rate < 1e30);
            }
        }
        assert_eq!(first, overflow.map(|it| it.step));
    }
}
