//! Presets are merged over the rest, and what is written is what was run.

use nn_engine::{Precision, Products};
use schedule_core::Schedule;
use trainer::experiment::{Arithmetic, Experiment, Transform};

const TINY: &str = include_str!("data/tiny.toml");

fn with_presets(presets: &str) -> String {
    format!("{TINY}\n{presets}")
}

#[test]
fn tables_are_merged_and_everything_else_replaced() {
    let text = with_presets(
        r#"
        [presets.paper]

        [presets.wide]
        title = "Wider"
        network.width = 3
        recipe.schedule.epochs = [0.5, 1.25]
        [[presets.wide.run]]
        name = "only"
        label = "only"
        transform = "original"

        [presets.cosine.recipe.schedule]
        kind = "cosine"
        lr = 0.1
        [[presets.cosine.run]]
        name = "step"
        label = "cosine"
        transform = "original"

        [presets.flat.recipe]
        optimizer.weight_decay = { kind = "joined", epochs = [1], parts = [0.01, 0.005] }
        schedule = { kind = "constant", lr = 0.05 }
        "#,
    );
    let read = |preset| Experiment::parse(&text, "e.toml", preset).unwrap();
    let base = read(None);
    assert_eq!(base, Experiment::parse(TINY, "e.toml", None).unwrap());
    assert_eq!(read(Some("paper")), base);

    let wide = read(Some("wide"));
    assert_eq!(
        (wide.title.as_str(), wide.network.width, wide.network.depth),
        ("Wider", 3, 8)
    );
    assert_eq!(wide.run.len(), 1);
    let recipe = wide.recipe(None).unwrap().recipe;
    let starts: Vec<u64> = recipe
        .phases()
        .unwrap()
        .iter()
        .map(|phase| phase.start)
        .collect();
    assert_eq!(starts, [0, 2, 5]); // 4 steps an epoch

    // A schedule of another kind does not inherit keys that it does not know.
    let cosine = read(Some("cosine")).recipe(None).unwrap().recipe;
    assert_eq!(
        *cosine.learning_rate(),
        Schedule::cosine(0.1, 0.0, 8).unwrap()
    );
    let flat = read(Some("flat"));
    assert_eq!(flat.recipe["optimizer"]["momentum"].as_float(), Some(0.9));
    let flat = flat.recipe(None).unwrap().recipe;
    assert_eq!(flat.at(7).learning_rate, 0.05);
    assert_eq!(flat.at(4).weight_decay, 0.005);
}

#[test]
fn mistakes_in_presets_are_found_where_they_are() {
    let line = TINY.lines().count() + 2;
    let message = |presets: &str, preset| {
        Experiment::parse(&with_presets(presets), "e.toml", preset)
            .unwrap_err()
            .to_string()
    };
    // An unknown key even in a preset that was not asked for.
    let unknown = message("[presets.a.network]\ndepht = 8\n", None);
    assert!(
        unknown.starts_with(&format!(
            "e.toml, line {}, column 1: unknown key `depht`",
            line + 1
        )),
        "{unknown}"
    );
    let recipe = message("[presets.a.recipe.schedule]\nepochs = [1, 3]\n", None);
    assert!(
        recipe.starts_with(&format!(
            "e.toml, line {}, column 14: `recipe.schedule.epochs.1` is 3",
            line + 1
        )),
        "{recipe}"
    );
    // A bad value in the one that was.
    let value = message("[presets.a.network]\ndepth = 9\n", Some("a"));
    assert!(
        value.starts_with(&format!(
            "e.toml, line {}, column 9: `network.depth` is 9",
            line + 1
        )),
        "{value}"
    );
    // A bad value of the base that only the preset makes bad is reported at the base.
    let base = message("[presets.a.training]\nepochs = 1\n", Some("a"));
    assert!(
        base.starts_with("e.toml, line 28, column 11: `recipe.schedule.epochs.0` is 1"),
        "{base}"
    );
    let name = message("[presets.\"a/b\"]\n", None);
    assert!(name.contains("`presets` is \"a/b\""), "{name}");
    let table = message("[presets]\na = 3\n", None);
    assert!(table.contains("presets.a must be a table"), "{table}");
    let presets = Experiment::parse(&format!("presets = 3\n{TINY}"), "e.toml", None)
        .unwrap_err()
        .to_string();
    assert!(
        presets.starts_with("e.toml, line 1, column 11: presets must be a table of tables"),
        "{presets}"
    );
}

