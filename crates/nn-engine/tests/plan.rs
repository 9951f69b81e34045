//! Laws of the plan: every node in one group, gradients complete, memory shared only when free.

use std::collections::{HashMap, HashSet};

use nn_engine::plan::{GradientFlow, Plan};
use nn_graph::nets::{Architecture, NetConfig, Normaliser, Shortcut};
use nn_graph::{Affine, Bias, ConvSpec, Graph, GraphBuilder, NodeId, Op, Shape, Training};
use proptest::prelude::*;

fn graphs() -> impl Strategy<Value = Graph> {
    (
        1usize..4,
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(n, pre, affine, project, head, grouped)| {
            let architecture = if pre {
                Architecture::PreResNet
            } else {
                Architecture::ResNet
            };
            let mut config = NetConfig::new(architecture, 6 * n + 2);
            config.width = 4;
            config.input = [3, 9, 7];
            if grouped {
                config.normaliser = Normaliser::Group { groups: 2 };
            }
            config.affine = if affine {
                Affine::ScaleAndShift
            } else {
                Affine::None
            };
            config.shortcut = if project {
                Shortcut::Projection
            } else {
                Shortcut::ZeroPad
            };
            config.head = if head {
                Training::Trained
            } else {
                Training::Fixed
            };
            config.build().unwrap()
        })
}

/// Runs the backward pass on sets of contributions instead of numbers: each gradient buffer holds
/// the readers whose contributions it has received.
fn simulate_backward(graph: &Graph, plan: &Plan) -> HashMap<NodeId, HashSet<NodeId>> {
    let mut memory: Vec<HashSet<NodeId>> = vec![HashSet::new(); plan.gradient_slots().len()];
    let mut received = HashMap::new();
    for group in plan.groups().iter().rev() {
        let Some(own) = plan.gradient_slot(group.output) else {
            continue;
        };
        received.insert(group.output, memory[own].clone());
        for (&input, &flow) in group.inputs.iter().zip(&group.gradients) {
            let contribution = HashSet::from([group.head]);
            match flow {
                GradientFlow::None => {}
                GradientFlow::Write | GradientFlow::Share => {
                    let slot = plan.gradient_slot(input).unwrap();
                    assert_eq!(flow == GradientFlow::Share, slot == own);
                    memory[slot] = contribution;
                }
                GradientFlow::Accumulate => {
                    memory[plan.gradient_slot(input).unwrap()].extend(contribution);
                }
            }
        }
    }
    assert_eq!(received.get(&graph.output()), Some(&HashSet::new()));
    received
}

proptest! {
    #[test]
    fn every_node_belongs_to_one_group(graph in graphs()) {
        let plan = Plan::compile(&graph);
        let mut seen = HashSet::new();
        for group in plan.groups() {
            for id in [Some(group.head), group.add, group.relu].into_iter().flatten() {
                prop_assert!(seen.insert(id), "{} twice", graph.node(id).name);
            }
        }
        prop_assert_eq!(seen.len(), graph.nodes().len() - 1);
    }

    #[test]
    fn every_gradient_receives_all_its_contributions_and_no_other(graph in graphs()) {
        let plan = Plan::compile(&graph);
        let received = simulate_backward(&graph, &plan);
        for group in plan.groups() {
            let readers: HashSet<NodeId> =
                plan.groups().iter().filter(|g| g.inputs.contains(&group.output)).map(|g| g.head).collect();
            prop_assert_eq!(received.get(&group.output), Some(&readers), "{}", graph.node(group.output).name);
        }
    }

    #[test]
    fn buffers_hold_one_shape(graph in graphs()) {
        let plan = Plan::compile(&graph);
        for group in plan.groups() {
            if let Some(slot) = plan.gradient_slot(group.output) {
                let holder = graph.node(plan.gradient_slots()[slot]);
                prop_assert_eq!(&holder.shape, &graph.node(group.output).shape);
            }
        }
    }
}

#[test]
fn training_costs_three_forward_passes_less_the_images_gradient() {
    let graph = NetConfig::new(Architecture::PreResNet, 32).build().unwrap();
    let first = graph
        .nodes()
        .iter()
        .find(|node| matches!(node.op, Op::Conv2d(_)))
        .unwrap();
    let first = first.op.multiply_adds(graph.parameters(), &first.shape) as u64;
    let head = 640;
    // The head is fixed: no gradient of its weight either.
    let expected = 2 * (3 * graph.multiply_adds() as u64 - first - head);
    assert_eq!(Plan::compile(&graph).cost().flops, expected);
}

#[test]
fn the_cost_of_the_largest_convolution_is_a_number() {
    let spec = |kernel, stride, padding| ConvSpec {
        channels: 1,
        kernel,
        stride,
        padding,
        bias: Bias::None,
    };
    let mut net = GraphBuilder::new(Shape::new([1, 1, 1])).unwrap();
    let x = net.conv2d("one", net.input(), spec(1, 1, 0)).unwrap();
    let x = net.conv2d("large", x, spec(46_340, 45, 1 << 20)).unwrap();
    let graph = net.finish(x).unwrap();
    assert_eq!(Plan::compile(&graph).cost().flops, u64::MAX);
}
