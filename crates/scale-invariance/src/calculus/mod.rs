//! One pass over a network: the degree of every tensor as a linear form in the unknown exponents of the
//! parameters, and the equations that must hold for the network's function to stay as it is.
//!
//! Li & Arora (2020), appendix, decide whether *one* scaling, all exponents 1, leaves the function alone. Here
//! exponents are unknown, and what the equations leave free is every scaling that the rules can show (texp).

mod contract;
mod demands;
mod elementwise;
mod normalise;
mod rearrange;
mod slices;
mod term;

use std::collections::{BTreeMap, BTreeSet};

use nn_graph::network::{Constant, Extents, Network, Operation, Rule, Source, TensorId};

pub use slices::Granularity;
pub(crate) use slices::{Slices, Slot};
use term::{Kind, Term, Value};

use crate::Violation;
use crate::exponents::{Equation, Form, Rational, Unknown};

/// What becomes of a term that scales unlike the rest of its tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offsets {
    /// It is carried along until something cancels it or needs it to scale alike.
    Carried,
    /// It must scale alike where it is added: the paper's rules.
    Joined,
}

/// Why an equation must hold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cause {
    /// Names the degree of a tensor.
    Definition(Unknown),
    /// Two things that are added, joined or compared.
    Equal { left: Form, right: Form },
    /// Something that must not be scaled.
    Unscaled(Form),
}

/// An operation that asks for something.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Demand {
    /// In [`Network::operations`]; `None` is the network's result.
    pub(crate) operation: Option<usize>,
    /// What it reads or makes that is in question.
    pub(crate) tensor: TensorId,
    pub(crate) cause: Cause,
}

/// Values of unknowns.
pub(crate) struct Unknowns<'a> {
    pub(crate) values: Vec<Rational>,
    /// What names the first that is too long, which is left at 0.
    pub(crate) too_long: Option<&'a Demand>,
}

/// Bits above which the value of an unknown is not told: real networks' have a few, and contrived ones' could grow with
/// each layer.
const MOST_BITS: u64 = 1024;

/// What a pass over a network finds.
#[derive(Debug)]
pub(crate) struct Calculus<'a> {
    pub(crate) network: &'a Network,
    /// The trained parameters: an unknown exponent each, in this order.
    pub(crate) parameters: Vec<TensorId>,
    pub(crate) demands: Vec<Demand>,
    pub(crate) equations: Vec<Equation>,
    pub(crate) slices: Slices,
    offsets: Offsets,
    values: Vec<Value>,
    unknowns: usize,
    operation: Option<usize>,
}

/// Most terms of a tensor: sums of sums would double them with every layer.
const MOST_TERMS: usize = 64;

/// Longest form that is not given a name of its own: with it, work and memory grow as the network does.
const LONGEST_FORM: usize = 4;

impl<'a> Calculus<'a> {
    pub(crate) fn new(network: &'a Network, offsets: Offsets) -> Self {
        let parameters: Vec<TensorId> = network
            .parameters()
            .filter(|&id| network.is_trainable(id))
            .collect();
        let mut calculus = Self {
            network,
            unknowns: parameters.len(),
            parameters,
            demands: Vec::new(),
            equations: Vec::new(),
            slices: Slices::default(),
            offsets,
            values: Vec::with_capacity(network.tensors().len()),
            operation: None,
        };
        calculus.run();
        calculus
    }

    /// The degrees of a tensor's terms; none of a tensor that is 0.
    pub(crate) fn degrees(&self, tensor: TensorId) -> impl Iterator<Item = &Form> {
        self.values[tensor.index()]
            .terms
            .iter()
            .map(|term| &term.degree)
    }

