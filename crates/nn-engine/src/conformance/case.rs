//! A case of the corpus, and everything that follows from its seed.

use nn_graph::{Graph, GraphError, Init};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

use super::NetworkSpec;
use crate::{
    BatchSpec, Batches, Crop, EngineError, EngineOptions, GroupHyper, HyperTable, ImageSet,
    Moments, Optimiser, Products, Split, State, Symmetry,
};

/// How much work a case is. A tier includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Fit for an engine whose device is simulated: [below](Case::multiply_adds) a million multiply-adds.
    Sim,
    /// Fit for every run of an engine's tests.
    Cpu,
    /// All: networks of the size that experiments train.
    Full,
}

/// What is known about ReLU inputs near 0 and near ties in max pooling, where a rounding error changes a gradient by
/// more than itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kinks {
    /// The seed is chosen so that at every step every ReLU input that is not exactly 0 is at least
    /// [`MARGIN`](Kinks::MARGIN) of its tensor's root mean square away from it, and the largest value of every pooling
    /// window as far from the next (unless they are equal). (A test in `nn-reference` checks it.)
    #[default]
    Avoided,
    /// There are too many values for that.
    Possible,
}

impl Kinks {
    /// How far from kinks the seeds of [`Kinks::Avoided`] stay, as a share of a tensor's root mean square. Winograd's
    /// convolution in float32 is off by up to 7·10⁻⁵ in single ReLU inputs of the corpus (10⁻⁵ in half of the cases);
    /// much more would leave few seeds.
    pub const MARGIN: f64 = 1e-4;
}

/// Whether batches are cropped and mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Augmentation {
    /// Images as they are.
    #[default]
    None,
    /// Random crops by up to 4 pixels (the first image of a batch: by more than its size), and flips.
    CropAndFlip,
}

/// Hyperparameters of one replica. The rate grows by a tenth of itself every step and by half for
/// each further group, so that a step or group mistaken for another shows.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// `η` of the first step and group.
    pub learning_rate: f64,
    /// `λ`, from the second step on: after the first, momentum buffers are the gradients.
    pub weight_decay: f64,
    /// `γ`, or `β₁`.
    pub momentum: f64,
    /// What AdamW has beside.
    #[serde(default)]
    pub adam: Option<AdamRates>,
}

/// What AdamW has beside a learning rate, weight decay and `β₁`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamRates {
    /// `β₂`.
    pub beta2: f64,
    /// `ε`. As large as gradients, it shows where it is not scaled with them, and an update is not the sign of a
    /// gradient that rounding may turn.
    pub epsilon: f64,
}

impl Rates {
    /// At a step, with what is kept of the gradients multiplied by powers of `a` as in a run without weight decay that
    /// stands for another. (Not of SGD's, which a case may vary by itself.)
    fn hyper(&self, learning_rate: f64, step: usize, scale_ratio: f64) -> GroupHyper {
        let weight_decay = match step {
            0 => 0.0,
            _ => self.weight_decay,
        };
        let Some(adam) = self.adam else {
            return GroupHyper {
                scale_ratio,
                ..GroupHyper::new(learning_rate, weight_decay, self.momentum)
            };
        };
        let (beta, step) = ([self.momentum, adam.beta2], step as u64);
        let plain = GroupHyper::adamw(learning_rate, weight_decay, beta, adam.epsilon, step);
        GroupHyper {
            momentum: plain.momentum * scale_ratio,
            moments: plain.moments.map(|moments| Moments {
                second_keep: moments.second_keep * scale_ratio * scale_ratio,
                ..moments
            }),
            scale_ratio,
            ..plain
        }
    }
}

