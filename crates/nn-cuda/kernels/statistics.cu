// From the partials of a pass (normalisation.cu), what a normalisation needs: in float64, in one order.

struct FinishArguments {
    Norm norm;
    Partials partials;
    Span<const double> epsilon;      // of this normalisation, at the replica's scale
    Span<float> running_mean;        // [stored]; of a batch normalisation
    Span<float> running_variance;    // [stored]
    Span<const double> factors;      // [step][mean, variance]: what running statistics are multiplied by before the step
    Offset factor_row;               // values from one step to the next
    const int* step;
    Span<float> scale_gradient;      // [stored], or none
    Span<float> shift_gradient;      // [stored], or none
    double momentum;                 // weight of the batch in the running statistics
    int images;
    int positions;
    int groups;
    int unused;
};

// 1/sqrt(v), or 0 where that exceeds float32: a constant channel is normalised to 0, however small epsilon is.
__device__ __forceinline__ float inverse_root(double variance) {
    const float inverse = (float)(1.0 / sqrt(variance));
    return isinf(inverse) ? 0.0f : inverse;
}

// scale * inverse. The largest number stands for a product beyond float32, which would turn the centred values of a
// constant channel, all 0, into NaN.
__device__ __forceinline__ float factor_of(float scale, float inverse) {
    const float product = scale * inverse, largest = 3.402823466e+38f;
    if (!isinf(product) || isinf(scale)) return product;
    return product > 0.0f ? largest : -largest;
}

__device__ __forceinline__ void set_forward(const Norm& norm, int image, int channel, double mean, float inverse) {
    list_of(norm, image, LIST_MEAN)[channel] = (float)mean;
    list_of(norm, image, LIST_INVERSE)[channel] = inverse;
    list_of(norm, image, LIST_FACTOR)[channel] = factor_of(one_or(norm.scale, channel, 1.0f), inverse);
}

#define FINISH_CHANNELS 4
#define FINISH_THREADS 512
#define FINISH_LANES (FINISH_THREADS / FINISH_CHANNELS)

typedef double FinishParts[FINISH_THREADS / 32][FINISH_CHANNELS];

// Sum over a block's lanes, for each of its channels; the same for every thread.
__device__ __forceinline__ double over_lanes(FinishParts& parts, double x) {
#pragma unroll
    for (int apart = FINISH_CHANNELS; apart < 32; apart *= 2) x += __shfl_xor_sync(0xffffffffu, x, apart);
    const int column = threadIdx.x % FINISH_CHANNELS;
    if (threadIdx.x % 32 < FINISH_CHANNELS) parts[threadIdx.x / 32][column] = x;
    __syncthreads();
    double total = 0.0;
#pragma unroll
    for (int warp = 0; warp < FINISH_THREADS / 32; ++warp) total += parts[warp][column];
    // Before the next sum is put there.
    __syncthreads();
    return total;
}

// Mean and variance of each channel over the batch, and the running ones moved towards them.
// grid (stored / FINISH_CHANNELS, 1, replicas), block FINISH_THREADS.
extern "C" __global__ void __launch_bounds__(FINISH_THREADS)
    batch_statistics(const __grid_constant__ FinishArguments a) {
    __shared__ FinishParts parts;
    const int column = threadIdx.x % FINISH_CHANNELS, lane = threadIdx.x / FINISH_CHANNELS;
    const int channel = blockIdx.x * FINISH_CHANNELS + column;
    const int rows = a.images * a.partials.tiles;
    const double count = (double)a.images * a.positions;
    // Of differences from the first tile's mean, so that equal means have theirs exactly and nothing cancels.
    const double start = partial_of(a.partials, 0, 0, 0, a.norm.stored)[channel];
    double sum = 0.0, square = 0.0;
#pragma unroll 4
    for (int row = lane; row < rows; row += FINISH_LANES) {
        const double off = partial_of(a.partials, 0, row, 0, a.norm.stored)[channel] - start;
        const double weighted = tile_positions(a.partials, row % a.partials.tiles) * off;
        sum += weighted;
        square += partial_of(a.partials, 0, row, 1, a.norm.stored)[channel] + weighted * off;
    }
    sum = over_lanes(parts, sum);
    square = over_lanes(parts, square);
    const double mean = start + sum / count, about = sum * (sum / count);
    // Not `max`, which would lose NaN.
    square = square > about ? square - about : square * 0.0;
    if (lane != 0) return;
    set_forward(a.norm, 0, channel, mean, inverse_root(square / count + *here(a.epsilon)));
    const double* factors = here(a.factors) + *a.step * a.factor_row;
    const double kept = 1.0 - a.momentum, taken = a.momentum;
    float* running = here(a.running_mean) + channel;
    *running = (float)(kept * *running * factors[0] + taken * mean);
    running = here(a.running_variance) + channel;
    *running = (float)(kept * *running * factors[1] + taken * (square / (count > 2.0 ? count - 1.0 : 1.0)));
}

// In evaluation: the running statistics, with what is still due on them.
// grid (ceil(stored / 64), 1, replicas), block 64.
extern "C" __global__ void __launch_bounds__(64) running_statistics(const __grid_constant__ FinishArguments a) {
    const int channel = blockIdx.x * blockDim.x + threadIdx.x;
    if (channel >= a.norm.stored) return;
    const double* factors = here(a.factors) + *a.step * a.factor_row;
    const double mean = here(a.running_mean)[channel] * factors[0];
    const double variance = here(a.running_variance)[channel] * factors[1];
    set_forward(a.norm, 0, channel, mean, inverse_root(variance + *here(a.epsilon)));
}

