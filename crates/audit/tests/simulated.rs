//! Audits of logs that are simulated on scale-invariant losses, whose equilibrium is known.

mod common;

use audit::{Audit, Columns, Constants, Log, NormVerdict};
use common::{Run, log_of};

const STANDARD: (f64, f64) = (5e-4, 0.9);

fn audit(csv: &str, (weight_decay, momentum): (f64, f64)) -> Audit {
    let constants = Constants {
        weight_decay: Some(weight_decay),
        momentum: Some(momentum),
        ..Constants::default()
    };
    let log = Log::parse(csv, "simulated.csv", &Columns::default(), constants).unwrap();
    Audit::new(log, None).unwrap()
}

/// `z` standard errors between two numbers, no less than a relative allowance for first order and a finite dimension.
#[track_caller]
fn agrees(what: &str, found: f64, expected: f64, error: f64, allowance: f64) {
    let off = (found - expected).abs();
    assert!(
        off <= 4.0 * error + allowance * expected,
        "{what}: {found} ± {error} against {expected}"
    );
}

/// Noise, equilibrium and rotation from norms alone, against what was put in and what was measured beside, for gradients that
/// are uncorrelated, correlated and anticorrelated from step to step.
#[test]
fn norms_show_noise_equilibrium_and_rotation() {
    for (seed, correlation, momentum, rate, decay) in [
        (1, 0.0, 0.9, 0.1, 5e-4),
        (2, 0.6, 0.9, 0.1, 5e-4),
        (3, -0.6, 0.9, 0.1, 5e-4),
        (4, 0.5, 0.5, 0.2, 1e-3),
        (5, 0.0, 0.0, 0.3, 1e-3),
    ] {
        let mut run = Run::new(seed, 100, 3.0, correlation);
        let (csv, turned) = log_of(&mut run, &[(rate, 6000)], (decay, momentum), 20, 1000);
        let found = audit(&csv, (decay, momentum));
        let phase = &found.findings().phases[0];
        let norm = &phase.norms[0];
        assert_eq!(norm.verdict, NormVerdict::Known);
        let noise = norm.gradient_noise.unwrap();
        // Σ γ^|τ| ρ^|τ| of an AR(1) sequence of variance dimension − 1.
        let both = momentum * correlation;
        let expected = 99.0 * (1.0 + both) / (1.0 - both);
        let case = format!("correlation {correlation}, momentum {momentum}");
        agrees(
            &format!("noise, {case}"),
            noise.square,
            expected,
            noise.standard_error.unwrap(),
            0.02,
        );
        // The angle of the last steps, measured, at the norms that they have.
        agrees(
            &format!("rotation, {case}"),
            norm.rotation_per_step.unwrap(),
            turned,
            0.0,
            0.03,
        );
        let equilibrium = phase.equilibrium.unwrap();
        agrees(
            &format!("rotation in equilibrium, {case}"),
            turned,
            equilibrium.rotation_per_step,
            0.0,
            0.05,
        );
        agrees(
            &format!("ratio, {case}"),
            norm.ratio_end.unwrap(),
            1.0,
            norm.ratio_end_error.unwrap(),
            0.03,
        );
        assert!(norm.prediction_error.unwrap() < 0.03, "{case}: {norm:?}");
    }
}

