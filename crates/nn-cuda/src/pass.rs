//! One pass over a batch: which launches, with which addresses.

use std::ops::Range;

use nn_engine::Optimiser;
use nn_engine::plan::{By, GradientFlow, Group};
use nn_graph::{NodeId, Op, op::BatchNorm};

use crate::arguments::{Finish, Flow, Loss, Norm, Partials, Source, SourceKind, Span};
use crate::blueprint::{Blueprint, Over};
use crate::launch::{Kernel, Program};
use crate::layout::{Tiling, quad_words};
use crate::memory::{Memory, Pictures};

/// What normalisation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    /// Use the batch's statistics and move the running ones.
    Train,
    /// Use the running statistics.
    Evaluate,
}

/// Direction, for what a normalisation has for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Towards {
    Output = 0,
    Input = 1,
}

/// What the launches of a pass are made from.
pub(crate) struct Pass<'a> {
    pub(crate) blueprint: &'a Blueprint,
    pub(crate) memory: &'a Memory,
    pub(crate) mode: Mode,
    pub(crate) images: usize,
    pub(crate) replicas: Range<usize>,
    /// Of the GPU.
    pub(crate) multiprocessors: usize,
}

impl Pass<'_> {
    /// The tensor of a node that is stored.
    pub(crate) fn activation(&self, node: NodeId) -> Span {
        let buffer = &self.memory.activations[node.index()];
        buffer
            .as_ref()
            .map_or(Span::NONE, |buffer| buffer.span(self.replicas.start))
    }

    /// The gradient of a group's output, where one is kept.
    pub(crate) fn gradient(&self, node: NodeId) -> Span {
        let slot = self.blueprint.plan.gradient_slot(node);
        slot.map_or(Span::NONE, |slot| {
            self.memory.gradients[slot].span(self.replicas.start)
        })
    }

    pub(crate) fn parameter(&self, index: Option<usize>) -> Span {
        let slot = index.map(|index| self.blueprint.parameters.slots[index]);
        slot.map_or(Span::NONE, |slot| {
            self.memory.values.span_at(self.replicas.start, slot.first)
        })
    }

    /// A weight's rounded copy for convolutions of this direction; none where they multiply in full.
    pub(crate) fn rounded(&self, index: usize, towards: Towards) -> Span {
        let first = self.blueprint.parameters.slots[index].rounded;
        let words = quad_words(self.blueprint.options.products);
        match (&self.memory.rounded, first) {
            (Some(list), Some(first)) => {
                list.span_at(self.replicas.start, first[towards as usize] * words)
            }
            _ => Span::NONE,
        }
    }

    /// Where the parts of a parameter's gradient go; none if it is not trained.
    pub(crate) fn parts(&self, index: Option<usize>) -> Span {
        let slot = index.map(|index| self.blueprint.parameters.slots[index]);
        slot.filter(|slot| slot.trained).map_or(Span::NONE, |slot| {
            self.memory.parts.span_at(self.replicas.start, slot.parts)
        })
    }

    /// A normalisation.
    pub(crate) fn norm(&self, index: usize) -> Norm {
        let norm = &self.blueprint.norms[index];
        Norm {
            input: self.activation(norm.input),
            lists: self.memory.lists[index].span(self.replicas.start),
            scale: self.parameter(norm.scale),
            shift: self.parameter(norm.shift),
            stored: norm.layout.stored as i32,
            per_image: i32::from(norm.over != Over::Batch),
            relu: i32::from(norm.relu),
            channels: norm.layout.channels as i32,
        }
    }

    /// Where a normalisation's sums go.
    pub(crate) fn partials(&self, index: usize, towards: Towards) -> Partials {
        let norm = &self.blueprint.norms[index];
        let values = self.memory.partials[index].span(self.replicas.start);
        partials(values, norm.tilings[towards as usize])
    }

    /// Whether a normalisation takes statistics in this pass.
    pub(crate) fn needs_statistics(&self, norm: usize) -> bool {
        self.mode == Mode::Train || self.blueprint.norms[norm].over != Over::Batch
    }

    /// How a group reads its first input.
    pub(crate) fn input(&self, group: &Group) -> Source {
        let (plan, input) = (&self.blueprint.plan, group.inputs[0]);
        let positions = self.blueprint.layout(input).positions() as i32;
        let made_by = plan.writer(input).filter(|_| !plan.is_stored(input));
        match made_by.and_then(|writer| self.blueprint.norm(writer)) {
            Some(norm) => Source {
                values: Span::NONE,
                norm: self.norm(norm),
                kind: SourceKind::Normalised,
                positions,
            },
            None => Source {
                values: self.activation(input),
                norm: Norm::default(),
                kind: SourceKind::Stored,
                positions,
            },
        }
    }

    /// How a group reads the gradient of its output: as it is kept, or made from that of the normalisation behind.
    pub(crate) fn output_gradient(&self, index: usize) -> Source {
        let (plan, groups) = (&self.blueprint.plan, self.blueprint.plan.groups());
        let output = groups[index].output;
        let positions = self.blueprint.layout(output).positions() as i32;
        let kept = plan.gradient_slot(output).is_some();
        let pending = plan.pending(index).filter(|_| !kept);
        match pending.and_then(|from| Some((self.blueprint.norm(from)?, groups[from].output))) {
            Some((norm, from)) => Source {
                values: self.gradient(from),
                norm: self.norm(norm),
                kind: SourceKind::Pending,
                positions,
            },
            None => Source {
                values: self.gradient(output),
                norm: Norm::default(),
                kind: SourceKind::Stored,
                positions,
            },
        }
    }

    /// What puts the sums of a normalisation together is given: the last block of the launch that finds them, or where sums
    /// are over each image, a launch of its own.
    pub(crate) fn finish(&self, index: usize, towards: Towards) -> Finish {
        let (blueprint, memory, first) = (self.blueprint, self.memory, self.replicas.start);
        let norm = &blueprint.norms[index];
        let running = |offset: usize| {
            norm.running
                .map_or(Span::NONE, |at| memory.running.span_at(first, at + offset))
        };
        let parts = [norm.scale, norm.shift].map(|parameter| self.parts(parameter));
        let in_its_launch = match (norm.over, towards) {
            (Over::Batch, _) => true,
            // Gradients of scale and shift are over the batch, too.
            (Over::Groups(_), Towards::Input) => parts.iter().any(|parts| parts.first != 0),
            (Over::Groups(_), Towards::Output) => false,
        };
        // In evaluation one row of factors serves all batches.
        let factor_row = match self.mode {
            Mode::Train => blueprint.factor_row(),
            Mode::Evaluate => 0,
        };
        Finish {
            norm: self.norm(index),
            partials: self.partials(index, towards),
            epsilon: memory.epsilons.span_at(first, index),
            running_mean: running(0),
            running_variance: running(norm.layout.stored),
            factors: memory.factors.span_at(first, 2 * index),
            factor_row: factor_row as u64,
            step: memory.step.address(),
            scale_gradient: parts[0],
            shift_gradient: parts[1],
            counters: match in_its_launch {
                true => memory.counters.span_at(first, norm.counters),
                false => Span::NONE,
            },
            momentum: BatchNorm::STATISTICS_MOMENTUM,
            images: self.images as i32,
            positions: norm.layout.positions() as i32,
            groups: match norm.over {
                Over::Batch => 1,
                Over::Groups(groups) => groups as i32,
            },
        }
    }

    /// Adds a launch.
    pub(crate) fn launch<T: cudarc::driver::DeviceRepr + Send + 'static>(
        &self,
        program: &mut Program,
        kernel: Kernel,
        blocks: [usize; 2],
        arguments: T,
    ) {
        program.push(kernel, blocks, self.replicas.len(), arguments);
    }
}

