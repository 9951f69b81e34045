//! Every statement of the theory holds, and its property notices when it does not.

use schedule_core::spec::{Settings, Tamper, statements};

#[test]
fn every_statement_holds() {
    for statement in statements() {
        let outcome = statement.check(&Settings::default());
        assert_eq!(outcome.failure, None, "{}", statement.id);
        assert_eq!(outcome.cases, Settings::default().cases, "{}", statement.id);
    }
}

/// Long after a rounding would have shown, in numbers that do not round.
#[test]
fn identities_of_rational_numbers_hold_for_ten_thousand_steps() {
    let long = Settings {
        cases: 3,
        field_steps: 10_000,
        ..Settings::default()
    };
    for statement in statements().filter(|statement| statement.id.starts_with("field/")) {
        let outcome = statement.check(&long);
        assert_eq!(outcome.failure, None, "{}", statement.id);
        assert_eq!(outcome.largest_deviation, 0.0, "{}", statement.id);
    }
}

#[test]
fn every_property_notices_a_law_that_is_off_by_one_part_in_a_thousand_or_undefined() {
    for tamper in [Tamper::OnePerMille, Tamper::Undefined] {
        let broken = Settings {
            cases: 16,
            tamper,
            ..Settings::default()
        };
        let unnoticed: Vec<_> = statements()
            .filter(|statement| statement.check(&broken).failure.is_none())
            .map(|statement| statement.id)
            .collect();
        assert!(unnoticed.is_empty(), "{tamper:?}: {unnoticed:?}");
    }
}

#[test]
fn statements_have_names_of_their_own() {
    let mut ids: Vec<_> = statements().map(|statement| statement.id).collect();
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count);
}
