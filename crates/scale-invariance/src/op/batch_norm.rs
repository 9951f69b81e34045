//! `(x − μ)/σ` has degree 0 whatever the degree of `x`; then scale and shift act.
//!
//! A shift without a scale of the same exponent breaks the rule: the paper's "β only".

use nn_graph::op::BatchNorm;

use crate::Violation;
use crate::degrees::Context;

pub(super) fn degree(norm: &BatchNorm, context: &Context<'_>) -> Result<i32, Violation> {
    let scaled = norm.scale.map_or(0, |id| context.exponent(id));
    context.offset(scaled, norm.shift)
}
