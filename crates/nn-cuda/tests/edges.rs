//! Inputs at the edge of what float32 holds: a definite result, or a refusal in a sentence.

mod common;

use engine_laws::edges;

#[test]
fn a_constant_channel_is_normalised_to_zero_for_any_epsilon() {
    if let Some(cuda) = common::subject() {
        edges::a_constant_channel_becomes_zero(&cuda, 0..=255);
    }
    for cuda in common::subjects() {
        edges::a_constant_channel_between_convolutions_becomes_zero(&cuda);
    }
}

#[test]
fn a_constant_group_is_normalised_to_zero_for_any_epsilon() {
    if let Some(cuda) = common::subject() {
        edges::a_constant_group_becomes_zero(&cuda, 0..=255);
    }
}

#[test]
fn adam_leaves_a_weight_without_gradient() {
    if let Some(cuda) = common::subject() {
        edges::adam_leaves_a_weight_without_gradient(&cuda);
    }
}

#[test]
fn logits_with_a_nan_have_no_right_answer() {
    for cuda in common::subjects() {
        edges::a_logit_that_is_no_number_has_no_right_answer(&cuda);
    }
}

#[test]
fn hyperparameters_that_float32_cannot_hold_are_refused_before_anything_changes() {
    if let Some(cuda) = common::subject() {
        edges::hyperparameters_beyond_float32_are_refused_before_anything_changes(&cuda);
    }
}

#[test]
fn a_run_after_a_diverged_one_finds_nothing_of_it() {
    for cuda in common::subjects() {
        edges::a_run_after_a_diverged_one_finds_nothing_of_it(&cuda);
    }
}
