//! `texp repro --dry-run`: what a reproduction would train.

mod common;

use std::fs;
use std::path::Path;

use common::{TINY, command, success};

/// Two figures that share a run, one of which is in two precisions.
fn experiments(folder: &Path) {
    let folder = folder.join("experiments");
    fs::create_dir(&folder).unwrap();
    let preset = "[presets.small]\n";
    fs::write(folder.join("a.toml"), format!("{TINY}{preset}")).unwrap();
    let variants = "[presets.double]\ntraining.precision = \"float64\"\n[presets.single]\n";
    let both = TINY.replace("title", "variants = [\"double\", \"single\"]\ntitle");
    fs::write(
        folder.join("b.toml"),
        format!("{both}{preset}{variants}").replace("wd-free", "tapered"),
    )
    .unwrap();
}

/// The words of each line of a dry run, and what it writes to standard error.
fn dry_run(folder: &Path, arguments: &[&str]) -> (Vec<String>, String) {
    let arguments = [&["repro", "--dry-run"], arguments].concat();
    let (out, said) = success(command(folder, &arguments).output().unwrap());
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    (out.lines().map(words).collect(), said)
}

/// The line of a training, without its memory.
fn line(name: &str, precision: &str, device: &str, runs: usize) -> String {
    // 2 epochs of 16 images in 4 steps each, and of 8.
    let [trained, evaluated] = [32 * runs, 16 * runs];
    format!(
        "{name} PreResNet-8, width 2 243792 {precision} {device} {runs} 8 {trained} {evaluated} "
    )
}

#[test]
fn a_dry_run_counts_images_of_each_training_and_of_all_seeds() {
    let folder = tempfile::tempdir().unwrap();
    experiments(folder.path());
    let (lines, said) = dry_run(folder.path(), &["--device", "cuda", "--seeds", "5"]);
    assert_eq!(said, "", "no GPU is needed to know what one would do");
    println!("{lines:#?}");
    // The original of the second figure in float32 is the first figure's.
    for expected in [
        line("a", "float32", "GPU", 3),
        line("b-double", "float64", "CPU", 2),
    ] {
        let found = lines.iter().filter(|line| line.starts_with(&expected));
        assert_eq!(found.count(), 1, "{expected}: {lines:#?}");
    }
    let totals = [
        "With --seeds 5, on the GPU: 5 trainings, 480 images to train, 240 to evaluate.",
        "With --seeds 5, on the CPU: 5 trainings, 320 images to train, 160 to evaluate.",
    ];
    assert_eq!(lines[lines.len() - 2..], totals);
    assert!(!folder.path().join("runs").exists());

    let (lines, _) = dry_run(folder.path(), &["--device", "cpu", "--figure", "a"]);
    let expected = line("a", "float32", "CPU", 2);
    assert!(
        lines.iter().any(|line| line.starts_with(&expected)),
        "{lines:#?}"
    );
    let total = "With --seeds 1, on the CPU: 1 trainings, 64 images to train, 32 to evaluate.";
    assert_eq!(lines.last().unwrap(), total);

    let bf16 = ["--device", "cuda", "--precision", "bf16"];
    let (lines, _) = dry_run(folder.path(), &bf16);
    let expected = line("a", "bf16", "GPU", 2);
    assert!(
        lines.iter().any(|line| line.starts_with(&expected)),
        "{lines:#?}"
    );
}

#[test]
fn a_figure_about_formats_of_a_gpu_is_left_out_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    experiments(folder.path());
    let variants = "[presets.whole]\n[presets.short]\ntraining.precision = \"bf16\"\n";
    let both = TINY.replace("title", "variants = [\"whole\", \"short\"]\ntitle");
    let file = folder.path().join("experiments/formats.toml");
    fs::write(file, format!("{both}[presets.small]\n{variants}")).unwrap();
    let is_about = |lines: &[String]| lines.iter().any(|line| line.starts_with("formats-short "));
    for device in ["cpu", "auto"] {
        let (lines, said) = dry_run(folder.path(), &["--device", device]);
        assert!(lines.iter().any(|line| line.starts_with("a PreResNet-8")));
        assert!(!is_about(&lines), "{lines:#?}");
        let sentence = "The figure formats is left out: ";
        assert_eq!(said.matches(sentence).count(), 1, "{said}");

        let named = [
            "repro",
            "--dry-run",
            "--figure",
            "formats",
            "--device",
            device,
        ];
        let refused = command(folder.path(), &named).output().unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(
            said.contains("multiply in bf16, which the CPU does not"),
            "{said}"
        );
    }
    let (lines, said) = dry_run(folder.path(), &["--device", "cuda"]);
    assert!(is_about(&lines) && said.is_empty(), "{lines:#?} {said}");
}
