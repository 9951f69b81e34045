//! Losses of several parameter groups, not all of which can be scaled alone.

use proptest::collection::vec;
use proptest::prelude::*;

use super::losses::{Loss, RayleighQuotient, StochasticLoss, exact_rayleigh_quotient, gf61, loss};
use crate::field::{Field, Gf61};
use crate::law::groups::GroupRole;
use crate::optimiser::SgdState;

/// A stochastic loss of several parameter groups.
pub trait GroupedLoss<F = f64> {
    /// `L_t(θ)`.
    fn value(&self, step: u64, groups: &[Vec<F>]) -> F;

    /// `∇L_t(θ)`, group by group.
    fn gradient(&self, step: u64, groups: &[Vec<F>]) -> Vec<Vec<F>>;

    /// `θ_0` and `b_0` of each group.
    fn initial_states(&self) -> Vec<SgdState<F>>;

    /// How each group may be scaled.
    fn roles(&self) -> Vec<GroupRole>;
}

/// Two blocks, each invariant by itself, and a third group that is not, of two numbers `z`:
/// `L = (1 + z₁) L¹(θ₁) + (1 + z₂) L²(θ₂) + (z₁² + z₂²)/2`.
#[derive(Clone, Debug)]
pub struct BlocksLoss<L = Loss, F = f64> {
    blocks: [L; 2],
    last: SgdState<F>,
}

impl<F: Field, L: StochasticLoss<F>> GroupedLoss<F> for BlocksLoss<L, F> {
    fn value(&self, step: u64, groups: &[Vec<F>]) -> F {
        let [first, second] = &self.blocks;
        let [x, y, z] = groups else { return F::ZERO };
        let terms = [first.value(step, x), second.value(step, y)];
        let two = F::ONE + F::ONE;
        let sum = terms.iter().zip(z);
        sum.fold(F::ZERO, |sum, (&value, &z)| {
            sum + (F::ONE + z) * value + z * z / two
        })
    }

    fn gradient(&self, step: u64, groups: &[Vec<F>]) -> Vec<Vec<F>> {
        let mut gradient = Vec::with_capacity(groups.len());
        let mut last = Vec::new();
        if let [x, y, z] = groups {
            for ((block, parameters), &z) in self.blocks.iter().zip([x, y]).zip(z) {
                let of_block = block.gradient(step, parameters);
                gradient.push(of_block.into_iter().map(|g| (F::ONE + z) * g).collect());
                last.push(block.value(step, parameters) + z);
            }
        }
        gradient.push(last);
        gradient
    }

    fn initial_states(&self) -> Vec<SgdState<F>> {
        let [first, second] = &self.blocks;
        vec![
            first.initial_state(),
            second.initial_state(),
            self.last.clone(),
        ]
    }

    fn roles(&self) -> Vec<GroupRole> {
        vec![GroupRole::Leads, GroupRole::Leads, GroupRole::Keeps]
    }
}

/// A sum of a direct path and a product of two layers, elementwise, that is normalised at the end:
/// `L = H(h)`, `h = p + q∘r`, with `H` scale-invariant. `L` is invariant under `(p, q, r) → (c²p, cq, cr)`, and
/// under scalings that trade `q` for `r`; it is not under a common factor of all.
///
/// The groups are `q`, `r`, `p`.
#[derive(Clone, Debug)]
pub struct ProductNet<L = Loss, F = f64> {
    head: L,
    groups: [SgdState<F>; 3],
}

impl<F: Field, L: StochasticLoss<F>> ProductNet<L, F> {
    /// `h`.
    fn hidden(groups: &[Vec<F>]) -> Vec<F> {
        let [q, r, p] = groups else { return Vec::new() };
        let terms = p.iter().zip(q.iter().zip(r));
        terms.map(|(&p, (&q, &r))| p + q * r).collect()
    }
}

impl<F: Field, L: StochasticLoss<F>> GroupedLoss<F> for ProductNet<L, F> {
    fn value(&self, step: u64, groups: &[Vec<F>]) -> F {
        self.head.value(step, &Self::hidden(groups))
    }

    fn gradient(&self, step: u64, groups: &[Vec<F>]) -> Vec<Vec<F>> {
        let of_hidden = self.head.gradient(step, &Self::hidden(groups));
        let [q, r, _] = groups else { return Vec::new() };
        let times = |factor: &[F]| -> Vec<F> {
            let pairs = of_hidden.iter().zip(factor);
            pairs.map(|(&g, &x)| g * x).collect()
        };
        vec![times(r), times(q), of_hidden]
    }

    fn initial_states(&self) -> Vec<SgdState<F>> {
        self.groups.to_vec()
    }

    fn roles(&self) -> Vec<GroupRole> {
        let follows = |exponent| GroupRole::Follows {
            leader: 0,
            exponent,
        };
        vec![GroupRole::Leads, follows(1.0), follows(2.0)]
    }
}

/// Random [`BlocksLoss`]es.
pub fn blocks_loss() -> impl Strategy<Value = BlocksLoss> {
    ([loss(), loss()], vec(-0.5..0.5, 2), vec(-0.5..0.5, 2)).prop_map(
        |(blocks, parameters, buffer)| BlocksLoss {
            blocks,
            last: SgdState { parameters, buffer },
        },
    )
}

/// Random [`BlocksLoss`]es of [`RayleighQuotient`]s over GF(2⁶¹ − 1).
pub fn exact_blocks_loss() -> impl Strategy<Value = BlocksLoss<RayleighQuotient<Gf61>, Gf61>> {
    let blocks = [exact_rayleigh_quotient(), exact_rayleigh_quotient()];
    (blocks, vec(gf61(), 2), vec(gf61(), 2)).prop_map(|(blocks, parameters, buffer)| BlocksLoss {
        blocks,
        last: SgdState { parameters, buffer },
    })
}

/// Random [`ProductNet`]s with the head's initial parameters for `p`, and `q`, `r` such that `q∘r` has the
/// signs of `p`: `h` starts away from the origin, where the loss is singular.
pub fn product_net() -> impl Strategy<Value = ProductNet> {
    loss().prop_flat_map(|head| {
        let direct = head.initial_state();
        let layer = vec(0.5..1.5, direct.parameters.len());
        (Just((head, direct)), [layer.clone(), layer]).prop_map(|((head, direct), [q, r])| {
            let rest = |parameters: Vec<f64>| SgdState {
                buffer: vec![0.0; parameters.len()],
                parameters,
            };
            let signed = r.iter().zip(&direct.parameters);
            let signed = signed.map(|(r, p)| r * p.signum()).collect();
            ProductNet {
                head,
                groups: [rest(q), rest(signed), direct],
            }
        })
    })
}

/// Random [`ProductNet`]s with [`RayleighQuotient`]s for heads over GF(2⁶¹ − 1).
pub fn exact_product_net() -> impl Strategy<Value = ProductNet<RayleighQuotient<Gf61>, Gf61>> {
    exact_rayleigh_quotient().prop_flat_map(|head| {
        let dimension = head.initial_state().parameters.len();
        let state = (vec(gf61(), dimension), vec(gf61(), dimension))
            .prop_map(|(parameters, buffer)| SgdState { parameters, buffer });
        (Just(head), [state.clone(), state.clone(), state])
            .prop_map(|(head, groups)| ProductNet { head, groups })
    })
}
