// Atomic operations: relaxed, as CUDA's are.
#pragma once

#include "runtime.h"

namespace cuda_sim {

// Keeps the type of the second argument out of deduction: atomicAdd(float*, 1) adds 1.0f.
template <class T>
struct Same {
    typedef T Type;
};

#ifdef __SANITIZE_THREAD__
// With the fence before it, an atomic operation publishes what the thread wrote; see __threadfence.
CUDA_SIM_UNSEEN inline int atomic_order() {
    ThreadState* thread = const_cast<ThreadState*>(state.thread);
    bool fenced = thread->fenced;
    thread->fenced = false;
    return fenced ? __ATOMIC_ACQ_REL : __ATOMIC_ACQUIRE;
}
#else
inline constexpr int atomic_order() { return __ATOMIC_RELAXED; }
#endif

template <unsigned size>
struct Bits;
template <>
struct Bits<4> {
    typedef unsigned Type;
};
template <>
struct Bits<8> {
    typedef unsigned long long Type;
};

// Replaces the value at `place` by `change` of it, and returns the old one.
template <class T, class Change>
inline T atomic_update(T* place, Change change) {
    typedef typename Bits<sizeof(T)>::Type Raw;
    Raw* raw = reinterpret_cast<Raw*>(place);
    Raw old_bits = __atomic_load_n(raw, __ATOMIC_RELAXED);
    for (;;) {
        T old_value;
        __builtin_memcpy(&old_value, &old_bits, sizeof(T));
        T new_value = change(old_value);
        Raw new_bits;
        __builtin_memcpy(&new_bits, &new_value, sizeof(T));
        int order = atomic_order();
        if (order == __ATOMIC_ACQ_REL
                ? __atomic_compare_exchange_n(raw, &old_bits, new_bits, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)
            : order == __ATOMIC_ACQUIRE
                ? __atomic_compare_exchange_n(raw, &old_bits, new_bits, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
                : __atomic_compare_exchange_n(raw, &old_bits, new_bits, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            return old_value;
        }
    }
}

}  // namespace cuda_sim

template <class T>
inline T atomicAdd(T* place, typename cuda_sim::Same<T>::Type value) {
    return cuda_sim::atomic_update(place, [=](T old) -> T { return old + value; });
}

template <class T>
inline T atomicSub(T* place, typename cuda_sim::Same<T>::Type value) {
    return cuda_sim::atomic_update(place, [=](T old) -> T { return old - value; });
}

template <class T>
inline T atomicMax(T* place, typename cuda_sim::Same<T>::Type value) {
    return cuda_sim::atomic_update(place, [=](T old) { return old > value ? old : value; });
}

template <class T>
inline T atomicMin(T* place, typename cuda_sim::Same<T>::Type value) {
    return cuda_sim::atomic_update(place, [=](T old) { return old < value ? old : value; });
}

template <class T>
inline T atomicAnd(T* place, typename cuda_sim::Same<T>::Type value) {
    return cuda_sim::atomic_update(place, [=](T old) -> T { return old & value; });
}

template <class T>
inline T atomicOr(T* place, typename cuda_sim::Same<T>::Type value) {
    return cuda_sim::atomic_update(place, [=](T old) -> T { return old | value; });
}

template <class T>
inline T atomicXor(T* place, typename cuda_sim::Same<T>::Type value) {
    return cuda_sim::atomic_update(place, [=](T old) -> T { return old ^ value; });
}

template <class T>
inline T atomicExch(T* place, typename cuda_sim::Same<T>::Type value) {
    return cuda_sim::atomic_update(place, [=](T) { return value; });
}

template <class T>
inline T atomicCAS(T* place, typename cuda_sim::Same<T>::Type expected, typename cuda_sim::Same<T>::Type value) {
    return cuda_sim::atomic_update(place, [=](T old) { return old == expected ? value : old; });
}

inline unsigned atomicInc(unsigned* place, unsigned last) {
    return cuda_sim::atomic_update(place, [=](unsigned old) { return old >= last ? 0u : old + 1; });
}

inline unsigned atomicDec(unsigned* place, unsigned last) {
    return cuda_sim::atomic_update(place, [=](unsigned old) { return old == 0 || old > last ? last : old - 1; });
}
