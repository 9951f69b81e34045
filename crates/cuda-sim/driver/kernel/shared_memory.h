// Memory of a block. NVRTC's stand-in rewrites `__shared__ float tile[16][17];` to
//
//     struct cuda_sim_shared_1 { float tile[16][17]; };
//     auto& tile = cuda_sim::shared<cuda_sim_shared_1>().tile;
//
// so that each block gets fresh memory, with a red zone around the variables of each declaration.
#pragma once

#include "runtime.h"

namespace cuda_sim {

// Numbers the declarations of this module, from 0.
static unsigned shared_slot_count = 0;

template <class Variables>
struct SharedSlot {
    static unsigned number;
};
template <class Variables>
unsigned SharedSlot<Variables>::number = shared_slot_count++;

CUDA_SIM_UNSEEN inline void* shared_place(unsigned slot, unsigned long size, unsigned long alignment) {
    void*& place = state.shared_slots[slot];
    if (!place) place = cuda_sim_shared(size, alignment);
    return place;
}

template <class Variables>
inline __attribute__((always_inline)) Variables& shared() {
    void* place = shared_place(SharedSlot<Variables>::number, sizeof(Variables), alignof(Variables));
    return *static_cast<Variables*>(place);
}

// What `extern __shared__ Element name[];` is rewritten to point at.
template <class Element>
inline Element* dynamic_shared() {
    return static_cast<Element*>(state.dynamic_shared);
}

}  // namespace cuda_sim
