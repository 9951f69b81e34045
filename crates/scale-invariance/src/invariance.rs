//! Which scalings of its parameters leave a network's function alone.

use std::collections::{BTreeMap, BTreeSet};

use nn_graph::network::{Constant, Extents, Network, Rule, Source, TensorId};
use num_traits::One;

use crate::calculus::{Calculus, Cause, Demand, Granularity, Offsets, Slot};
use crate::exponents::{Block, Rational, Solution, Unknown, Work, blocks};
use crate::{Degree, Violation};

/// In what company a parameter may be scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Invariance {
    /// By itself.
    Alone,
    /// Up, with others of its group that go up, none of which must go down.
    Jointly,
    /// Only if another goes down when it goes up.
    Balanced,
    /// Not at all, as far as the rules show.
    None,
}

/// What [`inspect`] finds of a trained parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterInvariance {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub extents: Option<Extents>,
    /// In what company it may be scaled.
    pub invariance: Invariance,
    /// Its group: parameters whose exponents depend on each other, and on no other's.
    pub group: Option<usize>,
    /// Its exponent, if all exponents of its group are in one proportion.
    pub degree: Option<Degree>,
    /// The finest pieces of it of which the same holds; `None` where it is balanced, or cannot be scaled.
    pub granularity: Option<Granularity>,
    /// The axis along which these pieces lie; `None` if the tensor is one piece.
    pub axis: Option<usize>,
    /// Why it cannot be scaled, or not by itself: a sentence.
    pub reason: Option<String>,
}

/// What [`inspect`] finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Whether scaling all trained parameters by one factor leaves the function alone.
    pub scale_invariant: bool,
    /// What the rules of Li & Arora (2020), appendix, say of the same: sufficient, not necessary.
    pub paper_rules: Result<(), Violation>,
    /// Of the space of all scalings that the rules show, in exponents of parameters.
    pub dimension: usize,
    /// The trained parameters, in the network's order.
    pub parameters: Vec<ParameterInvariance>,
    /// The groups: every scaling is a sum of one of each.
    pub groups: Vec<Group>,
}

/// Parameters whose exponents depend on each other, and on no other's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// A basis of the exponents of its scalings: places in [`Inspection::parameters`] with whole numbers, shortest
    /// as such; each vector has a parameter of its own. One whose numbers are beyond 64 bits is left out.
    pub basis: Vec<Vec<(usize, Degree)>>,
}

/// Finds every scaling of the trained parameters that the rules show to leave the network's function alone,
/// with batch statistics and `ε = 0`.
///
/// Sound, not complete: what it calls invariant is, for every input and every value of the parameters. The
/// exponents of all such scalings form a space, which is found exactly, in rational numbers, and is cut into the
/// finest groups that are independent of each other (texp; the paper's question is whether `(1, …, 1)` is in it).
///
/// That takes as long as the network is. Of a contrived one whose equations take more work than a second or so nothing is
/// claimed but what the paper's question is answered with, and the parameters' reason says so.
///
/// ```
/// use nn_graph::nets::{Architecture, NetConfig};
/// use nn_graph::network::Network;
/// use scale_invariance::{Invariance, inspect};
///
/// let graph = NetConfig::new(Architecture::PreResNet, 8).build()?;
/// let found = inspect(&Network::from(&graph));
/// assert!(found.scale_invariant && found.paper_rules.is_ok());
/// // A convolution before a normalisation; the first, whose result the stream carries on.
/// let of = |name: &str| found.parameters.iter().find(|p| p.name == name).unwrap();
/// assert_eq!(of("stage1.block0.conv1.weight").invariance, Invariance::Alone);
/// assert_eq!(of("stem.conv1.weight").invariance, Invariance::Jointly);
/// assert_eq!(of("stem.conv1.weight").group, of("stage1.block0.conv2.weight").group);
/// # Ok::<(), nn_graph::GraphError>(())
/// ```
pub fn inspect(network: &Network) -> Inspection {
    let calculus = Calculus::new(network, Offsets::Carried);
    let count = calculus.parameters.len();
    let mut work = Work::of(calculus.equations.len());
    let solution = Solution::of(&calculus.equations, count, &mut work);
    let found =
        solution.and_then(|solution| Some((blocks(&solution, count, &mut work)?, solution)));
    let (blocks, solution) = found.unzip();
    let blocks = blocks.unwrap_or_default();
    let ones = vec![Rational::one(); count];
    let paper = Calculus::new(network, Offsets::Joined);
    let mut group_of: BTreeMap<Unknown, usize> = BTreeMap::new();
    for (group, block) in blocks.iter().enumerate() {
        group_of.extend(
            block
                .parameters()
                .into_iter()
                .map(|unknown| (unknown, group)),
        );
    }
    let positive = blocks.iter().map(|block| block.positive(&mut work));
    let positive: Vec<BTreeSet<Unknown>> = positive.collect();
    let told = |unknown: Unknown| {
        let group = group_of.get(&unknown).copied();
        let id = calculus.parameters[unknown];
        let tensor = network.tensor(id);
        let mut found = ParameterInvariance {
            name: tensor.name.clone(),
            extents: tensor.extents.clone(),
            invariance: Invariance::None,
            group,
            degree: None,
            granularity: None,
            axis: None,
            reason: None,
        };
        let Some(group) = group else {
            found.reason = match &solution {
                None => Some(TOO_MUCH_WORK.to_owned()),
                Some(solution) => (solution.demand(unknown))
                    .map(|demand| reason(network, id, &calculus.demands[demand])),
            };
            return found;
        };
        let block = &blocks[group];
        found.invariance = match block.basis.as_slice() {
            [only] if only.len() == 1 => Invariance::Alone,
            _ if positive[group].contains(&unknown) => Invariance::Jointly,
            _ => Invariance::Balanced,
        };
        if let [only] = block.basis.as_slice() {
            found.degree = only.get(&unknown).and_then(Degree::of);
        }
        if found.invariance != Invariance::Balanced {
            let (granularity, axis) = granularity(&calculus, unknown, tensor.extents.as_ref());
            (found.granularity, found.axis) = (Some(granularity), axis);
        }
        found
    };
    Inspection {
        scale_invariant: calculus.violation(&calculus.unknowns(&ones)).is_none(),
        paper_rules: (paper.violation(&paper.unknowns(&ones))).map_or(Ok(()), Err),
        dimension: blocks.iter().map(|block| block.basis.len()).sum(),
        parameters: (0..count).map(told).collect(),
        groups: blocks.iter().map(group).collect(),
    }
}

