//! How a network responds to scaling its parameters.

use nn_graph::Graph;

use crate::EngineError;

/// Parameter groups, and the scaling under which the network's function does not change.
///
/// Scaling every parameter `p` by `c_g^{d_p}`, `g` its group and `d_p` its exponent, scales the input
/// of normalisation `n` by `Π_g c_g^{x_{n,g}}` and leaves the network's output as it is. The
/// `scale-invariance` crate computes it from a graph; engines use it for running statistics, and to change the scale
/// of a run ([`Engine::rescale`](crate::Engine::rescale)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symmetry {
    /// Group of each parameter, in the graph's order.
    pub group: Vec<usize>,
    /// `d_p` of each parameter: 0 for one that is not scaled.
    pub exponent: Vec<i32>,
    /// `x[normaliser][group]`: degree of the input of each normalisation, in the order of
    /// [`Graph::normalisers`].
    pub degree: Vec<Vec<i32>>,
}

impl Symmetry {
    /// All parameters in one group, none scaled.
    pub fn none(graph: &Graph) -> Self {
        Self {
            group: vec![0; graph.parameters().len()],
            exponent: vec![0; graph.parameters().len()],
            degree: vec![vec![0]; graph.normalisers().len()],
        }
    }

    /// Number of groups: one more than the largest group number, at least 1.
    pub fn groups(&self) -> usize {
        let largest = self.group.iter().max();
        largest.map_or(1, |largest| largest.saturating_add(1))
    }

    /// The factors `(Π_g a_g^{−x}, Π_g a_g^{−2x})` for the running mean and variance of a normalisation, counted as in
    /// [`degree`](Self::degree), given each group's `scale_ratio`.
    pub fn statistics_factors(
        &self,
        normaliser: usize,
        scale_ratios: impl Iterator<Item = f64>,
    ) -> (f64, f64) {
        let degrees = self.degree.get(normaliser).map_or(&[][..], |row| row);
        let mean = scale_ratios
            .zip(degrees)
            .map(|(ratio, &x)| ratio.powi(x.saturating_neg()))
            .product::<f64>();
        (mean, mean * mean)
    }

    /// Checks that the tables have one entry for each parameter, normalisation and group of `graph`, and
    /// that group numbers are below the number of parameters.
    ///
    /// # Errors
    /// [`EngineError::Symmetry`] with the sizes that disagree, or the first group number too large.
    pub fn check(&self, graph: &Graph) -> Result<(), EngineError> {
        let parameters = graph.parameters().len();
        let normalisers = graph.normalisers().len();
        if self.group.len() != parameters || self.exponent.len() != parameters {
            return Err(EngineError::Symmetry(format!(
                "{} groups and {} exponents for {parameters} parameters",
                self.group.len(),
                self.exponent.len()
            )));
        }
        // Tables have a column for every group: a stray number would make them as wide as itself.
        if let Some(parameter) = self.group.iter().position(|&group| group >= parameters) {
            return Err(EngineError::Symmetry(format!(
                "parameter {parameter} is in group {}; {parameters} parameters make at most {parameters} groups, counted from 0",
                self.group[parameter]
            )));
        }
        let groups = self.groups();
        if self.degree.len() != normalisers || self.degree.iter().any(|row| row.len() != groups) {
            return Err(EngineError::Symmetry(format!(
                "degrees for {} normalisations where the network has {normalisers}, or not one for each of {groups} groups",
                self.degree.len()
            )));
        }
        Ok(())
    }
}
