//! Tables against known answers, and read back.

mod common;

use std::f64::consts::LN_10;

use common::{PAPER, parse, table};
use recipe_convert::{Conversion, RecipeFile, TableFormat, Target};

const HEADER: &str = "step,lr,weight_decay,momentum,ln_lr_exp,lr_exp,momentum_exp,ln_scale";

#[track_caller]
fn assert_row(line: &str, expected: [f64; 8]) {
    let found: Vec<f64> = line
        .split(',')
        .map(|field| field.parse().unwrap())
        .collect();
    assert_eq!(found.len(), expected.len(), "{line}");
    for (found, expected) in found.iter().zip(expected) {
        let close = (found - expected).abs() <= 1e-12 * expected.abs().max(1e-3);
        assert!(
            close || *found == expected,
            "{line}: {found} is not {expected}"
        );
    }
}

#[test]
fn the_papers_recipe_exactly() {
    let csv = table(PAPER, Target::WdFree, TableFormat::Csv, 1);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 1 + 78_200);
    assert_eq!(lines[0], HEADER);
    // By hand: a_0 = 1 − ηλ from a zero buffer, then κ_0 = λ/a_0.
    let a0: f64 = 1.0 - 0.1 * 5e-4;
    let a1 = 1.0 - 0.1 * (5e-4 + 0.9 * 5e-4 / a0);
    let first = 0.1 / a0;
    assert_row(lines[1], [0.0, 0.1, 5e-4, 0.9, first.ln(), first, 0.9, 0.0]);
    let second = 0.1 / (a0 * a0 * a1);
    assert_row(
        lines[2],
        [1.0, 0.1, 5e-4, 0.9, second.ln(), second, 0.9, a0.ln()],
    );
    let last: Vec<f64> = lines[78_200]
        .split(',')
        .map(|field| field.parse().unwrap())
        .collect();
    assert_eq!(
        [last[0], last[2], last[3], last[6]],
        [78_199.0, 5e-4, 0.9, 0.9]
    );
    assert!((last[4] - 26.390_698).abs() < 5e-7, "{}", last[4]);
    assert!((last[5].ln() - last[4]).abs() < 1e-13);
}

#[test]
fn the_papers_recipe_tapered() {
    let csv = table(PAPER, Target::Tapered, TableFormat::Csv, 1);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!((lines.len(), lines[0]), (1 + 78_200, HEADER));
    let root: f64 = 0.999_497_728_367_891_9;
    let first = 0.1 / root;
    assert_row(lines[1], [0.0, 0.1, 5e-4, 0.9, first.ln(), first, 0.9, 0.0]);
    let last: Vec<f64> = lines[78_200]
        .split(',')
        .map(|field| field.parse().unwrap())
        .collect();
    assert!((last[4] - 26.399_805).abs() < 5e-7, "{}", last[4]);
}

/// Known answer: without the two drops, ln η̃ is ln 100 above TEXP's at the end.
#[test]
fn the_papers_recipe_without_drops() {
    let csv = table(PAPER, Target::TaperedNoDrop, TableFormat::Csv, 1);
    let of_texp = table(PAPER, Target::Tapered, TableFormat::Csv, 1);
    assert_eq!(csv.lines().next(), Some(HEADER));
    let field = |line: &str, at: usize| line.split(',').nth(at).unwrap().parse::<f64>().unwrap();
    for (line, of_texp) in csv.lines().zip(of_texp.lines()).skip(1) {
        let missing = (0.1 / field(line, 1)).ln();
        assert!(
            (field(line, 4) - missing - field(of_texp, 4)).abs() < 1e-11,
            "{line}"
        );
        for same in [1, 2, 3, 6] {
            assert_eq!(field(line, same), field(of_texp, same));
        }
    }
    let last = csv.lines().last().unwrap();
    assert!(
        (field(last, 4) - (26.399_805 + 100f64.ln())).abs() < 5e-7,
        "{last}"
    );
}

