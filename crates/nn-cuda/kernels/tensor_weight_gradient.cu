// Gradient of a convolution's weight on tensor cores:
// dw[u, v, i, o] = sum of x[stride y + u - padding, stride x + v - padding, i] * dy[y, x, o] over positions.
//
// A block has IN channels of the input by OUT of the output and a span of tiles, tile by tile in shared memory: of the input the
// patch that the tile reads, and of the output's gradient the tile, both read as the convolution reads them and rounded
// (tensor_core.cu). Positions are what is summed over. A warp has 16 by 16 channels under a row of taps; warps that have the same
// take turns with the positions, and the span's part is their sum, in order.
//
// Parts are [span][tap][in, stored][out, stored]. Tested against nn-reference's conv2d.

struct TensorGradientArguments {
    Source input;
    Source gradient;
    Span<float> parts;
    Sizes sizes;
    int tiles;  // in the batch
    int span;   // tiles in a span
};

#define GRADIENT_WARPS 12
#define GRADIENT_THREADS (32 * GRADIENT_WARPS)

template <int HEIGHT, int WIDTH, int IN, int OUT, int PATCH, int TAPS>
struct GradientTile {
    static constexpr int QUAD = sizeof(Format::Quad);
    static constexpr int IN_PITCH = IN / 4 * QUAD + 16, OUT_PITCH = OUT / 4 * QUAD + 16;
    static constexpr int POSITIONS = HEIGHT * WIDTH, STEPS = POSITIONS / Format::DEPTH;
    static constexpr int PAIRS = IN / 16 * (OUT / 16);  // of 16 by 16 channels
    static constexpr int TAP_GROUPS = TAPS == 9 ? 3 : 1;
    static constexpr int TURNS = GRADIENT_WARPS / PAIRS / TAP_GROUPS;
    static_assert(PAIRS * TAP_GROUPS * TURNS == GRADIENT_WARPS, "every warp has something");

    union Shared {
        struct {
            alignas(16) unsigned char input[PATCH * IN_PITCH];
            alignas(16) unsigned char gradient[POSITIONS * OUT_PITCH];
        } factors;
        float sums[TAPS][IN][OUT + Format::SUM_PADDING];
    };
};

// What a block's channels are normalised with, and their gradients made. In shared memory: kept by every thread, they or their
// addresses would take the registers that the sums are in.
template <int IN, int OUT>
struct Coefficients {
    Reader<false> input[IN / 4];
    Reader<true> gradient[OUT / 4];

    // Those of an image, by all threads of a block; they see them after a barrier.
    __device__ __forceinline__ void prepare(const Source& x, const Source& dy, const Sizes& sizes, int image, int first_in,
                                            int first_out) {
        prepare_readers(threadIdx.x, x, image, first_in, sizes.in_channels, input);
        prepare_readers((int)threadIdx.x - IN / 4, dy, image, first_out, sizes.out_channels, gradient);
    }
};

// What a warp has of the gradient of a weight: channels of input and output from these on, which group of taps, and which turns.
struct GradientPart {
    int in, out, taps, turn;
};

template <class Tile, int OUT>
__device__ __forceinline__ GradientPart gradient_part(int thread) {
    const int warp = thread / 32, pair = warp % Tile::PAIRS, rest = warp / Tile::PAIRS;
    return {pair / (OUT / 16) * 16, pair % (OUT / 16) * 16, rest % Tile::TAP_GROUPS, rest / Tile::TAP_GROUPS};
}

// The sums of a warp: taps, and 16 by 8 channels twice.
template <int TAPS>
struct GradientSums {
    float of[TAPS][2][4];
};

