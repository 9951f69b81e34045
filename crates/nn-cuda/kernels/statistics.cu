// From the partials of a pass (normalisation.cu), what a normalisation needs: in float64, in one order.
//
// Over a batch that is done by the last block of the launch that writes them: who is last is chance, what it sums is not.

struct Finish {
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
    Span<unsigned> counters;         // [columns of blocks][groups of rows, all]: 0; or none, where a launch of its own finishes
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

// Blocks whose partials the last of them puts together, before the last of all puts together what those have found.
#define FINISH_ROWS 32

// Room for sums of three quantities over the lanes that take turns with the rows of a column.
template <int THREADS, int COLUMNS>
struct FinishScratch {
    static constexpr int LANES = THREADS / COLUMNS;
    double sums[3][LANES][COLUMNS];

    // Sums over lanes in one order, the same for every thread of a column. Every thread of the block.
    template <int COUNT>
    __device__ __forceinline__ void over_lanes(double (&x)[COUNT]) {
        const int column = threadIdx.x % COLUMNS, lane = threadIdx.x / COLUMNS;
        for (int which = 0; which < COUNT; ++which) sums[which][lane][column] = x[which];
        __syncthreads();
        for (int which = 0; which < COUNT; ++which) {
            x[which] = 0.0;
            for (int other = 0; other < LANES; ++other) x[which] += sums[which][other][column];
        }
        // Before the next sums are put there.
        __syncthreads();
    }
};

// First the sums over a tile, then what is found from those of all tiles.
template <int THREADS, int COLUMNS>
union TileScratch {
    ColumnSums<THREADS, COLUMNS> sums;
    FinishScratch<THREADS, COLUMNS> finish;
};

// Whether with `own` of `count` that this block brings all are there; then it sees what the others have written before, if it reads
// past the cache of its multiprocessor (__ldcg), where an older value may be. The order: what a block writes, the barrier, one
// thread's fence for all of them, its count; the last one's fence, the barrier, what the block reads. The counter is 0 again for the
// next launch. Every thread of the block.
__device__ __forceinline__ bool is_last(unsigned* counter, unsigned own, unsigned count) {
    __shared__ bool last;
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        last = atomicAdd(counter, own) + own == count;
        if (last) {
            *counter = 0;
            __threadfence();
        }
    }
    __syncthreads();
    return last;
}

// The rows that a block puts together: those of a group, or of all groups.
struct FinishRows {
    int first, count, groups;
};

__device__ __forceinline__ FinishRows rows_of_group(const Finish& a, int group) {
    const int rows = a.images * a.partials.tiles, first = group * FINISH_ROWS;
    return {first, min(FINISH_ROWS, rows - first), (rows + FINISH_ROWS - 1) / FINISH_ROWS};
}

// The rows of a block, group by group: beyond those of `row`'s group.
__device__ __forceinline__ int next_group(int row, int end) { return min(end, (row / FINISH_ROWS + 1) * FINISH_ROWS); }

// What a group has found of a channel: count of positions, mean, and sum of squares about it; or two sums. Behind the partials.
__device__ __forceinline__ double* of_group(const Finish& a, int group, int which, int channel) {
    const Offset partials = (Offset)a.images * a.partials.tiles * 2;
    return here(a.partials.values) + (partials + group * 3 + which) * a.norm.stored + channel;
}

// Mean and sum of squares about it of some rows, each of so many positions.
template <int THREADS, int COLUMNS, class Row>
__device__ __forceinline__ void merge(FinishScratch<THREADS, COLUMNS>& scratch, int rows, const Row& row, double (&merged)[3]) {
    // Of differences from the first row's mean, so that equal means have theirs exactly and nothing cancels.
    double start[3], sums[3] = {0.0, 0.0, 0.0};
    row(0, start);
    for (int n = threadIdx.x / COLUMNS; n < rows; n += FinishScratch<THREADS, COLUMNS>::LANES) {
        double of[3];
        row(n, of);
        const double off = of[1] - start[1], weighted = of[0] * off;
        sums[0] += of[0];
        sums[1] += weighted;
        sums[2] += of[2] + weighted * off;
    }
    scratch.over_lanes(sums);
    const double about = sums[1] * (sums[1] / sums[0]);
    merged[0] = sums[0];
    merged[1] = start[1] + sums[1] / sums[0];
    // Not `max`, which would lose NaN.
    merged[2] = sums[2] > about ? sums[2] - about : sums[2] * 0.0;
}

// Mean and variance of these channels over the batch, from what all groups have found, and the running ones moved towards them.
template <int THREADS, int COLUMNS>
__device__ __forceinline__ void finish_channels(const Finish& a, FinishScratch<THREADS, COLUMNS>& scratch, int groups, int channel) {
    // The channels that fill up a block's columns are the last one once more.
    const int from = min(channel, a.norm.stored - 1);
    double merged[3];
    merge(scratch, groups, [&](int n, double (&of)[3]) {
        for (int which = 0; which < 3; ++which) of[which] = __ldcg(of_group(a, n, which, from));
    }, merged);
    if (threadIdx.x >= COLUMNS || channel >= a.norm.stored) return;
    const double count = merged[0], mean = merged[1], square = merged[2];
    set_forward(a.norm, 0, channel, mean, inverse_root(square / count + *here(a.epsilon)));
    const double* factors = here(a.factors) + *a.step * a.factor_row;
    const double held = 1.0 - a.momentum, taken = a.momentum;
    float* running = here(a.running_mean) + channel;
    *running = (float)(held * *running * factors[0] + taken * mean);
    running = here(a.running_variance) + channel;
    *running = (float)(held * *running * factors[1] + taken * (square / (count > 2.0 ? count - 1.0 : 1.0)));
}

