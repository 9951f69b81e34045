// Gradient of the weight of a 3x3 convolution of stride 1 and padding 1: dw[u, v, i, o] = sum of x[y + u - 1, x + v - 1, i]
// * dy[y, x, o] over positions.
//
// A block has 16 channels of the input by 16 of the output and a span of tiles, tile by tile in shared memory, the input
// with its border. A thread has one row of taps by four by four channels: it goes along a row of positions, and of the
// three values that it multiplies one is new at each. GROUPS threads share the same numbers and take turns with the
// rows; the span's part is their sum, in order.
//
// Parts are [span][tap][in, stored][out, stored]. Tested against nn-reference's conv2d.

#define GROUPS3X3 4
#define THREADS3X3 (48 * GROUPS3X3)

struct TiledGradientArguments {
    Source input;
    Source gradient;
    Span<float> parts;
    int height, width, in_channels, out_channels;
    int tiles;  // in the batch
    int span;   // tiles in a span
};

// Puts 16 channels of a source, those of four threads each, into shared memory: ROWS by COLUMNS positions from `corner` on,
// 0 outside of the image.
template <int ROWS, int COLUMNS, int PITCH, bool GRADIENT>
__device__ __forceinline__ void fill_tile(const Source& source, const Reader<GRADIENT>& reader, bool fetches, Window corner, int height,
                                          int width, int channels, int channel, float* target) {
    constexpr int STEP = THREADS3X3 / 4;
    const typename Reader<GRADIENT>::Lists lists = Reader<GRADIENT>::lists(source);
    for (int start = threadIdx.x / 4; start < ROWS * COLUMNS; start += AT_ONCE * STEP) {
        typename Reader<GRADIENT>::Fetched values[AT_ONCE];
        bool inside[AT_ONCE];
#pragma unroll
        for (int i = 0; i < AT_ONCE; ++i) {
            const int index = start + i * STEP;
            const int y = corner.y + index / COLUMNS, x = corner.x + index % COLUMNS;
            inside[i] = fetches && index < ROWS * COLUMNS && y >= 0 && y < height && x >= 0 && x < width;
            const unsigned at = ((unsigned)(corner.image * height + y) * width + x) * channels + channel;
            if (inside[i]) values[i] = reader.fetch(lists, at);
        }
#pragma unroll
        for (int i = 0; i < AT_ONCE; ++i) {
            const int index = start + i * STEP;
            if (index >= ROWS * COLUMNS) break;
            const float4 value = inside[i] ? reader.make(source, values[i]) : splat(0.0f);
            store4(target + index / COLUMNS * PITCH + index % COLUMNS * CHUNK, value);
        }
    }
}

