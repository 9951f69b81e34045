//! What an engine will hold and do, known without a GPU: sizes of every list, normalisations, parameters.

use nn_engine::plan::{By, Plan};
use nn_engine::{EngineError, EngineOptions, Optimiser, Products};
use nn_graph::{Graph, NodeId, Op};

use crate::arguments::{GroupRates, Parameter, Sample, StepResult, WeightTile};
use crate::comparison::NUMBERS;
use crate::layout::{Layout, Tiling, quad_words};
use crate::op::conv2d;
use crate::parameters::{Parameters, affine};

/// Steps of one upload of tables.
pub(crate) const WINDOW: usize = 128;

/// Positions in a tile of a normalisation's own passes.
pub(crate) const PASS_TILE: usize = 128;

/// What statistics are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// A channel of all images.
    Batch,
    /// So many groups of the channels of each image.
    Groups(usize),
}

/// One normalisation.
#[derive(Clone, Debug)]
pub(crate) struct NormPlan {
    /// Its group in the plan.
    pub(crate) group: usize,
    pub(crate) input: NodeId,
    pub(crate) layout: Layout,
    pub(crate) over: Over,
    pub(crate) relu: bool,
    pub(crate) scale: Option<usize>,
    pub(crate) shift: Option<usize>,
    /// How images are cut for statistics, and for sums of the gradient.
    pub(crate) tilings: [Tiling; 2],
    /// Where the counters of blocks that have found sums begin, in the list of all.
    pub(crate) counters: usize,
    /// Where its running mean begins, in the list of all running statistics; the variance follows.
    pub(crate) running: Option<usize>,
}

/// The graph, its plan, and all sizes.
#[derive(Clone, Debug)]
pub(crate) struct Blueprint {
    pub(crate) graph: Graph,
    pub(crate) plan: Plan,
    pub(crate) layouts: Vec<Layout>,
    pub(crate) norms: Vec<NormPlan>,
    pub(crate) parameters: Parameters,
    pub(crate) options: EngineOptions,
}

/// Lengths of all lists of values: those of a replica, and those that all replicas share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inventory {
    /// Of each node; 0 for a tensor that is not stored.
    pub(crate) activations: Vec<usize>,
    pub(crate) gradients: Vec<usize>,
    /// Bytes of a value of those two.
    pub(crate) value: usize,
    pub(crate) values: usize,
    /// 0 without moments.
    pub(crate) second_moments: usize,
    pub(crate) parts: usize,
    /// Words of weights' rounded copies; 0 where convolutions multiply in full.
    pub(crate) rounded: usize,
    pub(crate) rounded_tiles: usize,
    /// Of each normalisation.
    pub(crate) lists: Vec<usize>,
    pub(crate) partials: Vec<usize>,
    pub(crate) counters: usize,
    pub(crate) running: usize,
    pub(crate) norms: usize,
    pub(crate) rates: usize,
    pub(crate) factors: usize,
    pub(crate) samples: usize,
    pub(crate) parameters: usize,
    pub(crate) blocks: usize,
}

/// Lists of a normalisation's coefficients, see `kernels/normalisation.cu`.
const LISTS: usize = 5;

/// Rows of partials that a block puts together, and channels of the narrowest block: see `kernels/statistics.cu`.
const FINISH_ROWS: usize = 32;
const FINISH_CHANNELS: usize = 16;

/// Groups of so many rows of partials.
fn finish_groups(rows: usize) -> usize {
    rows.div_ceil(FINISH_ROWS)
}

impl NormPlan {
    /// Rows of partials of a batch of so many images.
    fn rows(&self, batch: usize) -> usize {
        let tiles = self.tilings.map(|tiling| tiling.tiles());
        batch * tiles[0].max(tiles[1])
    }

    /// Counters of blocks that have found sums.
    fn counters(&self, batch: usize) -> usize {
        self.layout.stored.div_ceil(FINISH_CHANNELS) * (finish_groups(self.rows(batch)) + 1)
    }
}

impl Blueprint {
    /// Checks the options and sizes.
    ///
    /// # Errors
    /// [`EngineError::Options`], [`EngineError::Symmetry`], [`EngineError::Unsupported`].
    pub(crate) fn new(graph: &Graph, options: &EngineOptions) -> Result<Self, EngineError> {
        options.check(graph, "nn-cuda", &Products::ALL)?;
        for (what, value) in [
            ("batch size", options.batch_size),
            ("number of replicas", options.replicas),
        ] {
            // What a GPU counts its blocks to.
            if value > usize::from(u16::MAX) {
                return Err(EngineError::Options(format!(
                    "the {what} is {value}; on a GPU it is at most {}",
                    u16::MAX
                )));
            }
        }
        let layouts: Vec<Layout> = graph
            .nodes()
            .iter()
            .map(|node| Layout::new(&node.shape))
            .collect();
        check_sizes(graph, &layouts, options.batch_size)?;
        let plan = Plan::compile(graph);
        let mut norms = norms(graph, &plan, &layouts, options.products);
        let mut counters = 0;
        for norm in &mut norms {
            norm.counters = counters;
            counters += norm.counters(options.batch_size);
        }
        Ok(Self {
            parameters: Parameters::new(graph, &plan, options),
            norms,
            graph: graph.clone(),
            plan,
            layouts,
            options: options.clone(),
        })
    }

