//! What is found, against numbers.

mod rank;

use crate::{Degree, Granularity, Inspection, Invariance, ParameterInvariance};

/// By this, or by powers of it, [`probe`] multiplies.
pub const PROBE_FACTOR: f64 = 1.5;

/// A change up to this is rounding, in float64.
const ROUNDING: f64 = 1e-8;

/// A change of at least this is one of the function.
const CHANGE: f64 = 1e-6;

/// Something that an [`Inspection`] says, and that numbers can contradict. Parameters are places in
/// [`Inspection::parameters`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// The function stays the same when every parameter `p` is multiplied by `c^{d_p}`: a vector of a group's basis.
    Scaling {
        /// The group.
        group: usize,
        /// The parameters with an exponent other than 0.
        exponents: Vec<(usize, Degree)>,
    },
    /// The function stays the same when each piece of a parameter, as its [`Granularity`] says, is multiplied by a factor
    /// of its own.
    Pieces {
        /// The parameter.
        parameter: usize,
    },
    /// The function changes when this parameter, and nothing else, is multiplied by a factor.
    NotAlone {
        /// The parameter.
        parameter: usize,
    },
    /// The function stays the same, or does not, when all trained parameters are multiplied by one factor.
    Together {
        /// Whether it stays the same.
        invariant: bool,
    },
    /// No scaling of whole parameters leaves the function alone but those of the groups.
    Complete {
        /// Dimension of the space of those.
        dimension: usize,
    },
}

impl Claim {
    /// Whether the function is claimed to stay the same.
    pub fn stays(&self) -> bool {
        match self {
            Self::Scaling { .. } | Self::Pieces { .. } => true,
            Self::Together { invariant } => *invariant,
            Self::NotAlone { .. } | Self::Complete { .. } => false,
        }
    }
}

/// A claim, and what numbers say of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What was claimed.
    pub claim: Claim,
    /// Largest change of a number of the function at any of the points, as a share of the largest of all its numbers there.
    /// Of [`Claim::Complete`]: the smallest rate of change, per unit of `ln c`, among scalings at right angles to the claimed
    /// ones and, in the order in which they are found, to each other.
    pub change: f64,
}

impl Check {
    /// Whether the numbers bear the claim out: a change below `1e-8` where it should stay the same, above `1e-6` where
    /// it should not.
    pub fn holds(&self) -> bool {
        match self.claim.stays() {
            true => self.change <= ROUNDING,
            false => self.change >= CHANGE,
        }
    }
}

/// Checks what [`inspect`](crate::inspect) has found of a network by running it at scaled parameters.
///
/// Each of `points` holds the values of the trained parameters, in the order of [`Inspection::parameters`], row-major; take
/// random ones, since a bias of 0 hides that it must be scaled, and a few points, since at some of them a ReLU may be 0 for all
/// inputs. What is claimed to stay the same must do so at all points, what is claimed to change at one. `function` is the network: all its results for one batch of inputs,
/// with batch statistics, `ε = 0`, in float64, at the values it is given; the batch should give more numbers
/// than there are parameters, or [`Claim::Complete`] is left out. A check that does not [hold](Check::holds) is a mistake in the rules or
/// in how the network was read: no network should give one.
///
/// It calls `function` about four times for each parameter, and once more for each symmetry and further point.
///
/// ```
/// use nn_graph::network::{Contract, ContractAxis, NetworkBuilder, Normalise, Rule};
/// use scale_invariance::{inspect, probe};
///
/// // x ↦ W₂ (W₁ x)/‖W₁ x‖, with W₁ of two rows and W₂ of one.
/// let mut net = NetworkBuilder::new();
/// let lengths = |lengths: &[usize]| Some(lengths.iter().copied().map(Some).collect());
/// let (x, w1) = (net.input("x", lengths(&[3, 2])), net.parameter("w1", lengths(&[2, 2]), true));
/// let w2 = net.parameter("w2", lengths(&[1, 2]), true);
/// let product = || Rule::Contract(Contract {
///     output: vec![ContractAxis::Left(0), ContractAxis::Right(0)],
///     left: vec![1],
///     right: vec![1],
/// });
/// let norm = Rule::Normalise(Normalise { axes: vec![1], grouped: None, centres: false });
/// let h = net.operation("hidden", "MatMul", product(), &[x, w1], lengths(&[3, 2]))?;
/// let h = net.operation("norm", "RMSNorm", norm, &[h], lengths(&[3, 2]))?;
/// let y = net.operation("head", "MatMul", product(), &[h, w2], lengths(&[3, 1]))?;
/// let found = inspect(&net.finish(vec![y])?);
///
/// let function = |values: &[Vec<f64>]| -> Result<Vec<f64>, std::convert::Infallible> {
///     let [w1, w2] = values else { unreachable!() };
///     Ok([[1.0, 2.0], [-1.0, 3.0], [0.5, -4.0]].map(|x| {
///         let h = [w1[0] * x[0] + w1[1] * x[1], w1[2] * x[0] + w1[3] * x[1]];
///         (w2[0] * h[0] + w2[1] * h[1]) / h[0].hypot(h[1])
///     }).to_vec())
/// };
/// let values = vec![vec![0.3, -0.7, 1.1, 0.2], vec![0.6, -0.9]];
/// let checks = probe(&found, &[values], function)?;
/// assert!(checks.iter().all(|check| check.holds()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of `function`.
pub fn probe<E>(
    inspection: &Inspection,
    points: &[Vec<Vec<f64>>],
    mut function: impl FnMut(&[Vec<f64>]) -> Result<Vec<f64>, E>,
) -> Result<Vec<Check>, E> {
    let mut checks = Vec::new();
    for values in points {
        let before = function(values)?;
        if checks.is_empty() {
            let check = |claim| Check { claim, change: 0.0 };
            let claims = claims(inspection, before.len());
            checks = claims.into_iter().map(check).collect();
        }
        for Check { claim, change } in &mut checks {
            // At one point is enough.
            if !claim.stays() && *change >= CHANGE {
                continue;
            }
            let here = match claim {
                Claim::Complete { dimension } => {
                    let rates = rank::rates(values, &before, &mut function)?;
                    rank::pivot(rates, values.len().saturating_sub(*dimension))
                }
                _ => change_between(
                    &before,
                    &function(&scaled(values, claim, &inspection.parameters))?,
                ),
            };
            *change = largest([*change, here].into_iter());
        }
    }
    Ok(checks)
}

