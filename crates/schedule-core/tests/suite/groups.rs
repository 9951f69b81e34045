//! Parameter groups: which keep a weight decay, and what errors say.

use crate::common::STANDARD;
use proptest::prelude::*;
use schedule_core::law::groups::{GroupProblem, GroupRole, GroupsError, GroupsLaw, Residual};
use schedule_core::strategies::{
    GroupedLoss, blocks_loss, convertible_recipe, product_net, seeded,
};
use schedule_core::{EquivalentStep, ExactLaw, Hyperparameters};

proptest! {
    #![proptest_config(seeded())]

    /// Only `ηλ` counts, so a group with another rate may lose its decay along with its leader.
    #[test]
    fn groups_with_one_intrinsic_rate_lose_their_decay_together(
        recipe in convertible_recipe(300),
        factor in 0.1..10.0,
    ) {
        let mut law = GroupsLaw::common_direction(&[2.0, 2.0, 0.0])?;
        let mut alone = ExactLaw::new();
        for t in 0..300 {
            let with = recipe.at(t);
            let scaled = Hyperparameters {
                learning_rate: factor * with.learning_rate,
                weight_decay: with.weight_decay / factor,
                ..with
            };
            let groups = law.step(&[with, scaled, with])?;
            prop_assert_eq!(groups[0].equivalent, alone.step(with)?);
            for group in &groups[..2] {
                prop_assert_eq!(group.residual, Residual::WeightDecayFree);
                prop_assert_eq!(group.equivalent.weight_decay, 0.0);
            }
            let kept: EquivalentStep = groups[2].equivalent;
            prop_assert_eq!(kept.weight_decay, with.weight_decay);
            prop_assert_eq!((kept.ln_scale, kept.ln_scale_after, kept.shrink), (0.0, 0.0, 1.0));
            prop_assert!((kept.learning_rate() / with.learning_rate - 1.0).abs() < 1e-14);
        }
    }

    #[test]
    fn gradients_of_grouped_losses_agree_with_central_differences(
        blocks in blocks_loss(),
        net in product_net(),
        step in 0..100_u64,
    ) {
        check_gradient(&blocks, step)?;
        check_gradient(&net, step)?;
    }

    #[test]
    fn the_product_net_is_invariant_under_its_own_scaling_only(net in product_net(), c in 0.5..2.0_f64) {
        let value = |exponents: [i32; 3]| {
            let groups: Vec<Vec<f64>> = net
                .initial_states()
                .into_iter()
                .zip(exponents)
                .map(|(state, d)| state.parameters.iter().map(|x| x * c.powi(d)).collect())
                .collect();
            net.value(0, &groups)
        };
        let here = value([0, 0, 0]);
        prop_assert!((value([1, 1, 2]) - here).abs() < 1e-13 * (1.0 + here.abs()));
        prop_assert!((value([1, -1, 0]) - here).abs() < 1e-13 * (1.0 + here.abs()));
    }
}