    /// Position of the normalisation that this group is, among those of the graph.
    pub(crate) fn norm(&self, group: usize) -> Option<usize> {
        self.norms.iter().position(|norm| norm.group == group)
    }

    pub(crate) fn layout(&self, node: NodeId) -> Layout {
        self.layouts[node.index()]
    }

    /// The lengths of all lists.
    pub(crate) fn inventory(&self) -> Inventory {
        let batch = self.options.batch_size;
        let mut activations = vec![0; self.graph.nodes().len()];
        activations[0] = batch * self.layouts[0].image();
        for group in self.plan.groups() {
            if self.plan.is_stored(group.output) {
                activations[group.output.index()] = batch * self.layout(group.output).image();
            }
        }
        let slots = self.plan.gradient_slots().iter();
        let gradients = slots.map(|&node| batch * self.layout(node).image());
        let lists = self.norms.iter().map(|norm| {
            let sets = if norm.over == Over::Batch { 1 } else { batch };
            sets * LISTS * norm.layout.stored
        });
        let partials = self.norms.iter().map(|norm| {
            let rows = norm.rows(batch);
            (2 * rows + 3 * finish_groups(rows)) * norm.layout.stored
        });
        let counters = self.norms.iter().map(|norm| norm.counters(batch));
        let running = self.norms.iter().filter(|norm| norm.running.is_some());
        Inventory {
            activations,
            gradients: gradients.collect(),
            value: match self.options.products {
                Products::Full | Products::Tf32x3 | Products::Tf32 => size_of::<f32>(),
                Products::Bf16 => size_of::<u16>(),
            },
            values: self.parameters.values,
            second_moments: match self.options.optimiser {
                Optimiser::Sgd | Optimiser::Sgdw => 0,
                Optimiser::AdamW => self.parameters.values,
            },
            parts: self.parameters.parts,
            rounded: self.parameters.rounded * quad_words(self.options.products),
            rounded_tiles: self.parameters.rounded_tiles().len(),
            lists: lists.collect(),
            partials: partials.collect(),
            counters: counters.sum(),
            running: running.map(|norm| 2 * norm.layout.stored).sum(),
            norms: self.norms.len(),
            rates: WINDOW * self.options.symmetry.groups(),
            factors: WINDOW * self.factor_row(),
            samples: WINDOW * batch,
            parameters: self.parameters.slots.len(),
            blocks: self.parameters.blocks(),
        }
    }

    /// Checks that all lists fit into so many free bytes, beside images of so many.
    ///
    /// # Errors
    /// [`EngineError::DeviceMemory`].
    pub(crate) fn check_memory(&self, free: u128, images: u128) -> Result<(), EngineError> {
        let left = free.saturating_sub(images);
        if self.bytes() <= left && images <= free {
            return Ok(());
        }
        Err(self.too_large(left))
    }

    /// The error of not enough memory, with what would fit.
    pub(crate) fn too_large(&self, free: u128) -> EngineError {
        let fits = |batch: usize, replicas: usize| {
            let options = EngineOptions {
                batch_size: batch,
                replicas,
                ..self.options.clone()
            };
            Self::new(&self.graph, &options).is_ok_and(|smaller| smaller.bytes() <= free)
        };
        EngineError::DeviceMemory {
            bytes: self.bytes(),
            free,
            batch: largest(self.options.batch_size, |batch| {
                fits(batch, self.options.replicas)
            }),
            replicas: largest(self.options.replicas, |replicas| {
                fits(self.options.batch_size, replicas)
            }),
        }
    }

    /// Bytes of all lists.
    pub(crate) fn bytes(&self) -> u128 {
        self.inventory().bytes(self.options.replicas)
    }

    /// Factors of running statistics of one step.
    pub(crate) fn factor_row(&self) -> usize {
        2 * self.norms.len()
    }
}

