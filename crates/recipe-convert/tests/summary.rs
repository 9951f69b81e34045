//! The summary, in numbers and words.

mod common;

use common::{PAPER, parse};
use recipe_convert::{Conversion, Optimizer, Summary, Target, Warning};
use schedule_core::renormalisation::FloatFormat;

fn summary(text: &str, target: Target) -> Summary {
    let file = parse(text).unwrap();
    Conversion::new(&file, target).unwrap().summary().clone()
}

fn constant(epochs: u64, lr: f64, decay: f64, momentum: f64) -> String {
    format!(
        "steps_per_epoch = 391\nepochs = {epochs}\n\
         optimizer = {{ kind = \"sgd\", momentum = {momentum}, weight_decay = {decay:?} }}\n\
         schedule = {{ kind = \"constant\", lr = {lr} }}\n"
    )
}

#[test]
fn the_papers_recipe() {
    let exact = summary(PAPER, Target::WdFree);
    assert!((exact.ln_lr_exp_last - 26.390_698).abs() < 5e-7);
    assert_eq!(exact.above_exact, None);
    let growth: Vec<f64> = exact
        .phases
        .iter()
        .map(|phase| phase.ln_growth.unwrap())
        .collect();
    assert!(((391.0 * growth[0]).exp() - 1.481_23).abs() < 5e-6);
    assert_eq!(
        exact
            .phases
            .iter()
            .map(|phase| phase.start)
            .collect::<Vec<_>>(),
        [0, 31_280, 46_920]
    );
    let tapered = summary(PAPER, Target::Tapered);
    assert!((tapered.above_exact.unwrap() - 0.009_107).abs() < 1e-6);
    assert_eq!(
        tapered.to_string(),
        "TEXP, the tapered exponential twin without weight decay: 78200 steps, 200 epochs of 391\n  \
         from step 0 (epoch 0), rate 0.1, weight decay 0.0005, momentum 0.9: grows by a factor of \
         1 + 1.005301e-3 a step, 1.481233 an epoch\n\
         \u{20}   equilibrium: takes 9.87 epochs of its 80; |w|⁴ nears it by a factor of e in 1.28; there the \
         effective rate lr/|w|² is 0.00316/σ, with gradients of size σ at |w| = 1, and the direction turns by \
         0.416° a step\n  \
         from step 31280 (epoch 80), rate 0.01, weight decay 0.0005, momentum 0.9: grows by a factor of \
         1 + 1.000526e-4 a step, 1.039894 an epoch\n\
         \u{20}   equilibrium: takes 98.7 epochs of its 40; |w|⁴ nears it by a factor of e in 12.8; there the \
         effective rate lr/|w|² is 0.001/σ, with gradients of size σ at |w| = 1, and the direction turns by \
         0.131° a step\n  \
         from step 46920 (epoch 120), rate 0.001, weight decay 0.0005, momentum 0.9: grows by a factor of \
         1 + 1.000053e-5 a step, 1.003918 an epoch\n\
         \u{20}   equilibrium: takes 987 epochs of its 80; |w|⁴ nears it by a factor of e in 128; there the \
         effective rate lr/|w|² is 0.000316/σ, with gradients of size σ at |w| = 1, and the direction turns by \
         0.0416° a step\n  \
         on average: grows by a factor of 1 + 4.260187e-4 a step, 1.181208 an epoch\n  \
         learning rate: 0.1001 (ln -2.302083) at step 0, 2.919e11 (ln 26.399805) at step 78199\n  \
         the last ln is 0.009108 above that of the exact twin\n  \
         parameters: at the end 1.709e7 times those of the recipe\n  \
         the rate leaves float16 at step 13329, and stays within float32\n\
         \u{20} rate, norms and variances (near 1 in the recipe's run, of degree 2) stay within float32 without \
         rescaling\n\
         \u{20} rate, norms and variances (near 1 in the recipe's run, of degree 2) stay within float16 if rescaled \
         6 times, first by 2^-4 before step 5518\n\
         warning: the phase from step 31280 has 15640 steps, and its equilibrium takes 38588: at its end the \
         effective rate is still on its way\n\
         warning: the phase from step 46920 has 31280 steps, and its equilibrium takes 385884: at its end the \
         effective rate is still on its way\n"
    );
}

