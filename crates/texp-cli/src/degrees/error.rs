//! What can be wrong with a file of degrees, said to a person in one sentence.

use nn_graph::GraphError;
use recipe_file::Located;

/// A file that is no table of degrees: what is wrong, where, and what to do.
pub type TableError = Located<TableProblem>;

/// The kinds of mistakes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableProblem {
    /// Not TOML, an unknown key, a missing key, or a value of the wrong type.
    #[error("{message}; correct it, `experiments/degrees.toml` in the repository shows every key")]
    Toml {
        /// What the parser says.
        message: String,
    },
    /// No row at all.
    #[error("there is no network to look at; add a [[row]] table")]
    NoRow,
    /// Two rows have the same name.
    #[error("two rows are called `{id}`; rename one")]
    DuplicateRow {
        /// The name.
        id: String,
    },
    /// A network that cannot be built.
    #[error("{0}")]
    Network(GraphError),
    /// Not one degree for each normalisation.
    #[error(
        "{given} degrees are given for the inputs of {normalisations} normalisations; give one for each"
    )]
    DegreeCount {
        /// Degrees given.
        given: usize,
        /// Normalisations of the network.
        normalisations: usize,
    },
    /// The rules cannot fail at a layer that there is not.
    #[error("the network has no layer `{layer}`; its layers are {}", list(known))]
    UnknownLayer {
        /// The one named.
        layer: String,
        /// Those of the network.
        known: Vec<String>,
    },
}

fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
