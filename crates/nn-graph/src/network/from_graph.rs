//! Every graph is a network.

use super::{
    AxisSource, Contract, ContractAxis, Extents, Grouped, Network, NetworkBuilder, Normalise,
    Reduce, Reduction, Rule, TensorId, Window,
};
use crate::op::GroupNorm;
use crate::{Graph, Node, Op, ParameterId};

impl From<&Graph> for Network {
    /// Tensors: first the parameters in the graph's order, so that the place of a parameter is its
    /// [`index`](crate::ParameterId::index); then the nodes' results and what is between them.
    fn from(graph: &Graph) -> Self {
        let mut lowering = Lowering {
            net: NetworkBuilder::new(),
            parameters: Vec::new(),
        };
        for parameter in graph.parameters() {
            let extents = parameter.shape.iter().copied().map(Some).collect();
            let id = lowering
                .net
                .parameter(&parameter.name, Some(extents), parameter.trainable);
            lowering.parameters.push(id);
        }
        let mut results: Vec<TensorId> = Vec::with_capacity(graph.nodes().len());
        for node in graph.nodes() {
            let inputs: Vec<TensorId> = node.inputs.iter().map(|id| results[id.index()]).collect();
            results.push(lowering.node(node, &inputs));
        }
        lowering
            .net
            .finish_valid(vec![results[graph.output().index()]])
    }
}

struct Lowering {
    net: NetworkBuilder,
    parameters: Vec<TensorId>,
}

impl Lowering {
    fn node(&mut self, node: &Node, inputs: &[TensorId]) -> TensorId {
        let extents = batched(node.shape.dims());
        let Some(&x) = inputs.first() else {
            return self.net.input(&node.name, Some(extents));
        };
        let simple = |rule| (rule, inputs.to_vec());
        let (rule, inputs) = match &node.op {
            Op::Conv2d(conv) => {
                let rule = Rule::Contract(convolution(conv.padding == 0));
                return self.affine(
                    node,
                    rule,
                    &[x, self.parameter(conv.weight)],
                    None,
                    conv.bias,
                );
            }
            Op::Linear(linear) => {
                let rule = Rule::Contract(Contract {
                    output: vec![ContractAxis::Left(0), ContractAxis::Right(0)],
                    left: vec![1],
                    right: vec![1],
                });
                let weight = self.parameter(linear.weight);
                return self.affine(node, rule, &[x, weight], None, linear.bias);
            }
            Op::BatchNorm(norm) => {
                let rule = Rule::Normalise(Normalise {
                    axes: vec![0, 2, 3],
                    grouped: None,
                    centres: true,
                });
                return self.affine(node, rule, &[x], norm.scale, norm.shift);
            }
            Op::GroupNorm(norm) => {
                let rule = Rule::Normalise(grouped_normalisation(norm, node.shape.channels()));
                return self.affine(node, rule, &[x], norm.scale, norm.shift);
            }
            Op::Relu => simple(Rule::Homogeneous),
            Op::Add => simple(Rule::Add),
            Op::GlobalAveragePool => simple(Rule::Reduce(Reduce {
                axes: vec![2, 3],
                keeps_axes: false,
                by: Reduction::Mean,
            })),
            Op::MaxPool(_) => simple(Rule::Window(Window {
                axes: vec![2, 3],
                // The padding is never the largest.
                keeps_constants: true,
                linear: false,
            })),
            Op::ZeroPadShortcut(_) => simple(Rule::Rearrange(vec![
                AxisSource::Whole(0),
                AxisSource::Padded(1),
                AxisSource::Part(2),
                AxisSource::Part(3),
            ])),
            Op::Input => simple(Rule::Unknown),
        };
        self.push(node, rule, &inputs, extents)
    }

    /// The rule's result, multiplied by a scale and with an offset added, both per channel.
    fn affine(
        &mut self,
        node: &Node,
        rule: Rule,
        inputs: &[TensorId],
        scale: Option<ParameterId>,
        offset: Option<ParameterId>,
    ) -> TensorId {
        let extents = batched(node.shape.dims());
        let mut y = self.push(node, rule, inputs, extents.clone());
        for (parameter, rule) in [(scale, Rule::Multiply), (offset, Rule::Add)] {
            if let Some(parameter) = parameter {
                let along = self.per_channel(node, parameter);
                y = self.push(node, rule, &[y, along], extents.clone());
            }
        }
        y
    }

    /// A parameter `[C]` as it is added to a tensor `[batch, C, …]`.
    fn per_channel(&mut self, node: &Node, parameter: ParameterId) -> TensorId {
        let mut sources = vec![AxisSource::New; node.shape.dims().len() + 1];
        sources[1] = AxisSource::Whole(0);
        let mut extents: Extents = vec![Some(1); sources.len()];
        extents[1] = Some(node.shape.channels());
        let parameter = self.parameter(parameter);
        self.push(node, Rule::Rearrange(sources), &[parameter], extents)
    }

