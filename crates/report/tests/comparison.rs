//! Runs of any folders in one page.

mod pages;
mod simulated;

use pages::{assert_drawable, description, small};
use report::{ComparedRun, comparison};
use run_records::RunFolder;
use simulated::Simulation;

fn folder(simulation: &Simulation) -> RunFolder {
    let folder = tempfile::tempdir().expect("a temporary folder");
    simulation.write(folder.path()).expect("a run folder");
    RunFolder::read(folder.path()).expect("a run folder")
}

#[test]
fn runs_of_two_folders_share_every_chart_under_their_own_names() {
    let first = folder(&small());
    // An epoch of another length: what is compared is compared by epochs.
    let second = folder(&Simulation {
        steps_per_epoch: 30,
        seed: 7,
        ..small()
    });
    let run = |folder_name, folder, run| ComparedRun {
        folder_name,
        folder,
        run,
    };
    let page = comparison(&[
        run("one", &first, 0),
        run("one", &first, 1),
        run("two", &second, 0),
        run("two", &second, 0),
        run("two", &second, 99),
    ])
    .expect("a page");
    assert_drawable(&page);
    assert!(page.contains("<h1>4 runs compared</h1>"));
    let accuracies = description(&page, "test-accuracy");
    for label in [
        "one: step decay + weight decay:",
        "one: exact twin, no weight decay:",
        "two: step decay + weight decay:",
        "two: step decay + weight decay (2):",
    ] {
        assert!(accuracies.contains(label), "{label} {accuracies}");
    }
    assert!(page.contains("\"end\":6.0"), "six epochs of both");
    assert!(!description(&page, "gap").contains("step decay"));
    for fact in [
        "PreResNet-8",
        "No images: every number",
        "0123456789abcdef",
        "cargo xtask repro --preset small",
    ] {
        assert!(page.contains(fact), "{fact}");
    }
}

#[test]
fn a_folder_alone_needs_no_name_and_nothing_compares_to_nothing() {
    let only = folder(&small());
    let run = |run| ComparedRun {
        folder_name: "only",
        folder: &only,
        run,
    };
    let page = comparison(&[run(0), run(2)]).expect("a page");
    assert!(!page.contains("only:") && page.contains("TEXP, no weight decay"));
    assert_drawable(&comparison(&[]).expect("a page"));
}