// From the partials of all blocks of these channels, by the last of them. Every thread of every block, when its partials are written,
// in `own` rows of one group from `row` on.
template <int THREADS, int COLUMNS>
__device__ __forceinline__ void finish_statistics(const Finish& a, FinishScratch<THREADS, COLUMNS>& scratch, int row, int own) {
    if (a.counters.first == nullptr) return;
    const int thread = anew(threadIdx.x), group = row / FINISH_ROWS;
    const int stored = a.norm.stored, channel = blockIdx.y * COLUMNS + thread % COLUMNS;
    const FinishRows rows = rows_of_group(a, group);
    unsigned* counters = here(a.counters) + blockIdx.y * (rows.groups + 1);
    if (!is_last(counters + group, own, rows.count)) return;
    const int from = min(channel, stored - 1);
    double merged[3];
    merge(scratch, rows.count, [&](int n, double (&of)[3]) {
        const double* at = partial_of(a.partials, 0, rows.first + n, 0, stored) + from;
        of[0] = tile_positions(a.partials, (rows.first + n) % a.partials.tiles);
        of[1] = __ldcg(at);
        of[2] = __ldcg(at + stored);
    }, merged);
    const bool writes = threadIdx.x < COLUMNS && channel < stored;
    for (int which = 0; which < 3 && writes; ++which) *of_group(a, group, which, channel) = merged[which];
    if (is_last(counters + rows.groups, 1, rows.groups)) finish_channels(a, scratch, rows.groups, channel);
}

// Sums over some rows of two numbers.
template <int THREADS, int COLUMNS, class Row>
__device__ __forceinline__ void add_rows(FinishScratch<THREADS, COLUMNS>& scratch, int rows, const Row& row, double (&sums)[2]) {
    sums[0] = sums[1] = 0.0;
    for (int n = threadIdx.x / COLUMNS; n < rows; n += FinishScratch<THREADS, COLUMNS>::LANES) {
        for (int which = 0; which < 2; ++which) sums[which] += __ldcg(row(n, which));
    }
    scratch.over_lanes(sums);
}

// The same for sums of the gradient over the batch: those are the gradients of shift and scale; and, for a normalisation over
// the batch, what its input's gradient subtracts.
template <int THREADS, int COLUMNS>
__device__ __forceinline__ void finish_gradients(const Finish& a, FinishScratch<THREADS, COLUMNS>& scratch, int row, int own) {
    if (a.counters.first == nullptr) return;
    const int thread = anew(threadIdx.x), group = row / FINISH_ROWS;
    const int stored = a.norm.stored, channel = blockIdx.y * COLUMNS + thread % COLUMNS;
    const FinishRows rows = rows_of_group(a, group);
    unsigned* counters = here(a.counters) + blockIdx.y * (rows.groups + 1);
    if (!is_last(counters + group, own, rows.count)) return;
    const int from = min(channel, stored - 1);
    double sums[2];
    add_rows(scratch, rows.count, [&](int n, int which) {
        return partial_of(a.partials, 0, rows.first + n, which, stored) + from;
    }, sums);
    const bool writes = threadIdx.x < COLUMNS && channel < stored;
    for (int which = 0; which < 2 && writes; ++which) *of_group(a, group, which, channel) = sums[which];
    if (!is_last(counters + rows.groups, 1, rows.groups)) return;
    add_rows(scratch, rows.groups, [&](int n, int which) { return of_group(a, n, which, from); }, sums);
    if (!writes) return;
    if (a.shift_gradient.first != nullptr) here(a.shift_gradient)[channel] = (float)sums[0];
    if (a.scale_gradient.first != nullptr) here(a.scale_gradient)[channel] = (float)sums[1];
    if (a.norm.per_image) return;
    const double scale = one_or(a.norm.scale, channel, 1.0f), count = (double)a.images * a.positions;
    list_of(a.norm, 0, LIST_MEAN_GRADIENT)[channel] = (float)(scale * sums[0] / count);
    list_of(a.norm, 0, LIST_MEAN_PRODUCT)[channel] = (float)(scale * sums[1] / count);
}

// In evaluation: the running statistics, with what is still due on them.
// grid (ceil(stored / 64), 1, replicas), block 64.
extern "C" __global__ void __launch_bounds__(64) running_statistics(const __grid_constant__ Finish a) {
    wait_for_launch_before();
    const int channel = blockIdx.x * blockDim.x + threadIdx.x;
    if (channel >= a.norm.stored) return;
    const double* factors = here(a.factors) + *a.step * a.factor_row;
    const double mean = here(a.running_mean)[channel] * factors[0];
    const double variance = here(a.running_variance)[channel] * factors[1];
    set_forward(a.norm, 0, channel, mean, inverse_root(variance + *here(a.epsilon)));
}

// Mean and variance of each group of an image. Partials of an image become those of its first tile.
// grid (images, 1, replicas), block 64.
extern "C" __global__ void __launch_bounds__(64) group_statistics(const __grid_constant__ Finish a) {
    wait_for_launch_before();
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

// What the gradient of a group's input subtracts.
// grid (images, 1, replicas), block 64.
extern "C" __global__ void __launch_bounds__(64) group_gradients(const __grid_constant__ Finish a) {
    wait_for_launch_before();
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