    fn push(&mut self, node: &Node, rule: Rule, inputs: &[TensorId], extents: Extents) -> TensorId {
        self.net
            .push_operation(&node.name, node.op.name(), rule, inputs, Some(extents))
    }

    fn parameter(&self, id: ParameterId) -> TensorId {
        self.parameters[id.index()]
    }
}

/// A shape of one image, with the batch before it.
fn batched(dims: &[usize]) -> Extents {
    std::iter::once(None)
        .chain(dims.iter().copied().map(Some))
        .collect()
}

/// One group is all channels, and a group for each channel is no grouping: both cancel more than groups in between.
fn grouped_normalisation(norm: &GroupNorm, channels: usize) -> Normalise {
    let (axes, grouped) = match norm.groups {
        1 => (vec![1, 2, 3], None),
        groups if groups == channels => (vec![2, 3], None),
        groups => (vec![2, 3], Some(Grouped { axis: 1, groups })),
    };
    Normalise {
        axes,
        grouped,
        centres: true,
    }
}

/// Images `[batch, C, H, W]` with weights `[out, C, k, k]`.
fn convolution(keeps_constants: bool) -> Contract {
    let window = |left| ContractAxis::Window {
        left,
        keeps_constants,
    };
    Contract {
        output: vec![
            ContractAxis::Left(0),
            ContractAxis::Right(0),
            window(2),
            window(3),
        ],
        left: vec![1],
        right: vec![1, 2, 3],
    }
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::*;
    use crate::nets::{Architecture, NetConfig, Normaliser, Shortcut};
    use crate::op::MaxPool;
    use crate::{Affine, Bias, GraphBuilder, Shape};

    /// The rules of layer `name`.
    fn rules(network: &Network, name: &str) -> Vec<Rule> {
        let operations = network.operations().iter();
        operations
            .filter(|operation| operation.layer == name)
            .map(|operation| operation.rule.clone())
            .collect()
    }

    #[test]
    fn groups_of_all_channels_or_of_one_are_none() {
        let mut net = GraphBuilder::new(Shape::new([4, 5, 5])).unwrap();
        let mut x = net.input();
        for (name, groups) in [("layer", 1), ("group", 2), ("instance", 4)] {
            x = net.group_norm(name, x, groups, Affine::None, 0.0).unwrap();
        }
        let pool = MaxPool {
            kernel: 3,
            stride: 2,
            padding: 1,
        };
        x = net.max_pool("pool", x, pool).unwrap();
        let network = Network::from(&net.finish(x).unwrap());
        let normalise = |axes: &[usize], grouped| {
            vec![Rule::Normalise(Normalise {
                axes: axes.to_vec(),
                grouped,
                centres: true,
            })]
        };
        let halves = Grouped { axis: 1, groups: 2 };
        assert_eq!(rules(&network, "layer"), normalise(&[1, 2, 3], None));
        assert_eq!(rules(&network, "group"), normalise(&[2, 3], Some(halves)));
        assert_eq!(rules(&network, "instance"), normalise(&[2, 3], None));
        let maxima = Rule::Window(Window {
            axes: vec![2, 3],
            keeps_constants: true,
            linear: false,
        });
        assert_eq!(rules(&network, "pool"), [maxima]);
    }

    /// Built again through the checks that an importer meets.
    #[test]
    fn what_is_made_of_a_graph_is_valid() {
        for architecture in [Architecture::ResNet, Architecture::PreResNet] {
            for (shortcut, normaliser) in [
                (Shortcut::ZeroPad, Normaliser::Batch),
                (Shortcut::Projection, Normaliser::Group { groups: 4 }),
                (Shortcut::Projection, Normaliser::Layer),
            ] {
                let mut config = NetConfig::new(architecture, 8);
                config.affine = Affine::ScaleAndShift;
                (config.bias, config.shortcut) = (Bias::Trained, shortcut);
                config.normaliser = normaliser;
                let network = Network::from(&config.build().unwrap());
                let mut again = NetworkBuilder::new();
                for tensor in network.tensors() {
                    let extents = tensor.extents.clone();
                    match tensor.source {
                        Source::Operation(place) => {
                            let operation = &network.operations()[place];
                            let (layer, kind) = (&operation.layer, &operation.kind);
                            let rule = operation.rule.clone();
                            again
                                .operation(layer, kind, rule, &operation.inputs, extents)
                                .unwrap();
                        }
                        Source::Parameter { trainable } => {
                            again.parameter(&tensor.name, extents, trainable);
                        }
                        _ => {
                            again.input(&tensor.name, extents);
                        }
                    }
                }
                assert_eq!(again.finish(network.outputs().to_vec()).unwrap(), network);
            }
        }
    }
}
