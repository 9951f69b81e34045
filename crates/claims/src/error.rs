//! What evidence may lack to judge a claim by it.

use crate::CheckError;
use crate::number::list;

/// Why a claim cannot be judged by this evidence. Each reads as a sentence.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// No evidence at all.
    #[error("claim `{claim}`: there is no evidence; give at least one seed's runs")]
    NoSeeds {
        /// The claim.
        claim: String,
    },
    /// The claim itself is mistaken.
    #[error(transparent)]
    Claim(#[from] CheckError),
    /// One seed's evidence twice.
    #[error(
        "claim `{claim}`: seeds {first} and {second} are the same ({seed}); \
         one seed counted twice would make the interval too narrow"
    )]
    SameSeed {
        /// The claim.
        claim: String,
        /// Which seed, from 1.
        first: usize,
        /// And which other.
        second: usize,
        /// What both are.
        seed: String,
    },
    /// Training was stopped before the points that the claim is about.
    #[error(
        "claim `{claim}` is about points of `{name}` (`{over}`) that seed {seed} of {seeds} may not have reached: \
         it stopped {stopped}; let it finish"
    )]
    Stopped {
        /// The claim.
        claim: String,
        /// Which seed, from 1.
        seed: usize,
        /// Number of seeds.
        seeds: usize,
        /// The series.
        name: String,
        /// What the claim is about, as in its TOML.
        over: String,
        /// Where.
        stopped: String,
    },
    /// A series that goes back.
    #[error(
        "claim `{claim}`: `{name}` of seed {seed} of {seeds} goes back at x = {x}; x must be finite and increase"
    )]
    Disordered {
        /// The claim.
        claim: String,
        /// Which seed, from 1.
        seed: usize,
        /// Number of seeds.
        seeds: usize,
        /// The series.
        name: String,
        /// Where.
        x: f64,
    },
    /// A series that the evidence does not have.
    #[error(
        "claim `{claim}`: seed {seed} of {seeds} has no series `{name}`; it has {}",
        list(known)
    )]
    UnknownSeries {
        /// The claim.
        claim: String,
        /// Which seed, from 1.
        seed: usize,
        /// Number of seeds.
        seeds: usize,
        /// The name in the claim.
        name: String,
        /// Names that there are.
        known: Vec<String>,
    },
    /// A series with too few points where the claim is about them.
    #[error(
        "claim `{claim}`: `{name}` of seed {seed} of {seeds} has too few points for `{over}`: it has {}; \
         was training stopped early, or is it shorter than the claim says?",
        extent(*points, *ends)
    )]
    TooFewPoints {
        /// The claim.
        claim: String,
        /// Which seed, from 1.
        seed: usize,
        /// Number of seeds.
        seeds: usize,
        /// The series.
        name: String,
        /// What the claim is about, as in its TOML.
        over: String,
        /// Points of the whole series.
        points: usize,
        /// The first and the last `x` of the whole series.
        ends: Option<(f64, f64)>,
    },
    /// Series that are compared at different points.
    #[error(
        "claim `{claim}`: over `{over}`, {first} is measured at {} but {second} at {}; \
         only series measured at the same points can be compared, so let every run finish",
        extent(first_at.0, first_at.1),
        extent(second_at.0, second_at.1)
    )]
    DifferentPoints {
        /// The claim.
        claim: String,
        /// What the claim is about, as in its TOML.
        over: String,
        /// A series, and its seed.
        first: String,
        /// Another, and its seed.
        second: String,
        /// Number of points, first and last `x` of the one.
        first_at: (usize, Option<(f64, f64)>),
        /// And of the other.
        second_at: (usize, Option<(f64, f64)>),
    },
}

fn extent(points: usize, ends: Option<(f64, f64)>) -> String {
    match (points, ends) {
        (1, Some((first, _))) => format!("1 point, at {first}"),
        (_, Some((first, last))) => format!("{points} points, from {first} to {last}"),
        (_, None) => "none".to_owned(),
    }
}
