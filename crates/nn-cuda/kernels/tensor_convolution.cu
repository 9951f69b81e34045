// Convolutions on tensor cores, forward and for the gradient of the input, of kernels up to 3x3 and strides up to 2.
//
// A block has a tile of positions of one image by some channels of the target. Of the source, a patch that has all that the tile
// reads is put into shared memory, some channels at a time: normalised or made on the way, and rounded (tensor_core.cu). Under a
// tap, rows of the patch are the rows of a product of matrices, whose columns are the target's channels. A warp has 32 positions
// by 16 channels.
//
// A gradient's positions that are a stride apart read under the same taps (a class), so that each class is a convolution of
// stride 1 with some of the taps. Arguments, and what is done on the way, are those of convolution.cu, but for the weight: its
// rounded copy, [tap][out][in] forward and [tap][in][out] backward. Tested against nn-reference's conv2d.

// Where a tile reads: position (y, x) of the tile, under tap n, at position (stride y, stride x) + offset of n in the patch.
struct Stencil {
    int top, left;      // of the patch, in the source
    int step;           // from one position of the patch to the next, in the source
    int height, width;  // of the patch
    int stride;
    int taps, across;   // taps that are used, and in a row of them
    int kernel;         // all taps in a row
    int down_first, right_first;  // the first that is used, among all
    int apart;          // from one to the next, among all
    int turned;         // whether the first is at the patch's lower right
};

// A 3x3 convolution of stride 1 and padding 1. In constants, of which the compiler makes addresses.
template <int HEIGHT, int WIDTH, bool BACKWARD>
__device__ __forceinline__ Stencil unit_stencil(int top, int left) {
    return {top - 1, left - 1, 1, HEIGHT + 2, WIDTH + 2, 1, 9, 3, 3, 0, 0, 1, BACKWARD};
}

template <int HEIGHT, int WIDTH>
__device__ __forceinline__ Stencil forward_stencil(const Sizes& s, int top, int left) {
    const bool point = s.kernel == 1;
    const int step = point ? s.stride : 1, stride = point ? 1 : s.stride;
    return {top * s.stride - s.padding, left * s.stride - s.padding, step, (HEIGHT - 1) * stride + s.kernel,
            (WIDTH - 1) * stride + s.kernel, stride, s.kernel * s.kernel, s.kernel, s.kernel, 0, 0, 1, 0};
}

// Of the class of positions (y, x) + stride (i, j), for a tile that begins at (i, j) = (top, left).
template <int HEIGHT, int WIDTH>
__device__ __forceinline__ Stencil backward_stencil(const Sizes& s, int y, int x, int top, int left) {
    const int u = (y + s.padding) % s.stride, v = (x + s.padding) % s.stride;
    const int down = taps_from(u, s.kernel, s.stride), across = taps_from(v, s.kernel, s.stride);
    return {top + (y + s.padding - u) / s.stride - max(down - 1, 0), left + (x + s.padding - v) / s.stride - max(across - 1, 0),
            1, HEIGHT + max(down - 1, 0), WIDTH + max(across - 1, 0), 1, down * across, max(across, 1), s.kernel, u, v, s.stride, 1};
}

// Place of the n-th tap that is used, in the patch and among all.
__device__ __forceinline__ int offset_of(const Stencil& s, int n) {
    const int u = n / s.across, v = n % s.across, last = s.taps / s.across - 1;
    return s.turned ? (last - u) * s.width + s.across - 1 - v : u * s.width + v;
}

__device__ __forceinline__ int tap_among_all(const Stencil& s, int n) {
    return (s.down_first + n / s.across * s.apart) * s.kernel + s.right_first + n % s.across * s.apart;
}

// PATCH: positions of the largest patch. QUADS: of the source's channels, how many are in shared memory at a time.
template <int HEIGHT, int WIDTH, int COLUMNS, int PATCH, int QUADS>
struct TensorTile {
    static constexpr int ROWS = HEIGHT * WIDTH;
    static constexpr int THREADS = ROWS / 32 * (COLUMNS / 16) * 32;
    static constexpr int QUAD = sizeof(Format::Quad);
    static constexpr int STEPS = QUADS * QUAD / STEP_BYTES;
    // An odd multiple of 16: eight neighbouring rows are in different banks.
    static constexpr int PITCH = QUADS * QUAD + 16;
    static_assert(QUADS * QUAD % STEP_BYTES == 0, "whole products");

