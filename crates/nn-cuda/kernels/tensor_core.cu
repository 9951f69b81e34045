// The formats that tensor cores multiply (ptx.cu). What is compiled is for one of them, `Format`.
//
// Shared memory holds four factors as a quad; a row of quads is loaded as it is (ldmatrix), whatever the format.
//
// Bytes of a row that one product takes.
#define STEP_BYTES 32

// `Quad` is four rounded factors. Where rows are positions and what is multiplied are channels of two tensors
// (the gradient of a weight), fragments are columns: `DEPTH` positions of 16 channels, loaded from two places of a lane.

struct Tf32 {
    typedef uint4 Quad;
    static constexpr int FACTOR = 4;  // bytes
    static constexpr int QUADS = 4;  // quads of channels that a convolution has in shared memory at a time
    static constexpr int MOST_QUADS = 4;  // the same where blocks are small, and what shared memory that takes
    static constexpr int FORWARD_BYTES = 35328;
    static constexpr int DEPTH = 8;
    static constexpr int COLUMN_PADDING = 16;

    static __device__ __forceinline__ Quad rounded(float4 x) {
        return make_uint4(tf32_of(x.x), tf32_of(x.y), tf32_of(x.z), tf32_of(x.w));
    }

    static __device__ __forceinline__ void multiply(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
        multiply_tf32(d, a, b0, b1);
    }

    static __device__ __forceinline__ unsigned word(const unsigned char* at) {
        return *reinterpret_cast<const unsigned*>(at);
    }

    // Which of a step's positions this lane's n-th place is, and where in its row; the same for both factors. The lane's two are
    // neighbours, so that what four lanes read at once is two rows apart: with an odd multiple of 16 bytes from one row to the
    // next, in different banks.
    static __device__ __forceinline__ int first_position(int lane, int n) { return lane % 4 * 2 + n; }
    static __device__ __forceinline__ int first_byte(int lane) { return lane / 4 * 4; }
    static __device__ __forceinline__ int second_position(int lane, int n) { return first_position(lane, n); }
    static __device__ __forceinline__ int second_byte(int lane) { return first_byte(lane); }

    static __device__ __forceinline__ void load_first(unsigned (&a)[4], const unsigned char* at, const unsigned char* next) {
        a[0] = word(at);
        a[1] = word(at + 32);
        a[2] = word(next);
        a[3] = word(next + 32);
    }

    static __device__ __forceinline__ void load_second(unsigned (&b)[4], const unsigned char* at, const unsigned char* next) {
        b[0] = word(at);
        b[1] = word(next);
        b[2] = word(at + 32);
        b[3] = word(next + 32);
    }
};

struct Bf16 {
    typedef uint2 Quad;
    static constexpr int FACTOR = 2;
    static constexpr int QUADS = 8;
    static constexpr int MOST_QUADS = 16;
    static constexpr int FORWARD_BYTES = 55872;
    static constexpr int DEPTH = 16;
    static constexpr int COLUMN_PADDING = 16;

    static __device__ __forceinline__ Quad rounded(float4 x) { return make_uint2(bf16x2_of(x.x, x.y), bf16x2_of(x.z, x.w)); }

    static __device__ __forceinline__ void multiply(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
        multiply_bf16(d, a, b0, b1);
    }

    // One place is enough: lanes name rows of four matrices.
    static __device__ __forceinline__ int first_position(int lane, int) { return lane / 16 * 8 + lane % 8; }
    static __device__ __forceinline__ int first_byte(int lane) { return lane / 8 % 2 * 16; }
    static __device__ __forceinline__ int second_position(int lane, int) { return lane % 16; }
    static __device__ __forceinline__ int second_byte(int lane) { return lane / 16 * 16; }

    static __device__ __forceinline__ void load_first(unsigned (&a)[4], const unsigned char* at, const unsigned char*) {
        load_transposed(a, at);
    }

    static __device__ __forceinline__ void load_second(unsigned (&b)[4], const unsigned char* at, const unsigned char*) {
        load_transposed(b, at);
    }
};

#ifdef PRODUCTS_BF16
typedef Bf16 Format;
#else
typedef Tf32 Format;
#endif

// Some neighbouring quads, to a place that is a multiple of their bytes.
template <int COUNT>
struct alignas(COUNT * sizeof(Format::Quad)) Quads {
    Format::Quad of[COUNT];
};
