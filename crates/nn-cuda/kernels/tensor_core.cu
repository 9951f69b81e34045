// The formats that tensor cores multiply (ptx.cu). What is compiled is for one of them, `Format`.
//
// Shared memory holds four factors as a quad; a row of quads is loaded as it is (ldmatrix), whatever the format.
//
// Bytes of a row that one product takes.
#define STEP_BYTES 32

// What a format says:
// `Quad`           four factors as shared memory has them: rounded, but for tf32x3, which splits them when they are multiplied
// `FACTOR`         bytes of one
// `QUADS`          of the source's channels, how many a convolution has in shared memory at a time, where there may be so many;
//                  `MEDIUM_QUADS` forward in the blocks of 8x16 positions, `SMALL_QUADS` in those of 8x8
// `DEPTH`          positions that one product sums over in the gradient of a weight: there rows are positions, and fragments are
//                  columns, `DEPTH` positions of 16 channels, loaded from two places of a lane
// `TAPS_TOGETHER`  of a 3x3 convolution unrolled, and so many steps of a tap, or of positions in the gradient of a weight
//                  (`STEPS_TOGETHER`); and positions that are asked for `AHEAD` of their use in tensor_weight_gradient.cu: as many as
//                  a thread has registers for
// `SUM_PADDING`    after a row of sums of a weight's gradient, so that the rows of a warp are in different banks

struct Tf32 {
    typedef uint4 Quad;
    static constexpr int FACTOR = 4;  // bytes
    static constexpr int QUADS = 4, MEDIUM_QUADS = 8, SMALL_QUADS = 8;
    static constexpr int DEPTH = 8;
    static constexpr int TAPS_TOGETHER = 9, STEPS_TOGETHER = 4, AHEAD = 2;
    static constexpr int SUM_PADDING = 4;

    // To the nearest number of 11 bits, ties away from 0: in the first 19 bits of a word, which are all that tensor cores look at. But not
    // of what is no number: of a GPU's own, 0x7fffffff, it would make -0.
    static __device__ __forceinline__ unsigned nearest(float x) {
        const unsigned word = __float_as_uint(x);
        return isfinite(x) ? word + 0x1000u : word;
    }

    static __device__ __forceinline__ Quad rounded(float4 x) {
        return make_uint4(nearest(x.x), nearest(x.y), nearest(x.z), nearest(x.w));
    }

    static __device__ __forceinline__ void multiply(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
        multiply_tf32(d, a, b0, b1);
    }

    // Which of a step's positions this lane's n-th place is, and where in its row. The lane's two are neighbours, so that what four
    // lanes read at once is two rows apart: with an odd multiple of 16 bytes from one row to the next, in different banks.
    static __device__ __forceinline__ int first_position(int lane, int n) { return lane % 4 * 2 + n; }
    static __device__ __forceinline__ int first_byte(int lane) { return lane / 4 * 8; }
    static __device__ __forceinline__ int second_position(int lane, int n) { return first_position(lane, n); }
    static __device__ __forceinline__ int second_byte(int lane) { return lane / 4 * 4; }

    // Which channel is which row of a product is free: rows g and g + 8 are neighbours, loaded together.
    static __device__ __forceinline__ int first_channel(int lane, int n) { return lane / 4 * 2 + n; }

    static __device__ __forceinline__ void load_first(unsigned (&a)[4], const unsigned char* at, const unsigned char* next) {
        const uint2 x = *reinterpret_cast<const uint2*>(at), y = *reinterpret_cast<const uint2*>(next);
        a[0] = x.x;
        a[1] = x.y;
        a[2] = y.x;
        a[3] = y.y;
    }

    static __device__ __forceinline__ unsigned word(const unsigned char* at) {
        return *reinterpret_cast<const unsigned*>(at);
    }

    static __device__ __forceinline__ void load_second(unsigned (&b)[4], const unsigned char* at, const unsigned char* next) {
        b[0] = word(at);
        b[1] = word(next);
        b[2] = word(at + 32);
        b[3] = word(next + 32);
    }
};