const TOO_MUCH_WORK: &str = "the equations between the exponents of this network take too long to be solved exactly, so that nothing is claimed of it";

fn group(block: &Block) -> Group {
    let whole =
        |(&parameter, exponent): (&Unknown, &Rational)| Some((parameter, Degree::of(exponent)?));
    let basis = block.basis.iter();
    Group {
        basis: basis
            .filter_map(|row| row.iter().map(whole).collect())
            .collect(),
    }
}

/// The finest cut of a parameter along any of its axes, and which axis that is.
fn granularity(
    calculus: &Calculus<'_>,
    parameter: Unknown,
    extents: Option<&Extents>,
) -> (Granularity, Option<usize>) {
    let axes = extents.into_iter().flatten().enumerate();
    let cuts = axes.filter(|(_, length)| **length != Some(1));
    let cuts = cuts.map(|(axis, length)| {
        let granularity = match calculus.slices.granularity(Slot { parameter, axis }) {
            Granularity::Group { groups } if Some(groups) == *length => Granularity::Filter,
            granularity => granularity,
        };
        (granularity, axis)
    });
    match cuts.min() {
        None | Some((Granularity::Tensor, _)) => (Granularity::Tensor, None),
        Some((granularity, axis)) => (granularity, Some(axis)),
    }
}

/// Why a parameter cannot be scaled.
fn reason(network: &Network, parameter: TensorId, demand: &Demand) -> String {
    let name = &network.tensor(parameter).name;
    let Some(place) = demand.operation else {
        let result = &network.tensor(demand.tensor).name;
        return format!(
            "`{name}` sets the size of the network's result `{result}`, and no normalisation follows it"
        );
    };
    let operation = &network.operations()[place];
    let (layer, kind) = (&operation.layer, &operation.kind);
    match (&demand.cause, &operation.rule) {
        (Cause::Unscaled(_), Rule::Unknown) => {
            format!("`{name}` feeds `{layer}`, an operation for which no rule is known ({kind})")
        }
        (Cause::Unscaled(_), _) => {
            format!("`{name}` sets the size of what `{layer}` reads, and {kind} is not homogeneous")
        }
        _ => {
            let is_constant = |id: &TensorId| match network.tensor(*id).source {
                Source::Constant(constant) => constant != Constant::Uniform(0.0),
                Source::Input | Source::Parameter { .. } | Source::Operation(_) => false,
            };
            let with = match operation.inputs.iter().any(is_constant) {
                true => "constant numbers, which do not scale",
                false => "something that does not scale alike",
            };
            format!("`{layer}` ({kind}) joins what `{name}` scales with {with}")
        }
    }
}
