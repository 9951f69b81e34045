//! Which parameters may be scaled together, in the form that engines take.

use std::collections::HashSet;
use std::fmt;

use nn_engine::Symmetry;
use nn_graph::network::Network;
use nn_graph::{Graph, Op, Parameter, ParameterId};

use crate::{Degrees, Violation, decay_free_exponents, degrees, inspect};

/// Group of the parameters whose weight decay can become an exponential learning rate.
pub const SCALED_GROUP: usize = 0;

/// Group of what keeps its weight decay ([`Verdict::ExceptHead`] and [`Verdict::InPart`] only).
pub const UNSCALED_GROUP: usize = 1;

/// Whether the network is scale-invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// In all its trained parameters together.
    ScaleInvariant,
    /// In all its trained parameters but those of the head, its last linear layer, held fixed.
    ExceptHead {
        /// Name of the last linear layer.
        head: String,
        /// What breaks invariance when the head is scaled, too.
        violation: Violation,
    },
    /// In some of its trained parameters, the others held fixed: those that [`decay_free_exponents`] finds.
    InPart {
        /// Names of the others.
        kept: Vec<String>,
        /// What breaks invariance when the others are scaled, too.
        violation: Violation,
    },
    /// The rules show none of them.
    NotInvariant(Violation),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::ScaleInvariant => f.write_str("scale-invariant in all trained parameters"),
            Verdict::ExceptHead { head, .. } => write!(
                f,
                "scale-invariant in all trained parameters but those of `{head}`, which keeps its weight decay"
            ),
            Verdict::InPart { kept, violation } => write!(
                f,
                "scale-invariant in all trained parameters but {} ({}), which keep their weight decay: {violation}",
                kept.len(),
                kept.join(", ")
            ),
            Verdict::NotInvariant(violation) => write!(f, "not scale-invariant: {violation}"),
        }
    }
}

/// What [`analyse`] finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analysis {
    /// Whether the network is scale-invariant, and if not, why.
    pub verdict: Verdict,
    /// The scaling for engines. Group [`SCALED_GROUP`] holds every parameter; only the head of
    /// [`Verdict::ExceptHead`], or what [`Verdict::InPart`] names, is in [`UNSCALED_GROUP`]. Exponents are 1 for what is
    /// scaled and 0 otherwise. For [`Verdict::NotInvariant`] it is [`Symmetry::none`].
    pub symmetry: Symmetry,
    /// The degrees of all tensors under that scaling; `None` for [`Verdict::NotInvariant`].
    pub degrees: Option<Degrees>,
}

impl Analysis {
    /// Whether weight decay on [`SCALED_GROUP`] can become an exponential learning rate.
    pub fn is_convertible(&self) -> bool {
        self.degrees.is_some()
    }

    fn new(graph: &Graph, verdict: Verdict, exponents: Vec<i32>, degrees: Degrees) -> Self {
        let mut group = vec![SCALED_GROUP; exponents.len()];
        let mut groups = 1;
        for (index, parameter) in graph.parameters().iter().enumerate() {
            // What is not trained belongs to no group in particular, but for the bias of a head.
            if parameter.trainable && exponents[index] == 0 {
                (group[index], groups) = (UNSCALED_GROUP, 2);
            }
        }
        // A group that is not scaled has degree 0 everywhere.
        let row = |&x: &i32| {
            let mut row = vec![0; groups];
            row[SCALED_GROUP] = x;
            row
        };
        let degree = degrees.normaliser_inputs.iter().map(row).collect();
        Self {
            verdict,
            symmetry: Symmetry {
                group,
                exponent: exponents,
                degree,
            },
            degrees: Some(degrees),
        }
    }
}

