//! Parameter groups in a summary.

use crate::RecipeFile;
use crate::conversion::Converted;

/// What becomes of a parameter group.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GroupSummary {
    /// Its name.
    pub name: String,
    /// `ln η̃` of the first step.
    pub ln_lr_exp_first: f64,
    /// `ln η̃` of the last step; −∞ where the recipe's rate is 0.
    pub ln_lr_exp_last: f64,
    /// `ln A` after the last step.
    pub ln_scale_last: f64,
    /// The smallest weight decay `λ̃` that it keeps, which may be negative.
    pub least_weight_decay: f64,
    /// The largest weight decay `λ̃` that it keeps.
    pub largest_weight_decay: f64,
}

/// Takes in a row of a group.
pub(super) fn see(groups: &mut Vec<GroupSummary>, file: &RecipeFile, converted: &Converted) {
    let row = &converted.row;
    let Some(group) = row.group.and_then(|at| file.groups().get(at)) else {
        return;
    };
    let decay = row.weight_decay_exp;
    match groups.iter_mut().find(|known| known.name == group.name) {
        Some(known) => {
            known.ln_lr_exp_last = row.ln_lr_exp;
            known.ln_scale_last = converted.ln_scale_after;
            known.least_weight_decay = known.least_weight_decay.min(decay);
            known.largest_weight_decay = known.largest_weight_decay.max(decay);
        }
        None => groups.push(GroupSummary {
            name: group.name.clone(),
            ln_lr_exp_first: row.ln_lr_exp,
            ln_lr_exp_last: row.ln_lr_exp,
            ln_scale_last: converted.ln_scale_after,
            least_weight_decay: decay,
            largest_weight_decay: decay,
        }),
    }
}
