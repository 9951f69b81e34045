// Operations of a warp: each is one function that runs when all lanes have arrived and sees the arguments of all.
// A matrix operation of a warp (mma.sync) is one more of this kind.
#pragma once

#include "barriers.h"

namespace cuda_sim {

// The functions run on behalf of all lanes at once: no lane can race with them.
#define CUDA_SIM_WARP_FUNCTION __attribute__((no_sanitize("thread"), no_sanitize("address")))

inline int lane() { return state.thread->linear & 31; }

template <class T>
struct Shuffle {
    T value;
    T result;
    int source;
};

template <class T>
CUDA_SIM_WARP_FUNCTION void run_shuffle(void** arguments, unsigned present) {
    for (int lane = 0; lane < 32; ++lane) {
        if (!(present >> lane & 1)) {
            continue;
        }
        Shuffle<T>* mine = static_cast<Shuffle<T>*>(arguments[lane]);
        if (present >> mine->source & 1) {
            mine->result = static_cast<Shuffle<T>*>(arguments[mine->source])->value;
        } else {
            // The value of a lane that does not take part is undefined: NaN shows it.
            __builtin_memset(&mine->result, 0xff, sizeof(T));
        }
    }
}

template <class T>
CUDA_SIM_WARP_FUNCTION inline T shuffle(unsigned mask, T value, int source, Site site) {
    Shuffle<T> argument = {value, value, source};
    cuda_sim_warp(mask, WARP_SHUFFLE, &argument, run_shuffle<T>, site);
    return argument.result;
}

struct Ballot {
    int predicate;
    unsigned result;
};

CUDA_SIM_WARP_FUNCTION inline void run_ballot(void** arguments, unsigned present) {
    unsigned result = 0;
    for (int lane = 0; lane < 32; ++lane) {
        if ((present >> lane & 1) && static_cast<Ballot*>(arguments[lane])->predicate) {
            result |= 1u << lane;
        }
    }
    for (int lane = 0; lane < 32; ++lane) {
        if (present >> lane & 1) {
            static_cast<Ballot*>(arguments[lane])->result = result;
        }
    }
}

CUDA_SIM_WARP_FUNCTION inline unsigned ballot(unsigned mask, int predicate, Site site) {
    Ballot argument = {predicate, 0};
    cuda_sim_warp(mask, WARP_BALLOT, &argument, run_ballot, site);
    return argument.result;
}

inline void run_nothing(void**, unsigned) {}

}  // namespace cuda_sim

inline void __syncwarp(unsigned mask = 0xffffffffu, CUDA_SIM_SITE) {
    cuda_sim_warp(mask, cuda_sim::WARP_SYNC, nullptr, cuda_sim::run_nothing, {file, line});
}

// `width` divides the warp into groups that shuffle among themselves.
template <class T>
inline T __shfl_sync(unsigned mask, T value, int source, int width = 32, CUDA_SIM_SITE) {
    int first = cuda_sim::lane() & ~(width - 1);
    return cuda_sim::shuffle(mask, value, first | (source & (width - 1)), {file, line});
}

template <class T>
inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, CUDA_SIM_SITE) {
    int lane = cuda_sim::lane();
    bool inside = (lane & (width - 1)) + static_cast<int>(delta) < width;
    return cuda_sim::shuffle(mask, value, inside ? lane + static_cast<int>(delta) : lane, {file, line});
}

template <class T>
inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, CUDA_SIM_SITE) {
    int lane = cuda_sim::lane();
    bool inside = (lane & (width - 1)) >= static_cast<int>(delta);
    return cuda_sim::shuffle(mask, value, inside ? lane - static_cast<int>(delta) : lane, {file, line});
}

template <class T>
inline T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32, CUDA_SIM_SITE) {
    int lane = cuda_sim::lane();
    int source = lane ^ lane_mask;
    // A group may read from itself and from those before it.
    bool allowed = (source & ~(width - 1)) <= (lane & ~(width - 1));
    return cuda_sim::shuffle(mask, value, allowed ? source : lane, {file, line});
}

inline unsigned __ballot_sync(unsigned mask, int predicate, CUDA_SIM_SITE) {
    return cuda_sim::ballot(mask, predicate, {file, line});
}

inline int __any_sync(unsigned mask, int predicate, CUDA_SIM_SITE) {
    return cuda_sim::ballot(mask, predicate, {file, line}) != 0;
}

inline int __all_sync(unsigned mask, int predicate, CUDA_SIM_SITE) {
    return cuda_sim::ballot(mask, !predicate, {file, line}) == 0;
}
