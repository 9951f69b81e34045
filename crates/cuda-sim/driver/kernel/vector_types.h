// The built-in vector types, with CUDA's alignments.
#pragma once

#include "runtime.h"

namespace cuda_sim {

// A vector of 2 or 4 elements is read and written at a multiple of its size, or the GPU reports an error; this
// processor would not. The compiler knows where variables lie, so that the check is left of accesses through pointers
// only.
template <class Vector>
inline __attribute__((always_inline)) void check_alignment(const Vector* vector) {
    if (__builtin_expect(reinterpret_cast<size_t>(vector) % alignof(Vector) != 0, 0)) cuda_sim_misaligned(vector);
}

}  // namespace cuda_sim

#define CUDA_SIM_CHECKED_COPY(Vector)                 \
    Vector() = default;                               \
    Vector(const Vector& other) {                     \
        cuda_sim::check_alignment(&other);            \
        __builtin_memcpy(this, &other, sizeof *this); \
    }                                                 \
    Vector& operator=(const Vector& other) {          \
        cuda_sim::check_alignment(this);              \
        cuda_sim::check_alignment(&other);            \
        __builtin_memcpy(this, &other, sizeof *this); \
        return *this;                                 \
    }

#define CUDA_SIM_VECTOR_2(Element, Name)                            \
    struct alignas(2 * sizeof(Element)) Name##2 {                   \
        Element x, y;                                               \
        CUDA_SIM_CHECKED_COPY(Name##2)                              \
        constexpr Name##2(Element x, Element y = 0) : x(x), y(y) {} \
    };                                                              \
    inline Name##2 make_##Name##2(Element x, Element y) { return Name##2(x, y); }

#define CUDA_SIM_VECTOR_4(Element, Name)                                                                      \
    struct alignas(4 * sizeof(Element) < 16 ? 4 * sizeof(Element) : 16) Name##4 {                             \
        Element x, y, z, w;                                                                                   \
        CUDA_SIM_CHECKED_COPY(Name##4)                                                                        \
        constexpr Name##4(Element x, Element y = 0, Element z = 0, Element w = 0) : x(x), y(y), z(z), w(w) {} \
    };                                                                                                        \
    inline Name##4 make_##Name##4(Element x, Element y, Element z, Element w) { return Name##4(x, y, z, w); }

#define CUDA_SIM_VECTORS(Element, Name)                                                  \
    struct Name##1 { Element x; };                                                       \
    struct Name##3 { Element x, y, z; };                                                 \
    inline Name##1 make_##Name##1(Element x) { return {x}; }                             \
    inline Name##3 make_##Name##3(Element x, Element y, Element z) { return {x, y, z}; } \
    CUDA_SIM_VECTOR_2(Element, Name)                                                     \
    CUDA_SIM_VECTOR_4(Element, Name)

CUDA_SIM_VECTORS(signed char, char)
CUDA_SIM_VECTORS(unsigned char, uchar)
CUDA_SIM_VECTORS(short, short)
CUDA_SIM_VECTORS(unsigned short, ushort)
CUDA_SIM_VECTORS(int, int)
CUDA_SIM_VECTORS(long long, longlong)
CUDA_SIM_VECTORS(unsigned long long, ulonglong)
CUDA_SIM_VECTORS(float, float)
CUDA_SIM_VECTORS(double, double)

// uint3 is the type of threadIdx and stands in runtime.h.
struct uint1 {
    unsigned x;
};
inline uint1 make_uint1(unsigned x) { return {x}; }
inline uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }
CUDA_SIM_VECTOR_2(unsigned, uint)
CUDA_SIM_VECTOR_4(unsigned, uint)
