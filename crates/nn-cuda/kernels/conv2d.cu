// Convolution as a product of matrices: y[p, o] = b[o] + sum over k of x[p, k] * w[k, o], where row p is a position and k
// runs over (tap, channel). Forward and the gradient of the input are the same product: the latter gathers the output's
// gradient, with the weight transposed. A linear layer is a convolution of images of one position.
//
// Weights are [tap][in, stored][out, stored]. Tested against nn-reference's conv2d and linear.

#define CONV_DEPTH 16

// One tile of the product: ROWS positions of a set by COLUMNS channels; each thread has 4 by 4.
template <int ROWS, int COLUMNS>
struct ConvolutionTile {
    static constexpr int THREADS = ROWS / 4 * (COLUMNS / 4);
    static constexpr int LOADS = ROWS * (CONV_DEPTH / 4) / THREADS;  // quads of the source that a thread fetches

    union Shared {
        struct {
            float source[CONV_DEPTH][ROWS + 4];
            float weight[CONV_DEPTH][COLUMNS + 4];
        } factors;
        TileScratch<THREADS, COLUMNS> scratch;
    };
};

// Where a position of the target starts to read, in the source's coordinates.
struct Window {
    int image, y, x;
};

template <bool BACKWARD>
__device__ __forceinline__ Window window_of(const Sizes& s, int position) {
    const int height = BACKWARD ? s.in_height : s.out_height, width = BACKWARD ? s.in_width : s.out_width;
    Window window;
    window.image = position / (height * width);
    const int within = position - window.image * height * width;
    window.y = within / width;
    window.x = within - window.y * width;
    if (BACKWARD) {
        window.y += s.padding;
        window.x += s.padding;
    } else {
        window.y = window.y * s.stride - s.padding;
        window.x = window.x * s.stride - s.padding;
    }
    return window;
}

// Some taps of a kernel: every `step`-th of rows and columns, from one on.
struct Taps {
    int u, v, step;
    int across, count;
};

__device__ __forceinline__ int taps_from(int first, int kernel, int step) {
    return first < kernel ? (kernel - first + step - 1) / step : 0;
}

__device__ __forceinline__ Taps taps_of(const Sizes& s, int u, int v, int step) {
    const int across = taps_from(v, s.kernel, step);
    return {u, v, step, max(across, 1), across * taps_from(u, s.kernel, step)};
}

// The place of the n-th of them among all.
__device__ __forceinline__ int tap_of(const Sizes& s, const Taps& taps, int n) {
    return (taps.u + n / taps.across * taps.step) * s.kernel + taps.v + n % taps.across * taps.step;
}

// The source's position under a tap, or -1 where there is none.
template <bool BACKWARD>
__device__ __forceinline__ int under_tap(const Sizes& s, const Window& window, int tap) {
    const int u = tap / s.kernel, v = tap - u * s.kernel;
    int y = window.y + (BACKWARD ? -u : u), x = window.x + (BACKWARD ? -v : v);
    if (BACKWARD) {
        if (y < 0 || x < 0) return -1;
        // Without a remainder: positions of a class are given the taps that reach it.
        y /= s.stride;
        x /= s.stride;
        return y < s.out_height && x < s.out_width ? y * s.out_width + x : -1;
    }
    return y >= 0 && x >= 0 && y < s.in_height && x < s.in_width ? y * s.in_width + x : -1;
}

