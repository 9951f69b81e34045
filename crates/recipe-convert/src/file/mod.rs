//! From TOML text to a checked recipe.

mod error;
mod group;
mod optimizer;
mod position;
mod read;
mod schedule;
mod section;
mod table;

use std::io;

use schedule_core::law::decoupled::{AdamWError, Moment};
use schedule_core::law::form::FormError;
use schedule_core::{Hyperparameter, LawError, Recipe, Schedule};
use toml::de::DeTable;

pub use error::{Problem, RecipeFileError, TableProblem};
pub use group::Group;
pub use optimizer::{Moments, Optimizer};
pub use position::Position;

use crate::NoConversion;
use read::read;
use section::Section;

/// Gives the text of the file at a path that a recipe names; this crate reads no files itself.
pub type ReadTable<'r> = dyn FnMut(&str) -> io::Result<String> + 'r;

/// A training's recipe, as a file gives it.
///
/// ```toml
/// steps_per_epoch = 391
/// epochs = 200
/// [optimizer]
/// kind = "sgd"
/// momentum = 0.9
/// weight_decay = 5e-4
/// [schedule]
/// kind = "step"
/// lr = 0.1
/// factor = 0.1
/// epochs = [80, 120]
/// ```
///
/// The optimiser is PyTorch's `SGD(momentum, weight_decay)` without dampening: see [`Recipe`]. Of kind
/// `"sgdw"` it has the same keys and [decoupled](Optimizer::Sgdw) weight decay; of kind `"adamw"`, it is PyTorch's
/// `AdamW` with `beta1`, `beta2` and `eps` in place of `momentum`.
///
/// The schedule's other keys depend on its `kind`; times are in epochs, rounded to steps; a final or an
/// initial rate that is left out is 0:
///
/// | `kind` | keys |
/// | --- | --- |
/// | `"constant"` | `lr` |
/// | `"step"` | `lr`, `factor`, `epochs`: a list |
/// | `"cosine"` | `lr`, perhaps `final_lr`, `epochs` if not the whole training |
/// | `"warmup-cosine"` | `lr`, `warmup_epochs`, perhaps `initial_lr`, `final_lr` |
/// | `"wsd"` | `lr`, `warmup_epochs`, `decay_epochs`, perhaps `initial_lr`, `final_lr` |
/// | `"one-cycle"` | `lr` (the peak), `initial_lr`, `final_lr`, `warmup_epochs` (until the peak) |
/// | `"polynomial"` | `lr`, `power`, perhaps `final_lr`, `epochs` if not the whole training |
/// | `"exponential"` | `lr`, `growth`, `per`: `"epoch"` or `"step"` |
/// | `"csv"` | `file`: CSV with the columns `step` (0, 1, 2, …) and `lr`; the last rate is held |
///
/// `weight_decay`, `momentum`, `beta1`, `beta2` and `eps` may be such tables too, with `value`, `initial_value` and
/// `final_value` in place of `lr`, `initial_lr` and `final_lr`, and in CSV a column of their own name.
///
/// For [`Target::WeightDecay`](crate::Target::WeightDecay) the table `target` says which weight decay the
/// twin has, in one of the same two forms:
///
/// ```toml
/// [target]
/// weight_decay = 1e-4
/// ```
///
/// Tables `group` make parameter groups of SGD, which are scaled together:
/// [`GroupsLaw`](schedule_core::law::groups::GroupsLaw). Each has a `name`, and perhaps a `weight_decay` in place of the
/// optimiser's, an `lr_scale` that multiplies the rate, and an `exponent`, `d_p`: 1 if left out, 0 for a group
/// that is not scale-invariant and keeps its decay.
///
/// ```toml
/// [[group]]
/// name = "convolutions"
/// [[group]]
/// name = "head"
/// exponent = 0
/// weight_decay = 1e-4
/// ```
#[derive(Clone, Debug)]
pub struct RecipeFile {
    file: String,
    steps_per_epoch: u64,
    epochs: u64,
    recipe: Recipe,
    optimizer: Optimizer,
    moments: Option<Moments>,
    groups: Vec<Group>,
    target_weight_decay: Option<Schedule>,
    places: Places<Position>,
}

/// Where in the file the keys stand that a recipe without a conversion can be put right at.
#[derive(Clone, Debug)]
struct Places<P> {
    learning_rate: P,
    weight_decay: P,
    momentum: P,
    optimizer_kind: P,
    /// Of AdamW's `β₁`, `β₂` and `ε`.
    moments: Option<[P; 3]>,
    groups: Option<P>,
    target_weight_decay: Option<P>,
}

impl<P> Places<P> {
    fn map<Q>(self, position: impl Fn(P) -> Q) -> Places<Q> {
        Places {
            learning_rate: position(self.learning_rate),
            weight_decay: position(self.weight_decay),
            momentum: position(self.momentum),
            optimizer_kind: position(self.optimizer_kind),
            moments: self.moments.map(|places| places.map(&position)),
            groups: self.groups.map(&position),
            target_weight_decay: self.target_weight_decay.map(&position),
        }
    }
}

