//! Formats and updates that are not of degree 1 in the gradients.

use std::f64::consts::LN_2;

use schedule_core::law::decoupled::{AdamWError, AdamWLaw, DecoupledLaw};
use schedule_core::optimiser::AdamWHyperparameters;
use schedule_core::renormalisation::{
    Bounds, FloatFormat, Magnitudes, Monitored, RangeReport, Renormaliser, Side,
};

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

/// The rate grows as `1/A` and second moments fall as `A²`, while an update is what it was beside the parameters.
#[test]
fn a_run_of_adamw_leaves_float32_by_its_second_moments() {
    let squares = Bounds {
        smallest: 1e-18,
        largest: 1.0,
    };
    let sgdw = Magnitudes::new(ONE, ONE, 1.0, ONE, 1).unwrap();
    let adamw = sgdw.with_moments(squares, 1e-8).unwrap();
    // 1e9 η/‖θ‖ is the most that an update may be.
    let report = |learning_rate: f64, count| {
        let mut law = AdamWLaw::new();
        let with = AdamWHyperparameters {
            learning_rate,
            weight_decay: 0.005 / learning_rate,
            beta1: 0.9,
            beta2: 0.99,
            epsilon: 1e-8,
        };
        let steps = (0..count).map(|_| Ok(law.step(with)?.decoupled));
        let report = RangeReport::of::<_, AdamWError>(steps, FloatFormat::F32, &adamw);
        report.unwrap()
    };
    let found = report(0.1, 40_000);
    let first = |what, side| {
        let mut all = found.departures.iter();
        let departure = all.find(|it| it.what == what && it.side == side);
        departure.map(|it| it.step)
    };
    let (smallest, largest) = (
        FloatFormat::F32.smallest_normal(),
        FloatFormat::F32.largest(),
    );
    let a_step = -0.995f64.ln();
    let squares = (1e-18 / smallest).ln() / 2.0 / a_step;
    let rate = (largest / 0.1).ln() / a_step;
    for (what, side, expected) in [
        (Monitored::SecondMoment, Side::Underflow, squares),
        (Monitored::LearningRate, Side::Overflow, rate),
    ] {
        let step = first(what, side).unwrap();
        assert!((step as f64 - expected).abs() < 2.0, "{what}: {step}");
    }
    assert_eq!(found.updates_lost_from, None);
    // Half a unit in the last place is 2⁻²⁵ of what is just below a power of two.
    let half = 2f64.powi(-25) / 1e9;
    assert_eq!(report(half * 1.1, 5_000).updates_lost_from, None);
    assert_eq!(report(half * 0.9, 5_000).updates_lost_from, Some(0));
}

#[test]
fn growth_and_updates_are_judged_by_the_degree() {
    let magnitudes = Magnitudes::new(ONE, ONE, 1.0, ONE, 1).unwrap();
    let report = |mut law: DecoupledLaw, rate, decay| {
        let steps = (0..100).map(|_| law.step(rate, decay));
        RangeReport::of(steps, FloatFormat::F32, &magnitudes).unwrap()
    };
    // a⁻² is above half of ε and a⁻¹ is not.
    let shrink = 0.75 * f64::from(f32::EPSILON) / 2.0;
    let found = |law| report(law, 1.0, shrink).growth_rounds_to_one_from;
    assert_eq!(found(DecoupledLaw::sgdw()), None);
    assert_eq!(found(DecoupledLaw::lion()), Some(0));
    // The buffer is the update of SGDW; that of Lion has a size of its own.
    let found = |law| report(law, 1e-12, 1e9).updates_lost_from;
    assert_eq!(found(DecoupledLaw::sgdw()), Some(0));
    assert_eq!(found(DecoupledLaw::lion()), None);
}
