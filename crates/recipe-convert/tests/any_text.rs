//! No text panics, and every refusal is one sentence that names the file.

mod common;

use common::{PAPER, TABLE, parse};
use proptest::prelude::*;
use recipe_convert::{Conversion, RecipeFile, Target};
use schedule_core::strategies::seeded;

const KINDS: [&str; 10] = [
    "kind = \"constant\", lr = 0.1",
    "kind = \"step\", lr = 0.1, factor = 0.1, epochs = [2, 4.5]",
    "kind = \"cosine\", lr = 0.1, final_lr = 0.01, epochs = 7",
    "kind = \"warmup-cosine\", lr = 0.1, warmup_epochs = 2",
    "kind = \"wsd\", lr = 0.1, warmup_epochs = 2, decay_epochs = 3",
    "kind = \"one-cycle\", lr = 0.1, initial_lr = 0.01, final_lr = 0.001, warmup_epochs = 3",
    "kind = \"polynomial\", lr = 0.1, power = 2.5",
    "kind = \"exponential\", lr = 0.1, growth = 1.1, per = \"epoch\"",
    "kind = \"csv\", file = \"table.csv\"",
    "kind = \"joined\", epochs = [2], parts = [0.1,{ kind = \"cosine\",lr = 0.1 }]",
];

/// Optimisers, some with groups.
const OPTIMISERS: [&str; 4] = [
    "kind = \"sgd\"\nmomentum = 0.9\nweight_decay = 5e-4\n",
    "kind = \"sgdw\"\nmomentum = 0.9\nweight_decay = 5e-4\n",
    "kind = \"adamw\"\nbeta1 = 0.9\nbeta2 = 0.99\neps = 1e-8\nweight_decay = 0.1\n",
    "kind = \"sgd\"\nmomentum = 0.9\nweight_decay = 5e-4\n[[group]]\nname = \"a\"\n\
     [[group]]\nname = \"b\"\nexponent = 2\nlr_scale = 0.5\n[[group]]\nname = \"c\"\nexponent = 0\n",
];

/// Pieces that matter to the reader.
const PIECES: [&str; 16] = [
    "-1",
    "0",
    "1e999",
    "nan",
    "inf",
    "99999999999999999999",
    "\"",
    "[",
    "]",
    "{",
    "}",
    "=",
    "\n",
    "kind",
    "lr",
    "\u{1f600}",
];

/// A recipe with some of it cut out, doubled or replaced.
fn mutated() -> impl Strategy<Value = String> {
    let edit = (
        any::<prop::sample::Index>(),
        0..12_usize,
        prop::sample::select(&PIECES[..]),
    );
    let kind = prop::sample::select(&KINDS[..]);
    let optimiser = prop::sample::select(&OPTIMISERS[..]);
    (kind, optimiser, prop::collection::vec(edit, 1..4)).prop_map(|(kind, optimiser, edits)| {
        let mut text: Vec<char> = format!(
            "steps_per_epoch = 7\nepochs = 9\n[optimizer]\n{optimiser}[target]\nweight_decay = 1e-4\n\
             [schedule]\n{}\n",
            kind.replace(", ", "\n")
        )
        .chars()
        .collect();
        for (at, length, piece) in edits {
            let start = at.index(text.len() + 1);
            let end = (start + length).min(text.len());
            text.splice(start..end, piece.chars());
        }
        text.into_iter().collect()
    })
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let one_sentence = |message: String| {
        prop_assert!(
            message.starts_with("r.toml") && !message.contains('\n'),
            "{message:?}"
        );
        Ok(())
    };
    let file = match parse(text) {
        Ok(file) => file,
        Err(error) => return one_sentence(error.to_string()),
    };
    if file.steps() > 10_000 {
        return Ok(());
    }
    for target in Target::ALL {
        match Conversion::new(&file, target) {
            Ok(conversion) => {
                prop_assert_eq!(
                    conversion.rows().count(),
                    file.steps() as usize * file.groups().len().max(1)
                );
                prop_assert!(!conversion.summary().to_string().contains("NaN"));
            }
            Err(error) => one_sentence(error.to_string())?,
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn random_text(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn mutated_recipes(text in mutated()) {
        check(&text)?;
    }

    #[test]
    fn random_tables(table in "(step,lr\n)?([0-9]{0,2},[-0-9.e]{0,6}\n){0,5}.{0,20}") {
        let text = "steps_per_epoch = 3\nepochs = 2\n\
            optimizer = { kind = \"sgd\", momentum = 0.9, weight_decay = 5e-4 }\n\
            schedule = { kind = \"csv\", file = \"t.csv\" }\n";
        if let Err(error) = RecipeFile::parse(text, "r.toml", &mut |_| Ok(table.clone())) {
            prop_assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
}

#[test]
fn what_is_mutated_is_valid() {
    assert!(parse(PAPER).is_ok() && TABLE.starts_with("step,lr"));
    for kind in KINDS {
        let text = format!(
            "steps_per_epoch = 7\nepochs = 9\n\
             optimizer = {{ kind = \"sgd\", momentum = 0.9, weight_decay = 5e-4 }}\nschedule = {{ {kind} }}\n"
        );
        let file = parse(&text).unwrap();
        Conversion::new(&file, Target::WdFree).unwrap();
    }
}
