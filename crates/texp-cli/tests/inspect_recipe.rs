//! `texp inspect --recipe` as a user calls it.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{RECIPE, replace, success, texp, write};
use nn_graph::nets::{Architecture, NetConfig};
use nn_graph::{Affine, Bias, ConvSpec, Graph, GraphBuilder, Shape, Training};
use serde_json::Value;

/// Biases and what normalisations have, as a user says it.
const NO_DECAY: [&str; 4] = ["--no-decay", "*norm*", "--no-decay", "*.bias"];

fn preresnet() -> Graph {
    let mut config = NetConfig::new(Architecture::PreResNet, 8);
    (config.width, config.affine, config.head) = (2, Affine::ScaleAndShift, Training::Trained);
    config.build().unwrap()
}

fn inspect(folder: &Path, arguments: &[&str]) -> (String, String) {
    let with_recipe = ["inspect", "net.onnx", "--recipe", "recipe.toml"];
    success(texp(folder, &[&with_recipe, arguments].concat(), ""))
}

/// The parameters of each group, with its exponent.
fn groups(folder: &Path, arguments: &[&str]) -> BTreeMap<String, (Value, Vec<String>)> {
    let (out, _) = inspect(folder, &[arguments, &["--format", "json"]].concat());
    let told: Value = serde_json::from_str(&out).unwrap();
    let group = |group: &Value| {
        let parameters = group["parameters"].as_array().unwrap().iter();
        let names = parameters.map(|p| p["name"].as_str().unwrap().to_owned());
        let name = group["name"].as_str().unwrap().to_owned();
        (name, (group["exponent"].clone(), names.collect()))
    };
    let groups = told["parameter_groups"].as_array().unwrap();
    groups.iter().map(group).collect()
}

#[test]
fn every_trained_parameter_is_in_the_group_that_the_theory_says() {
    let folder = tempfile::tempdir().unwrap();
    let graph = preresnet();
    write(folder.path(), &graph);
    let found = groups(folder.path(), &NO_DECAY);
    let expected = |name: &str| {
        let is_head = name == "head.weight";
        let has_none = name.contains("norm") || name.ends_with(".bias");
        match (is_head, has_none) {
            (true, _) => "keeps-decay",
            (_, true) => "no-decay",
            _ => "decay-free",
        }
    };
    let mut placed = 0;
    for (group, (exponent, names)) in &found {
        let one = i32::from(group == "decay-free");
        assert_eq!(exponent, &serde_json::json!([one, 1]));
        for name in names {
            assert_eq!(group, expected(name), "{name}");
        }
        placed += names.len();
    }
    let trained = graph.parameters().iter().filter(|p| p.trainable).count();
    assert_eq!((found.len(), placed), (3, trained));
    // A part of a head that is not trained is in no group.
    let found = groups(folder.path(), &["--freeze", "head.*"]);
    assert!(
        !found
            .values()
            .any(|(_, names)| names.contains(&"head.bias".into()))
    );
}

#[test]
fn convert_reads_the_recipe_with_its_groups() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &preresnet());
    let (recipe, _) = inspect(
        folder.path(),
        &[&NO_DECAY[..], &["--format", "recipe"]].concat(),
    );
    assert!(recipe.starts_with(RECIPE), "{recipe}");
    let (rows, said) = success(texp(folder.path(), &["convert", "-"], &recipe));
    let last: Vec<Vec<&str>> = rows
        .lines()
        .skip(898)
        .map(|row| row.split(',').collect())
        .collect();
    let decays: Vec<(&str, f64)> = last
        .iter()
        .map(|row| (row[9], row[8].parse().unwrap()))
        .collect();
    let expected = [
        ("decay-free", 0.0),
        ("keeps-decay", 5e-3),
        ("no-decay", 0.0),
    ];
    assert_eq!(decays, expected);
    assert!(said.contains("group decay-free: "), "{said}");
}

#[test]
fn the_words_say_what_keeps_its_decay_and_why() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &preresnet());
    let (words, said) = inspect(folder.path(), &NO_DECAY);
    for line in [
        "decay-free, exponent 1, 9 parameters: weight decay becomes an exponential learning rate, exactly",
        "keeps-decay, exponent 0, 1 parameter: weight decay stays",
        "  head.weight: `head.weight` can be scaled up only if another of group ",
        "no-decay, exponent 0, 15 parameters: no weight decay",
    ] {
        assert!(
            words.lines().any(|found| found.starts_with(line)),
            "{line}\n{words}"
        );
    }
    assert_eq!(said, "");
    // The shift of a normalisation has no decay, its scale has: they scale only together.
    let (words, _) = inspect(folder.path(), &["--no-decay", "*.shift"]);
    let reason = "can be scaled only along with others of group ";
    assert!(
        words.contains(reason) && words.contains("must stay, without weight decay"),
        "{words}"
    );
    let (words, _) = inspect(folder.path(), &["--no-decay", "*"]);
    assert!(
        words.contains("No weight decay can become a learning rate"),
        "{words}"
    );
}

