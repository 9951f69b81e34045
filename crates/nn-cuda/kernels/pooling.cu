// Operations that move values between positions: mean and maximum over positions, and the shortcut without parameters.
//
// Tested against nn-reference's global_average_pool, max_pool and zero_pad_shortcut.

struct PoolArguments {
    Span<const Value> input;
    Span<Value> output;
    Span<const Value> gradient;  // of the output
    Span<Value> input_gradient;
    Sizes sizes;
    int images;
    int channels;  // of the input that are not filled up
    int flow;
    int unused;
};

// Position of a thread's four channels in a tensor of these sizes; false beyond the end.
struct Place {
    int image, y, x, channel;
};

__device__ __forceinline__ bool place_of(int images, int height, int width, int stored, Place& place) {
    const Offset index = (Offset)blockIdx.x * blockDim.x + threadIdx.x;
    const int quads = stored / 4;
    if (index >= (Offset)images * height * width * quads) return false;
    place.channel = (int)(index % quads) * 4;
    const int position = (int)(index / quads);
    place.x = position % width;
    place.y = position / width % height;
    place.image = position / width / height;
    return true;
}

__device__ __forceinline__ Offset in_at(const Sizes& s, int image, int y, int x) {
    return (((Offset)image * s.in_height + y) * s.in_width + x) * s.in_channels;
}

__device__ __forceinline__ Offset out_at(const Sizes& s, int image, int y, int x) {
    return (((Offset)image * s.out_height + y) * s.out_width + x) * s.out_channels;
}

// Mean over positions.
// grid (ceil(images * stored / 4 / 64), 1, replicas), block 64.
extern "C" __global__ void __launch_bounds__(64) average_pool_forward(const __grid_constant__ PoolArguments a) {
    wait_for_launch_before();
    Place p;
    if (!place_of(a.images, 1, 1, a.sizes.in_channels, p)) return;
    const int positions = a.sizes.in_height * a.sizes.in_width;
    double sums[4] = {0.0, 0.0, 0.0, 0.0};
    // Many loads under way, since there are few threads.
#pragma unroll 8
    for (int position = 0; position < positions; ++position) {
        const Value* at = here(a.input) + in_at(a.sizes, p.image, 0, 0) + position * a.sizes.in_channels + p.channel;
        const float4 x = numbers(load_four(at));
        for (int i = 0; i < 4; ++i) sums[i] += element(x, i);
    }
    Value* to = here(a.output) + out_at(a.sizes, p.image, 0, 0) + p.channel;
    for (int i = 0; i < 4; ++i) to[i] = kept((float)(sums[i] / positions));
}

// grid (ceil(images * positions * stored / 4 / 256), 1, replicas), block 256; so for all gradients of inputs below.
extern "C" __global__ void __launch_bounds__(256) average_pool_backward(const __grid_constant__ PoolArguments a) {
    wait_for_launch_before();
    Place p;
    if (!place_of(a.images, a.sizes.in_height, a.sizes.in_width, a.sizes.in_channels, p)) return;
    const float positions = (float)(a.sizes.in_height * a.sizes.in_width);
    const float4 g = numbers(load_four(here(a.gradient) + out_at(a.sizes, p.image, 0, 0) + p.channel));
    contribute(here(a.input_gradient) + in_at(a.sizes, p.image, p.y, p.x) + p.channel,
               make_float4(g.x / positions, g.y / positions, g.z / positions, g.w / positions), a.flow);
}

// Where the window of an output begins and ends within the image.
struct Range {
    int begin, end;
};

__device__ __forceinline__ Range window_range(int index, int kernel, int stride, int padding, int length) {
    Range range;
    range.begin = max(stride * index - padding, 0);
    range.end = min(stride * index - padding + kernel, length);
    return range;
}

// The first maximum of a window, row by row; NaN counts as larger than any number. Gives its value, and its place.
__device__ __forceinline__ float first_maximum(const Value* x, const Sizes& s, int i, int j, int channel, int& place) {
    const Range rows = window_range(i, s.kernel, s.stride, s.padding, s.in_height);
    const Range columns = window_range(j, s.kernel, s.stride, s.padding, s.in_width);
    place = rows.begin * s.in_width + columns.begin;
    float largest = number(x[(Offset)place * s.in_channels + channel]);
    for (int row = rows.begin; row < rows.end; ++row) {
        for (int column = columns.begin; column < columns.end; ++column) {
            const int at = row * s.in_width + column;
            const float value = number(x[(Offset)at * s.in_channels + channel]);
            // The first NaN stays: nothing is larger.
            if (!isnan(largest) && (value > largest || isnan(value))) {
                largest = value;
                place = at;
            }
        }
    }
    return largest;
}

