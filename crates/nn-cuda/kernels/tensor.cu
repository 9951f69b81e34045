// What all kernels share: where a replica's values are, four channels at a time, and sums over a block.
//
// Tensors are [image][row][column][channel]. Channels are filled up to a multiple of four ("stored"), and those beyond
// the last are zero at all times. Every list of values is allocated once for all replicas, one behind the other; the
// third index of a block is its replica.

typedef unsigned long long Offset;

// The values of all replicas: `stride` apart from one replica to the next. No list at all where `first` is null, and the stride 0.
template <class T>
struct Span {
    T* first;
    Offset stride;
};

// The values of the replica that this block works for.
template <class T>
__device__ __forceinline__ T* here(const Span<T>& span) {
    return span.first + blockIdx.z * span.stride;
}

__device__ __forceinline__ float4 splat(float x) { return make_float4(x, x, x, x); }

__device__ __forceinline__ float4 load4(const float* at) { return *reinterpret_cast<const float4*>(at); }

__device__ __forceinline__ void store4(float* at, float4 x) { *reinterpret_cast<float4*>(at) = x; }

// What tensors between operations are kept as, activations and their gradients: numbers of the format that convolutions multiply,
// if it is half as long. `Four` is four of them as memory has them, so that what is on its way takes no more registers.
#ifdef PRODUCTS_BF16

struct Value {
    unsigned short bits;
};
typedef uint2 Four;

__device__ __forceinline__ float number(Value x) { return __uint_as_float((unsigned)x.bits << 16); }

__device__ __forceinline__ float4 numbers(Four x) {
    return make_float4(__uint_as_float(x.x << 16), __uint_as_float(x.x & 0xffff0000u), __uint_as_float(x.y << 16),
                       __uint_as_float(x.y & 0xffff0000u));
}

__device__ __forceinline__ Value kept(float x) { return {(unsigned short)bf16x2_of(x, 0.0f)}; }

__device__ __forceinline__ Four kept(float4 x) { return make_uint2(bf16x2_of(x.x, x.y), bf16x2_of(x.z, x.w)); }

#else

typedef float Value;
typedef float4 Four;

__device__ __forceinline__ float number(Value x) { return x; }
__device__ __forceinline__ float4 numbers(Four x) { return x; }
__device__ __forceinline__ Value kept(float x) { return x; }
__device__ __forceinline__ Four kept(float4 x) { return x; }

#endif

__device__ __forceinline__ Four load_four(const Value* at) { return *reinterpret_cast<const Four*>(at); }

__device__ __forceinline__ void store_four(Value* at, Four x) { *reinterpret_cast<Four*>(at) = x; }

// Keeps four numbers, and gives what they are from now on.
__device__ __forceinline__ float4 keep_four(Value* at, float4 x) {
    const Four rounded = kept(x);
    store_four(at, rounded);
    return numbers(rounded);
}

__device__ __forceinline__ float4 operator+(float4 a, float4 b) {
    return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w);
}

__device__ __forceinline__ float4 operator-(float4 a, float4 b) {
    return make_float4(a.x - b.x, a.y - b.y, a.z - b.z, a.w - b.w);
}

__device__ __forceinline__ float4 operator*(float4 a, float4 b) {
    return make_float4(a.x * b.x, a.y * b.y, a.z * b.z, a.w * b.w);
}

// a b + c, rounded once. Written out wherever two kernels must find the same bits.
__device__ __forceinline__ float4 fma4(float4 a, float4 b, float4 c) {
    return make_float4(fmaf(a.x, b.x, c.x), fmaf(a.y, b.y, c.y), fmaf(a.z, b.z, c.z), fmaf(a.w, b.w, c.w));
}

// a b, rounded: never fused with an addition, where a product must be the same number as one found elsewhere.
__device__ __forceinline__ float4 rounded_product(float4 a, float4 b) {
    return make_float4(__fmul_rn(a.x, b.x), __fmul_rn(a.y, b.y), __fmul_rn(a.z, b.z), __fmul_rn(a.w, b.w));
}

__device__ __forceinline__ float minus_infinity() { return __uint_as_float(0xff800000u); }

__device__ __forceinline__ float4 at_least4(float4 x, float least) {
    return make_float4(at_least(x.x, least), at_least(x.y, least), at_least(x.z, least), at_least(x.w, least));
}

__device__ __forceinline__ float4 relu4(float4 x) { return at_least4(x, 0.0f); }

__device__ __forceinline__ float4 where_positive(float4 y, float4 g) {
    return make_float4(y.x > 0.0f ? g.x : 0.0f, y.y > 0.0f ? g.y : 0.0f, y.z > 0.0f ? g.z : 0.0f,
                       y.w > 0.0f ? g.w : 0.0f);
}

// Element `index` of four. A constant index is no memory access.
__device__ __forceinline__ float element(float4 x, int index) {
    return index == 0 ? x.x : index == 1 ? x.y : index == 2 ? x.z : x.w;
}

// What a kernel adds to a gradient: nothing, the first contribution, or a further one.
enum Flow { FLOW_NONE = 0, FLOW_WRITE = 1, FLOW_ACCUMULATE = 2 };

__device__ __forceinline__ void contribute(Value* at, float4 x, int flow) {
    if (flow == FLOW_WRITE) keep_four(at, x);
    if (flow == FLOW_ACCUMULATE) keep_four(at, numbers(load_four(at)) + x);
}

// Sums of two quantities over the rows of a block's tile, column by column, in one order. A thread has four neighbouring
// columns, those of thread number modulo COLUMNS / 4, and its sum over some rows.
template <int THREADS, int COLUMNS>
struct ColumnSums {
    float parts[2][THREADS / 32][COLUMNS];

    // Every thread of the block, before a barrier. Two lanes that exchange sums keep half of them each, so that there are ever fewer.
    __device__ __forceinline__ void put(float4 first, float4 second) {
        static_assert(COLUMNS == 16 || COLUMNS == 32, "one or two sums are left to a lane");
        float x[8] = {first.x, first.y, first.z, first.w, second.x, second.y, second.z, second.w};
        const int lane = threadIdx.x % 32;
        int kept = 0, left = 4;  // of the eight: the first that this lane keeps, and how many
#pragma unroll
        for (int apart = COLUMNS / 4; apart < 32; apart *= 2) {
            const bool upper = lane & apart;
#pragma unroll
            for (int i = 0; i < left; ++i) {
                const float given = upper ? x[i] : x[i + left];
                x[i] = (upper ? x[i + left] : x[i]) + __shfl_xor_sync(0xffffffffu, given, apart);
            }
            kept += upper ? left : 0;
            left /= 2;
        }
        float* to = &parts[kept / 4][threadIdx.x / 32][lane % (COLUMNS / 4) * 4 + kept % 4];
        to[0] = x[0];
        if (COLUMNS == 32) to[1] = x[1];
    }

    // After the barrier.
    __device__ __forceinline__ double sum(int which, int column) const {
        double total = 0.0;
#pragma unroll
        for (int warp = 0; warp < THREADS / 32; ++warp) total += parts[which][warp][column];
        return total;
    }
};