/// The standard recipe's drop by 10: the norm is far above its new equilibrium, and the audit knows from within the phase
/// where that is and how long it takes.
#[test]
fn a_phase_after_a_drop_knows_what_it_lacks() {
    let mut run = Run::new(7, 200, 2.0, 0.0);
    let (csv, _) = log_of(&mut run, &[(0.1, 4000), (0.01, 2000)], STANDARD, 100, 1);
    let found = audit(&csv, STANDARD);
    let [first, second] = &found.findings().phases[..] else {
        panic!("two phases")
    };
    assert_eq!(
        (first.start, first.end, second.start, second.end),
        (0, 4000, 4000, 6000)
    );
    let (first, norm) = (&first.norms[0], &second.norms[0]);
    assert!((second.equilibrium.unwrap().time_constants - 0.4).abs() < 1e-9);
    // From √10 times the new equilibrium: W/W∞ = √(1 + 9e^{−0.4}).
    let expected = (1.0 + 9.0 * (-0.4_f64).exp()).sqrt();
    agrees(
        "ratio",
        norm.ratio_end.unwrap(),
        expected,
        norm.ratio_end_error.unwrap(),
        0.02,
    );
    assert!(norm.ratio_end_error.unwrap() < 0.2);
    // (1 + 0.05)² − 1 = 0.1025 is left of 9e^{−0.4} after 5,000 ln(…) steps more.
    let lacking = 5000.0 * (9.0 * (-0.4_f64).exp() / 0.1025).ln();
    agrees(
        "steps lacking",
        norm.steps_lacking.unwrap(),
        lacking,
        5000.0 * 2.0 * norm.ratio_end_error.unwrap() / expected,
        0.02,
    );
    // The forecast is made of what the phase before showed, and not of this one.
    let forecast = norm.ln_squared_norm_forecast.unwrap() - norm.ln_squared_norm_end;
    assert!(forecast.abs() < 0.02, "{forecast}");
    assert!(first.ln_squared_norm_forecast.is_none());
    let said: Vec<&str> = found
        .findings()
        .advice
        .iter()
        .map(|advice| advice.sentence.as_str())
        .collect();
    assert!(
        said.iter().any(|it| it
            .starts_with("Phase 1 (steps 0 to 3999) lasts 8 time constants of ‖w‖⁴ and ends with")),
        "{said:?}"
    );
    assert!(
        said.iter()
            .any(|it| it.contains("mostly the rate by itself") && it.contains("lacks")),
        "{said:?}"
    );
}

/// A cosine has no phases, and its noise is found all the same.
#[test]
fn a_schedule_that_varies_shows_its_noise() {
    let steps = 5000;
    let mut run = Run::new(11, 150, 2.0, 0.0);
    let mut rows = vec!["step,lr,norm/w".to_owned()];
    for step in 0..=steps {
        let rate =
            0.1 * (1.0 + (std::f64::consts::PI * f64::from(step) / f64::from(steps)).cos()) + 1e-3;
        if step % 10 == 0 {
            rows.push(format!("{step},{rate},{}", run.norm()));
        } else {
            rows.push(format!("{step},{rate},"));
        }
        run.step(rate, STANDARD);
    }
    let found = audit(&rows.join("\n"), STANDARD);
    let phases = &found.findings().phases;
    assert_eq!(phases.len(), 10);
    for phase in phases {
        assert!(!phase.constant);
        let noise = phase.norms[0].gradient_noise.unwrap();
        agrees(
            "noise",
            noise.square,
            149.0,
            noise.standard_error.unwrap(),
            0.03,
        );
    }
}

/// Without weight decay the norm shows the noise, too, and that there is no equilibrium.
#[test]
fn without_decay_there_is_noise_and_no_equilibrium() {
    let mut run = Run::new(13, 120, 4.0, 0.3);
    let (csv, turned) = log_of(&mut run, &[(0.1, 3000)], (0.0, 0.9), 50, 200);
    let found = audit(&csv, (0.0, 0.9));
    let norm = &found.findings().phases[0].norms[0];
    assert_eq!(norm.verdict, NormVerdict::NoEquilibrium);
    assert_eq!((norm.ratio_end, norm.steps_lacking), (None, None));
    let noise = norm.gradient_noise.unwrap();
    agrees(
        "noise",
        noise.square,
        119.0 * 1.27 / 0.73,
        noise.standard_error.unwrap(),
        0.02,
    );
    agrees(
        "rotation",
        norm.rotation_per_step.unwrap(),
        turned,
        0.0,
        0.04,
    );
}

