//! `texp compare`: runs of any folders in one page.

mod common;

use std::fs;

use common::{TINY, command, success};

#[test]
fn runs_of_two_folders_come_into_one_page_and_mistakes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.toml"), TINY).unwrap();
    let texp = |arguments: &[&str]| command(folder.path(), arguments).output().unwrap();
    for _ in 0..2 {
        success(texp(&["train", "tiny.toml", "--synthetic"]));
    }
    let names: Vec<String> = {
        let manifest = fs::read_to_string(folder.path().join("runs/tiny/manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        let runs = manifest["runs"].as_array().unwrap();
        runs.iter()
            .map(|run| run["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let one = format!("runs/tiny-2/{}", names[0]);
    let (said, _) = success(texp(&["compare", "runs/tiny", &one, "--out", "both.html"]));
    assert_eq!(said, "both.html\n");
    let page = fs::read_to_string(folder.path().join("both.html")).unwrap();
    let heading = format!("<h1>{} runs compared</h1>", names.len() + 1);
    assert!(page.contains(&heading) && page.contains("tiny-2: "));

    success(texp(&["compare", "runs/tiny/"]));
    assert!(folder.path().join("compare.html").is_file());

    for (wrong, says) in [
        ("runs/tiny/none", "has no run \"none\"; its runs are "),
        ("runs", "cannot read runs/"),
        ("nowhere", "cannot read nowhere/"),
    ] {
        let output = texp(&["compare", wrong, "--out", "wrong.html"]);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(says), "{message}");
        assert!(!folder.path().join("wrong.html").exists());
    }
}
