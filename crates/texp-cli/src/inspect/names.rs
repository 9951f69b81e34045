//! Parameters by names and patterns.

use std::collections::BTreeSet;

use glob::Pattern;
use nn_graph::network::Network;

use crate::CommandError;

/// The trained parameters that an option's values name, each of which must name one that none before it does.
pub(super) fn named(
    network: &Network,
    option: &'static str,
    values: &[String],
) -> Result<BTreeSet<String>, CommandError> {
    let mut found = BTreeSet::new();
    for value in values {
        let pattern = Pattern::new(value).map_err(|error| CommandError::Pattern {
            option,
            pattern: value.clone(),
            problem: error.msg,
        })?;
        let trained = network.parameters().filter(|&id| network.is_trainable(id));
        let names = trained.map(|id| &network.tensor(id).name);
        let before = found.len();
        // A name may hold what a pattern would not match, such as brackets.
        found.extend(
            names
                .filter(|name| *name == value || pattern.matches(name))
                .cloned(),
        );
        if found.len() == before {
            return Err(CommandError::NoParameter {
                option,
                pattern: value.clone(),
            });
        }
    }
    Ok(found)
}
