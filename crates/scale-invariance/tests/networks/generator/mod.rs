//! Random networks over all rules.
//!
//! A network is made of steps, each of some random bytes: what fits is made of what is there, and a step that fits
//! nothing is left out. So a shrunk list of shrunk bytes is a smaller network.

mod moves;
mod steps;

use std::fmt;

use nn_graph::network::{Constant, Extents, NetworkBuilder, Normalise, Rule, Source, TensorId};
use proptest::prelude::*;

use crate::evaluator::Concrete;

/// Bytes of a step.
pub(crate) type Step = [u8; 10];

/// Length of the batch, which the network may not tell.
const BATCH: usize = 3;

/// Numbers of a tensor at most, and its axes.
const MOST_NUMBERS: usize = 200;
const MOST_AXES: usize = 4;

pub(crate) fn networks() -> impl Strategy<Value = Concrete> {
    let steps = proptest::collection::vec(any::<Step>(), 1..12);
    (any::<Step>(), steps, any::<Step>())
        .prop_map(|(head, steps, tail)| network(head, &steps, tail))
}

/// The network of some steps, between one that tells of its input and one of its results.
pub(crate) fn network(head: Step, steps: &[Step], tail: Step) -> Concrete {
    let mut maker = Maker::new(&mut Dice::new(&head));
    for step in steps {
        let mut dice = Dice::new(step);
        steps::step(&mut maker, &mut dice);
    }
    maker.finish(&mut Dice::new(&tail))
}

/// Bytes, one for each choice; 0 when there are no more.
pub(crate) struct Dice<'a>(std::slice::Iter<'a, u8>);

impl<'a> Dice<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }

    /// One of `0..count`.
    pub(crate) fn pick(&mut self, count: usize) -> usize {
        let byte = self.0.next().copied().unwrap_or(0);
        usize::from(byte) % count.max(1)
    }

    /// In one of `count` cases.
    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.pick(count) == count - 1
    }
}

pub(crate) struct Maker {
    net: NetworkBuilder,
    pub(crate) lengths: Vec<Vec<usize>>,
    flavours: Vec<u8>,
    epsilons: Vec<usize>,
    /// What may be read.
    pub(crate) pool: Vec<TensorId>,
    parameters: Vec<TensorId>,
    hides_batch: bool,
}

impl Maker {
    fn new(dice: &mut Dice) -> Self {
        let mut maker = Self {
            net: NetworkBuilder::new(),
            lengths: Vec::new(),
            flavours: Vec::new(),
            epsilons: Vec::new(),
            pool: Vec::new(),
            parameters: Vec::new(),
            hides_batch: dice.one_in(2),
        };
        let shapes: [&[usize]; 6] = [
            &[BATCH, 4],
            &[BATCH, 4, 3],
            &[BATCH, 4, 2],
            &[BATCH, 4, 2, 2],
            &[4],
            &[BATCH, 1],
        ];
        for _ in 0..=dice.pick(2) {
            let lengths = shapes[dice.pick(shapes.len())];
            let extents = maker.told(lengths);
            let x = maker.net.input("x", extents);
            maker.lengths.push(lengths.to_vec());
            maker.pool.push(x);
        }
        maker
    }

    /// What the network tells of lengths.
    fn told(&self, lengths: &[usize]) -> Option<Extents> {
        let told = |&length: &usize| (length != BATCH || !self.hides_batch).then_some(length);
        Some(lengths.iter().map(told).collect())
    }

    pub(crate) fn of(&self, id: TensorId) -> Vec<usize> {
        self.lengths[id.index()].clone()
    }

    /// A tensor to go on with, mostly the latest; perhaps a parameter.
    pub(crate) fn latest(&self, dice: &mut Dice) -> TensorId {
        let back = [0, 0, 0, 0, 0, 1, 1, 1, 2, 4, 7][dice.pick(11)];
        if let (7, Some(&parameter)) = (back, self.parameters.last()) {
            return parameter;
        }
        self.pool[self.pool.len().saturating_sub(1 + back)]
    }

    /// Any tensor of which this holds.
    pub(crate) fn any(&self, dice: &mut Dice, fits: impl Fn(&[usize]) -> bool) -> Option<TensorId> {
        let all = self.pool.iter().rev().chain(&self.parameters);
        let all: Vec<TensorId> = all
            .copied()
            .filter(|&id| fits(&self.lengths[id.index()]))
            .collect();
        all.get(dice.pick(all.len())).copied()
    }

