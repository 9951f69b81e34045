//! A float64 evaluator of networks: for each rule, functions that fit it.
//!
//! A rule says how its result follows its inputs and not what it is; which function that fits is taken, an
//! operation's *flavour* chooses.

pub(crate) mod array;
mod positions;

use nn_graph::network::{Constant, Network, Operation, Reduce, Reduction, Rule, Source, Window};

use array::{Array, Degenerate, index, indices, sum};
use positions::{contract, normalise, rearrange};

/// A network with what its rules leave open.
#[derive(Clone)]
pub(crate) struct Concrete {
    pub(crate) network: Network,
    /// Lengths of every tensor, also where the network does not tell them.
    pub(crate) lengths: Vec<Vec<usize>>,
    /// Of every operation.
    pub(crate) flavours: Vec<u8>,
    /// Places of constants that are an `ε`, and taken as 0.
    pub(crate) epsilons: Vec<usize>,
}

impl Concrete {
    /// All tensors, given all trained parameters in order, and what makes the other tensors that are read.
    pub(crate) fn tensors(
        &self,
        parameters: &[Array],
        others: &dyn Fn(usize, &[usize]) -> Array,
    ) -> Result<Vec<Array>, Degenerate> {
        let mut parameters = parameters.iter();
        let mut arrays: Vec<Array> = Vec::new();
        let tensors = self.network.tensors().iter().enumerate();
        for (place, tensor) in tensors {
            let lengths = &self.lengths[place];
            let array = match &tensor.source {
                Source::Parameter { trainable: true } => {
                    parameters.next().expect("a parameter").clone()
                }
                Source::Operation(place) => {
                    let operation = &self.network.operations()[*place];
                    let inputs = operation.inputs.iter().map(|id| &arrays[id.index()]);
                    let inputs: Vec<&Array> = inputs.collect();
                    apply(operation, self.flavours[*place], &inputs, lengths)?.within_reason()?
                }
                Source::Constant(Constant::Uniform(number)) => {
                    let is_epsilon = self.epsilons.contains(&place);
                    Array::of(lengths, |_| if is_epsilon { 0.0 } else { *number })
                }
                _ => others(place, lengths),
            };
            assert_eq!(&array.lengths, lengths, "{}", tensor.name);
            arrays.push(array);
        }
        Ok(arrays)
    }

    /// All numbers of the results, and a 1 after them that tells their size.
    pub(crate) fn results(&self, tensors: &[Array]) -> Vec<f64> {
        let outputs = self.network.outputs().iter();
        let numbers = outputs.flat_map(|id| tensors[id.index()].numbers.clone());
        numbers.chain([1.0]).collect()
    }

    /// Of each trained parameter, whether the results depend on it.
    pub(crate) fn read(&self) -> Vec<bool> {
        let mut read = vec![false; self.lengths.len()];
        let mut open: Vec<usize> = self.network.outputs().iter().map(|id| id.index()).collect();
        while let Some(place) = open.pop() {
            read[place] = true;
            if let Source::Operation(operation) = self.network.tensors()[place].source {
                let inputs = self.network.operations()[operation].inputs.iter();
                open.extend(inputs.map(|id| id.index()));
            }
        }
        let trained = self.network.parameters();
        let trained = trained.filter(|&id| self.network.is_trainable(id));
        trained.map(|id| read[id.index()]).collect()
    }
}