/// Where sums over tiles go.
pub(crate) fn partials(values: Span, tiling: Tiling) -> Partials {
    Partials {
        values,
        height: tiling.height as i32,
        width: tiling.width as i32,
        tile_height: tiling.tile_height as i32,
        tile_width: tiling.tile_width as i32,
        tiles: tiling.tiles() as i32,
        unused: 0,
    }
}

/// What becomes of a gradient, as kernels know it.
pub(crate) fn flow(flow: GradientFlow) -> Flow {
    match flow {
        GradientFlow::None | GradientFlow::Share => Flow::None,
        GradientFlow::Write => Flow::Write,
        GradientFlow::Accumulate => Flow::Accumulate,
    }
}

/// Who does a phase: the group itself, in a pass of its own.
pub(crate) fn itself(by: By) -> bool {
    by == By::Itself
}

/// The launch that rounds the weights that tensor cores multiply, where there are some.
pub(crate) fn round_weights(pass: &Pass<'_>, program: &mut Program) {
    let (memory, first) = (pass.memory, pass.replicas.start);
    let Some(rounded) = &memory.rounded else {
        return;
    };
    let arguments = crate::arguments::Rounded {
        tiles: memory.rounded_tiles.address(),
        values: memory.values.span(first),
        rounded: rounded.span(first),
    };
    let blocks = [memory.rounded_tiles.length, 1];
    pass.launch(program, Kernel::RoundWeights, blocks, arguments);
}

