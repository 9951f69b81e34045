//! What is written is read back the same, and nothing is read that could not be built.

use proptest::prelude::*;
use schedule_core::strategies::{convertible_recipe, schedule, seeded};
use schedule_core::{EquivalentStep, ExactLaw, Hyperparameters, Recipe, Schedule};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn round_trip<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[track_caller]
fn assert_refused<T: DeserializeOwned + std::fmt::Debug>(value: Value, says: &str) {
    let message = serde_json::from_value::<T>(value).unwrap_err().to_string();
    assert!(message.contains(says), "{message:?} does not say {says:?}");
    assert!(!message.contains('\n'), "{message:?}");
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn schedules(schedule in schedule(-1.0..1.0, 1_000)) {
        prop_assert_eq!(round_trip(&schedule), schedule);
    }

    #[test]
    fn recipes_and_their_steps(recipe in convertible_recipe(100), rests: bool) {
        prop_assert_eq!(&round_trip(&recipe), &recipe);
        let mut law = ExactLaw::new();
        for step in 0..200 {
            let mut with = recipe.at(step);
            if rests && step % 3 == 0 {
                with.learning_rate = 0.0;
            }
            prop_assert_eq!(round_trip(&with), with);
            let step = law.step(with)?;
            prop_assert_eq!(round_trip(&step), step);
        }
    }

    /// Any numbers at all: refused, or valid.
    #[test]
    fn no_invalid_value_is_read(numbers in proptest::array::uniform3(any::<f64>()), at: u64) {
        let [learning_rate, weight_decay, momentum] = numbers;
        let values = json!({
            "learning_rate": learning_rate,
            "weight_decay": weight_decay,
            "momentum": momentum.fract(),
        });
        if let Ok(with) = serde_json::from_value::<Hyperparameters>(values.clone()) {
            prop_assert!(with.validate(0).is_ok());
        }
        let constant = |name: &str| json!({ "constant": { "value": values[name] } });
        let recipe = json!({
            "learning_rate": constant("learning_rate"),
            "weight_decay": constant("weight_decay"),
            "momentum": constant("momentum"),
        });
        if let Ok(recipe) = serde_json::from_value::<Recipe>(recipe) {
            prop_assert!(recipe.at(at).validate(at).is_ok());
        }
    }
}

#[test]
fn the_form_of_a_recipe() {
    let parts = vec![
        (Schedule::linear(0.0, 0.1, 5).unwrap(), 0),
        (Schedule::step_decay(0.1, 0.5, &[80]).unwrap(), 5),
    ];
    let recipe = Recipe::new(
        Schedule::joined(parts).unwrap(),
        Schedule::constant(5e-4).unwrap(),
        Schedule::piecewise(&[0.9, 0.8], &[40]).unwrap(),
    );
    let recipe = recipe.unwrap();
    let expected = json!({
        "learning_rate": { "joined": [
            { "start": 0, "schedule": { "linear": { "from": 0.0, "to": 0.1, "steps": 5 } } },
            { "start": 5, "schedule": {
                "step_decay": { "initial": 0.1, "factor": 0.5, "milestones": [80] }
            } },
        ] },
        "weight_decay": { "constant": { "value": 5e-4 } },
        "momentum": { "piecewise": { "values": [0.9, 0.8], "boundaries": [40] } },
    });
    assert_eq!(serde_json::to_value(&recipe).unwrap(), expected);
    assert_eq!(round_trip(&recipe), recipe);
}

#[test]
fn a_step_that_does_not_move_has_no_logarithm_of_its_rate() {
    let with = Hyperparameters {
        learning_rate: 0.0,
        weight_decay: 5e-4,
        momentum: 0.9,
    };
    let step = ExactLaw::new().step(with).unwrap();
    let written = serde_json::to_value(step).unwrap();
    assert_eq!(written["ln_learning_rate"], Value::Null);
    assert_eq!(round_trip(&step), step);
}

#[test]
fn what_is_refused() {
    assert_refused::<Schedule>(
        json!({ "cosine": { "initial": 1.0, "final": 0.0, "steps": 0 } }),
        "a cosine schedule over 0 steps has no shape",
    );
    assert_refused::<Schedule>(
        json!({ "piecewise": { "values": [1.0], "boundaries": [1] } }),
        "1 values and 1 boundaries",
    );
    assert_refused::<Schedule>(json!({ "sawtooth": {} }), "unknown variant `sawtooth`");
    assert_refused::<Schedule>(
        json!({ "constant": { "value": 1.0, "steps": 2 } }),
        "unknown field `steps`",
    );
    let nested = json!({ "joined": [{ "start": 0, "schedule": { "joined": [] } }] });
    assert_refused::<Schedule>(nested, "is joined itself");
    assert_refused::<Schedule>(json!({ "joined": [] }), "has no parts");
    let constant = |value: f64| json!({ "constant": { "value": value } });
    assert_refused::<Recipe>(
        json!({
            "learning_rate": constant(0.1),
            "weight_decay": constant(-5e-4),
            "momentum": constant(0.9),
        }),
        "the weight decay is -0.0005 at step 0",
    );
    assert_refused::<Hyperparameters>(
        json!({ "learning_rate": 0.1, "weight_decay": 5e-4, "momentum": 1.0 }),
        "the momentum is 1.0 at step 0",
    );
}

#[test]
fn steps_that_no_law_gives() {
    let with = Hyperparameters {
        learning_rate: 0.1,
        weight_decay: 5e-4,
        momentum: 0.9,
    };
    let step = ExactLaw::new().step(with).unwrap();
    for (field, value, says) in [
        (
            "shrink",
            json!(-1.0),
            "the shrink of step 0 is -1.0; it must be positive",
        ),
        ("shrink", json!(0.5), "it must be that of the shrink"),
        ("ln_shrink", json!(0.5), "it must be that of the shrink"),
        ("ln_scale", json!(1.0), "plus that of the shrink"),
        ("momentum", json!(1.5), "the momentum of step 0 is 1.5"),
        ("buffer_coefficient", Value::Null, "invalid type: null"),
        ("step", json!(-1), "invalid value: integer `-1`"),
    ] {
        let mut written = serde_json::to_value(step).unwrap();
        written[field] = value;
        assert_refused::<EquivalentStep>(written, says);
    }
}