#[test]
fn groups_are_told_only_with_a_recipe() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &preresnet());
    let arguments = ["inspect", "net.onnx", "--format", "json"];
    let (out, _) = success(texp(folder.path(), &arguments, ""));
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told.get("parameter_groups"), None);
}

#[test]
fn what_has_no_groups_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &preresnet());
    let adamw = RECIPE
        .replace("sgd", "adamw")
        .replace("momentum = 0.9", "beta1 = 0.9\nbeta2 = 0.99\neps = 1e-8");
    for (recipe, arguments, expected) in [
        (
            RECIPE.replace("sgd", "sgdw"),
            &[][..],
            "recipe.toml, line 6, column 8: for the optimizer \"sgdw\" parameter groups have no exact conversion",
        ),
        (
            adamw,
            &[],
            "for the optimizer \"adamw\" parameter groups have no exact conversion",
        ),
        (
            format!("{RECIPE}[[group]]\nname = \"a\"\n"),
            &[],
            "recipe.toml, line 9, column 1: the recipe has parameter groups, and does not say which",
        ),
        (
            RECIPE.into(),
            &["--no-decay", "nothing"],
            "--no-decay `nothing` is the name of no trained parameter",
        ),
        (
            RECIPE.into(),
            &["--freeze", "head.bias", "--no-decay", "head.bias"],
            "--no-decay `head.bias` is the name of no trained parameter",
        ),
        (
            RECIPE.into(),
            &["--no-decay", "["],
            "--no-decay `[` is no pattern",
        ),
        (
            RECIPE.replace("0.9", "1.9"),
            &[],
            "recipe.toml, line 7, column 12: ",
        ),
    ] {
        fs::write(folder.path().join("recipe.toml"), recipe).unwrap();
        let with_recipe = ["inspect", "net.onnx", "--recipe", "recipe.toml"];
        let output = texp(folder.path(), &[&with_recipe, arguments].concat(), "");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.starts_with("error: ") && said.contains(expected),
            "{said}"
        );
        assert_eq!(
            (said.lines().count(), output.stdout.len()),
            (1, 0),
            "{said}"
        );
    }
    // Options that mean nothing without a recipe.
    for arguments in [
        ["--format", "recipe"],
        ["--no-decay", "*"],
        ["--param-groups", "groups.py"],
    ] {
        let output = texp(
            folder.path(),
            &[&["inspect", "net.onnx"], &arguments[..]].concat(),
            "",
        );
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("--recipe <FILE>"), "{said}");
    }
}

#[test]
fn signs_of_an_export_that_lost_normalisations_or_names_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let mut net = GraphBuilder::new(Shape::new([3, 8, 8])).unwrap();
    let spec = ConvSpec {
        channels: 2,
        kernel: 3,
        stride: 1,
        padding: 1,
        bias: Bias::Trained,
    };
    let x = net.conv2d("conv", net.input(), spec).unwrap();
    let x = net.global_average_pool("pool", x).unwrap();
    write(folder.path(), &net.finish(x).unwrap());
    let (_, said) = inspect(folder.path(), &[]);
    let lost = "warning: the network has convolutions and no normalisation: ";
    assert!(
        said.starts_with(lost) && said.lines().count() == 1,
        "{said}"
    );

    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn-onnx/tests/fixtures");
    fs::copy(
        fixtures.join("torchscript_block_13.onnx"),
        folder.path().join("net.onnx"),
    )
    .unwrap();
    let (_, said) = inspect(folder.path(), &[]);
    let made_up =
        "warning: 5 parameters have names that an exporter made up, such as `onnx::Mul_20`";
    assert!(said.contains(made_up), "{said}");
    // PyTorch's newer exporter calls a normalisation so that it multiplied into a convolution.
    let mut net = GraphBuilder::new(Shape::new([3, 8, 8])).unwrap();
    let x = net.conv2d("conv1234", net.input(), spec).unwrap();
    let x = net.batch_norm("norm", x, Affine::None, 0.0).unwrap();
    let x = net.global_average_pool("pool", x).unwrap();
    write(folder.path(), &net.finish(x).unwrap());
    let (_, said) = inspect(folder.path(), &[]);
    assert_eq!(said, "");
    replace(
        &folder.path().join("net.onnx"),
        "conv1234.bias",
        "c.weight_bias",
    );
    let (_, said) = inspect(folder.path(), &[]);
    let folded = "warning: `c.weight_bias` is what an exporter makes of a batch normalisation: ";
    assert!(said.starts_with(folded), "{said}");

    let fixture = fixtures.join("torchscript_block_13.onnx");
    fs::copy(fixture, folder.path().join("net.onnx")).unwrap();
    // Without a recipe, names are nothing but names.
    let (_, said) = success(texp(folder.path(), &["inspect", "net.onnx"], ""));
    assert!(!said.contains("made up"), "{said}");

    // Without convolutions there is nothing that a normalisation was multiplied into.
    let fixture = fixtures.join("dynamo_block.onnx");
    fs::copy(fixture, folder.path().join("net.onnx")).unwrap();
    let (_, said) = success(texp(folder.path(), &["inspect", "net.onnx"], ""));
    assert_eq!(said, "");
}