    struct Shared {
        alignas(16) unsigned char weight[9 * COLUMNS * PITCH];
        union {
            alignas(16) unsigned char source[PATCH * PITCH];
            struct {
                float results[ROWS][COLUMNS + 4];
                TileScratch<THREADS, COLUMNS> scratch;
            } done;
        };
    };
};

// Whether a thread has registers for what takes more of them: gradients in large blocks have not.
template <class Tile, bool BACKWARD>
constexpr bool HAS_REGISTERS = !BACKWARD || Tile::ROWS == 64;

// Puts the patch that a tile reads into shared memory, the channels of the source from `first` on.
template <class Tile, class Shape, int QUADS, bool BACKWARD>
__device__ __forceinline__ void fill_source_patch(const ConvolutionArguments& a, const Stencil& stencil, int image, int first,
                                                  const Reader<BACKWARD> (&readers)[QUADS], unsigned char* target) {
    // As many as registers hold. A gradient that is made is two loads.
    constexpr int AHEAD = BACKWARD && Tile::THREADS > 128 ? 2 : 3;
    const Sizes& s = a.sizes;
    const int channels = BACKWARD ? s.out_channels : s.in_channels;
    const int height = BACKWARD ? s.out_height : s.in_height, width = BACKWARD ? s.out_width : s.in_width;
    const Patch patch = {image, stencil.top, stencil.left, stencil.step, stencil.height, stencil.width};
    fill_patch<Shape, Tile::THREADS, QUADS, Tile::PITCH, AHEAD>(a.source, readers, patch, height, width, channels, first, target);
}

// Puts the weights from the source's channels from `first` on to this block's columns into shared memory, without waiting: PER quads
// at a time. A thread has a place of a tap's, and the same of other taps, which are equally far apart.
template <class Tile, int COLUMNS, int QUADS, bool UNIT, bool BACKWARD, int PER>
__device__ __forceinline__ void copy_factors(const ConvolutionArguments& a, const Stencil& stencil, int first,
                                             unsigned char* target) {
    constexpr int PLACES = COLUMNS * (QUADS / PER), TAPS_APART = Tile::THREADS < PLACES ? 1 : Tile::THREADS / PLACES;
    static_assert(Tile::THREADS % PLACES == 0 || PLACES % Tile::THREADS == 0, "every thread has as many");
    const Sizes& s = a.sizes;
    const int channels = BACKWARD ? s.out_channels : s.in_channels, columns = BACKWARD ? s.in_channels : s.out_channels;
    const Format::Quad* weight = reinterpret_cast<const Format::Quad*>(here(a.weight));
    const int first_tap = TAPS_APART == 1 ? 0 : threadIdx.x / PLACES, first_column = blockIdx.y * COLUMNS;
#pragma unroll
    for (int place = threadIdx.x % PLACES; place < PLACES; place += Tile::THREADS) {
        const int quad = place % (QUADS / PER) * PER, column = place / (QUADS / PER), channel = first + 4 * quad;
        const bool inside = channel < channels && first_column + column < columns;
        // Quads of a layer are counted in 32 bits.
        const unsigned of_tap = (unsigned)columns * channels / 4, at = ((unsigned)(first_column + column) * channels + channel) / 4;
        // Of a 3x3 convolution places differ by constants.
#pragma unroll (UNIT && TAPS_APART < 9 ? 9 / TAPS_APART : 1)
        for (int n = first_tap; n < stencil.taps; n += TAPS_APART) {
            const Format::Quad* from = weight + (at + tap_among_all(stencil, n) * of_tap);
            copy_async<PER * Tile::QUAD>(target + (n * COLUMNS + column) * Tile::PITCH + quad * Tile::QUAD, inside ? from : weight,
                                         inside);
        }
    }
}

template <class Tile, int COLUMNS, int QUADS, bool UNIT, bool BACKWARD>
__device__ __forceinline__ void fill_factors(const ConvolutionArguments& a, const Stencil& stencil, int first,
                                             unsigned char* target) {
    // 16 bytes, where channels are as many at a time.
    constexpr int PER = 16 / Tile::QUAD;
    if (PER > 1 && (BACKWARD ? a.sizes.out_channels : a.sizes.in_channels) % (4 * PER) == 0) {
        copy_factors<Tile, COLUMNS, QUADS, UNIT, BACKWARD, PER>(a, stencil, first, target);
    } else {
        copy_factors<Tile, COLUMNS, QUADS, UNIT, BACKWARD, 1>(a, stencil, first, target);
    }
}

