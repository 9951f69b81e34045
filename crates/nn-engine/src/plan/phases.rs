//! Who does which phase of a normalisation.
//!
//! By itself a normalisation passes over memory four times: for the statistics of its input, to write its output, for the
//! sums that its gradient needs, and to write the gradient of its input. A convolution before it has the input in hand as
//! it writes it, and the gradient as it reads it; a convolution behind it has the output in hand as it reads it, and its
//! gradient as it writes it. Where they do a phase on the way, the pass is saved; where they do all four, neither the
//! output nor, often, the gradient of the input is ever stored.

use nn_graph::{Graph, NodeId, Op};

use super::Group;

/// Who does a phase of a normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The normalisation, in a pass over memory.
    Itself,
    /// This group, on the way.
    Neighbour(usize),
    /// Every group that reads the output, on the way.
    Readers,
}

/// The four phases of a normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phases {
    /// Sums over the input: by the group that writes it, once it is whole.
    pub statistics: By,
    /// The normalised output with its ReLU: stored, or made anew by every reader from the normalisation's input.
    pub output: By,
    /// The mask of the ReLU on the output's gradient, and the sums over it: by the group whose contribution completes
    /// that gradient.
    pub gradient_sums: By,
    /// The gradient of the input: by the group that wrote the input and reads its gradient next.
    pub input_gradient: By,
}

/// Enters the phases of every normalisation.
pub(super) fn assign(graph: &Graph, groups: &mut [Group], writer: &[Option<usize>]) {
    let leads = leads_on(graph);
    for index in 0..groups.len() {
        if is_normalisation(graph, &groups[index]) {
            groups[index].phases = Some(of_group(graph, groups, writer, &leads, index));
        }
    }
}

/// Whether the network's output follows from each node: what leads nowhere has no backward pass.
fn leads_on(graph: &Graph) -> Vec<bool> {
    let mut leads = vec![false; graph.nodes().len()];
    leads[graph.output().index()] = true;
    for id in graph.node_ids().rev() {
        if leads[id.index()] {
            for input in &graph.node(id).inputs {
                leads[input.index()] = true;
            }
        }
    }
    leads
}

/// The normalisation that leaves a phase to this group.
pub(super) fn left_to(
    groups: &[Group],
    group: usize,
    phase: impl Fn(&Phases) -> By,
) -> Option<usize> {
    let output = groups[group].output;
    let leaves = |other: &Group| {
        let phases = other.phases.as_ref();
        other.inputs.first() == Some(&output)
            && phases.is_some_and(|phases| phase(phases) == By::Neighbour(group))
    };
    groups.iter().position(leaves)
}

fn is_normalisation(graph: &Graph, group: &Group) -> bool {
    let op = &graph.node(group.head).op;
    matches!(op, Op::BatchNorm(_) | Op::GroupNorm(_))
}

fn of_group(
    graph: &Graph,
    groups: &[Group],
    writer: &[Option<usize>],
    leads: &[bool],
    index: usize,
) -> Phases {
    let group = &groups[index];
    let input = group.inputs[0];
    let convolves = |index: usize| matches!(graph.node(groups[index].head).op, Op::Conv2d(_));
    // The first to read a tensor is the last to contribute to its gradient, of those that contribute at all.
    let last_to_contribute =
        |node| readers(groups, node).find(|&reader| leads[groups[reader].output.index()]);
    // The convolution that writes the input, where this group's contribution to the input's gradient is the last.
    let before = writer[input.index()]
        .filter(|&writer| convolves(writer) && last_to_contribute(input) == Some(index));
    let reads_once = |reader: &Group| {
        let times = reader.inputs.iter().filter(|&&node| node == group.output);
        reader.inputs[0] == group.output && times.count() == 1
    };
    let may = |reader: usize| convolves(reader) && reads_once(&groups[reader]);
    let mut behind = readers(groups, group.output);
    let leaves = group.output == graph.output();
    let by = |neighbour: Option<usize>| neighbour.map_or(By::Itself, By::Neighbour);
    let completes = last_to_contribute(group.output).filter(|&reader| may(reader) && !leaves);
    let made_anew = group.add.is_none() && !leaves && behind.all(may);
    Phases {
        statistics: by(before),
        output: if made_anew { By::Readers } else { By::Itself },
        gradient_sums: by(completes),
        input_gradient: by(before.filter(|&writer| {
            // A fused addition hands the output's gradient on to the other operand, where others may soon change it.
            let other = group.add.and(group.inputs.last());
            other.is_none_or(|other| {
                *other != input && writer + 1 == index && !groups[writer].inputs.contains(other)
            })
        })),
    }
}

/// The groups that read a node, in forward order.
fn readers(groups: &[Group], node: NodeId) -> impl Iterator<Item = usize> {
    let reads = move |(_, group): &(usize, &Group)| group.inputs.contains(&node);
    groups
        .iter()
        .enumerate()
        .filter(reads)
        .map(|(index, _)| index)
}