// The product's terms: sums of four rows by four columns for each thread.
template <int ROWS, int COLUMNS, bool BACKWARD>
__device__ __forceinline__ void convolve_tile(const ConvolutionArguments& a,
                                              typename ConvolutionTile<ROWS, COLUMNS>::Shared& shared,
                                              const int (&positions)[ConvolutionTile<ROWS, COLUMNS>::LOADS],
                                              const Taps& taps, float4 (&sums)[4]) {
    using Tile = ConvolutionTile<ROWS, COLUMNS>;
    const Sizes& s = a.sizes;
    const int channels = BACKWARD ? s.out_channels : s.in_channels;     // of the source
    const int columns = BACKWARD ? s.in_channels : s.out_channels;      // of the target
    const int quads = channels / 4, depth = taps.count * quads;
    const int quad = threadIdx.x % 4, first_row = threadIdx.x / 4;
    const int first_column = blockIdx.y * COLUMNS;
    const int column = threadIdx.x % (COLUMNS / 4) * 4, row = threadIdx.x / (COLUMNS / 4) * 4;
    const float* weight = found(here(a.weight));
    Window windows[Tile::LOADS];
    for (int i = 0; i < Tile::LOADS; ++i) windows[i] = window_of<BACKWARD>(s, max(positions[i], 0));
    for (int i = 0; i < 4; ++i) sums[i] = splat(0.0f);
    const typename Reader<BACKWARD>::Lists lists = Reader<BACKWARD>::lists(a.source);
    for (int start = 0; start < depth; start += CONV_DEPTH / 4) {
        const int tap = tap_of(s, taps, (start + quad) / quads), channel = (start + quad) % quads * 4;
        const bool inside = start + quad < depth;
        Reader<BACKWARD> reader;
        int prepared = -1;
#pragma unroll
        for (int i = 0; i < Tile::LOADS; ++i) {
            float4 x = splat(0.0f);
            const int from = inside && positions[i] >= 0 ? under_tap<BACKWARD>(s, windows[i], tap) : -1;
            if (from >= 0) {
                const int image = windows[i].image;
                if (image != prepared) reader.prepare(a.source, image, channel);
                prepared = image;
                const unsigned at = ((unsigned)image * a.source.positions + from) * channels + channel;
                x = reader.make(a.source, reader.fetch(lists, at));
            }
            const int to = first_row + i * (Tile::THREADS / 4);
            for (int j = 0; j < 4; ++j) shared.factors.source[4 * quad + j][to] = element(x, j);
        }
        // The weight's part: forward, rows of `columns` values; backward, four rows at a time from one column each.
        for (int index = threadIdx.x; index < CONV_DEPTH * COLUMNS / 4; index += Tile::THREADS) {
            if (BACKWARD) {
                const int q = index % 4, n = index / 4;
                const int t = tap_of(s, taps, (start + q) / quads), c = (start + q) % quads * 4;
                float4 w = splat(0.0f);
                if (start + q < depth && first_column + n < columns) {
                    w = load4(weight + ((Offset)t * columns + first_column + n) * channels + c);
                }
                for (int j = 0; j < 4; ++j) shared.factors.weight[4 * q + j][n] = element(w, j);
            } else {
                const int n = index % (COLUMNS / 4) * 4, k = index / (COLUMNS / 4);
                float4 w = splat(0.0f);
                if (4 * start + k < 4 * depth && first_column + n < columns) {
                    w = load4(weight + (Offset)(4 * start + k) * columns + first_column + n);
                }
                store4(&shared.factors.weight[k][n], w);
            }
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < CONV_DEPTH; ++k) {
            const float4 x = load4(&shared.factors.source[k][row]), w = load4(&shared.factors.weight[k][column]);
            for (int i = 0; i < 4; ++i) sums[i] = fma4(splat(element(x, i)), w, sums[i]);
        }
        __syncthreads();
    }
}

template <int ROWS, int COLUMNS>
__device__ __forceinline__ void convolve_forward(const ConvolutionArguments& a) {
    wait_for_launch_before();
    using Tile = ConvolutionTile<ROWS, COLUMNS>;
    __shared__ typename Tile::Shared shared;
    const int tiles = (a.rows + ROWS - 1) / ROWS;
    const int set = blockIdx.x / tiles, tile = blockIdx.x % tiles;
    const int count = min(ROWS, a.rows - tile * ROWS), first = set * a.rows + tile * ROWS;
    int positions[Tile::LOADS];
    for (int i = 0; i < Tile::LOADS; ++i) {
        const int row = threadIdx.x / 4 + i * (Tile::THREADS / 4);
        positions[i] = row < count ? first + row : -1;
    }
    float4 results[4];
    convolve_tile<ROWS, COLUMNS, false>(a, shared, positions, taps_of(a.sizes, 0, 0, 1), results);
    const int column = threadIdx.x % (COLUMNS / 4) * 4, row = threadIdx.x / (COLUMNS / 4) * 4;
    const int channel = blockIdx.y * COLUMNS + column, stored = a.sizes.out_channels;
    const int own = max(0, min(4, count - row));
    const unsigned start = (unsigned)(first + row) * stored + channel;
    const unsigned places[4] = {start, start + stored, start + 2 * stored, start + 3 * stored};
    if (channel < stored) complete_output(a, results, places, channel, own);
    if (a.finish.partials.values.first != nullptr) {
        tile_statistics(a, shared.scratch, results, blockIdx.x, own, count);
        finish_statistics(a.finish, shared.scratch.finish, blockIdx.x, 1);
    }
}