// Adds a tile that is in shared memory. `apart` positions of the patch are from one of the tile to the next.
template <class Tile, int WIDTH, int OUT, int TAPS>
__device__ __forceinline__ void add_tile(const typename Tile::Shared& shared, int patch_width, int apart,
                                         GradientSums<TAPS>& sums) {
    static_assert(WIDTH % Format::DEPTH == 0 || Format::DEPTH % WIDTH == 0, "a step goes along a row, or down whole rows");
    // Where it is told from more, anew for each tile: kept, it would take the sums' registers.
    const int thread = Tile::TURNS > 2 ? anew(threadIdx.x) : threadIdx.x, lane = thread % 32;
    const GradientPart part = gradient_part<Tile, OUT>(thread);
    const unsigned char* x[2];
    const unsigned char* dy[2];
    for (int n = 0; n < 2; ++n) {
        const int position = Format::first_position(lane, n);
        const int in_patch = (position / WIDTH * patch_width + position % WIDTH) * apart + part.taps * patch_width;
        x[n] = shared.factors.input + part.in / 4 * Tile::QUAD + Format::first_byte(lane) + in_patch * Tile::IN_PITCH;
        dy[n] = shared.factors.gradient + part.out / 4 * Tile::QUAD + Format::second_byte(lane) +
                Format::second_position(lane, n) * Tile::OUT_PITCH;
    }
#pragma unroll (Format::STEPS_TOGETHER)
    for (int turn = 0; turn < Tile::STEPS; turn += Tile::TURNS) {
        if (Tile::STEPS % Tile::TURNS != 0 && turn + part.turn >= Tile::STEPS) break;
        const int position = (turn + part.turn) * Format::DEPTH;
        const int in_patch = (position / WIDTH * patch_width + position % WIDTH) * apart * Tile::IN_PITCH;
        unsigned b[4];
        Format::load_second(b, dy[0] + position * Tile::OUT_PITCH, dy[1] + position * Tile::OUT_PITCH);
#pragma unroll
        for (int tap = 0; tap < TAPS; ++tap) {
            unsigned a[4];
            Format::load_first(a, x[0] + in_patch + tap * Tile::IN_PITCH, x[1] + in_patch + tap * Tile::IN_PITCH);
            Format::multiply(sums.of[tap][0], a, b[0], b[1]);
            Format::multiply(sums.of[tap][1], a, b[2], b[3]);
        }
    }
}

// Puts two neighbouring sums to their place, or adds them to what is there.
__device__ __forceinline__ void add_pair(float* at, float x, float y, bool first) {
    float2* pair = reinterpret_cast<float2*>(at);
    *pair = first ? make_float2(x, y) : make_float2(pair->x + x, pair->y + y);
}

// Puts the sums of a warp's `taps` taps to `room`, its first tap's, where channels of the products' first factor are rows: from `row`
// and `column` on. Warps that have the same channels and taps do so one after another, `turn` of TURNS is this one's.
template <int TURNS, int TAPS, int ROWS, int PITCH>
__device__ __forceinline__ void gather_sums(float (*room)[ROWS][PITCH], int taps, int row, int column, int turn,
                                            const GradientSums<TAPS>& sums) {
    const int lane = anew(threadIdx.x) % 32;
    column += lane % 4 * 2;
    for (int now = 0; now < TURNS; ++now) {
#pragma unroll
        for (int n = 0; n < TAPS; ++n) {
            if (turn != now || n >= taps) break;
            for (int i = 0; i < 4; ++i) {
                float* at = &room[n][row + Format::first_channel(lane, i % 2)][column + i / 2 * 8];
                add_pair(at, sums.of[n][i / 2][2 * (i % 2)], sums.of[n][i / 2][2 * (i % 2) + 1], now == 0);
            }
        }
        __syncthreads();
    }
}

