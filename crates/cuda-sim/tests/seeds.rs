//! A seed changes the order in which threads, blocks and streams get on, and no result of a correct program.
//!
//! The tests run this program again, with the seed in the environment.

mod common;

use std::collections::HashSet;
use std::env;
use std::process::Command;
use std::ptr::null_mut;

use common::{config, device, raw, simulator};
use cuda_sim::run;
use cudarc::driver::PushKernelArg;
use cudarc::driver::sys;

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
    println!("graph {}", graph(&kernels));

    let (other, memory) = (raw::stream(1), raw::memory());
    let before = device.simulator.launches();
    for value in 0..40 {
        kernels.store(other, memory, value);
    }
    std::thread::sleep(std::time::Duration::from_millis(50));
    println!("ahead {}", device.simulator.launches() - before);
}

/// What comes of a graph of two streams whose nodes must come in the order that was recorded.
#[allow(unsafe_code)]
fn graph(kernels: &raw::Kernels) -> i32 {
    let (a, b, x, y) = (raw::stream(1), raw::stream(1), raw::memory(), raw::memory());
    let (mut graph, mut executable) = (null_mut(), null_mut());
    // SAFETY: all handles live until the end of the process.
    unsafe {
        let event = || {
            let mut event = null_mut();
            sys::cuEventCreate(&mut event, 2).result().unwrap();
            event
        };
        let order = |first, second| {
            let event = event();
            sys::cuEventRecord(event, first).result().unwrap();
            sys::cuStreamWaitEvent(second, event, 0).result().unwrap();
        };
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        sys::cuStreamBeginCapture_v2(a, mode).result().unwrap();
        kernels.store(a, x, 1);
        for round in 0..4 {
            order(a, b);
            kernels.copy(b, y, x);
            kernels.add(b, y, round);
            order(b, a);
            kernels.copy(a, x, y);
            kernels.add(a, x, 10);
        }
        sys::cuStreamEndCapture(a, &mut graph).result().unwrap();
        sys::cuGraphInstantiateWithFlags(&mut executable, graph, 0)
            .result()
            .unwrap();
        sys::cuGraphLaunch(executable, a).result().unwrap();
        sys::cuStreamSynchronize(a).result().unwrap();
    }
    raw::read(x)
}

/// The lines that a seed leads to.
fn lines(seed: u32) -> Option<[String; 4]> {
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
    Some([
        line("order "),
        line("sums "),
        line("ahead "),
        line("graph "),
    ])
}

#[test]
fn seeds_change_the_order_and_nothing_else() {
    let Some(natural) = lines(0) else { return };
    let in_turn: Vec<i32> = (0..256).collect();
    assert_eq!(natural[0], format!("{in_turn:?}"));
    assert_eq!(natural[2], "0", "nothing is done before somebody waits");
    assert_eq!(natural[3], "47");
    let mut orders = HashSet::from([natural[0].clone()]);
    for seed in 1..=3 {
        let lines_of_seed = lines(seed).unwrap();
        assert_eq!(lines_of_seed[1], natural[1], "seed {seed}");
        assert_eq!(lines_of_seed[3], natural[3], "seed {seed}");
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
