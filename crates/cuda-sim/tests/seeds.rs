//! A seed changes the order in which threads, blocks and streams get on, and no result of a correct program.
//!
//! The tests run this program again, with the seed in the environment.

mod common;

use std::collections::HashSet;
use std::env;
use std::process::Command;

use common::{config, device, raw, simulator};
use cuda_sim::run;
use cudarc::driver::PushKernelArg;

const SOURCE: &str = include_str!("kernels/order.cu");

/// What the other process does: prints the order of threads, sums that do not depend on it, and how far a stream
/// got that nobody waits for.
#[test]
fn prints_the_order() {
    if env::var_os("PRINT_ORDER").is_none() {
        return;
    }
    let device = device().expect("a device");
    let stream = &device.stream;
    let mut order = stream.alloc_zeros::<i32>(256).unwrap();
    let mut next = stream.alloc_zeros::<i32>(1).unwrap();
    let tickets = device.kernel(SOURCE, "tickets");
    device
        .launch(&tickets, config(4, 64, 0), |arguments| {
            arguments.arg(&mut order).arg(&mut next);
        })
        .unwrap();
    println!("order {:?}", stream.clone_dtoh(&order).unwrap());

    let x: Vec<f32> = (0..256).map(|i| (i as f32).sin()).collect();
    let x = stream.clone_htod(&x).unwrap();
    let mut sum = stream.alloc_zeros::<f32>(4).unwrap();
    let sums = device.kernel(SOURCE, "sums");
    device
        .launch(&sums, config(4, 64, 0), |arguments| {
            arguments.arg(&mut sum).arg(&x);
        })
        .unwrap();
    println!("sums {:?}", stream.clone_dtoh(&sum).unwrap());

    let kernels = raw::kernels(&device);
    let (other, memory) = (raw::stream(1), raw::memory());
    let before = device.simulator.launches();
    for value in 0..40 {
        kernels.store(other, memory, value);
    }
    std::thread::sleep(std::time::Duration::from_millis(50));
    println!("ahead {}", device.simulator.launches() - before);
}

/// The lines that a seed leads to.
fn lines(seed: u32) -> Option<[String; 3]> {
    simulator()?;
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "prints_the_order", "--nocapture"])
        .env("PRINT_ORDER", "1")
        .env("CUDA_SIM_WORKERS", "1")
        .env("CUDA_SIM_SEED", seed.to_string());
    let output = run(command, None).unwrap().output;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} is not in {output:?}"))
            .to_owned()
    };
    Some([line("order "), line("sums "), line("ahead ")])
}

#[test]
fn seeds_change_the_order_and_nothing_else() {
    let Some(natural) = lines(0) else { return };
    let in_turn: Vec<i32> = (0..256).collect();
    assert_eq!(natural[0], format!("{in_turn:?}"));
    assert_eq!(natural[2], "0", "nothing is done before somebody waits");
    let mut orders = HashSet::from([natural[0].clone()]);
    for seed in 1..=3 {
        let lines_of_seed = lines(seed).unwrap();
        assert_eq!(lines_of_seed[1], natural[1], "seed {seed}");
        assert_ne!(lines_of_seed[2], "0", "seed {seed}: the device runs ahead");
        let mut threads: Vec<i32> = lines_of_seed[0]
            .trim_matches(['[', ']'])
            .split(", ")
            .map(|number| number.parse().unwrap())
            .collect();
        threads.sort_unstable();
        assert_eq!(threads, in_turn, "seed {seed}");
        assert!(
            orders.insert(lines_of_seed[0].clone()),
            "seed {seed}: an order of its own"
        );
    }
    assert_eq!(
        lines(3).unwrap()[0],
        lines(3).unwrap()[0],
        "a seed leads to one order"
    );
}
