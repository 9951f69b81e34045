// The built-in vector types, with CUDA's alignments.
#pragma once

#define CUDA_SIM_VECTORS(Element, Name)                                                                  \
    struct Name##1 {                                                                                     \
        Element x;                                                                                       \
    };                                                                                                   \
    struct alignas(2 * sizeof(Element)) Name##2 {                                                        \
        Element x, y;                                                                                    \
    };                                                                                                   \
    struct Name##3 {                                                                                     \
        Element x, y, z;                                                                                 \
    };                                                                                                   \
    struct alignas(4 * sizeof(Element) < 16 ? 4 * sizeof(Element) : 16) Name##4 {                        \
        Element x, y, z, w;                                                                              \
    };                                                                                                   \
    inline Name##1 make_##Name##1(Element x) { return {x}; }                                             \
    inline Name##2 make_##Name##2(Element x, Element y) { return {x, y}; }                               \
    inline Name##3 make_##Name##3(Element x, Element y, Element z) { return {x, y, z}; }                 \
    inline Name##4 make_##Name##4(Element x, Element y, Element z, Element w) { return {x, y, z, w}; }

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
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
inline uint1 make_uint1(unsigned x) { return {x}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
