//! Why a parameter keeps weight decay.

use std::collections::BTreeSet;

use scale_invariance::{Inspection, Invariance, ParameterInvariance};

use super::Decay;

/// Names in a sentence.
const MOST_NAMES: usize = 3;

/// Why not all the decay of a parameter becomes a rate; `inspection` is of all trained parameters, `with_decay` of
/// those that have decay only.
pub(super) fn why(
    parameter: &ParameterInvariance,
    decay: Decay,
    inspection: &Inspection,
    with_decay: &Inspection,
    undecayed: &BTreeSet<String>,
) -> Option<String> {
    if matches!(decay, Decay::Gone | Decay::None) {
        return None;
    }
    let name = &parameter.name;
    let Some(group) = parameter.group else {
        return parameter.reason.clone();
    };
    if parameter.invariance == Invariance::Balanced {
        return Some(format!(
            "`{name}` can be scaled up only if another of group {group} is scaled down"
        ));
    }
    let among_decayed = with_decay.parameters.iter().find(|p| p.name == *name);
    let scales = among_decayed
        .is_some_and(|found| matches!(found.invariance, Invariance::Alone | Invariance::Jointly));
    if scales {
        return Some(format!(
            "not all of group {group} can be scaled alike, and more weights lose their decay if `{name}` keeps it"
        ));
    }
    let others = inspection.parameters.iter();
    let others =
        others.filter(|other| other.group == Some(group) && undecayed.contains(&other.name));
    let others: Vec<String> = others.map(|other| format!("`{}`", other.name)).collect();
    let more = others.len().saturating_sub(MOST_NAMES);
    let mut named = others[..others.len() - more].join(", ");
    if more > 0 {
        named = format!("{named} and {more} more");
    }
    Some(format!(
        "`{name}` can be scaled only along with others of group {group}, and of these {named} must stay, without \
         weight decay"
    ))
}
