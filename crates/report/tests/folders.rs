//! Reports of whole run folders: complete, stopped, diverged, empty, and beyond floats.

mod pages;
mod simulated;

use std::fs;

use pages::{assert_drawable, assert_well_formed, description, page_of, report_in, small};
use run_records::Record;
use simulated::{Simulation, write_folder};

#[test]
fn a_complete_run_is_reported_in_full() {
    let simulation = small();
    let (folder, page) = page_of(&simulation.manifest(), &simulation.records());
    assert_drawable(&page);
    assert!(!page.contains("This run is not complete"));
    let manifest = simulation.manifest();
    for shown in [
        manifest.title.as_str(),
        &manifest.data.source,
        &manifest.data.sha256,
        &simulation.sitting().command,
        &simulation.sitting().device,
        &manifest.network.name,
        "0123456789abcdef",
        "6 min 12 s",
        // Six epochs of 5,120 images, three runs, in 372.4 seconds.
        "247 training images a second",
        "one seed decides nothing statistically",
        "learning_rate = 0.1",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    let mut figures: Vec<String> = fs::read_dir(folder.path().join("figures"))
        .expect("figures")
        .map(|entry| {
            entry
                .expect("entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    figures.sort();
    assert_eq!(figures.len(), 2 * 12, "{figures:?}");
    for pair in figures.chunks(2) {
        let name = pair[0].strip_suffix(".png").expect("a PNG");
        assert_eq!(pair[1].strip_suffix(".svg"), Some(name));
    }
    assert_eq!(page.matches("<svg xmlns").count(), 12);
}

#[test]
fn the_page_needs_no_network_and_no_other_file() {
    let simulation = small();
    let (_folder, page) = page_of(&simulation.manifest(), &simulation.records());
    // The name of SVG's elements, and what is in the page itself.
    let without_names = page
        .replace("http://www.w3.org/2000/svg", "")
        .replace("url(#", "");
    for reference in [
        "http:", "https:", "src=", "href=", "@import", "url(", "import(", "fetch(",
    ] {
        assert!(!without_names.contains(reference), "{reference}");
    }
    // A browser that finds one all the same may not follow it.
    assert!(page.contains("content=\"default-src 'none'; "));
}

#[test]
fn figures_are_well_formed_and_follow_light_and_dark() {
    let simulation = small();
    let folder = tempfile::tempdir().expect("a temporary folder");
    simulation.write(folder.path()).expect("a run folder");
    for path in report::write(folder.path()).expect("a report").figures {
        let text = fs::read_to_string(&path).expect("a figure");
        let document = roxmltree::Document::parse(&text).expect("well-formed XML");
        let root = document.root_element();
        assert!(root.has_attribute("viewBox") && !root.has_attribute("width"));
        let named = root.attribute("aria-labelledby").expect("a name");
        for id in named.split(' ') {
            assert!(
                root.children()
                    .any(|child| child.attribute("id") == Some(id))
            );
        }
        assert!(text.contains("prefers-color-scheme:dark"));
        // A curve has a class, and the sheet its colour: none is written into a figure.
        for node in root
            .descendants()
            .filter(|node| node.has_tag_name("polyline"))
        {
            assert!(node.has_attribute("class") && !node.has_attribute("stroke"));
        }
    }
}

#[test]
fn names_cannot_become_markup() {
    let simulation = small();
    let mut manifest = simulation.manifest();
    let evil = "</title></svg><script>alert(\"1\")</script>&<b>";
    manifest.title = evil.to_owned();
    manifest.experiment = evil.to_owned();
    manifest.data.source = format!("synthetic {evil}");
    manifest.preset = Some(evil.to_owned());
    manifest.network.name = evil.to_owned();
    for run in &mut manifest.runs {
        run.label = evil.to_owned();
        run.name = format!("{evil},\"quoted\"");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut sitting = simulation.sitting();
    sitting.commit = Some(evil.to_owned());
    sitting.command = evil.to_owned();
    let records = simulation.records();
    write_folder(folder.path(), &manifest, &sitting, &records).expect("a run folder");
    fs::write(folder.path().join("experiment.toml"), evil).expect("the TOML");
    let page = report_in(folder.path());
    assert!(!page.contains("<script>alert") && !page.contains("<b>"));
    // The data of 12 charts, and what makes them interactive.
    assert_eq!(page.matches("<script").count(), 13);
    assert_eq!(page.matches("</script").count(), 13);
    assert!(page.contains("synthetic &lt;/title&gt;"));
    assert_well_formed(folder.path());
    let mut table = csv::Reader::from_path(folder.path().join("epochs.csv")).expect("a table");
    assert!(
        table
            .records()
            .all(|line| line.expect("a line").get(0) == Some(&manifest.runs[0].name))
    );
}

#[test]
fn a_diverged_run_is_drawn_as_far_as_it_went_and_named() {
    let simulation = small();
    let mut records = simulation.records();
    for record in &mut records {
        match record {
            Record::Step {
                run: 2, step, loss, ..
            } if *step >= 50 => *loss = f64::NAN,
            Record::Norms {
                run: 2,
                step,
                norms,
                effective_rates,
                distances,
            } if *step >= 50 => {
                for list in [norms, effective_rates, distances] {
                    list.fill(f64::INFINITY);
                }
            }
            Record::Epoch {
                run: 2,
                step,
                train_loss,
                test_loss,
                ..
            } if *step >= 60 => {
                (*train_loss, *test_loss) = (f64::NAN, f64::NAN);
            }
            _ => {}
        }
    }
    let (folder, page) = page_of(&simulation.manifest(), &records);
    assert_drawable(&page);
    assert!(page.contains("It diverged: 70 of its 120 losses are not finite, first at step 50."));
    let csv = fs::read_to_string(folder.path().join("epochs.csv")).expect("the table");
    assert!(csv.contains("texp,6,120,NaN,"));
    // Where there is no loss there is no gap, rather than a gap of nothing.
    assert!(!description(&page, "gap-loss").contains("10⁻¹⁷"));
}

#[test]
fn losses_that_explode_go_on_a_logarithmic_axis() {
    let simulation = small();
    let mut records = simulation.records();
    for record in &mut records {
        if let Record::Step {
            run: 1,
            step: 100..,
            loss,
            ..
        } = record
        {
            *loss = 1e30;
        }
    }
    let (_folder, page) = page_of(&simulation.manifest(), &records);
    assert_drawable(&page);
    assert!(description(&page, "figure-2-loss").contains("10³⁰"));
}

#[test]
fn a_run_cut_in_the_middle_of_a_line_says_so() {
    let simulation = small();
    let folder = tempfile::tempdir().expect("a temporary folder");
    simulation.write(folder.path()).expect("a run folder");
    let path = folder.path().join("records.jsonl");
    let records = fs::read_to_string(&path).expect("records");
    let before: usize = records.split_inclusive('\n').take(200).map(str::len).sum();
    for cut in [before + 1, before + 17] {
        fs::write(&path, &records.as_bytes()[..cut]).expect("records");
        let page = report_in(folder.path());
        assert!(page.contains("This run is not complete"));
        assert!(page.contains("Line 201 of the records is cut in the middle"));
        assert!(page.contains("of 120, without the line that ends a complete run"));
    }
    fs::write(&path, &records.as_bytes()[..before]).expect("records");
    let page = report_in(folder.path());
    assert!(page.contains("This run is not complete") && !page.contains("is cut in the middle"));
}

#[test]
fn runs_without_records_without_epochs_and_without_runs_are_reported() {
    let simulation = small();
    let mut manifest = simulation.manifest();
    let (_folder, page) = page_of(&manifest, &[]);
    assert!(page.contains("Not one step of 120 was recorded") && page.contains("nothing recorded"));
    let finished = Record::Finished { steps: 120 };
    let (_folder, page) = page_of(&manifest, &[finished]);
    assert!(!page.contains("This run is not complete"));
    let first = simulation.records().into_iter().take(1).collect::<Vec<_>>();
    let (_folder, page) = page_of(&manifest, &first);
    assert_drawable(&page);
    assert!(page.contains("<circle"), "a single point is a dot");
    manifest.runs.clear();
    (manifest.steps_per_epoch, manifest.steps) = (0, 0);
    let (_folder, page) = page_of(&manifest, &[]);
    assert_drawable(&page);
}

#[test]
fn a_long_run_stays_a_small_page() {
    let simulation = Simulation {
        epochs: 200,
        steps_per_epoch: 391,
        norms_every: 50,
        drops: vec![80, 120],
        rate: 0.1,
        ..Simulation::default()
    };
    let (_folder, page) = page_of(&simulation.manifest(), &simulation.records());
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    assert_eq!(
        page.matches("<svg xmlns").count(),
        14,
        "the beginning of the gap has its own panels"
    );
}
