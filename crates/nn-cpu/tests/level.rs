//! The environment variable `NN_CPU_LEVEL`, in processes of their own: this test started again.

use std::process::Command;

use nn_cpu::{CpuEngine, Level};
use nn_engine::{Engine, EngineOptions};
use nn_graph::nets::{Architecture, NetConfig};

/// What [`says_its_level`] prints where `NN_CPU_LEVEL` is `value`.
fn with_level(value: Option<&str>) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "says_its_level", "--nocapture"]);
    match value {
        Some(value) => command.env("NN_CPU_LEVEL", value),
        None => command.env_remove("NN_CPU_LEVEL"),
    };
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.split_once("engine: "));
    line.unwrap_or_else(|| panic!("{text}")).1.to_owned()
}

#[test]
#[ignore = "started by the other test"]
fn says_its_level() {
    let graph = NetConfig::new(Architecture::PreResNet, 8).build().unwrap();
    match CpuEngine::new(&graph, EngineOptions::new(&graph, 1)) {
        Ok(engine) => println!("engine: {}", engine.device().hardware),
        Err(error) => println!("engine: {error}"),
    }
}

#[test]
fn the_environment_chooses_the_level() {
    assert_eq!(with_level(None), Level::detect().to_string());
    for (value, level) in [
        ("portable", Level::Portable),
        ("avx2", Level::Avx2),
        ("avx512", Level::Avx512),
    ] {
        let expected = match level.supported() {
            true => level.to_string(),
            false => format!("this CPU cannot run {level} instructions"),
        };
        assert_eq!(with_level(Some(value)), expected);
    }
    for value in ["", "AVX2", "sse"] {
        assert_eq!(
            with_level(Some(value)),
            format!(
                "the environment variable NN_CPU_LEVEL is `{value}`; it must be portable, avx2 or avx512, or not set"
            )
        );
    }
}