    /// Values of all unknowns, given the exponents of the trained parameters.
    pub(crate) fn unknowns(&self, exponents: &[Rational]) -> Unknowns<'_> {
        let mut values = exponents.to_vec();
        values.resize(self.unknowns, Rational::default());
        let mut too_long = None;
        for (equation, demand) in self.equations.iter().zip(&self.demands) {
            if let Cause::Definition(unknown) = demand.cause {
                // form = degree − unknown, whose own value is still 0.
                let value = equation.form.at(|unknown| values[unknown].clone());
                match value.numer().bits() + value.denom().bits() <= MOST_BITS {
                    true => values[unknown] = value,
                    false => too_long = too_long.or(Some(demand)),
                }
            }
        }
        Unknowns { values, too_long }
    }

    /// The first demand, in the network's order, that values of the unknowns do not meet.
    pub(crate) fn violation(&self, unknowns: &Unknowns<'_>) -> Option<Violation> {
        let too_long = unknowns.too_long;
        let too_long = too_long.map(|demand| Violation::too_long(self.network, demand));
        let mut demands = self.demands.iter();
        too_long.or_else(|| {
            demands.find_map(|demand| Violation::of(self.network, demand, &unknowns.values))
        })
    }

    fn run(&mut self) {
        let mut unknown = 0;
        for tensor in self.network.tensors() {
            let value = match &tensor.source {
                Source::Operation(place) => {
                    self.operation = Some(*place);
                    let operation = &self.network.operations()[*place];
                    let value = self.apply(operation);
                    let value = self.with_fewer_terms(value, operation.output);
                    self.shortened(value, operation.output)
                }
                Source::Input => Value::of(Term::unscaled()),
                Source::Parameter { trainable: true } => {
                    unknown += 1;
                    self.parameter(unknown - 1, tensor.extents.as_ref())
                }
                Source::Parameter { trainable: false } => {
                    Value::of(of_length_one(tensor.extents.as_ref()))
                }
                Source::Constant(constant) => self.constant(*constant, tensor.extents.as_ref()),
            };
            self.values.push(value);
        }
        self.operation = None;
        for &output in self.network.outputs() {
            self.all_unscaled(&[output]);
        }
    }

    fn parameter(&mut self, unknown: Unknown, extents: Option<&Extents>) -> Value {
        let mut term = of_length_one(extents);
        term.degree = Form::unknown(unknown);
        let parameter = unknown;
        for (axis, length) in extents.into_iter().flatten().enumerate() {
            let slot = Slot { parameter, axis };
            match length {
                Some(1) => {}
                Some(_) => term.slices.push((axis, slot)),
                // Perhaps one, which broadcasts.
                None => self.slices.coarsen(slot, Granularity::Tensor),
            }
        }
        Value::of(term)
    }

    fn constant(&self, constant: Constant, extents: Option<&Extents>) -> Value {
        match constant {
            Constant::Uniform(0.0) => Value::zero().with(Kind::Uniform(0.0)),
            Constant::Uniform(number) => {
                let mut term = Term::unscaled();
                term.constant = (0..extents.map_or(0, Vec::len)).collect();
                Value::of(term).with(Kind::Uniform(number))
            }
            Constant::Other => Value::of(of_length_one(extents)),
        }
    }

    fn apply(&mut self, operation: &Operation) -> Value {
        let inputs = &operation.inputs;
        match &operation.rule {
            Rule::Contract(contract) => self.contract(contract, operation),
            Rule::Multiply | Rule::Divide => self.product(operation),
            Rule::Add | Rule::Subtract => self.sum(operation),
            Rule::Power {
                numerator,
                denominator,
            } => self.power(
                inputs[0],
                Rational::new((*numerator).into(), (*denominator).into()),
            ),
            Rule::Copy => self.value(inputs[0]).clone(),
            Rule::Linear => self.value(inputs[0]).clone().with(Kind::Any),
            Rule::Homogeneous => self.homogeneous(inputs, operation.output),
            Rule::Gate => self.gate(operation),
            Rule::Softmax { axis } => self.softmax(inputs[0], *axis),
            Rule::Normalise(normalise) => self.normalise(normalise, inputs[0]),
            Rule::Reduce(reduce) => self.reduce(reduce, inputs[0]),
            Rule::Window(window) => self.window(window, inputs[0]),
            Rule::Rearrange(sources) => {
                self.all_unscaled(&inputs[1..]);
                self.rearrange(sources, inputs[0], operation.output)
            }
            Rule::Concat { axis } => self.concat(*axis, inputs, operation.output),
            Rule::Insensitive => {
                for &input in inputs {
                    if let Some(term) = self.single(input) {
                        self.unplaced(term);
                    }
                }
                Value::of(Term::unscaled())
            }
            // Nonlinear, unknown, or a rule that is newer than this crate.
            _ => {
                self.all_unscaled(inputs);
                Value::of(Term::unscaled())
            }
        }
    }

    fn value(&self, id: TensorId) -> &Value {
        &self.values[id.index()]
    }

    fn extents(&self, id: TensorId) -> Option<&'a Extents> {
        self.network.tensor(id).extents.as_ref()
    }

    /// The same value; of too many terms those that are constant along the same axes are joined.
    fn with_fewer_terms(&mut self, value: Value, output: TensorId) -> Value {
        if value.terms.len() <= MOST_TERMS {
            return value;
        }
        let mut alike: BTreeMap<BTreeSet<usize>, Vec<Term>> = BTreeMap::new();
        for term in value.terms {
            alike.entry(term.constant.clone()).or_default().push(term);
        }
        let joined = alike
            .values()
            .filter_map(|terms| self.joined(output, terms));
        let mut terms: Vec<Term> = joined.collect();
        if terms.len() > MOST_TERMS {
            terms = self.joined(output, &terms).into_iter().collect();
        }
        Value { terms, ..value }
    }

    /// The same value, with a name in the place of every long form. A name stands for whole parameters. What has a degree
    /// beyond 64 bits, as a power of a power of a power may have, must not be scaled.
    fn shortened(&mut self, mut value: Value, output: TensorId) -> Value {
        for term in &mut value.terms {
            if term.degree.is_huge() {
                self.unscaled(output, term);
                (term.degree, term.slices) = (Form::zero(), Vec::new());
            }
            if term.degree.len() > LONGEST_FORM {
                let slots = term.slices.drain(..).map(|(_, slot)| slot).collect();
                self.whole(&slots);
                let unknown = self.unknowns;
                self.unknowns += 1;
                let name = Form::unknown(unknown);
                let form = term.degree.minus(&name);
                self.demand(output, form, Cause::Definition(unknown));
                term.degree = name;
            }
        }
        value
    }
}

/// A term that is not scaled, of a tensor that is no data: an axis of length 1 stands for any position.
fn of_length_one(extents: Option<&Extents>) -> Term {
    let mut term = Term::unscaled();
    let lengths = extents.into_iter().flatten().enumerate();
    term.constant = lengths
        .filter(|(_, length)| **length == Some(1))
        .map(|(axis, _)| axis)
        .collect();
    term
}
