//! The degree rules, one file for each operation.

mod add;
mod batch_norm;
mod conv2d;
mod global_average_pool;
mod linear;
mod relu;
mod zero_pad_shortcut;

use nn_graph::Op;

use crate::Violation;
use crate::degrees::Context;

/// The degree of a node's result.
pub(crate) fn degree(context: &Context<'_>) -> Result<i32, Violation> {
    match &context.node.op {
        // The images do not depend on any parameter.
        Op::Input => Ok(0),
        Op::Conv2d(conv) => conv2d::degree(conv, context),
        Op::Linear(linear) => linear::degree(linear, context),
        Op::BatchNorm(norm) => batch_norm::degree(norm, context),
        Op::Relu => Ok(relu::degree(context)),
        Op::Add => add::degree(context),
        Op::GlobalAveragePool => Ok(global_average_pool::degree(context)),
        Op::ZeroPadShortcut(_) => Ok(zero_pad_shortcut::degree(context)),
        op => Err(Violation::UnknownOp {
            node: context.node.name.clone(),
            op: op.name(),
        }),
    }
}
