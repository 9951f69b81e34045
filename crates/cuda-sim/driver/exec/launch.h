// One launch of a kernel, as the workers share it.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>

#include "../kernel/runtime.h"

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

    size_t blocks() const { return static_cast<size_t>(grid.x) * grid.y * grid.z; }
    unsigned threads_per_block() const { return block.x * block.y * block.z; }
};

// Runs all blocks on the workers and returns when they have ended; one launch at a time.
void run_launch(Launch& launch);

// The report of a memory fault: what lies at an address that a kernel touched, as the end of a sentence.
// The driver's memory knows; set once.
extern std::string (*describe_address)(const void* address);

}  // namespace sim
