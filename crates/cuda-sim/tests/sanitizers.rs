//! Races are found by ThreadSanitizer, overruns by AddressSanitizer, and neither cries wolf.
//!
//! The tests run this program again, under the sanitizer, with the name of a kernel in the environment.

mod common;

use std::env;
use std::process::Command;

use common::{Device, config, device, simulator};
use cuda_sim::{Run, Sanitizer, SimulatorError, run};
use cudarc::driver::PushKernelArg;

const SOURCE: &str = include_str!("kernels/races.cu");

/// What the other process does: one launch of each kernel that the environment names.
#[test]
fn kernels() {
    let Ok(names) = env::var("KERNELS") else {
        return;
    };
    let device = device().expect("a device");
    for name in names.split(' ') {
        launch(&device, name);
    }
}

fn launch(device: &Device, name: &str) {
    let kernel = device.kernel(SOURCE, name);
    let mut x = device
        .stream
        .alloc_zeros::<f32>(if name.starts_with("global") { 255 } else { 256 })
        .unwrap();
    // Dynamic shared memory whose size is no multiple of 16 bytes.
    let shared = if name.starts_with("dynamic") {
        252
    } else {
        256
    };
    // Blocks of the other kernels would use the same part of x.
    let blocks = if name.contains("block") { 3 } else { 1 };
    device
        .launch(&kernel, config(blocks, 64, shared), |arguments| {
            arguments.arg(&mut x);
        })
        .unwrap();
    device.stream.synchronize().unwrap();
    println!("launched {name}");
}

fn run_kernels(names: &str, sanitizer: Option<Sanitizer>) -> Option<Run> {
    simulator()?;
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "kernels", "--nocapture"])
        .env("KERNELS", names);
    match run(command, sanitizer) {
        Err(error @ SimulatorError::NoSanitizer { .. }) => {
            println!("skipped: {error}");
            None
        }
        outcome => Some(outcome.unwrap()),
    }
}

fn clean(names: &str, sanitizer: Sanitizer) {
    let Some(run) = run_kernels(names, Some(sanitizer)) else {
        return;
    };
    let output = String::from_utf8_lossy(&run.output.stdout).into_owned();
    assert!(
        run.reports.is_empty(),
        "{names}: {}",
        run.reports.join("\n")
    );
    assert!(
        run.output.status.success()
            && output.matches("launched").count() == names.split(' ').count(),
        "{names}: {run:?}"
    );
}

fn reported(name: &str, sanitizer: Sanitizer, words: &[&str]) {
    let Some(run) = run_kernels(name, Some(sanitizer)) else {
        return;
    };
    assert!(!run.reports.is_empty(), "{name} was not reported: {run:?}");
    for word in words {
        assert!(
            run.reports[0].contains(word),
            "{name}: {word} is not in {}",
            run.reports[0]
        );
    }
}

#[test]
fn without_a_sanitizer() {
    let Some(run) = run_kernels("reverse_good", None) else {
        return;
    };
    assert!(
        run.output.status.success() && run.reports.is_empty(),
        "{run:?}"
    );
}

#[test]
fn no_race_is_reported_where_there_is_none() {
    clean(
        "reverse_good loop_good warp_good blocks_good last_block_good arrays_good",
        Sanitizer::Thread,
    );
}

#[test]
fn missing_barriers_are_reported() {
    let line = |text: &str| {
        format!(
            "kernel.cu:{}",
            SOURCE.lines().position(|line| line.contains(text)).unwrap() + 1
        )
    };
    reported(
        "reverse_without_barrier",
        Sanitizer::Thread,
        &["data race", "reverse_without_barrier", "kernel.cu:1"],
    );
    reported(
        "loop_without_second_barrier",
        Sanitizer::Thread,
        &["data race", "loop_without_second_barrier"],
    );
    reported(
        "warp_without_barrier",
        Sanitizer::Thread,
        &["data race", "warp_without_barrier (0,0,0)"],
    );
    reported(
        "blocks_race",
        Sanitizer::Thread,
        &["data race", &line("x[7] = ")],
    );
    reported(
        "last_block_without_fence",
        Sanitizer::Thread,
        &["data race"],
    );
}

#[test]
fn no_overrun_is_reported_where_there_is_none() {
    clean(
        "arrays_good reverse_good loop_good warp_good last_block_good",
        Sanitizer::Address,
    );
}

#[test]
fn overruns_are_reported() {
    for name in [
        "shared_read_past_the_end",
        "dynamic_read_past_the_end",
        "local_write_past_the_end",
        "global_read_past_the_end",
    ] {
        reported(
            name,
            Sanitizer::Address,
            &["AddressSanitizer", name, "kernel.cu:"],
        );
    }
}
