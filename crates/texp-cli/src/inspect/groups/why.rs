//! Why a parameter keeps weight decay.

use std::collections::{BTreeMap, BTreeSet};

use scale_invariance::{Degree, Inspection, Invariance, ParameterInvariance};

/// Names in a sentence.
const MOST_NAMES: usize = 3;

/// What stands in the way of parameters.
pub(super) struct Obstacles<'a> {
    /// Among parameters with decay alone.
    with_decay: BTreeMap<&'a str, &'a ParameterInvariance>,
    /// Groups of these of which some exponent is not 0.
    scaled: BTreeSet<usize>,
    /// Of each group of all trained parameters those without decay.
    undecayed: BTreeMap<usize, Vec<&'a str>>,
}

impl<'a> Obstacles<'a> {
    /// `inspection` is of all trained parameters, `with_decay` of those that have decay only, with their exponents.
    pub(super) fn new(
        inspection: &'a Inspection,
        with_decay: &'a Inspection,
        exponents: &[Degree],
    ) -> Self {
        let parameters = with_decay.parameters.iter();
        let found: BTreeMap<&str, &ParameterInvariance> = parameters
            .map(|parameter| (parameter.name.as_str(), parameter))
            .collect();
        let scaled = with_decay.parameters.iter().zip(exponents);
        let scaled = scaled.filter(|(_, exponent)| **exponent != 0.into());
        let scaled = scaled.filter_map(|(parameter, _)| parameter.group);
        let mut undecayed: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for parameter in &inspection.parameters {
            let name = parameter.name.as_str();
            if let Some(group) = parameter.group
                && !found.contains_key(name)
            {
                undecayed.entry(group).or_default().push(name);
            }
        }
        Self {
            scaled: scaled.collect(),
            with_decay: found,
            undecayed,
        }
    }

    /// Why a parameter of [`Inspection::parameters`], with decay, does not lose all of it.
    pub(super) fn of(&self, parameter: &ParameterInvariance) -> Option<String> {
        let name = &parameter.name;
        let Some(group) = parameter.group else {
            return parameter.reason.clone();
        };
        if parameter.invariance == Invariance::Balanced {
            return Some(format!(
                "`{name}` can be scaled up only if another of group {group} is scaled down"
            ));
        }
        let among_decayed = self.with_decay.get(name.as_str());
        let scales = among_decayed.filter(|found| {
            let scales = [Invariance::Alone, Invariance::Jointly];
            scales.contains(&found.invariance)
        });
        Some(match scales.map(|found| found.group) {
            Some(Some(among)) if !self.scaled.contains(&among) => format!(
                "group {group} has too many dependent parameters to find which of them can be scaled together"
            ),
            Some(_) => format!(
                "not all of group {group} can be scaled alike, and `{name}` gives way to others of it"
            ),
            None => format!(
                "`{name}` can be scaled only along with others of group {group}, and of these {} must stay, without \
                 weight decay",
                self.undecayed(group)
            ),
        })
    }

    fn undecayed(&self, group: usize) -> String {
        let names = self.undecayed.get(&group).map_or(&[][..], Vec::as_slice);
        let (first, more) = names.split_at(names.len().min(MOST_NAMES));
        let first: Vec<String> = first.iter().map(|name| format!("`{name}`")).collect();
        match more.len() {
            0 => first.join(", "),
            more => format!("{} and {more} more", first.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use nn_graph::nets::{Architecture, NetConfig};
    use nn_graph::network::Network;
    use scale_invariance::inspect;

    use super::*;

    /// What was not searched is not said to be impossible.
    #[test]
    fn a_group_without_any_exponent_was_not_searched() {
        let network = Network::from(&NetConfig::new(Architecture::PreResNet, 8).build().unwrap());
        let found = inspect(&network);
        let reason = |exponent: i32| {
            let exponents = vec![Degree::from(exponent); found.parameters.len()];
            Obstacles::new(&found, &found, &exponents).of(&found.parameters[0])
        };
        assert!(
            reason(0)
                .unwrap()
                .contains("has too many dependent parameters")
        );
        assert!(reason(1).unwrap().starts_with("not all of group 0 can be"));
    }
}