// Positions of the input that are `stride` apart read under the same taps: those of one class. Of each there are `across`
// in a row, `count` in all.
struct Class {
    int y, x, across, count;
};

__device__ __forceinline__ int every(int length, int first, int step) { return (length - first + step - 1) / step; }

// The class that a tile of ROWS positions is of, and in `tile` its number there. A stride of 1 has one class, and may
// have several images of one position in a row.
template <int ROWS>
__device__ __forceinline__ Class class_of(const ConvolutionArguments& a, int& tile) {
    const Sizes& s = a.sizes;
    if (s.stride == 1) return {0, 0, s.in_width, a.rows};
    const int down = min(s.stride, s.in_height), right = min(s.stride, s.in_width);
    Class of = {0, 0, 0, 0};
    for (int n = 0; n < down * right; ++n) {
        of.y = n / right;
        of.x = n % right;
        of.across = every(s.in_width, of.x, s.stride);
        of.count = of.across * every(s.in_height, of.y, s.stride);
        const int tiles = (of.count + ROWS - 1) / ROWS;
        if (tile < tiles) break;
        tile -= tiles;
    }
    return of;
}

// Position `row` of a class, in the input.
__device__ __forceinline__ int position_of(const Sizes& s, const Class& of, int row) {
    if (s.stride == 1) return row;
    return (of.y + row / of.across * s.stride) * s.in_width + of.x + row % of.across * s.stride;
}

template <int ROWS, int COLUMNS>
__device__ __forceinline__ void convolve_backward(const ConvolutionArguments& a) {
    wait_for_launch_before();
    using Tile = ConvolutionTile<ROWS, COLUMNS>;
    __shared__ typename Tile::Shared shared;
    const Sizes& s = a.sizes;
    const int tiles = s.stride == 1 ? (a.rows + ROWS - 1) / ROWS : a.finish.partials.tiles;
    const int set = blockIdx.x / tiles, tile = blockIdx.x % tiles;
    int within = tile;
    const Class of = class_of<ROWS>(a, within);
    const int count = min(ROWS, of.count - within * ROWS), first = within * ROWS;
    int positions[Tile::LOADS];
    for (int i = 0; i < Tile::LOADS; ++i) {
        const int row = threadIdx.x / 4 + i * (Tile::THREADS / 4);
        positions[i] = row < count ? set * a.rows + position_of(s, of, first + row) : -1;
    }
    const Taps taps = taps_of(s, (of.y + s.padding) % s.stride, (of.x + s.padding) % s.stride, s.stride);
    float4 results[4];
    convolve_tile<ROWS, COLUMNS, true>(a, shared, positions, taps, results);
    const int row = threadIdx.x / (COLUMNS / 4) * 4, channel = blockIdx.y * COLUMNS + threadIdx.x % (COLUMNS / 4) * 4;
    unsigned places[4];
    for (int i = 0; i < 4; ++i) {
        places[i] = (unsigned)(set * a.rows + position_of(s, of, first + row + i)) * s.in_channels + channel;
    }
    const Gate4 gate = gate_of(a.finish, set, channel);
    complete_gradient<2>(a, shared.scratch, results, gate, blockIdx.x, places, max(0, min(4, count - row)));
    finish_gradients(a.finish, shared.scratch.finish, blockIdx.x, 1);
}

// grid (sets * ceil(rows / ROWS), ceil(target's channels / COLUMNS), replicas); rows and columns of a tile are in the name.
extern "C" __global__ void __launch_bounds__(128)
    conv2d_forward_128x16(const __grid_constant__ ConvolutionArguments a) { convolve_forward<128, 16>(a); }

extern "C" __global__ void __launch_bounds__(128)
    conv2d_forward_64x32(const __grid_constant__ ConvolutionArguments a) { convolve_forward<64, 32>(a); }

extern "C" __global__ void __launch_bounds__(128)
    conv2d_backward_128x16(const __grid_constant__ ConvolutionArguments a) { convolve_backward<128, 16>(a); }

extern "C" __global__ void __launch_bounds__(128)
    conv2d_backward_64x32(const __grid_constant__ ConvolutionArguments a) { convolve_backward<64, 32>(a); }
