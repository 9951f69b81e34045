//! What the file of an experiment may say, and what is said of one that may not.

use proptest::prelude::*;
use toy::experiment::{Experiment, Start};

const FILE: &str = include_str!("../../../experiments/toy.toml");

fn message(change: (&str, &str)) -> String {
    assert!(FILE.contains(change.0), "{change:?}");
    let text = FILE.replacen(change.0, change.1, 1);
    let error = Experiment::parse(&text, "toy.toml", None).expect_err(change.1);
    let message = error.to_string();
    // Without the position, which changes with the file's comments.
    let rest = message.strip_prefix("toy.toml, line ").expect("a position");
    rest.split_once(": ").expect("a sentence").1.to_owned()
}

#[test]
fn every_preset_of_the_file_is_an_experiment() {
    let full = Experiment::parse(FILE, "toy.toml", None).expect("an experiment");
    for preset in ["smoke", "small", "paper"] {
        let changed = Experiment::parse(FILE, "toy.toml", Some(preset)).expect(preset);
        assert_eq!(changed.name, full.name);
        // What a folder keeps is read as it was.
        let text = changed.to_toml().expect("TOML");
        let again = Experiment::parse(&text, "experiment.toml", None).expect("an experiment");
        assert_eq!(again, changed);
    }
    let on_axis = |start| matches!(start, Start::OnAxis(times) if times > 1.0);
    assert!(
        full.nonconvergences
            .iter()
            .any(|waiting| on_axis(waiting.start))
    );
}

#[test]
fn mistakes_are_sentences() {
    for (change, expected) in [
        (
            ("dimension = 10", "dimension = 2"),
            "`dimension` is 2; it must be between 3 and 1000000",
        ),
        (
            ("threshold = 0.5", "threshold = 1"),
            "`threshold` is 1; it must be above 0 and below 1",
        ),
        (
            ("seeds = ", "seeds = 0 # "),
            "`seeds` is 0; it must be at least 1",
        ),
        (
            ("batch_size = 16", "batch_size = 2"),
            "`sweep.0.batch_size` is 2; it must be between 3, since batch normalisation makes of two samples always the \
             same, and 13421772, for the dimension",
        ),
        (
            ("logit = \"batch-norm\"", "logit = \"linear\""),
            "`sweep.0.logit` is \"linear\"; it must be \"batch-norm\" or \"unit-norm\", because the equilibrium is one of \
             normalised logits",
        ),
        (
            ("name = \"both-batch-4096\"", "name = \"both-batch-16\""),
            "`sweep.1.name` is \"both-batch-16\"; it must be a name without `/` that no other table has",
        ),
        (
            ("dimension", "dimensions"),
            "unknown key `dimensions`, expected one of",
        ),
        (
            ("start = \"equilibrium\"", "start = \"somewhere\""),
            "unknown value `somewhere`, expected `equilibrium` or `on-axis`",
        ),
    ] {
        let message = message(change);
        assert!(message.starts_with(expected), "{message}");
    }
    let error = Experiment::parse(FILE, "toy.toml", Some("huge")).expect_err("no such preset");
    assert!(
        error
            .to_string()
            .ends_with("there is no preset `huge`; choose `paper` or `small` or `smoke` or `tiny`"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z_.=0-9\\[\\]{}\", \n-]{0,200}") {
        let _ = Experiment::parse(&text, "toy.toml", None);
    }

    #[test]
    fn no_change_makes_it_panic(at in 0..FILE.len(), length in 0..20usize, new in "[a-z0-9.=\\[\\]{}\"\n-]{0,6}") {
        let characters: Vec<char> = FILE.chars().collect();
        let at = at.min(characters.len());
        let end = (at + length).min(characters.len());
        let text: String = characters[..at].iter().collect::<String>() + &new + &characters[end..].iter().collect::<String>();
        for preset in [None, Some("smoke")] {
            let _ = Experiment::parse(&text, "toy.toml", preset);
        }
    }
}
