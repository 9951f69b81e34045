//! Experiments as data: what a TOML file says, with defaults filled in and its preset applied.

mod arithmetic;
mod check;
mod error;
mod names;
mod parse;
mod recipe;

use std::collections::BTreeMap;

use claims::Claim;
use datasets::{Augmentation, Sampler, SamplerError};
use nn_graph::nets::{Architecture, NetConfig, Normaliser, Shortcut, Stem};
use nn_graph::{Affine, Bias, Graph, GraphError, Training as HeadTraining};
use serde::{Deserialize, Serialize};

pub use arithmetic::Arithmetic;
pub(crate) use check::Prepared;
pub use error::{ExperimentError, Problem};
pub use recipe_file::Position;

use crate::plan::Timeline;

/// Images have this shape, `[C, H, W]`, and [`CLASSES`] classes: CIFAR-10 and its synthetic
/// stand-in.
pub const IMAGE_SHAPE: [usize; 3] = [3, 32, 32];

/// See [`IMAGE_SHAPE`].
pub const CLASSES: usize = 10;

/// A family of runs of one network, on the same batches.
///
/// Made from TOML by [`Experiment::read`] or [`Experiment::parse`], which check it; written back by
/// [`Experiment::to_toml`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Letters, digits, `-`, `_` and `.`: part of the run folder's name.
    pub name: String,
    /// One sentence for people.
    pub title: String,
    /// What the paper says of these runs, in our words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<String>,
    /// The network.
    pub network: Network,
    /// The images.
    pub data: Data,
    /// How to train.
    pub training: Training,
    /// What runs are trained by: the tables `optimizer` and `schedule` of
    /// [`RecipeTables`](recipe_file::RecipeTables), as written; [`Experiment::recipe`] reads them.
    pub recipe: toml::Table,
    /// More recipes by name: in TOML what they change of `recipe`, as a preset does, unless they say of what kind both their
    /// optimiser and their schedule are; here as a whole.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub recipes: BTreeMap<String, toml::Table>,
    /// The runs.
    pub run: Vec<RunSpec>,
    /// What is claimed of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claim: Vec<Claim>,
    /// By a claim's `id`: why these runs, whatever they give, do not decide it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub undecided: BTreeMap<String, String>,
    /// Presets of which each makes an experiment of its own, and that belong together: their runs are claimed of as
    /// `"<variant>/<run>"`. A run folder holds one of them.
    #[serde(default, skip_serializing)]
    pub variants: Vec<String>,
}

/// A network of the paper; see [`NetConfig`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// `"preresnet"`, `"resnet"`, `"plain-cnn"` or `"fully-connected"`.
    #[serde(with = "names::ArchitectureName")]
    pub architecture: Architecture,
    /// Layers with weights: `6n + 2`, and any number from 2 on of a fully connected network.
    pub depth: usize,
    /// Channels of the first stage; features of every layer of a fully connected network. 16 by default.
    #[serde(default = "default_width")]
    pub width: usize,
    /// `"batch"` (default), `"layer"`, `"instance"`, or `{ group = 4 }`: the number of groups, a divisor of the width.
    #[serde(default, with = "names::NormaliserName")]
    pub normaliser: Normaliser,
    /// Trained scale and shift of the normalisations: `"none"` (default) or `"scale-and-shift"`.
    #[serde(default, with = "names::AffineName")]
    pub affine: Affine,
    /// Biases of the layers before normalisations: `"none"` (default) or `"trained"`.
    #[serde(default, with = "names::BiasName")]
    pub bias: Bias,
    /// Of a residual network: `"projection"`, `"zero-pad"` or `"raw-projection"`; the architecture's usual one by default.
    #[serde(
        default,
        with = "names::optional_shortcut",
        skip_serializing_if = "Option::is_none"
    )]
    pub shortcut: Option<Shortcut>,
    /// `"conv"` (default); of a PreResNet also `"conv-norm-relu-conv"` or `"conv-projection"`.
    #[serde(default, with = "names::StemName")]
    pub stem: Stem,
    /// The last linear layer: `"fixed"` (default) and random, or `"trained"`.
    #[serde(default = "default_head", with = "names::HeadName")]
    pub head: HeadTraining,
    /// `ε` of every normalisation, added to the variance; 1e-5 by default.
    #[serde(default = "default_epsilon")]
    pub epsilon: f64,
}

