//! Why a recipe has no conversion.

use schedule_core::LawError;
use schedule_core::law::decoupled::{AdamWError, DecoupledError};
use schedule_core::law::form::FormError;
use schedule_core::law::groups::{GroupProblem, GroupsError};

use crate::{Optimizer, Target};

/// A recipe that has no conversion to what was asked for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NoConversion {
    /// SGD with the rate outside the momentum buffer.
    #[error(transparent)]
    Law(#[from] LawError),
    /// SGD with the rate inside the momentum buffer.
    #[error(transparent)]
    Form(#[from] FormError),
    /// SGD with decoupled weight decay.
    #[error(transparent)]
    Decoupled(#[from] DecoupledError),
    /// AdamW.
    #[error(transparent)]
    AdamW(#[from] AdamWError),
    /// Parameter groups together.
    #[error(transparent)]
    Groups(#[from] GroupsError),
    /// One parameter group.
    #[error("parameter group \"{name}\": {problem}")]
    Group {
        /// Position of the group, from 0.
        group: usize,
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: GroupProblem,
    },
    /// A conversion that there is not for groups.
    #[error(
        "for parameter groups there is no {target} of the optimizer \"{optimizer}\"; convert to the {} with the \
         optimizer \"sgd\", or leave the groups out",
        Target::WdFree
    )]
    GroupsNeedWdFree {
        /// What was asked for.
        target: Target,
        /// The recipe's optimiser.
        optimizer: Optimizer,
    },
    /// A target that only SGD with coupled weight decay has.
    #[error(
        "for the optimizer \"{optimizer}\" there is no {target}; convert to the {}, or use the optimizer \
         \"sgd\"",
        Target::WdFree
    )]
    NeedsSgd {
        /// What was asked for.
        target: Target,
        /// The recipe's optimiser.
        optimizer: Optimizer,
    },
    /// The recipe does not say which weight decay the twin is to have.
    #[error(
        "the key `target.weight_decay` is missing; for a twin with another weight decay it must be a number \
         of at least 0, or a table with a kind of schedule"
    )]
    NoTargetWeightDecay,
}
