//! What follows from hyperparameters alone, against known answers.

use audit::{AdviceKind, Audit, Columns, Constants, Findings, Log};
use schedule_core::{ExactLaw, Hyperparameters};

fn audit(csv: &str, weight_decay: f64, momentum: f64, steps_per_epoch: u64) -> Findings {
    let constants = Constants {
        weight_decay: Some(weight_decay),
        momentum: Some(momentum),
        ..Constants::default()
    };
    let log = Log::parse(csv, "twin.csv", &Columns::default(), constants).unwrap();
    Audit::new(log, Some(steps_per_epoch))
        .unwrap()
        .findings()
        .clone()
}

/// The paper's recipe, of which four lines say everything.
#[test]
fn the_standard_recipe_has_its_known_answers() {
    let (first, second, steps) = (80 * 391, 120 * 391, 200 * 391);
    let csv = format!(
        "step,lr\n0,0.1\n{first},0.01\n{second},0.001\n{},0.001\n",
        steps - 1
    );
    let found = audit(&csv, 5e-4, 0.9, 391);
    let bounds: Vec<(u64, u64)> = found
        .phases
        .iter()
        .map(|phase| (phase.start, phase.end))
        .collect();
    assert_eq!(bounds, [(0, first), (first, second), (second, steps)]);
    assert!((found.twin.ln_learning_rate_end - 26.390_698).abs() < 1e-6);
    assert_eq!(
        (
            found.twin.last_step,
            found.twin.rate_leaves_float32,
            found.twin.ends_because
        ),
        (steps - 1, None, None)
    );
    let (phase, twin) = (&found.phases[0], found.phases[0].twin.unwrap());
    assert_eq!(twin.root, Some(0.999_497_728_367_891_9));
    assert!((twin.growth_per_epoch.unwrap() - 1.481_23).abs() < 1e-5 && twin.real_roots);
    // 1.279, 12.79 and 127.9 epochs, in phases of 80, 40 and 80.
    let lasts: Vec<f64> = found
        .phases
        .iter()
        .map(|phase| phase.equilibrium.unwrap().time_constants)
        .collect();
    for (found, known) in lasts.into_iter().zip([62.56, 3.128, 0.6256]) {
        assert!((found - known).abs() < 1e-3 * known, "{found} {known}");
    }
    assert!((phase.equilibrium.unwrap().rotation_per_step.to_degrees() - 0.4157).abs() < 1e-4);
    let kinds: Vec<(AdviceKind, Option<usize>)> = found
        .advice
        .iter()
        .map(|advice| (advice.kind, advice.phase))
        .collect();
    assert_eq!(
        kinds,
        [(AdviceKind::Log, None), (AdviceKind::NotReached, Some(2))]
    );
}

#[test]
fn a_constant_rate_leaves_float32_where_it_does() {
    let found = audit("step,lr\n5,0.1\n100000,0.1\n", 5e-4, 0.9, 391);
    let with = Hyperparameters {
        learning_rate: 0.1,
        weight_decay: 5e-4,
        momentum: 0.9,
    };
    let mut law = ExactLaw::new();
    let largest = f64::from(f32::MAX).ln();
    let streamed = std::iter::repeat_with(|| law.step(with).unwrap())
        .find(|step| step.ln_learning_rate > largest)
        .unwrap();
    assert!(
        (90_500..90_700).contains(&streamed.step),
        "{}",
        streamed.step
    );
    assert_eq!(found.twin.rate_leaves_float32, Some(streamed.step + 5));
    let said = found
        .advice
        .iter()
        .find(|advice| advice.kind == AdviceKind::Twin)
        .unwrap();
    assert!(said.sentence.contains("texp convert"), "{}", said.sentence);
}

