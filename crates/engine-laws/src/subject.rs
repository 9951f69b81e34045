//! An engine under test.

use std::fmt;
use std::rc::Rc;

use nn_engine::conformance::Algorithm;
use nn_engine::{Engine, EngineError, EngineOptions, Products};
use nn_graph::Graph;

type Make = dyn Fn(&Graph, EngineOptions) -> Result<Box<dyn Engine>, EngineError>;

/// An engine as the laws know it. One that runs in several ways, as on several instruction sets, is several subjects.
#[derive(Clone)]
pub struct Subject {
    name: String,
    algorithm: Algorithm,
    products: Products,
    make: Rc<Make>,
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
            products: Products::Full,
            make: Rc::new(move |graph, options| Ok(Box::new(make(graph, options)?))),
        }
    }

    /// The same engine, whose convolutions multiply in this format whatever a law asks for; in bf16 it stores in it, too.
    ///
    /// ```
    /// use engine_laws::{Subject, calls};
    /// use nn_engine::{Products, conformance::Algorithm};
    /// use nn_reference::ReferenceEngine;
    ///
    /// let reference = Subject::new("reference", Algorithm::Direct, ReferenceEngine::new);
    /// let rounded = reference.with_products(Products::Bf16);
    /// assert_eq!(rounded.to_string(), "reference with bf16 products");
    /// calls::calls_that_cannot_be_served_are_refused_in_a_sentence(&rounded);
    /// ```
    #[must_use]
    pub fn with_products(mut self, products: Products) -> Self {
        if products != Products::Full {
            self.name = format!("{} with {products} products", self.name);
        }
        self.products = products;
        self
    }

    /// What its convolutions multiply, and what it stores between operations.
    pub fn products(&self) -> Products {
        self.products
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
        let products = self.products;
        (self.make)(
            graph,
            EngineOptions {
                products,
                ..options
            },
        )
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
