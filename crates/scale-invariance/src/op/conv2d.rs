//! Linear in the weight and in the input: degrees add. Padding with zeros does not disturb that.
//!
//! A bias must have the product's degree, even before a batch normalisation that cancels it: the paper's
//! rule, sufficient and not necessary.

use nn_graph::op::Conv2d;

use crate::Violation;
use crate::degrees::Context;

pub(super) fn degree(conv: &Conv2d, context: &Context<'_>) -> Result<i32, Violation> {
    context.offset(context.product(conv.weight)?, conv.bias)
}
