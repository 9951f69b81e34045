//! Where parameters lie on the GPU: all in one list, each as its kernels read it.

use nn_engine::EngineOptions;
use nn_engine::plan::Plan;
use nn_graph::{Graph, Op};

use crate::arguments;
use crate::layout::QUAD;
use crate::op::conv2d;

/// Rows and columns of a weight that a block rounds.
const ROUNDED_SIDE: usize = 32;

/// Values that one block of the update has.
const BLOCK: usize = 128;

/// How a parameter's values are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `[channel]`.
    Vector(usize),
    /// `[out, in, tap]` in a state, `[tap][in][out]` here; a linear layer has one tap.
    Kernel { out: usize, fan: usize, taps: usize },
}

/// Where one parameter is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    form: Form,
    /// Its first value in the list of all.
    pub(crate) first: usize,
    /// Values, channels filled up.
    pub(crate) length: usize,
    pub(crate) trained: bool,
    group: usize,
    /// Where the parts that its gradient is the sum of begin, and how many there are.
    pub(crate) parts: usize,
    pub(crate) count: usize,
    /// Where its rounded copies begin, forward and backward, counted in quads, if convolutions read them.
    pub(crate) rounded: Option<[usize; 2]>,
}

/// All parameters of a graph.
#[derive(Clone, Debug)]
pub(crate) struct Parameters {
    pub(crate) slots: Vec<Slot>,
    /// Values of all.
    pub(crate) values: usize,
    /// Values of all parts of gradients.
    pub(crate) parts: usize,
    /// Quads of all rounded copies.
    pub(crate) rounded: usize,
}

impl Parameters {
    /// Of an engine with these options.
    pub(crate) fn new(graph: &Graph, plan: &Plan, options: &EngineOptions) -> Self {
        let (batch, groups) = (options.batch_size, &options.symmetry.group);
        let mut all = Self {
            slots: Vec::new(),
            values: 0,
            parts: 0,
            rounded: 0,
        };
        for (parameter, &group) in graph.parameters().iter().zip(groups) {
            let form = match parameter.shape[..] {
                [out, fan, height, width] => Form::Kernel {
                    out,
                    fan,
                    taps: height * width,
                },
                [out, fan] => Form::Kernel { out, fan, taps: 1 },
                _ => Form::Vector(parameter.elements()),
            };
            let length = form.length();
            all.slots.push(Slot {
                form,
                first: all.values,
                length,
                trained: parameter.trainable,
                group,
                parts: 0,
                count: 1,
                rounded: None,
            });
            all.values = all.values.saturating_add(length.next_multiple_of(BLOCK));
        }
        for group in plan.groups() {
            let node = graph.node(group.head);
            if let Some(convolution) = conv2d::Shape::of(graph, node, options.products) {
                let with_input = conv2d::wants_input_gradient(group);
                let product = convolution.weight_product(with_input, (batch, batch));
                all.slots[convolution.weight].count = product.cut.count;
                if convolution.on_tensor_cores {
                    all.round(convolution.weight);
                }
                if let Some(bias) = convolution.bias {
                    all.slots[bias].count = convolution.bias_cut(batch, batch).count;
                }
            }
        }
        for slot in all.slots.iter_mut().filter(|slot| slot.trained) {
            slot.parts = all.parts;
            let values = slot.count.saturating_mul(slot.length);
            all.parts = all.parts.saturating_add(values);
        }
        all
    }

    /// Makes room for rounded copies of a weight.
    fn round(&mut self, weight: usize) {
        let slot = &mut self.slots[weight];
        // Counted so that each begins where its largest quads may.
        let quads = slot.length.div_ceil(QUAD);
        slot.rounded = Some([self.rounded, self.rounded.saturating_add(quads)]);
        self.rounded = self.rounded.saturating_add(quads.saturating_mul(2));
    }

