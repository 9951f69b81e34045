//! Why a recipe has no conversion.

use schedule_core::{FormError, LawError};

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
    /// The recipe does not say which weight decay the twin is to have.
    #[error(
        "the key `target.weight_decay` is missing; for a twin with another weight decay it must be a number \
         of at least 0, or a table with a kind of schedule"
    )]
    NoTargetWeightDecay,
}