/// By hand, without momentum: a_t = 1 − η(λ − λ̃/A²).
#[test]
fn another_weight_decay() {
    let text = "steps_per_epoch = 2\nepochs = 1\n\
        optimizer = { kind = \"sgd\", momentum = 0.0, weight_decay = 0.5 }\n\
        schedule = { kind = \"constant\", lr = 0.5 }\n\
        target = { weight_decay = { kind = \"step\", value = 0.25, factor = 0.5, epochs = [0.5] } }\n";
    let csv = table(text, Target::WeightDecay, TableFormat::Csv, 1);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], format!("{HEADER},weight_decay_exp"));
    let a0: f64 = 1.0 - 0.5 * 0.25;
    let a1: f64 = 1.0 - 0.5 * (0.5 - 0.125 / (a0 * a0));
    let first = 0.5 / a0;
    let second = 0.5 / (a0 * a0 * a1);
    let row = |line: &str| {
        line.split(',')
            .map(|field| field.parse().unwrap())
            .collect::<Vec<f64>>()
    };
    for (line, expected) in [
        (
            lines[1],
            [0.0, 0.5, 0.5, 0.0, first.ln(), first, 0.0, 0.0, 0.25],
        ),
        (
            lines[2],
            [1.0, 0.5, 0.5, 0.0, second.ln(), second, 0.0, a0.ln(), 0.125],
        ),
    ] {
        for (found, expected) in row(line).iter().zip(expected) {
            assert!(
                (found - expected).abs() < 1e-15,
                "{line}: {found} is not {expected}"
            );
        }
    }
    // The recipe's own decay leaves everything as it is.
    let same = format!("{PAPER}[target]\nweight_decay = 5e-4\n");
    for line in table(&same, Target::WeightDecay, TableFormat::Csv, 997)
        .lines()
        .skip(1)
    {
        let row = row(line);
        assert!(
            (row[5] / row[1] - 1.0).abs() < 1e-15 && row[7] == 0.0,
            "{line}"
        );
    }
    // And none is the exact law.
    let none = format!("{PAPER}[target]\nweight_decay = 0\n");
    let exact = table(PAPER, Target::WdFree, TableFormat::Csv, 997);
    let kept = table(&none, Target::WeightDecay, TableFormat::Csv, 997);
    for (kept, exact) in kept.lines().zip(exact.lines()).skip(1) {
        assert_eq!(kept, format!("{exact},0.0"));
    }
}

/// The rates are those of the exact law; the momentum makes up for their change: γ r_t/(a_t a_{t−1}).
#[test]
fn the_rate_inside_the_buffer() {
    let numbers = |target| -> Vec<Vec<f64>> {
        let csv = table(PAPER, target, TableFormat::Csv, 1);
        let row = |line: &str| {
            line.split(',')
                .map(|field| field.parse().unwrap())
                .collect()
        };
        csv.lines().skip(1).map(row).collect()
    };
    let (inside, outside) = (numbers(Target::SgdLrInside), numbers(Target::WdFree));
    assert_eq!(inside.len(), 78_200);
    for (inside, outside) in inside.iter().zip(&outside) {
        assert!((inside[4] - outside[4]).abs() < 1e-11);
    }
    assert!((inside[0][6] - 0.9 / (1.0 - 0.1 * 5e-4)).abs() < 1e-15);
    for pair in outside.windows(2) {
        let [before, now] = pair else { unreachable!() };
        let step = now[0] as usize;
        let expected = 0.9 * (now[4] - before[4]).exp();
        assert!((inside[step][6] - expected).abs() < 1e-12, "step {step}");
    }
}

const SGDW: &str = "steps_per_epoch = 2\nepochs = 1\n\
    optimizer = { kind = \"sgdw\", momentum = 0.5, weight_decay = 0.5 }\n\
    schedule = { kind = \"constant\", lr = 0.5 }\n";

/// By hand: a = 1 − ηλ = 0.75, η̃ = η/(A_tA_{t+1}), γ̃ = γ a_{t−1}.
#[test]
fn decoupled_decay() {
    let csv = table(SGDW, Target::WdFree, TableFormat::Csv, 1);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], HEADER);
    let (first, second) = (0.5 / 0.75f64, 0.5 / 0.75f64.powi(3));
    assert_row(lines[1], [0.0, 0.5, 0.5, 0.5, first.ln(), first, 0.5, 0.0]);
    assert_row(
        lines[2],
        [1.0, 0.5, 0.5, 0.5, second.ln(), second, 0.375, 0.75f64.ln()],
    );
    let words = Conversion::new(&parse(SGDW).unwrap(), Target::WdFree)
        .unwrap()
        .summary()
        .to_string();
    assert!(
        words.contains("grows by a factor of 1 + 7.777778e-1 a step"),
        "{words}"
    );
}