/// A change of scale that leaves the network's function alone, and so must not show in training.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rescale {
    /// `k` of each group: every trained parameter is multiplied by `2^k` of its group.
    pub exponents: Vec<i64>,
    /// `x[normaliser][group]`, see [`Symmetry::degree`].
    pub degrees: Vec<Vec<i32>>,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it is about.
    pub name: String,
    /// Which engines run it.
    pub tier: Tier,
    /// Images, batches and initial state are drawn from it. (Not with the case's other fields in its file, but in
    /// `seeds.toml`.)
    #[serde(skip)]
    pub seed: u64,
    /// The network.
    pub network: NetworkSpec,
    /// Images of a batch.
    pub batch: usize,
    /// Training steps; 0 is read as 1.
    pub steps: usize,
    /// Factor on the error that [`Bounds`](super::Bounds) expects, 1 unless the case is worse
    /// conditioned than most.
    #[serde(default = "one")]
    pub tolerance: f64,
    /// ReLU inputs near 0, and near ties.
    #[serde(default)]
    pub kinks: Kinks,
    /// Crops and flips.
    #[serde(default)]
    pub augmentation: Augmentation,
    /// What all replicas are trained with.
    #[serde(default)]
    pub optimiser: Optimiser,
    /// One entry for each replica.
    #[serde(default = "one_replica")]
    pub replicas: Vec<Rates>,
    /// Whether each replica has batches of its own.
    #[serde(default)]
    pub own_batches: bool,
    /// Parameter groups: parameter `i` is in group `i mod groups`.
    #[serde(default = "one_group")]
    pub groups: usize,
    /// `a`; group `g` has `a^{1+g}` at every step. With 1, running statistics are not rescaled.
    #[serde(default = "one")]
    pub scale_ratio: f64,
    /// If given, the case's symmetry is that of a real network, and training from a scale to another must give
    /// the same bits.
    #[serde(default)]
    pub rescale: Option<Rescale>,
}

fn one() -> f64 {
    1.0
}

fn one_group() -> usize {
    1
}

fn one_replica() -> Vec<Rates> {
    vec![Rates {
        learning_rate: 0.05,
        weight_decay: 5e-4,
        momentum: 0.9,
        adam: None,
    }]
}

/// Training images of every case; fewer of them than steps × batch, so that some are seen again.
const TRAIN_IMAGES: usize = 11;
/// Test images of every case: no multiple of usual batch sizes, so that evaluation has a last chunk.
const TEST_IMAGES: usize = 7;

impl Case {
    /// The corpus up to this tier, in the order of its files.
    ///
    /// ```
    /// use nn_engine::conformance::{Case, Tier};
    /// assert!(Case::all(Tier::Sim).len() < Case::all(Tier::Full).len());
    /// ```
    pub fn all(tier: Tier) -> Vec<Case> {
        let all = super::corpus::all().into_iter();
        all.filter(|case| case.tier <= tier).collect()
    }

    /// The network.
    ///
    /// # Errors
    /// [`GraphError`] if its description is none.
    pub fn graph(&self) -> Result<Graph, GraphError> {
        self.network.graph()
    }

    /// Multiply-adds of the training steps of all replicas: one forward and two backward passes each, at most.
    pub fn multiply_adds(&self, graph: &Graph) -> usize {
        let of_node =
            |node: &nn_graph::Node| node.op.multiply_adds(graph.parameters(), &node.shape);
        let forward: usize = graph.nodes().iter().map(of_node).sum();
        3 * forward * self.batch * self.steps.max(1) * self.replicas.len()
    }

    /// Options of an engine for this case, on all threads.
    pub fn options(&self, graph: &Graph) -> EngineOptions {
        EngineOptions {
            batch_size: self.batch,
            replicas: self.replicas.len(),
            symmetry: self.symmetry(graph),
            optimiser: self.optimiser,
            products: Products::Full,
            threads: 0,
        }
    }

    /// The real one of a case that is rescaled; else any, which running statistics are scaled by all the same.
    fn symmetry(&self, graph: &Graph) -> Symmetry {
        let groups = self.groups.max(1);
        let group = (0..graph.parameters().len()).map(|p| p % groups).collect();
        if let Some(rescale) = &self.rescale {
            let scaled = graph.parameters().iter().map(|p| i32::from(p.trainable));
            return Symmetry {
                group,
                exponent: scaled.collect(),
                degree: rescale.degrees.clone(),
            };
        }
        let degree = |normaliser: usize, group: usize| (normaliser + 2 * group) as i32 % 4 - 1;
        let normalisers = 0..graph.normalisers().len();
        Symmetry {
            group,
            exponent: vec![1; graph.parameters().len()],
            degree: normalisers
                .map(|n| (0..groups).map(|g| degree(n, g)).collect())
                .collect(),
        }
    }

