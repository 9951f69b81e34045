//! How the simulator behaves as a part of a process.
//!
//! The tests run this program again, with what it is to do in the environment.

mod common;

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

use common::{config, device, simulator};
use cudarc::driver::PushKernelArg;

const SOURCE: &str = "extern \"C\" __global__ void store(int* x) { x[threadIdx.x + 64] = 1; }";

/// What the other process does.
#[test]
fn child() {
    match env::var("CHILD").as_deref() {
        Ok("load") => match cuda_sim::load() {
            Ok(_) => println!("loaded"),
            Err(error) => println!("{error}"),
        },
        Ok("kernel fault") => fail_in_a_kernel(),
        Ok("own fault") => {
            fail_in_a_kernel();
            fail_here();
        }
        _ => {}
    }
}

fn fail_in_a_kernel() {
    let device = device().expect("a device");
    let kernel = device.kernel(SOURCE, "store");
    let mut x = device.stream.alloc_zeros::<i32>(64).unwrap();
    device
        .launch(&kernel, config(1, 32, 0), |arguments| {
            arguments.arg(&mut x);
        })
        .unwrap();
    println!("{:?}", device.stream.synchronize().map_err(|error| error.0));
}

#[allow(unsafe_code)]
fn fail_here() {
    // SAFETY: none: the process is to end here.
    unsafe { std::ptr::without_provenance_mut::<i32>(8).write_volatile(1) };
    println!("still there");
}

fn run(what: &str, change: impl FnOnce(&mut Command)) -> Output {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "child", "--nocapture"])
        .env("CHILD", what);
    change(&mut command);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_report_goes_to_standard_error() {
    if simulator().is_none() {
        return;
    }
    let output = run("kernel fault", |_| {});
    assert!(output.status.success(), "{output:?}");
    assert!(
        text(&output.stdout).contains("Err(CUDA_ERROR_ILLEGAL_ADDRESS)"),
        "{output:?}"
    );
    assert!(
        text(&output.stderr).contains("cuda-sim: kernel store, block (0,0,0), thread (0,0,0)"),
        "{output:?}"
    );
}

/// Faults of the program itself are not the simulator's.
#[test]
fn a_fault_of_the_program_ends_it() {
    if simulator().is_none() {
        return;
    }
    let output = run("own fault", |_| {});
    assert!(
        text(&output.stdout).contains("CUDA_ERROR_ILLEGAL_ADDRESS"),
        "{output:?}"
    );
    assert!(!text(&output.stdout).contains("still there"), "{output:?}");
    // SIGSEGV on Linux.
    assert_eq!(output.status.signal(), Some(11), "{output:?}");
}

#[test]
fn without_a_compiler_there_is_a_sentence() {
    let output = run("load", |command| {
        command.env("PATH", "/nowhere");
    });
    assert!(
        text(&output.stdout).contains("compiles kernels with g++, which cannot be started"),
        "{output:?}"
    );
    assert!(
        text(&output.stdout).contains("apt-get install g++"),
        "{output:?}"
    );
}

#[test]
fn another_driver_is_noticed() {
    if simulator().is_none() {
        return;
    }
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("another-libcuda.so");
    let made = Command::new("g++")
        .args([
            "-shared",
            "-Wl,-soname,libcuda.so",
            "-x",
            "c++",
            "/dev/null",
            "-o",
        ])
        .arg(&library)
        .status()
        .unwrap();
    assert!(made.success());
    let output = run("load", |command| {
        command.env("LD_PRELOAD", &library);
    });
    assert!(
        text(&output.stdout).contains("has loaded another libcuda.so already"),
        "{output:?}"
    );
}
