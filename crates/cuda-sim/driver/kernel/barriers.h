// Barriers of a block, memory fences, and what ends a launch.
#pragma once

#include "runtime.h"

#define CUDA_SIM_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(CUDA_SIM_SITE) { cuda_sim_barrier(cuda_sim::BARRIER_PLAIN, 0, {file, line}); }

inline int __syncthreads_count(int predicate, CUDA_SIM_SITE) {
    return cuda_sim_barrier(cuda_sim::BARRIER_COUNT, predicate, {file, line});
}

inline int __syncthreads_and(int predicate, CUDA_SIM_SITE) {
    return cuda_sim_barrier(cuda_sim::BARRIER_AND, predicate, {file, line});
}

inline int __syncthreads_or(int predicate, CUDA_SIM_SITE) {
    return cuda_sim_barrier(cuda_sim::BARRIER_OR, predicate, {file, line});
}

CUDA_SIM_UNSEEN inline void __threadfence() {
#ifdef __SANITIZE_THREAD__
    // ThreadSanitizer does not know fences: the next atomic operation of the thread publishes what it wrote.
    const_cast<cuda_sim::ThreadState*>(cuda_sim::state.thread)->fenced = true;
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

inline void __threadfence_block() { __threadfence(); }

inline void __threadfence_system() { __threadfence(); }

// NVRTC knows it without <assert.h>.
#define assert(...) \
    ((__VA_ARGS__) ? static_cast<void>(0) : cuda_sim_assert(#__VA_ARGS__, {__builtin_FILE(), __builtin_LINE()}))

[[noreturn]] inline void __trap(CUDA_SIM_SITE) { cuda_sim_fail("__trap was called", {file, line}); }
