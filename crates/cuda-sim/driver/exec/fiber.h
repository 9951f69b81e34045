// Fibers: stacks of their own on which the threads of a block run in turns, on one operating system thread.
#pragma once

#include <cstddef>

namespace sim {

struct Thread;

struct Fiber {
    // Saved while another fiber runs.
    void* stack_pointer = nullptr;
    char* stack = nullptr;
    size_t stack_size = 0;
    // ThreadSanitizer's view of it.
    void* tsan = nullptr;
    // The thread of the block that lives on it; null while it is idle.
    Thread* thread = nullptr;
    // Whether a thread has lived on it since its stack was new to ThreadSanitizer.
    bool used = false;
};

// Makes ThreadSanitizer forget the accesses to the pages of a range that are in use: to it they are new memory.
void renew_pages(char* begin, size_t size);

// Bytes below each stack that no thread may touch.
constexpr size_t STACK_GUARD = 4096;

// Gives a fiber its stack, the `number`-th one. False where the system has no memory left.
bool create_stack(Fiber& fiber, size_t number);

// Makes a fiber begin at `main`, which never returns; whatever ran on it is forgotten.
void prime(Fiber& fiber, void (*main)());

// Makes ThreadSanitizer forget what was done on the stack of a fiber that is not in use.
void renew_stack(Fiber& fiber, void (*main)());

// Goes on with `to` where it left off; returns when somebody switches back to `from`.
void switch_fiber(Fiber& from, Fiber& to);

// First on a new fiber: completes the switch to it.
void entered_fiber();

// Makes a fiber of the operating system thread that calls.
void adopt_thread(Fiber& fiber);

}  // namespace sim
