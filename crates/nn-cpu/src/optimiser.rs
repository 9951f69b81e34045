//! SGD with momentum and coupled weight decay, learning rate outside the buffer.

use nn_engine::GroupHyper;

/// `b ← γ b + g + λ θ`, then `θ ← θ − η b`, elementwise.
pub(crate) fn update(
    parameter: &mut [f32],
    buffer: &mut [f32],
    gradient: &[f32],
    hyper: &GroupHyper,
) {
    let rate = hyper.learning_rate as f32;
    let decay = hyper.weight_decay as f32;
    let momentum = hyper.momentum as f32;
    for ((parameter, buffer), gradient) in parameter.iter_mut().zip(buffer).zip(gradient) {
        *buffer = momentum * *buffer + (gradient + decay * *parameter);
        *parameter -= rate * *buffer;
    }
}
