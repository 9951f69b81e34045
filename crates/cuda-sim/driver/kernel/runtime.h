// What kernels and the driver know of each other: included by both, so it needs no other header.
#pragma once

struct uint3 {
    unsigned x, y, z;
};

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

namespace cuda_sim {

// A thread of the block that runs.
struct ThreadState {
    uint3 index;
    // Number of the thread in its block, x fastest.
    unsigned linear;
    // ThreadSanitizer only: the thread has called __threadfence since its last atomic operation.
    bool fenced;
};

// The block that runs on this operating system thread. All threads of a block run on one, in turns.
struct BlockState {
    const ThreadState* thread;
    uint3 block_index;
    dim3 block_dim;
    dim3 grid_dim;
    // Where the block's __shared__ variables lie, by slot; null before a thread has reached the declaration.
    void** shared_slots;
    // The `extern __shared__` memory.
    void* dynamic_shared;
};

// `__thread` rather than `thread_local`: no wrapper function is called on access.
extern __thread BlockState state __attribute__((tls_model("initial-exec"), visibility("default")));

// For what the simulator does on a kernel's behalf: ThreadSanitizer is not to look at it.
#ifdef __SANITIZE_THREAD__
#define CUDA_SIM_UNSEEN __attribute__((noinline, no_sanitize("thread")))
#else
#define CUDA_SIM_UNSEEN __attribute__((always_inline))
#endif

enum BarrierKind { BARRIER_PLAIN, BARRIER_COUNT, BARRIER_AND, BARRIER_OR };

enum WarpOperation { WARP_SYNC, WARP_SHUFFLE, WARP_BALLOT, WARP_MATCH, WARP_LOAD_MATRICES, WARP_PRODUCT };

// A place in a kernel's source.
struct Site {
    const char* file;
    int line;
};

// A copy to shared memory that a thread has asked for: `filled` of `bytes` from `from`, the rest 0.
struct AsyncCopy {
    void* to;
    const void* from;
    unsigned bytes, filled;
    // What `from` had, where it has been read already.
    bool was_read;
    unsigned char read[16];
};

// Called once all lanes have arrived, with the argument of each lane that is `present`.
typedef void (*WarpFunction)(void** arguments, unsigned present);

struct Parameter {
    unsigned long size;
    unsigned long alignment;
    bool is_pointer;
};

// A kernel as its module exports it.
struct KernelInfo {
    const char* name;
    // Calls the kernel for the current thread, with one pointer a parameter.
    void (*call)(void** arguments);
    unsigned parameter_count;
    const Parameter* parameters;
    // The first argument of __launch_bounds__, 0 without.
    unsigned max_threads;
    // How many __shared__ declarations the module has.
    const unsigned* shared_slots;
};

}  // namespace cuda_sim

// The driver's, though kernels are compiled to hide what they have.
#pragma GCC visibility push(default)
extern "C" {
// Room of the current block for the variables of one __shared__ declaration, as NaN bytes.
void* cuda_sim_shared(unsigned long size, unsigned long alignment);
// All threads of the block arrive, then all go on; returns the count, conjunction or disjunction of the predicates.
int cuda_sim_barrier(cuda_sim::BarrierKind kind, int predicate, cuda_sim::Site site);
// All lanes of `mask` that have not exited arrive, `function` runs once, all go on.
void cuda_sim_warp(unsigned mask, cuda_sim::WarpOperation operation, void* argument, cuda_sim::WarpFunction function,
                   cuda_sim::Site site);
// Keeps a copy until the thread waits for it; and gives it back then, one at a time, until there is none.
void cuda_sim_copy_later(const cuda_sim::AsyncCopy* copy);
int cuda_sim_copy_next(cuda_sim::AsyncCopy* copy);
// The n-th that is kept, if there are so many; and puts another in its place.
int cuda_sim_copy_kept(unsigned n, cuda_sim::AsyncCopy* copy);
void cuda_sim_copy_replace(unsigned n, const cuda_sim::AsyncCopy* copy);
// Waits until the launch before has ended, where this one began earlier.
void cuda_sim_wait_for_launch_before();
// Ends the launch: a vector was read or written at this address, which is not a multiple of its size.
[[noreturn]] void cuda_sim_misaligned(const void* address);
// Ends the launch: a condition of `assert` does not hold.
[[noreturn]] void cuda_sim_assert(const char* condition, cuda_sim::Site site);
// Ends the launch with an error.
[[noreturn]] void cuda_sim_fail(const char* what, cuda_sim::Site site);
}
#pragma GCC visibility pop
