//! The table `optimizer`.

use std::fmt;

use schedule_core::Schedule;

use crate::Mistake;
use crate::schedule::{Names, Schedules};
use crate::section::Section;

/// The optimisers of a recipe; a new one concerns everyone who treats them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// What the table says.
pub(crate) struct Read {
    pub(crate) kind: Optimizer,
    /// 0 where the optimiser has none.
    pub(crate) momentum: Schedule,
    pub(crate) weight_decay: Schedule,
    pub(crate) moments: Option<Moments>,
}

const KINDS: [(&str, Optimizer); 3] = [
    ("sgd", Optimizer::Sgd),
    ("sgdw", Optimizer::Sgdw),
    ("adamw", Optimizer::AdamW),
];

/// What a weight decay must be.
pub(crate) const DECAY_NEEDS: &str = "a number of at least 0, or a table with a kind of schedule";

const BELOW_ONE: &str = "a number of at least 0 and below 1, or a table with a kind of schedule";

/// Reads the table.
pub(crate) fn read(
    root: &Section<'_, '_>,
    schedules: &mut Schedules<'_, '_>,
) -> Result<Read, Mistake> {
    let section = root.section("optimizer", "a table with kind, momentum and weight_decay")?;
    let kind = section.choice("kind", &KINDS)?;
    let keys: &[&'static str] = match kind {
        Optimizer::Sgd | Optimizer::Sgdw => &["kind", "momentum", "weight_decay"],
        Optimizer::AdamW => &["kind", "weight_decay", "beta1", "beta2", "eps"],
    };
    section.allow_only(keys)?;
    let mut of = |key: &'static str, needs| {
        schedules.number_or_table(&section.required(key, needs)?, needs, Names::of_column(key))
    };
    let (momentum, moments) = match kind {
        Optimizer::Sgd | Optimizer::Sgdw => (of("momentum", BELOW_ONE)?, None),
        Optimizer::AdamW => {
            let moments = Moments {
                beta1: of("beta1", BELOW_ONE)?,
                beta2: of("beta2", BELOW_ONE)?,
                epsilon: of("eps", DECAY_NEEDS)?,
            };
            // There is nothing wrong with a momentum that is not there.
            let none =
                Schedule::constant(0.0).map_err(|_| section.missing("momentum", BELOW_ONE))?;
            (none, Some(moments))
        }
    };
    Ok(Read {
        kind,
        momentum,
        weight_decay: of("weight_decay", DECAY_NEEDS)?,
        moments,
    })
}