/// Launches of the forward pass over a batch whose images are in place.
pub(crate) fn forward(pass: &Pass<'_>, program: &mut Program) {
    for index in 0..pass.blueprint.plan.groups().len() {
        crate::op::forward(pass, index, program);
    }
}

/// Launches of the backward pass.
pub(crate) fn backward(pass: &Pass<'_>, program: &mut Program) {
    let groups = pass.blueprint.plan.groups();
    for index in (0..groups.len()).rev() {
        if groups[index].trains {
            crate::op::backward(pass, index, program);
        }
    }
}

/// The launch that finds the loss, and where asked for its gradient.
pub(crate) fn loss(pass: &Pass<'_>, pictures: &Pictures, program: &mut Program) {
    let (blueprint, memory) = (pass.blueprint, pass.memory);
    let output = blueprint.graph.output();
    let layout = blueprint.layout(output);
    let gradient = match pass.mode {
        Mode::Train => pass.gradient(output),
        Mode::Evaluate => Span::NONE,
    };
    let arguments = Loss {
        logits: pass.activation(output),
        gradient,
        labels: pictures.labels.address(),
        samples: memory.samples.span(pass.replicas.start),
        sample_row: blueprint.options.batch_size as u64,
        step: memory.step.address(),
        results: memory.results.span(pass.replicas.start),
        images: pass.images as i32,
        classes: layout.channels as i32,
        stored: layout.stored as i32,
        unused: 0,
    };
    pass.launch(program, Kernel::Loss, [1, 1], arguments);
}

/// The launch that augments the batch's images.
pub(crate) fn input(pass: &Pass<'_>, pictures: &Pictures, program: &mut Program) {
    let (blueprint, memory) = (pass.blueprint, pass.memory);
    let node = blueprint
        .graph
        .node_ids()
        .find(|&id| blueprint.graph.node(id).op == Op::Input);
    let Some(node) = node else { return };
    let layout = blueprint.layout(node);
    let arguments = crate::arguments::Input {
        pixels: pictures.pixels.address(),
        values: pictures.values.address(),
        samples: memory.samples.span(pass.replicas.start),
        sample_row: blueprint.options.batch_size as u64,
        step: memory.step.address(),
        target: pass.activation(node),
        height: layout.height as i32,
        width: layout.width as i32,
        channels: layout.channels as i32,
        stored: layout.stored as i32,
    };
    let blocks = [layout.positions().div_ceil(256), pass.images];
    pass.launch(program, Kernel::InputImages, blocks, arguments);
}

/// The launch that updates all parameters.
pub(crate) fn update(pass: &Pass<'_>, program: &mut Program) {
    let (blueprint, memory, first) = (pass.blueprint, pass.memory, pass.replicas.start);
    let kernel = match blueprint.options.optimiser {
        Optimiser::Sgd | Optimiser::Sgdw => Kernel::Update,
        Optimiser::AdamW => Kernel::UpdateAdam,
    };
    let second_moment = memory.second_moment.as_ref();
    let arguments = crate::arguments::Update {
        parameters: memory.parameters.address(),
        owner: memory.owners.address(),
        first: memory.numbers.address(),
        values: memory.values.span(first),
        momentum: memory.momentum.span(first),
        second_moment: second_moment.map_or(Span::NONE, |buffer| buffer.span(first)),
        parts: memory.parts.span(first),
        rates: memory.rates.span(first),
        rate_row: blueprint.options.symmetry.groups() as u64,
        step: memory.step.address(),
    };
    pass.launch(
        program,
        kernel,
        [blueprint.parameters.blocks(), 1],
        arguments,
    );
}

/// The launch that ends a step.
pub(crate) fn advance(pass: &Pass<'_>, program: &mut Program) {
    let step = pass.memory.step.address();
    program.push(Kernel::Advance, [1, 1], 1, step);
}