/// Known answer of the theory: at constant η = 0.1, λ = 5e-4, γ = 0.9 the rate leaves float32 at step
/// 90,600.
#[test]
fn overflows() {
    let text = constant(300, 0.1, 5e-4, 0.9);
    let found = summary(&text, Target::WdFree).overflows;
    assert_eq!(found[1], (FloatFormat::F32, Some(90_600)));
    assert_eq!(found[2], (FloatFormat::F64, None));
    assert!(summary(&text, Target::WdFree).to_string().contains(
        "the rate leaves float16 at step 13338, float32 at step 90600, and stays within float64\n"
    ));
    let text = constant(1, 0.1, 0.0, 0.9);
    assert!(
        summary(&text, Target::WdFree)
            .to_string()
            .contains("the rate stays within float16\n")
    );
    let text = constant(1000, 0.5, 0.01, 0.5);
    let words = summary(&text, Target::WdFree).to_string();
    assert!(words.contains(", float64 at step"), "{words}");
}

/// Known answer of the theory: γ = 0.99 has no twin from step 471 on; one epoch is short enough.
#[test]
fn warnings() {
    let words = |text: &str| summary(text, Target::WdFree).to_string();
    let found = summary(&constant(1, 0.1, 5e-4, 0.99), Target::WdFree);
    let [Warning::ComplexRoots { step: 0, .. }] = found.warnings[..] else {
        panic!("{:?}", found.warnings);
    };
    assert!(found.to_string().ends_with(
        "warning: from step 0 on, learning rate times weight decay is 5.000e-5, above (1 − √momentum)² = \
         2.513e-5: the twin exists for finitely many such steps only\n"
    ));
    assert!(
        found
            .to_string()
            .contains("momentum 0.99: no constant growth\n")
    );

    assert!(words(&constant(1, 1.0, 0.95, 0.0)).ends_with(
        "warning: at step 0 weight decay leaves only a_t = 5.000e-2 of the parameters, close to the 0 at \
         which there is no twin; lower the learning rate or the weight decay\n"
    ));

    let head = "steps_per_epoch = 10\nepochs = 10\n\
        optimizer = { kind = \"sgd\", momentum = 0.9, weight_decay = 5e-4 }\n";
    let text = format!("{head}schedule = {{ kind = \"cosine\", lr = 0.1, epochs = 9 }}\n");
    assert!(words(&text).ends_with(
        "warning: the learning rate is 0 from step 90 to the end, so these steps train nothing\n"
    ));
    assert!(words(&text).contains(", 0 at step 99\n"));
    // It falls to 0 at step 100, which is not trained.
    let text = format!("{head}schedule = {{ kind = \"cosine\", lr = 0.1 }}\n");
    assert!(!words(&text).contains("warning"));

    let text = format!("{head}schedule = {{ kind = \"csv\", file = \"table.csv\" }}\n");
    assert!(words(&text).contains(
        "warning: the table of the learning rate has 3 values, fewer than there are steps; the last one is \
         held\n"
    ));
}

/// What `rows` would leave out must be an error before.
#[test]
fn a_conversion_that_ends_early_is_refused_at_once() {
    let file = parse(&constant(2, 0.1, 5e-4, 0.99)).unwrap();
    let error = Conversion::new(&file, Target::WdFree)
        .unwrap_err()
        .to_string();
    assert!(
        error
            .starts_with("r.toml, line 3, column 61: step 471 has no weight-decay-free equivalent"),
        "{error}"
    );
}