template <int HEIGHT, int WIDTH, int IN, int OUT, int PATCH, int TAPS, bool UNIT>
__device__ __forceinline__ void tensor_weight_gradient(const TensorGradientArguments& a) {
    using Tile = GradientTile<HEIGHT, WIDTH, IN, OUT, PATCH, TAPS>;
    using PatchShape = KnownShape<UNIT ? HEIGHT + 2 : 0, UNIT ? WIDTH : 0, UNIT>;
    using TileShape = KnownShape<UNIT ? HEIGHT : 0, UNIT ? WIDTH : 0, 0>;
    __shared__ typename Tile::Shared shared;
    __shared__ Coefficients<IN, OUT> coefficients;
    const Sizes& s = a.sizes;
    const int stride = UNIT ? 1 : s.stride, padding = UNIT ? 1 : s.padding;
    // One tap reads no more than the tile's positions.
    const int step = TAPS == 1 ? stride : 1, apart = TAPS == 1 ? 1 : stride, reach = TAPS == 1 ? 0 : 2;
    const int patch_height = (HEIGHT - 1) * apart + 1 + reach, patch_width = (WIDTH - 1) * apart + 1 + reach;
    const int out_chunks = (s.out_channels + OUT - 1) / OUT;
    const int first_in = blockIdx.x / out_chunks * IN, first_out = blockIdx.x % out_chunks * OUT;
    constexpr int ROW = TAPS / Tile::TAP_GROUPS;
    GradientSums<ROW> sums;
    for (int i = 0; i < ROW * 8; ++i) sums.of[i / 8][i / 4 % 2][i % 4] = 0.0f;
    const int begin = blockIdx.y * a.span, end = min(begin + a.span, a.tiles);
    Target target = target_at<HEIGHT, WIDTH>(s.out_height, s.out_width, begin);
    wait_for_launch_before();
#pragma unroll 1
    for (int tile = begin; tile < end; ++tile, next_tile<HEIGHT, WIDTH>(target)) {
        if (tile == begin || is_read_anew(a.input.norm, target) || is_read_anew(a.gradient.norm, target)) {
            coefficients.prepare(a.input, a.gradient, s, target.image, first_in, first_out);
            __syncthreads();
        }
        const Patch read = {target.image, target.top * stride - padding, target.left * stride - padding, step, patch_height, patch_width};
        fill_patch<PatchShape, GRADIENT_THREADS, IN / 4, Tile::IN_PITCH, Format::AHEAD>(
            a.input, coefficients.input, read, s.in_height, s.in_width, s.in_channels, first_in, shared.factors.input);
        const Patch own = {target.image, target.top, target.left, 1, HEIGHT, WIDTH};
        fill_patch<TileShape, GRADIENT_THREADS, OUT / 4, Tile::OUT_PITCH, Format::AHEAD>(
            a.gradient, coefficients.gradient, own, s.out_height, s.out_width, s.out_channels, first_out, shared.factors.gradient);
        __syncthreads();
        add_tile<Tile, WIDTH, OUT, ROW>(shared, patch_width, apart, sums);
        __syncthreads();
    }
    const GradientPart part = gradient_part<Tile, OUT>(anew(threadIdx.x));
    gather_sums<Tile::TURNS>(&shared.sums[part.taps * ROW], ROW, part.in, part.out, part.turn, sums);
    const int out_quad = threadIdx.x % (OUT / 4);
    for (int index = threadIdx.x / (OUT / 4); index < TAPS * IN; index += GRADIENT_THREADS / (OUT / 4)) {
        const int tap = index / IN, i = index % IN;
        if (first_in + i >= s.in_channels || first_out + 4 * out_quad >= s.out_channels) continue;
        const Offset row = (Offset)(blockIdx.y * TAPS + tap) * s.in_channels + first_in + i;
        store4(here(a.parts) + row * s.out_channels + first_out + 4 * out_quad, load4(&shared.sums[tap][i][4 * out_quad]));
    }
}

// grid (chunks of the input * chunks of the output, spans, replicas). In the name: "unit" for 3x3 of stride 1 and
// padding 1, "point" for 1x1; rows and columns of a tile; for "unit" channels of input and output, else those are 16 and 32.
#define TENSOR_WEIGHT_GRADIENT(name, ...)                                                                    \
    extern "C" __global__ void __launch_bounds__(GRADIENT_THREADS, 2)                                        \
        name(const __grid_constant__ TensorGradientArguments a) {                                            \
        tensor_weight_gradient<__VA_ARGS__>(a);                                                              \
    }

TENSOR_WEIGHT_GRADIENT(tensor_unit_weight_gradient_4x32x16x16, 4, 32, 16, 16, 204, 9, true)
TENSOR_WEIGHT_GRADIENT(tensor_unit_weight_gradient_4x16x32x32, 4, 16, 32, 32, 108, 9, true)
TENSOR_WEIGHT_GRADIENT(tensor_unit_weight_gradient_8x8x32x32, 8, 8, 32, 32, 100, 9, true)
TENSOR_WEIGHT_GRADIENT(tensor_weight_gradient_4x16, 4, 16, 16, 32, 297, 9, false)
TENSOR_WEIGHT_GRADIENT(tensor_weight_gradient_8x8, 8, 8, 16, 32, 289, 9, false)
TENSOR_WEIGHT_GRADIENT(tensor_point_weight_gradient_4x16, 4, 16, 16, 32, 64, 1, false)
TENSOR_WEIGHT_GRADIENT(tensor_point_weight_gradient_8x8, 8, 8, 16, 32, 64, 1, false)
