use super::{all, read};

const ENTRY: &str = r#"
    [[case]]
    name = "two convolutions"
    tier = "sim"
    batch = 3
    steps = 2
    [case.network]
    kind = "chain"
    input = [2, 5, 4]
    ops = [
        { op = "conv2d", channels = 4, kernel = 1, stride = 1, padding = 0 },
        { op = "global_average_pool" },
    ]
"#;

fn read_with(vary: &str, seeds: &str) -> Result<Vec<super::Case>, String> {
    let text = format!("{ENTRY}{vary}");
    read(&[&text], seeds).map_err(|error| error.to_string())
}

#[test]
fn an_entry_stands_for_the_product_of_what_it_varies() {
    let vary = r#"
        [case.vary]
        "network.ops.0" = { 5x5 = { op = "conv2d", channels = 1, kernel = 5, stride = 1, padding = 2 } }
        "network.ops.0.channels" = [3, 17]
        "network.input" = [[2, 7, 5], [2, 1, 1]]
        batch = [1]
    "#;
    let cases = read_with(vary, "").unwrap();
    let names: Vec<_> = cases.iter().map(|case| &case.name[..]).collect();
    assert_eq!(
        names,
        [
            "two convolutions: batch 1, input 2x7x5, 5x5, channels 3",
            "two convolutions: batch 1, input 2x7x5, 5x5, channels 17",
            "two convolutions: batch 1, input 2x1x1, 5x5, channels 3",
            "two convolutions: batch 1, input 2x1x1, 5x5, channels 17",
        ]
    );
    for (case, (channels, height)) in cases.iter().zip([(3, 7), (17, 7), (3, 1), (17, 1)]) {
        let graph = case.graph().unwrap();
        assert_eq!(case.batch, 1);
        assert_eq!(graph.input_shape().dims()[1], height);
        assert_eq!(graph.parameters()[0].shape, [channels, 2, 5, 5]);
    }
}

#[test]
fn each_draw_is_a_case_with_the_seed_of_its_name() {
    let text = ENTRY.replace("batch = 3", "batch = 3\ndraws = 3");
    let cases = read(&[&text], "\"two convolutions, draw 1\" = 42").unwrap();
    let seeds: Vec<_> = cases.iter().map(|case| case.seed).collect();
    assert_eq!(seeds, [0, 42, 2]);
    assert_eq!(cases[2].name, "two convolutions, draw 2");
    assert_eq!(
        read_with("", "\"two convolutions\" = 7").unwrap()[0].seed,
        7
    );
}

#[test]
fn what_a_case_does_not_have_is_not_varied() {
    for (vary, error) in [
        ("\"network.shape\" = [1]", "unknown field `shape`"),
        (
            "\"network.ops.2\" = [1]",
            "case `two convolutions` varies `network.ops.2`, which it has not",
        ),
        (
            "\"net.input\" = [[1, 2, 3]]",
            "case `two convolutions` varies `net.input`, which it has not",
        ),
        (
            "batch = []",
            "case `two convolutions` varies `batch` over nothing that can be named",
        ),
        (
            "\"network.ops.0\" = [{ op = \"relu\" }]",
            "case `two convolutions` varies `network.ops.0` over nothing that can be named",
        ),
    ] {
        let refused = read_with(&format!("[case.vary]\n{vary}"), "").unwrap_err();
        assert!(refused.contains(error), "{vary}: {refused}");
    }
}

#[test]
fn an_operation_of_a_chain_reads_the_one_before_or_an_earlier_one() {
    let read = |last: &str| {
        let text = ENTRY.replace("{ op = \"global_average_pool\" }", last);
        read(&[&text], "").map_err(|error| error.to_string())
    };
    let sum = "{ op = \"relu\" }, { op = \"relu\", from = 0 }, { op = \"add\", with = 1 }";
    let graph = read(sum).unwrap()[0].graph().unwrap();
    let inputs = graph.nodes().iter().map(|node| &node.inputs);
    let inputs: Vec<Vec<usize>> = inputs
        .map(|inputs| inputs.iter().map(|input| input.index()).collect())
        .collect();
    assert_eq!(inputs, [vec![], vec![0], vec![1], vec![1], vec![3, 2]]);

    let itself = &read("{ op = \"relu\", from = 1 }").unwrap()[0];
    let refused = itself.graph().unwrap_err().to_string();
    assert!(refused.contains("operation 1"), "{refused}");
    for mistaken in ["op = \"relu\"", "op = \"linear\", features = 3"] {
        let refused = read(&format!("{{ {mistaken}, form = 0 }}")).unwrap_err();
        assert!(refused.contains("unknown field `form`"), "{refused}");
    }
}

#[test]
fn the_file_of_seeds_lists_the_cases_and_nothing_else() {
    let names: Vec<_> = all().into_iter().map(|case| case.name).collect();
    let listed = super::SEEDS.lines().filter(|line| line.starts_with('"'));
    let listed: Vec<_> = listed
        .map(|line| line.trim_start_matches('"').split("\" = ").next().unwrap())
        .collect();
    let differ = listed
        .iter()
        .zip(&names)
        .find(|(listed, name)| listed != name);
    assert!(
        differ.is_none() && listed.len() == names.len(),
        "`find_seeds` in nn-reference has not run since this changed: {differ:?}, {} of {} cases",
        listed.len(),
        names.len()
    );
}
