//! The numbers that the algebra of the laws is written in.

mod compensated;
mod gf61;

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

pub(crate) use compensated::Compensated;
pub use gf61::Gf61;

/// A field: numbers with `+`, `−`, `·`, `/`.
///
/// The laws of this crate are identities between rational expressions, so they hold in every field.
/// The [recurrences](crate::recurrence) and [optimisers](crate::optimiser) are written once for all of
/// them: in `f64`, they are what runs; in [`Gf61`], where nothing rounds, they are tested with no
/// tolerance at all.
pub trait Field:
    Copy
    + Debug
    + PartialEq
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// The neutral element of addition.
    const ZERO: Self;
    /// The neutral element of multiplication.
    const ONE: Self;

    /// `x > 0`; in a field without an order, `x ≠ 0`.
    fn is_positive(self) -> bool;
}

impl Field for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    fn is_positive(self) -> bool {
        self > 0.0
    }
}

impl Field for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    fn is_positive(self) -> bool {
        self > 0.0
    }
}

/// `⟨a, b⟩`, over the shorter of the two.
pub(crate) fn dot<F: Field>(a: &[F], b: &[F]) -> F {
    a.iter().zip(b).fold(F::ZERO, |sum, (&x, &y)| sum + x * y)
}

/// `v · factor`.
pub(crate) fn scaled<F: Field>(vector: &[F], factor: F) -> Vec<F> {
    vector.iter().map(|&x| factor * x).collect()
}

/// `‖v‖₂`.
pub(crate) fn norm(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}
