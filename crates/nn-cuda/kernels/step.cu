// The ends of a step: the batch's images, the loss, the update, and the counter of steps.
//
// The counter is in device memory, and with it everything that changes from step to step: batches, rates and results
// are rows of tables, so that the same launches make every step.

struct Sample {
    unsigned int image;
    signed char dy, dx;
    unsigned char flip, unused;
};

struct InputArguments {
    const unsigned char* pixels;  // [image][channel][row][column]
    const float* values;          // [channel][256]: what a byte stands for
    Span<const Sample> samples;   // [step][position in the batch]
    Offset sample_row;
    const int* step;
    Span<Value> target;           // [image][row][column][stored]
    int height, width, channels, stored;
};

// Cropped, mirrored and normalised images. See nn-engine's ImageSet::for_each_pixel, which defines them.
// grid (ceil(positions / 256), images, replicas), block 256.
extern "C" __global__ void __launch_bounds__(256) input_images(const __grid_constant__ InputArguments a) {
    wait_for_launch_before();
    const int position = blockIdx.x * blockDim.x + threadIdx.x;
    if (position >= a.height * a.width) return;
    const Sample sample = here(a.samples)[*a.step * a.sample_row + blockIdx.y];
    const int y = position / a.width, x = position % a.width;
    const int row = y + sample.dy, column = (sample.flip ? a.width - 1 - x : x) + sample.dx;
    const bool inside = row >= 0 && row < a.height && column >= 0 && column < a.width;
    const unsigned char* from = a.pixels + (Offset)sample.image * a.channels * a.height * a.width;
    Value* to = here(a.target) + ((Offset)blockIdx.y * a.height * a.width + position) * a.stored;
    for (int channel = 0; channel < a.stored; ++channel) {
        float value = 0.0f;
        if (channel < a.channels) {
            const int byte = inside ? from[(channel * a.height + row) * a.width + column] : 0;
            value = a.values[channel * 256 + byte];
        }
        to[channel] = kept(value);
    }
}

struct StepResult {
    double loss;  // sum over the batch
    unsigned long long correct;
};

struct LossArguments {
    Span<const Value> logits;  // [image][stored]
    Span<Value> gradient;      // the same, or none
    const unsigned char* labels;
    Span<const Sample> samples;
    Offset sample_row;
    const int* step;
    Span<StepResult> results;  // [step]
    int images, classes, stored, unused;
};

#define LOSS_THREADS 256

// Softmax cross-entropy of each image, its gradient (softmax - onehot) / images, and their sums.
// grid (1, 1, replicas), block LOSS_THREADS.
extern "C" __global__ void __launch_bounds__(LOSS_THREADS) loss(const __grid_constant__ LossArguments a) {
    wait_for_launch_before();
    __shared__ double losses[LOSS_THREADS];
    __shared__ unsigned long long right[LOSS_THREADS];
    double sum = 0.0;
    unsigned long long correct = 0;
    const Sample* samples = here(a.samples) + *a.step * a.sample_row;
    for (int image = threadIdx.x; image < a.images; image += LOSS_THREADS) {
        const int label = a.labels[samples[image].image];
        const Value* row = here(a.logits) + (Offset)image * a.stored;
        const auto logit = [&](int c) { return number(row[c]); };
        float largest = logit(0);
        for (int c = 1; c < a.classes; ++c) largest = logit(c) > largest ? logit(c) : largest;
        double total = 0.0;
        for (int c = 0; c < a.classes; ++c) total += exp((double)(logit(c) - largest));
        const double own = log(total) - (double)(logit(label) - largest);
        sum += own;
        // The first of equal logits wins; a row that gives no loss has no right answer.
        int told = 0;
        while (told < a.classes && logit(told) != largest) ++told;
        correct += told == label && !isnan(own);
        if (a.gradient.first == nullptr) continue;
        Value* to = here(a.gradient) + (Offset)image * a.stored;
        for (int c = 0; c < a.stored; ++c) {
            const double target = c == label ? 1.0 : 0.0;
            const double slope = (exp((double)(logit(c) - largest)) / total - target) / a.images;
            to[c] = kept(c < a.classes ? (float)slope : 0.0f);
        }
    }
    losses[threadIdx.x] = sum;
    right[threadIdx.x] = correct;
    __syncthreads();
    for (int half = LOSS_THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            losses[threadIdx.x] += losses[threadIdx.x + half];
            right[threadIdx.x] += right[threadIdx.x + half];
        }
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        StepResult* to = here(a.results) + *a.step;
        to->loss = losses[0];
        to->correct = right[0];
    }
}

// One group's numbers in one step, nn-engine's Update.
struct GroupRates {
    float rate, decay, coupled_decay, momentum, first_weight, second_keep, second_weight, epsilon;
};

// One parameter, at `first` of the list of all. Its gradient is the sum of `count` parts, `length` values apart.
struct Parameter {
    Offset first;
    Offset parts;   // where its gradient's parts begin, in their list
    Offset length;  // values, a multiple of four
    int count;
    int group;
};