    /// The tiles of all weights that are rounded.
    pub(crate) fn rounded_tiles(&self) -> Vec<arguments::WeightTile> {
        let mut tiles = Vec::new();
        for slot in &self.slots {
            let (Some([forward, backward]), Form::Kernel { out, fan, taps }) =
                (slot.rounded, slot.form)
            else {
                continue;
            };
            let (out, fan) = (out.next_multiple_of(QUAD), fan.next_multiple_of(QUAD));
            for tap in 0..taps {
                for first_in in (0..fan).step_by(ROUNDED_SIDE) {
                    for first_out in (0..out).step_by(ROUNDED_SIDE) {
                        tiles.push(arguments::WeightTile {
                            from: (slot.first + tap * fan * out) as u64,
                            forward: (forward + tap * fan * out / QUAD) as u64,
                            backward: (backward + tap * fan * out / QUAD) as u64,
                            channels_in: fan as i32,
                            channels_out: out as i32,
                            first_in: first_in as i32,
                            first_out: first_out as i32,
                        });
                    }
                }
            }
        }
        tiles
    }

    /// Blocks of the update.
    pub(crate) fn blocks(&self) -> usize {
        self.values / BLOCK
    }

    /// Of each block of the update its parameter, −1 for one that is not trained, and its number among those of its
    /// parameter; and what the kernel knows of each parameter.
    pub(crate) fn tables(&self) -> (Vec<i32>, Vec<i32>, Vec<arguments::Parameter>) {
        let (mut owners, mut numbers) = (Vec::new(), Vec::new());
        for (index, slot) in self.slots.iter().enumerate() {
            let owner = if slot.trained { index as i32 } else { -1 };
            for number in 0..slot.length.div_ceil(BLOCK) {
                owners.push(owner);
                numbers.push(number as i32);
            }
        }
        let parameters = self.slots.iter().map(|slot| arguments::Parameter {
            first: slot.first as u64,
            parts: slot.parts as u64,
            length: slot.length as u64,
            count: slot.count as i32,
            group: slot.group as i32,
        });
        (owners, numbers, parameters.collect())
    }
}

impl Form {
    fn length(self) -> usize {
        match self {
            Form::Vector(length) => length.next_multiple_of(QUAD),
            Form::Kernel { out, fan, taps } => {
                let row = out
                    .next_multiple_of(QUAD)
                    .saturating_mul(fan.next_multiple_of(QUAD));
                row.saturating_mul(taps)
            }
        }
    }

    /// Calls `each(position in a state, position here)` for every value.
    fn for_each(self, mut each: impl FnMut(usize, usize)) {
        match self {
            Form::Vector(length) => (0..length).for_each(|index| each(index, index)),
            Form::Kernel { out, fan, taps } => {
                let (row, rows) = (out.next_multiple_of(QUAD), fan.next_multiple_of(QUAD));
                for o in 0..out {
                    for i in 0..fan {
                        for tap in 0..taps {
                            each((o * fan + i) * taps + tap, (tap * rows + i) * row + o);
                        }
                    }
                }
            }
        }
    }
}

impl Slot {
    /// Puts the values of a state into the list of all.
    pub(crate) fn pack(&self, values: &[f64], all: &mut [f32]) {
        let to = &mut all[self.first..][..self.length];
        self.form.for_each(|from, at| to[at] = values[from] as f32);
    }

    /// The inverse of [`pack`](Self::pack).
    pub(crate) fn unpack(&self, all: &[f32], values: &mut [f64]) {
        let from = &all[self.first..][..self.length];
        self.form
            .for_each(|to, at| values[to] = f64::from(from[at]));
    }
}

/// The parameters of a normalisation, scale and shift.
pub(crate) fn affine(op: &Op) -> [Option<usize>; 2] {
    let (scale, shift) = match op {
        Op::BatchNorm(norm) => (norm.scale, norm.shift),
        Op::GroupNorm(norm) => (norm.scale, norm.shift),
        _ => (None, None),
    };
    [scale, shift].map(|id| id.map(|id| id.index()))
}
