//! The page of a whole reproduction.

mod pages;
mod simulated;

use std::fs;

use pages::{assert_drawable, assert_well_formed, description, small};
use report::{PaperPanel, Quantity, Reproduction, SeededRun};
use run_records::RunFolder;
use simulated::Simulation;
use simulated::reproduction::reproduction;
use tempfile::TempDir;

fn page_of(reproduction: &Reproduction) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let written = report::reproduction(folder.path(), reproduction).expect("a page");
    let page = fs::read_to_string(written.page).expect("the page");
    (folder, page)
}

#[test]
fn verdicts_stand_on_top_and_lead_to_figures() {
    let (folder, page) = page_of(&reproduction(&small(), 2, 3));
    assert_drawable(&page);
    for shown in [
        "<strong>2 of 4 claims reproduced</strong>, 1 not reproduced, 1 not decided.",
        "<strong>Data: </strong>JPEG copy of CIFAR-10",
        "<a href=\"#figure-1\">Figure 1 – step decay",
        "<section id=\"figure-2\">",
        "cargo xtask repro --figure 2 --preset small",
        "within ±1 point",
        "1 h 2 min",
        "0123456789abcdef",
        "learning_rate = 0.1",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    let table = fs::read_to_string(folder.path().join("claims.csv")).expect("the table");
    assert_eq!(table.lines().count(), 1 + 4);
    assert!(table.contains("figure-2,worse,"));
    // Seven recorded quantities of each, and the toy example's.
    let figures = fs::read_dir(folder.path().join("figures")).expect("figures");
    assert_eq!(figures.count(), 2 * 15);
}

#[test]
fn a_table_has_what_every_run_came_to_after_every_epoch() {
    let simulation = small();
    let (folder, _page) = page_of(&reproduction(&simulation, 2, 3));
    let mut table = csv::Reader::from_path(folder.path().join("epochs.csv")).expect("the table");
    let heads = table.headers().expect("a header").clone();
    let rows: Vec<csv::StringRecord> = table.records().map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len() as u64, 2 * 3 * 3 * simulation.epochs);
    let of = |row: &csv::StringRecord, name: &str| {
        let column = heads.iter().position(|head| head == name);
        row[column.expect("a column")].to_owned()
    };
    let number = |row, name| of(row, name).parse::<f64>().expect("a number");
    let exact = rows.iter().find(|row| {
        of(row, "figure") == "figure-2" && of(row, "run") == "exact" && of(row, "seed") == "3"
    });
    let exact = exact.expect("the first epoch of the third seed");
    assert_eq!(of(exact, "epoch"), "1");
    // What is known before the epoch's last step is that step's, not the next one's.
    let seed = Simulation {
        seed: 202,
        ..simulation.clone()
    };
    let last = simulation.steps_per_epoch - 1;
    let expected = seed.records().into_iter().find_map(|record| match record {
        run_records::Record::Step {
            run: 1,
            step,
            ln_rate,
            ..
        } if step == last => Some(ln_rate),
        _ => None,
    });
    assert_eq!(Some(number(exact, "ln_rate")), expected);
    assert!((1e-8..1e-5).contains(&number(exact, "law")));
    assert!(number(exact, "gap") > 0.0);
    assert!(number(&rows[0], "gap").is_nan() && number(&rows[0], "law").is_nan());
}

#[test]
fn seeds_of_one_run_become_one_line_with_a_band() {
    let (_folder, page) = page_of(&reproduction(&small(), 1, 3));
    assert!(page.contains("Lines are means over 3 seeds, bands reach from the lowest"));
    assert!(page.contains("<polygon class=\"run-2 band\""));
    assert!(description(&page, "figure-1-test-accuracy").contains("Its seeds end between"));
    assert!(
        !page.contains("faint\""),
        "no single steps of several seeds"
    );
    let (_folder, page) = page_of(&reproduction(&small(), 1, 1));
    assert!(!page.contains("means over"));
    assert!(page.contains("faint\""), "single steps of one seed");
    assert_eq!(
        page.matches("<polygon").count(),
        2,
        "those of the toy example"
    );
}

#[test]
fn runs_of_several_folders_are_grouped_by_name() {
    let folders = [1, 2].map(|seed| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let simulation = simulated::Simulation { seed, ..small() };
        simulation.write(folder.path()).expect("a run folder");
        RunFolder::read(folder.path()).expect("a run folder")
    });
    let runs = SeededRun::of_folders(folders);
    let counts: Vec<(&str, usize)> = runs
        .iter()
        .map(|run| (run.seeds[0].record.name.as_str(), run.seeds.len()))
        .collect();
    assert_eq!(counts, [("sd-wd", 2), ("exact", 2), ("texp", 2)]);
}

#[test]
fn a_figure_without_twins_has_no_gap_and_one_without_runs_says_so() {
    let mut all = reproduction(&small(), 2, 1);
    all.figures[0].runs.truncate(1);
    all.figures[1].runs.clear();
    all.figures[1].outcomes.clear();
    all.figures[1].panels = vec![PaperPanel::Recorded(Quantity::TestAccuracy)];
    let (_folder, page) = page_of(&all);
    assert!(!page.contains("figure-1-gap") && !page.contains("figure-1-law"));
    assert!(page.contains("nothing recorded") && page.contains("nothing is claimed of it"));
    assert_drawable(&page);
}

#[test]
fn words_cannot_become_markup() {
    let mut all = reproduction(&small(), 1, 1);
    let evil = "</title></svg><script>alert(\"1\")</script>&<b>";
    all.title = evil.to_owned();
    all.data_source = evil.to_owned();
    let figure = &mut all.figures[0];
    let [first, second] = &mut figure.outcomes[..] else {
        panic!("two outcomes");
    };
    for text in [
        &mut figure.id,
        &mut figure.title,
        &mut figure.statement,
        &mut figure.experiment,
        &mut figure.command,
        &mut first.says,
        &mut second.evidence,
        &mut figure.runs[0].label,
    ] {
        *text = evil.to_owned();
    }
    let (folder, page) = page_of(&all);
    assert!(!page.contains("<script>alert") && !page.contains("<b>"));
    assert_well_formed(folder.path());
}