    /// Random images with random labels.
    ///
    /// # Errors
    /// [`EngineError::Images`] if the network does not read images.
    pub fn images(&self, graph: &Graph, split: Split) -> Result<ImageSet, EngineError> {
        let (stream, count) = match split {
            Split::Train => (1, TRAIN_IMAGES.max(self.batch)),
            Split::Test => (2, TEST_IMAGES),
        };
        let [channels, height, width] = graph.input_shape().dims()[..] else {
            let why = format!("the network reads {}", graph.input_shape());
            return Err(EngineError::Images(why));
        };
        let mut random = self.random(stream);
        let bytes = count * channels * height * width;
        let pixels = (0..bytes).map(|_| random.random::<u8>()).collect();
        let classes = graph.output_shape().channels().clamp(1, 256);
        let labels = (0..count).map(|_| random.random_range(0..classes) as u8);
        let labels = labels.collect();
        let per_channel =
            |base: f64, step: f64| (0..channels).map(|c| base + step * c as f64).collect();
        ImageSet::new(
            [channels, height, width],
            pixels,
            labels,
            per_channel(0.5, -0.02),
            per_channel(0.25, 0.01),
        )
    }

    /// The batches of all steps, to be [arranged](Self::arranged).
    pub fn batches(&self) -> Vec<BatchSpec> {
        let mut random = self.random(3);
        let images = TRAIN_IMAGES.max(self.batch) as u32;
        let batch = |_| {
            let indices = (0..self.batch).map(|_| random.random_range(0..images));
            let mut batch = BatchSpec::plain(indices.collect());
            if self.augmentation == Augmentation::CropAndFlip {
                for crop in &mut batch.crops {
                    crop.dy = random.random_range(-4..=4);
                    crop.dx = random.random_range(-4..=4);
                }
                for flip in &mut batch.flips {
                    *flip = random.random();
                }
                if let Some(crop) = batch.crops.first_mut() {
                    *crop = Crop { dy: 127, dx: -128 };
                }
            }
            batch
        };
        let of_step = if self.own_batches {
            self.replicas.len()
        } else {
            1
        };
        (0..self.steps.max(1) * of_step).map(batch).collect()
    }

    /// [`batches`](Self::batches), by steps and replicas.
    ///
    /// # Errors
    /// [`EngineError::Batch`] for others that are not as many.
    pub fn arranged<'a>(&self, batches: &'a [BatchSpec]) -> Result<Batches<'a>, EngineError> {
        if self.own_batches {
            Batches::own(batches, self.replicas.len())
        } else {
            Ok(Batches::shared(batches))
        }
    }

    /// Hyperparameters of all steps.
    ///
    /// # Errors
    /// [`EngineError::Hyper`] if one is out of range.
    pub fn hyper(&self) -> Result<HyperTable, EngineError> {
        let groups = self.groups.max(1);
        HyperTable::from_fn(
            self.steps.max(1),
            self.replicas.len(),
            groups,
            |step, r, group| {
                let growth = (1.0 + 0.1 * step as f64) * (1.0 + 0.5 * group as f64);
                let rates = self.replicas[r];
                rates.hyper(
                    rates.learning_rate * growth,
                    step,
                    self.scale_ratios()[group],
                )
            },
        )
    }

    /// `scale_ratio` of each group.
    pub fn scale_ratios(&self) -> Vec<f64> {
        let groups = 1..=self.groups.max(1) as i32;
        groups.map(|power| self.scale_ratio.powi(power)).collect()
    }

    /// Where a replica starts: the graph's initial values, but biases, affine parameters and running
    /// statistics away from 0 and 1, where mistakes hide. All are float32 numbers, buffers are 0.
    pub fn state(&self, graph: &Graph, replica: usize) -> State {
        let mut state = State::initial(graph, self.seed.wrapping_add(replica as u64))
            .with_optimiser(graph, self.optimiser);
        let mut random = self.random(16 + replica as u64);
        let mut draw = |centre: f64, width: f64| {
            f64::from((centre + width * random.random_range(-1.0..1.0)) as f32)
        };
        for (tensor, parameter) in state.tensors.iter_mut().zip(graph.parameters()) {
            if let Init::Constant(value) = parameter.init {
                tensor.values.fill_with(|| draw(value, 0.25));
            }
        }
        for tensor in &mut state.tensors {
            if tensor.name.ends_with(".running_mean") {
                tensor.values.fill_with(|| draw(0.0, 0.5));
            } else if tensor.name.ends_with(".running_variance") {
                tensor.values.fill_with(|| draw(1.0, 0.5));
            }
        }
        state
    }

    fn random(&self, stream: u64) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(stream);
        random
    }
}
