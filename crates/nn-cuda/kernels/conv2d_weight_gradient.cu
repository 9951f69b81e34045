// Gradient of a convolution's weight: dw[k, o] = sum over positions p of x[p, k] * dy[p, o], k over (tap, channel).
//
// Positions are cut into spans, one block each; the update (step.cu) sums the spans' parts in one order. The input and the
// output's gradient are read as the convolution reads them (convolution.cu).
//
// Parts are [span][tap][in, stored][out, stored]. Tested against nn-reference's conv2d and linear.

struct WeightGradientArguments {
    Source input;
    Source gradient;
    Span<float> parts;
    Sizes sizes;
    int positions;  // of the output, in the batch
    int span;       // positions in a span, a multiple of WEIGHT_DEPTH
};

#define WEIGHT_DEPTH 16

template <int ROWS, int COLUMNS>
__device__ __forceinline__ void weight_gradient(const WeightGradientArguments& a) {
    wait_for_launch_before();
    constexpr int THREADS = ROWS / 4 * (COLUMNS / 4);
    constexpr int QUADS = ROWS / 4, GROUPS = THREADS / QUADS;  // threads that share a row's quad take turns in depth
    static_assert(WEIGHT_DEPTH % GROUPS == 0, "every thread fetches as much");
    static_assert(THREADS % (COLUMNS / 4) == 0, "every thread fetches the same columns");
    __shared__ float inputs[WEIGHT_DEPTH][ROWS + 4];
    __shared__ float gradients[WEIGHT_DEPTH][COLUMNS + 4];
    __shared__ Window windows[WEIGHT_DEPTH];
    const Sizes& s = a.sizes;
    const int taps = s.kernel * s.kernel, rows = taps * s.in_channels;
    const int column = threadIdx.x % (COLUMNS / 4) * 4, row = threadIdx.x / (COLUMNS / 4) * 4;
    const int first_row = blockIdx.x * ROWS, first_column = blockIdx.y % ((s.out_channels + COLUMNS - 1) / COLUMNS) * COLUMNS;
    const int span = blockIdx.y / ((s.out_channels + COLUMNS - 1) / COLUMNS);
    const int begin = span * a.span, end = min(begin + a.span, a.positions);
    // What this thread fetches of the input: always the same four rows.
    const int quad = threadIdx.x % QUADS, group = threadIdx.x / QUADS;
    const int fetched = first_row + 4 * quad;
    const int tap = fetched / s.in_channels, channel = fetched % s.in_channels;
    Reader<false> input;
    Reader<true> gradient;
    const Reader<false>::Lists input_lists = Reader<false>::lists(a.input);
    const Reader<true>::Lists gradient_lists = Reader<true>::lists(a.gradient);
    int input_image = -1, gradient_image = -1;
    float4 sums[4];
    for (int i = 0; i < 4; ++i) sums[i] = splat(0.0f);
    for (int start = begin; start < end; start += WEIGHT_DEPTH) {
        for (int k = threadIdx.x; k < WEIGHT_DEPTH; k += THREADS) {
            windows[k] = window_of<false>(s, min(start + k, end - 1));
        }
        __syncthreads();
        for (int k = group; k < WEIGHT_DEPTH; k += GROUPS) {
            float4 x = splat(0.0f);
            if (fetched < rows && start + k < end) {
                const Window window = windows[k];
                const int from = under_tap<false>(s, window, tap);
                if (from >= 0) {
                    if (window.image != input_image && (input_image < 0 || a.input.norm.per_image)) {
                        input.prepare(a.input, window.image, channel);
                        input_image = window.image;
                    }
                    const unsigned at = ((unsigned)window.image * a.input.positions + from) * s.in_channels + channel;
                    x = input.make(a.input, input.fetch(input_lists, at));
                }
            }
            store4(&inputs[k][4 * quad], x);
        }
        for (int index = threadIdx.x; index < WEIGHT_DEPTH * COLUMNS / 4; index += THREADS) {
            const int k = index / (COLUMNS / 4), n = index % (COLUMNS / 4) * 4;
            float4 g = splat(0.0f);
            if (start + k < end && first_column + n < s.out_channels) {
                const int image = windows[k].image, out = first_column + n;
                if (image != gradient_image && (gradient_image < 0 || a.gradient.norm.per_image)) {
                    gradient.prepare(a.gradient, image, out);
                    gradient_image = image;
                }
                g = gradient.make(a.gradient, gradient.fetch(gradient_lists, (unsigned)(start + k) * s.out_channels + out));
            }
            store4(&gradients[k][n], g);
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < WEIGHT_DEPTH; ++k) {
            const float4 x = load4(&inputs[k][row]), g = load4(&gradients[k][column]);
            for (int i = 0; i < 4; ++i) sums[i] = fma4(splat(element(x, i)), g, sums[i]);
        }
        // No barrier: the next turn has one before it fetches, and windows are not read here.
    }
    if (first_column + column >= s.out_channels) return;
    for (int i = 0; i < 4; ++i) {
        if (first_row + row + i >= rows) break;
        const Offset at = ((Offset)span * rows + first_row + row + i) * s.out_channels + first_column + column;
        store4(here(a.parts) + at, sums[i]);
    }
}

// grid (ceil(taps * in / ROWS), spans * ceil(out / COLUMNS), replicas); rows and columns of a tile are in the name.
extern "C" __global__ void __launch_bounds__(144)
    conv2d_weight_gradient_144x16(const __grid_constant__ WeightGradientArguments a) { weight_gradient<144, 16>(a); }

extern "C" __global__ void __launch_bounds__(192)
    conv2d_weight_gradient_96x32(const __grid_constant__ WeightGradientArguments a) { weight_gradient<96, 32>(a); }

struct BiasGradientArguments {
    Source gradient;
    Span<float> parts;  // [span][out, stored]
    int positions;      // of the output, in the batch
    int span;
    int image_positions;
    int channels;
};

// Gradient of a bias: the sum over positions.
// grid (ceil(channels / 64), spans, replicas), block 16: a thread has four channels of a span.
extern "C" __global__ void __launch_bounds__(16) bias_gradient(const __grid_constant__ BiasGradientArguments a) {
    wait_for_launch_before();
    const int channel = (blockIdx.x * blockDim.x + threadIdx.x) * 4;
    if (channel >= a.channels) return;
    const int begin = blockIdx.y * a.span, end = min(begin + a.span, a.positions);
    double sums[4] = {0.0, 0.0, 0.0, 0.0};
    Reader<true> reader;
    const Reader<true>::Lists lists = Reader<true>::lists(a.gradient);
    for (int position = begin; position < end; ++position) {
        reader.prepare(a.gradient, position / a.image_positions, channel);
        const float4 g = reader.make(a.gradient, reader.fetch(lists, (unsigned)position * a.channels + channel));
        for (int i = 0; i < 4; ++i) sums[i] += element(g, i);
    }
    store4(here(a.parts) + (Offset)blockIdx.y * a.channels + channel,
           make_float4((float)sums[0], (float)sums[1], (float)sums[2], (float)sums[3]));
}
