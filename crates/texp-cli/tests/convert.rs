//! `texp convert` as a user calls it: streams, files, exit codes, messages.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Output, Stdio};

use common::{command, success, texp};
use trainer::experiment::Transform;

const RECIPE: &str = "\
steps_per_epoch = 391
epochs = 200
[optimizer]
kind = \"sgd\"
momentum = 0.9
weight_decay = 5e-4
[schedule]
kind = \"step\"
lr = 0.1
factor = 0.1
epochs = [80, 120]
";

const HEADER: &str = "step,lr,weight_decay,momentum,ln_lr_exp,lr_exp,momentum_exp,ln_scale";

#[track_caller]
fn refusal(output: Output) -> String {
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("error: "), "{said}");
    assert!(output.stdout.is_empty());
    said
}

#[test]
fn the_schedule_goes_to_standard_output_and_the_summary_to_standard_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("recipe.toml"), RECIPE).unwrap();
    let (out, said) = success(texp(folder.path(), &["convert", "recipe.toml"], ""));
    assert_eq!(
        (out.lines().count(), out.lines().next()),
        (78_201, Some(HEADER))
    );
    assert!(
        out.lines().last().unwrap().starts_with("78199,0.001"),
        "{out}"
    );
    assert!(
        said.starts_with("exact twin without weight decay: 78200 steps"),
        "{said}"
    );
    assert!(said.contains("(ln 26.390698) at step 78199"), "{said}");

    let arguments = ["convert", "-", "--to", "tapered", "--every", "391"];
    let (thin, said) = success(texp(folder.path(), &arguments, RECIPE));
    assert_eq!(thin.lines().count(), 201);
    assert!(said.contains("(ln 26.399805) at step 78199"), "{said}");
}

#[test]
fn every_target_has_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = format!("{RECIPE}[target]\nweight_decay = 1e-4\n");
    for (to, said_first) in [
        // As runs of an experiment say it.
        (
            Transform::WdFree.name(),
            "exact twin without weight decay: ",
        ),
        (Transform::Tapered.name(), "TEXP, "),
        (Transform::TaperedNoDrop.name(), "TEXP--, "),
        ("weight-decay", "exact twin with another weight decay: "),
        (
            "sgd-lr-inside",
            "exact twin without weight decay, the rate inside",
        ),
    ] {
        let arguments = ["convert", "-", "--to", to, "--every", "100000"];
        let (out, said) = success(texp(folder.path(), &arguments, &recipe));
        assert_eq!(out.lines().count(), 2);
        assert!(said.starts_with(said_first), "{said}");
    }
}

#[test]
fn groups_have_rows_and_curves_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let groups = "[[group]]\nname = \"body\"\n[[group]]\nname = \"head\"\nexponent = 0\n";
    let arguments = ["convert", "-", "--every", "50000", "--plot", "plot.svg"];
    let (out, said) = success(texp(
        folder.path(),
        &arguments,
        &format!("{RECIPE}{groups}"),
    ));
    let ends = out.lines().map(|line| line.rsplit(',').next().unwrap());
    assert_eq!(
        ends.collect::<Vec<_>>(),
        ["group", "body", "head", "body", "head"]
    );
    assert!(
        said.contains("  group head: learning rate 0.1000"),
        "{said}"
    );
    let svg = fs::read_to_string(folder.path().join("plot.svg")).unwrap();
    for curve in [
        "body: twin, with another",
        "head: recipe, with weight decay",
        "head: 1/A",
    ] {
        assert!(svg.contains(curve), "{curve}");
    }
}

#[test]
fn files_named_on_the_command_line_are_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    for (format, start) in [
        ("csv", HEADER),
        ("json", "[\n{\"step\":0,\"lr\":0.1,"),
        ("toml", "[[row]]\nstep = 0\nlr = 0.1\n"),
        ("torch", "\"\"\"SGD without weight decay"),
    ] {
        let arguments = [
            "convert", "-", "--format", format, "--output", "out", "--plot", "plot.svg",
        ];
        let (out, _) = success(texp(folder.path(), &arguments, RECIPE));
        assert_eq!(out, "");
        assert!(read("out").starts_with(start), "{format}");
        let svg = read("plot.svg");
        assert!(
            svg.starts_with("<svg ") && svg.contains("twin, without"),
            "{svg}"
        );
        assert_eq!(
            svg.matches("class=\"milestone\"").count(),
            4,
            "two drops in each of two charts"
        );
    }
}