/// How many images, and how training images are augmented.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The first so many training images are used.
    pub train_images: usize,
    /// The first so many test images are used.
    pub test_images: usize,
    /// `"none"` (default) or `"crop-and-flip"`.
    #[serde(default)]
    pub augmentation: AugmentationKind,
    /// Pixels of black on each side before a random crop; 4 by default, used by `"crop-and-flip"`.
    #[serde(default = "default_crop_padding")]
    pub crop_padding: usize,
}

/// How training images are varied, see [`Augmentation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AugmentationKind {
    /// Not at all.
    #[default]
    None,
    /// A random crop after padding, then a mirror image with probability ½.
    CropAndFlip,
}

/// How to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Images in a step; the last step of an epoch takes what is left, see [`Sampler`].
    pub batch_size: usize,
    /// Passes over the training images.
    pub epochs: u64,
    /// `"float32"` (fast, on the CPU or a GPU; the default), `"float64"` (slow, on the CPU), or on a GPU `"tf32x3"`
    /// (float32's accuracy on tensor cores), `"tf32"` or `"bf16"`: parameters stay float32, convolutions multiply what is
    /// rounded so, and in bf16 activations are stored so. On what it is computed is no part of the experiment, see
    /// [`RunOptions`](crate::run::RunOptions).
    #[serde(default)]
    pub precision: Arithmetic,
    /// Seed of the initial parameters, the same for all runs; 0 by default.
    #[serde(default)]
    pub initial_seed: u64,
    /// Seed of shuffling, crops and flips; 0 by default.
    #[serde(default)]
    pub batch_seed: u64,
    /// Steps from one measurement of the weight norms to the next; 20 by default.
    #[serde(default = "default_norms_every")]
    pub norms_every: u64,
    /// Epochs from one check of the law to the next: from equal states, a step of each run without weight decay and of its
    /// original; 0 (default) for none.
    #[serde(default)]
    pub law_every: u64,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// Unique in the experiment.
    pub name: String,
    /// For legends.
    pub label: String,
    /// What is done to the recipe.
    pub transform: Transform,
    /// Which of [`Experiment::recipes`]; [`Experiment::recipe`] by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    /// Where it starts.
    #[serde(default, skip_serializing_if = "Start::is_usual")]
    pub start: Start,
}

/// The parameters that a run starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Start {
    /// Those of `training.initial_seed`, as most runs.
    #[default]
    Usual,
    /// Those, each moved to a neighbouring number of the format that is trained in: a control, for how far apart rounding
    /// alone takes two runs.
    OneUlpAway,
    /// Those of another seed: a control, for how far apart two trainings of one recipe end.
    OtherSeed,
}

impl Start {
    fn is_usual(&self) -> bool {
        *self == Self::Usual
    }
}

/// What a run does to the recipe; the first four are named as what `texp convert --to` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Transform {
    /// Nothing: weight decay as written. The other runs are compared with it.
    Original,
    /// No weight decay, learning rate of the exact law of the recipe's optimiser ([`TwinLaw`](crate::plan::TwinLaw)): the same
    /// function at every step. Those below are of SGD alone.
    WdFree,
    /// No weight decay, learning rate of [`schedule_core::law::texp::Texp`], the paper's schedule.
    Tapered,
    /// The paper's TEXP−−: the same without the drops of the rate, see
    /// [`with_constant_rate`](schedule_core::Recipe::with_constant_rate).
    TaperedNoDrop,
    /// The schedule of the paper's figure 4: no weight decay, the recipe's rate with its drops, times an exponential whose
    /// growth is that of the first phase throughout. Nothing corrects its running statistics: after a drop its weights do not
    /// grow for a while, so their scale is not known beforehand.
    ConstantExponent,
    /// As [`WdFree`](Self::WdFree), but for every parameter, also those that may not be scaled: the wrong way, for contrast.
    WdFreeEverywhere,
}