// Float32's accuracy from tf32's products. Shared memory has factors as they are. A fragment is split into two numbers of tf32,
// high and low, and of their four products the three largest are made. What tensor cores sum begins at 0 each time, small products
// first, and is added to the sum to nearest: cut off at every step, a long sum would drift towards 0.
//
// high is the nearest of 11 bits, so that low has 12 at most. Where the last of those is 1, low is halfway between two numbers of
// 11, so that dropping it is as close as rounding, and since low has either sign, no drift. Powers of two pass through as long as
// low is a normal number, for factors from 2^-103 on.
struct Tf32x3 : Tf32 {
    // Halves and sums of one step at a time, or registers spill.
    static constexpr int TAPS_TOGETHER = 3, STEPS_TOGETHER = 1, AHEAD = 1;

    static __device__ __forceinline__ Quad rounded(float4 x) {
        return make_uint4(__float_as_uint(x.x), __float_as_uint(x.y), __float_as_uint(x.z), __float_as_uint(x.w));
    }

    // What is infinite or no number leaves no number, if not in high then in low.
    static __device__ __forceinline__ void split(unsigned x, unsigned& high, unsigned& low) {
        constexpr unsigned KEPT = 0xffffe000u, HALF = 0x1000u;
        high = (x + HALF) & KEPT;
        low = __float_as_uint(__uint_as_float(x) - __uint_as_float(high)) & KEPT;
    }

    static __device__ __forceinline__ void multiply(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
        unsigned high[4], low[4], high0, low0, high1, low1;
        for (int i = 0; i < 4; ++i) split(a[i], high[i], low[i]);
        split(b0, high0, low0);
        split(b1, high1, low1);
        float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
        multiply_tf32(sums, low, high0, high1);
        multiply_tf32(sums, high, low0, low1);
        multiply_tf32(sums, high, high0, high1);
        for (int i = 0; i < 4; ++i) d[i] += sums[i];
    }
};

struct Bf16 {
    typedef uint2 Quad;
    static constexpr int FACTOR = 2;
    static constexpr int QUADS = 8, MEDIUM_QUADS = 8, SMALL_QUADS = 16;
    static constexpr int DEPTH = 16;
    static constexpr int TAPS_TOGETHER = 9, STEPS_TOGETHER = 4, AHEAD = 1;
    static constexpr int SUM_PADDING = 8;

    static __device__ __forceinline__ Quad rounded(float4 x) { return make_uint2(bf16x2_of(x.x, x.y), bf16x2_of(x.z, x.w)); }

    static __device__ __forceinline__ void multiply(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
        multiply_bf16(d, a, b0, b1);
    }

    // One place is enough: lanes name rows of four matrices.
    static __device__ __forceinline__ int first_position(int lane, int) { return lane / 16 * 8 + lane % 8; }
    static __device__ __forceinline__ int first_byte(int lane) { return lane / 8 % 2 * 16; }
    static __device__ __forceinline__ int second_position(int lane, int) { return lane % 16; }
    static __device__ __forceinline__ int second_byte(int lane) { return lane / 16 * 16; }
    static __device__ __forceinline__ int first_channel(int lane, int n) { return lane / 4 + 8 * n; }

    static __device__ __forceinline__ void load_first(unsigned (&a)[4], const unsigned char* at, const unsigned char*) {
        load_transposed(a, at);
    }

    static __device__ __forceinline__ void load_second(unsigned (&b)[4], const unsigned char* at, const unsigned char*) {
        load_transposed(b, at);
    }
};

#if defined(PRODUCTS_BF16)
typedef Bf16 Format;
#elif defined(PRODUCTS_TF32X3)
typedef Tf32x3 Format;
#elif defined(PRODUCTS_TF32)
typedef Tf32 Format;
#else
#error "no format that tensor cores multiply"
#endif
