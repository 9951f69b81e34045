//! What can be wrong with an experiment file, said to a person in one sentence.

use nn_graph::GraphError;
use recipe_file::{Located, Optimizer};
use scale_invariance::Violation;
use schedule_core::renormalisation::RenormalisationError;

use crate::plan::NoTwin;

/// A file that is not an experiment: what is wrong, where, and what to do.
pub type ExperimentError = Located<Problem>;

/// The kinds of mistakes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file cannot be read.
    #[error("the experiment cannot be read; check the path and its permissions ({0})")]
    Unreadable(#[source] std::io::Error),
    /// Not TOML, an unknown key, a missing key, or a value of the wrong type.
    #[error("{message}; correct it, `experiments/figure-2.toml` in the repository shows every key")]
    Toml {
        /// What the parser says.
        message: String,
    },
    /// A preset that the file does not have.
    #[error("there is no preset `{preset}`; {}", known_presets(known))]
    UnknownPreset {
        /// The one asked for.
        preset: String,
        /// Those of the file.
        known: Vec<String>,
    },
    /// A value outside its range.
    #[error("`{key}` is {value}; it must be {needs}")]
    Value {
        /// Its key, with dots.
        key: String,
        /// What it is.
        value: String,
        /// The accepted range, as the end of a sentence.
        needs: String,
    },
    /// The recipe's tables.
    #[error(transparent)]
    Recipe(recipe_file::Problem),
    /// A key that a recipe may have, and no recipe of an experiment.
    #[error("`{key}` has no place in an experiment: {reason}")]
    NotInExperiments {
        /// The key, with dots.
        key: String,
        /// Why not, and what to do, as the end of a sentence.
        reason: &'static str,
    },
    /// A network that cannot be built.
    #[error("{0}")]
    Network(GraphError),
    /// No run at all.
    #[error("there is no run to train; add a [[run]] table")]
    NoRun,
    /// A run of a recipe that there is not.
    #[error("there is no recipe `{recipe}`; {}", known_recipes(known))]
    UnknownRecipe {
        /// The one asked for.
        recipe: String,
        /// Those of the file.
        known: Vec<String>,
    },
    /// A claim that no runs can decide.
    #[error("{0}")]
    Claim(claims::CheckError),
    /// Something said of a claim that there is not.
    #[error("there is no claim `{id}`; the names of claims are their `id`s")]
    UnknownClaim {
        /// The name.
        id: String,
    },
    /// Two claims have the same name.
    #[error("two claims are called `{id}`; rename one")]
    DuplicateClaim {
        /// The name.
        id: String,
    },
    /// Two runs have the same name.
    #[error("two runs are called `{name}`; rename one")]
    DuplicateRun {
        /// The name.
        name: String,
    },
    /// Two runs have different optimisers.
    #[error(
        "run `{run}` is trained by \"{optimizer}\" and run `{first}` by \"{of_first}\", but all runs of an experiment share an \
         engine and so an optimiser; give them recipes of one optimizer.kind, or make each a variant of the experiment"
    )]
    TwoOptimizers {
        /// Name of the run.
        run: String,
        /// Its optimiser.
        optimizer: Optimizer,
        /// Name of the first run.
        first: String,
        /// That one's optimiser.
        of_first: Optimizer,
    },
    /// The network is not scale-invariant.
    #[error(
        "run `{run}` cannot do without weight decay, because the network is not scale-invariant: {violation}; \
         change the network, or keep only runs with transform = \"original\""
    )]
    NotScaleInvariant {
        /// Name of the run.
        run: String,
        /// The operation that breaks invariance.
        violation: Violation,
    },
    /// The recipe has no equivalent without weight decay.
    #[error("run `{run}` cannot do without weight decay: {error}")]
    Law {
        /// Name of the run.
        run: String,
        /// What the law says.
        error: NoTwin,
    },
    /// The exponential leaves the engine's numbers at any scale.
    #[error(
        "run `{run}` cannot be kept within the engine's numbers: {error}, or lower the learning rate"
    )]
    OutOfRange {
        /// Name of the run.
        run: String,
        /// What does not fit.
        error: RenormalisationError,
    },
}

fn known_recipes(known: &[String]) -> String {
    if known.is_empty() {
        return "the file has no [recipes.<name>], so leave out `recipe`".to_owned();
    }
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    format!(
        "choose {}, or leave it out for [recipe]",
        names.join(" or ")
    )
}

fn known_presets(known: &[String]) -> String {
    if known.is_empty() {
        return "the file has none, so leave out --preset".to_owned();
    }
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("choose {}", names.join(" or "))
}
