// The phases of a normalisation in passes of their own, where no convolution beside does them on the way.
//
// Tested against nn-reference's batch_norm and group_norm.

struct PassArguments {
    Finish finish;
    Span<const Value> addend;  // forward: added before ReLU, or none
    Span<Value> output;        // forward: y; backward: dy, which the mask changes
    Span<const Value> stored;  // y, where the mask reads it
    Span<Value> gradient;      // backward: dx
    int positions;             // of an image
    int mask;
    int flow;
};

// Channels that a block of the passes below has in hand, and threads that take turns with its positions.
#define PASS_CHANNELS 16
#define PASS_ROWS 32
#define PASS_THREADS (PASS_CHANNELS / 4 * PASS_ROWS)

// Statistics of a tile: mean, and sum of squares about it, of each channel.
// grid (images * tiles, ceil(stored / 16), replicas), block PASS_THREADS.
extern "C" __global__ void __launch_bounds__(PASS_THREADS) norm_statistics(const __grid_constant__ PassArguments a) {
    wait_for_launch_before();
    __shared__ TileScratch<PASS_THREADS, PASS_CHANNELS> scratch;
    ColumnSums<PASS_THREADS, PASS_CHANNELS>& sums = scratch.sums;
    __shared__ float starts[PASS_CHANNELS];
    const int column = threadIdx.x % (PASS_CHANNELS / 4) * 4, row = threadIdx.x / (PASS_CHANNELS / 4);
    const int image = blockIdx.x / a.finish.partials.tiles, tile = blockIdx.x % a.finish.partials.tiles;
    const int channel = blockIdx.y * PASS_CHANNELS + column;
    const int first = tile * a.finish.partials.tile_width, count = tile_positions(a.finish.partials, tile);
    const bool inside = channel < a.finish.norm.stored;
    const Value* x = here(a.finish.norm.input) + ((Offset)image * a.positions + first) * a.finish.norm.stored + channel;
    const float4 start = inside ? numbers(load_four(x)) : splat(0.0f);
    float4 sum = splat(0.0f), square = splat(0.0f);
    for (int position = row; inside && position < count; position += PASS_ROWS) {
        const float4 d = numbers(load_four(x + (Offset)position * a.finish.norm.stored)) - start;
        sum = sum + d;
        square = fma4(d, d, square);
    }
    sums.put(sum, square);
    if (row == 0) store4(&starts[column], start);
    __syncthreads();
    finish_tile(a.finish.partials, sums, starts, blockIdx.x, a.finish.norm.stored, count);
    finish_statistics(a.finish, scratch.finish, blockIdx.x, 1);
}

// y = (x - mean) * factor + shift, plus an addend, then perhaps ReLU.
// grid (ceil(positions * stored / 4 / 256), images, replicas), block 256.
extern "C" __global__ void __launch_bounds__(256) norm_output(const __grid_constant__ PassArguments a) {
    wait_for_launch_before();
    const int index = blockIdx.x * blockDim.x + threadIdx.x;
    const int quads = a.finish.norm.stored / 4;
    if (index >= a.positions * quads) return;
    const int image = blockIdx.y, channel = index % quads * 4;
    const Offset at = (Offset)image * a.positions * a.finish.norm.stored + 4 * (Offset)index;
    float4 y = normalised(forward_of(a.finish.norm, image, channel), numbers(load_four(here(a.finish.norm.input) + at)));
    if (a.addend.first != nullptr) y = y + numbers(load_four(here(a.addend) + at));
    if (a.finish.norm.relu) y = relu4(y);
    keep_four(here(a.output) + at, y);
}

// Masks dy, and sums dy and dy * x^ over a tile.
// grid (images * tiles, ceil(stored / 16), replicas), block PASS_THREADS.
extern "C" __global__ void __launch_bounds__(PASS_THREADS) norm_gradient_sums(const __grid_constant__ PassArguments a) {
    wait_for_launch_before();
    __shared__ TileScratch<PASS_THREADS, PASS_CHANNELS> scratch;
    ColumnSums<PASS_THREADS, PASS_CHANNELS>& sums = scratch.sums;
    const int column = threadIdx.x % (PASS_CHANNELS / 4) * 4, row = threadIdx.x / (PASS_CHANNELS / 4);
    const int image = blockIdx.x / a.finish.partials.tiles, tile = blockIdx.x % a.finish.partials.tiles;
    const int channel = blockIdx.y * PASS_CHANNELS + column;
    const int first = tile * a.finish.partials.tile_width, count = tile_positions(a.finish.partials, tile);
    float4 gradient = splat(0.0f), product = splat(0.0f);
    if (channel < a.finish.norm.stored) {
        const Forward4 forward = forward_of(a.finish.norm, image, channel);
        const float4 inverse = load4(list_of(a.finish.norm, image, LIST_INVERSE) + channel);
        for (int position = row; position < count; position += PASS_ROWS) {
            const Offset at = ((Offset)image * a.positions + first + position) * a.finish.norm.stored + channel;
            Value* dy = here(a.output) + at;
            const float4 x = numbers(load_four(here(a.finish.norm.input) + at));
            const float4 centred = x - forward.mean;
            float4 g = numbers(load_four(dy));
            if (a.mask == MASK_MADE) g = where_positive(from_centred(forward, centred), g);
            if (a.mask == MASK_STORED) g = where_positive(numbers(load_four(here(a.stored) + at)), g);
            if (a.mask != MASK_NONE) keep_four(dy, g);
            gradient = gradient + g;
            product = fma4(g, centred * inverse, product);
        }
    }
    sums.put(gradient, product);
    __syncthreads();
    finish_gradient(a.finish.partials, sums, blockIdx.x, a.finish.norm.stored);
    finish_gradients(a.finish, scratch.finish, blockIdx.x, 1);
}

// dx from dy, written or added.
// grid (ceil(positions * stored / 4 / 256), images, replicas), block 256.
extern "C" __global__ void __launch_bounds__(256) norm_input_gradient(const __grid_constant__ PassArguments a) {
    wait_for_launch_before();
    const int index = blockIdx.x * blockDim.x + threadIdx.x;
    const int quads = a.finish.norm.stored / 4;
    if (index >= a.positions * quads) return;
    const int image = blockIdx.y, channel = index % quads * 4;
    const Offset at = (Offset)image * a.positions * a.finish.norm.stored + 4 * (Offset)index;
    const float4 x = numbers(load_four(here(a.finish.norm.input) + at)), dy = numbers(load_four(here(a.output) + at));
    contribute(here(a.gradient) + at, input_gradient(backward_of(a.finish.norm, image, channel), x, dy), a.flow);
}
