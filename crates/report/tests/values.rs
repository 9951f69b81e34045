//! The numbers on the page are those of the records.

mod pages;
mod simulated;

use pages::{assert_drawable, description, page_of, small};
use run_records::Record;

#[test]
fn curves_hold_the_values_that_were_recorded() {
    let simulation = small();
    let (_folder, page) = page_of(&simulation.manifest(), &simulation.records());
    let rates = description(&page, "figure-1-learning-rate");
    assert!(
        rates.contains("step decay + weight decay: from 0.1 to 0.001, lowest 0.001"),
        "{rates}"
    );
}

#[test]
fn the_table_holds_every_epoch_under_its_name() {
    let simulation = small();
    let records = simulation.records();
    let (folder, _page) = page_of(&simulation.manifest(), &records);
    let mut table = csv::Reader::from_path(folder.path().join("epochs.csv")).expect("a table");
    let names = table.headers().expect("a header").clone();
    let lines: Vec<csv::StringRecord> = table.records().map(|line| line.expect("a line")).collect();
    assert_eq!(lines.len(), 3 * 6);
    let runs = simulation.manifest().runs;
    for line in &lines {
        let field = |name| line.get(names.iter().position(|other| other == name)?);
        let number = |name| {
            field(name)
                .and_then(|text| text.parse().ok())
                .expect("a number")
        };
        let run = runs
            .iter()
            .position(|run| field("run") == Some(&run.name))
            .expect("a run");
        let expected = Record::Epoch {
            run,
            epoch: number("epoch") as u64,
            step: number("step") as u64,
            train_loss: number("train_loss"),
            train_accuracy: number("train_accuracy"),
            test_loss: number("test_loss"),
            test_accuracy: number("test_accuracy"),
        };
        assert!(records.contains(&expected), "{line:?}");
    }
}

#[test]
fn the_difference_from_the_twin_is_of_the_last_epoch_of_both_and_has_a_sign() {
    let simulation = small();
    let mut records = simulation.records();
    // TEXP stops after epoch 5.
    records.retain(|record| {
        !matches!(
            record,
            Record::Epoch {
                run: 2,
                epoch: 6,
                ..
            }
        )
    });
    for record in &mut records {
        if let Record::Epoch {
            run,
            epoch,
            test_accuracy,
            ..
        } = record
        {
            *test_accuracy = match (run, epoch) {
                (0, 6) => 0.5,
                (1, 6) => 0.474,
                (0, 5) => 0.4,
                (2, 5) => 0.413,
                _ => 0.1,
            };
        }
    }
    let (_folder, page) = page_of(&simulation.manifest(), &records);
    assert!(page.contains("<td>−2.6</td>") && page.contains("<td>+1.3</td>"));
    assert!(page.contains(
        "After epoch 6 its test accuracy is 47.4 %, that of “step decay + weight decay” 50.0 %: they \
         differ by 2.6 points."
    ));
    // √(0.5 · 0.5 / 2,000) of 2,000 images.
    assert!(page.contains("uncertain by about ±1.1 points"));
    assert!(page.contains("After epoch 5 its test accuracy is 41.3 %"));
}

#[test]
fn the_exact_twin_shares_the_effective_rate_and_not_the_rate() {
    let simulation = small();
    let (_folder, page) = page_of(&simulation.manifest(), &simulation.records());
    let starts = |id| {
        let text = description(&page, id);
        [
            "step decay + weight decay: from ",
            "exact twin, no weight decay: from ",
        ]
        .map(|label| {
            let (_, rest) = text.split_once(label).expect("a label");
            rest.split_once(" to ")
                .expect("an end")
                .0
                .parse::<f64>()
                .expect("a number")
        })
    };
    let [original, twin] = starts("figure-1-norm-over-rate");
    // They differ by the decay of one step.
    assert!((original / twin - 1.0).abs() < 0.02, "{original} {twin}");
    let highest = |label: &str| {
        let text = description(&page, "figure-1-norm");
        let (_, rest) = text.split_once(label).expect("a label");
        rest.split_once("highest ")
            .expect("a number")
            .1
            .split('.')
            .next()
            .map(str::to_owned)
    };
    assert_ne!(
        highest("step decay + weight decay:"),
        highest("exact twin, no weight decay:")
    );
    assert!(page.contains("differs between the two by"));
}

#[test]
fn rates_and_norms_beyond_floats_are_drawn() {
    let simulation = small();
    let mut records = simulation.records();
    for record in &mut records {
        match record {
            Record::Step {
                run: 1,
                step,
                ln_rate,
                ..
            } => *ln_rate = 1500.0 * *step as f64 / 119.0,
            // Beyond a float: recorded as nothing, and known from rate and effective rate.
            Record::Norms { run: 1, norms, .. } => norms.fill(f64::INFINITY),
            _ => {}
        }
    }
    let (_folder, page) = page_of(&simulation.manifest(), &records);
    assert_drawable(&page);
    let rates = description(&page, "figure-1-learning-rate");
    assert!(rates.contains("to 2.8×10⁶⁵¹"), "{rates}");
    assert!(page.contains(">10⁶⁰⁰</text>"));
    let norms = description(&page, "figure-1-norm");
    assert!(norms.contains("10⁶³"), "{norms}");
    assert!(page.contains("1500.000"), "ln η in the table");
}

#[test]
fn a_rate_of_zero_is_a_hole_and_no_end() {
    let simulation = small();
    let mut records = simulation.records();
    for record in &mut records {
        if let Record::Step {
            ln_rate,
            step: 0 | 60..80,
            ..
        } = record
        {
            *ln_rate = f64::NEG_INFINITY;
        }
    }
    let (_folder, page) = page_of(&simulation.manifest(), &records);
    assert_drawable(&page);
    assert!(description(&page, "figure-1-learning-rate").contains("lowest 0.001, highest 0.1"));
}
