//! Where boxes stand: in ranks from top to bottom, and in lanes from left to right.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use nn_graph::network::TensorId;

use super::diagram::Diagram;

/// A tensor, after the box that makes it.
pub(super) type Made = (usize, TensorId);

/// Tensors with the last rank that they pass, by the first.
type Passing = BTreeMap<usize, Vec<(Made, usize)>>;

/// Places of boxes, and of what passes them.
pub(super) struct Layout {
    /// Of each box its rank and its lane.
    pub(super) places: Vec<(usize, usize)>,
    /// Of a tensor that is read beyond the rank after its box the lane in which it goes down beside
    /// the boxes between.
    pub(super) passes: HashMap<Made, usize>,
    /// The boxes of each rank.
    pub(super) ranks: Vec<Vec<usize>>,
    /// Number of lanes.
    pub(super) lanes: usize,
}

impl Layout {
    /// A box stands below all that it reads, in the leftmost lane that one of these comes down in, if it is free.
    pub(super) fn of(diagram: &Diagram) -> Self {
        let mut layout = Self {
            places: vec![(0, 0); diagram.boxes.len()],
            passes: HashMap::new(),
            ranks: Vec::new(),
            lanes: 0,
        };
        let mut passing = layout.rank(diagram);
        let below = below(diagram);
        let mut lanes = Lanes::default();
        // Lanes by the last rank in which something passes in them.
        let mut passed: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for rank in 0..layout.ranks.len() {
            let mut boxes = layout.ranks[rank].clone();
            boxes.sort_by_key(|&at| (layout.wanted(diagram, at), Reverse(below[at]), at));
            let mut ends = passed.remove(&rank).unwrap_or_default();
            for &at in &boxes {
                let lane = lanes.take(layout.wanted(diagram, at));
                layout.places[at].1 = lane;
                ends.push(lane);
            }
            layout.ranks[rank] = boxes;
            for (tensor, until) in passing.remove(&rank).unwrap_or_default() {
                let lane = lanes.take(layout.places[tensor.0].1);
                layout.passes.insert(tensor, lane);
                if until > rank {
                    passed.entry(until).or_default().push(lane);
                } else {
                    ends.push(lane);
                }
            }
            lanes.free.extend(ends);
        }
        layout.lanes = lanes.count;
        layout
    }

    /// Ranks the boxes, and gives what passes any.
    fn rank(&mut self, diagram: &Diagram) -> Passing {
        let mut until: BTreeMap<Made, usize> = BTreeMap::new();
        for (at, node) in diagram.boxes.iter().enumerate() {
            let above = node.reads.iter().map(|edge| self.places[edge.from].0 + 1);
            let rank = above.max().unwrap_or(0);
            self.places[at].0 = rank;
            if self.ranks.len() <= rank {
                self.ranks.resize(rank + 1, Vec::new());
            }
            self.ranks[rank].push(at);
            for edge in &node.reads {
                let last = until.entry((edge.from, edge.tensor)).or_default();
                *last = (*last).max(rank);
            }
        }
        let mut passing = Passing::new();
        for (tensor, last) in until {
            let first = self.places[tensor.0].0 + 1;
            if last > first {
                passing.entry(first).or_default().push((tensor, last - 1));
            }
        }
        passing
    }

    /// The lane that a box would like.
    fn wanted(&self, diagram: &Diagram, at: usize) -> usize {
        let lanes = diagram.boxes[at]
            .reads
            .iter()
            .map(|edge| self.places[edge.from].1);
        lanes.min().unwrap_or(0)
    }
}

/// Of each box how many ranks at least are below it: what is longest goes straight down.
fn below(diagram: &Diagram) -> Vec<usize> {
    let mut below = vec![0; diagram.boxes.len()];
    for (at, node) in diagram.boxes.iter().enumerate().rev() {
        for edge in &node.reads {
            below[edge.from] = below[edge.from].max(below[at] + 1);
        }
    }
    below
}

/// The lanes there are, and those of them in which nothing is.
#[derive(Default)]
struct Lanes {
    count: usize,
    free: BTreeSet<usize>,
}

impl Lanes {
    /// The first free lane from one on.
    fn take(&mut self, from: usize) -> usize {
        let lane = self.free.range(from..).next().copied();
        let lane = lane.unwrap_or(self.count);
        self.free.remove(&lane);
        self.count = self.count.max(lane + 1);
        lane
    }
}

#[cfg(test)]
mod tests {
    use nn_graph::network::NetworkBuilder;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::diagram::{Edge, Node};
    use super::*;

    /// Boxes that each read some before them, with a tensor of its own for each box.
    fn diagram(reads: &[Vec<prop::sample::Index>]) -> Diagram {
        let mut net = NetworkBuilder::new();
        let tensors: Vec<TensorId> = reads.iter().map(|_| net.input("x", None)).collect();
        let edge = |from: usize| Edge {
            from,
            tensor: tensors[from],
            degree: String::new(),
            told: String::new(),
        };
        let node = |(at, reads): (usize, &Vec<prop::sample::Index>)| {
            let reads = if at == 0 { &[] } else { reads.as_slice() };
            let from: BTreeSet<usize> = reads.iter().map(|read| read.index(at)).collect();
            Node {
                kind: String::new(),
                name: String::new(),
                weights: Vec::new(),
                violation: None,
                reads: from.into_iter().map(edge).collect(),
            }
        };
        Diagram {
            boxes: reads.iter().enumerate().map(node).collect(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_stands_or_passes_where_something_else_does(
            reads in vec(vec(any::<prop::sample::Index>(), 0..4), 1..40)
        ) {
            let diagram = diagram(&reads);
            let layout = Layout::of(&diagram);
            let mut there: BTreeSet<(usize, usize)> = BTreeSet::new();
            for &place in &layout.places {
                prop_assert!(there.insert(place) && place.1 < layout.lanes, "{place:?}");
            }
            let mut until: BTreeMap<Made, usize> = BTreeMap::new();
            for (at, node) in diagram.boxes.iter().enumerate() {
                for edge in &node.reads {
                    let (from, to) = (layout.places[edge.from].0, layout.places[at].0);
                    prop_assert!(from < to);
                    let last = until.entry((edge.from, edge.tensor)).or_default();
                    *last = (*last).max(to);
                }
            }
            for (tensor, last) in until {
                let between = layout.places[tensor.0].0 + 1..last;
                let lane = layout.passes.get(&tensor);
                prop_assert_eq!(lane.is_some(), !between.is_empty());
                for rank in between {
                    prop_assert!(there.insert((rank, *lane.unwrap())), "{tensor:?} at {rank}");
                }
            }
        }
    }
}
