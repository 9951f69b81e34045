//! How finely a parameter may be scaled: as a whole, in groups of slices, or slice by slice.

use std::collections::{BTreeMap, BTreeSet};

use crate::exponents::Unknown;

/// An axis of a parameter, which cuts it into slices: the filters of a convolution along its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot {
    pub(crate) parameter: Unknown,
    pub(crate) axis: usize,
}

/// The finest pieces of a parameter that may be scaled by factors of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Granularity {
    /// Each slice along an axis, such as each filter of a convolution.
    Filter,
    /// Equal parts of the slices along an axis.
    Group {
        /// Number of parts.
        groups: usize,
    },
    /// Only the whole tensor.
    Tensor,
}

impl Granularity {
    /// The finest that is as coarse as both.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Group { groups: a }, Self::Group { groups: b }) => {
                let (fewer, more) = (a.min(b), a.max(b));
                if fewer > 0 && more % fewer == 0 {
                    Self::Group { groups: fewer }
                } else {
                    Self::Tensor
                }
            }
            (a, b) => a.max(b),
        }
    }
}

/// The slots that must be cut alike, and how coarsely.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slices {
    /// Towards the root of a slot's class.
    parent: BTreeMap<Slot, Slot>,
    /// Slots of a class, of roots; absent: one.
    size: BTreeMap<Slot, usize>,
    /// Of roots; absent: by slices.
    coarseness: BTreeMap<Slot, Granularity>,
}

impl Slices {
    fn root(&self, mut slot: Slot) -> Slot {
        while let Some(&parent) = self.parent.get(&slot) {
            slot = parent;
        }
        slot
    }

    /// How finely the slices of a slot may be scaled.
    pub(crate) fn granularity(&self, slot: Slot) -> Granularity {
        let root = self.root(slot);
        self.coarseness
            .get(&root)
            .copied()
            .unwrap_or(Granularity::Filter)
    }

    /// Asks that a slot is cut no finer than this.
    pub(crate) fn coarsen(&mut self, slot: Slot, least: Granularity) {
        let root = self.root(slot);
        let least = match least {
            Granularity::Group { groups: 1 } => Granularity::Tensor,
            least => least,
        };
        let granularity = self.granularity(root).and(least);
        self.coarseness.insert(root, granularity);
    }

    /// Asks that slots are cut alike.
    pub(crate) fn link(&mut self, slots: &BTreeSet<Slot>) {
        let mut slots = slots.iter().copied();
        let Some(first) = slots.next() else { return };
        for slot in slots {
            let (a, b) = (self.root(first), self.root(slot));
            if a != b {
                let both = self.granularity(a).and(self.granularity(b));
                // Under the larger: no path is longer than the logarithm of its class.
                let size = |slot| self.size.get(&slot).copied().unwrap_or(1);
                let (of_a, of_b) = (size(a), size(b));
                let (under, over) = if of_a < of_b { (a, b) } else { (b, a) };
                self.parent.insert(under, over);
                self.size.insert(over, of_a + of_b);
                self.coarseness.insert(over, both);
            }
        }
    }
}