/// A weight that is used twice, and a bias before a normalisation that is not scaled as its weight is.
#[test]
fn what_is_scaled_by_another_power_keeps_a_part_of_its_decay() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn-onnx/tests/fixtures");
    let fixture = fixtures.join("used_twice_18.onnx");
    fs::copy(fixture, folder.path().join("net.onnx")).unwrap();
    fs::write(folder.path().join("recipe.toml"), RECIPE).unwrap();
    let no_decay = ["--no-decay", "*norm*", "--no-decay", "*.bias"];
    let (recipe, _) = inspect(
        folder.path(),
        &[&no_decay[..], &["--format", "recipe"]].concat(),
    );
    let groups = &recipe[RECIPE.len()..];
    let expected = "
[[group]]
name = \"decay-free\"
exponent = 1
# stem.weight
# last.weight

[[group]]
name = \"partly-1-2\"
exponent = 0.5 # 1/2
# twice.weight

[[group]]
name = \"keeps-decay\"
exponent = 0
# head.weight

[[group]]
name = \"no-decay\"
exponent = 0
weight_decay = 0.0
# norm.weight
# norm.bias
# last.bias
# last_norm.weight
# last_norm.bias
";
    assert_eq!(groups, expected);
    let python = ["--param-groups", "groups.py"];
    let (words, _) = inspect(folder.path(), &[&no_decay[..], &python].concat());
    let partly = "  twice.weight: `twice.weight` is scaled by the power 1/2 of what";
    let mixed = "The running means of last_norm add terms that scale differently";
    let all = "  stem.weight, last.weight\n";
    let none = "  norm.weight, norm.bias, last.bias, last_norm.weight, last_norm.bias\n";
    for line in [partly, mixed, all, none] {
        assert!(words.contains(line), "{line}\n{words}");
    }
    let python = fs::read_to_string(folder.path().join("groups.py")).unwrap();
    for lines in [
        " from net.onnx.\n",
        "    # Exponent 1/2.\n    \"partly-1-2\": {\n        \"twice.weight\": (4, 4, 3, 3),\n",
        "DEGREES = {\n    \"norm\": 1,\n}\n# Not corrected by any power, since it adds terms",
    ] {
        assert!(python.contains(lines), "{lines}\n{python}");
    }
    // A scale waits for its shift, which has no decay; and now weight and bias of the last convolution scale alike.
    let (words, _) = inspect(
        folder.path(),
        &["--no-decay", "norm.bias", "--freeze", "last.weight"],
    );
    let waits = "and of these `norm.bias` must stay, without weight decay\n";
    assert!(words.contains(waits), "{words}");
    assert!(!words.contains("running means"), "{words}");
    let python = ["--freeze", "last.weight", "--param-groups", "groups.py"];
    inspect(folder.path(), &python);
    let python = fs::read_to_string(folder.path().join("groups.py")).unwrap();
    assert!(
        python.contains("    \"last_norm\": 1,\n}\n\n\ndef param_groups"),
        "{python}"
    );
}

/// Neither the network nor the recipe is written over, nor is a drawing by groups.
#[test]
fn no_file_that_is_read_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let network = folder.path().join("net.onnx");
    let bytes = b"whatever it is".to_vec();
    fs::write(&network, &bytes).unwrap();
    let recipe = folder.path().join("recipe.toml");
    fs::write(&recipe, "").unwrap();
    let [network_, recipe_] = [&network, &recipe].map(|path| path.to_str().unwrap());
    let both = folder.path().join("both");
    let both = both.to_str().unwrap();
    for arguments in [
        &["--svg", network_][..],
        &["--recipe", recipe_, "--param-groups", recipe_],
        &["--recipe", recipe_, "--param-groups", both, "--svg", both],
    ] {
        let output = texp(
            folder.path(),
            &[&["inspect", network_], arguments].concat(),
            "",
        );
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("name another file to write"), "{message}");
    }
    assert_eq!(fs::read(network).unwrap(), bytes);
}
