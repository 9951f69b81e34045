//! `texp repro --figure degrees` as a user calls it.

mod common;

use std::fs;

use common::command;

const FILE: &str = include_str!("../../../experiments/degrees.toml");

#[test]
fn the_table_is_a_figure_with_a_verdict_for_each_row() {
    let folder = tempfile::tempdir().unwrap();
    let put = |text: &str| fs::write(folder.path().join("experiments/degrees.toml"), text).unwrap();
    fs::create_dir(folder.path().join("experiments")).unwrap();
    put(FILE);
    let repro = || {
        let arguments = [
            "repro", "--figure", "degrees", "--preset", "smoke", "--out", "found",
        ];
        let output = command(folder.path(), &arguments).output().unwrap();
        let [out, err] =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (output.status.code(), out, err)
    };
    let (code, out, err) = repro();
    assert_eq!(code, Some(0), "{err}");
    let rows = FILE.matches("[[row]]").count();
    assert_eq!(out.matches("\n  reproduced ").count(), rows, "{out}");
    assert!(!out.contains("NOT REPRODUCED"), "{out}");

    let results = folder.path().join("found/reproduction-smoke");
    let summary = fs::read_to_string(results.join("claims.csv")).unwrap();
    assert_eq!(summary.matches("\ndegrees,").count(), rows);
    let page = fs::read_to_string(results.join("report.html")).unwrap();
    assert!(page.contains("normalisations read degrees 1, 2, 2, the result has degree 0"));
    assert!(page.contains("id=\"degrees\""));

    // A claim that is wrong is told; a mistake in the file is a sentence.
    put(&FILE.replacen("function = \"stays\"", "function = \"changes\"", 1));
    let (code, out, _) = repro();
    assert_eq!((code, out.matches("NOT REPRODUCED").count()), (Some(0), 1));
    put(&FILE.replacen("depth = 8", "depth = 9", 1));
    let (code, _, err) = repro();
    assert_eq!(code, Some(2));
    let expected = "column 11: the depth of the network is 9; it must be 6n + 2 with n from 1 to 1000 (8, 14, 20, 26, 32, …)\n";
    assert!(
        err.starts_with("error: experiments/degrees.toml, line ") && err.ends_with(expected),
        "{err}"
    );
}
