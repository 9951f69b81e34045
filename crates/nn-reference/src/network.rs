//! A whole graph: its operations forward in topological order, backward in the reverse order.
//!
//! What is between them, in either direction, is rounded to what the replica's format stores.

use nn_engine::{EngineError, Products};
use nn_graph::op::GroupNorm;
use nn_graph::{Graph, Node, NodeId, Op, ParameterId};

use crate::Tensor;
use crate::op::batch_norm::{self, ChannelStatistics};
use crate::op::{
    add, conv2d, global_average_pool, group_norm, linear, max_pool, relu, zero_pad_shortcut,
};
use crate::replica::Replica;

/// What forward leaves for backward, and for the running statistics.
pub(crate) struct Activations {
    /// Result of each node.
    tensors: Vec<Tensor>,
    /// Statistics each normalisation used, in the order of [`Graph::normalisers`]; those of groups keep none.
    pub(crate) statistics: Vec<ChannelStatistics>,
}

impl Activations {
    /// Result of a node.
    pub(crate) fn of(&self, id: NodeId) -> &Tensor {
        &self.tensors[id.index()]
    }

    /// The network's result, `[N, classes, 1, 1]`.
    pub(crate) fn logits(&self, graph: &Graph) -> &Tensor {
        self.of(graph.output())
    }
}

/// Whether every operation has a loop nest here.
pub(crate) fn check_supported(graph: &Graph) -> Result<(), EngineError> {
    let unknown =
        |node: &&Node| !matches!(node.op, Op::Input) && !Op::NAMES.contains(&node.op.name());
    match graph.nodes().iter().find(unknown) {
        Some(node) => Err(unsupported(node)),
        None => Ok(()),
    }
}

/// Bytes that a training step on this many images keeps at once: results and their gradients, each
/// image's share of a weight gradient, and padded copies of one image.
pub(crate) fn bytes(graph: &Graph, images: usize) -> u128 {
    let of_node = |node: &Node| 2 * node.shape.elements() as u128;
    let results: u128 = graph.nodes().iter().map(of_node).sum();
    let (mut weights, mut padded) = (0, 0);
    for node in graph.nodes() {
        if let Op::Conv2d(conv) = &node.op {
            let input = &graph.node(node.inputs[0]).shape;
            weights = weights.max(graph.parameter(conv.weight).elements() as u128);
            padded = padded.max(conv2d::padded_elements(conv, input));
        }
    }
    8 * (images as u128 * (results + weights) + 2 * padded)
}

/// All results, from images `[N, C, H, W]`. Batch normalisations use the statistics of `running` (one for
/// each normalisation), or those of the batch if there are none.
pub(crate) fn forward(
    graph: &Graph,
    replica: &Replica,
    images: Tensor,
    running: Option<&[ChannelStatistics]>,
) -> Result<Activations, EngineError> {
    let parameter = |id: ParameterId| &replica.parameters[id.index()];
    let mut done = Activations {
        tensors: vec![stored(replica.products, images)],
        statistics: Vec::new(),
    };
    // The first node is the input, which is done.
    for node in &graph.nodes()[1..] {
        let result = match (&node.op, &node.inputs[..]) {
            (Op::Conv2d(conv), &[x]) => {
                let bias = conv.bias.map(parameter);
                let products = replica.products;
                conv2d::forward(conv, products, done.of(x), parameter(conv.weight), bias)
            }
            (Op::Linear(op), &[x]) => {
                linear::forward(done.of(x), parameter(op.weight), op.bias.map(parameter))
            }
            (Op::BatchNorm(norm), &[x]) => {
                let normaliser = done.statistics.len();
                let statistics = match running {
                    Some(running) => running[normaliser].clone(),
                    None => ChannelStatistics::of(done.of(x)),
                };
                let (scale, shift) = (norm.scale.map(parameter), norm.shift.map(parameter));
                let epsilon = replica.epsilons[normaliser];
                let y = batch_norm::forward(done.of(x), &statistics, epsilon, scale, shift);
                done.statistics.push(statistics);
                y
            }
            (Op::GroupNorm(norm), &[x]) => {
                let (scale, shift) = (norm.scale.map(parameter), norm.shift.map(parameter));
                let norm = at_scale(norm, replica.epsilons[done.statistics.len()]);
                done.statistics.push(ChannelStatistics::none());
                group_norm::forward(&norm, done.of(x), scale, shift)
            }
            (Op::Relu, &[x]) => relu::forward(done.of(x)),
            (Op::Add, &[a, b]) => add::forward(done.of(a), done.of(b)),
            (Op::GlobalAveragePool, &[x]) => global_average_pool::forward(done.of(x)),
            (Op::MaxPool(pool), &[x]) => max_pool::forward(pool, done.of(x)),
            (Op::ZeroPadShortcut(op), &[x]) => zero_pad_shortcut::forward(op, done.of(x)),
            _ => return Err(unsupported(node)),
        };
        done.tensors.push(stored(replica.products, result));
    }
    Ok(done)
}

/// A tensor as the format stores it.
fn stored(products: Products, mut tensor: Tensor) -> Tensor {
    match products {
        Products::Full | Products::Tf32x3 | Products::Tf32 => {}
        Products::Bf16 => tensor.par_mapv_inplace(|value| products.store(value)),
    }
    tensor
}

