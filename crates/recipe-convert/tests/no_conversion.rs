//! Recipes that are right and have no conversion: one sentence, at the key to change first.

mod common;

use common::{PAPER, parse};
use recipe_convert::{Conversion, RecipeFile, Target};

#[test]
fn recipes_without_a_conversion() {
    let text = PAPER.replace("momentum = 0.9", "momentum = 0.99");
    let file = parse(&text).unwrap();
    let message = Conversion::new(&file, Target::WdFree)
        .unwrap_err()
        .to_string();
    let expected = "r.toml, line 6, column 16: step 471 has no weight-decay-free equivalent";
    assert!(message.starts_with(expected), "{message}");
    let message = Conversion::new(&file, Target::Tapered)
        .unwrap_err()
        .to_string();
    let expected = "r.toml, line 6, column 16: the constant phase from step 0 has no closed form";
    assert!(message.starts_with(expected), "{message}");

    let lines = "kind = \"step\"\nlr = 0.1\nfactor = 0.1\nepochs = [80, 120]\n";
    let file = parse(&PAPER.replace(lines, "kind = \"cosine\"\nlr = 0.1\n")).unwrap();
    assert_eq!(
        Conversion::new(&file, Target::Tapered)
            .unwrap_err()
            .to_string(),
        "r.toml, line 7, column 1: the learning rate follows a cosine schedule, but TEXP and random access are \
         defined for piecewise constant recipes only; use the streaming exact law, which takes any schedule"
    );
}

#[test]
fn targets_without_a_conversion() {
    let refusal = |text: &str, target| {
        let file = parse(text).unwrap();
        Conversion::new(&file, target).unwrap_err().to_string()
    };
    assert_eq!(
        refusal(PAPER, Target::WeightDecay),
        "r.toml: the key `target.weight_decay` is missing; for a twin with another weight decay it must be a \
         number of at least 0, or a table with a kind of schedule"
    );
    let little = format!("{PAPER}[target]\nweight_decay = 1e-9\n").replace("0.9", "0.99");
    let message = refusal(&little, Target::WeightDecay);
    let expected =
        "r.toml, line 13, column 16: step 471 has no equivalent with weight decay λ̃ = 1e-9";
    assert!(message.starts_with(expected), "{message}");
    let rising = PAPER.replace(
        "kind = \"step\"\nlr = 0.1\nfactor = 0.1\nepochs = [80, 120]\n",
        "kind = \"warmup-cosine\"\nlr = 0.1\nwarmup_epochs = 5\n",
    );
    let message = refusal(&rising, Target::SgdLrInside);
    let expected = "r.toml, line 7, column 1: step 1 cannot be written with the rate inside the momentum buffer: ";
    assert!(message.starts_with(expected), "{message}");
    let message = refusal(
        &PAPER.replace("0.1\nfactor", "0\nfactor"),
        Target::TaperedNoDrop,
    );
    let expected =
        "r.toml, line 7, column 1: the recipe has no equal at the constant learning rate";
    assert!(message.starts_with(expected), "{message}");

    let negative = format!("{PAPER}[target]\nweight_decay = -1\n");
    assert_eq!(
        parse(&negative).unwrap_err().to_string(),
        "r.toml, line 13, column 16: the weight decay is -1.0 at step 0; it must be finite and not negative"
    );
    assert_eq!(
        parse(&format!("{PAPER}[target]\nmomentum = 0.5\n"))
            .unwrap_err()
            .to_string(),
        "r.toml, line 13, column 1: there is no key `target.momentum`; the keys here are `weight_decay`"
    );
}

#[test]
fn other_optimisers() {
    let adamw = PAPER.replace("\"sgd\"", "\"adamw\"").replace(
        "momentum = 0.9",
        "beta1 = 0.9\nbeta2 = { kind = \"csv\", file = \"b\" }\neps = 1e-8",
    );
    let beta2 = "step,beta2\n0,0.999\n1,1.0\n";
    let file = RecipeFile::parse(&adamw, "r.toml", &mut |_| Ok(beta2.to_owned())).unwrap();
    let refusal = |target| Conversion::new(&file, target).unwrap_err().to_string();
    assert!(
        refusal(Target::WdFree).starts_with("r.toml, line 6, column 9: beta2 is 1.0 at step 1; "),
        "{}",
        refusal(Target::WdFree)
    );
    assert_eq!(
        refusal(Target::Tapered),
        "r.toml, line 4, column 8: for the optimizer \"adamw\" there is no TEXP, the tapered exponential twin \
         without weight decay; convert to the exact twin without weight decay, or use the optimizer \"sgd\""
    );
    let much = PAPER.replace("\"sgd\"", "\"sgdw\"").replace("5e-4", "10.0");
    let message = Conversion::new(&parse(&much).unwrap(), Target::WdFree)
        .unwrap_err()
        .to_string();
    let expected = "r.toml, line 6, column 16: step 0 has no weight-decay-free equivalent";
    assert!(message.starts_with(expected), "{message}");
}