impl RecipeFile {
    /// Reads TOML; `file` is for messages, `read_table` gives the text of the CSV files that the recipe
    /// names.
    ///
    /// # Errors
    /// [`RecipeFileError`] with the position of the first mistake.
    ///
    /// ```
    /// use recipe_convert::RecipeFile;
    ///
    /// let text = r#"
    /// steps_per_epoch = 391
    /// epochs = 200
    /// optimizer = { kind = "sgd", momentum = 0.9, weight_decay = 5e-4 }
    /// schedule = { kind = "cosine", lr = 0.1 }
    /// "#;
    /// let mut no_tables = |_: &str| Err(std::io::Error::other("no files here"));
    /// let file = RecipeFile::parse(text, "recipe.toml", &mut no_tables)?;
    /// assert_eq!(file.steps(), 78_200);
    /// assert_eq!(file.recipe().at(39_100).weight_decay, 5e-4);
    ///
    /// let wrong = text.replace("sgd", "adagrad");
    /// assert_eq!(
    ///     RecipeFile::parse(&wrong, "recipe.toml", &mut no_tables).unwrap_err().to_string(),
    ///     "recipe.toml, line 4, column 22: `optimizer.kind` is \"adagrad\"; it must be one of \
    ///      \"sgd\", \"sgdw\", \"adamw\"",
    /// );
    /// # Ok::<(), recipe_convert::RecipeFileError>(())
    /// ```
    pub fn parse(
        text: &str,
        file: &str,
        read_table: &mut ReadTable<'_>,
    ) -> Result<Self, RecipeFileError> {
        let position = |byte| Position::of_byte(text, byte);
        let root = DeTable::parse(text).map_err(|wrong| RecipeFileError {
            file: file.to_owned(),
            position: wrong.span().map(|span| position(span.start)),
            problem: Problem::Toml {
                message: wrong
                    .message()
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" "),
            },
        })?;
        // Through a closure of its own, whose lifetime the schedules can share.
        let mut read_table = |path: &str| read_table(path);
        read(&Section::root(&root), &mut read_table)
            .map(|read| Self {
                file: file.to_owned(),
                steps_per_epoch: read.steps_per_epoch,
                epochs: read.epochs,
                recipe: read.recipe,
                optimizer: read.optimizer,
                moments: read.moments,
                groups: read.groups,
                target_weight_decay: read.target_weight_decay,
                places: read.places.map(|span| position(span.start)),
            })
            .map_err(|mistake| RecipeFileError {
                file: file.to_owned(),
                position: mistake.span.map(|span| position(span.start)),
                problem: mistake.problem,
            })
    }

    /// The recipe in steps; without momentum where the optimiser has none.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The optimiser.
    #[must_use]
    pub fn optimizer(&self) -> Optimizer {
        self.optimizer
    }

    /// What AdamW has in place of a momentum; `None` for another optimiser.
    #[must_use]
    pub fn moments(&self) -> Option<&Moments> {
        self.moments.as_ref()
    }

    /// The parameter groups; none where there is only one, without a name.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The group whose own decay sets the pace, the first with an exponent that is not 0; the first if
    /// there is none.
    pub(crate) fn leader(&self) -> Option<usize> {
        let leads = |group: &Group| group.exponent != 0.0;
        let leader = self.groups.iter().position(leads);
        leader.or((!self.groups.is_empty()).then_some(0))
    }

    /// Rows of a conversion: one for each step and group.
    pub(crate) fn rows(&self) -> u64 {
        self.steps().saturating_mul(self.groups.len().max(1) as u64)
    }

    /// The weight decay that the twin is to have, if the recipe has a table `target`.
    #[must_use]
    pub fn target_weight_decay(&self) -> Option<&Schedule> {
        self.target_weight_decay.as_ref()
    }

    /// Steps in an epoch.
    #[must_use]
    pub fn steps_per_epoch(&self) -> u64 {
        self.steps_per_epoch
    }

    /// Epochs of the training.
    #[must_use]
    pub fn epochs(&self) -> u64 {
        self.epochs
    }

    /// Steps of the training.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps_per_epoch * self.epochs
    }

    /// The error that this recipe has no conversion, at the key to change first.
    pub(crate) fn no_conversion(&self, error: NoConversion) -> RecipeFileError {
        let places = &self.places;
        let place = match &error {
            NoConversion::NoTargetWeightDecay => None,
            NoConversion::Groups(_) | NoConversion::GroupsNeedWdFree { .. } => places.groups,
            NoConversion::NeedsSgd { .. } => Some(places.optimizer_kind),
            NoConversion::AdamW(AdamWError::BetaOutOfRange { moment, .. }) => {
                places.moments.map(|[first, second, _]| match moment {
                    Moment::First => first,
                    Moment::Second => second,
                })
            }
            NoConversion::AdamW(AdamWError::EpsilonOutOfRange { .. }) => {
                places.moments.map(|[_, _, epsilon]| epsilon)
            }
            NoConversion::Law(LawError::NotPiecewiseConstant { hyperparameter, .. }) => {
                Some(match hyperparameter {
                    Hyperparameter::LearningRate => places.learning_rate,
                    Hyperparameter::WeightDecay => places.weight_decay,
                    Hyperparameter::Momentum => places.momentum,
                })
            }
            NoConversion::Law(LawError::NoConstantRate { .. })
            | NoConversion::Form(FormError::NoMomentum { .. }) => Some(places.learning_rate),
            NoConversion::Law(
                LawError::ShrinkNotPositiveKeeping { .. } | LawError::KeptDecayOverflows { .. },
            ) => places.target_weight_decay,
            NoConversion::Law(_)
            | NoConversion::Form(_)
            | NoConversion::Decoupled(_)
            | NoConversion::AdamW(_) => Some(places.weight_decay),
        };
        RecipeFileError {
            file: self.file.clone(),
            position: place,
            problem: Problem::NoConversion(error),
        }
    }
}