/// Complex roots: the law ends at step 471 of the log, and its phase has no equilibrium.
#[test]
fn above_the_bound_the_twin_ends() {
    let found = audit(
        "step,lr,norm/a\n1000,0.1,1\n1200,0.1,1.2\n2000,0.1,1.1\n",
        5e-4,
        0.99,
        100,
    );
    assert_eq!(found.twin.last_step, 1470);
    let why = found.twin.ends_because.unwrap();
    assert!(
        why.contains("at step 1471 weight decay turns the weights around"),
        "{why}"
    );
    let twin = found.phases[0].twin.unwrap();
    assert!(!twin.real_roots && twin.root.is_none() && found.phases[0].equilibrium.is_none());
    assert!((twin.bound - 2.52e-5).abs() < 1e-7, "{}", twin.bound);
    let kinds: Vec<AdviceKind> = found.advice.iter().map(|advice| advice.kind).collect();
    assert_eq!(kinds, [AdviceKind::BeyondBound, AdviceKind::Twin]);
    // A log that ends before has a twin to its end.
    let found = audit("step,lr\n1000,0.1\n1470,0.1\n", 5e-4, 0.99, 100);
    assert_eq!(
        (found.twin.last_step, found.twin.ends_because),
        (1470, None)
    );
}

/// The twin of a cosine is that of the streaming law, step by step.
#[test]
fn the_twin_of_any_schedule_is_exact() {
    let rate = |step: u64| 0.2 * (1.0 + (step as f64 * 0.01).cos());
    let mut csv = "step,lr\n".to_owned();
    let mut law = ExactLaw::new();
    let mut last = None;
    for step in 0..300 {
        csv += &format!("{step},{}\n", rate(step));
        let with = Hyperparameters {
            learning_rate: rate(step),
            weight_decay: 1e-3,
            momentum: 0.8,
        };
        last = Some(law.step(with).unwrap());
    }
    let (found, last) = (audit(&csv, 1e-3, 0.8, 50), last.unwrap());
    assert!((found.twin.ln_learning_rate_end - last.ln_learning_rate).abs() < 1e-12);
    assert!((found.twin.ln_scale_end + last.ln_scale_after).abs() < 1e-12);
    let bounds: Vec<(u64, u64, bool)> = found
        .phases
        .iter()
        .map(|phase| (phase.start, phase.end, phase.constant))
        .collect();
    assert_eq!(
        bounds,
        [0, 50, 100, 150, 200, 250].map(|start| (start, start + 50, false))
    );
}

/// Programs read these.
#[test]
fn the_keys_of_json_stay() {
    let found = audit(
        "step,lr,norm/a\n0,0.1,1\n100,0.1,1.1\n200,0.1,1.2\n",
        5e-4,
        0.9,
        100,
    );
    let json = serde_json::to_value(found).unwrap();
    let keys = |pointer: &str| -> Vec<&str> {
        let object = json.pointer(pointer).unwrap().as_object().unwrap();
        object.keys().map(String::as_str).collect()
    };
    assert_eq!(
        keys(""),
        [
            "advice",
            "end_step",
            "first_step",
            "phases",
            "rows",
            "steps_per_epoch",
            "twin"
        ]
    );
    assert_eq!(keys("/advice/0"), ["kind", "layers", "phase", "sentence"]);
    assert_eq!(
        keys("/twin"),
        [
            "ends_because",
            "last_step",
            "ln_learning_rate_end",
            "ln_scale_end",
            "rate_leaves_float32"
        ]
    );
    assert_eq!(
        keys("/phases/0"),
        [
            "constant",
            "end",
            "equilibrium",
            "intrinsic_rate",
            "learning_rate",
            "momentum",
            "norms",
            "start",
            "twin",
            "weight_decay",
        ]
    );
    assert_eq!(
        keys("/phases/0/equilibrium"),
        ["rotation_per_step", "time_constant", "time_constants"]
    );
    assert_eq!(
        keys("/phases/0/twin"),
        [
            "bound",
            "growth_per_epoch",
            "growth_per_step_minus_one",
            "ln_learning_rate_end",
            "ln_learning_rate_start",
            "real_roots",
            "root",
        ]
    );
    assert_eq!(
        keys("/phases/0/norms/0"),
        [
            "distance",
            "effective_rate",
            "epochs_lacking",
            "gradient_noise",
            "layer",
            "ln_squared_norm_end",
            "ln_squared_norm_equilibrium",
            "ln_squared_norm_forecast",
            "ln_squared_norm_start",
            "measurements",
            "noise_drift",
            "prediction_error",
            "ratio_end",
            "ratio_end_error",
            "ratio_start",
            "rotation_per_step",
            "steps_lacking",
            "verdict",
        ]
    );
    assert_eq!(
        keys("/phases/0/norms/0/gradient_noise"),
        ["intervals", "square", "standard_error"]
    );
    assert_eq!(json.pointer("/phases/0/norms/0/verdict").unwrap(), "known");
}
