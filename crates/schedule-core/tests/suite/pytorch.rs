//! The optimisers that the laws speak of are PyTorch's: against steps that PyTorch took in float64
//! (`tests/data/make_pytorch_steps.py`; `cargo xtask peers` compares the stored values with a PyTorch of its own).

use schedule_core::Hyperparameters;
use schedule_core::optimiser::{
    AdamWHyperparameters, AdamWState, NesterovHyperparameters, NesterovState, SgdState,
};
use serde_json::Value;

/// Of a number near 1.
const ROUNDING: f64 = 1e-15;

/// PyTorch takes 1 − βᵗ as it is written, which loses digits where β is near 1.
const ADAMW_ROUNDING: f64 = 1e-13;

fn data() -> Value {
    serde_json::from_str(include_str!("../data/pytorch_steps.json")).unwrap()
}

fn number(of: &Value) -> f64 {
    of.as_f64().unwrap()
}

fn numbers(of: &Value) -> Vec<f64> {
    of.as_array().unwrap().iter().map(number).collect()
}

fn steps<'a>(data: &'a Value, optimiser: &str) -> &'a Vec<Value> {
    let steps = data["optimisers"][optimiser].as_array().unwrap();
    assert_eq!(steps.len(), 8);
    steps
}

fn hyperparameters(step: &Value) -> Hyperparameters {
    Hyperparameters {
        learning_rate: number(&step["lr"]),
        weight_decay: number(&step["weight_decay"]),
        momentum: number(&step["momentum"]),
    }
}

#[track_caller]
fn assert_same(ours: &[f64], theirs: &Value, bound: f64) {
    let theirs = numbers(theirs);
    assert_eq!(ours.len(), theirs.len());
    for (one, other) in ours.iter().zip(&theirs) {
        let close = (one - other).abs() <= bound * (1.0 + other.abs());
        assert!(close, "{ours:?}\nis not PyTorch's\n{theirs:?}");
    }
}

#[test]
fn sgd_is_pytorchs() {
    let data = data();
    let parameters = numbers(&data["initial"]);
    let mut state = SgdState {
        buffer: vec![0.0; parameters.len()],
        parameters,
    };
    for step in steps(&data, "sgd") {
        state = state.stepped(|_| numbers(&step["gradient"]), hyperparameters(step));
        assert_same(&state.parameters, &step["parameters"], ROUNDING);
        assert_same(&state.buffer, &step["momentum_buffer"], ROUNDING);
    }
}

#[test]
fn nesterov_with_gradient_weight_1_is_pytorchs() {
    let data = data();
    let parameters = numbers(&data["initial"]);
    let mut state = NesterovState {
        buffer: vec![0.0; parameters.len()],
        parameters,
    };
    for step in steps(&data, "nesterov") {
        let with = NesterovHyperparameters::pytorch(hyperparameters(step));
        state = state.stepped(|_| numbers(&step["gradient"]), with);
        assert_same(&state.parameters, &step["parameters"], ROUNDING);
        assert_same(&state.buffer, &step["momentum_buffer"], ROUNDING);
    }
}

#[test]
fn adamw_is_pytorchs() {
    let data = data();
    let parameters = numbers(&data["initial"]);
    let mut state = AdamWState {
        first_moment: vec![0.0; parameters.len()],
        second_moment: vec![0.0; parameters.len()],
        parameters,
    };
    for (step, t) in steps(&data, "adamw").iter().zip(0..) {
        let with = AdamWHyperparameters {
            learning_rate: number(&step["lr"]),
            weight_decay: number(&step["weight_decay"]),
            beta1: number(&step["betas"][0]),
            beta2: number(&step["betas"][1]),
            epsilon: number(&step["eps"]),
        };
        state = state.stepped(|_| numbers(&step["gradient"]), &with.coefficients(t));
        assert_same(&state.parameters, &step["parameters"], ADAMW_ROUNDING);
        assert_same(&state.first_moment, &step["exp_avg"], ADAMW_ROUNDING);
        assert_same(&state.second_moment, &step["exp_avg_sq"], ADAMW_ROUNDING);
    }
}
