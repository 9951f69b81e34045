//! What scale invariance makes of a loss and its gradient.

use proptest::prelude::*;

use super::pair::{distance, gradient_size};
use super::property::{exact, property};
use super::{Outcome, Settings, Statement};
use crate::field::{Field, Gf61, dot, norm, scaled};
use crate::strategies::{StochasticLoss, exact_rayleigh_quotient, gf61, loss};

const LI_ARORA: &str = "Li & Arora, arXiv:1910.07454, lemma on scale-invariant losses";

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "loss/value",
        words: "the losses here are scale-invariant, batch by batch",
        formula: "L_t(cθ) = L_t(θ),  c > 0",
        source: LI_ARORA,
        tolerance: 1e-13,
        property: value,
    },
    Statement {
        id: "loss/radial-gradient",
        words: "the gradient of a scale-invariant loss is orthogonal to the parameters",
        formula: "⟨∇L_t(θ), θ⟩ = 0",
        source: LI_ARORA,
        tolerance: 1e-13,
        property: radial_gradient,
    },
    Statement {
        id: "loss/gradient-degree",
        words: "the gradient of a scale-invariant loss is homogeneous of degree −1",
        formula: "∇L_t(cθ) = ∇L_t(θ)/c,  c > 0",
        source: LI_ARORA,
        tolerance: 1e-13,
        property: gradient_degree,
    },
    Statement {
        id: "field/loss",
        words: "all three are identities of rational numbers for the Rayleigh quotient",
        formula: "L(cθ) = L(θ),  ⟨∇L, θ⟩ = 0,  c∇L(cθ) = ∇L(θ)  in GF(2⁶¹ − 1)",
        source: LI_ARORA,
        tolerance: 0.0,
        property: in_the_field,
    },
];

/// `c`, on a logarithmic scale.
fn factor() -> impl Strategy<Value = f64> {
    (-50.0..50.0_f64).prop_map(f64::exp)
}

fn value(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (loss(), any::<u64>(), factor());
    property(settings, tolerance, cases, |(loss, step, c), tamper| {
        let at = loss.initial_state().parameters;
        let (here, there) = (loss.value(step, &at), loss.value(step, &scaled(&at, c)));
        Ok((tamper.factor::<f64>() * there - here).abs() / (1.0 + here.abs()))
    })
}

fn radial_gradient(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (loss(), any::<u64>());
    property(settings, tolerance, cases, |(loss, step), tamper| {
        let mut at = loss.initial_state().parameters;
        let gradient = loss.gradient(step, &at);
        let size = gradient_size(&gradient, &at) * norm(&at);
        if let Some(first) = at.first_mut() {
            *first *= tamper.factor::<f64>();
        }
        Ok(dot(&gradient, &at).abs() / size)
    })
}

fn gradient_degree(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (loss(), any::<u64>(), factor());
    property(settings, tolerance, cases, |(loss, step, c), tamper| {
        let at = loss.initial_state().parameters;
        let here = loss.gradient(step, &at);
        let there = loss.gradient(step, &scaled(&at, c));
        let back = scaled(&there, c * tamper.factor::<f64>());
        Ok(distance(&back, &here, gradient_size(&here, &at)))
    })
}

fn in_the_field(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (exact_rayleigh_quotient(), any::<u64>(), gf61());
    property(settings, tolerance, cases, |(loss, step, c), tamper| {
        let at = loss.initial_state().parameters;
        let there = scaled(&at, c);
        let gradient = loss.gradient(step, &at);
        let back = scaled(&loss.gradient(step, &there), tamper.factor::<Gf61>() * c);
        let same = loss.value(step, &there) == loss.value(step, &at)
            && dot(&gradient, &at) == Gf61::ZERO
            && back == gradient;
        // 0 has no inverse, and no direction.
        Ok(exact(&(same || c == Gf61::ZERO), &true))
    })
}
