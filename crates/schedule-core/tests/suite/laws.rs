//! What all streaming laws have in common: where they stand, and what their steps say.

use schedule_core::law::decoupled::{AdamWLaw, DecoupledLaw};
use schedule_core::law::form::{FormChange, InsideLaw, MomentumForm, WithoutDampening};
use schedule_core::law::groups::GroupsLaw;
use schedule_core::law::inverse::{InverseLaw, WithoutDecay};
use schedule_core::law::nesterov::{NesterovError, NesterovForm, NesterovLaw};
use schedule_core::optimiser::{AdamWHyperparameters, NesterovHyperparameters};
use schedule_core::{ExactLaw, Hyperparameters};

const SGD: Hyperparameters = Hyperparameters {
    learning_rate: 0.1,
    weight_decay: 5e-3,
    momentum: 0.9,
};

const FREE: WithoutDecay = WithoutDecay {
    ln_learning_rate: -2.0,
    momentum: 0.9,
};

const ADAMW: AdamWHyperparameters = AdamWHyperparameters {
    learning_rate: 0.1,
    weight_decay: 5e-3,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
};

const FORM: NesterovForm = NesterovForm::SeparateLookahead;

/// A law after two steps, and the second.
macro_rules! two_steps {
    ($law:expr, $($given:expr),+) => {{
        let mut law = $law;
        assert_eq!(law.next_step(), 0);
        law.step($($given),+).unwrap();
        let second = law.step($($given),+).unwrap();
        assert_eq!(law.next_step(), 2);
        (law, second)
    }};
}

#[test]
fn a_law_stands_where_its_last_step_ends() {
    let (law, last) = two_steps!(ExactLaw::new(), SGD);
    assert!(law.ln_scale() < 0.0 && law.buffer_coefficient() > 0.0);
    assert_eq!(law.ln_scale(), last.ln_scale_after);
    assert_eq!(law.buffer_coefficient(), last.buffer_coefficient_after);

    let (law, last) = two_steps!(InverseLaw::new(), FREE, -1e-3);
    assert!(law.ln_scale() < 0.0 && law.buffer_coefficient() > 0.0);
    assert_eq!(law.ln_scale(), last.ln_scale_after);
    assert_eq!(law.buffer_coefficient(), last.buffer_coefficient_after);

    let (law, last) = two_steps!(InsideLaw::new(), SGD);
    assert!(law.ln_scale() < 0.0 && law.buffer_coefficient() > 0.0);
    assert_eq!(law.ln_scale(), last.ln_scale_after);
    assert_eq!(law.buffer_coefficient(), last.buffer_coefficient_after);

    let with = NesterovHyperparameters::pytorch(SGD);
    let (law, last) = two_steps!(NesterovLaw::new(FORM), with);
    assert!(law.ln_scale() < 0.0 && law.buffer_coefficient() > 0.0);
    assert_eq!(law.ln_scale(), last.ln_scale_after);
    assert_eq!(law.buffer_coefficient(), last.buffer_coefficient_after);

    let (law, last) = two_steps!(DecoupledLaw::lion(), 0.1, 5e-3);
    assert_eq!(law.ln_scale(), last.ln_scale_after);
    let (law, last) = two_steps!(AdamWLaw::new(), ADAMW);
    assert_eq!(law.ln_scale(), last.decoupled.ln_scale_after);

    two_steps!(GroupsLaw::common_direction(&[1.0]).unwrap(), &[SGD]);
    two_steps!(FormChange::to(MomentumForm::LrInside), SGD);
    two_steps!(WithoutDampening::new(), SGD, 0.5);
}

/// Each law goes on from what its buffer holds as from its own, once the scale is 1 again.
#[test]
fn a_law_starts_from_the_buffer_coefficient_of_another() {
    let (mut law, last) = two_steps!(ExactLaw::new(), SGD);
    let held = last.buffer_coefficient_after;
    let again = ExactLaw::from_buffer_coefficient(held).unwrap().step(SGD);
    assert_eq!(law.step(SGD).unwrap().shrink, again.unwrap().shrink);

    let (mut law, last) = two_steps!(InsideLaw::new(), SGD);
    let held = last.buffer_coefficient_after;
    let again = InsideLaw::from_buffer_coefficient(held).unwrap().step(SGD);
    assert_eq!(law.step(SGD).unwrap().shrink, again.unwrap().shrink);

    let with = NesterovHyperparameters::pytorch(SGD);
    let (mut law, last) = two_steps!(NesterovLaw::new(FORM), with);
    let held = last.buffer_coefficient_after;
    let again = NesterovLaw::from_buffer_coefficient(FORM, held);
    assert_eq!(
        law.step(with).unwrap().shrink,
        again.unwrap().step(with).unwrap().shrink
    );
}

#[test]
fn a_nesterov_buffer_holds_none_or_some_of_the_parameters() {
    for value in [-1e-9, f64::NAN, f64::INFINITY] {
        let error = NesterovLaw::from_buffer_coefficient(FORM, value).unwrap_err();
        assert!(matches!(
            error,
            NesterovError::BufferCoefficientOutOfRange { .. }
        ));
        assert!(error.to_string().contains("0 for a buffer left as it is"));
    }
}
