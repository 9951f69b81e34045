//! `y[o, i, j] = b[o] + Σ_{c,u,v} w[o, c, u, v] · x[c, s·i + u − p, s·j + v − p]`, then perhaps an
//! addition.
//!
//! Direct convolution with 16 output channels in a register ([`gather`]): forward and the gradient
//! of the input are the same computation with other weights; the gradient of the weight
//! is its transpose ([`weight_gradient`]).

#[allow(unsafe_code)]
mod gather;
#[allow(unsafe_code)]
mod weight_gradient;
mod weights;

use nn_engine::EngineError;
use nn_engine::plan::{GradientFlow, Group};
use nn_graph::op::Conv2d;
use nn_graph::{Graph, Op};

use self::gather::{Epilogue, Gather};
use self::weights::WeightShape;
use super::{Compiling, Step, Tensor};
use crate::layout::Layout;
use crate::memory::zeros;
use crate::workspace::{Pass, Scratch};

pub(super) struct ConvStep {
    input: Tensor,
    output: Tensor,
    addend: Option<Tensor>,
    weight: usize,
    bias: Option<usize>,
    shape: WeightShape,
    trained: bool,
    forward: Gather,
    backward: Gather,
    /// Weights as each direction reads them, rewritten whenever they may have changed.
    forward_weights: Vec<f32>,
    backward_weights: Vec<f32>,
    /// Bias filled up to the stored channels.
    bias_lanes: Vec<f32>,
}

impl ConvStep {
    pub(super) fn new(
        context: &Compiling<'_>,
        group: &Group,
        conv: &Conv2d,
    ) -> Result<Self, EngineError> {
        let (input, output) = (context.input(group, 0), context.output(group));
        let weight = context.graph.parameter(conv.weight);
        let shape = WeightShape::new(&weight.shape, conv);
        let forward = Gather::forward(input.layout, output.layout, &shape)?;
        let backward = Gather::backward(input.layout, output.layout, &shape)?;
        Ok(Self {
            input,
            output,
            addend: context.addend(group),
            weight: conv.weight.index(),
            bias: conv.bias.map(|bias| bias.index()),
            trained: weight.trainable,
            forward_weights: zeros(forward.weights())?,
            backward_weights: zeros(backward.weights())?,
            bias_lanes: zeros(output.layout.stored)?,
            shape,
            forward,
            backward,
        })
    }

    /// Sum of the output's gradient over images and positions.
    fn bias_gradient(&self, pass: &mut Pass<'_>, own: usize, bias: usize) {
        let layout = self.output.layout;
        let (gradient, stored) = (&pass.workspace.gradients[own], layout.stored);
        pass.chunks
            .partials(&mut pass.workspace.partial, stored, |images, sums| {
                sums.fill(0.0);
                for image in images {
                    let image = &gradient[image * layout.image()..][..layout.image()];
                    for position in layout.rows(image).flat_map(|row| row.chunks_exact(stored)) {
                        sums.iter_mut()
                            .zip(position)
                            .for_each(|(sum, dy)| *sum += dy);
                    }
                }
            });
        let partials = &pass.workspace.partial[..pass.chunks.count() * stored];
        for (channel, to) in pass.workspace.parameter_gradients[bias]
            .iter_mut()
            .enumerate()
        {
            *to = partials
                .chunks_exact(stored)
                .map(|sums| sums[channel])
                .sum();
        }
    }

    fn input_gradient(&mut self, pass: &mut Pass<'_>, own: usize) {
        if self.input.slot.is_none() {
            return;
        }
        self.shape
            .pack_backward(&pass.parameters[self.weight], &mut self.backward_weights);
        let epilogue = Epilogue {
            bias: None,
            addend: None,
            accumulate: self.input.flow == GradientFlow::Accumulate,
        };
        let (level, weights) = (pass.level, &self.backward_weights);
        pass.map_gradient(&self.input, |workspace, first, target| {
            let gradient = &workspace.gradients[own];
            self.backward
                .run(level, weights, gradient, first, target, epilogue);
        });
    }
}

impl Step for ConvStep {
    fn forward(&mut self, pass: &mut Pass<'_>) {
        self.shape
            .pack_forward(&pass.parameters[self.weight], &mut self.forward_weights);
        if let Some(bias) = self.bias {
            self.bias_lanes[..self.shape.out].copy_from_slice(&pass.parameters[bias]);
        }
        let image = self.output.layout.image();
        let bias = self.bias.map(|_| &self.bias_lanes[..]);
        let (level, weights) = (pass.level, &self.forward_weights);
        pass.map_activation(&self.output, |workspace, first, output| {
            let input = &workspace.activations[self.input.node];
            let addend = self
                .addend
                .map(|addend| &workspace.activations[addend.node][first * image..][..output.len()]);
            let epilogue = Epilogue {
                bias,
                addend,
                accumulate: false,
            };
            self.forward
                .run(level, weights, input, first, output, epilogue);
        });
    }

    fn backward(&mut self, pass: &mut Pass<'_>) {
        let Some(own) = self.output.slot else { return };
        if let Some(bias) = self.bias {
            self.bias_gradient(pass, own, bias);
        }
        if self.trained {
            let workspace = &mut *pass.workspace;
            weight_gradient::run(
                &self.shape,
                pass.level,
                &pass.chunks,
                (self.input.layout, &workspace.activations[self.input.node]),
                (self.output.layout, &workspace.gradients[own]),
                &mut workspace.partial,
                &mut workspace.parameter_gradients[self.weight],
            );
        }
        self.input_gradient(pass, own);
        // The addend's gradient is the output's own; where it is not shared, it is passed on.
        if let Some(addend) = self.addend {
            super::pass_on(pass, own, &addend);
        }
    }

    fn scratch(&self) -> Scratch {
        let bias = self.output.layout.stored;
        Scratch {
            partial: self.shape.stored(self.output.layout.stored).max(bias),
            sums: 0,
        }
    }

    fn bytes(&self) -> usize {
        4 * (self.forward_weights.len() + self.backward_weights.len() + self.bias_lanes.len())
    }
}

/// The halo that every image of the network needs, so that no convolution, forward or backward, reads
/// outside a buffer.
pub(crate) fn halo(graph: &Graph) -> Result<usize, EngineError> {
    let mut halo = 0;
    for node in graph.nodes() {
        let Op::Conv2d(conv) = &node.op else { continue };
        let input = Layout::new(&graph.node(node.inputs[0]).shape, 0);
        let output = Layout::new(&node.shape, 0);
        let shape = WeightShape::new(&graph.parameter(conv.weight).shape, conv);
        for gather in [
            Gather::forward(input, output, &shape)?,
            Gather::backward(input, output, &shape)?,
        ] {
            halo = halo.max(gather.reach());
        }
    }
    Ok(halo)
}