// Mean and variance of each group of an image. Partials of an image become those of its first tile.
// grid (images, 1, replicas), block 64.
extern "C" __global__ void __launch_bounds__(64) group_statistics(const __grid_constant__ FinishArguments a) {
    const int image = blockIdx.x, stored = a.norm.stored;
    double* means = partial_of(a.partials, image, 0, 0, stored);
    double* squares = partial_of(a.partials, image, 0, 1, stored);
    for (int channel = threadIdx.x; channel < stored; channel += blockDim.x) {
        double sum = 0.0, square = 0.0;
        for (int tile = 0; tile < a.partials.tiles; ++tile) {
            sum += tile_positions(a.partials, tile) * partial_of(a.partials, image, tile, 0, stored)[channel];
        }
        const double mean = sum / a.positions;
        for (int tile = 0; tile < a.partials.tiles; ++tile) {
            const double off = partial_of(a.partials, image, tile, 0, stored)[channel] - mean;
            square += partial_of(a.partials, image, tile, 1, stored)[channel] + tile_positions(a.partials, tile) * off * off;
        }
        means[channel] = mean;
        squares[channel] = square;
        // Channels beyond the last stay 0.
        if (channel >= a.norm.channels) set_forward(a.norm, image, channel, 0.0, 0.0f);
    }
    __syncthreads();
    const int channels = a.norm.channels / a.groups;
    for (int group = threadIdx.x; group < a.groups; group += blockDim.x) {
        const int first = group * channels;
        // Of differences, so that equal means have theirs exactly.
        double difference = 0.0, square = 0.0;
        for (int c = first; c < first + channels; ++c) difference += means[c] - means[first];
        const double mean = means[first] + difference / channels;
        for (int c = first; c < first + channels; ++c) {
            square += squares[c] + a.positions * (means[c] - mean) * (means[c] - mean);
        }
        const double variance = square / ((double)a.positions * channels);
        const float inverse = inverse_root(variance + *here(a.epsilon));
        for (int c = first; c < first + channels; ++c) set_forward(a.norm, image, c, mean, inverse);
    }
}

// Sums of the gradient over the batch: those are the gradients of shift and scale; and, for a normalisation over the
// batch, what its input's gradient subtracts.
// grid (stored / FINISH_CHANNELS, 1, replicas), block FINISH_THREADS.
extern "C" __global__ void __launch_bounds__(FINISH_THREADS)
    batch_gradients(const __grid_constant__ FinishArguments a) {
    __shared__ FinishParts parts;
    const int column = threadIdx.x % FINISH_CHANNELS, lane = threadIdx.x / FINISH_CHANNELS;
    const int channel = blockIdx.x * FINISH_CHANNELS + column;
    const int rows = a.images * a.partials.tiles;
    double total[2];
    for (int which = 0; which < 2; ++which) {
        double sum = 0.0;
#pragma unroll 4
        for (int row = lane; row < rows; row += FINISH_LANES) {
            sum += partial_of(a.partials, 0, row, which, a.norm.stored)[channel];
        }
        total[which] = over_lanes(parts, sum);
    }
    if (lane != 0) return;
    if (a.shift_gradient.first != nullptr) here(a.shift_gradient)[channel] = (float)total[0];
    if (a.scale_gradient.first != nullptr) here(a.scale_gradient)[channel] = (float)total[1];
    if (a.norm.per_image) return;
    const double scale = one_or(a.norm.scale, channel, 1.0f), count = (double)a.images * a.positions;
    list_of(a.norm, 0, LIST_MEAN_GRADIENT)[channel] = (float)(scale * total[0] / count);
    list_of(a.norm, 0, LIST_MEAN_PRODUCT)[channel] = (float)(scale * total[1] / count);
}

// What the gradient of a group's input subtracts.
// grid (images, 1, replicas), block 64.
extern "C" __global__ void __launch_bounds__(64) group_gradients(const __grid_constant__ FinishArguments a) {
    const int image = blockIdx.x, stored = a.norm.stored;
    const int channels = a.norm.channels / a.groups;
    for (int group = threadIdx.x; group < a.groups; group += blockDim.x) {
        const int first = group * channels;
        double mean[2];
        for (int which = 0; which < 2; ++which) {
            double sum = 0.0;
            for (int c = first; c < first + channels; ++c) {
                double of_channel = 0.0;
                for (int tile = 0; tile < a.partials.tiles; ++tile) {
                    of_channel += partial_of(a.partials, image, tile, which, stored)[c];
                }
                sum += one_or(a.norm.scale, c, 1.0f) * of_channel;
            }
            mean[which] = sum / ((double)a.positions * channels);
        }
        for (int c = first; c < first + channels; ++c) {
            list_of(a.norm, image, LIST_MEAN_GRADIENT)[c] = (float)mean[0];
            list_of(a.norm, image, LIST_MEAN_PRODUCT)[c] = (float)mean[1];
        }
    }
    for (int c = a.norm.channels + threadIdx.x; c < stored; c += blockDim.x) {
        list_of(a.norm, image, LIST_MEAN_GRADIENT)[c] = 0.0f;
        list_of(a.norm, image, LIST_MEAN_PRODUCT)[c] = 0.0f;
    }
}
