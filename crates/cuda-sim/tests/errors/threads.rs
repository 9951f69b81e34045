//! Barriers and operations of a warp that not all reach.

use super::*;

#[test]
fn divergent_barriers() {
    fails(
        "divergent_barriers",
        config(1, 64, 0),
        FAILED,
        &[
            "divergent barriers",
            "kernel.cu:// of the first warp",
            "kernel.cu:// of the others",
            "32 threads",
        ],
    );
}

#[test]
fn barrier_of_some_threads() {
    fails(
        "barrier_of_some",
        config(1, 64, 0),
        FAILED,
        &[
            "barrier after an exit",
            "32 threads wait at kernel.cu:// of some",
        ],
    );
}

#[test]
fn barrier_after_exit() {
    fails(
        "barrier_after_exit",
        config(1, 64, 0),
        FAILED,
        &["barrier after an exit", "40 threads wait", "the other 24"],
    );
}

#[test]
fn deadlock() {
    fails(
        "deadlock",
        config(1, 64, 0),
        FAILED,
        &[
            "deadlock",
            "16 threads wait for __syncwarp at kernel.cu:// of half a warp",
            "48 threads wait for __syncthreads",
        ],
    );
}

#[test]
fn lane_outside_the_mask() {
    fails(
        "lane_outside_the_mask",
        config(1, 64, 0),
        FAILED,
        &[
            "lane outside the mask",
            "lane 16",
            "0x0000ffff",
            "thread (16,0,0)",
        ],
    );
}

#[test]
fn different_operations_of_a_warp() {
    fails(
        "different_operations",
        config(1, 64, 0),
        FAILED,
        &["different operations", "a shuffle at", "a vote at"],
    );
}