impl Transform {
    /// As in TOML and records.
    pub fn name(self) -> &'static str {
        match self {
            Transform::Original => "original",
            Transform::WdFree => "wd-free",
            Transform::Tapered => "tapered",
            Transform::TaperedNoDrop => "tapered-no-drop",
            Transform::ConstantExponent => "constant-exponent",
            Transform::WdFreeEverywhere => "wd-free-everywhere",
        }
    }
}

impl Experiment {
    /// The batches of every step.
    ///
    /// # Errors
    /// [`SamplerError`]; none for an experiment that was read from TOML.
    pub fn sampler(&self) -> Result<Sampler, SamplerError> {
        let augmentation = match self.data.augmentation {
            AugmentationKind::None => Augmentation::None,
            AugmentationKind::CropAndFlip => Augmentation::CropAndFlip {
                padding: self.data.crop_padding,
            },
        };
        let (images, batch_size) = (self.data.train_images, self.training.batch_size);
        Sampler::new(images, batch_size, self.training.batch_seed, augmentation)
    }

    /// What a run folder keeps of it: without what is claimed of several [variants](Self::variants), of which it is one.
    pub(crate) fn as_run(&self) -> Self {
        let mut run = self.clone();
        if !run.variants.is_empty() {
            (run.claim, run.undecided) = Default::default();
            run.variants = Vec::new();
        }
        run
    }

    /// Epochs and steps; none where there is no [`sampler`](Self::sampler).
    pub fn timeline(&self) -> Timeline {
        let steps_per_epoch = self
            .sampler()
            .map_or(0, |sampler| sampler.steps_per_epoch());
        Timeline::new(steps_per_epoch, self.training.epochs)
    }

    /// Index of the run that a run is compared with: the first one that is trained by the same recipe as it is written, from
    /// the usual start. None for that run itself, and where there is none.
    ///
    /// # Panics
    /// If there is no such run.
    pub fn twin(&self, run: usize) -> Option<usize> {
        let recipe = &self.run[run].recipe;
        let original = self.run.iter().position(|other| {
            other.transform == Transform::Original
                && other.start == Start::Usual
                && other.recipe == *recipe
        });
        original.filter(|&original| original != run)
    }
}

impl Network {
    /// The builder's configuration.
    pub fn config(&self) -> NetConfig {
        let mut config = NetConfig::new(self.architecture, self.depth);
        config.width = self.width;
        config.input = IMAGE_SHAPE;
        config.classes = CLASSES;
        config.normaliser = self.normaliser;
        config.affine = self.affine;
        config.bias = self.bias;
        config.shortcut = self.shortcut.unwrap_or(config.shortcut);
        config.stem = self.stem;
        config.head = self.head;
        config.epsilon = self.epsilon;
        config
    }

    /// The graph.
    ///
    /// # Errors
    /// [`GraphError`] for a depth or a size out of range, or choices that do not fit together.
    pub fn graph(&self) -> Result<Graph, GraphError> {
        self.config().build()
    }

    /// Such as "PreResNet-8, width 16".
    pub fn display_name(&self) -> String {
        let family = match self.architecture {
            Architecture::ResNet => "ResNet",
            Architecture::PreResNet => "PreResNet",
            Architecture::PlainCnn => "Plain CNN",
            Architecture::FullyConnected => "Fully connected",
        };
        let normaliser = match self.normaliser {
            Normaliser::Batch => String::new(),
            Normaliser::Group { groups } => format!(", {groups}-group normalisation"),
            Normaliser::Layer => ", layer normalisation".to_owned(),
            Normaliser::Instance => ", instance normalisation".to_owned(),
        };
        format!("{family}-{}, width {}{normaliser}", self.depth, self.width)
    }
}

fn default_width() -> usize {
    16
}

fn default_head() -> HeadTraining {
    HeadTraining::Fixed
}

fn default_epsilon() -> f64 {
    1e-5
}

fn default_norms_every() -> u64 {
    20
}

fn default_crop_padding() -> usize {
    4
}
