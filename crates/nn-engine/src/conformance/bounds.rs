//! How far rounding may take a correct engine from the reference.

use nn_graph::{Graph, Node, NodeId, Op};

use super::algorithm::Errors;
use super::{Algorithm, Case, Kinks};
use crate::{NamedTensor, Precision, Products};

/// Largest relative errors allowed, derived from the network, the candidate's precision and its [`Algorithm`].
///
/// Operation `l` adds a relative error (root mean square, in units of the unit roundoff `u`) of `f_l` to its result,
/// `b_l` to the gradient of its input and `w_l` to those of its parameters. Each is `√n` for the `n` terms that it
/// sums, and the few roundings around the sum:
///
/// | | `f_l`: terms | `b_l` | `w_l` |
/// | --- | --- | --- | --- |
/// | convolution, by definition | `C k²` | `O k²` | `N H W` |
/// | linear layer | inputs | results | `N` |
/// | batch normalisation | `N H W` | the same | the same |
/// | group normalisation | a group's values | the same | `N H W` |
/// | mean over positions | `H W` | 1 | – |
/// | addition | 1 | – | – |
/// | loss | classes | the same | – |
///
/// ([`Algorithm`] says why `√n`, and what Winograd's convolution has instead.) Where the factors of convolutions are rounded
/// to [`Products`] of roundoff `u_p`, each of a convolution's three has `√(2/3) u_p / u` besides, in quadrature; all
/// convolutions are taken to be rounded. Where tensors are stored in the format, too, convolutions round only weights,
/// and what rounds is
///
/// | | in `f_l`, times `u_p / √3` | in `b_l` | in `w_l` |
/// | --- | --- | --- | --- |
/// | images | once, stored | – | – |
/// | convolution | weights, and result stored: `√2` | the same | – |
/// | linear layer, normalisation, mean over positions | result stored: once | the same | – |
/// | max pooling | – | sums stored: once | – |
/// | addition | once, stored | – | – |
/// | loss | – | once, stored | – |
/// | each reader of a result but the first | – | sum stored: once | – |
///
/// in quadrature within one `f_l` or `b_l` (other operations choose among stored values). Errors made earlier pass through later
/// operations, whose amplification is of order 1 in these networks (a normalisation's is the ratio of a
/// channel's mean to its deviation). Errors are added though they are independent, so what is missing of order 1 has
/// room. A gradient has passed all operations forward, those behind it backward, and is a sum itself:
///
/// `smooth = 4 · tolerance · Σ_l f_l · u`, `gradient = 4 · tolerance · (Σ_l f_l + Σ_l b_l + max_l w_l) · u`.
///
/// 4 is how many standard deviations a number may be off: with independent roundings a bound of `λ √n u` fails with a
/// probability below `2 exp(−λ²/2)`, 7·10⁻⁴ (Higham and Mary, "A new approach to probabilistic rounding error
/// analysis"), and what is compared are mostly norms of many numbers.
///
/// Gradients have jumps: a ReLU input within rounding error of 0 may fall on either side, and its
/// gradient is lost or gained whole; so is that of the two largest values of a pooling window. Of many values the share `smooth` does that at worst, which moves
/// a gradient by `√smooth` of its norm. That is the bound on gradients, and on everything after the
/// first update, unless the case is known to have no such value ([`Kinks::Avoided`]). With rounded products ([`Products::rounds`])
/// there always are such values if there is a kink at all, since seeds avoid what float32 may move across it; and often so few in a tensor that their number
/// varies: a share of `smooth / 4` is expected, and moves a gradient by 4 deviations at most, `4 √(smooth / 4)`.
///
/// Right answers jump too, where the two largest logits of an image are within the error: see [`answers`](Self::answers).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Unit roundoff of the candidate.
    pub roundoff: f64,
    /// Of the first loss and the first statistics.
    pub smooth: f64,
    /// Of the first gradients.
    pub gradient: f64,
    /// Of what convolutions multiply.
    pub products: Products,
}

/// `λ`.
pub(super) const DEVIATIONS: f64 = 4.0;