// grid (ceil(images * out positions * stored / 4 / 256), 1, replicas), block 256.
extern "C" __global__ void __launch_bounds__(256) max_pool_forward(const __grid_constant__ PoolArguments a) {
    wait_for_launch_before();
    Place p;
    if (!place_of(a.images, a.sizes.out_height, a.sizes.out_width, a.sizes.out_channels, p)) return;
    const Value* x = found(here(a.input)) + in_at(a.sizes, p.image, 0, 0);
    Value* y = here(a.output) + out_at(a.sizes, p.image, p.y, p.x) + p.channel;
    int place;
    for (int i = 0; i < 4; ++i) y[i] = kept(first_maximum(x, a.sizes, p.y, p.x, p.channel + i, place));
}

// Every input looks for the windows whose first maximum it is, so that nothing is added in a changing order.
extern "C" __global__ void __launch_bounds__(256) max_pool_backward(const __grid_constant__ PoolArguments a) {
    wait_for_launch_before();
    Place p;
    const Sizes& s = a.sizes;
    if (!place_of(a.images, s.in_height, s.in_width, s.in_channels, p)) return;
    const Value* x = here(a.input) + in_at(s, p.image, 0, 0);
    const Value* gradient = found(here(a.gradient));
    // Windows i with stride * i - padding <= y < stride * i - padding + kernel.
    const int first_i = max((p.y + s.padding - s.kernel + s.stride) / s.stride, 0);
    const int first_j = max((p.x + s.padding - s.kernel + s.stride) / s.stride, 0);
    float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (int i = first_i; i < s.out_height && s.stride * i - s.padding <= p.y; ++i) {
        for (int j = first_j; j < s.out_width && s.stride * j - s.padding <= p.x; ++j) {
            const Value* g = gradient + out_at(s, p.image, i, j) + p.channel;
            for (int channel = 0; channel < 4; ++channel) {
                int place;
                first_maximum(x, s, i, j, p.channel + channel, place);
                if (place == p.y * s.in_width + p.x) sums[channel] += number(g[channel]);
            }
        }
    }
    contribute(here(a.input_gradient) + in_at(s, p.image, p.y, p.x) + p.channel,
               make_float4(sums[0], sums[1], sums[2], sums[3]), a.flow);
}

// Every stride-th position, and zeros in the channels after.
// grid (ceil(images * out positions * out stored / 4 / 256), 1, replicas), block 256.
extern "C" __global__ void __launch_bounds__(256) zero_pad_forward(const __grid_constant__ PoolArguments a) {
    wait_for_launch_before();
    Place p;
    const Sizes& s = a.sizes;
    if (!place_of(a.images, s.out_height, s.out_width, s.out_channels, p)) return;
    const Value* x = here(a.input) + in_at(s, p.image, p.y * s.stride, p.x * s.stride) + p.channel;
    // The input's channels that only fill up are zero already.
    keep_four(here(a.output) + out_at(s, p.image, p.y, p.x) + p.channel,
         p.channel < s.in_channels ? numbers(load_four(x)) : splat(0.0f));
}

extern "C" __global__ void __launch_bounds__(256) zero_pad_backward(const __grid_constant__ PoolArguments a) {
    wait_for_launch_before();
    Place p;
    const Sizes& s = a.sizes;
    if (!place_of(a.images, s.in_height, s.in_width, s.in_channels, p)) return;
    const bool taken = p.y % s.stride == 0 && p.x % s.stride == 0;
    float4 g = splat(0.0f);
    if (taken) {
        const Value* from = here(a.gradient) + out_at(s, p.image, p.y / s.stride, p.x / s.stride) + p.channel;
        // A channel that fills up the input's may be a channel of the output's: it gets no gradient.
        g = make_float4(p.channel + 0 < a.channels ? number(from[0]) : 0.0f, p.channel + 1 < a.channels ? number(from[1]) : 0.0f,
                        p.channel + 2 < a.channels ? number(from[2]) : 0.0f, p.channel + 3 < a.channels ? number(from[3]) : 0.0f);
    }
    contribute(here(a.input_gradient) + in_at(s, p.image, p.y, p.x) + p.channel, g, a.flow);
}
