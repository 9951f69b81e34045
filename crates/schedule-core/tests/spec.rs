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

#[test]
fn every_property_notices_a_law_that_is_off_by_one_part_in_a_thousand() {
    let broken = Settings {
        cases: 16,
        tamper: Tamper::OnePerMille,
        ..Settings::default()
    };
    for statement in statements() {
        let outcome = statement.check(&broken);
        assert!(outcome.failure.is_some(), "{}: {outcome:?}", statement.id);
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
