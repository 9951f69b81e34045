// Both gradients of a 3x3 convolution of stride 1 and padding 1 in one pass, on tensor cores: of its input and of its weight.
//
// A block has IN channels of the input, all OUT of the output and a span of tiles, tile by tile in shared memory: of the
// output's gradient a patch, of the input the tile alone. Under a tap, the patch is multiplied by the weight for the gradient of
// the input (tensor_convolution.cu), and by the tile for the gradient of the weight:
// dw[u, v, i, o] = sum of x[y, x, i] * dy[y + 1 - u, x + 1 - v, o] over the tile's positions. So what memory holds is read once
// for both, and the weight once for all tiles of a span.
//
// Arguments, and what is done on the way, are those of convolution.cu; parts are those of tensor_weight_gradient.cu. Tested
// against nn-reference's conv2d.

struct GradientsArguments {
    ConvolutionArguments convolution;  // of the gradient of the input
    Source input;                      // what the convolution read
    Span<float> parts;
};

template <int HEIGHT, int WIDTH, int IN, int OUT>
struct GradientsTile {
    // What multiply_chunk and copy_first_factors_and_wait know of a tile.
    static constexpr int ROWS = HEIGHT * WIDTH;
    static constexpr int THREADS = ROWS / 32 * (IN / 16) * 32, WARPS = THREADS / 32;
    static constexpr int QUAD = sizeof(Format::Quad);
    static constexpr int STEPS = OUT / 4 * QUAD / STEP_BYTES;
    static constexpr int PITCH = OUT / 4 * QUAD + 16;
    static constexpr int PATCH = (HEIGHT + 2) * (WIDTH + 2);
    // Of the input's tile, whose columns are multiplied.
    static constexpr int IN_PITCH = IN / 4 * QUAD + 16;
    // Warps share the gradient of the weight: 16 by 16 channels, the taps before SPLIT or from there on, and every so manyth step of
    // positions.
    static constexpr int PAIRS = IN / 16 * (OUT / 16);
    static constexpr int TAP_GROUPS = 2, SPLIT = 4, TAPS = 9 - SPLIT;
    static constexpr int TURNS = WARPS / PAIRS / TAP_GROUPS;
    static_assert(PAIRS * TAP_GROUPS * TURNS == WARPS, "every warp has something");

    struct Factors {
        alignas(16) unsigned char weight[9 * IN * PITCH];
        union {
            struct {
                alignas(16) unsigned char gradient[PATCH * PITCH];
                alignas(16) unsigned char input[ROWS * IN_PITCH];
            } tile;
            struct {
                float results[ROWS][IN + 4];
                TileScratch<THREADS, IN> scratch;
            } done;
        };
    };

    union Shared {
        Factors factors;
        float sums[9][OUT][IN + Format::SUM_PADDING];
    };
};

// Adds a tile that is in shared memory, under the taps from FIRST to END: from one step of a warp to its next, and from one tap to
// another, places in the tile differ by constants.
template <class Tile, int WIDTH, int FIRST, int END>
__device__ __forceinline__ void add_under_taps(const unsigned char* const (&dy)[2], const unsigned char* const (&x)[2],
                                               GradientSums<Tile::TAPS>& sums) {
    constexpr int APART = Tile::TURNS * Format::DEPTH;
    static_assert(WIDTH % APART == 0 || APART % WIDTH == 0, "a step goes along a row, or down whole rows");
#pragma unroll (Format::STEPS_TOGETHER)
    for (int position = 0; position < Tile::ROWS; position += APART) {
        unsigned b[4];
        Format::load_second(b, x[0] + position * Tile::IN_PITCH, x[1] + position * Tile::IN_PITCH);
        const int in_patch = position / WIDTH * (WIDTH + 2) + position % WIDTH;
#pragma unroll
        for (int tap = FIRST; tap < END; ++tap) {
            const int under = (in_patch + (2 - tap / 3) * (WIDTH + 2) + 2 - tap % 3) * Tile::PITCH;
            unsigned a[4];
            Format::load_first(a, dy[0] + under, dy[1] + under);
            Format::multiply(sums.of[tap - FIRST][0], a, b[0], b[1]);
            Format::multiply(sums.of[tap - FIRST][1], a, b[2], b[3]);
        }
    }
}

