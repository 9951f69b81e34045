//! The update of one parameter, elementwise: see [`Update`] for the formulas.

use nn_engine::Update;

/// An update's numbers in float32.
#[derive(Clone, Copy)]
struct Rounded {
    rate: f32,
    decay: f32,
    coupled_decay: f32,
    momentum: f32,
    first_weight: f32,
    second_keep: f32,
    second_weight: f32,
    epsilon: f32,
}

impl From<&Update> for Rounded {
    fn from(with: &Update) -> Self {
        Self {
            rate: with.rate as f32,
            decay: with.decay as f32,
            coupled_decay: with.coupled_decay as f32,
            momentum: with.momentum as f32,
            first_weight: with.first_weight as f32,
            second_keep: with.second_keep as f32,
            second_weight: with.second_weight as f32,
            epsilon: with.epsilon as f32,
        }
    }
}

/// With a momentum buffer, weight decay in it.
pub(crate) fn sgd(parameter: &mut [f32], buffer: &mut [f32], gradient: &[f32], with: &Update) {
    let with = Rounded::from(with);
    for ((parameter, buffer), gradient) in parameter.iter_mut().zip(buffer).zip(gradient) {
        *buffer = with.momentum * *buffer + (gradient + with.coupled_decay * *parameter);
        *parameter -= with.rate * *buffer;
    }
}

/// With a momentum buffer, weight decay beside it.
pub(crate) fn sgdw(parameter: &mut [f32], buffer: &mut [f32], gradient: &[f32], with: &Update) {
    let with = Rounded::from(with);
    for ((parameter, buffer), gradient) in parameter.iter_mut().zip(buffer).zip(gradient) {
        *buffer = with.momentum * *buffer + gradient;
        *parameter -= with.decay * *parameter;
        *parameter -= with.rate * *buffer;
    }
}

/// With two moments. Root and quotient are correctly rounded, so that a power of two goes through both.
pub(crate) fn adam(
    parameter: &mut [f32],
    [first, second]: [&mut [f32]; 2],
    gradient: &[f32],
    with: &Update,
) {
    let with = Rounded::from(with);
    let moments = first.iter_mut().zip(second);
    for ((parameter, (m, v)), gradient) in parameter.iter_mut().zip(moments).zip(gradient) {
        *m = with.momentum * *m + with.first_weight * gradient;
        *v = with.second_keep * *v + with.second_weight * (gradient * gradient);
        let direction = *m / (v.sqrt() + with.epsilon);
        let direction = if *m == 0.0 { 0.0 } else { direction };
        *parameter -= with.decay * *parameter;
        *parameter -= with.rate * direction;
    }
}
