//! `c^k a + c^l b` is a multiple of `a + b` for every `a`, `b` only if `k = l`.

use crate::Violation;
use crate::degrees::Context;

pub(super) fn degree(context: &Context<'_>) -> Result<i32, Violation> {
    match *context.inputs {
        [left, right] if left != right => Err(Violation::UnequalDegrees {
            node: context.node.name.clone(),
            left,
            right,
        }),
        _ => Ok(context.input()),
    }
}