struct UpdateArguments {
    const Parameter* parameters;
    const int* owner;     // of each block of values, its parameter; -1 for one that is not trained
    const int* first;     // of each block, its number among those of its parameter
    Span<float> values;
    Span<float> momentum;       // momentum buffers or first moments
    Span<float> second_moment;  // none without moments
    Span<const float> parts;
    Span<const GroupRates> rates;  // [step][group]
    Offset rate_row;
    const int* step;
};

#define UPDATE_QUADS 32
#define UPDATE_LANES 8

// Four values that a thread updates, and the sum of the parts of their gradient.
struct Updated {
    Offset at;  // in the lists of values and of what is kept of their gradients
    float4 gradient;
    GroupRates rates;
};

typedef float4 UpdateSums[UPDATE_LANES][UPDATE_QUADS];

// Finds them, by all threads of a block; false for a thread that updates nothing. Lanes share the parts, each every eighth.
__device__ __forceinline__ bool updated(const UpdateArguments& a, UpdateSums& sums, Updated& found) {
    const int owner = a.owner[blockIdx.x];
    if (owner < 0) return false;
    const Parameter parameter = a.parameters[owner];
    const int quad = threadIdx.x % UPDATE_QUADS, lane = threadIdx.x / UPDATE_QUADS;
    const Offset index = ((Offset)a.first[blockIdx.x] * UPDATE_QUADS + quad) * 4;
    const bool inside = index < parameter.length;
    const float* part = here(a.parts) + parameter.parts + index;
    float4 gradient = splat(0.0f);
#pragma unroll 8
    for (int i = lane; inside && i < parameter.count; i += UPDATE_LANES) {
        gradient = gradient + load4(part + i * parameter.length);
    }
    sums[lane][quad] = gradient;
    __syncthreads();
    if (lane != 0 || !inside) return false;
    for (int other = 1; other < UPDATE_LANES; ++other) gradient = gradient + sums[other][quad];
    found.at = parameter.first + index;
    found.gradient = gradient;
    found.rates = here(a.rates)[*a.step * a.rate_row + parameter.group];
    return true;
}

// (w - decay w) - rate u: each difference rounded once.
__device__ __forceinline__ float4 moved(float4 w, float4 u, const GroupRates& rates) {
    return fma4(splat(-rates.rate), u, fma4(splat(-rates.decay), w, w));
}

// b <- momentum b + g + coupled_decay w, then w <- (w - decay w) - rate b.
// grid (blocks of 4 * UPDATE_QUADS values, 1, replicas), block UPDATE_QUADS * UPDATE_LANES.
extern "C" __global__ void __launch_bounds__(UPDATE_QUADS* UPDATE_LANES)
    update(const __grid_constant__ UpdateArguments a) {
    wait_for_launch_before();
    __shared__ UpdateSums sums;
    Updated of;
    if (!updated(a, sums, of)) return;
    float* value = here(a.values) + of.at;
    float* buffer = here(a.momentum) + of.at;
    const float4 w = load4(value);
    const float4 g = fma4(splat(of.rates.coupled_decay), w, of.gradient);
    const float4 b = fma4(splat(of.rates.momentum), load4(buffer), g);
    store4(buffer, b);
    store4(value, moved(w, b, of.rates));
}

// m / (sqrt(v) + epsilon), 0 where m is. Root and quotient are correctly rounded, so that a power of two goes through both.
__device__ __forceinline__ float direction(float m, float v, float epsilon) {
    return m == 0.0f ? 0.0f : m / (sqrtf(v) + epsilon);
}

// m <- momentum m + first_weight g, v <- second_keep v + second_weight g g, then w <- (w - decay w) - rate u with u the
// direction of m and v. Grid and block as of update.
extern "C" __global__ void __launch_bounds__(UPDATE_QUADS* UPDATE_LANES)
    update_adam(const __grid_constant__ UpdateArguments a) {
    wait_for_launch_before();
    __shared__ UpdateSums sums;
    Updated of;
    if (!updated(a, sums, of)) return;
    float* value = here(a.values) + of.at;
    float* first = here(a.momentum) + of.at;
    float* second = here(a.second_moment) + of.at;
    const float4 g = of.gradient;
    const float4 m = fma4(splat(of.rates.momentum), load4(first), splat(of.rates.first_weight) * g);
    const float4 v = fma4(splat(of.rates.second_keep), load4(second), splat(of.rates.second_weight) * (g * g));
    const float epsilon = of.rates.epsilon;
    const float4 u = make_float4(direction(m.x, v.x, epsilon), direction(m.y, v.y, epsilon),
                                 direction(m.z, v.z, epsilon), direction(m.w, v.w, epsilon));
    store4(first, m);
    store4(second, v);
    store4(value, moved(load4(value), u, of.rates));
}

// The last launch of a step.
extern "C" __global__ void advance(int* step) {
    wait_for_launch_before();
    *step += 1;
}