// Begins to copy the weights of the first channels of a unit convolution, and waits for the launch before: an older one has rounded them.
// But copies of fewer than 16 bytes go through the L1 cache, which may have the weights of the step before: those come after.
template <class Tile, int COLUMNS, int QUADS, bool BACKWARD>
__device__ __forceinline__ void copy_first_factors_and_wait(const ConvolutionArguments& a, unsigned char* target) {
    constexpr int PER = 16 / Tile::QUAD;
    const Stencil stencil = unit_stencil<1, 1, BACKWARD>(0, 0);
    const bool whole = PER == 1 || (BACKWARD ? a.sizes.out_channels : a.sizes.in_channels) % (4 * PER) == 0;
    if (whole) copy_factors<Tile, COLUMNS, QUADS, true, BACKWARD, PER>(a, stencil, 0, target);
    wait_for_launch_before();
    if (!whole) copy_factors<Tile, COLUMNS, QUADS, true, BACKWARD, 1>(a, stencil, 0, target);
}

// What a warp multiplies of a chunk of channels that is in shared memory.
template <class Tile, int WIDTH, int COLUMNS, bool UNIT>
__device__ __forceinline__ void multiply_chunk(const Stencil& stencil, const unsigned char* source,
                                               const unsigned char* weight, float (&sums)[2][2][4]) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int row = warp % (Tile::ROWS / 32) * 32 + lane % 16, column = warp / (Tile::ROWS / 32) * 16;
    const unsigned char* rows[2];
    for (int i = 0; i < 2; ++i) {
        const int position = row + 16 * i;
        const int at = (position / WIDTH * stencil.width + position % WIDTH) * stencil.stride;
        rows[i] = source + at * Tile::PITCH + lane / 16 * 16;
    }
    weight += (column + lane / 16 * 8 + lane % 8) * Tile::PITCH + lane / 8 % 2 * 16;
    const auto under_tap = [&](int n) {
        const int offset = offset_of(stencil, n) * Tile::PITCH;
#pragma unroll (Format::STEPS_TOGETHER)
        for (int step = 0; step < Tile::STEPS; ++step) {
            unsigned b[4];
            load_matrices(b, weight + n * COLUMNS * Tile::PITCH + step * STEP_BYTES);
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                unsigned x[4];
                load_matrices(x, rows[i] + offset + step * STEP_BYTES);
                Format::multiply(sums[i][0], x, b[0], b[1]);
                Format::multiply(sums[i][1], x, b[2], b[3]);
            }
        }
    };
    if (UNIT) {
#pragma unroll (Format::TAPS_TOGETHER)
        for (int n = 0; n < 9; ++n) under_tap(n);
    } else {
#pragma unroll 1
        for (int n = 0; n < stencil.taps; ++n) under_tap(n);
    }
}

// Exchanges a warp's sums for four rows by four columns of each thread, as the rest of a convolution wants them.
template <class Tile, int COLUMNS>
__device__ __forceinline__ void exchange(float (&room)[Tile::ROWS][COLUMNS + 4], const float (&sums)[2][2][4],
                                         float4 (&results)[4]) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int first_row = warp % (Tile::ROWS / 32) * 32 + lane / 4, first_column = warp / (Tile::ROWS / 32) * 16 + lane % 4 * 2;
    for (int i = 0; i < 2; ++i) {
        for (int j = 0; j < 2; ++j) {
            for (int half = 0; half < 2; ++half) {
                float* to = &room[first_row + 16 * i + 8 * half][first_column + 8 * j];
                *reinterpret_cast<float2*>(to) = make_float2(sums[i][j][2 * half], sums[i][j][2 * half + 1]);
            }
        }
    }
    __syncthreads();
    const int row = threadIdx.x / (COLUMNS / 4) * 4, column = threadIdx.x % (COLUMNS / 4) * 4;
    for (int i = 0; i < 4; ++i) results[i] = load4(&room[row + i][column]);
}

// The class that a tile is of. Classes are in the order of their first positions.
template <int HEIGHT, int WIDTH>
__device__ __forceinline__ Target target_of(const Partials& tiling, int number, int stride) {
    Target of;
    of.image = number / tiling.tiles;
    of.apart = stride;
    int within = number % tiling.tiles;
    const int right = min(stride, tiling.width);
    for (int n = 0;; ++n) {
        of.y = n / right;
        of.x = n % right;
        of.down = every(tiling.height, of.y, stride);
        of.across = every(tiling.width, of.x, stride);
        const int tiles_across = (of.across + WIDTH - 1) / WIDTH;
        const int tiles = (of.down + HEIGHT - 1) / HEIGHT * tiles_across;
        of.top = within / tiles_across * HEIGHT;
        of.left = within % tiles_across * WIDTH;
        if (within < tiles) return of;
        within -= tiles;
    }
}

