//! Degrees of all tensors of a graph under one scaling.

use std::collections::HashMap;

use nn_graph::network::Network;
use nn_graph::{Graph, Parameter};

use crate::calculus::{Calculus, Offsets};
use crate::exponents::Rational;
use crate::{Degree, Violation};

/// How every tensor of a network scales.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Degrees {
    /// Degree of each node's result, in the order of [`Graph::nodes`].
    pub nodes: Vec<i32>,
    /// Degree `x` of each normalisation's *input*, in the order of [`Graph::normalisers`]: its mean has degree `x`,
    /// its variance `2x`, and so have the running ones of a batch normalisation.
    pub normaliser_inputs: Vec<i32>,
}

/// The degree of every tensor when each parameter `p` is multiplied by `c^{d_p}`, `exponents` being
/// the `d_p` in the order of [`Graph::parameters`].
///
/// `Ok` proves that the scaling leaves the network's result unchanged for every `c > 0`, with batch
/// statistics and `ε = 0`, and that every tensor scales as a whole, running statistics too: Li & Arora (2020),
/// appendix, with one exponent per parameter.
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
    let network = Network::from(graph);
    let calculus = Calculus::new(&network, Offsets::Joined);
    let trained = graph.parameters().iter().zip(exponents);
    let trained: Vec<Rational> = trained
        .filter(|(parameter, _)| parameter.trainable)
        .map(|(_, &exponent)| Rational::from_integer(exponent.into()))
        .collect();
    let unknowns = calculus.unknowns(&trained);
    if let Some(violation) = calculus.violation(&unknowns) {
        return Err(violation);
    }
    // The last operation of a layer makes the node's result.
    let mut results = HashMap::new();
    for tensor in network
        .operations()
        .iter()
        .map(|operation| operation.output)
    {
        let degree = calculus.degrees(tensor).next();
        let degree = degree.map_or_else(Rational::default, |form| {
            form.at(|unknown| unknowns.values[unknown].clone())
        });
        results.insert(network.tensor(tensor).name.as_str(), degree);
    }
    let whole = |name: &str| match results.get(name) {
        None => Ok(0),
        Some(degree) => Degree::of(degree)
            .and_then(Degree::to_integer)
            .ok_or_else(|| Violation::NotWhole {
                node: name.to_owned(),
                degree: degree.to_string(),
            }),
    };
    let nodes = graph.nodes().iter().map(|node| whole(&node.name));
    let nodes = nodes.collect::<Result<Vec<i32>, Violation>>()?;
    let input_degree = |id| {
        let inputs = &graph.node(id).inputs;
        inputs.first().map_or(0, |x| nodes[x.index()])
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
