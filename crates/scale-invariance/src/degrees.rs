//! Degrees of all tensors of a graph.

use nn_graph::{Graph, Node, Parameter, ParameterId};

use crate::{Violation, op};

/// How every tensor of a network scales.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Degrees {
    /// Degree of each node's result, in the order of [`Graph::nodes`].
    pub nodes: Vec<i32>,
    /// Degree `x` of each normaliser's *input*, in the order of [`Graph::normalisers`]: its running
    /// mean has degree `x`, its running variance `2x`.
    pub normaliser_inputs: Vec<i32>,
}

/// What an operation's rule may look at.
pub(crate) struct Context<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) exponents: &'a [i32],
    pub(crate) node: &'a Node,
    /// Degrees of the tensors it reads.
    pub(crate) inputs: &'a [i32],
}

impl Context<'_> {
    /// `d_p`.
    pub(crate) fn exponent(&self, id: ParameterId) -> i32 {
        self.exponents[id.index()]
    }

    /// Degree of the one input.
    pub(crate) fn input(&self) -> i32 {
        // Graphs are valid by construction: an operation has as many inputs as it reads.
        self.inputs.first().copied().unwrap_or(0)
    }

    /// The degree of `weight · x`.
    pub(crate) fn product(&self, weight: ParameterId) -> Result<i32, Violation> {
        let (degree, exponent) = (self.input(), self.exponent(weight));
        degree
            .checked_add(exponent)
            .ok_or_else(|| Violation::TooLarge {
                node: self.node.name.clone(),
                degree,
                exponent,
            })
    }

    /// The degree after `offset`, a bias or shift if there is one, is added to values of `degree`.
    pub(crate) fn offset(
        &self,
        degree: i32,
        offset: Option<ParameterId>,
    ) -> Result<i32, Violation> {
        match offset {
            Some(id) if self.exponent(id) != degree => Err(Violation::UnequalOffset {
                node: self.node.name.clone(),
                parameter: self.graph.parameter(id).name.clone(),
                parameter_degree: self.exponent(id),
                degree,
            }),
            _ => Ok(degree),
        }
    }
}

/// The degree of every tensor when each parameter `p` is multiplied by `c^{d_p}`, `exponents` being
/// the `d_p` in the order of [`Graph::parameters`].
///
/// `Ok` proves that the scaling leaves the network's result unchanged for every `c > 0`, with batch
/// statistics and `ε = 0`: Li & Arora (2020), appendix, with one exponent per parameter.
///
/// # Errors
/// The first [`Violation`] in topological order, or one of the exponents themselves.
///
/// ```
/// use nn_graph::nets::{Architecture, NetConfig};
/// let graph = NetConfig::new(Architecture::ResNet, 8).build()?;
/// // Any one convolution alone may be scaled: each feeds a normalisation.
/// let mut exponents = vec![0; graph.parameters().len()];
/// exponents[3] = 1;
/// let degrees = scale_invariance::degrees(&graph, &exponents)?;
/// assert_eq!(degrees.normaliser_inputs, [0, 0, 0, 1, 0, 0, 0]);
/// assert!(degrees.nodes.iter().sum::<i32>() == 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn degrees(graph: &Graph, exponents: &[i32]) -> Result<Degrees, Violation> {
    check_exponents(graph.parameters(), exponents)?;
    let mut nodes: Vec<i32> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let inputs: Vec<i32> = node.inputs.iter().map(|id| nodes[id.index()]).collect();
        let context = Context {
            graph,
            exponents,
            node,
            inputs: &inputs,
        };
        nodes.push(op::degree(&context)?);
    }
    let output = graph.output();
    let degree = nodes[output.index()];
    if degree != 0 {
        return Err(Violation::Output {
            node: graph.node(output).name.clone(),
            degree,
        });
    }
    let input_degree = |id| {
        graph
            .node(id)
            .inputs
            .first()
            .map_or(0, |x| nodes[x.index()])
    };
    let normaliser_inputs = graph.normalisers().into_iter().map(input_degree).collect();
    Ok(Degrees {
        nodes,
        normaliser_inputs,
    })
}

fn check_exponents(parameters: &[Parameter], exponents: &[i32]) -> Result<(), Violation> {
    if parameters.len() != exponents.len() {
        return Err(Violation::ExponentCount {
            given: exponents.len(),
            parameters: parameters.len(),
        });
    }
    let mut pairs = parameters.iter().zip(exponents);
    match pairs.find(|(parameter, exponent)| !parameter.trainable && **exponent != 0) {
        None => Ok(()),
        Some((parameter, &exponent)) => Err(Violation::FixedParameter {
            parameter: parameter.name.clone(),
            exponent,
        }),
    }
}
