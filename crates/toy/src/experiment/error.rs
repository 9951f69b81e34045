//! What can be wrong with an experiment file, said to a person in one sentence.

use claims::CheckError;
use recipe_file::Located;

/// A file that is not an experiment: what is wrong, where, and what to do.
pub type ExperimentError = Located<Problem>;

/// The kinds of mistakes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Not TOML, an unknown key, a missing key, or a value of the wrong type.
    #[error("{message}; correct it, `experiments/toy.toml` in the repository shows every key")]
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
    /// A claim that cannot be decided.
    #[error(transparent)]
    Claim(CheckError),
}

fn known_presets(known: &[String]) -> String {
    if known.is_empty() {
        return "the file has none, so leave out --preset".to_owned();
    }
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("choose {}", names.join(" or "))
}
