//! The mathematics of this crate as a list of statements, each with the property that tests it.
//!
//! Tests, and whoever wants to look further, run the same properties:
//!
//! ```
//! use schedule_core::spec::{Settings, statements};
//!
//! let settings = Settings { cases: 4, ..Settings::default() };
//! for statement in statements() {
//!     let outcome = statement.check(&settings);
//!     assert!(outcome.failure.is_none(), "{}: {outcome:?}", statement.id);
//! }
//! ```

mod adamw;
mod companions;
mod constant;
mod decoupled;
mod ends;
mod equilibrium;
mod exact;
mod field_twins;
mod form;
mod groups;
mod inverse;
mod keeping;
mod known;
mod losses;
mod nesterov;
mod normalised_net;
mod pair;
mod prime_field;
mod property;
mod rescaling;
mod running_statistics;
mod shift;
mod symmetry;
mod tapered;
mod uncorrected;

pub use property::{Outcome, Settings, Tamper};

/// A statement of the theory.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Statement {
    /// A short name, unique.
    pub id: &'static str,
    /// What it says.
    pub words: &'static str,
    /// What it says, in symbols.
    pub formula: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// The largest deviation that counts as agreement; 0 for an identity in a prime field.
    pub tolerance: f64,
    property: fn(&Settings, f64) -> Outcome,
}

impl Statement {
    /// Tests it on random cases.
    #[must_use]
    pub fn check(&self, settings: &Settings) -> Outcome {
        (self.property)(settings, self.tolerance)
    }
}

/// All statements.
pub fn statements() -> impl Iterator<Item = &'static Statement> {
    [
        losses::STATEMENTS,
        exact::STATEMENTS,
        constant::STATEMENTS,
        ends::STATEMENTS,
        decoupled::STATEMENTS,
        adamw::STATEMENTS,
        nesterov::STATEMENTS,
        companions::STATEMENTS,
        running_statistics::STATEMENTS,
        groups::STATEMENTS,
        keeping::STATEMENTS,
        inverse::STATEMENTS,
        shift::STATEMENTS,
        tapered::STATEMENTS,
        uncorrected::STATEMENTS,
        form::STATEMENTS,
        prime_field::STATEMENTS,
        rescaling::STATEMENTS,
        normalised_net::STATEMENTS,
        symmetry::STATEMENTS,
        equilibrium::STATEMENTS,
        known::STATEMENTS,
    ]
    .into_iter()
    .flatten()
}

/// Source of what goes beyond the paper.
const OURS: &str = "new here";
