//! Which weight decay can become an exponential learning rate.

use num_bigint::BigInt;
use num_traits::One;

use crate::exponents::{Block, Rational, Work};
use crate::{Degree, Group, Inspection};

/// The exponents with which weight decay becomes an exponential learning rate, one for each of
/// [`Inspection::parameters`], from 0 to 1. The inspection must be of the network in which only the parameters that
/// have weight decay are trained: the others are not to change scale, whatever their group.
///
/// Let all these parameters have the same learning rate, decay and momentum, and let `a_t` be the shrink of the
/// exact law, `A_{t+1} = a_t A_t`. The run with `θ_p/A_t^{d_p}` in the place of every `θ_p` is the same run if the
/// vector of all `d_p`, and 0 for other parameters, is a scaling that leaves the function alone. Then
///
/// - where `d_p = 1`, the decay is gone, exactly;
/// - where `d_p = 0`, it stays as it is;
/// - in between a part of it stays: a residual decay that changes with the step, as the law of parameter groups has
///   it (`schedule_core::law::groups`).
///
/// Of all such vectors it is the one that takes most decay off: of which `Σ d_p`, each as often as `p` has
/// numbers, is largest. It is found exactly, by the simplex method in rational numbers (texp); of a network that would take
/// longer than about a second, such as one of a thousand layers in few groups, one that takes less off.
///
/// ```
/// use nn_graph::Training;
/// use nn_graph::nets::{Architecture, NetConfig};
/// use nn_graph::network::Network;
/// use scale_invariance::{decay_free_exponents, inspect};
///
/// let mut config = NetConfig::new(Architecture::ResNet, 8);
/// config.head = Training::Trained;
/// let found = inspect(&Network::from(&config.build()?));
/// let exponents = decay_free_exponents(&found);
/// let keeps = found.parameters.iter().zip(&exponents).filter(|(_, d)| **d == 0.into());
/// let keeps: Vec<&str> = keeps.map(|(parameter, _)| parameter.name.as_str()).collect();
/// assert_eq!(keeps, ["head.weight", "head.bias"]);
/// assert!(exponents.iter().all(|&d| d == 0.into() || d == 1.into()));
/// # Ok::<(), nn_graph::GraphError>(())
/// ```
#[must_use]
pub fn decay_free_exponents(inspection: &Inspection) -> Vec<Degree> {
    // Numbers of a parameter; 1 along an axis of unknown length.
    let size = |parameter: usize| {
        let extents = inspection.parameters.get(parameter);
        let extents = extents.and_then(|parameter| parameter.extents.as_ref());
        let lengths = extents.into_iter().flatten();
        let size = lengths.fold(BigInt::one(), |size, length| {
            size * length.unwrap_or(1).max(1)
        });
        Rational::from_integer(size)
    };
    let mut work = Work::of(inspection.parameters.len());
    let mut exponents = vec![Degree::from(0); inspection.parameters.len()];
    for group in &inspection.groups {
        let largest = block(group).largest(size, &mut work);
        let told: Option<Vec<(usize, Degree)>> = largest
            .iter()
            .map(|(&parameter, exponent)| Some((parameter, Degree::of(exponent)?)))
            .collect();
        // Numbers beyond 64 bits are told of no parameter of the group: a part of them is no scaling.
        for (parameter, exponent) in told.into_iter().flatten() {
            if let Some(place) = exponents.get_mut(parameter) {
                *place = exponent;
            }
        }
    }
    exponents
}

fn block(group: &Group) -> Block {
    let rows = group.basis.iter();
    Block {
        basis: rows
            .map(|row| row.iter().map(|(place, d)| (*place, d.exact())).collect())
            .collect(),
    }
}
