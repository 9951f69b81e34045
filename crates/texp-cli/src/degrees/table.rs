//! The table as data.

use std::collections::HashSet;

use nn_graph::Graph;
use recipe_file::{Mistake, in_toml_words};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, Deserializer};
use trainer::experiment::{Network, Position};

use super::{TableError, TableProblem};

/// Everything that `experiments/degrees.toml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    /// One sentence for people.
    pub(super) title: String,
    /// What the paper says, in our words.
    pub(super) paper: String,
    /// One network each.
    #[serde(rename = "row")]
    pub(super) rows: Vec<Row>,
}

/// A network, and what is claimed of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    /// A short name of its own.
    pub(super) id: String,
    /// The claim in words.
    pub(super) says: String,
    /// Who makes it, and where.
    pub(super) source: String,
    /// The network, as in experiments.
    pub(super) network: Network,
    /// What the paper's rules say of it.
    pub(super) rules: Rules,
    /// What is the case.
    pub(super) function: Function,
}

/// What the paper's rules say, when every trained parameter is multiplied by `c`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Rules {
    /// Scale-invariant: the degree of what each normalisation reads, in the network's order.
    Degrees(Vec<i32>),
    /// Not shown to be so: the first layer whose rule fails.
    FailAt(String),
}

/// What becomes of the network's function when every trained parameter is multiplied by one factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Function {
    /// It stays the same.
    Stays,
    /// It does not.
    Changes,
}

impl Table {
    /// Reads TOML, and builds the network of each row; `file` is for messages.
    ///
    /// # Errors
    /// [`TableError`] with the position of the first mistake.
    pub(super) fn parse(text: &str, file: &str) -> Result<(Self, Vec<Graph>), TableError> {
        let wrong_toml = |wrong: toml::de::Error| TableError {
            file: file.to_owned(),
            position: wrong.span().map(|span| Position::of_byte(text, span.start)),
            problem: TableProblem::Toml {
                message: in_toml_words(wrong.message()),
            },
        };
        let root: Spanned<DeTable<'_>> = DeTable::parse(text).map_err(wrong_toml)?;
        let table = Self::deserialize(Deserializer::from(root.clone())).map_err(wrong_toml)?;
        let graphs = table.graphs();
        let graphs = graphs.map_err(|mistake| mistake.located(file, text, root.get_ref()))?;
        Ok((table, graphs))
    }

    /// The network of each row, about which everything in the row can be asked.
    fn graphs(&self) -> Result<Vec<Graph>, Mistake<TableProblem>> {
        if self.rows.is_empty() {
            return Err(Mistake::at_value("row", TableProblem::NoRow));
        }
        let mut ids = HashSet::new();
        let mut graphs = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            let mistake =
                |key: &str, problem| Mistake::at_value(format!("row.{index}.{key}"), problem);
            if !ids.insert(&row.id) {
                let id = row.id.clone();
                return Err(mistake("id", TableProblem::DuplicateRow { id }));
            }
            let graph = row.network.graph();
            let graph = graph.map_err(|error| mistake("network", TableProblem::Network(error)))?;
            row.rules
                .check(&graph)
                .map_err(|problem| mistake("rules", problem))?;
            graphs.push(graph);
        }
        Ok(graphs)
    }
}

impl Rules {
    /// Whether they could be said of this network.
    fn check(&self, graph: &Graph) -> Result<(), TableProblem> {
        match self {
            Self::Degrees(degrees) if degrees.len() != graph.normalisers().len() => {
                Err(TableProblem::DegreeCount {
                    given: degrees.len(),
                    normalisations: graph.normalisers().len(),
                })
            }
            Self::FailAt(layer) if !graph.nodes().iter().any(|node| node.name == *layer) => {
                Err(TableProblem::UnknownLayer {
                    layer: layer.clone(),
                    known: graph.nodes().iter().map(|node| node.name.clone()).collect(),
                })
            }
            _ => Ok(()),
        }
    }
}