template <class Tile, int WIDTH, int OUT>
__device__ __forceinline__ void add_to_weight(const typename Tile::Factors& factors, GradientSums<Tile::TAPS>& sums) {
    // Anew for each tile: the registers are the sums'.
    const int thread = anew(threadIdx.x), lane = thread % 32;
    const GradientPart part = gradient_part<Tile, OUT>(thread);
    const unsigned char* dy[2];
    const unsigned char* x[2];
    for (int n = 0; n < 2; ++n) {
        const int first = part.turn * Format::DEPTH + Format::first_position(lane, n);
        const int second = part.turn * Format::DEPTH + Format::second_position(lane, n);
        const int in_patch = first / WIDTH * (WIDTH + 2) + first % WIDTH;
        dy[n] = factors.tile.gradient + part.out / 4 * Tile::QUAD + Format::first_byte(lane) + in_patch * Tile::PITCH;
        x[n] = factors.tile.input + part.in / 4 * Tile::QUAD + Format::second_byte(lane) + second * Tile::IN_PITCH;
    }
    if (part.taps == 0) {
        add_under_taps<Tile, WIDTH, 0, Tile::SPLIT>(dy, x, sums);
    } else {
        add_under_taps<Tile, WIDTH, Tile::SPLIT, 9>(dy, x, sums);
    }
}

// One tile: into shared memory, to the sums of the weight, and to the gradient of the input.
template <class Tile, int HEIGHT, int WIDTH, int IN, int OUT>
__device__ __forceinline__ void gradients_of_tile(const GradientsArguments& a, const Target& target, int number,
                                                  const Coefficients<IN, OUT>& coefficients, const Gate4 (&gates)[IN / 4],
                                                  typename Tile::Factors& factors, GradientSums<Tile::TAPS>& weight_sums) {
    const Sizes& s = a.convolution.sizes;
    const int image = target.image, top = target.top, left = target.left;
    // As many of the patch as a thread has in all, or as it has registers for.
    constexpr int AHEAD = sizeof(Four) == 8 ? 3 : 2;
    const int first_in = blockIdx.y * IN;
    const Patch patch = {image, top - 1, left - 1, 1, HEIGHT + 2, WIDTH + 2};
    fill_patch<KnownShape<HEIGHT + 2, WIDTH, 1>, Tile::THREADS, OUT / 4, Tile::PITCH, AHEAD>(
        a.convolution.source, coefficients.gradient, patch, s.in_height, s.in_width, s.out_channels, 0, factors.tile.gradient);
    const Patch own = {image, top, left, 1, HEIGHT, WIDTH};
    fill_patch<KnownShape<HEIGHT, WIDTH, 0>, Tile::THREADS, IN / 4, Tile::IN_PITCH, 2>(
        a.input, coefficients.input, own, s.in_height, s.in_width, s.in_channels, first_in, factors.tile.input);
    wait_for_copies();
    __syncthreads();
    float sums[2][2][4];
    for (int i = 0; i < 16; ++i) sums[i / 8][i / 4 % 2][i % 4] = 0.0f;
    const Stencil stencil = unit_stencil<HEIGHT, WIDTH, true>(top, left);
    multiply_chunk<Tile, WIDTH, IN, true>(stencil, factors.tile.gradient, factors.weight, sums);
    add_to_weight<Tile, WIDTH, OUT>(factors, weight_sums);
    __syncthreads();
    float4 results[4];
    exchange<Tile, IN>(factors.done.results, sums, results);
    const int thread = anew(threadIdx.x), position = thread / (IN / 4) * 4, quad = thread % (IN / 4);
    const int row = top + position / WIDTH, column = left + position % WIDTH;
    const int count = row < s.in_height ? max(0, min(4, s.in_width - column)) : 0, stored = s.in_channels;
    const unsigned at = ((unsigned)(image * s.in_height + row) * s.in_width + column) * stored + first_in + 4 * quad;
    const unsigned places[4] = {at, at + stored, at + 2 * stored, at + 3 * stored};
    complete_gradient<(sizeof(Four) == 8 ? 4 : 2)>(a.convolution, factors.done.scratch, results, gates[quad], number, places, count);
    // Before the next tile is put where results are.
    __syncthreads();
}