/// Scaling by c and the rate by c² changes nothing of what is found, but the norm and the effective rate.
#[test]
fn findings_know_no_scale() {
    let log = |scale: f64| {
        let mut run = Run::new(17, 30, 2.0, 0.0);
        let (mut csv, mut rows) = ("step,lr,weight_decay,norm/w\n".to_owned(), 0);
        for step in 0..3000 {
            let rate = if step < 1500 { 0.1 } else { 0.05 };
            if step % 50 == 0 {
                csv += &format!(
                    "{step},{},{},{}\n",
                    rate * scale * scale,
                    1e-3 / scale / scale,
                    run.norm() * scale
                );
                rows += 1;
            }
            run.step(rate, (1e-3, 0.9));
        }
        assert_eq!(rows, 60);
        let constants = Constants {
            momentum: Some(0.9),
            ..Constants::default()
        };
        Audit::new(
            Log::parse(&csv, "scaled.csv", &Columns::default(), constants).unwrap(),
            None,
        )
        .unwrap()
    };
    let (one, other) = (log(1.0), log(1e60));
    for (one, other) in one.findings().phases.iter().zip(&other.findings().phases) {
        let (one, other) = (&one.norms[0], &other.norms[0]);
        for (a, b) in [
            (one.ratio_end, other.ratio_end),
            (one.rotation_per_step, other.rotation_per_step),
            (one.steps_lacking, other.steps_lacking),
            (one.prediction_error, other.prediction_error),
            (
                Some(one.gradient_noise.unwrap().square),
                Some(other.gradient_noise.unwrap().square),
            ),
        ] {
            let (a, b) = (a.unwrap(), b.unwrap());
            assert!((a - b).abs() <= 1e-6 * a.abs(), "{a} {b}");
        }
    }
}

/// A weight whose loss is not scale-invariant: the gradient pulls it in.
#[test]
fn a_norm_that_falls_faster_than_decay_is_found_out() {
    let mut run = Run::new(19, 50, 1.0, 0.0);
    let mut csv = "step,lr,norm/hidden,norm/head\n".to_owned();
    for step in 0..2000 {
        if step % 25 == 0 {
            let head = 3.0 * (-1e-3 * f64::from(step)).exp() * (1.0 + 1e-3 * run.normal());
            csv += &format!("{step},0.1,{},{head}\n", run.norm());
        }
        run.step(0.1, STANDARD);
    }
    let found = audit(&csv, STANDARD);
    let norms = &found.findings().phases[0].norms;
    let names: Vec<&str> = norms.iter().map(|norm| norm.layer.as_str()).collect();
    assert_eq!(names, ["all", "hidden", "head"]);
    assert_eq!(
        [norms[1].verdict, norms[2].verdict],
        [NormVerdict::Known, NormVerdict::FellTooFast]
    );
    let advice = found
        .findings()
        .advice
        .iter()
        .find(|advice| advice.layers == ["head"])
        .unwrap();
    assert!(
        advice.sentence.contains("falls faster than weight decay"),
        "{}",
        advice.sentence
    );
}

/// The standard error is one: over many runs the noise is off by about as much as it says.
#[test]
fn errors_are_what_they_say() {
    let (mut sum, mut runs) = (0.0, 0.0);
    for seed in 0..32 {
        let mut run = Run::new(100 + seed, 30, 13.0, 0.0);
        let (csv, _) = log_of(&mut run, &[(0.1, 4000)], STANDARD, 40, 1);
        let found = audit(&csv, STANDARD);
        let norm = &found.findings().phases[0].norms[0];
        // Where chance looks like a drift, a part of the phase speaks for it, chosen for being off.
        if norm.noise_drift.is_none() {
            let noise = norm.gradient_noise.unwrap();
            sum += ((noise.square - 29.0) / noise.standard_error.unwrap()).powi(2);
            runs += 1.0;
        }
    }
    let deviation = (sum / runs).sqrt();
    println!("{deviation} in {runs} runs");
    assert!((0.7..1.3).contains(&deviation), "{deviation}");
}
