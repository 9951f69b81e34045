//! Exact linear algebra over unknown exponents: which of them equations leave free.

mod blocks;
mod cone;
mod form;
mod largest;
mod solution;
mod work;

pub(crate) use blocks::{Block, blocks};
pub(crate) use form::{Form, Rational, Unknown};
pub(crate) use solution::{Equation, Solution};
pub(crate) use work::Work;