fn apply(
    operation: &Operation,
    flavour: u8,
    inputs: &[&Array],
    lengths: &[usize],
) -> Result<Array, Degenerate> {
    let each = |function: &dyn Fn(f64) -> f64| inputs[0].map(function);
    let pairs = |function: &dyn Fn(f64, f64) -> f64| {
        Array::of(lengths, |i| {
            function(inputs[0].spread(i), inputs[1].spread(i))
        })
    };
    Ok(match &operation.rule {
        Rule::Contract(rule) => contract(rule, inputs[0], inputs[1], lengths),
        Rule::Multiply => pairs(&|x, y| x * y),
        Rule::Divide => {
            inputs[1].clear_of_zero()?;
            pairs(&|x, y| if y == 0.0 { 0.0 } else { x / y })
        }
        Rule::Add => pairs(&|x, y| sum([x, y])),
        Rule::Subtract => pairs(&|x, y| sum([x, -y])),
        Rule::Power {
            numerator,
            denominator,
        } => {
            if *numerator < 0 {
                inputs[0].clear_of_zero()?;
            }
            let exponent = f64::from(*numerator) / f64::from(*denominator);
            each(&|x| {
                if x == 0.0 && exponent < 0.0 {
                    0.0
                } else {
                    x.abs().powf(exponent)
                }
            })
        }
        Rule::Copy => inputs[0].clone(),
        Rule::Linear => each(&|x| -1.5 * x),
        Rule::Homogeneous => Array::of(lengths, |i| {
            homogeneous(flavour, inputs.iter().map(|x| x.spread(i)))
        }),
        Rule::Gate => Array::of(lengths, |i| {
            let slope = inputs[0].spread(i).tanh();
            let rest = inputs[1..].iter().map(|x| x.spread(i));
            gate(slope, rest.collect())
        }),
        Rule::Softmax { axis } => softmax(inputs[0], *axis),
        Rule::Normalise(rule) => normalise(rule, inputs[0])?,
        Rule::Reduce(rule) => reduce(rule, flavour, inputs[0], lengths),
        Rule::Window(rule) => window(rule, flavour, inputs[0], lengths),
        Rule::Rearrange(sources) => rearrange(sources, flavour, inputs[0], lengths),
        Rule::Concat { axis } => concat(*axis, inputs, lengths),
        Rule::Insensitive => {
            inputs.iter().try_for_each(|x| x.clear_of_zero())?;
            let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
            Array::of(lengths, |i| {
                inputs.iter().map(|x| sign(x.spread(i))).product()
            })
        }
        // Nonlinear, and unknown.
        _ => Array::of(lengths, |i| {
            let terms = inputs.iter().enumerate();
            let x: f64 = terms.map(|(k, x)| x.spread(i) * (k as f64 + 1.0)).sum();
            x.tanh() + 0.25 * x.sin()
        }),
    })
}

fn homogeneous(flavour: u8, values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    match (values.as_slice(), flavour % 3) {
        ([x], 0) => x.max(0.0),
        ([x], 1) => x.max(0.2 * x),
        ([x], _) => x.abs(),
        (all, 0) => all.iter().copied().fold(f64::MIN, f64::max),
        (all, 1) => all.iter().map(|x| x * x).sum::<f64>().sqrt(),
        (all, _) => all.iter().map(|x| x.abs()).sum(),
    }
}

fn gate(slope: f64, rest: Vec<f64>) -> f64 {
    match rest[..] {
        [x] if x > 0.0 => x,
        [x] => slope * x,
        _ => {
            let terms = rest.iter().enumerate();
            terms
                .map(|(k, x)| x * if k == 0 { 1.0 + slope } else { 1.0 - slope })
                .sum()
        }
    }
}

fn softmax(x: &Array, axis: usize) -> Array {
    let along = |index: &[usize], i: usize| {
        let mut index = index.to_vec();
        index[axis] = i;
        x.at(&index)
    };
    Array::of(&x.lengths, |index| {
        let here = x.at(index);
        let others = 0..x.lengths[axis];
        let sum: f64 = others.map(|i| (along(index, i) - here).exp()).sum();
        sum.recip()
    })
}

