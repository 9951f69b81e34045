//! The losses that the equivalence is tested on are what they are said to be.

use proptest::prelude::*;
use schedule_core::strategies::{StochasticLoss, cosine_loss, loss, seeded, two_layer_net};

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn gradients_agree_with_central_differences(loss in loss(), step in 0..100_u64) {
        let at = loss.initial_state().parameters;
        let gradient = loss.gradient(step, &at);
        prop_assert_eq!(gradient.len(), at.len());
        let h = 1e-5;
        for (index, expected) in gradient.iter().enumerate() {
            let moved = |by: f64| {
                let mut parameters = at.clone();
                parameters[index] += by;
                loss.value(step, &parameters)
            };
            let difference = (moved(h) - moved(-h)) / (2.0 * h);
            prop_assert!((difference - expected).abs() < 1e-8, "{index}: {difference} {expected}");
        }
    }

    #[test]
    fn losses_are_stochastic(loss in cosine_loss()) {
        let at = loss.initial_state().parameters;
        let first = loss.value(0, &at);
        prop_assert!((1..200).any(|step| loss.value(step, &at) != first));
    }

    #[test]
    fn the_net_is_not_even(loss in two_layer_net()) {
        let at = loss.initial_state().parameters;
        let opposite: Vec<f64> = at.iter().map(|x| -x).collect();
        let gradients = |parameters: &[f64]| loss.gradient(0, parameters);
        // Of an even loss the gradient is odd.
        let sum: f64 = gradients(&at).iter().zip(gradients(&opposite)).map(|(a, b)| (a + b).abs()).sum();
        prop_assert!(sum > 0.0);
    }
}
