//! `y = a + b`, then perhaps ReLU, where neither operand could take the sum along.

use nn_engine::plan::Group;

use super::{Compiling, Step, Tensor, relu};
use crate::workspace::Pass;

pub(super) struct AddStep {
    operands: [Tensor; 2],
    output: Tensor,
    relu: bool,
}

impl AddStep {
    pub(super) fn new(context: &Compiling<'_>, group: &Group) -> Self {
        Self {
            operands: [context.input(group, 0), context.input(group, 1)],
            output: context.output(group),
            relu: group.relu.is_some(),
        }
    }
}

impl Step for AddStep {
    fn forward(&mut self, pass: &mut Pass<'_>) {
        let image = self.output.layout.image();
        let relu = self.relu;
        pass.map_activation(&self.output, |workspace, first, output| {
            let at = first * image;
            let [a, b] = self
                .operands
                .map(|operand| &workspace.activations[operand.node]);
            for ((y, &a), &b) in output.iter_mut().zip(&a[at..]).zip(&b[at..]) {
                let sum = a + b;
                *y = if relu && sum <= 0.0 { 0.0 } else { sum };
            }
        });
    }

    fn backward(&mut self, pass: &mut Pass<'_>) {
        let Some(slot) = self.output.slot else { return };
        if self.relu {
            relu::mask(pass, &self.output);
        }
        for operand in &self.operands {
            super::pass_on(pass, slot, operand);
        }
    }
}
