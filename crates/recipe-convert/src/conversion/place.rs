//! Where in its file a recipe without a conversion can be put right.

use schedule_core::law::decoupled::{AdamWError, Moment};
use schedule_core::law::form::FormError;
use schedule_core::law::groups::GroupProblem;
use schedule_core::{Hyperparameter, LawError};

use super::NoConversion;

/// The path of the key to change first.
pub(super) fn path(error: &NoConversion) -> String {
    match error {
        NoConversion::Group { group, problem, .. } => {
            format!("group.{group}.{}", of_group(problem))
        }
        error => of_recipe(error).to_owned(),
    }
}

/// The key of a group; where the group leaves it out, its table is the place.
fn of_group(problem: &GroupProblem) -> &'static str {
    match problem {
        GroupProblem::CannotFollowAtRest { .. } => "lr_scale",
        GroupProblem::Law(_) => "weight_decay",
        _ => "exponent",
    }
}

fn of_recipe(error: &NoConversion) -> &'static str {
    match error {
        NoConversion::Groups(_)
        | NoConversion::Group { .. }
        | NoConversion::GroupsNeedWdFree { .. } => "group",
        NoConversion::NeedsSgd { .. } => "optimizer.kind",
        NoConversion::AdamW(AdamWError::BetaOutOfRange { moment, .. }) => match moment {
            Moment::First => "optimizer.beta1",
            Moment::Second => "optimizer.beta2",
        },
        NoConversion::AdamW(AdamWError::EpsilonOutOfRange { .. }) => "optimizer.eps",
        NoConversion::Law(LawError::NotPiecewiseConstant { hyperparameter, .. }) => {
            match hyperparameter {
                Hyperparameter::LearningRate => "schedule",
                Hyperparameter::WeightDecay => "optimizer.weight_decay",
                Hyperparameter::Momentum => "optimizer.momentum",
            }
        }
        NoConversion::Law(LawError::NoConstantRate { .. })
        | NoConversion::Form(FormError::NoMomentum { .. }) => "schedule",
        NoConversion::NoTargetWeightDecay
        | NoConversion::Law(
            LawError::ShrinkNotPositiveKeeping { .. } | LawError::KeptDecayOverflows { .. },
        ) => "target.weight_decay",
        NoConversion::Law(_)
        | NoConversion::Form(_)
        | NoConversion::Decoupled(_)
        | NoConversion::AdamW(_) => "optimizer.weight_decay",
    }
}
