//! Linear in the weight and in the input: degrees add; a bias must have the product's degree.

use nn_graph::op::Linear;

use crate::Violation;
use crate::degrees::Context;

pub(super) fn degree(linear: &Linear, context: &Context<'_>) -> Result<i32, Violation> {
    context.offset(context.product(linear.weight)?, linear.bias)
}