impl Inventory {
    /// Bytes of all lists for so many replicas.
    pub(crate) fn bytes(&self, replicas: usize) -> u128 {
        // A list without values has room for one, since it has an address.
        let list = |length: usize, replicas: usize, size: usize| {
            (length as u128 * replicas as u128).max(1) * size as u128
        };
        let of_replicas = |size: usize| move |&length: &usize| list(length, replicas, size);
        let there = |&&length: &&usize| length > 0;
        let tensors = self.activations.iter().filter(there);
        let tensors = tensors.chain(&self.gradients);
        let floats = [&self.second_moments, &self.rounded].into_iter();
        let floats = floats.filter(there).chain(&self.lists);
        let floats = floats.chain([&self.values, &self.values, &self.parts, &self.running]);
        let doubles = self.partials.iter().chain([&self.norms, &self.factors]);
        let shared = [
            (self.parameters, size_of::<Parameter>()),
            (self.blocks, size_of::<i32>()),
            (self.blocks, size_of::<i32>()),
            (self.rounded_tiles, size_of::<WeightTile>()),
            (NUMBERS * self.parameters, size_of::<f64>()),
            (1, size_of::<i32>()),
        ];
        let shared = shared.map(|(length, size)| list(length, 1, size));
        tensors.map(of_replicas(self.value)).sum::<u128>()
            + floats.map(of_replicas(size_of::<f32>())).sum::<u128>()
            + doubles.map(of_replicas(size_of::<f64>())).sum::<u128>()
            + list(self.counters, replicas, size_of::<u32>())
            + list(self.rates, replicas, size_of::<GroupRates>())
            + list(self.samples, replicas, size_of::<Sample>())
            + list(WINDOW, replicas, size_of::<StepResult>())
            + shared.iter().sum::<u128>()
    }
}

/// The largest number below `beyond` for which something that holds for smaller ones holds; 0 if it never does.
fn largest(beyond: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut below, mut above) = (0, beyond);
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        if holds(middle) {
            below = middle;
        } else {
            above = middle;
        }
    }
    below
}

/// Channels that a GPU can be given: blocks of 16 are counted in 16 bits.
const MOST_CHANNELS: usize = 16 * u16::MAX as usize;

/// Values of a batch are counted in 32 bits.
fn check_sizes(graph: &Graph, layouts: &[Layout], batch: usize) -> Result<(), EngineError> {
    for (node, layout) in graph.nodes().iter().zip(layouts) {
        let values = batch.checked_mul(layout.image());
        if values.is_none_or(|values| values > i32::MAX as usize) {
            return Err(EngineError::Options(format!(
                "a batch of {batch} images has 2^31 values of `{}` or more; smaller batches have fewer",
                node.name
            )));
        }
        if layout.stored > MOST_CHANNELS {
            return Err(EngineError::Options(format!(
                "`{}` has {} channels; on a GPU they are at most {MOST_CHANNELS}",
                node.name, layout.channels
            )));
        }
    }
    for parameter in graph.parameters() {
        if parameter.elements() > i32::MAX as usize / 4 {
            return Err(EngineError::Options(format!(
                "`{}` has {} values; on a GPU they are at most {}",
                parameter.name,
                parameter.elements(),
                i32::MAX / 4
            )));
        }
    }
    Ok(())
}

fn norms(graph: &Graph, plan: &Plan, layouts: &[Layout], products: Products) -> Vec<NormPlan> {
    let mut running = 0;
    let mut norms = Vec::new();
    for (index, group) in plan.groups().iter().enumerate() {
        let Some(phases) = &group.phases else {
            continue;
        };
        let node = graph.node(group.head);
        let layout = layouts[group.inputs[0].index()];
        let over = match &node.op {
            Op::GroupNorm(norm) => Over::Groups(norm.groups),
            _ => Over::Batch,
        };
        let [scale, shift] = affine(&node.op);
        // A convolution beside finds sums tile by tile of its own: forward it writes this tensor, backward its gradient.
        let neighbour = |by: By| match by {
            By::Neighbour(group) => {
                conv2d::Shape::of(graph, graph.node(plan.groups()[group].head), products)
            }
            _ => None,
        };
        let own = Tiling::flat(layout, PASS_TILE);
        let forward = neighbour(phases.statistics).map(|shape| shape.forward().tiling);
        let backward = neighbour(phases.gradient_sums).map(|shape| shape.backward().tiling);
        norms.push(NormPlan {
            group: index,
            input: group.inputs[0],
            layout,
            over,
            relu: group.relu.is_some(),
            scale,
            shift,
            tilings: [forward.unwrap_or(own), backward.unwrap_or(own)],
            counters: 0,
            running: (over == Over::Batch).then_some(running),
        });
        if over == Over::Batch {
            running += 2 * layout.stored;
        }
    }
    norms
}