    /// A new tensor that no operation makes: mostly a trained parameter.
    pub(crate) fn source(&mut self, lengths: &[usize], dice: &mut Dice) -> TensorId {
        let told = Some(lengths.iter().copied().map(Some).collect());
        let name = format!("p{}", self.lengths.len());
        self.lengths.push(lengths.to_vec());
        match dice.pick(10) {
            8 => self.net.parameter(&name, told, false),
            9 => {
                let number = [1.0, -2.0, 0.0][dice.pick(3)];
                self.net.constant(&name, told, Constant::Uniform(number))
            }
            _ => {
                let id = self.net.parameter(&name, told, true);
                self.parameters.push(id);
                id
            }
        }
    }

    pub(crate) fn epsilon(&mut self) -> TensorId {
        self.epsilons.push(self.lengths.len());
        self.number("epsilon", 1e-5)
    }

    pub(crate) fn one(&mut self) -> TensorId {
        self.number("one", 1.0)
    }

    /// As small as an `ε`, and not one.
    pub(crate) fn small(&mut self) -> TensorId {
        self.number("small", 1e-2)
    }

    fn number(&mut self, name: &str, number: f64) -> TensorId {
        self.lengths.push(Vec::new());
        let constant = Constant::Uniform(number);
        self.net.constant(name, Some(Vec::new()), constant)
    }

    /// The result of a rule, if it is not too large.
    pub(crate) fn push(
        &mut self,
        rule: Rule,
        inputs: &[TensorId],
        lengths: Vec<usize>,
        dice: &mut Dice,
    ) -> Option<TensorId> {
        if lengths.iter().product::<usize>() > MOST_NUMBERS || lengths.len() > MOST_AXES {
            return None;
        }
        let flavour = dice.pick(256);
        let told = if flavour > 245 {
            None
        } else {
            self.told(&lengths)
        };
        let name = format!("t{}", self.lengths.len());
        let result = self
            .net
            .operation(&name, "", rule, inputs, told)
            .expect("valid");
        self.lengths.push(lengths);
        self.flavours.push(flavour as u8);
        self.pool.push(result);
        Some(result)
    }

    /// The last tensor is the result, mostly behind a normalisation; perhaps another is one, too.
    fn finish(mut self, dice: &mut Dice) -> Concrete {
        let last = self.pool[self.pool.len() - 1];
        let lengths = self.of(last);
        let mut axes = self.axes(&lengths, dice);
        if axes.iter().all(|&axis| lengths[axis] == 1) {
            axes = (0..lengths.len()).collect();
        }
        match dice.pick(6) {
            0 => {}
            1 if !lengths.is_empty() => {
                let axis = axes.first().copied().unwrap_or(0);
                self.push(Rule::Softmax { axis }, &[last], lengths, dice);
            }
            _ => {
                let centres = !dice.one_in(4);
                let rule = Rule::Normalise(Normalise {
                    axes,
                    grouped: None,
                    centres,
                });
                self.push(rule, &[last], lengths, dice);
            }
        }
        let mut outputs = vec![self.pool[self.pool.len() - 1]];
        if dice.one_in(6) {
            outputs.push(self.latest(dice));
        }
        Concrete {
            network: self.net.finish(outputs).expect("valid"),
            lengths: self.lengths,
            flavours: self.flavours,
            epsilons: self.epsilons,
        }
    }

    /// Some axes, at least one if there are any; the batch first.
    pub(crate) fn axes(&self, lengths: &[usize], dice: &mut Dice) -> Vec<usize> {
        let mask = dice.pick(16);
        let axes: Vec<usize> = (0..lengths.len())
            .filter(|axis| mask >> axis & 1 == 1)
            .collect();
        match axes.is_empty() && !lengths.is_empty() {
            true => vec![0],
            false => axes,
        }
    }
}

impl fmt::Debug for Concrete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |id: &TensorId| format!("#{}", id.index());
        for (place, tensor) in self.network.tensors().iter().enumerate() {
            let told = match &tensor.extents {
                Some(told) if told.iter().any(Option::is_none) => " (batch not told)",
                Some(_) => "",
                None => " (not told)",
            };
            write!(f, "\n  #{place} {:?}{told} = ", self.lengths[place])?;
            match &tensor.source {
                Source::Operation(place) => {
                    let operation = &self.network.operations()[*place];
                    let inputs: Vec<String> = operation.inputs.iter().map(name).collect();
                    write!(f, "{:?} of {}", operation.rule, inputs.join(", "))?;
                    write!(f, "; flavour {}", self.flavours[*place])?;
                }
                source => write!(f, "{source:?}")?,
            }
        }
        let outputs: Vec<String> = self.network.outputs().iter().map(name).collect();
        write!(f, "\n  results {}", outputs.join(", "))
    }
}