impl Bounds {
    /// For this case on an engine of this precision that multiplies in this format, and computes convolutions so.
    pub fn new(
        case: &Case,
        graph: &Graph,
        (precision, products): (Precision, Products),
        algorithm: Algorithm,
    ) -> Self {
        let roundoff = match precision {
            Precision::Float32 => f64::from(f32::EPSILON) / 2.0,
            Precision::Float64 => f64::EPSILON / 2.0,
        };
        let classes = graph.output_shape().channels();
        let loss = Errors::of_sums(classes, classes, 0).of_storage([0, 1], products, roundoff);
        let (mut forward, mut backward, mut weight) = (loss.forward, loss.data, 0f64);
        for id in graph.node_ids() {
            let node = graph.node(id);
            let mut errors = of_node(graph, node, case.batch, algorithm);
            if let Op::Conv2d(_) = node.op {
                errors = errors.of_products(products, roundoff);
            }
            errors = errors.of_storage(times_stored(graph, id), products, roundoff);
            forward += errors.forward;
            backward += errors.data;
            weight = weight.max(errors.weight);
        }
        let unit = DEVIATIONS * case.tolerance * roundoff;
        let (smooth, gradient) = (unit * forward, unit * (forward + backward + weight));
        Self {
            roundoff,
            smooth,
            gradient: match (products.rounds(), case.kinks) {
                (false, Kinks::Avoided) => gradient,
                (false, Kinks::Possible) => gradient.max(smooth.sqrt()),
                (_, _) if !has_kinks(graph) => gradient,
                (_, _) => gradient.max((DEVIATIONS * smooth).sqrt()),
            },
            products,
        }
    }

    /// How many of so many right answers may be others, where logits may be off by `bound`.
    ///
    /// None where products are not rounded: logits of random images are no ties. Else an answer is another where the two largest
    /// logits are within the error, of `n` images at worst the share `s`, `bound`; and no more than 4 deviations above
    /// that, where they are independent: `n s + 4 √(n s)`.
    pub fn answers(&self, bound: f64, images: f64) -> f64 {
        let expected = bound * images;
        match self.products.rounds() {
            false => 0.0,
            true => expected + DEVIATIONS * expected.sqrt(),
        }
    }

    /// Of losses, gradients and statistics at step `step`, counted from 0: the first as given, later
    /// ones at parameters that already differ, by twice as much every step.
    pub fn at_step(&self, step: usize) -> f64 {
        let growth = 2f64.powi(step.min(1000) as i32);
        match step {
            0 => self.smooth,
            _ => self.gradient * growth,
        }
    }
}

/// Whether an operation's gradient jumps.
fn has_kinks(graph: &Graph) -> bool {
    let mut ops = graph.nodes().iter().map(|node| &node.op);
    ops.any(|op| matches!(op, Op::Relu | Op::MaxPool(_)))
}

/// How often what is stored is rounded: an operation's result, and the gradient of its input with that of its result, to
/// which its readers add.
fn times_stored(graph: &Graph, id: NodeId) -> [usize; 2] {
    let inputs = graph.nodes().iter().flat_map(|node| &node.inputs);
    let readers = inputs.filter(|&&input| input == id).count();
    let [result, gradient] = match graph.node(id).op {
        Op::Input | Op::Add => [1, 0],
        Op::MaxPool(_) => [0, 1],
        Op::Relu | Op::ZeroPadShortcut(_) => [0, 0],
        _ => [1, 1],
    };
    [result, gradient + readers.saturating_sub(1)]
}

/// What an operation's arithmetic adds.
fn of_node(graph: &Graph, node: &Node, images: usize, algorithm: Algorithm) -> Errors {
    let shape = |parameter| &graph.parameter(parameter).shape[..];
    let positions: usize = node.shape.dims()[1..].iter().product();
    let values = images * positions;
    match &node.op {
        Op::Conv2d(conv) => {
            let weight = shape(conv.weight);
            Errors::of_convolution(algorithm, weight, conv.stride, &node.shape, images)
        }
        Op::Linear(linear) => {
            let weight = shape(linear.weight);
            Errors::of_sums(weight[1], weight[0], images)
        }
        Op::BatchNorm(_) => Errors::of_sums(values, values, values),
        Op::GroupNorm(norm) => {
            let group = node.shape.elements() / norm.groups;
            Errors::of_sums(group, group, values)
        }
        Op::GlobalAveragePool => {
            let input = &graph.node(node.inputs[0]).shape;
            let positions = input.dims()[1..].iter().product();
            Errors::of_sums(positions, 1, 0)
        }
        Op::Add => Errors::of_sums(1, 0, 0),
        _ => Errors::NONE,
    }
}

/// `‖a − b‖₂`.
pub(super) fn distance(a: &NamedTensor, b: &NamedTensor) -> f64 {
    let pairs = a.values.iter().zip(&b.values);
    pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

/// `‖a‖₂`.
pub(super) fn norm(a: &NamedTensor) -> f64 {
    a.values.iter().map(|a| a * a).sum::<f64>().sqrt()
}
