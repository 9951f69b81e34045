//! Parameter groups: read, converted, written and run.

mod common;

use common::{PAPER, parse, table};
use recipe_convert::{Conversion, TableFormat, Target};

const GROUPS: &str = "steps_per_epoch = 2\nepochs = 1\n\
    optimizer = { kind = \"sgd\", momentum = 0.0, weight_decay = 0.25 }\n\
    schedule = { kind = \"constant\", lr = 0.5 }\n\
    [[group]]\nname = \"head\"\nexponent = 0\nweight_decay = 0.125\nlr_scale = 0.5\n\
    [[group]]\nname = \"first\"\n\
    [[group]]\nname = \"second\"\nexponent = 2\n";

/// By hand: a = 0.875 of the leader, 0.875² of its follower, which keeps (a² − 1 + ηλ)/η at A = 1.
#[test]
fn rows_of_groups() {
    let csv = table(GROUPS, Target::WdFree, TableFormat::Csv, 1);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "step,lr,weight_decay,momentum,ln_lr_exp,lr_exp,momentum_exp,ln_scale,weight_decay_exp,group"
    );
    let (a, a2) = (0.875f64, 0.875f64.powi(2));
    let left = (a2 - 1.0 + 0.125) / 0.5;
    for (line, name, expected) in [
        (1, "head", [0.0, 0.25, 0.125, 0.25, 0.0, 0.125]),
        (2, "first", [0.0, 0.5, 0.25, 0.5 / a, 0.0, 0.0]),
        (3, "second", [0.0, 0.5, 0.25, 0.5 / a2, 0.0, left]),
        (4, "head", [1.0, 0.25, 0.125, 0.25, 0.0, 0.125]),
        (5, "first", [1.0, 0.5, 0.25, 0.5 / a.powi(3), a.ln(), 0.0]),
        (
            6,
            "second",
            [1.0, 0.5, 0.25, 0.5 / a2.powi(3), a2.ln(), left * a2 * a2],
        ),
    ] {
        let fields: Vec<&str> = lines[line].split(',').collect();
        assert_eq!((fields.len(), fields[9]), (10, name));
        for (at, expected) in [0, 1, 2, 5, 7, 8].into_iter().zip(expected) {
            let found: f64 = fields[at].parse().unwrap();
            assert!(
                (found - expected).abs() < 1e-15,
                "{}: {found}, not {expected}",
                lines[line]
            );
        }
    }
    assert_eq!(lines.len(), 7);
    assert_eq!(
        table(GROUPS, Target::WdFree, TableFormat::Csv, 2)
            .lines()
            .count(),
        4
    );
    let json: serde_json::Value =
        serde_json::from_str(&table(GROUPS, Target::WdFree, TableFormat::Json, 1)).unwrap();
    let toml: toml::Table = table(GROUPS, Target::WdFree, TableFormat::Toml, 1)
        .parse()
        .unwrap();
    assert_eq!(json[2]["group"], "second");
    assert_eq!(toml["row"][5]["group"].as_str(), Some("second"));
}

#[test]
fn the_example() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../recipes/groups.toml");
    let file = parse(&std::fs::read_to_string(folder).unwrap()).unwrap();
    let twin = Conversion::new(&file, Target::WdFree).unwrap();
    let [first, second, head] = &twin.summary().groups[..] else {
        panic!("{:?}", twin.summary().groups);
    };
    assert!((second.ln_scale_last - 2.0 * first.ln_scale_last).abs() < 1e-12);
    assert_eq!(
        (first.least_weight_decay, first.largest_weight_decay),
        (0.0, 0.0)
    );
    assert!(second.least_weight_decay < 0.0);
    assert_eq!((head.least_weight_decay, head.ln_scale_last), (1e-4, 0.0));
    assert!((head.ln_lr_exp_first - 0.01f64.ln()).abs() < 1e-15);
    assert_eq!(twin.summary().renormalisation, []);
    let words = twin.summary().to_string();
    assert!(
        words.contains("  group head: learning rate 0.01000 (ln -4.605170)"),
        "{words}"
    );
    assert!(
        words.contains("times those of the recipe, keeps weight decay 0.0001\n"),
        "{words}"
    );
}

#[test]
fn groups_that_are_none() {
    let refusal = |groups: &str| parse(&format!("{PAPER}{groups}")).unwrap_err().to_string();
    for (groups, expected) in [
        ("group = 1\n", "there is no key `schedule.group`"),
        (
            "[[group]]\nexponent = 1\n",
            "the key `group.0.name` is missing; it must be a name of letters",
        ),
        (
            "[[group]]\nname = \"a,b\"\n",
            "`group.0.name` is \"a,b\"; it must be a name of letters",
        ),
        (
            "[[group]]\nname = \"a\"\n[[group]]\nname = \"a\"\n",
            "`group.1.name` is \"a\"; it must be a name that no",
        ),
        (
            "[[group]]\nname = \"a\"\nlr_scale = 0\n",
            "`group.0.lr_scale` is 0; it must be a number above 0",
        ),
        (
            "[[group]]\nname = \"a\"\nmomentum = 0\n",
            "there is no key `group.0.momentum`",
        ),
        (
            "[[group]]\nname = \"a\"\nweight_decay = -1\n",
            "the weight decay is -1.0 at step 0",
        ),
    ] {
        let message = refusal(groups);
        assert!(message.contains(expected), "{message}");
    }
    let file = parse(GROUPS).unwrap();
    let message = Conversion::new(&file, Target::Tapered)
        .unwrap_err()
        .to_string();
    let expected = "r.toml, line 5, column 1: for parameter groups there is no TEXP, ";
    assert!(message.starts_with(expected), "{message}");
}

/// In the file they have names and places, not numbers.
#[test]
fn groups_without_a_conversion() {
    let refusal = |text: &str| {
        let file = parse(text).unwrap();
        let refused = Conversion::new(&file, Target::WdFree);
        refused.unwrap_err().to_string()
    };
    for (text, expected) in [
        (
            GROUPS.replace("weight_decay = 0.25", "weight_decay = 2.5"),
            // It has no decay of its own.
            "r.toml, line 10, column 1: parameter group \"first\": step 0 has no weight-decay-free equivalent",
        ),
        (
            GROUPS.replace("\"first\"\n", "\"first\"\nweight_decay = 2.5\n"),
            "r.toml, line 12, column 16: parameter group \"first\": step 0 has no weight-decay-free equivalent",
        ),
        (
            GROUPS.replace("exponent = 2", "exponent = 2e300"),
            "r.toml, line 14, column 12: parameter group \"second\": at step 0, following its leader takes it out",
        ),
        (
            GROUPS
                .replace("\"first\"\n", "\"first\"\nexponent = 1e-300\n")
                .replace("exponent = 2", "exponent = 2e300"),
            "r.toml, line 15, column 12: parameter group \"second\": its exponent, over that of its leader, is inf; ",
        ),
        (
            GROUPS.replace("exponent = 2", "exponent = 2\nlr_scale = 5e-324"),
            "r.toml, line 15, column 12: parameter group \"second\": at step 0 it has learning rate 0 and cannot follow",
        ),
    ] {
        let message = refusal(&text);
        assert!(message.starts_with(expected), "{message}\n{text}");
    }
}
