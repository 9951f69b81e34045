//! An engine under test.

use std::fmt;

use nn_engine::conformance::Algorithm;
use nn_engine::{Engine, EngineError, EngineOptions};
use nn_graph::Graph;

type Make = dyn Fn(&Graph, EngineOptions) -> Result<Box<dyn Engine>, EngineError>;

/// An engine as the laws know it. One that runs in several ways, as on several instruction sets, is several subjects.
pub struct Subject {
    name: String,
    algorithm: Algorithm,
    make: Box<Make>,
}

impl Subject {
    /// An engine that `make` makes, that messages call by this name, and that computes convolutions so.
    pub fn new<E: Engine + 'static>(
        name: impl Into<String>,
        algorithm: Algorithm,
        make: impl Fn(&Graph, EngineOptions) -> Result<E, EngineError> + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            algorithm,
            make: Box::new(move |graph, options| Ok(Box::new(make(graph, options)?))),
        }
    }

    /// How it computes its convolutions.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// An engine for a graph.
    ///
    /// # Errors
    /// As the engine's constructor.
    pub fn try_make(
        &self,
        graph: &Graph,
        options: EngineOptions,
    ) -> Result<Box<dyn Engine>, EngineError> {
        (self.make)(graph, options)
    }

    /// An engine for a graph that every engine trains.
    ///
    /// # Panics
    /// If the constructor refuses it.
    pub fn make(&self, graph: &Graph, options: EngineOptions) -> Box<dyn Engine> {
        self.try_make(graph, options)
            .unwrap_or_else(|error| panic!("{self}: {error}"))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
