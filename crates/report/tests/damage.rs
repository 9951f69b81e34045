//! Run folders that are not what they should be: one sentence with the file and the line.

mod simulated;

use std::fs;
use std::path::Path;

use report::ReportError;
use run_records::RecordsError;
use simulated::Simulation;
use tempfile::TempDir;

fn run_folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let simulation = Simulation {
        epochs: 2,
        steps_per_epoch: 10,
        norms_every: 5,
        drops: vec![1],
        rate: 0.1,
        ..Simulation::default()
    };
    simulation.write(folder.path()).expect("a run folder");
    folder
}

/// Changes one line of the records, counted from 1, and gives back what `write` says.
fn with_line(number: usize, line: &[u8]) -> ReportError {
    let folder = run_folder();
    let path = folder.path().join("records.jsonl");
    let records = fs::read(&path).expect("records");
    let mut lines: Vec<&[u8]> = records.split(|&byte| byte == b'\n').collect();
    lines[number - 1] = line;
    fs::write(&path, lines.join(&b'\n')).expect("records");
    refused(folder.path())
}

/// The error, after a look that nothing was written.
fn refused(folder: &Path) -> ReportError {
    let error = report::write(folder).expect_err("an error");
    assert!(!folder.join("report.html").exists() && !folder.join("figures").exists());
    assert!(error.is_bad_input(), "{error}");
    error
}

#[test]
fn each_missing_file_is_named() {
    for name in ["manifest.json", "records.jsonl", "experiment.toml"] {
        let folder = run_folder();
        fs::remove_file(folder.path().join(name)).expect("removed");
        let error = refused(folder.path());
        assert!(matches!(
            error,
            ReportError::Records(RecordsError::Read { .. })
        ));
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_line_that_is_no_record_is_numbered() {
    let wrong: [&[u8]; 7] = [
        b"{\"kind\":\"step\",\"run\":0,\"st",
        b"not json",
        b"{}",
        b"{\"kind\":\"leap\",\"run\":0}",
        b"{\"kind\":\"step\",\"run\":-1,\"step\":0,\"loss\":1,\"ln_rate\":0}",
        b"{\"kind\":\"step\",\"run\":0,\"step\":0,\"loss\":1e999,\"ln_rate\":0}",
        b"\xff\xfe\0\0",
    ];
    for line in wrong {
        let error = with_line(7, line);
        assert!(
            matches!(
                error,
                ReportError::Records(RecordsError::Record { line: 7, .. })
            ),
            "{error:?}"
        );
        let text = error.to_string();
        assert!(
            text.contains("records.jsonl, line 7: not a record"),
            "{text}"
        );
    }
}

#[test]
fn a_whole_last_line_must_be_a_record() {
    let folder = run_folder();
    let path = folder.path().join("records.jsonl");
    let mut records = fs::read(&path).expect("records");
    let lines = records.iter().filter(|&&byte| byte == b'\n').count() as u64;
    records.extend(b"{\"kind\":\n");
    fs::write(&path, &records).expect("records");
    let error = refused(folder.path());
    assert!(
        matches!(error, ReportError::Records(RecordsError::Record { line, .. }) if line == lines + 1),
        "{error:?}"
    );
}

#[test]
fn empty_lines_are_passed_over_and_counted() {
    let folder = run_folder();
    let path = folder.path().join("records.jsonl");
    let records = fs::read_to_string(&path).expect("records");
    fs::write(&path, format!("\n  \n{records}\n")).expect("records");
    report::write(folder.path()).expect("a report");
    fs::write(&path, format!("\n  \n{records}oops\n")).expect("records");
    let error = report::write(folder.path()).expect_err("an error");
    let lines = records.lines().count() as u64;
    assert!(
        matches!(error, ReportError::Records(RecordsError::Record { line, .. }) if line == lines + 3),
        "{error:?}"
    );
}

#[test]
fn a_run_that_the_manifest_lacks_is_refused() {
    let line = b"{\"kind\":\"step\",\"run\":3,\"step\":0,\"loss\":1,\"ln_rate\":0}";
    let error = with_line(2, line);
    assert!(matches!(
        error,
        ReportError::Records(RecordsError::UnknownRun {
            line: 2,
            run: 3,
            runs: 3,
            ..
        })
    ));
    assert!(
        error
            .to_string()
            .contains("line 2: run 3 is not in the manifest, which lists 3")
    );
}

#[test]
fn steps_that_go_back_or_stand_are_refused() {
    let folder = run_folder();
    let path = folder.path().join("records.jsonl");
    let records = fs::read_to_string(&path).expect("records");
    let first = records.lines().next().expect("a line");
    fs::write(&path, format!("{first}\n{records}")).expect("records");
    let error = refused(folder.path());
    let expected = matches!(
        error,
        ReportError::Records(RecordsError::OutOfOrder {
            line: 2,
            step: 0,
            previous: 0,
            ..
        })
    );
    assert!(expected, "{error:?}");
    assert!(
        error
            .to_string()
            .contains("step 0 of run 0 comes after step 0")
    );
}

#[test]
fn a_damaged_manifest_gives_line_and_column() {
    let folder = run_folder();
    let path = folder.path().join("manifest.json");
    let manifest = fs::read_to_string(&path).expect("the manifest");
    fs::write(
        &path,
        manifest.replace("\"batch_size\": 128", "\"batch_size\": \"many\""),
    )
    .expect("the manifest");
    let text = refused(folder.path()).to_string();
    assert!(
        text.contains("manifest.json is not the manifest of a run"),
        "{text}"
    );
    assert!(text.contains("line ") && text.contains("column "), "{text}");
}

#[test]
fn twins_that_do_not_exist_are_refused() {
    for twin in [1, 3, usize::MAX] {
        let folder = run_folder();
        let path = folder.path().join("manifest.json");
        let mut manifest = Simulation::default().manifest();
        manifest.runs[1].twin = Some(twin);
        fs::write(&path, serde_json::to_string(&manifest).expect("JSON")).expect("the manifest");
        let error = refused(folder.path());
        assert!(
            matches!(
                error,
                ReportError::Records(RecordsError::Twin {
                    run: 1,
                    runs: 3,
                    ..
                })
            ),
            "{error:?}"
        );
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = run_folder();
    fs::write(folder.path().join("figures"), "a file in the way").expect("a file");
    let error = report::write(folder.path()).expect_err("an error");
    assert!(matches!(error, ReportError::Write { .. }), "{error:?}");
    assert!(!error.is_bad_input());
    assert!(error.to_string().contains("cannot write") && error.to_string().contains("figures"));
}