/// Decides whether `graph` is scale-invariant: in all its trained parameters scaled together, or, if
/// that fails, in all but those of the head (the last linear layer), or else in those whose decay can be taken off as a whole
/// ([`decay_free_exponents`]).
///
/// Some may be left out because decay on the other parameters can be converted while those keep their own.
///
/// ```
/// use nn_graph::Training;
/// use nn_graph::nets::{Architecture, NetConfig};
/// use scale_invariance::{SCALED_GROUP, UNSCALED_GROUP, analyse};
///
/// let mut config = NetConfig::new(Architecture::ResNet, 20);
/// config.head = Training::Trained;
/// let graph = config.build()?;
/// let analysis = analyse(&graph);
/// assert_eq!(
///     analysis.verdict.to_string(),
///     "scale-invariant in all trained parameters but those of `head`, which keeps its weight decay",
/// );
/// assert_eq!(analysis.symmetry.groups(), 2);
/// assert_eq!(analysis.symmetry.group.first(), Some(&SCALED_GROUP));
/// assert_eq!(analysis.symmetry.group.last(), Some(&UNSCALED_GROUP)); // `head.bias`
/// assert_eq!(analysis.symmetry.degree[0], [1, 0]);
/// # Ok::<(), nn_graph::GraphError>(())
/// ```
pub fn analyse(graph: &Graph) -> Analysis {
    let mut exponents: Vec<i32> = graph
        .parameters()
        .iter()
        .map(|parameter| i32::from(parameter.trainable))
        .collect();
    let whole = match degrees(graph, &exponents) {
        Ok(degrees) => return Analysis::new(graph, Verdict::ScaleInvariant, exponents, degrees),
        Err(violation) => violation,
    };
    let refused = |violation| Analysis {
        verdict: Verdict::NotInvariant(violation),
        symmetry: Symmetry::none(graph),
        degrees: None,
    };
    let mut obstacle = whole;
    if let Some((head, parameters)) = head(graph) {
        for id in parameters {
            exponents[id.index()] = 0;
        }
        // Without a parameter to scale there is nothing to convert.
        if exponents.iter().any(|&exponent| exponent != 0) {
            match degrees(graph, &exponents) {
                Ok(degrees) => {
                    let violation = obstacle;
                    let verdict = Verdict::ExceptHead { head, violation };
                    return Analysis::new(graph, verdict, exponents, degrees);
                }
                // What remains, not what leaving out the head removes.
                Err(violation) => obstacle = violation,
            }
        }
    }
    in_part(graph, &obstacle).unwrap_or_else(|| refused(obstacle))
}

/// The scaling of some parameters, if there is one that takes their decay off as a whole.
fn in_part(graph: &Graph, violation: &Violation) -> Option<Analysis> {
    let found = inspect(&Network::from(graph));
    let free = decay_free_exponents(&found);
    if free.iter().any(|&d| d != 0.into() && d != 1.into()) {
        return None;
    }
    let free: HashSet<&str> = (found.parameters.iter().zip(&free))
        .filter(|(_, d)| **d == 1.into())
        .map(|(parameter, _)| parameter.name.as_str())
        .collect();
    let trained = |parameter: &&Parameter| parameter.trainable;
    let kept = graph.parameters().iter().filter(trained);
    let kept = kept.filter(|parameter| !free.contains(parameter.name.as_str()));
    let kept = kept.map(|parameter| parameter.name.clone()).collect();
    let exponents = graph.parameters().iter();
    let exponents: Vec<i32> = exponents
        .map(|parameter| i32::from(free.contains(parameter.name.as_str())))
        .collect();
    if exponents.iter().all(|&exponent| exponent == 0) {
        return None;
    }
    let degrees = degrees(graph, &exponents).ok()?;
    let violation = violation.clone();
    let verdict = Verdict::InPart { kept, violation };
    Some(Analysis::new(graph, verdict, exponents, degrees))
}

/// Name and parameters of the last linear layer.
fn head(graph: &Graph) -> Option<(String, Vec<ParameterId>)> {
    let nodes = graph.nodes().iter().rev();
    let mut linear = nodes.filter(|node| matches!(node.op, Op::Linear(_)));
    linear
        .next()
        .map(|node| (node.name.clone(), node.op.parameters()))
}