template <int HEIGHT, int WIDTH>
__device__ __forceinline__ void weight_gradient3x3(const TiledGradientArguments& a) {
    wait_for_launch_before();
    // Rows of taps that differ by one are in different banks.
    constexpr int PITCH = (WIDTH + 2) * CHUNK + ((WIDTH + 2) * CHUNK % 32 == 0 ? CHUNK : 0);
    __shared__ union {
        struct {
            float input[(HEIGHT + 2) * PITCH];
            float gradient[HEIGHT * WIDTH * CHUNK];
        } factors;
        float sums[9][CHUNK][CHUNK];
    } shared;
    const int out_chunks = (a.out_channels + CHUNK - 1) / CHUNK;
    const int first_in = blockIdx.x / out_chunks * CHUNK, first_out = blockIdx.x % out_chunks * CHUNK;
    const int across = (a.width + WIDTH - 1) / WIDTH, down = (a.height + HEIGHT - 1) / HEIGHT;
    const int group = threadIdx.x / 48, u = threadIdx.x % 48 / 16;
    const int in = threadIdx.x % 16 / 4 * 4, out = threadIdx.x % 4 * 4;
    // What this thread fetches: always the same four channels.
    const int quad = threadIdx.x % 4 * 4;
    Reader<false> input;
    Reader<true> gradient;
    int prepared = -1;
    float4 sums[3][4];
    for (int v = 0; v < 3; ++v) {
        for (int i = 0; i < 4; ++i) sums[v][i] = splat(0.0f);
    }
    const int end = min((int)(blockIdx.y + 1) * a.span, a.tiles);
    for (int tile = blockIdx.y * a.span; tile < end; ++tile) {
        const int image = tile / (across * down), within = tile % (across * down);
        const int top = within / across * HEIGHT, left = within % across * WIDTH;
        const bool fetches_input = first_in + quad < a.in_channels, fetches_gradient = first_out + quad < a.out_channels;
        if (image != prepared) {
            if (fetches_input) input.prepare(a.input, image, first_in + quad);
            if (fetches_gradient) gradient.prepare(a.gradient, image, first_out + quad);
            prepared = image;
        }
        fill_tile<HEIGHT + 2, WIDTH + 2, PITCH>(a.input, input, fetches_input, {image, top - 1, left - 1}, a.height,
                                                a.width, a.in_channels, first_in + quad, shared.factors.input + quad);
        fill_tile<HEIGHT, WIDTH, WIDTH * CHUNK>(a.gradient, gradient, fetches_gradient, {image, top, left}, a.height,
                                                a.width, a.out_channels, first_out + quad,
                                                shared.factors.gradient + quad);
        __syncthreads();
        for (int row = group; row < HEIGHT; row += GROUPS3X3) {
            const float* x = &shared.factors.input[(row + u) * PITCH + in];
            const float* g = &shared.factors.gradient[row * WIDTH * CHUNK + out];
            float4 before = load4(x), here = load4(x + CHUNK);
#pragma unroll 4
            for (int column = 0; column < WIDTH; ++column) {
                const float4 after = load4(x + (column + 2) * CHUNK), dy = load4(g + column * CHUNK);
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    sums[0][i] = fma4(splat(element(before, i)), dy, sums[0][i]);
                    sums[1][i] = fma4(splat(element(here, i)), dy, sums[1][i]);
                    sums[2][i] = fma4(splat(element(after, i)), dy, sums[2][i]);
                }
                before = here;
                here = after;
            }
        }
        __syncthreads();
    }
    for (int turn = 0; turn < GROUPS3X3; ++turn) {
        if (group == turn) {
            for (int v = 0; v < 3; ++v) {
                for (int i = 0; i < 4; ++i) {
                    float* at = &shared.sums[3 * u + v][in + i][out];
                    store4(at, turn == 0 ? sums[v][i] : load4(at) + sums[v][i]);
                }
            }
        }
        __syncthreads();
    }
    for (int index = threadIdx.x / 4; index < 9 * CHUNK; index += THREADS3X3 / 4) {
        const int tap = index / CHUNK, i = index % CHUNK;
        if (first_in + i >= a.in_channels || first_out + quad >= a.out_channels) continue;
        const Offset row = (Offset)(blockIdx.y * 9 + tap) * a.in_channels + first_in + i;
        store4(here(a.parts) + row * a.out_channels + first_out + quad, load4(&shared.sums[tap][i][quad]));
    }
}

// grid (chunks of the input * chunks of the output, spans, replicas); a tile's rows and columns are in the name.
extern "C" __global__ void __launch_bounds__(THREADS3X3, 2)
    conv3x3_weight_gradient_4x32(const __grid_constant__ TiledGradientArguments a) { weight_gradient3x3<4, 32>(a); }

extern "C" __global__ void __launch_bounds__(THREADS3X3, 2)
    conv3x3_weight_gradient_8x16(const __grid_constant__ TiledGradientArguments a) { weight_gradient3x3<8, 16>(a); }

extern "C" __global__ void __launch_bounds__(THREADS3X3, 2)
    conv3x3_weight_gradient_8x8(const __grid_constant__ TiledGradientArguments a) { weight_gradient3x3<8, 8>(a); }
