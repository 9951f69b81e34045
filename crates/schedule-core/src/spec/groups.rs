//! Parameter groups with schedules of their own.

use proptest::prelude::*;

use super::pair::{Pair, gradient_size, sgd_distance, worse};
use super::property::{exact, property};
use super::{OURS, Outcome, Settings, Statement, prime_field};
use crate::check::Start;
use crate::field::{Field, Gf61};
use crate::law::groups::{GroupRole, GroupsLaw};
use crate::optimiser::SgdState;
use crate::recurrence::{coupled, residual};
use crate::strategies::{
    GroupedLoss, blocks_loss, convertible_recipe, exact_blocks_loss, exact_product_net, product_net,
};
use crate::{EquivalentStep, Hyperparameters};

const STEPS: u64 = 300;

const BLOCKS: &str =
    "θ̃_p = θ_p/A_t^{(p)},  each A by the exact law of its own schedules,  A = 1 where d_p = 0";
const RESIDUAL: &str =
    "ln A^{(p)} = d_p ln C,  λ̃_t = (A_t²/η_t)(a_t − 1 + η_tλ_t − γ_tr_t(1 − 1/a_{t−1}))";

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "groups/blocks-free",
        words: "two blocks that are invariant each by itself lose their weight decay, a third keeps its own: the same run for 300 steps",
        formula: BLOCKS,
        source: OURS,
        tolerance: 1e-9,
        property: |settings, tolerance| in_float64(settings, tolerance, blocks_loss(), Start::Free),
    },
    Statement {
        id: "groups/blocks",
        words: "the same, step by step",
        formula: BLOCKS,
        source: OURS,
        tolerance: 1e-13,
        property: |settings, tolerance| {
            in_float64(settings, tolerance, blocks_loss(), Start::Resynchronised)
        },
    },
    Statement {
        id: "groups/residual",
        words: "groups that can only be scaled together keep what their common scale leaves of their decay, step by step",
        formula: RESIDUAL,
        source: OURS,
        tolerance: 1e-13,
        property: |settings, tolerance| {
            in_float64(settings, tolerance, product_net(), Start::Resynchronised)
        },
    },
    Statement {
        id: "field/groups-blocks",
        words: "conversion block by block is an identity of rational numbers",
        formula: BLOCKS,
        source: OURS,
        tolerance: 0.0,
        property: |settings, tolerance| in_the_field(settings, tolerance, exact_blocks_loss()),
    },
    Statement {
        id: "field/groups-residual",
        words: "conversion with a decay that is left is an identity of rational numbers, at exponents 1 and 2",
        formula: RESIDUAL,
        source: OURS,
        tolerance: 0.0,
        property: |settings, tolerance| in_the_field(settings, tolerance, exact_product_net()),
    },
];

fn in_float64<L: GroupedLoss + std::fmt::Debug>(
    settings: &Settings,
    tolerance: f64,
    losses: impl Strategy<Value = L>,
    start: Start,
) -> Outcome {
    let cases = ([(); 3].map(|()| convertible_recipe(STEPS)), losses);
    property(settings, tolerance, cases, |(recipes, loss), tamper| {
        let mut original = loss.initial_states();
        let mut twins = original.clone();
        let pair = |state: &SgdState| Pair::new(start, state.clone());
        let mut pairs: Vec<_> = original.iter().map(pair).collect();
        let (mut law, mut largest) = (GroupsLaw::new(&loss.roles())?, 0.0);
        for t in 0..STEPS {
            let with: Vec<Hyperparameters> = recipes.iter().map(|recipe| recipe.at(t)).collect();
            let steps: Vec<EquivalentStep> = law
                .step(&with)?
                .iter()
                .map(|step| step.equivalent)
                .collect();
            let image = |index: usize, state: &SgdState| {
                let step = &steps[index];
                state.equivalent(step.ln_scale.exp(), step.buffer_coefficient)
            };
            if start == Start::Resynchronised {
                let images = original.iter().enumerate();
                twins = images.map(|(index, state)| image(index, state)).collect();
            }
            let gradient = |states: &[SgdState]| loss.gradient(t, &parameters(states));
            let (here, there) = (gradient(&original), gradient(&twins));
            for (index, pair) in pairs.iter_mut().enumerate() {
                let mut without = steps[index].hyperparameters();
                without.learning_rate *= tamper.factor::<f64>();
                without.weight_decay = tamper.mistake(without.weight_decay, 0.0);
                let around = pair.step(
                    |state| image(index, state),
                    |state| state.stepped(|_| here[index].clone(), with[index]),
                    |state| state.stepped(|_| there[index].clone(), without),
                );
                let size = gradient_size(&here[index], &around.before.parameters);
                let distance = sgd_distance(&around, size, with[index], &steps[index]);
                largest = worse(largest, distance);
                original[index] = around.after;
                twins[index] = around.twin;
            }
        }
        Ok(largest)
    })
}

