//! The drawing that `texp inspect --svg` makes.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{replace, success, texp, write};
use nn_graph::nets::{Architecture, NetConfig};
use nn_graph::{Affine, Graph, Training};
use roxmltree::{Document, Node};

fn preresnet(depth: usize) -> Graph {
    let mut config = NetConfig::new(Architecture::PreResNet, depth);
    (config.width, config.affine, config.head) = (2, Affine::ScaleAndShift, Training::Trained);
    config.build().unwrap()
}

/// The drawing of a written network.
fn drawing(folder: &Path, arguments: &[&str]) -> String {
    let inspect = ["inspect", "net.onnx", "--svg", "net.svg"];
    success(texp(folder, &[&inspect, arguments].concat(), ""));
    fs::read_to_string(folder.join("net.svg")).unwrap()
}

fn texts<'a>(node: Node<'a, '_>, class: &str) -> Vec<&'a str> {
    let texts = node.descendants().filter(|node| node.has_tag_name("text"));
    let texts = texts.filter(|text| text.attribute("class").unwrap().contains(class));
    texts
        .filter_map(|text| text.children().find(|child| child.is_text())?.text())
        .collect()
}

/// Names of boxes, by their class.
fn boxes<'a>(svg: &'a Document<'_>) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut boxes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for node in svg.descendants().filter(|node| node.has_tag_name("g")) {
        let class = node.attribute("class").unwrap();
        let title = node.children().find(|child| child.has_tag_name("title"));
        let name = title.and_then(|title| title.text()).unwrap();
        boxes.entry(class).or_default().push(name);
    }
    boxes
}

#[test]
fn every_layer_is_a_box_with_its_weights_and_what_breaks_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    let graph = preresnet(8);
    write(folder.path(), &graph);
    let svg = drawing(folder.path(), &[]);
    let svg = Document::parse(&svg).unwrap();
    let found = boxes(&svg);
    // The stream begins with degree 1, and the first branch ends with degree 2: no more than that, and the head.
    assert_eq!(found["broken"], ["stage1.block0.add", "head"]);
    assert_eq!(found["end"], ["input"]);
    for node in graph
        .nodes()
        .iter()
        .skip(1)
        .filter(|node| !node.name.contains("pool"))
    {
        let name = node.name.as_str();
        let drawn = found["layer"].contains(&name) || found["broken"].contains(&name);
        assert!(drawn, "{name}: {found:?}");
    }
    // One line to each box but the input, and two to an addition.
    let count: usize = found.values().map(Vec::len).sum();
    let additions = graph
        .nodes()
        .iter()
        .filter(|node| node.name.ends_with("add"));
    let paths = svg.descendants().filter(|node| node.has_tag_name("path"));
    let lines = paths.filter(|path| path.attribute("class") == Some("line"));
    assert_eq!(lines.count(), count - 1 + additions.count());
    let beside = texts(svg.root(), "beside").join("\n");
    for parameter in graph.parameters() {
        let shape: Vec<String> = parameter.shape.iter().map(usize::to_string).collect();
        let line = format!("{} {} · 1", parameter.name, shape.join("×"));
        assert!(beside.contains(&line), "{line}\n{beside}");
    }
    // On a degree, how it comes about.
    let titles = svg.descendants().filter(|node| node.has_tag_name("title"));
    let mut titles = titles.filter_map(|title| title.text());
    let form = ": d(stage1.block0.norm1.shift) + d(stage1.block0.conv1.weight)";
    assert!(titles.any(|title| title.ends_with(form)));
    let words = texts(svg.root(), "violation").join(" ");
    assert!(
        words.contains("joins tensors of degree 2 and 1; they must be equal"),
        "{words}"
    );
}

#[test]
fn with_a_recipe_the_exponents_are_those_of_its_groups_and_nothing_breaks() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &preresnet(8));
    let recipe = [
        "--recipe",
        "recipe.toml",
        "--no-decay",
        "*norm*",
        "--no-decay",
        "*.bias",
    ];
    let svg = drawing(folder.path(), &recipe);
    let svg = Document::parse(&svg).unwrap();
    assert!(!boxes(&svg).contains_key("broken"));
    let degrees = texts(svg.root(), "degree");
    assert!(degrees.contains(&"0") && degrees.contains(&"1"));
    assert!(
        degrees.iter().all(|degree| ["0", "1"].contains(degree)),
        "{degrees:?}"
    );
    let beside = texts(svg.root(), "beside");
    assert!(
        beside.contains(&"stem.conv1.weight 2×3×3×3 · 1"),
        "{beside:?}"
    );
    assert!(
        beside.contains(&"stage1.block0.norm1.scale 2 · 0"),
        "{beside:?}"
    );
}

#[test]
fn names_are_text_whatever_is_in_them() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &preresnet(8));
    replace(&folder.path().join("net.onnx"), "stem.conv1", "<&\"'>]]>&x");
    let svg = drawing(folder.path(), &[]);
    let svg = Document::parse(&svg).unwrap();
    assert!(boxes(&svg)["layer"].contains(&"<&\"'>]]>&x"));
}

/// What is drawn of each layer does not grow with their number.
#[test]
fn a_network_of_thousands_of_layers_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let size = |depth| {
        write(folder.path(), &preresnet(depth));
        let svg = drawing(folder.path(), &[]);
        let width: f64 = Document::parse(&svg)
            .unwrap()
            .root_element()
            .attribute("width")
            .unwrap()
            .parse()
            .unwrap();
        (svg.len(), width)
    };
    let (small, narrow) = size(182);
    let (large, wide) = size(1502);
    assert!(large < 9 * small, "{large} {small}");
    assert!(wide < 1.2 * narrow, "{wide} {narrow}");
}