/// All claims that can be checked on so many numbers.
fn claims(inspection: &Inspection, numbers: usize) -> Vec<Claim> {
    let mut claims = vec![Claim::Together {
        invariant: inspection.scale_invariant,
    }];
    for (group, found) in inspection.groups.iter().enumerate() {
        let vectors = found.basis.iter().cloned();
        claims.extend(vectors.map(|exponents| Claim::Scaling { group, exponents }));
    }
    for (parameter, found) in inspection.parameters.iter().enumerate() {
        if found.invariance != Invariance::Alone {
            claims.push(Claim::NotAlone { parameter });
        } else if found.axis.is_some() {
            claims.push(Claim::Pieces { parameter });
        }
    }
    let dimension = inspection.dimension;
    let rest = inspection.parameters.len().checked_sub(dimension);
    if rest.is_some_and(|rest| (1..=numbers).contains(&rest)) {
        claims.push(Claim::Complete { dimension });
    }
    claims
}

/// The values, each multiplied as the claim says.
fn scaled(values: &[Vec<f64>], claim: &Claim, parameters: &[ParameterInvariance]) -> Vec<Vec<f64>> {
    let mut scaled = values.to_vec();
    let mut multiply = |parameter: usize, factor: f64| {
        let values = scaled.get_mut(parameter).into_iter().flatten();
        values.for_each(|value| *value *= factor);
    };
    match claim {
        Claim::Scaling { exponents, .. } => {
            for (parameter, exponent) in exponents {
                let power = exponent.numerator as f64 / exponent.denominator as f64;
                multiply(*parameter, PROBE_FACTOR.powf(power));
            }
        }
        Claim::NotAlone { parameter } => multiply(*parameter, PROBE_FACTOR),
        Claim::Together { .. } => {
            (0..parameters.len()).for_each(|place| multiply(place, PROBE_FACTOR))
        }
        Claim::Pieces { parameter } => {
            let found = &parameters[*parameter];
            for (at, value) in scaled.get_mut(*parameter).into_iter().flatten().enumerate() {
                *value *= factor_of_piece(found, at);
            }
        }
        Claim::Complete { .. } => {}
    }
    scaled
}

/// The factor of the piece in which an element lies: between `2^{−1/2}` and `2^{1/2}`, no two of them alike.
fn factor_of_piece(found: &ParameterInvariance, element: usize) -> f64 {
    const GOLDEN_RATIO: f64 = 0.618_033_988_749_894_9;
    let lengths = found.extents.iter().flatten();
    let lengths: Vec<usize> = lengths.map(|length| length.unwrap_or(1)).collect();
    let Some(axis) = found.axis.filter(|&axis| axis < lengths.len()) else {
        return 1.0;
    };
    let length = lengths[axis].max(1);
    let inner: usize = lengths[axis + 1..].iter().product();
    let slice = element / inner.max(1) % length;
    let piece = match found.granularity {
        Some(Granularity::Group { groups }) => slice * groups / length,
        _ => slice,
    };
    ((piece as f64 * GOLDEN_RATIO).fract() - 0.5).exp2()
}

/// The largest change of a number, as a share of the largest number; NaN if any is.
fn change_between(before: &[f64], after: &[f64]) -> f64 {
    let size = largest(before.iter().copied());
    let pairs = before.iter().zip(after);
    let change = largest(pairs.map(|(before, after)| after - before));
    match before.len() == after.len() {
        true if change == 0.0 => 0.0,
        true => change / size,
        false => f64::NAN,
    }
}

/// The largest size of these numbers; NaN if any is.
fn largest(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(0.0, |largest: f64, number| {
        // `f64::max` would drop a NaN.
        if largest.is_nan() || number.is_nan() {
            f64::NAN
        } else {
            largest.max(number.abs())
        }
    })
}