// One tile of the batch. Weights, and readers unless they are an image's, are in shared memory already if it is not the block's first; if
// it is, the first weights of a unit convolution are on their way.
template <class Tile, int HEIGHT, int WIDTH, int COLUMNS, int QUADS, bool UNIT, bool BACKWARD>
__device__ __forceinline__ void convolve_tensor_tile(const ConvolutionArguments& a, typename Tile::Shared& shared,
                                                     Reader<BACKWARD> (&readers)[QUADS], const Target& target, int number,
                                                     bool is_first) {
    constexpr bool KNOWN = UNIT && HAS_REGISTERS<Tile, BACKWARD>;
    using PatchShape = KnownShape<KNOWN ? HEIGHT + 2 : 0, KNOWN ? WIDTH : 0, KNOWN>;
    const Sizes& s = a.sizes;
    const Stencil stencil = UNIT       ? unit_stencil<HEIGHT, WIDTH, BACKWARD>(target.top, target.left)
                            : BACKWARD ? backward_stencil<HEIGHT, WIDTH>(s, target.y, target.x, target.top, target.left)
                                       : forward_stencil<HEIGHT, WIDTH>(s, target.top, target.left);
    const int channels = BACKWARD ? s.out_channels : s.in_channels, stored = BACKWARD ? s.in_channels : s.out_channels;
    float sums[2][2][4];
    for (int i = 0; i < 16; ++i) sums[i / 8][i / 4 % 2][i % 4] = 0.0f;
    if (is_first || is_read_anew(a.source.norm, target)) {
        prepare_readers(threadIdx.x, a.source, target.image, 0, channels, readers);
        __syncthreads();
    }
    for (int first = 0; first < channels && stencil.taps > 0; first += 4 * QUADS) {
        if (is_first && (!UNIT || first > 0)) fill_factors<Tile, COLUMNS, QUADS, UNIT, BACKWARD>(a, stencil, first, shared.weight);
        fill_source_patch<Tile, PatchShape, QUADS, BACKWARD>(a, stencil, target.image, first, readers, shared.source);
        wait_for_copies();
        __syncthreads();
        // For the next turn, while this one is multiplied.
        if (first + 4 * QUADS < channels) prepare_readers(threadIdx.x, a.source, target.image, first + 4 * QUADS, channels, readers);
        multiply_chunk<Tile, WIDTH, COLUMNS, UNIT>(stencil, shared.source, shared.weight, sums);
        __syncthreads();
    }
    float4 results[4];
    exchange<Tile, COLUMNS>(shared.done.results, sums, results);
    const int position = threadIdx.x / (COLUMNS / 4) * 4, channel = blockIdx.y * COLUMNS + threadIdx.x % (COLUMNS / 4) * 4;
    const int row = target.top + position / WIDTH, column = target.left + position % WIDTH;
    const int count = row < target.down ? max(0, min(4, target.across - column)) : 0;
    const int y = target.y + row * target.apart, x = target.x + column * target.apart;
    const unsigned at =
        ((unsigned)(target.image * a.finish.partials.height + y) * a.finish.partials.width + x) * stored + channel;
    const unsigned next = target.apart * stored;
    const unsigned places[4] = {at, at + next, at + 2 * next, at + 3 * next};
    if (BACKWARD) {
        const Gate4 gate = gate_of(a.finish, target.image, channel);
        complete_gradient<(sizeof(Four) == 8 ? 4 : 2)>(a, shared.done.scratch, results, gate, number, places, count);
        return;
    }
    if (channel < stored) complete_output(a, results, places, channel, count);
    if (a.finish.partials.values.first == nullptr) return;
    const int all = min(HEIGHT, target.down - target.top) * min(WIDTH, target.across - target.left);
    tile_statistics(a, shared.done.scratch, results, number, count, all);
}

// Of a block: what it declares, or BYTES that a launch asks for, since it cannot declare as much.
template <class Shared, int BYTES>
__device__ __forceinline__ Shared& shared_memory() {
    if constexpr (BYTES > 0) {
        static_assert(sizeof(Shared) == BYTES, "what a launch asks for, launch.rs");
        extern __shared__ uint4 dynamic[];
        return *reinterpret_cast<Shared*>(dynamic);
    } else {
        __shared__ Shared declared;
        return declared;
    }
}