template <int BYTES, int HEIGHT, int WIDTH, int IN, int OUT>
__device__ __forceinline__ void tensor_gradients(const GradientsArguments& a) {
    using Tile = GradientsTile<HEIGHT, WIDTH, IN, OUT>;
    typename Tile::Shared& shared = shared_memory<typename Tile::Shared, BYTES>();
    __shared__ Coefficients<IN, OUT> coefficients;
    __shared__ Gate4 gates[IN / 4];
    const Sizes& s = a.convolution.sizes;
    const int first_in = blockIdx.y * IN;
    GradientSums<Tile::TAPS> sums;
    for (int i = 0; i < Tile::TAPS * 8; ++i) sums.of[i / 8][i / 4 % 2][i % 4] = 0.0f;
    const int begin = blockIdx.x * a.convolution.span, end = min(begin + a.convolution.span, a.convolution.tiles);
    Target target = target_at<HEIGHT, WIDTH>(s.in_height, s.in_width, begin);
    copy_first_factors_and_wait<Tile, IN, OUT / 4, true>(a.convolution, shared.factors.weight);
#pragma unroll 1
    for (int tile = begin; tile < end; ++tile, next_tile<HEIGHT, WIDTH>(target)) {
        if (tile == begin || is_read_anew(a.input.norm, target) || is_read_anew(a.convolution.source.norm, target) ||
            is_read_anew(a.convolution.finish.norm, target)) {
            coefficients.prepare(a.input, a.convolution.source, s, target.image, first_in, 0);
            if (threadIdx.x < IN / 4) gates[threadIdx.x] = gate_of(a.convolution.finish, target.image, first_in + 4 * threadIdx.x);
            __syncthreads();
        }
        gradients_of_tile<Tile, HEIGHT, WIDTH, IN, OUT>(a, target, tile, coefficients, gates, shared.factors, sums);
    }
#pragma unroll 1
    for (int row = begin, next; row < end; row = next) {
        next = next_group(row, end);
        finish_gradients(a.convolution.finish, shared.factors.done.scratch.finish, row, next - row);
    }
    wait_for_copies();
    __syncthreads();
    const GradientPart part = gradient_part<Tile, OUT>(anew(threadIdx.x));
    const int taps = part.taps == 0 ? Tile::SPLIT : Tile::TAPS;
    gather_sums<Tile::TURNS>(&shared.sums[part.taps * Tile::SPLIT], taps, part.out, part.in, part.turn, sums);
    for (int index = threadIdx.x; index < 9 * IN * (OUT / 4); index += Tile::THREADS) {
        // Two neighbours write 32 bytes, and pairs of them read a row of the sums.
        const int i = index / 2 % IN, out = (index % 2 + index / (2 * IN) % (OUT / 8) * 2) * 4, tap = index / (IN * (OUT / 4));
        if (first_in + i >= s.in_channels || out >= s.out_channels) continue;
        const Offset row = (Offset)(blockIdx.x * 9 + tap) * s.in_channels + first_in + i;
        const float(*sum)[IN + Format::SUM_PADDING] = &shared.sums[tap][out];
        store4(here(a.parts) + row * s.out_channels + out, make_float4(sum[0][i], sum[1][i], sum[2][i], sum[3][i]));
    }
}

// grid (spans, ceil(input's channels / IN), replicas), with so many bytes of shared memory. In the name: rows and
// columns of a tile; channels of the input in a block, and of the output at most.
#define TENSOR_GRADIENTS(name, ...)                                                                                    \
    extern "C" __global__ void __launch_bounds__(256, 2) name(const __grid_constant__ GradientsArguments a) {          \
        tensor_gradients<__VA_ARGS__>(a);                                                                              \
    }

TENSOR_GRADIENTS(tensor_gradients_8x32x16x16, (Format::FACTOR == 4 ? 59200 : 35520), 8, 32, 16, 16)
TENSOR_GRADIENTS(tensor_gradients_8x16x32x32, (Format::FACTOR == 4 ? 85824 : 47680), 8, 16, 32, 32)
