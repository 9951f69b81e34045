//! Decoupled weight decay, for SGDW, Lion, Muon and any homogeneous update.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::pair::{Pair, distance, gradient_size, relative, worse};
use super::prime_field::hyperparameters;
use super::property::{exact, property};
use super::{OURS, Outcome, Settings, Statement, Tamper};
use crate::Recipe;
use crate::check::Start;
use crate::field::{Field, Gf61, dot, norm};
use crate::law::decoupled::DecoupledLaw;
use crate::optimiser::{LionState, MovingAverage, MuonState, SgdwState};
use crate::recurrence::{decoupled, decoupled_learning_rate, memory_coefficient};
use crate::strategies::{
    Loss, StochasticLoss, convertible_recipe, exact_rayleigh_quotient, gf61, loss,
};

const STEPS: u64 = 300;

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "decoupled/sgdw-free",
        words: "SGDW and SGD without weight decay at the law's rate visit the same directions for 300 steps",
        formula: "a_t = 1 − η_tλ_t,  η̃_t = η_t/(A_{t+1} A_t),  γ̃_t = γ_t a_{t−1}",
        source: OURS,
        tolerance: 1e-9,
        property: |settings, tolerance| sgdw(settings, tolerance, Start::Free),
    },
    Statement {
        id: "decoupled/sgdw",
        words: "every single step of SGDW is a step of SGD without weight decay, to rounding",
        formula: "θ̃_t = θ_t/A_t,  b̃_t = A_{t−1} b_t",
        source: OURS,
        tolerance: 1e-13,
        property: |settings, tolerance| sgdw(settings, tolerance, Start::Resynchronised),
    },
    Statement {
        id: "decoupled/lion",
        words: "every single step of Lion with weight decay is a step of Lion without",
        formula: "η̃_t = η_t/A_{t+1},  β̃_i = β_i a_{t−1}, the new gradient's weights 1 − β_i",
        source: OURS,
        tolerance: 1e-13,
        property: lion,
    },
    Statement {
        id: "decoupled/muon",
        words: "every single step of Muon with weight decay is a step of Muon without",
        formula: "η̃_t = η_t/A_{t+1},  γ̃_t = γ_t a_{t−1}",
        source: OURS,
        tolerance: 1e-11,
        property: muon,
    },
    Statement {
        id: "decoupled/any-degree",
        words: "the law holds for an update of any degree k in its gradients, whole or not",
        formula: "η̃_t = η_t/(A_{t+1} A_t^k)",
        source: OURS,
        tolerance: 1e-11,
        property: any_degree,
    },
    Statement {
        id: "field/decoupled",
        words: "the law of decoupled weight decay is an identity of rational numbers, at degrees 1 and 3",
        formula: "θ̃_t A_t = θ_t,  b̃_t = A_{t−1} b_t  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: in_the_field,
    },
];

/// What the law says of a state: how it is mapped, and what there is to compare.
trait Image: Clone {
    fn image(&self, scale: f64, memory_scale: f64) -> Self;
    fn parameters(&self) -> &[f64];
    fn memory(&self) -> &[f64];
}

macro_rules! image {
    ($state:ty, $memory:ident) => {
        impl Image for $state {
            fn image(&self, scale: f64, memory_scale: f64) -> Self {
                self.equivalent(scale, memory_scale)
            }
            fn parameters(&self) -> &[f64] {
                &self.parameters
            }
            fn memory(&self) -> &[f64] {
                &self.$memory
            }
        }
    };
}

image!(SgdwState, buffer);
image!(LionState, momentum);
image!(MuonState, buffer);

/// How a memory's coefficients are changed.
type Memory<'a> = &'a dyn Fn(MovingAverage) -> MovingAverage;

/// The largest deviation of a run of `stepped(state, t, η, λ, memory)` from its twin.
fn deviation<S: Image>(
    mut pair: Pair<S>,
    mut law: DecoupledLaw,
    (recipe, loss): (&Recipe, &Loss),
    tamper: Tamper,
    stepped: impl Fn(&S, u64, f64, f64, Memory) -> S,
) -> Result<f64, TestCaseError> {
    let mut largest = 0.0;
    for t in 0..STEPS {
        let with = recipe.at(t);
        let mut step = law.step(with.learning_rate, with.weight_decay)?;
        step.ln_learning_rate += tamper.factor::<f64>().ln();
        let around = pair.step(
            |state| state.image(step.ln_scale.exp(), step.ln_memory_scale.exp()),
            |state| {
                stepped(state, t, with.learning_rate, with.weight_decay, &|memory| {
                    memory
                })
            },
            |state| {
                stepped(state, t, step.learning_rate(), 0.0, &|memory| {
                    tamper.mistake(step.memory(memory), memory)
                })
            },
        );
        let memory_scale = step.ln_scale.exp();
        let image = around.after.image(step.ln_scale_after.exp(), memory_scale);
        let before = around.before.parameters();
        let terms = norm(around.before.memory()) + gradient_size(&loss.gradient(t, before), before);
        let parameters = relative(around.twin.parameters(), image.parameters());
        let memory = distance(around.twin.memory(), image.memory(), memory_scale * terms);
        largest = worse(largest, worse(parameters, memory));
    }
    Ok(largest)
}

fn initial_sgdw(loss: &Loss) -> SgdwState {
    let state = loss.initial_state();
    SgdwState {
        parameters: state.parameters,
        buffer: state.buffer,
    }
}

