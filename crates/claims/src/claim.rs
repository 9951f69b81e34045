//! A claim, as it stands in TOML.

use serde::{Deserialize, Serialize};

use crate::Predicate;

/// One statement about the runs of an experiment, with every threshold that decides it.
///
/// ```
/// use claims::{Claim, Predicate};
///
/// #[derive(serde::Deserialize)]
/// struct Experiment {
///     claim: Vec<Claim>,
/// }
///
/// let experiment: Experiment = toml::from_str(r#"
/// [[claim]]
/// id = "same-accuracy"
/// says = "the pair ends at the same accuracy"
/// source = "Li & Arora 2020, figure 2"
/// predicate = { kind = "equivalent", a = "step-decay/test-accuracy", b = "exact/test-accuracy", over = { last = 5 }, margin = 0.02 }
/// "#)?;
/// assert!(matches!(experiment.claim[0].predicate, Predicate::Equivalent(_)));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// A short name, its own within the experiment.
    pub id: String,
    /// The claim in words.
    pub says: String,
    /// Who makes it, and where.
    pub source: String,
    /// When it holds.
    pub predicate: Predicate,
}
