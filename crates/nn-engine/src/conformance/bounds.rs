//! How far rounding may take a correct engine from the reference.

use nn_graph::{Graph, Op};

use super::{Case, Kinks};
use crate::{NamedTensor, Precision};

/// Largest relative errors allowed, derived from the network and the candidate's precision.
///
/// A sum of `n` terms in random order of signs collects rounding errors of about `√n u`, `u` the unit
/// roundoff; each layer adds its own to those of the layers before it, and normalisation amplifies by
/// the ratio of a channel's mean to its deviation, which is of order 1 in these networks. So
///
/// `smooth = 4 · tolerance · layers · √n · u`
///
/// with `n` the longest sum of the case (fan-in of a layer, all values of a channel in the batch, or those of a group
/// of channels in an image).
///
/// Gradients have jumps: a ReLU input within rounding error of 0 may fall on either side, and its
/// gradient is lost or gained whole; so is that of the two largest values of a pooling window. Of many values the share `smooth` does that at worst, which moves
/// a gradient by `√smooth` of its norm. That is the bound on gradients, and on everything after the
/// first update, unless the case is known to have no such value ([`Kinks::Avoided`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Unit roundoff of the candidate.
    pub roundoff: f64,
    /// Of the first loss and the first statistics.
    pub smooth: f64,
    /// Of the first gradients.
    pub gradient: f64,
}

impl Bounds {
    /// For this case on an engine of this precision.
    pub fn new(case: &Case, graph: &Graph, precision: Precision) -> Self {
        let roundoff = match precision {
            Precision::Float32 => f64::from(f32::EPSILON) / 2.0,
            Precision::Float64 => f64::EPSILON / 2.0,
        };
        let mut layers = 0;
        let mut longest = 1;
        for node in graph.nodes() {
            let positions: usize = node.shape.dims()[1..].iter().product();
            let weight = match &node.op {
                Op::Conv2d(conv) => Some(conv.weight),
                Op::Linear(linear) => Some(linear.weight),
                _ => None,
            };
            let fan_in = weight.map_or(0, |weight| {
                let weight = graph.parameter(weight);
                weight.elements() / weight.shape[0].max(1)
            });
            let normalises = matches!(node.op, Op::BatchNorm(_) | Op::GroupNorm(_));
            let group = match &node.op {
                Op::GroupNorm(norm) => node.shape.elements() / norm.groups,
                _ => 0,
            };
            layers += usize::from(normalises || weight.is_some());
            longest = longest.max(fan_in).max(positions * case.batch).max(group);
        }
        let smooth =
            4.0 * case.tolerance * layers.max(1) as f64 * (longest as f64).sqrt() * roundoff;
        let gradient = match case.kinks {
            Kinks::Avoided => smooth,
            Kinks::Possible => smooth.max(smooth.sqrt()),
        };
        Self {
            roundoff,
            smooth,
            gradient,
        }
    }

    /// Of losses, gradients and statistics at step `step`, counted from 0: the first as given, later
    /// ones at parameters that already differ, by twice as much every step.
    pub fn at_step(&self, step: usize) -> f64 {
        let growth = 2f64.powi(step.min(1000) as i32);
        match step {
            0 => self.smooth,
            _ => self.gradient * growth,
        }
    }
}

/// `‖a − b‖₂`.
pub(super) fn distance(a: &NamedTensor, b: &NamedTensor) -> f64 {
    let pairs = a.values.iter().zip(&b.values);
    pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

/// `‖a‖₂`.
pub(super) fn norm(a: &NamedTensor) -> f64 {
    a.values.iter().map(|a| a * a).sum::<f64>().sqrt()
}