/// By hand: s_1 = 1 and β̂ = β at step 0, as nothing has shrunk; then kept = βa, s_2 = 1/(1 − β + βa),
/// β̂ = kept·s_2, and the corrections 1 − β^{t+1} of both β.
#[test]
fn adamw() {
    let text = SGDW.replace(
        "\"sgdw\", momentum = 0.5",
        "\"adamw\", beta1 = 0.5, beta2 = 0.75, eps = 1e-3",
    );
    let csv = table(&text, Target::WdFree, TableFormat::Csv, 1);
    let lines: Vec<&str> = csv.lines().collect();
    let added = "beta1,beta2,eps,beta1_exp,beta2_exp,eps_exp";
    assert_eq!(lines[0], format!("{HEADER},{added}"));
    let a = 0.75f64;
    let (s, q) = (1.0 / (0.5 + 0.5 * a), 1.0 / (0.25 + 0.75 * a * a));
    let (beta1, beta2) = (0.5 * a * s, 0.75 * a * a * q);
    let corrections = [0.5, beta1, 0.75, beta2].map(|beta: f64| 1.0 - beta * beta);
    let [c1, c1_exp, c2, c2_exp] = corrections;
    let h = (c2_exp / (q * c2)).sqrt();
    let rate = 0.5 / (a * a) * c1_exp / (c1 * s * h);
    let first = 0.5 / a;
    for (line, expected) in [
        (
            lines[1],
            [
                0.0,
                0.5,
                0.5,
                0.0,
                first.ln(),
                first,
                0.0,
                0.0,
                0.5,
                0.75,
                1e-3,
                0.5,
                0.75,
                1e-3,
            ],
        ),
        (
            lines[2],
            [
                1.0,
                0.5,
                0.5,
                0.0,
                rate.ln(),
                rate,
                0.0,
                a.ln(),
                0.5,
                0.75,
                1e-3,
                beta1,
                beta2,
                1e-3 * a / h,
            ],
        ),
    ] {
        let found: Vec<f64> = line
            .split(',')
            .map(|field| field.parse().unwrap())
            .collect();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() < 1e-14,
                "{line}: {found} is not {expected}"
            );
        }
    }
    let words = Conversion::new(&parse(&text).unwrap(), Target::WdFree)
        .unwrap()
        .summary()
        .to_string();
    assert!(
        words.contains("rate 0.5, weight decay 0.5: grows by a factor of 1 + 3.333333e-1 a step"),
        "{words}"
    );
}

#[test]
fn formats_hold_the_same_numbers() {
    // Long enough for the rate to leave float64, and for a rate of 0 at the end.
    let text = "steps_per_epoch = 100\nepochs = 80\n\
        optimizer = { kind = \"sgd\", momentum = 0.5, weight_decay = 0.6 }\n\
        schedule = { kind = \"polynomial\", lr = 0.1, power = 1.0, epochs = 79 }\n";
    let of = |format| table(text, Target::WdFree, format, 7);
    let csv: Vec<Vec<f64>> = of(TableFormat::Csv)
        .lines()
        .skip(1)
        .map(|line| {
            line.split(',')
                .map(|field| field.parse().unwrap())
                .collect()
        })
        .collect();
    let steps: Vec<f64> = csv.iter().map(|row| row[0]).collect();
    assert_eq!(
        steps,
        (0..8_000).step_by(7).map(f64::from).collect::<Vec<_>>()
    );

    let json: Vec<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(&of(TableFormat::Json)).unwrap();
    let toml: toml::Table = of(TableFormat::Toml).parse().unwrap();
    let toml = toml["row"].as_array().unwrap();
    assert_eq!((json.len(), toml.len()), (csv.len(), csv.len()));
    let mut not_in_json = 0;
    for ((csv, json), toml) in csv.iter().zip(&json).zip(toml) {
        for (name, value) in HEADER.split(',').zip(csv) {
            let in_toml = &toml[name];
            let in_toml = in_toml
                .as_float()
                .or(in_toml.as_integer().map(|whole| whole as f64));
            assert_eq!(in_toml, Some(*value));
            let finite = Some(*value).filter(|value| value.is_finite());
            assert_eq!(json[name].as_f64(), finite);
            not_in_json += usize::from(finite.is_none());
        }
    }
    assert!(not_in_json > 0);
    assert!(
        csv.iter()
            .any(|row| row[5] == f64::INFINITY && row[4] > 308.0 * LN_10)
    );
    assert!(
        csv.iter()
            .any(|row| row[5] == 0.0 && row[4] == f64::NEG_INFINITY)
    );
}

/// What is written can be read as a schedule of each hyperparameter, bit for bit.
#[test]
fn a_table_is_a_schedule() {
    let text = "steps_per_epoch = 30\nepochs = 20\n\
        optimizer = { kind = \"sgd\", momentum = { kind = \"one-cycle\", value = 0.85, initial_value = 0.95, \
        final_value = 0.95, warmup_epochs = 6 }, weight_decay = { kind = \"exponential\", value = 1e-3, \
        growth = 0.9, per = \"epoch\" } }\n\
        schedule = { kind = \"cosine\", lr = 0.1 }\n";
    let written = table(text, Target::WdFree, TableFormat::Csv, 1);
    let again = "steps_per_epoch = 30\nepochs = 20\n\
        optimizer = { kind = \"sgd\", momentum = { kind = \"csv\", file = \"t\" }, \
        weight_decay = { kind = \"csv\", file = \"t\" } }\n\
        schedule = { kind = \"csv\", file = \"t\" }\n";
    let file = RecipeFile::parse(again, "again", &mut |_| Ok(written.clone())).unwrap();
    let original = parse(text).unwrap();
    for step in 0..original.steps() {
        assert_eq!(file.recipe().at(step), original.recipe().at(step));
    }
    let rows = |file: &RecipeFile| {
        let conversion = Conversion::new(file, Target::WdFree).unwrap();
        conversion.rows().collect::<Vec<_>>()
    };
    assert_eq!(rows(&file), rows(&original));
    assert_eq!(rows(&file).len(), 600);
}
