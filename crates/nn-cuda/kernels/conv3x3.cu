// The convolutions that most time goes to: 3x3, stride 1, padding 1, forward and for the gradient of the input.
//
// A block has a tile of positions of one image and some channels of the target. Of the source, 16 channels at a time of
// the tile and its border are put into shared memory, normalised or made on the way once instead of once for each tap;
// each thread has four positions in a row by four channels, and reads six neighbouring values for three taps.
//
// Arguments, and what is done on the way, are those of convolution.cu. Tested against nn-reference's conv2d.

#define CHUNK 16

// Positions that a thread asks memory for before it uses the first.
#define AT_ONCE 2

template <int HEIGHT, int WIDTH, int COLUMNS>
struct Tile3x3 {
    static constexpr int THREADS = HEIGHT * WIDTH / 4 * (COLUMNS / 4);
    static constexpr int PITCH = WIDTH + 4;
    // A plane is an odd multiple of four, so that four neighbouring channels are in different banks.
    static constexpr int PLANE = (HEIGHT + 2) * PITCH + ((HEIGHT + 2) * PITCH % 8 == 0 ? 4 : 0);

    union Shared {
        struct {
            float source[CHUNK][PLANE];
            float weight[9][CHUNK][COLUMNS];
        } factors;
        TileScratch<THREADS, COLUMNS> scratch;
    };
};

// Which part of the target a thread has.
struct Part3x3 {
    int image, tile, y, x;        // its first position
    int row, quad;                // within the tile: row, and number of its four positions
    int column, channel;          // within the block's channels, and in all
    int top, left;                // of the tile
};

template <int HEIGHT, int WIDTH, int COLUMNS>
__device__ __forceinline__ Part3x3 part_of(const Partials& tiling) {
    Part3x3 part;
    const int tiles_x = (tiling.width + WIDTH - 1) / WIDTH, tiles = tiling.tiles;
    part.image = blockIdx.x / tiles;
    part.tile = blockIdx.x - part.image * tiles;
    part.top = part.tile / tiles_x * HEIGHT;
    part.left = part.tile % tiles_x * WIDTH;
    const int position = threadIdx.x / (COLUMNS / 4);
    part.row = position / (WIDTH / 4);
    part.quad = position % (WIDTH / 4);
    part.y = part.top + part.row;
    part.x = part.left + 4 * part.quad;
    part.column = threadIdx.x % (COLUMNS / 4) * 4;
    part.channel = blockIdx.y * COLUMNS + part.column;
    return part;
}

// Puts 16 channels of the source, from `first` on, into shared memory.
template <int HEIGHT, int WIDTH, int COLUMNS, bool BACKWARD>
__device__ __forceinline__ void fill_source(const ConvolutionArguments& a, const Part3x3& part, int channels, int first,
                                            float (&target)[CHUNK][Tile3x3<HEIGHT, WIDTH, COLUMNS>::PLANE]) {
    using Tile = Tile3x3<HEIGHT, WIDTH, COLUMNS>;
    const int quad = threadIdx.x % 4, channel = first + 4 * quad;
    const int height = a.finish.partials.height, width = a.finish.partials.width;
    Reader<BACKWARD> reader;
    if (channel < channels) reader.prepare(a.source, part.image, channel);
    const typename Reader<BACKWARD>::Lists lists = Reader<BACKWARD>::lists(a.source);
    constexpr int POSITIONS = (HEIGHT + 2) * (WIDTH + 2), STEP = Tile::THREADS / 4;
    for (int start = threadIdx.x / 4; start < POSITIONS; start += AT_ONCE * STEP) {
        typename Reader<BACKWARD>::Fetched values[AT_ONCE];
        bool inside[AT_ONCE];
#pragma unroll
        for (int i = 0; i < AT_ONCE; ++i) {
            const int index = start + i * STEP;
            const int y = part.top + index / (WIDTH + 2) - 1, x = part.left + index % (WIDTH + 2) - 1;
            inside[i] = index < POSITIONS && y >= 0 && y < height && x >= 0 && x < width && channel < channels;
            const unsigned at = ((unsigned)(part.image * height + y) * width + x) * channels + channel;
            if (inside[i]) values[i] = reader.fetch(lists, at);
        }
#pragma unroll
        for (int i = 0; i < AT_ONCE; ++i) {
            const int index = start + i * STEP;
            if (index >= POSITIONS) break;
            const float4 value = inside[i] ? reader.make(a.source, values[i]) : splat(0.0f);
            float* to = &target[4 * quad][index / (WIDTH + 2) * Tile::PITCH + index % (WIDTH + 2)];
            for (int j = 0; j < 4; ++j) to[j * Tile::PLANE] = element(value, j);
        }
    }
}

// Puts the weight of 16 channels of the source, from `first` on, and this block's columns into shared memory; backward
// transposed, and turned by half a turn.
template <int THREADS, int COLUMNS, bool BACKWARD>
__device__ __forceinline__ void fill_weight(const ConvolutionArguments& a, int channels, int columns, int first,
                                            float (&target)[9][CHUNK][COLUMNS]) {
    const float* weight = here(a.weight);
    const int first_column = blockIdx.y * COLUMNS;
#pragma unroll 1
    for (int index = threadIdx.x; index < 9 * CHUNK * COLUMNS / 4; index += THREADS) {
        float4 w = splat(0.0f);
        if (BACKWARD) {
            const int q = index % (CHUNK / 4), n = index / (CHUNK / 4) % COLUMNS, tap = index / (CHUNK / 4 * COLUMNS);
            const int channel = first + 4 * q;
            if (channel < channels && first_column + n < columns) {
                w = load4(weight + ((Offset)(8 - tap) * columns + first_column + n) * channels + channel);
            }
            for (int j = 0; j < 4; ++j) target[tap][4 * q + j][n] = element(w, j);
        } else {
            const int n = index % (COLUMNS / 4) * 4, k = index / (COLUMNS / 4) % CHUNK;
            const int tap = index / (COLUMNS / 4 * CHUNK);
            if (first + k < channels && first_column + n < columns) {
                w = load4(weight + ((Offset)tap * channels + first + k) * columns + first_column + n);
            }
            store4(&target[tap][k][n], w);
        }
    }
}