#[test]
fn a_csv_file_is_found_from_the_recipes_folder() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("inner")).unwrap();
    let lines = "kind = \"step\"\nlr = 0.1\nfactor = 0.1\nepochs = [80, 120]\n";
    let recipe = RECIPE.replace(lines, "kind = \"csv\"\nfile = \"lr.csv\"\n");
    fs::write(folder.path().join("inner/recipe.toml"), &recipe).unwrap();
    fs::write(
        folder.path().join("inner/lr.csv"),
        "step,lr\n0,0.5\n1,0.25\n",
    )
    .unwrap();
    let (out, said) = success(texp(folder.path(), &["convert", "inner/recipe.toml"], ""));
    assert!(out.lines().nth(2).unwrap().starts_with("1,0.25,"), "{out}");
    assert!(
        said.contains("warning: the table of the learning rate has 2 values"),
        "{said}"
    );
    // From standard input, from the working directory, where there is none.
    let said = refusal(texp(folder.path(), &["convert", "-"], &recipe));
    assert!(
        said.contains("standard input, line 9, column 8: `schedule.file`: lr.csv"),
        "{said}"
    );
}

/// As `| head -1` does.
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("recipe.toml"), RECIPE).unwrap();
    for (arguments, first) in [
        (&["convert", "recipe.toml"][..], HEADER),
        (&["convert", "recipe.toml", "--format", "json"], "["),
        (&["completions", "bash"], "_texp() {"),
    ] {
        let mut child = command(folder.path(), arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::with_capacity(16, child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line.trim_end(), first);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        assert!(
            !said.contains("error") && !said.contains("panicked"),
            "{said}"
        );
    }
}

#[test]
fn bad_input_is_one_sentence_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let convert = |input: &str| texp(folder.path(), &["convert", "-"], input);
    let said = refusal(convert(&RECIPE.replace("lr = 0.1", "rate = 0.1")));
    assert!(
        said.starts_with(
            "error: standard input, line 9, column 1: there is no key `schedule.rate`"
        ),
        "{said}"
    );
    let said = refusal(convert(
        &RECIPE.replace("momentum = 0.9", "momentum = 0.99"),
    ));
    assert!(
        said.contains("line 6, column 16: step 471 has no"),
        "{said}"
    );

    let said = refusal(texp(folder.path(), &["convert", "missing.toml"], ""));
    assert!(
        said.starts_with("error: missing.toml cannot be read ("),
        "{said}"
    );
    fs::write(folder.path().join("binary"), [0xff, 0xfe, 0x00]).unwrap();
    let said = refusal(texp(folder.path(), &["convert", "binary"], ""));
    assert!(
        said.contains("binary cannot be read (") && said.contains("that it is text"),
        "{said}"
    );
    let arguments = ["convert", "-", "--format", "torch", "--every", "2"];
    let said = refusal(texp(folder.path(), &arguments, RECIPE));
    assert!(said.contains("--every thins a table"), "{said}");

    // Arguments are clap's: several lines, the same code.
    for wrong in [
        &["convert"][..],
        &["convert", "-", "--every", "0"],
        &["convert", "-", "--to", "x"],
    ] {
        assert_eq!(texp(folder.path(), wrong, "").status.code(), Some(2));
    }
    // Where the schedule cannot go is not the recipe's fault.
    let output = texp(
        folder.path(),
        &["convert", "-", "--output", "no/such/folder"],
        RECIPE,
    );
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with("error: no/such/folder cannot be written ("),
        "{said}"
    );
}

#[test]
fn completions_know_every_verb() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (out, _) = success(texp(folder.path(), &["completions", shell], ""));
        assert!(out.contains("convert") && out.contains("every"), "{shell}");
    }
}

#[test]
fn the_manual_has_every_page_that_it_refers_to() {
    let folder = tempfile::tempdir().unwrap();
    let (out, said) = success(texp(folder.path(), &["man", "share/man1"], ""));
    assert_eq!((out.as_str(), said.as_str()), ("", ""));
    let pages = folder.path().join("share/man1");
    let read = |page: &str| fs::read_to_string(pages.join(page)).unwrap();
    let main = read("texp.1");
    let referred = main
        .lines()
        .filter_map(|line| line.strip_suffix("(1)"))
        .map(|page| format!("{}.1", page.replace("\\-", "-")));
    let mut expected: Vec<String> = referred.collect();
    expected.push("texp.1".to_owned());
    let mut found: Vec<String> = fs::read_dir(&pages)
        .unwrap()
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    let verbs = [
        "audit",
        "compare",
        "completions",
        "convert",
        "inspect",
        "man",
        "report",
        "repro",
        "resume",
        "toy",
        "train",
    ];
    assert_eq!(
        found[..verbs.len()],
        verbs.map(|verb| format!("texp-{verb}.1")),
        "{main}"
    );
    let convert = read("texp-convert.1");
    for part in [
        ".TH texp-convert 1",
        "texp convert",
        "\\-\\-every",
        "PyTorch",
    ] {
        assert!(convert.contains(part), "{part} is not in\n{convert}");
    }

    fs::write(folder.path().join("file"), "").unwrap();
    let output = texp(folder.path(), &["man", "file"], "");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("error: file cannot be written ("),
        "{said}"
    );
}
