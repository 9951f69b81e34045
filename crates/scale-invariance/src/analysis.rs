//! Which parameters may be scaled together, in the form that engines take.

use std::fmt;

use nn_engine::Symmetry;
use nn_graph::{Graph, Op, ParameterId};

use crate::{Degrees, Violation, degrees};

/// Group of the parameters whose weight decay can become an exponential learning rate.
pub const SCALED_GROUP: usize = 0;

/// Group of the trained head, which keeps its weight decay ([`Verdict::ExceptHead`] only).
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
    /// The rules show neither.
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
    /// [`Verdict::ExceptHead`] is in [`UNSCALED_GROUP`]. Exponents are 1 for what is scaled and 0
    /// otherwise. For [`Verdict::NotInvariant`] it is [`Symmetry::none`].
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
        if let (Verdict::ExceptHead { .. }, Some((_, head))) = (&verdict, head(graph)) {
            groups = 2;
            for id in head {
                group[id.index()] = UNSCALED_GROUP;
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
/// that fails, in all but those of the head (the last linear layer).
///
/// The head may be left out because decay on the other parameters can be converted while the head
/// keeps its own.
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
    let Some((name, parameters)) = head(graph) else {
        return refused(whole);
    };
    for id in parameters {
        exponents[id.index()] = 0;
    }
    if exponents.iter().all(|&exponent| exponent == 0) {
        // Without a parameter to scale there is nothing to convert.
        return refused(whole);
    }
    match degrees(graph, &exponents) {
        Ok(degrees) => {
            let verdict = Verdict::ExceptHead {
                head: name,
                violation: whole,
            };
            Analysis::new(graph, verdict, exponents, degrees)
        }
        // The obstacle that remains, not one that leaving out the head removes.
        Err(violation) => refused(violation),
    }
}

/// Name and parameters of the last linear layer.
fn head(graph: &Graph) -> Option<(String, Vec<ParameterId>)> {
    let nodes = graph.nodes().iter().rev();
    let mut linear = nodes.filter(|node| matches!(node.op, Op::Linear(_)));
    linear
        .next()
        .map(|node| (node.name.clone(), node.op.parameters()))
}
