//! Whatever is claimed leaves the results alone.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use scale_invariance::{
    Claim, Degree, Granularity, Inspection, Invariance, ParameterInvariance, inspect, probe,
    tensor_degrees,
};

use crate::evaluator::Concrete;
use crate::evaluator::array::{Array, Degenerate, index};
use crate::generator::networks;

/// Above the rounding of a network whose variances are a share of `1e-5` of its squares.
const ROUNDING: f64 = 1e-7;

/// Numbers of size ½ to 3/2, the same for the same seed: in general position, and clear of 0.
fn noise(mut state: u64) -> impl FnMut() -> f64 {
    state = state.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let share = (state >> 11) as f64 / (1u64 << 53) as f64;
        if state >> 10 & 1 == 0 {
            0.5 + share
        } else {
            -0.5 - share
        }
    }
}

/// The trained parameters of a network, and its function of their numbers.
struct Function<'a> {
    concrete: &'a Concrete,
    lengths: Vec<&'a Vec<usize>>,
}

impl<'a> Function<'a> {
    fn of(concrete: &'a Concrete) -> Self {
        let network = &concrete.network;
        let trained = network.parameters().filter(|&id| network.is_trainable(id));
        let lengths = trained.map(|id| &concrete.lengths[id.index()]).collect();
        Self { concrete, lengths }
    }

    fn point(&self, seed: u64) -> Vec<Vec<f64>> {
        let sizes = self
            .lengths
            .iter()
            .map(|lengths| lengths.iter().product::<usize>());
        let mut next = noise(seed);
        sizes
            .map(|size| (0..size).map(|_| next()).collect())
            .collect()
    }

    fn at(&self, values: &[Vec<f64>]) -> Result<Vec<f64>, Degenerate> {
        Ok(self.concrete.results(&self.tensors(values)?))
    }

    fn tensors(&self, values: &[Vec<f64>]) -> Result<Vec<Array>, Degenerate> {
        let pairs = self.lengths.iter().zip(values);
        let arrays = pairs.map(|(lengths, numbers)| Array {
            lengths: lengths.to_vec(),
            numbers: numbers.clone(),
        });
        let arrays: Vec<Array> = arrays.collect();
        self.concrete.tensors(&arrays, &|place, lengths| {
            let mut next = noise(place as u64 + 1000);
            Array::of(lengths, |_| next())
        })
    }
}

/// How often what was claimed; parameters are those on which the results depend.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    networks: usize,
    /// Whose numbers cannot tell.
    pub(crate) degenerate: usize,
    /// With a scaling.
    free: usize,
    parameters: usize,
    /// Alone, and without effect even at 0: as a bias is before a normalisation.
    cancelled: usize,
    alone: usize,
    jointly: usize,
    balanced: usize,
    /// May be cut into slices, or into groups of them.
    filters: usize,
    groups: usize,
    joint_pieces: usize,
    /// Not alone, and alone they do change the results: the rules miss nothing.
    changing: usize,
    not_alone: usize,
}

/// All claims of a network; `None` where numbers cannot tell.
pub(crate) fn check(concrete: &Concrete, tally: &mut Tally) -> Result<(), String> {
    let found = inspect(&concrete.network);
    let function = Function::of(concrete);
    let values = function.point(1);
    tally.networks += 1;
    let Ok(before) = function.at(&values) else {
        tally.degenerate += 1;
        return Ok(());
    };
    let Ok(checks) = probe(&found, std::slice::from_ref(&values), |values| {
        function.at(values)
    }) else {
        tally.degenerate += 1;
        return Ok(());
    };
    let read = concrete.read();
    for check in &checks {
        let holds = check.change < ROUNDING;
        match check.claim {
            _ if check.claim.stays() && !holds => {
                return Err(format!(
                    "{:?} changes it by {}\n{}",
                    check.claim,
                    check.change,
                    told(&found)
                ));
            }
            Claim::NotAlone { parameter } if read[parameter] => {
                tally.not_alone += 1;
                tally.changing += usize::from(!holds);
            }
            _ => {}
        }
    }
    if found.paper_rules.is_ok() && !found.scale_invariant {
        return Err(format!("only the paper's rules hold\n{}", told(&found)));
    }
    count(&found, &read, tally);
    for vector in found.groups.iter().flat_map(|group| &group.basis) {
        tensors_scale(concrete, &function, &values, vector)?;
    }
    let change = |values: &[Vec<f64>]| {
        let after = function.at(values)?;
        let size = before.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        let pairs = before.iter().zip(&after).map(|(a, b)| (a - b).abs() / size);
        Ok(pairs.fold(0.0, f64::max))
    };
    for (place, parameter) in found.parameters.iter().enumerate() {
        joint_pieces(&found, place, &values, &change, tally)
            .map_err(|what| format!("{what}\n{}", told(&found)))?;
        if parameter.invariance == Invariance::Alone && read[place] {
            let mut other = values.clone();
            other[place].iter_mut().for_each(|value| *value = 0.0);
            let cancels = change(&other).is_ok_and(|change: f64| change < ROUNDING);
            tally.cancelled += usize::from(cancels);
        }
    }
    Ok(())
}