/// Known answers: γ r_t/(a_t a_{t−1}) at a jump of the rate; and a decay that is kept has no growth of its own.
#[test]
fn of_other_targets() {
    let jump = PAPER.replace("factor = 0.1", "factor = 3.0");
    let found = summary(&jump, Target::SgdLrInside);
    let [Warning::MomentumNotBelowOne { step, momentum }] = found.warnings[..] else {
        panic!("{:?}", found.warnings);
    };
    assert_eq!(step, 46_920);
    assert!((momentum / 2.7 - 1.0).abs() < 0.01);
    assert!(
        found
            .to_string()
            .contains("warning: at step 46920 the twin's momentum is 2.7")
    );

    let kept = format!("{PAPER}[target]\nweight_decay = 1e-4\n");
    let found = summary(&kept, Target::WeightDecay);
    assert!(found.phases.iter().all(|phase| phase.ln_growth.is_none()));
    assert_eq!(found.above_exact, None);
    let words = found.to_string();
    assert!(
        words.starts_with("exact twin with another weight decay: 78200 steps"),
        "{words}"
    );

    let found = summary(PAPER, Target::TaperedNoDrop);
    assert!((found.above_exact.unwrap() - 100f64.ln() - 0.009_107).abs() < 1e-6);
}

/// Known answers of schedule-core's documentation: τ = (1−γ)/(4ηλ) = 500 steps, turning by 0.4157° a step;
/// variances of degree 2 leave float32 at step 44,158.
#[test]
fn equilibrium_and_renormalisation() {
    let found = summary(PAPER, Target::WdFree);
    let first = found.phases[0].equilibrium.unwrap();
    assert!((first.time_constant - 500.0).abs() < 1e-9);
    assert!((first.rotation.to_degrees() - 0.4157).abs() < 1e-4);
    assert!((first.effective_rate - 1e-5f64.sqrt()).abs() < 1e-15);
    // By hand: W² − 1 falls from 9 to 1.002² − 1 with τ = 5000; the old equilibrium is √10 times the new one.
    let second = found.phases[1].equilibrium.unwrap();
    assert!((second.steps_needed - 5_000.0 * (9.0 / 0.004_004f64).ln()).abs() < 1e-6);
    let [
        Warning::NoEquilibrium {
            step: 31_280,
            steps: 15_640,
            ..
        },
        Warning::NoEquilibrium {
            step: 46_920,
            steps: 31_280,
            ..
        },
    ] = found.warnings[..]
    else {
        panic!("{:?}", found.warnings);
    };
    // The paper's "about 70 epochs", of a rate that stays and a decay that falls.
    let no_drop = summary(PAPER, Target::TaperedNoDrop);
    let needed = no_drop.phases[1].equilibrium.unwrap().steps_needed / 391.0;
    assert_eq!(needed.round(), 69.0);
    assert!(no_drop.to_string().contains(
        "warning: the phase from step 46920 has 31280 steps, and its equilibrium takes 270855: at its end the \
         effective rate is still on its way\n"
    ));

    let text = constant(256, 0.1, 5e-4, 0.9);
    let found = summary(&text, Target::WdFree);
    let [in_f32, in_f16] = &found.renormalisation[..] else {
        panic!("{:?}", found.renormalisation);
    };
    let due = in_f32.first.unwrap();
    assert_eq!((in_f32.format, in_f32.count), (FloatFormat::F32, 2));
    assert_eq!((due.step, due.exponent), (44_158, 32));
    assert_eq!((in_f16.format, in_f16.failure), (FloatFormat::F16, None));
    assert!(
        found.to_string().contains(
            "stay within float32 if rescaled 2 times, first by 2^-32 before step 44158\n"
        )
    );
    // A rate of 1e-5 is below float16's normal numbers, but no trainer holds it in them.
    let small = summary(&constant(1, 1e-5, 5e-4, 0.9), Target::WdFree);
    assert_eq!(small.renormalisation[1].failure, None);
}

/// Known answer, the warm-up and the decay being straight lines: ln A = Σ ln(1 − ηλ) ≈ −λ Σ η, and Σ η is
/// 3e-3 · (1000/2 + 15000 + 4000/2) steps.
#[test]
fn the_example_of_adamw() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../recipes/adamw.toml");
    let file = parse(&std::fs::read_to_string(folder).unwrap()).unwrap();
    assert_eq!((file.steps(), file.optimizer()), (20_000, Optimizer::AdamW));
    let twin = Conversion::new(&file, Target::WdFree).unwrap();
    let ln_scale = twin.summary().ln_scale_last;
    assert!(
        (ln_scale + 0.1 * 3e-3 * 17_500.0).abs() < 2e-3,
        "{ln_scale}"
    );
    assert_eq!(twin.summary().warnings, []);
}