fn parameters<F: Field>(states: &[SgdState<F>]) -> Vec<Vec<F>> {
    states
        .iter()
        .map(|state| state.parameters.clone())
        .collect()
}

/// A group's scale `A_t`, `κ_{t−1}`, and what the step makes of them.
#[derive(Clone, Copy)]
struct Scale {
    scale: Gf61,
    coefficient: Gf61,
}

/// A group's step without the decay of its leader, and its scale after it.
fn converted(
    role: GroupRole,
    with: Hyperparameters<Gf61>,
    at: Scale,
    leader_shrink: Gf61,
) -> (Hyperparameters<Gf61>, Scale) {
    let own = coupled(
        with.learning_rate,
        with.weight_decay,
        with.momentum,
        at.coefficient,
    );
    let (shrink, left, coefficient) = match role {
        GroupRole::Leads => (own.shrink, Gf61::ZERO, own.buffer_coefficient),
        GroupRole::Keeps => (Gf61::ONE, with.weight_decay, Gf61::ZERO),
        GroupRole::Follows { exponent, .. } => {
            let shrink = match exponent {
                2.0 => leader_shrink * leader_shrink,
                _ => leader_shrink,
            };
            let kept = residual(
                with.learning_rate,
                with.weight_decay,
                with.momentum,
                at.coefficient,
                shrink - Gf61::ONE,
            );
            (shrink, kept.decay, kept.buffer_coefficient)
        }
    };
    let scale = shrink * at.scale;
    let without = Hyperparameters {
        learning_rate: with.learning_rate / (at.scale * scale),
        weight_decay: at.scale * at.scale * left,
        momentum: with.momentum,
    };
    (without, Scale { scale, coefficient })
}

fn in_the_field<L: GroupedLoss<Gf61> + std::fmt::Debug>(
    settings: &Settings,
    tolerance: f64,
    losses: impl Strategy<Value = L>,
) -> Outcome {
    let cases = ([(); 3].map(|()| prime_field::hyperparameters()), losses);
    property(settings, tolerance, cases, |(recipes, loss), tamper| {
        let roles = loss.roles();
        let mut original = loss.initial_states();
        let mut twins = original.clone();
        let start = Scale {
            scale: Gf61::ONE,
            coefficient: Gf61::ZERO,
        };
        let mut scales = [start; 3];
        for step in 0..settings.field_steps {
            let with = recipes
                .each_ref()
                .map(|recipe| recipe[step as usize % recipe.len()]);
            let gradient = |states: &[SgdState<Gf61>]| loss.gradient(step, &parameters(states));
            let (here, there) = (gradient(&original), gradient(&twins));
            // Those that follow follow group 0.
            let leader = coupled(
                with[0].learning_rate,
                with[0].weight_decay,
                with[0].momentum,
                scales[0].coefficient,
            );
            for (index, role) in roles.iter().enumerate() {
                let (mut without, after) =
                    converted(*role, with[index], scales[index], leader.shrink);
                without.learning_rate = tamper.factor::<Gf61>() * without.learning_rate;
                without.weight_decay = tamper.mistake(without.weight_decay, Gf61::ZERO);
                original[index] = original[index].stepped(|_| here[index].clone(), with[index]);
                twins[index] = twins[index].stepped(|_| there[index].clone(), without);
                scales[index] = after;
                if twins[index] != original[index].equivalent(after.scale, after.coefficient) {
                    return Ok(exact(&false, &true));
                }
            }
        }
        Ok(0.0)
    })
}
