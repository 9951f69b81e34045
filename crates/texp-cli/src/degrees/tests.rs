//! Every row that ships holds, and a wrong one does not; mistakes are sentences with a place.

use claims::{Outcome, Verdict};
use proptest::prelude::*;

use super::judge::judge;
use super::table::{Function, Rules, Table};

const FILE: &str = include_str!("../../../../experiments/degrees.toml");

fn table() -> Table {
    Table::parse(FILE, "degrees.toml").unwrap().0
}

fn outcome(table: &Table, row: usize) -> Outcome {
    let row = &table.rows[row];
    judge(row, &row.network.graph().unwrap()).unwrap()
}

#[test]
fn every_row_holds() {
    let table = table();
    for row in 0..table.rows.len() {
        let outcome = outcome(&table, row);
        println!("{}: {outcome}", outcome.id);
        assert_eq!(outcome.verdict, Verdict::Reproduced, "{outcome:?}");
    }
}

/// The rows that the theory names, whatever else there is.
#[test]
fn the_papers_networks_are_there() {
    let table = table();
    let rows: Vec<(&str, bool, bool)> = (table.rows.iter())
        .map(|row| {
            let shown = matches!(row.rules, Rules::Degrees(_));
            (&row.id[..], shown, row.function == Function::Stays)
        })
        .collect();
    for network in ["plain-cnn", "fully-connected", "resnet", "preresnet"] {
        for choice in ["", "-bias", "-affine", "-affine-bias"] {
            let id = format!("{network}{choice}");
            assert!(rows.iter().any(|row| row.0 == id), "{id}");
        }
    }
    for row in [
        ("resnet-affine", false, false),
        ("resnet-raw-projection", false, false),
        ("preresnet-affine", false, false),
        ("preresnet-affine-longer-stem", true, true),
        ("preresnet-affine-first-projection", true, true),
        ("preresnet-raw-projection", false, false),
        ("preresnet-raw-projection-affine", false, false),
        ("group-bias", true, true),
        ("group-affine-bias", false, false),
        ("layer-affine-bias", false, false),
        // What the rules do not show.
        ("instance-affine-bias", false, true),
    ] {
        assert!(rows.contains(&row), "{row:?}");
    }
    assert!(
        rows.iter().all(|row| row.2 || !row.1),
        "the rules are sound"
    );
}

#[test]
fn a_wrong_claim_is_not_reproduced() {
    let mut table = table();
    let place = |table: &Table, id: &str| table.rows.iter().position(|row| row.id == id).unwrap();
    let of_rules = "; but the rules do not say what is claimed of them";
    let of_function = "; but the function does not do what is claimed of it";
    let mut wrong = |id: &str, rules: Option<Rules>, function: Option<Function>, said: &str| {
        let row = place(&table, id);
        let (right_rules, right_function) =
            (table.rows[row].rules.clone(), table.rows[row].function);
        table.rows[row].rules = rules.unwrap_or_else(|| right_rules.clone());
        table.rows[row].function = function.unwrap_or(right_function);
        let outcome = outcome(&table, row);
        (table.rows[row].rules, table.rows[row].function) = (right_rules, right_function);
        assert_eq!(outcome.verdict, Verdict::NotReproduced, "{outcome:?}");
        assert!(outcome.evidence.ends_with(said), "{outcome:?}");
    };
    let fail_at = |layer: &str| Some(Rules::FailAt(layer.to_owned()));
    let degrees = |degrees: &[i32]| Some(Rules::Degrees(degrees.to_vec()));
    wrong("fully-connected", degrees(&[1, 1, 2]), None, of_rules);
    wrong("fully-connected", fail_at("head"), None, of_rules);
    wrong(
        "preresnet-affine",
        fail_at("stage2.block0.add"),
        None,
        of_rules,
    );
    wrong(
        "preresnet-affine",
        degrees(&[1, 2, 2, 2, 2, 2, 2]),
        None,
        of_rules,
    );
    wrong("plain-cnn", None, Some(Function::Changes), of_function);
    wrong(
        "instance-affine-bias",
        None,
        Some(Function::Changes),
        of_function,
    );
    wrong(
        "group-affine-bias",
        None,
        Some(Function::Stays),
        of_function,
    );
    let both = format!("{of_rules}{of_function}");
    wrong(
        "resnet-affine",
        degrees(&[1; 7]),
        Some(Function::Stays),
        &both,
    );
}