template <int HEIGHT, int WIDTH, int COLUMNS, int PATCH, int QUADS, bool UNIT, bool BACKWARD, int BYTES = 0>
__device__ __forceinline__ void tensor_convolution(const ConvolutionArguments& a) {
    using Tile = TensorTile<HEIGHT, WIDTH, COLUMNS, PATCH, QUADS>;
    typename Tile::Shared& shared = shared_memory<typename Tile::Shared, BYTES>();
    __shared__ Reader<BACKWARD> readers[QUADS];
    if constexpr (UNIT) {
        copy_first_factors_and_wait<Tile, COLUMNS, QUADS, BACKWARD>(a, shared.weight);
    } else {
        wait_for_launch_before();
    }
    constexpr bool IN_SPANS = UNIT && HAS_REGISTERS<Tile, BACKWARD>;
    const int span = IN_SPANS ? a.span : 1, begin = blockIdx.x * span, end = IN_SPANS ? min(begin + span, a.tiles) : begin + 1;
    const Partials& tiling = a.finish.partials;
    Target target = BACKWARD && !UNIT ? target_of<HEIGHT, WIDTH>(tiling, begin, a.sizes.stride)
                                      : target_at<HEIGHT, WIDTH>(tiling.height, tiling.width, begin);
#pragma unroll 1
    for (int number = begin; number < end; ++number, next_tile<HEIGHT, WIDTH>(target)) {
        convolve_tensor_tile<Tile, HEIGHT, WIDTH, COLUMNS, QUADS, UNIT, BACKWARD>(a, shared, readers, target, number, number == begin);
        // Before the next tile is put where results are.
        __syncthreads();
    }
#pragma unroll 1
    for (int row = begin, next; row < end; row = next) {
        next = next_group(row, end);
        if (BACKWARD) {
            finish_gradients(a.finish, shared.done.scratch.finish, row, next - row);
        } else {
            finish_statistics(a.finish, shared.done.scratch.finish, row, next - row);
        }
    }
}

// Bytes that a block of 8x16 positions takes forward, if it cannot declare them: an H100 has them three times. And one of 8x8 positions:
// four times.
#define MEDIUM_BYTES (Format::FACTOR == 4 ? 67392 : 0)
#define SMALL_BYTES 55872

// grid (spans, ceil(target's channels / channels of a block), replicas). A span is one tile, unless there is room for the weight of
// all of the source's channels. In the name: "unit" for 3x3 of stride 1 and padding 1; rows and columns of positions, and channels,
// of a block.
#define TENSOR_CONVOLUTION(name, threads, blocks, ...)                                                          \
    extern "C" __global__ void __launch_bounds__(threads, blocks) name(const __grid_constant__ ConvolutionArguments a) { \
        tensor_convolution<__VA_ARGS__>(a);                                                                     \
    }

TENSOR_CONVOLUTION(tensor_unit_forward_8x32x16, 256, 3, 8, 32, 16, 340, 4, true, false)
TENSOR_CONVOLUTION(tensor_unit_forward_8x16x32, 256, 3, 8, 16, 32, 180, Format::MEDIUM_QUADS, true, false, MEDIUM_BYTES)
TENSOR_CONVOLUTION(tensor_unit_forward_8x8x32, 128, 4, 8, 8, 32, 100, Format::SMALL_QUADS, true, false, SMALL_BYTES)
TENSOR_CONVOLUTION(tensor_unit_backward_8x32x16, 256, 3, 8, 32, 16, 340, 4, true, true)
TENSOR_CONVOLUTION(tensor_unit_backward_8x16x32, 256, 3, 8, 16, 32, 180, Format::QUADS, true, true)
TENSOR_CONVOLUTION(tensor_unit_backward_8x8x32, 128, 4, 8, 8, 32, 100, Format::SMALL_QUADS, true, true, SMALL_BYTES)
TENSOR_CONVOLUTION(tensor_forward_4x16x32, 128, 4, 4, 16, 32, 297, Format::QUADS, false, false)
TENSOR_CONVOLUTION(tensor_forward_8x8x32, 128, 4, 8, 8, 32, 289, Format::QUADS, false, false)
TENSOR_CONVOLUTION(tensor_backward_4x16x32, 128, 4, 4, 16, 32, 108, Format::QUADS, false, true)
TENSOR_CONVOLUTION(tensor_backward_8x8x32, 128, 4, 8, 8, 32, 100, Format::QUADS, false, true)
