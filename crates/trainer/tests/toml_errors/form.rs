//! Text that is no experiment: TOML, keys, types, files.

use proptest::prelude::*;
use trainer::experiment::Experiment;

use super::{REMEDY, TINY, check, parse};

#[test]
fn text_that_is_not_toml() {
    check(
        "depth = 8",
        "depth = = 8",
        &format!("line 6, column 9: extra `=`, expected nothing{REMEDY}"),
    );
}

#[test]
fn unknown_keys() {
    check(
        "depth = 8",
        "dept = 8",
        &format!(
            "line 6, column 1: unknown key `dept`, expected one of `architecture`, `depth`, `width`, \
             `normaliser`, `affine`, `bias`, `shortcut`, `stem`, `head`, `epsilon`{REMEDY}"
        ),
    );
    check(
        "factor = 0.1",
        "faktor = 0.1",
        "line 27, column 1: there is no key `recipe.schedule.faktor`; the keys here are `kind`, `lr`, `factor` and `epochs`",
    );
}

#[test]
fn missing_keys() {
    check(
        "depth = 8\n",
        "",
        &format!("line 4, column 1: missing key `depth`{REMEDY}"),
    );
    check(
        "factor = 0.1\n",
        "",
        "line 24, column 1: the key `recipe.schedule.factor` is missing; it must be a number above 0, such as 0.1",
    );
}

#[test]
fn wrong_types() {
    check(
        "depth = 8",
        "depth = \"8\"",
        &format!(
            "line 6, column 9: invalid type: string \"8\", expected a whole number of at least 0{REMEDY}"
        ),
    );
    check(
        "momentum = 0.9",
        "momentum = true",
        "line 21, column 12: `recipe.optimizer.momentum` is true; it must be a number of at least 0 and below 1, or a \
         table with a kind of schedule",
    );
    check(
        "epochs = [1]",
        "epochs = 1",
        "line 28, column 10: `recipe.schedule.epochs` is 1; it must be a list of times in epochs, increasing between 0 and 2",
    );
}

#[test]
fn files_and_presets_that_are_not_there() {
    let missing = std::path::Path::new("no/such/experiment.toml");
    let text = Experiment::read(missing, None).unwrap_err().to_string();
    assert!(
        text.starts_with("no/such/experiment.toml: the experiment cannot be read; check the path and its permissions"),
        "{text}"
    );
    let unknown = |text: &str| {
        Experiment::parse(text, "e.toml", Some("big"))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        unknown(TINY),
        "e.toml: there is no preset `big`; the file has none, so leave out --preset"
    );
    let with = format!("{TINY}\n[presets.paper]\n[presets.smoke.training]\nepochs = 2\n");
    assert_eq!(
        unknown(&with),
        "e.toml: there is no preset `big`; choose `paper` or `smoke`"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever is in the file: an experiment or an error, never a panic.
    #[test]
    fn no_text_makes_it_panic(
        start in 0..TINY.len(),
        removed in 0_usize..40,
        inserted in prop_oneof!["[ -~\n]{0,12}", "-?[0-9]{1,20}", "[a-z_.]{1,10} = [0-9e-]{1,5}\n", "\\PC{0,3}"],
    ) {
        let end = (start + removed).min(TINY.len());
        let text = format!("{}{inserted}{}", &TINY[..start], &TINY[end..]);
        if let Err(error) = parse(&text) {
            prop_assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
}
