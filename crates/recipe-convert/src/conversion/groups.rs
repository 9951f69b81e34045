//! Several parameter groups.

use schedule_core::Hyperparameters;
use schedule_core::law::groups::{GroupsError, GroupsLaw};

use super::{Converted, NoConversion, Row, Steps};
use crate::{Group, RecipeFile};

/// The group whose own decay sets the pace, the first with an exponent that is not 0; the first if there is
/// none.
pub(crate) fn leader(groups: &[Group]) -> Option<usize> {
    let leads = |group: &Group| group.exponent != 0.0;
    let leader = groups.iter().position(leads);
    leader.or((!groups.is_empty()).then_some(0))
}

/// The law of groups that are scaled together: of each step a row for every group.
pub(super) fn steps(file: &RecipeFile) -> Result<Steps<'_>, NoConversion> {
    let groups = file.groups();
    let exponents: Vec<f64> = groups.iter().map(|group| group.exponent).collect();
    let mut law = GroupsLaw::common_direction(&exponents).map_err(|error| named(groups, error))?;
    Ok(Box::new((0..=u64::MAX).flat_map(move |step| {
        let with: Vec<Hyperparameters> = groups.iter().map(|group| group.at(step)).collect();
        match law.step(&with) {
            Err(error) => vec![Err(named(groups, error))],
            Ok(twins) => {
                let rows = twins.iter().zip(with).enumerate();
                rows.map(|(group, (twin, recipe))| {
                    let twin = &twin.equivalent;
                    Ok(Converted {
                        row: Row {
                            group: Some(group),
                            ..Row::of_sgd(recipe, twin)
                        },
                        shrink: twin.shrink,
                        ln_scale_after: twin.ln_scale_after,
                        // One group alone cannot be renormalised.
                        equivalent: None,
                    })
                })
                .collect()
            }
        }
    })))
}

/// The error with the name of the group that it is about.
fn named(groups: &[Group], error: GroupsError) -> NoConversion {
    match error {
        GroupsError::Group { group, problem } => NoConversion::Group {
            group,
            name: groups
                .get(group)
                .map_or_else(String::new, |group| group.name.clone()),
            problem,
        },
        error => NoConversion::Groups(error),
    }
}