#[test]
fn what_was_found_is_said() {
    let table = table();
    let of = |id: &str| {
        let row = table.rows.iter().position(|row| row.id == id).unwrap();
        outcome(&table, row).evidence
    };
    let shown = of("fully-connected-affine");
    assert!(
        shown.starts_with(
            "By the paper's rules scale-invariant: normalisations read degrees 1, 2, 2, the result has degree 0. In truth \
             scale-invariant: with all trained weights times 1.5 the output changes by "
        ),
        "{shown}"
    );
    let cancelled = of("instance-affine-bias");
    assert!(
        cancelled.starts_with(
            "By the paper's rules not shown to be scale-invariant: `stage1.block0.conv1` adds `stage1.block0.conv1.bias`, of \
             degree 1, to values of degree 2; they must be equal. In truth scale-invariant: "
        ),
        "{cancelled}"
    );
}

#[test]
fn mistakes_are_sentences_with_their_place() {
    const TEXT: &str = r#"title = "Mine"
paper = "Nothing"

[[row]]
id = "a"
says = "it is"
source = "me"
network = { architecture = "fully-connected", depth = 3 }
rules = { degrees = [1, 1] }
function = "stays"

[[row]]
id = "b"
says = "it is not"
source = "me"
network = { architecture = "fully-connected", depth = 3, head = "trained" }
rules = { fail-at = "head" }
function = "changes"
"#;
    assert!(Table::parse(TEXT, "d.toml").is_ok());
    let remedy = "; correct it, `experiments/degrees.toml` in the repository shows every key";
    for (old, new, expected) in [
        ("[[row]]", "[row", "line 4, column 5: unclosed table, expected `]`".to_owned() + remedy),
        (
            "says",
            "say",
            "line 6, column 1: unknown key `say`, expected one of `id`, `says`, `source`, `network`, `rules`, `function`".to_owned() + remedy,
        ),
        ("function = \"stays\"\n", "", "line 4, column 1: missing key `function`".to_owned() + remedy),
        (
            "\"stays\"",
            "true",
            "line 10, column 12: wanted string or table".to_owned() + remedy,
        ),
        (
            "fail-at",
            "fails",
            "line 17, column 11: unknown value `fails`, expected `degrees` or `fail-at`".to_owned() + remedy,
        ),
        (
            "depth = 3 }",
            "depth = 3, widht = 2 }",
            "line 8, column 58: unknown key `widht`, expected one of `architecture`, `depth`, `width`, `normaliser`, \
             `affine`, `bias`, `shortcut`, `stem`, `head`, `epsilon`".to_owned() + remedy,
        ),
        ("\"b\"", "\"a\"", "line 13, column 6: two rows are called `a`; rename one".to_owned()),
        (
            "depth = 3 }",
            "depth = 1 }",
            "line 8, column 11: the depth of the network is 1; it must be between 2 and 1000, the last layer included".to_owned(),
        ),
        (
            "[1, 1]",
            "[1]",
            "line 9, column 9: 1 degrees are given for the inputs of 2 normalisations; give one for each".to_owned(),
        ),
        (
            "\"head\" }",
            "\"tail\" }",
            "line 17, column 9: the network has no layer `tail`; its layers are `input`, `layer1.linear`, `layer1.norm`, \
             `layer1.norm.relu`, `layer2.linear`, `layer2.norm`, `layer2.norm.relu`, `pool`, `head`".to_owned(),
        ),
    ] {
        assert!(TEXT.contains(old), "{old}");
        let error = Table::parse(&TEXT.replacen(old, new, 1), "d.toml").unwrap_err();
        assert_eq!(error.to_string(), format!("d.toml, {expected}"));
    }
    let none = Table::parse("title = \"\"\npaper = \"\"\nrow = []\n", "d.toml").unwrap_err();
    assert_eq!(
        none.to_string(),
        "d.toml, line 3, column 7: there is no network to look at; add a [[row]] table"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_makes_it_panic(at in 0..FILE.len(), length in 0..20usize, new in "[a-z0-9.=\\[\\]{}\"\n-]{0,6}") {
        let characters: Vec<char> = FILE.chars().collect();
        let at = at.min(characters.len());
        let end = (at + length).min(characters.len());
        let text: String = characters[..at].iter().collect::<String>() + &new + &characters[end..].iter().collect::<String>();
        let _ = Table::parse(&text, "degrees.toml");
    }
}
