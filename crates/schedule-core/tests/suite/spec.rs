//! Every statement of the theory holds, and its property notices when it does not.

use schedule_core::spec::{Settings, Tamper, statements};

/// What [`Tamper::Mistake`] does to the law, and in which statements.
#[rustfmt::skip]
const MISTAKES: &[(&str, &[&str])] = &[
    ("A_t² for A_tA_{t+1}", &["exact/free", "exact/stepwise", "exact/initial-buffer", "inverse/stepwise"]),
    ("without γ_tκ_{t−1}", &["field/exact"]),
    ("κ left as it is where the rate is 0", &["exact/zero-rate"]),
    ("without η_t/η_{t−1}", &["field/exact-ratios", "field/inverse", "form/trajectory", "form/laws-agree", "field/form"]),
    ("without the correction of the momentum at drops, in the law or in one of the runs", &["texp/boundary-momentum", "texp/no-drop", "field/texp-momentum", "field/texp-no-drop"]),
    ("without the buffer shift", &["texp/buffer-shift", "field/texp-shift", "shift/complex-roots"]),
    ("without A_t² in the buffer shift", &["field/shift"]),
    ("α_I for α_{I−1} at drops", &["texp/rule", "texp/no-drop-schedule"]),
    ("from an equal buffer", &["exponential/constant", "exponential/stepwise"]),
    ("without γ_I(κ*_I − κ*_{I−1})", &["texp/equal-buffer", "field/texp-equal-buffer"]),
    ("b for b − κ*_{I−1}θ", &["texp/one-sided", "field/texp-one-sided"]),
    ("without ηκ in the initial angle", &["constant/complex-end"]),
    ("β for β/α", &["field/transient"]),
    ("without a_{t−1} in the coefficients of memories", &["decoupled/sgdw-free", "decoupled/sgdw", "decoupled/lion", "decoupled/muon", "decoupled/any-degree", "field/decoupled"]),
    ("the weights and bias corrections of β̃", &["adamw/adam"]),
    ("ε as it was", &["adamw/stock-adam", "rescaling/commutes-adamw", "rescaling/normalised-net"]),
    ("without w in the rate", &["nesterov/dampened-free", "nesterov/dampened", "nesterov/separate-free", "nesterov/separate", "field/nesterov", "field/nesterov-separate"]),
    ("closed: without κ_0η_0/v_0", &["nesterov/not-closed"]),
    ("A_{t+1} for A_t", &["companions/clip-norm", "companions/clip-value"]),
    ("without the scales of the groups", &["companions/clip-groups"]),
    ("without a_t in the average", &["companions/exponential-average", "companions/equal-average", "field/averages"]),
    ("μ for μα", &["companions/plain-average"]),
    ("x for 2x in the variance", &["companions/running-statistics", "companions/plain-statistics", "inside/running-statistics", "inverse/running-statistics", "field/running-statistics"]),
    ("without the decay that is kept", &["groups/blocks-free", "groups/blocks", "groups/residual", "field/groups-blocks", "field/groups-residual"]),
    ("without A_t² in the decay that is kept", &["keeping/free", "keeping/stepwise", "field/keeping"]),
    ("A_t², or A_{t+1}, for A_{t+1}²", &["keeping/homomorphism", "field/homomorphism"]),
    ("γ' for γ̃'", &["inside/free", "inside/stepwise", "field/inside"]),
    ("without (1 − τ_{t−1})/(1 − τ_t) in the momentum", &["dampening/trajectory", "field/dampening"]),
    ("λ as it was", &["rescaling/commutes", "rescaling/power-of-two", "rescaling/power-of-two-single", "field/rescaling-commutes", "rescaling/intrinsic-rate"]),
    ("C as it was", &["rescaling/commutes-clipping"]),
    ("exp(ln η̃ − 2K ln 2)", &["renormalisation/rate"]),
];

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

/// A law that is off by one part in a thousand is seen by any comparison; these are wrong only where their
/// term counts.
#[test]
fn properties_notice_the_mistakes_that_are_easily_made() {
    let mistaken = Settings {
        cases: 64,
        tamper: Tamper::Mistake,
        ..Settings::default()
    };
    let mut noticed: Vec<_> = statements()
        .filter(|statement| statement.check(&mistaken).failure.is_some())
        .map(|statement| statement.id)
        .collect();
    let mut expected: Vec<_> = MISTAKES
        .iter()
        .flat_map(|(_, statements)| statements.iter().copied())
        .collect();
    noticed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(noticed, expected);
}

#[test]
fn statements_have_names_of_their_own() {
    let mut ids: Vec<_> = statements().map(|statement| statement.id).collect();
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count);
}