fn reduce(rule: &Reduce, flavour: u8, x: &Array, lengths: &[usize]) -> Array {
    Array::of(lengths, |index| {
        let mut kept = index.iter();
        let mut fixed: Vec<Option<usize>> = Vec::new();
        for axis in 0..x.lengths.len() {
            let is_reduced = rule.axes.contains(&axis);
            if !is_reduced {
                fixed.push(kept.next().copied());
            } else {
                if rule.keeps_axes {
                    kept.next();
                }
                fixed.push(None);
            }
        }
        let here = |i: &Vec<usize>| fixed.iter().zip(i).all(|(f, i)| f.is_none_or(|f| f == *i));
        let all = indices(&x.lengths).filter(here).map(|i| x.at(&i));
        let all: Vec<f64> = all.collect();
        let squares = || all.iter().map(|x| x * x).sum::<f64>();
        match (rule.by, flavour % 2) {
            (Reduction::Mean, _) => sum(all.iter().copied()) / all.len() as f64,
            (Reduction::Sum, _) => sum(all.iter().copied()),
            (Reduction::Homogeneous, 0) => all.iter().copied().fold(f64::MIN, f64::max),
            (Reduction::Homogeneous, _) => all.iter().copied().fold(f64::MAX, f64::min),
            (Reduction::Norm, 0) => squares().sqrt(),
            (Reduction::Norm, _) => all.iter().map(|x| x.abs()).sum(),
            (Reduction::SumOfSquares, _) => squares(),
        }
    })
}

/// Where the `u`-th number of the `i`-th window lies along an axis, if anywhere: as many windows as `outer`, over
/// `inner` numbers. Padding, where there is any, repeats the edge if it keeps constants, and is nothing otherwise.
fn windowed(
    (inner, outer, kernel): (usize, usize, usize),
    keeps_constants: bool,
    (i, u): (usize, usize),
) -> Option<usize> {
    if keeps_constants && outer + kernel <= inner + 1 {
        let stride = (inner - kernel) / (outer - 1).max(1);
        return Some(i * stride.max(1) + u);
    }
    let stride = if outer < inner {
        inner.div_ceil(outer)
    } else {
        1
    };
    let place = (i * stride + u) as isize - (kernel / 2) as isize;
    match usize::try_from(place) {
        Ok(place) if place < inner => Some(place),
        _ if keeps_constants => Some(place.clamp(0, inner as isize - 1) as usize),
        _ => None,
    }
}

fn window(rule: &Window, flavour: u8, x: &Array, lengths: &[usize]) -> Array {
    let kernels: Vec<usize> = rule
        .axes
        .iter()
        .map(|&axis| x.lengths[axis].min(2))
        .collect();
    Array::of(lengths, |at| {
        let mut inside = Vec::new();
        for offset in indices(&kernels) {
            let mut from = at.to_vec();
            let places = rule.axes.iter().zip(&kernels).zip(&offset);
            let is_inside = places.fold(true, |inside, ((&axis, &kernel), &u)| {
                let counts = (x.lengths[axis], lengths[axis], kernel);
                let place = windowed(counts, rule.keeps_constants, (at[axis], u));
                from[axis] = place.unwrap_or(0);
                inside && place.is_some()
            });
            inside.push(if is_inside { x.at(&from) } else { 0.0 });
        }
        let most = inside.iter().copied().fold(f64::MIN, f64::max);
        match (rule.linear, rule.keeps_constants, flavour % 2) {
            (true, ..) => {
                let weights = (1..).map(f64::from);
                let count = inside.len() as f64;
                let total = count * (count + 1.0) / 2.0;
                sum(inside.iter().zip(weights).map(|(x, w)| x * w)) / total
            }
            (false, false, 1) => inside.iter().map(|x| x * x).sum::<f64>().sqrt(),
            (false, ..) => most,
        }
    })
}

fn concat(axis: usize, inputs: &[&Array], lengths: &[usize]) -> Array {
    Array::of(lengths, |at| {
        let mut from = at.to_vec();
        for x in inputs {
            if from[axis] < x.lengths[axis] {
                return x.at(&from);
            }
            from[axis] -= x.lengths[axis];
        }
        unreachable!("{:?} of {lengths:?}", index(0, lengths))
    })
}
