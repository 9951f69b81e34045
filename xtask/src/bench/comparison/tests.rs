//! Of runs that are made up.

use std::path::Path;

use super::*;
use crate::bench::timing::tests::timing;

/// A contestant with a run at each of these rates.
pub(in super::super) fn entry(name: &str, class: Class, rates: &[f64]) -> Entry {
    Entry {
        name: name.to_owned(),
        class,
        runs: rates.iter().copied().map(timing).collect(),
        beside: Vec::new(),
        failure: None,
    }
}

#[test]
fn the_best_of_a_class_is_compared_round_by_round() {
    let mut entries = vec![
        entry("own", Class::Own, &[1000.0, 500.0, 1100.0]),
        entry("slow", Class::PyTorch, &[300.0, 100.0, 300.0]),
        // The middle round is slower for all.
        entry("quick", Class::PyTorch, &[500.0, 250.0, 500.0]),
        entry("other", Class::Burn, &[]),
    ];
    entries[2]
        .runs
        .iter_mut()
        .for_each(|run| run.peak_mb = Some(130.0));
    let table = against(&entries).unwrap();
    assert!(
        table.contains("PyTorch in float32, at its defaults"),
        "{table}"
    );
    assert!(
        table.contains("quick | 2.00 [2.00–2.20] |      25 % |"),
        "{table}"
    );
    assert!(
        !table.contains("slow") && !table.contains("burn"),
        "{table}"
    );
    assert_eq!(against(&entries[..1]), None);
}

#[test]
fn a_row_says_all_that_was_measured() {
    let mut own = entry("own", Class::Own, &[1000.0, 800.0, 1200.0]);
    own.beside = [650.0, 480.0, 720.0].map(timing).into();
    own.runs[1].others_busy = Some(0.07);
    let floor = Floor {
        gflop_an_image: 0.4,
        peak: 500.0,
    };
    let table = table(&[own], Some(floor));
    let row = table.lines().last().unwrap();
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    assert_eq!(
        cells[1..10],
        [
            "own",
            "1000 [800–1200]",
            "3 × 12",
            "1.00 [1.00–1.00]",
            "80 %",
            "30",
            "10",
            "60 % [60 %–65 %]",
            "0.07"
        ]
    );
}

#[test]
fn a_contestant_without_runs_has_a_row_and_a_reason() {
    let mut failed = entry("torch", Class::PyTorch, &[]);
    failed.failure = Some("no compiler".to_owned());
    let entries = [entry("own", Class::Own, &[100.0]), failed];
    assert!(
        table(&entries, None)
            .lines()
            .last()
            .unwrap()
            .contains("0 × 0")
    );
    assert_eq!(failures(&entries), ["torch is not complete: no compiler"]);
}

#[test]
fn a_disturbed_run_is_made_again() {
    let made = |busy: &[f64]| {
        let mut left = busy.iter();
        let best = undisturbed(|| {
            let mut run = timing(100.0);
            run.others_busy = Some(*left.next().ok_or("no more")?);
            Ok(run)
        });
        (best.unwrap().others_busy.unwrap(), left.len())
    };
    assert_eq!(made(&[0.1, 0.0, 0.0]), (0.1, 2));
    assert_eq!(made(&[0.9, 0.1, 0.0]), (0.1, 1));
    assert_eq!(made(&[0.9, 0.3, 0.5, 0.0]), (0.3, 1));
}

#[test]
#[cfg(unix)]
fn rounds_are_interleaved_and_failures_end_only_their_own() {
    let folder = std::env::temp_dir().join(format!("texp-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let order = folder.join("order");
    let shell = |script: String| Ok(Program::new(Path::new("sh")).arg("-c").arg(script));
    let line = serde_json::to_string(&timing(100.0)).unwrap();
    let contestant = |name: &str, script: String| Contestant {
        name: name.to_owned(),
        class: Class::Own,
        program: shell(script),
        beside: None,
    };
    let turn = |name: &str| format!("echo {name} >> {}", order.display());
    let contestants = [
        contestant("a", format!("{}; echo '{line}'", turn("a"))),
        contestant("b", format!("{}; echo broken", turn("b"))),
        contestant("c", format!("{}; echo '{line}'", turn("c"))),
    ];
    let spin = Program::new(Path::new("cat"));
    let entries = compare(&contestants, 3, &spin);
    let order = std::fs::read_to_string(&order).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let turns: Vec<&str> = order.lines().collect();
    assert_eq!(turns, ["a", "b", "c", "a", "c", "a", "c"]);
    let runs: Vec<usize> = entries.iter().map(|entry| entry.runs.len()).collect();
    assert_eq!(runs, [3, 0, 3]);
    assert!(
        entries[1]
            .failure
            .as_ref()
            .unwrap()
            .contains("not what was due")
    );
}