/// Gradient of the loss by each parameter, from its gradient by the logits. `done` is what a forward
/// pass with the batch's statistics left.
pub(crate) fn backward(
    graph: &Graph,
    replica: &Replica,
    done: &Activations,
    logits: Tensor,
) -> Result<Vec<Tensor>, EngineError> {
    let zeros = |parameter: &Tensor| Tensor::zeros(parameter.dim());
    let mut sums = Sums {
        products: replica.products,
        activations: vec![None; graph.nodes().len()],
        parameters: replica.parameters.iter().map(zeros).collect(),
    };
    sums.add(graph.output(), logits);
    let mut normaliser = done.statistics.len();
    for id in graph.node_ids().rev() {
        let node = graph.node(id);
        if let Op::Input = node.op {
            continue;
        }
        if let Op::BatchNorm(_) | Op::GroupNorm(_) = node.op {
            normaliser -= 1;
        }
        // A tensor that nothing reads has no gradient.
        if let Some(g) = sums.activations[id.index()].take() {
            node_backward(node, replica, done, normaliser, g, &mut sums)?;
        }
    }
    Ok(sums.parameters)
}

/// Gradients so far: a tensor read twice gets the sum of both readers' gradients, stored after each.
struct Sums {
    products: Products,
    activations: Vec<Option<Tensor>>,
    parameters: Vec<Tensor>,
}

impl Sums {
    fn add(&mut self, id: NodeId, gradient: Tensor) {
        let sum = &mut self.activations[id.index()];
        let gradient = match sum.take() {
            Some(before) => before + gradient,
            None => gradient,
        };
        *sum = Some(stored(self.products, gradient));
    }

    fn add_parameter(&mut self, id: Option<ParameterId>, gradient: &Tensor) {
        if let Some(id) = id {
            self.parameters[id.index()] += gradient;
        }
    }
}

/// One node: from `g`, the gradient of its result, to those of its inputs and parameters.
fn node_backward(
    node: &Node,
    replica: &Replica,
    done: &Activations,
    normaliser: usize,
    g: Tensor,
    sums: &mut Sums,
) -> Result<(), EngineError> {
    let parameters = &replica.parameters;
    match (&node.op, &node.inputs[..]) {
        (Op::Conv2d(conv), &[x]) => {
            let weight = &parameters[conv.weight.index()];
            let gradients = conv2d::backward(conv, replica.products, done.of(x), weight, &g);
            sums.add_parameter(Some(conv.weight), &gradients.weight);
            sums.add_parameter(conv.bias, &gradients.bias);
            sums.add(x, gradients.input);
        }
        (Op::Linear(op), &[x]) => {
            let gradients = linear::backward(done.of(x), &parameters[op.weight.index()], &g);
            sums.add_parameter(Some(op.weight), &gradients.weight);
            sums.add_parameter(op.bias, &gradients.bias);
            sums.add(x, gradients.input);
        }
        (Op::BatchNorm(norm), &[x]) => {
            let scale = norm.scale.map(|id| &parameters[id.index()]);
            let (statistics, epsilon) =
                (&done.statistics[normaliser], replica.epsilons[normaliser]);
            let gradients = batch_norm::backward(done.of(x), statistics, epsilon, scale, &g);
            sums.add_parameter(norm.scale, &gradients.scale);
            sums.add_parameter(norm.shift, &gradients.shift);
            sums.add(x, gradients.input);
        }
        (Op::GroupNorm(norm), &[x]) => {
            let scale = norm.scale.map(|id| &parameters[id.index()]);
            let norm = at_scale(norm, replica.epsilons[normaliser]);
            let gradients = group_norm::backward(&norm, done.of(x), scale, &g);
            sums.add_parameter(norm.scale, &gradients.scale);
            sums.add_parameter(norm.shift, &gradients.shift);
            sums.add(x, gradients.input);
        }
        (Op::Relu, &[x]) => sums.add(x, relu::backward(done.of(x), &g)),
        (Op::Add, &[a, b]) => {
            let (by_a, by_b) = add::backward(&g);
            sums.add(a, by_a);
            sums.add(b, by_b);
        }
        (Op::GlobalAveragePool, &[x]) => {
            sums.add(x, global_average_pool::backward(done.of(x).dim(), &g));
        }
        (Op::MaxPool(pool), &[x]) => sums.add(x, max_pool::backward(pool, done.of(x), &g)),
        (Op::ZeroPadShortcut(op), &[x]) => {
            sums.add(x, zero_pad_shortcut::backward(op, done.of(x).dim(), &g));
        }
        _ => return Err(unsupported(node)),
    }
    Ok(())
}

/// The normalisation with a replica's `ε`.
fn at_scale(norm: &GroupNorm, epsilon: f64) -> GroupNorm {
    GroupNorm {
        epsilon,
        ..norm.clone()
    }
}

fn unsupported(node: &Node) -> EngineError {
    EngineError::Unsupported {
        engine: "nn-reference",
        node: node.name.clone(),
        op: node.op.name(),
        why: "it has no loop nest for this operation".into(),
    }
}

#[cfg(test)]
mod tests;
