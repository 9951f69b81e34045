//! Laws of the plan: every node in one group, gradients complete, memory shared only when free.

use std::collections::{HashMap, HashSet};

use nn_engine::plan::{By, GradientFlow, Group, Plan};
use nn_engine::strategies::{network, seeded};
use nn_graph::nets::{Architecture, NetConfig, Normaliser, Shortcut};
use nn_graph::{Affine, Bias, ConvSpec, Graph, GraphBuilder, NodeId, Op, Shape, Training};
use proptest::prelude::*;

/// Residual networks as the experiments train them, and networks of random topology.
fn graphs() -> impl Strategy<Value = Graph> {
    prop_oneof![
        1 => residual_networks(),
        4 => network().prop_map(|network| network.graph().unwrap()),
    ]
}

fn residual_networks() -> impl Strategy<Value = Graph> {
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

/// Nodes from which the output follows, with something trained at or behind them: those that need a gradient.
fn need_gradient(graph: &Graph) -> HashSet<NodeId> {
    let trained = |id: NodeId| {
        let mut parameters = graph.node(id).op.parameters().into_iter();
        parameters.any(|id| graph.parameter(id).trainable)
    };
    let mut behind = vec![graph.output()];
    let mut leads = HashSet::new();
    while let Some(id) = behind.pop() {
        if leads.insert(id) {
            behind.extend(&graph.node(id).inputs);
        }
    }
    let mut need = HashSet::new();
    for id in graph.node_ids().filter(|id| leads.contains(id)) {
        if trained(id) || graph.node(id).inputs.iter().any(|id| need.contains(id)) {
            need.insert(id);
        }
    }
    need
}

/// Heads of the groups that contributed to a gradient, once for each contribution.
type Contributions = Vec<NodeId>;

/// Runs the backward pass on lists of contributions instead of numbers: each gradient buffer holds
/// the readers whose contributions it has received, and for whom.
fn simulate_backward(graph: &Graph, plan: &Plan) -> HashMap<NodeId, Contributions> {
    let none = (graph.output(), Contributions::new());
    let mut memory = vec![none; plan.gradient_slots().len()];
    let mut received = HashMap::new();
    // How often each buffer has changed, and had when a normalisation left its input's gradient.
    let mut changes = vec![0; plan.gradient_slots().len()];
    let mut at_leaving = HashMap::new();
    for (index, group) in plan.groups().iter().enumerate().rev() {
        let own = plan.gradient_slot(group.output);
        let pending = plan.pending(index).map(|from| &plan.groups()[from]);
        assert_eq!(group.trains, own.is_some() || pending.is_some());
        if !group.trains {
            continue;
        }
        // What lies in the group's own buffer is its own.
        let held = own.map(|own| memory[own].clone());
        let mut contributions = Contributions::new();
        if pending.is_none_or(|from| from.gradients[0] == GradientFlow::Accumulate) {
            let (holder, held) = held.unwrap();
            assert_eq!(holder, group.output);
            contributions.extend(held);
        }
        if let Some(from) = pending {
            // The gradient that the normalisation leaves has not been overwritten, nor is it while the group reads it and
            // writes its own input's gradient.
            let left = plan.gradient_slot(from.output).unwrap();
            assert_eq!(at_leaving[&from.output], changes[left]);
            let flows = group.gradients[0] != GradientFlow::None;
            assert!(!flows || plan.gradient_slot(group.inputs[0]) != Some(left));
            contributions.push(from.head);
            if let Some(own) = own {
                memory[own] = (group.output, contributions.clone());
                changes[own] += 1;
            }
        }
        contributions.sort();
        received.insert(group.output, contributions);
        let left = group
            .phases
            .is_some_and(|phases| phases.input_gradient != By::Itself);
        for (position, (&input, &flow)) in group.inputs.iter().zip(&group.gradients).enumerate() {
            if left && position == 0 {
                continue;
            }
            let contribution = vec![group.head];
            // What is handed on to the other operand of an addition exists.
            let handed_on = group.add.is_some() && position == group.inputs.len() - 1;
            assert!(!handed_on || flow == GradientFlow::None || own.is_some());
            let slot = plan.gradient_slot(input);
            match flow {
                GradientFlow::None => {}
                GradientFlow::Write | GradientFlow::Share => {
                    assert_eq!(flow == GradientFlow::Share, slot == own);
                    memory[slot.unwrap()] = (input, contribution);
                    // What is shared is the same numbers.
                    changes[slot.unwrap()] += usize::from(flow == GradientFlow::Write);
                }
                GradientFlow::Accumulate => {
                    let (holder, held) = &mut memory[slot.unwrap()];
                    assert_eq!(*holder, input);
                    held.extend(contribution);
                    changes[slot.unwrap()] += 1;
                }
            }
        }
        at_leaving.extend(own.filter(|_| left).map(|own| (group.output, changes[own])));
    }
    received
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8192, ..seeded() })]

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
        let (received, need) = (simulate_backward(&graph, &plan), need_gradient(&graph));
        for group in plan.groups() {
            let reads = |reader: &Group| {
                let times = reader.inputs.iter().filter(|&&input| input == group.output).count();
                std::iter::repeat_n(reader.head, times)
            };
            let contribute = plan.groups().iter().filter(|reader| need.contains(&reader.output));
            let contributions: Contributions = contribute.flat_map(reads).collect();
            let expected = need.contains(&group.output).then_some(&contributions);
            prop_assert_eq!(received.get(&group.output), expected, "{}", graph.node(group.output).name);
        }
    }

    #[test]
    fn phases_are_left_only_to_groups_that_meet_the_tensor_at_the_right_time(graph in graphs()) {
        let (plan, need) = (Plan::compile(&graph), need_gradient(&graph));
        // The first to read a tensor is the last to contribute to its gradient, if it contributes.
        let last_to_contribute = |node: NodeId| {
            let contributes = |g: &Group| g.inputs.contains(&node) && need.contains(&g.output);
            plan.groups().iter().position(contributes)
        };
        for (index, group) in plan.groups().iter().enumerate() {
            let Some(phases) = group.phases else { continue };
            let readers: Vec<usize> = (0..plan.groups().len())
                .filter(|&reader| plan.groups()[reader].inputs.contains(&group.output))
                .collect();
            let convolves = |&group: &usize| {
                matches!(graph.node(plan.groups()[group].head).op, Op::Conv2d(_))
            };
            if let By::Neighbour(before) = phases.statistics {
                prop_assert_eq!(plan.groups()[before].output, group.inputs[0]);
                prop_assert_eq!(plan.statistics_for(before), Some(index));
                prop_assert!(convolves(&before));
            }
            if let By::Neighbour(before) = phases.input_gradient
                && need.contains(&group.inputs[0])
            {
                let last = last_to_contribute(group.inputs[0]);
                prop_assert_eq!((plan.pending(before), last), (Some(index), Some(index)));
            }
            if let By::Neighbour(behind) = phases.gradient_sums {
                if need.contains(&group.output) {
                    prop_assert_eq!(last_to_contribute(group.output), Some(behind));
                }
                prop_assert_eq!(plan.gradient_sums_for(behind), Some(index));
                prop_assert!(convolves(&behind));
            }
            if !plan.is_stored(group.output) {
                prop_assert!(readers.iter().all(convolves));
                prop_assert!(group.add.is_none());
                for &reader in &readers {
                    let [first, others @ ..] = &plan.groups()[reader].inputs[..] else { unreachable!() };
                    prop_assert!(*first == group.output && !others.contains(first));
                }
            }
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