#[test]
fn the_resolved_toml_reads_back_as_the_same_experiment() {
    let joined = r#"
        [presets.all]
        network = { architecture = "resnet", shortcut = "projection", head = "trained" }
        data = { augmentation = "crop-and-flip", crop_padding = 2 }
        training = { initial_seed = 9223372036854775807, batch_seed = 3, precision = "float32" }
        recipe.optimizer.weight_decay = { kind = "joined", parts = [0.01, 0.001], epochs = [0.75] }
        [presets.all.recipe.schedule]
        kind = "joined"
        epochs = [0.5, 1]
        parts = [
            { kind = "polynomial", lr = 0, final_lr = 0.1, power = 1 },
            1e-1,
            { kind = "cosine", lr = 0.1, final_lr = 1e-2 },
        ]
        [[presets.all.run]]
        name = "a"
        label = "with \"quotes\" and ünïcödé"
        transform = "original"
        [[presets.all.run]]
        name = "b"
        label = "b"
        transform = "wd-free"
    "#;
    let plain = r#"
        [presets.plain.network]
        architecture = "plain-cnn"
        [presets.connected.network]
        architecture = "fully-connected"
        depth = 4
        [presets.projecting.network]
        stem = "conv-projection"
        shortcut = "raw-projection"
    "#;
    for (text, preset) in [
        (TINY.to_owned(), None),
        (with_presets(joined), Some("all")),
        (with_presets(plain), Some("plain")),
        (with_presets(plain), Some("connected")),
        (with_presets(plain), Some("projecting")),
    ] {
        let experiment = Experiment::parse(&text, "e.toml", preset).unwrap();
        let written = experiment.to_toml().unwrap();
        assert!(!written.contains("presets"), "{written}");
        let again = Experiment::parse(&written, "written", None)
            .unwrap_or_else(|error| panic!("{error}\n{written}"));
        assert_eq!(again, experiment, "{written}");
        assert_eq!(
            again.recipe(None).unwrap(),
            experiment.recipe(None).unwrap()
        );
    }
}

#[test]
fn defaults_are_the_papers() {
    let experiment = Experiment::parse(TINY, "e.toml", None).unwrap();
    let config = experiment.network.config();
    let mut expected = nn_graph::nets::NetConfig::new(nn_graph::nets::Architecture::PreResNet, 8);
    expected.width = 2;
    assert_eq!(config, expected);
    assert_eq!(experiment.twin(1), Some(0));
    assert_eq!(experiment.run[2].transform, Transform::Tapered);
}

#[test]
fn the_readmes_experiment_is_one() {
    let readme = include_str!("../README.md");
    let (_, rest) = readme.split_once("```toml\n").unwrap();
    let (toml, _) = rest.split_once("```").unwrap();
    for preset in [None, Some("quick")] {
        Experiment::parse(toml, "README.md", preset).unwrap();
    }
}

#[test]
fn every_preset_of_every_experiment_that_ships_can_be_run() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../experiments");
    let mut files = 0;
    // A published crate comes without the workspace's experiments.
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path
            .file_stem()
            .is_some_and(|stem| stem == "toy" || stem == "degrees")
        {
            // It trains no network.
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let presets: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("[presets."))
            .collect();
        let presets = presets
            .iter()
            .map(|rest| Some(rest.split([']', '.']).next().unwrap()));
        for preset in presets.chain([None]) {
            Experiment::read(&path, preset).unwrap();
        }
        files += 1;
    }
    println!("{files} experiments");
}

#[test]
fn every_precision_is_called_what_it_is_called_in_toml() {
    for (name, arithmetic, numbers, products) in [
        (
            "float32",
            Arithmetic::Float32,
            Precision::Float32,
            Products::Full,
        ),
        (
            "float64",
            Arithmetic::Float64,
            Precision::Float64,
            Products::Full,
        ),
        (
            "tf32x3",
            Arithmetic::Tf32x3,
            Precision::Float32,
            Products::Tf32x3,
        ),
        ("tf32", Arithmetic::Tf32, Precision::Float32, Products::Tf32),
        ("bf16", Arithmetic::Bf16, Precision::Float32, Products::Bf16),
    ] {
        let text = TINY.replace("float64", name);
        let experiment = Experiment::parse(&text, "e.toml", None).unwrap();
        let read = experiment.training.precision;
        assert_eq!((read, read.name()), (arithmetic, name));
        assert_eq!((read.numbers(), read.products()), (numbers, products));
        let written = experiment.to_toml().unwrap();
        assert!(
            written.contains(&format!("precision = \"{name}\"")),
            "{written}"
        );
        assert_eq!(
            Experiment::parse(&written, "e.toml", None).unwrap(),
            experiment
        );
    }
    let none = TINY.replace("precision = \"float64\"\n", "");
    let experiment = Experiment::parse(&none, "e.toml", None).unwrap();
    assert_eq!(experiment.training.precision, Arithmetic::Float32);
}