fn sgdw(settings: &Settings, tolerance: f64, start: Start) -> Outcome {
    let cases = (convertible_recipe(STEPS), loss());
    property(settings, tolerance, cases, |(recipe, loss), tamper| {
        let pair = Pair::new(start, initial_sgdw(&loss));
        let law = DecoupledLaw::sgdw();
        let case = (&recipe, &loss);
        deviation(pair, law, case, tamper, |state, t, rate, decay, memory| {
            let momentum = memory(MovingAverage::of_momentum(recipe.at(t).momentum));
            state.stepped(|p| loss.gradient(t, p), rate, decay, momentum)
        })
    })
}

fn lion(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (convertible_recipe(STEPS), loss(), 0.0..0.999);
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, beta2), tamper| {
            let state = loss.initial_state();
            let initial = LionState {
                parameters: state.parameters,
                momentum: state.buffer,
            };
            let pair = Pair::new(Start::Resynchronised, initial);
            let case = (&recipe, &loss);
            let law = DecoupledLaw::lion();
            deviation(pair, law, case, tamper, |state, t, rate, decay, memory| {
                let update = memory(MovingAverage::of_decay(recipe.at(t).momentum));
                let memory = memory(MovingAverage::of_decay(beta2));
                state.stepped(|p| loss.gradient(t, p), rate, decay, update, memory)
            })
        },
    )
}

fn muon(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (convertible_recipe(STEPS), loss());
    property(settings, tolerance, cases, |(recipe, loss), tamper| {
        let state = loss.initial_state();
        let entries = state.parameters.len();
        let initial = MuonState {
            columns: if entries % 2 == 0 {
                entries / 2
            } else {
                entries
            },
            parameters: state.parameters,
            buffer: state.buffer,
        };
        let pair = Pair::new(Start::Resynchronised, initial);
        let case = (&recipe, &loss);
        let law = DecoupledLaw::muon();
        deviation(pair, law, case, tamper, |state, t, rate, decay, memory| {
            let momentum = memory(MovingAverage::of_momentum(recipe.at(t).momentum));
            state.stepped(|p| loss.gradient(t, p), rate, decay, momentum)
        })
    })
}

/// With the update `b/‖b‖^{1−k}`.
fn any_degree(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (convertible_recipe(STEPS), loss(), -0.5..2.0);
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, degree), tamper| {
            let pair = Pair::new(Start::Resynchronised, initial_sgdw(&loss));
            let law = DecoupledLaw::homogeneous(degree)?;
            let case = (&recipe, &loss);
            deviation(pair, law, case, tamper, |state, t, rate, decay, memory| {
                let momentum = memory(MovingAverage::of_momentum(recipe.at(t).momentum));
                let plain = state.stepped(|p| loss.gradient(t, p), 0.0, 0.0, momentum);
                let factor = norm(&plain.buffer).powf(degree - 1.0);
                let pairs = state.parameters.iter().zip(&plain.buffer);
                let parameters = pairs
                    .map(|(p, b)| (1.0 - rate * decay) * p - rate * factor * b)
                    .collect();
                SgdwState {
                    parameters,
                    ..plain
                }
            })
        },
    )
}

fn in_the_field(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (
        hyperparameters(),
        exact_rayleigh_quotient(),
        any::<bool>(),
        gf61(),
    );
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, cubic, weight), tamper| {
            let state = loss.initial_state();
            let mut original = SgdwState {
                parameters: state.parameters,
                buffer: state.buffer,
            };
            // The update b⟨b, b⟩ has degree 3; a step is b's, then the parameters'.
            let stepped = |state: &SgdwState<Gf61>, step, rate, decay, momentum| {
                let gradient = |p: &[Gf61]| loss.gradient(step, p);
                let plain = state.stepped(gradient, Gf61::ZERO, Gf61::ZERO, momentum);
                let factor = if cubic {
                    dot(&plain.buffer, &plain.buffer)
                } else {
                    Gf61::ONE
                };
                let shrink = Gf61::ONE - rate * decay;
                let pairs = state.parameters.iter().zip(&plain.buffer);
                let parameters = pairs
                    .map(|(&p, &b)| shrink * p - rate * factor * b)
                    .collect();
                SgdwState {
                    parameters,
                    ..plain
                }
            };
            let (mut scale, mut shrink_before) = (Gf61::ONE, Gf61::ONE);
            let mut twin = original.clone();
            for (step, with) in (0..settings.field_steps).zip(recipe.iter().cycle()) {
                let shrink = decoupled(with.learning_rate, with.weight_decay).shrink;
                let to_degree = if cubic { scale * scale * scale } else { scale };
                let rate = decoupled_learning_rate(with.learning_rate, shrink * scale, to_degree);
                let rate = tamper.factor::<Gf61>() * rate;
                let average = |keep| MovingAverage { keep, weight };
                let momentum = average(with.momentum);
                let keep = memory_coefficient(with.momentum, shrink_before);
                let without = average(tamper.mistake(keep, with.momentum));
                original = stepped(
                    &original,
                    step,
                    with.learning_rate,
                    with.weight_decay,
                    momentum,
                );
                twin = stepped(&twin, step, rate, Gf61::ZERO, without);
                let memory_scale = scale;
                (scale, shrink_before) = (shrink * scale, shrink);
                if twin != original.equivalent(scale, memory_scale) {
                    return Ok(exact(&false, &true));
                }
            }
            Ok(0.0)
        },
    )
}