fn check_gradient(loss: &impl GroupedLoss, step: u64) -> Result<(), TestCaseError> {
    let at: Vec<Vec<f64>> = loss
        .initial_states()
        .into_iter()
        .map(|s| s.parameters)
        .collect();
    let gradient = loss.gradient(step, &at);
    let h = 1e-5;
    for group in 0..at.len() {
        prop_assert_eq!(gradient[group].len(), at[group].len());
        for index in 0..at[group].len() {
            let moved = |by: f64| {
                let mut groups = at.clone();
                groups[group][index] += by;
                loss.value(step, &groups)
            };
            let difference = (moved(h) - moved(-h)) / (2.0 * h);
            prop_assert!(
                (difference - gradient[group][index]).abs() < 1e-7,
                "{group} {index}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_follower_with_a_weaker_decay_gets_a_negative_one() {
    let weaker = Hyperparameters {
        weight_decay: 1e-4,
        ..STANDARD
    };
    let stronger = Hyperparameters {
        weight_decay: 1e-3,
        ..STANDARD
    };
    let mut law = GroupsLaw::common_direction(&[1.0, 1.0, 1.0]).unwrap();
    let mut groups = Vec::new();
    for _ in 0..1_000 {
        groups = law.step(&[STANDARD, weaker, stronger]).unwrap();
    }
    let left = |index: usize| match groups[index].residual {
        Residual::WeightDecayFree => 0.0,
        Residual::Left(left) => left,
    };
    assert_eq!(left(0), 0.0);
    assert!((left(1) + 4e-4).abs() < 1e-6, "{}", left(1));
    assert!((left(2) - 5e-4).abs() < 1e-6, "{}", left(2));
    let scale = groups[1].equivalent.ln_scale;
    let ratio = groups[1].equivalent.weight_decay / left(1);
    assert!((ratio.ln() - 2.0 * scale).abs() < 1e-12);
}

#[test]
fn a_balanced_direction_may_have_negative_exponents() {
    let mut law = GroupsLaw::common_direction(&[1.0, -1.0]).unwrap();
    let groups = law.step(&[STANDARD, STANDARD]).unwrap();
    let (first, second) = (groups[0].equivalent, groups[1].equivalent);
    assert_eq!(second.ln_scale_after, -first.ln_scale_after);
    assert!(second.weight_decay > 2.0 * STANDARD.weight_decay);
}

/// A follower's decay at rest is taken up by its buffer, a group that keeps its own is left as it is.
#[test]
fn at_rest() {
    let at_rest = Hyperparameters {
        learning_rate: 0.0,
        ..STANDARD
    };
    let mut law = GroupsLaw::common_direction(&[1.0, 1.0, 0.0]).unwrap();
    let first = law.step(&[STANDARD; 3]).unwrap();
    let second = law.step(&[at_rest; 3]).unwrap();
    for group in [0, 1] {
        let before = first[group].equivalent.buffer_coefficient_after;
        let expected = STANDARD.weight_decay + STANDARD.momentum * before;
        let found = second[group].equivalent.buffer_coefficient_after;
        assert!((found / expected - 1.0).abs() < 1e-15, "{found} {expected}");
        assert_eq!(second[group].residual, Residual::WeightDecayFree);
    }
    assert_eq!(
        second[2].residual,
        Residual::Left(STANDARD.weight_decay),
        "{:?}",
        second[2]
    );
    assert_eq!(second[2].equivalent.buffer_coefficient_after, 0.0);
}

/// Up to four roundings of the two terms that it is the difference of.
#[test]
fn what_is_left_of_roundings_is_none() {
    let with = |weight_decay| Hyperparameters {
        learning_rate: 0.125,
        weight_decay,
        momentum: 0.0,
    };
    for (roundings, is_left) in [(0.0, false), (6.0, false), (10.0, true)] {
        let mut law = GroupsLaw::common_direction(&[1.0, 1.0]).unwrap();
        let other = 1.0 + roundings * f64::EPSILON;
        let groups = law.step(&[with(1.0), with(other)]).unwrap();
        let found = matches!(groups[1].residual, Residual::Left(_));
        assert_eq!(found, is_left, "{roundings}: {:?}", groups[1]);
    }
}

/// Each quantity of a follower that leaves float64, the others being finite.
#[test]
fn a_follower_that_leaves_float64() {
    let fails = |exponent: f64, steps: usize, leader, follower| {
        let mut law = GroupsLaw::common_direction(&[1.0, exponent]).unwrap();
        for _ in 0..steps {
            law.step(&[leader, leader]).unwrap();
        }
        let error = law.step(&[leader, follower]).unwrap_err();
        let found = matches!(
            error,
            GroupsError::Group {
                group: 1,
                problem: GroupProblem::Overflow { .. }
            }
        );
        assert!(found, "{error}");
    };
    let half = Hyperparameters {
        learning_rate: 1.0,
        weight_decay: 0.5,
        momentum: 0.0,
    };
    // λ̃ = A^{−2·20} · …: 2^{40·26} after 26 steps.
    fails(-20.0, 26, half, half);
    // κ = −(a − 1)/(ηa), with a tiny rate; the residual decay is as large, and A is below 1.
    let slow = Hyperparameters {
        learning_rate: 1e-308,
        ..half
    };
    fails(5.0, 0, half, slow);
    // a = 2^{−2000} is 0, and 2^{2000} infinite.
    fails(2_000.0, 0, half, half);
    fails(-2_000.0, 0, half, half);
}

#[test]
fn groups_that_cannot_be_converted_are_errors() {
    let follows = |leader, exponent| GroupRole::Follows { leader, exponent };
    let error = GroupsLaw::new(&[GroupRole::Leads, follows(1, 1.0)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "parameter group 1: it is to follow group 1, which does not lead; name one of the 2 groups (from 0) whose role \
         is to lead"
    );
    assert!(GroupsLaw::new(&[GroupRole::Leads, follows(9, 1.0)]).is_err());
    let infinite = GroupsLaw::new(&[GroupRole::Leads, follows(0, f64::INFINITY)]).unwrap_err();
    let expected = "parameter group 1: its exponent, over that of its leader, is inf; ";
    assert!(infinite.to_string().starts_with(expected), "{infinite}");
    let nan = GroupsLaw::common_direction(&[0.0, f64::NAN]).unwrap_err();
    assert!(nan.to_string().contains("is NaN; "), "{nan}");

    let mut law = GroupsLaw::common_direction(&[0.0, 1.0, 2.0]).unwrap();
    let start = law.clone();
    let error = law.step(&[STANDARD]).unwrap_err().to_string();
    assert_eq!(
        error,
        "step 0: there are 3 groups and hyperparameters for 1; give one for each group"
    );
    let flipped = Hyperparameters {
        weight_decay: 20.0,
        ..STANDARD
    };
    let error = law
        .step(&[STANDARD, flipped, STANDARD])
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("parameter group 1: step 0 has no weight-decay-free equivalent"),
        "{error}"
    );
    let at_rest = Hyperparameters {
        learning_rate: 0.0,
        ..STANDARD
    };
    let error = law.step(&[STANDARD, STANDARD, at_rest]).unwrap_err();
    assert!(matches!(
        error,
        GroupsError::Group {
            group: 2,
            problem: GroupProblem::CannotFollowAtRest { step: 0, .. }
        }
    ));
    // Everything at rest is no obstacle; what was at rest may decay later.
    assert!(law.step(&[at_rest; 3]).is_ok());
    assert!(law.step(&[STANDARD; 3]).is_ok());
    assert_eq!(law.next_step(), 2);
    let negative = Hyperparameters {
        momentum: 1.0,
        ..STANDARD
    };
    assert!(matches!(
        law.step(&[negative, STANDARD, STANDARD]),
        Err(GroupsError::Group { group: 0, .. })
    ));

    let mut steep = GroupsLaw::common_direction(&[1.0, 1e300]).unwrap();
    assert!(matches!(
        steep.step(&[STANDARD, STANDARD]),
        Err(GroupsError::Group {
            group: 1,
            problem: GroupProblem::Overflow { .. }
        })
    ));
    let mut law = start;
    assert_eq!(law.step(&[STANDARD; 3]).unwrap().len(), 3);
}
