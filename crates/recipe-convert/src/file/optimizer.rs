//! The table `optimizer`.

use std::fmt;
use std::ops::Range;

use schedule_core::Schedule;

use super::read::DECAY_NEEDS;
use super::schedule::{Names, Schedules};
use super::section::{Mistake, Section};

/// The optimisers of a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Optimizer {
    /// SGD with momentum and coupled weight decay, PyTorch's: see [`Recipe`](schedule_core::Recipe).
    Sgd,
    /// SGD with momentum and decoupled weight decay:
    /// [`SgdwState`](schedule_core::optimiser::SgdwState).
    Sgdw,
    /// Adam with decoupled weight decay, PyTorch's:
    /// [`AdamWState`](schedule_core::optimiser::AdamWState).
    AdamW,
}

impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sgd => "sgd",
            Self::Sgdw => "sgdw",
            Self::AdamW => "adamw",
        })
    }
}

/// What AdamW has in place of a momentum.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Moments {
    /// `β₁` of each step.
    pub beta1: Schedule,
    /// `β₂` of each step.
    pub beta2: Schedule,
    /// `ε` of each step.
    pub epsilon: Schedule,
}

/// What the table says, each with its place.
pub(super) struct Read {
    pub(super) kind: Optimizer,
    pub(super) kind_span: Range<usize>,
    pub(super) momentum: (Schedule, Range<usize>),
    pub(super) weight_decay: (Schedule, Range<usize>),
    pub(super) moments: Option<(Moments, [Range<usize>; 3])>,
}

const KINDS: [(&str, Optimizer); 3] = [
    ("sgd", Optimizer::Sgd),
    ("sgdw", Optimizer::Sgdw),
    ("adamw", Optimizer::AdamW),
];

const BELOW_ONE: &str = "a number of at least 0 and below 1, or a table with a kind of schedule";

/// Reads the table.
pub(super) fn read(root: &Section<'_, '_>, schedules: &mut Schedules<'_>) -> Result<Read, Mistake> {
    let section = root.section("optimizer", "a table with kind, momentum and weight_decay")?;
    let kind = section.choice("kind", &KINDS)?;
    let keys: &[&'static str] = match kind {
        Optimizer::Sgd | Optimizer::Sgdw => &["kind", "momentum", "weight_decay"],
        Optimizer::AdamW => &["kind", "weight_decay", "beta1", "beta2", "eps"],
    };
    section.allow_only(keys)?;
    let mut of = |key: &'static str, needs| -> Result<(Schedule, Range<usize>), Mistake> {
        let entry = section.required(key, needs)?;
        let schedule = schedules.number_or_table(&entry, needs, Names::of_column(key))?;
        Ok((schedule, entry.span()))
    };
    let (momentum, moments) = match kind {
        Optimizer::Sgd | Optimizer::Sgdw => (of("momentum", BELOW_ONE)?, None),
        Optimizer::AdamW => {
            let (beta1, first) = of("beta1", BELOW_ONE)?;
            let (beta2, second) = of("beta2", BELOW_ONE)?;
            let (epsilon, third) = of("eps", DECAY_NEEDS)?;
            let moments = Moments {
                beta1,
                beta2,
                epsilon,
            };
            // There is nothing wrong with a momentum that is not there.
            let none =
                Schedule::constant(0.0).map_err(|_| section.missing("momentum", BELOW_ONE))?;
            (
                (none, section.span()),
                Some((moments, [first, second, third])),
            )
        }
    };
    Ok(Read {
        kind,
        kind_span: section.required("kind", "")?.span(),
        momentum,
        weight_decay: of("weight_decay", DECAY_NEEDS)?,
        moments,
    })
}