template <int HEIGHT, int WIDTH, int COLUMNS, bool BACKWARD>
__device__ __forceinline__ void convolve3x3(const ConvolutionArguments& a, const Part3x3& part,
                                            typename Tile3x3<HEIGHT, WIDTH, COLUMNS>::Shared& shared,
                                            float4 (&sums)[4]) {
    using Tile = Tile3x3<HEIGHT, WIDTH, COLUMNS>;
    const int channels = BACKWARD ? a.sizes.out_channels : a.sizes.in_channels;
    const int columns = BACKWARD ? a.sizes.in_channels : a.sizes.out_channels;
    for (int i = 0; i < 4; ++i) sums[i] = splat(0.0f);
    for (int first = 0; first < channels; first += CHUNK) {
        fill_source<HEIGHT, WIDTH, COLUMNS, BACKWARD>(a, part, channels, first, shared.factors.source);
        fill_weight<Tile::THREADS, COLUMNS, BACKWARD>(a, channels, columns, first, shared.factors.weight);
        __syncthreads();
        const int count = min(CHUNK, channels - first);
#pragma unroll 1
        for (int k = 0; k < count; ++k) {
            const float* from = &shared.factors.source[k][part.row * Tile::PITCH + 4 * part.quad];
#pragma unroll
            for (int u = 0; u < 3; ++u) {
                const float4 near = load4(from + u * Tile::PITCH);
                const float2 far = *reinterpret_cast<const float2*>(from + u * Tile::PITCH + 4);
                const float values[6] = {near.x, near.y, near.z, near.w, far.x, far.y};
#pragma unroll
                for (int v = 0; v < 3; ++v) {
                    const float4 w = load4(&shared.factors.weight[3 * u + v][k][part.column]);
#pragma unroll
                    for (int i = 0; i < 4; ++i) sums[i] = fma4(splat(values[i + v]), w, sums[i]);
                }
            }
        }
        __syncthreads();
    }
}

template <int HEIGHT, int WIDTH, int COLUMNS, bool BACKWARD>
__device__ __forceinline__ void tile3x3(const ConvolutionArguments& a) {
    wait_for_launch_before();
    using Tile = Tile3x3<HEIGHT, WIDTH, COLUMNS>;
    __shared__ typename Tile::Shared shared;
    const Part3x3 part = part_of<HEIGHT, WIDTH, COLUMNS>(a.finish.partials);
    float4 results[4];
    convolve3x3<HEIGHT, WIDTH, COLUMNS, BACKWARD>(a, part, shared, results);
    const int stored = BACKWARD ? a.sizes.in_channels : a.sizes.out_channels;
    const int height = a.finish.partials.height, width = a.finish.partials.width;
    const int count = part.y < height ? max(0, min(4, width - part.x)) : 0;
    const unsigned first = ((unsigned)(part.image * height + part.y) * width + part.x) * stored + part.channel;
    const unsigned places[4] = {first, first + stored, first + 2 * stored, first + 3 * stored};
    if (BACKWARD) {
        const Gate4 gate = gate_of(a.finish, part.image, part.channel);
        complete_gradient<1>(a, shared.scratch, results, gate, blockIdx.x, places, count);
        finish_gradients(a.finish, shared.scratch.finish, blockIdx.x, 1);
        return;
    }
    if (part.channel < stored) complete_output(a, results, places, part.channel, count);
    if (a.finish.partials.values.first == nullptr) return;
    tile_statistics(a, shared.scratch, results, blockIdx.x, count, tile_positions(a.finish.partials, part.tile));
    finish_statistics(a.finish, shared.scratch.finish, blockIdx.x, 1);
}

// grid (images * tiles, ceil(target's channels / channels of a block), replicas); rows and columns of positions, and
// channels, are in the name.
extern "C" __global__ void __launch_bounds__(128, 8)
    conv3x3_forward_4x32x16(const __grid_constant__ ConvolutionArguments a) { tile3x3<4, 32, 16, false>(a); }

extern "C" __global__ void __launch_bounds__(128, 8)
    conv3x3_forward_4x16x32(const __grid_constant__ ConvolutionArguments a) { tile3x3<4, 16, 32, false>(a); }

extern "C" __global__ void __launch_bounds__(128, 6)
    conv3x3_forward_8x8x32(const __grid_constant__ ConvolutionArguments a) { tile3x3<8, 8, 32, false>(a); }

extern "C" __global__ void __launch_bounds__(128, 6)
    conv3x3_backward_4x32x16(const __grid_constant__ ConvolutionArguments a) { tile3x3<4, 32, 16, true>(a); }

extern "C" __global__ void __launch_bounds__(128, 6)
    conv3x3_backward_4x16x32(const __grid_constant__ ConvolutionArguments a) { tile3x3<4, 16, 32, true>(a); }

extern "C" __global__ void __launch_bounds__(128, 6)
    conv3x3_backward_8x8x32(const __grid_constant__ ConvolutionArguments a) { tile3x3<8, 8, 32, true>(a); }
