//! Formats and updates that are not of degree 1 in the gradients.

use std::f64::consts::LN_2;

use schedule_core::law::decoupled::DecoupledLaw;
use schedule_core::renormalisation::{Bounds, FloatFormat, Magnitudes, Renormaliser};

const ONE: Bounds = Bounds::just(1.0);

/// The degree is the law's, a fraction if it is one, and no matter of what else the run has.
#[test]
fn rates_are_rescaled_by_the_degree_of_their_law() {
    let magnitudes = Magnitudes::new(ONE, ONE, 1.0, ONE, 1).unwrap();
    for degree in [0.0, 0.5, 1.0, 2.0] {
        let mut renormaliser = Renormaliser::new(FloatFormat::F32, magnitudes);
        let mut law = DecoupledLaw::homogeneous(degree).unwrap();
        for _ in 0..20_000 {
            let step = law.step(0.1, 0.05).unwrap();
            renormaliser.before(&step).unwrap();
            let held = step.ln_scale + renormaliser.total() as f64 * LN_2;
            // η̃ = η/(A^k A_{t+1}), and a = 0.995.
            let expected = 0.1 / 0.995 * (-(1.0 + degree) * held).exp();
            let rate = renormaliser.learning_rate(&step);
            assert!((rate / expected - 1.0).abs() < 1e-9, "{degree}: {rate}");
        }
        assert!(renormaliser.total() > 100);
    }
}