/// Every tensor scales as the degree that it has under a scaling, if it has only one.
fn tensors_scale(
    concrete: &Concrete,
    function: &Function,
    values: &[Vec<f64>],
    vector: &[(usize, Degree)],
) -> Result<(), String> {
    const FACTOR: f64 = 1.25;
    let mut exponents = vec![Degree::from(0); values.len()];
    let mut scaled = values.to_vec();
    let factor = |d: Degree| FACTOR.powf(d.numerator as f64 / d.denominator as f64);
    for &(parameter, exponent) in vector {
        exponents[parameter] = exponent;
        let values = scaled[parameter].iter_mut();
        values.for_each(|value| *value *= factor(exponent));
    }
    let found = tensor_degrees(&concrete.network, &exponents);
    let (Ok(before), Ok(after)) = (function.tensors(values), function.tensors(&scaled)) else {
        return Ok(());
    };
    for (place, degrees) in found.tensors.iter().enumerate() {
        let [degree] = degrees[..] else { continue };
        let (before, after) = (before[place].map(|x| x * factor(degree)), &after[place]);
        let pairs = before.numbers.iter().zip(&after.numbers);
        let change = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        if change > ROUNDING * before.largest().max(1e-3) {
            return Err(format!(
                "#{place} is not of degree {degree} under {vector:?}"
            ));
        }
    }
    Ok(())
}

fn told(found: &Inspection) -> String {
    let parameters = found.parameters.iter().map(|p| {
        format!(
            "  {} {:?} {:?} {:?}\n",
            p.name, p.invariance, p.granularity, p.axis
        )
    });
    parameters.collect()
}

fn count(found: &Inspection, read: &[bool], tally: &mut Tally) {
    tally.free += usize::from(found.dimension > 0);
    for (parameter, _) in found.parameters.iter().zip(read).filter(|(_, read)| **read) {
        tally.parameters += 1;
        *match parameter.invariance {
            Invariance::Alone => &mut tally.alone,
            Invariance::Jointly => &mut tally.jointly,
            Invariance::Balanced => &mut tally.balanced,
            Invariance::None => continue,
        } += 1;
        match parameter.granularity {
            Some(Granularity::Filter) => tally.filters += usize::from(parameter.axis.is_some()),
            Some(Granularity::Group { .. }) => tally.groups += 1,
            _ => {}
        }
    }
}

/// In how many pieces a parameter may be scaled.
fn pieces(parameter: &ParameterInvariance) -> Option<(usize, usize)> {
    let axis = parameter.axis?;
    let length = parameter.extents.as_ref()?[axis]?;
    Some(match parameter.granularity? {
        Granularity::Filter => (axis, length),
        Granularity::Group { groups } => (axis, groups),
        Granularity::Tensor => return None,
    })
}

/// By how much the results change, at most, as a share of the largest.
type Change<'a> = dyn Fn(&[Vec<f64>]) -> Result<f64, Degenerate> + 'a;

/// Pieces of a parameter that is scaled jointly: with them, pieces along some axis of every other of a vector.
fn joint_pieces(
    found: &Inspection,
    place: usize,
    values: &[Vec<f64>],
    change: &Change<'_>,
    tally: &mut Tally,
) -> Result<(), String> {
    let parameter = &found.parameters[place];
    let (Some((axis, count)), Some(group)) = (pieces(parameter), parameter.group) else {
        return Ok(());
    };
    for vector in &found.groups[group].basis {
        if vector.len() < 2 || vector.len() > 4 || vector.iter().all(|(other, _)| *other != place) {
            continue;
        }
        // Axes of every parameter of the vector that can be cut into as many pieces.
        let axes = |&(other, _): &(usize, _)| -> Vec<usize> {
            let lengths = found.parameters[other].extents.iter().flatten();
            let fits = lengths
                .map(|length| length.unwrap_or(1) % count == 0)
                .enumerate();
            let fits = fits.filter(|&(along, fits)| fits && (other != place || along == axis));
            fits.map(|(along, _)| along).collect()
        };
        let axes: Vec<Vec<usize>> = vector.iter().map(axes).collect();
        let choices: usize = axes.iter().map(Vec::len).product();
        let mut least = f64::INFINITY;
        for choice in 0..choices {
            let lengths: Vec<usize> = axes.iter().map(Vec::len).collect();
            let chosen = index(choice, &lengths);
            let mut scaled = values.to_vec();
            for ((&(other, exponent), axes), chosen) in vector.iter().zip(&axes).zip(chosen) {
                let lengths = found.parameters[other].extents.iter().flatten();
                let lengths: Vec<usize> = lengths.map(|length| length.unwrap_or(1)).collect();
                let power = exponent.numerator as f64 / exponent.denominator as f64;
                for (at, value) in scaled[other].iter_mut().enumerate() {
                    let piece = index(at, &lengths)[axes[chosen]] * count / lengths[axes[chosen]];
                    *value *= (1.0 + 0.3 * piece as f64).powf(power);
                }
            }
            least = least.min(change(&scaled).unwrap_or(0.0));
        }
        if least > ROUNDING {
            return Err(format!("no pieces along {vector:?} (a change of {least})"));
        }
        tally.joint_pieces += 1;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_claimed_leaves_the_results_alone(concrete in networks()) {
        check(&concrete, &mut Tally::default()).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn the_networks_are_not_vacuous() {
    let mut runner = TestRunner::deterministic();
    let mut tally = Tally::default();
    for _ in 0..2000 {
        let concrete = networks().new_tree(&mut runner).unwrap().current();
        if let Err(what) = check(&concrete, &mut tally) {
            panic!("{what}\n{concrete:?}");
        }
    }
    println!("{tally:#?}");
    let share = |count: usize, of: usize| count as f64 / of as f64;
    assert!(share(tally.degenerate, tally.networks) < 0.1);
    assert!(share(tally.free, tally.networks) > 0.3);
    for count in [tally.alone, tally.cancelled, tally.jointly, tally.filters] {
        assert!(share(count, tally.parameters) > 0.05, "{tally:?}");
    }
    for count in [tally.balanced, tally.groups, tally.joint_pieces] {
        assert!(count > 10, "{tally:?}");
    }
    assert!(share(tally.changing, tally.not_alone) > 0.6, "{tally:?}");
}
