//! Values at the edge of what a law is for.

use schedule_core::{ConstantPhase, Hyperparameters, Schedule, Texp};

const SGD: Hyperparameters = Hyperparameters {
    learning_rate: 0.1,
    weight_decay: 5e-4,
    momentum: 0.9,
};

/// 0/0 was 0, which kills the momentum at each drop.
#[test]
fn a_drop_without_weight_decay_keeps_its_momentum() {
    let free = Hyperparameters {
        weight_decay: 0.0,
        ..SGD
    };
    let dropped = Hyperparameters {
        learning_rate: 0.01,
        ..free
    };
    let phase = |with| ConstantPhase::new(with).unwrap();
    let (decayed, free, dropped) = (phase(SGD), phase(free), phase(dropped));
    assert_eq!(dropped.boundary_momentum(&free), Some(0.9));
    assert_eq!(decayed.boundary_momentum(&decayed), Some(0.9));
    assert_eq!(free.boundary_momentum(&decayed), Some(0.0));
    assert_eq!(decayed.boundary_momentum(&free), None);

    let constant = |value| Schedule::constant(value).unwrap();
    let rates = Schedule::step_decay(0.1, 0.1, &[10]).unwrap();
    let recipe = schedule_core::Recipe::new(rates, constant(0.0), constant(0.9)).unwrap();
    assert_eq!(Texp::new(&recipe).unwrap().boundary_momentum(10), Some(0.9));
}
