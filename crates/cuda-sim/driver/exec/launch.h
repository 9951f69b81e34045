// One launch of a kernel, as the workers share it.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>

#include "../kernel/runtime.h"
#include "count.h"

namespace sim {

// How a launch failed: what decides CUDA's error code.
enum class Failure { None, IllegalAddress, MisalignedAddress, StackOverflow, TooManyResources, Assertion, Kernel };

struct Launch {
    const cuda_sim::KernelInfo* kernel = nullptr;
    dim3 grid;
    dim3 block;
    size_t dynamic_shared = 0;
    // One pointer a parameter.
    void** arguments = nullptr;
    // Changes the order of blocks and threads; 0 keeps the natural one.
    unsigned long long seed = 0;

    // Whether it may begin before the launch before has ended, so that its threads must wait for that.
    bool early = false;
    // Whether it does so.
    bool overlaps = false;
    // 1 when the launch before has ended.
    Count ended_before;
    // Workers that do not go on until then, or have no block left.
    Count held;

    // The next block to be claimed.
    std::atomic<size_t> next_block{0};
    std::atomic<bool> failed{false};

    // The first failure.
    std::mutex mutex;
    Failure failure = Failure::None;
    std::string report;

    // Notes a failure, unless there was one before; no more blocks are claimed.
    void fail(Failure with, const std::string& what) {
        std::lock_guard<std::mutex> lock(mutex);
        if (failed.exchange(true)) return;
        failure = with;
        report = what;
    }

    // What ThreadSanitizer orders by: all threads begin after the launch and end before its completion.
    char begun = 0;
    char ended = 0;
    // What it does after it has waited for the launch before comes after that.
    char follows = 0;

    void wait_for_launch_before() {
        if (!overlaps || ended_before.is(1)) return;
        held.add_one();
        ended_before.wait_for(1);
    }

    size_t blocks() const { return static_cast<size_t>(grid.x) * grid.y * grid.z; }
    unsigned threads_per_block() const { return block.x * block.y * block.z; }
};

// Runs all blocks on the workers and returns when they have ended.
void run_launch(Launch& launch);

// Runs the first blocks until they wait for the launch before, which has not begun yet, and returns. There may be one
// such launch beside one that runs.
void begin_launch(Launch& launch);

// Runs the rest of it, now that the launch before has ended.
void end_launch(Launch& launch);

// The report of a memory fault: what lies at an address that a kernel touched, as the end of a sentence.
// The driver's memory knows; set once.
extern std::string (*describe_address)(const void* address);

}  // namespace sim
