//! Networks that a rule, too generous, once called invariant.

use nn_graph::network::Rule;
use scale_invariance::Invariance;

use crate::net::{Net, find};

/// `where(condition, bias, 0)` varies with the condition, so that a batch normalisation does not cancel it.
#[test]
fn what_a_gate_chooses_varies_with_its_condition() {
    let mut net = Net::features(4);
    let condition = net.x;
    net.linear("weight", 4);
    let bias = net.parameter("bias", &[4]);
    let extents = net.extents(condition);
    let chosen = net.push("where", Rule::Gate, &[condition, bias], extents);
    net.add("sum", chosen);
    net.norm("norm", &[0]);
    let found = net.inspect();
    assert_eq!(find(&found, "bias").invariance, Invariance::Jointly);
    assert_eq!(find(&found, "bias").group, find(&found, "weight").group);
}
