//! Which neighbouring operations are computed together.

use nn_graph::{Graph, NodeId, Op};

use super::{Cost, Group};

/// The groups of a graph in forward order.
pub(super) fn groups(graph: &Graph) -> Vec<Group> {
    let readers = readers(graph);
    let mut fused = vec![false; graph.nodes().len()];
    let mut groups = Vec::new();
    for head in graph.node_ids() {
        let op = &graph.node(head).op;
        if fused[head.index()] || *op == Op::Input {
            continue;
        }
        let mut group = Group {
            head,
            add: None,
            relu: None,
            output: head,
            inputs: graph.node(head).inputs.clone(),
            gradients: Vec::new(),
            phases: None,
            trains: false,
            forward: Cost::default(),
            backward: Cost::default(),
        };
        let normalises = matches!(op, Op::BatchNorm(_) | Op::GroupNorm(_));
        if normalises || matches!(op, Op::Conv2d(_)) {
            fuse_add(graph, &readers, &mut group);
        }
        if normalises || *op == Op::Add {
            fuse_relu(graph, &readers, &mut group);
        }
        for follower in [group.add, group.relu].into_iter().flatten() {
            fused[follower.index()] = true;
        }
        groups.push(group);
    }
    groups
}

/// The nodes that read each node.
fn readers(graph: &Graph) -> Vec<Vec<NodeId>> {
    let mut readers = vec![Vec::new(); graph.nodes().len()];
    for id in graph.node_ids() {
        for input in &graph.node(id).inputs {
            readers[input.index()].push(id);
        }
    }
    readers
}

/// The only reader of the group's output so far, unless that output leaves the graph.
fn only_reader(graph: &Graph, readers: &[Vec<NodeId>], group: &Group) -> Option<NodeId> {
    match readers[group.output.index()][..] {
        [reader] if group.output != graph.output() => Some(reader),
        _ => None,
    }
}

fn fuse_add(graph: &Graph, readers: &[Vec<NodeId>], group: &mut Group) {
    let Some(reader) = only_reader(graph, readers, group) else {
        return;
    };
    let node = graph.node(reader);
    let other = node
        .inputs
        .iter()
        .copied()
        .find(|&input| input != group.output);
    match (&node.op, other) {
        // The other operand must exist by the time the head runs.
        (Op::Add, Some(other)) if other < group.head => {
            group.add = Some(reader);
            group.output = reader;
            group.inputs.push(other);
        }
        _ => {}
    }
}

fn fuse_relu(graph: &Graph, readers: &[Vec<NodeId>], group: &mut Group) {
    let Some(reader) = only_reader(graph, readers, group) else {
        return;
    };
    if graph.node(reader).op == Op::Relu {
        group.relu = Some(reader);
        group.output = reader;
    }
}
