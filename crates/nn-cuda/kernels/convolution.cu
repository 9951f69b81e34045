// What all convolutions share: how they read their source, and what they do with results before they are stored.
//
// On the way (nn-engine's plan says where): what is read is normalised, or made from the gradient of a normalisation's
// output; of what is written, statistics are summed, or it is masked and sums are found for a normalisation's gradient.

// What a convolution reads at a position.
enum SourceKind {
    SOURCE_STORED = 0,      // values
    SOURCE_NORMALISED = 1,  // the normalisation's output, made from its input
    SOURCE_PENDING = 2      // the gradient of the normalisation's input, made from that of its output: values
};

struct Source {
    Span<const Value> values;
    Norm norm;
    int kind;
    int positions;  // of an image
};

// How four channels of a source are read: of an input, which may be made by normalising, or of a gradient, which may be
// left to be made. First the per-channel numbers, and where memory has what it is made from; then that at a position, then the
// value: apart, so that many positions can be under way.
template <bool GRADIENT>
struct Reader;

template <>
struct Reader<false> {
    Forward4 of;

    __device__ __forceinline__ void prepare(const Source& source, int image, int channel) {
        of = source.kind == SOURCE_NORMALISED ? forward_of(source.norm, image, channel) : identity();
    }

    struct Lists {
        const Value* x;
    };

    static __device__ __forceinline__ Lists lists(const Source& source) {
        return {found(here(source.kind == SOURCE_STORED ? source.values : source.norm.input))};
    }

    struct Fetched {
        Four x;
    };

    // `at` is the place of the first channel, counted in values.
    static __device__ __forceinline__ Fetched fetch(const Lists& lists, unsigned at) { return {load_four(lists.x + at)}; }

    __device__ __forceinline__ float4 make(const Source& source, const Fetched& values) const {
        const bool relu = source.kind == SOURCE_NORMALISED && source.norm.relu;
        return at_least4(normalised(of, numbers(values.x)), relu ? 0.0f : minus_infinity());
    }
};

template <>
struct Reader<true> {
    Backward4 of;

    __device__ __forceinline__ void prepare(const Source& source, int image, int channel) {
        if (source.kind == SOURCE_PENDING) of = backward_of(source.norm, image, channel);
    }

    struct Lists {
        const Value* dy;
        const Value* x;  // or none
    };

    static __device__ __forceinline__ Lists lists(const Source& source) {
        return {found(here(source.values)), source.kind == SOURCE_PENDING ? found(here(source.norm.input)) : nullptr};
    }

    struct Fetched {
        Four dy, x;
    };

    static __device__ __forceinline__ Fetched fetch(const Lists& lists, unsigned at) {
        Fetched values;
        values.dy = load_four(lists.dy + at);
        if (lists.x != nullptr) values.x = load_four(lists.x + at);
        return values;
    }

    __device__ __forceinline__ float4 make(const Source& source, const Fetched& values) const {
        const float4 dy = numbers(values.dy);
        return source.kind == SOURCE_PENDING ? input_gradient(of, numbers(values.x), dy) : dy;
    }
};

// Sizes of a convolution: `in` is what its input has, `out` its output. Channels are stored ones.
struct Sizes {
    int in_height, in_width, in_channels;
    int out_height, out_width, out_channels;
    int kernel, stride, padding;
    int unused;
};

struct ConvolutionArguments {
    Source source;
    Span<const float> weight;
    Span<const float> bias;    // forward: [out], or none
    Span<const Value> addend;  // forward: added to the result, or none
    Span<Value> target;
    Finish finish;             // the normalisation that sums are for, and where they go, or none: forward of the target; backward
                               // the target is the gradient of its output
    Span<const Value> stored;  // backward: its output, where the mask reads it
    Sizes sizes;
    int rows;                  // positions of the target in a set; statistics are found set by set
    int flow;
    int mask;
    int tiles;                 // on tensor cores: in the batch
    int span;                  // of a block
    int unused;
};

// Adds bias and addend to this thread's results, `count` of four rows, and keeps each at its place: values of a batch are counted
// in 32 bits.
__device__ __forceinline__ void complete_output(const ConvolutionArguments& a, float4 (&results)[4],
                                                const unsigned (&places)[4], int channel, int count) {
    if (a.bias.first != nullptr) {
        const float4 bias = load4(here(a.bias) + channel);
        for (int i = 0; i < 4; ++i) results[i] = results[i] + bias;
    }
    if (a.addend.first != nullptr) {
        // All are asked for before the first is stored, which they might otherwise have to wait for.
        Four addends[4];
        const Value* addend = found(here(a.addend));
        for (int i = 0; i < 4; ++i) {
            addends[i] = {};
            if (i < count) addends[i] = load_four(addend + places[i]);
        }
        for (int i = 0; i < 4; ++i) results[i] = results[i] + numbers(addends[i]);
    }
    Value* target = found(here(a.target));
    for (int i = 0; i < 4; ++i) {
        const Four rounded = kept(results[i]);
        if (i < count) store_four(target + places[i], rounded);
        results[i] = numbers(rounded);
    }
}

// Statistics of a tile's results, as norm_statistics finds them: of `count` of this thread's four rows, and `all` rows of the tile,
// which is row `row` of the partials. The first thread of a column has the tile's first row.
template <int THREADS, int COLUMNS>
__device__ __forceinline__ void tile_statistics(const ConvolutionArguments& a, TileScratch<THREADS, COLUMNS>& scratch,
                                                float4 (&results)[4], int row, int count, int all) {
    __shared__ float starts[COLUMNS];
    ColumnSums<THREADS, COLUMNS>& sums = scratch.sums;
    const int column = threadIdx.x % (COLUMNS / 4) * 4;
    if (threadIdx.x < COLUMNS / 4) store4(&starts[column], results[0]);
    __syncthreads();
    const float4 start = load4(&starts[column]);
    if (count < 4) {
        for (int i = 0; i < 4; ++i) results[i] = i < count ? results[i] : start;
    }
    float4 sum = splat(0.0f), square = splat(0.0f);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const float4 d = results[i] - start;
        sum = sum + d;
        square = fma4(d, d, square);
    }
    sums.put(sum, square);
    __syncthreads();
    finish_tile(a.finish.partials, sums, starts, row, a.sizes.out_channels, all);
}

// What memory has at some of this thread's rows, `count` of four.
template <int ROWS_AT_ONCE>
__device__ __forceinline__ void fetch_rows(Four (&values)[ROWS_AT_ONCE], const Value* from, const unsigned (&places)[4],
                                           int first, int count) {
    for (int i = 0; i < ROWS_AT_ONCE; ++i) {
        if (first + i < count) values[i] = load_four(from + places[first + i]);
    }
}

// What masks the gradient of four channels, and what it is multiplied by for a sum of a normalisation's gradient.
struct Gate4 {
    Forward4 forward;
    float4 inverse;
};

// Of the normalisation that sums are for, if any.
__device__ __forceinline__ Gate4 gate_of(const Finish& finish, int image, int channel) {
    Gate4 gate = {};
    if (finish.partials.values.first != nullptr && channel < finish.norm.stored) {
        gate.forward = forward_of(finish.norm, image, channel);
        gate.inverse = load4(list_of(finish.norm, image, LIST_INVERSE) + channel);
    }
    return gate;
}

// Writes or adds the gradient of this thread's rows, `count` of four, each at its place; where it completes that of a
// normalisation's output, masks it and sums over the tile. ROWS_AT_ONCE: rows whose values are in registers together.
template <int ROWS_AT_ONCE, int THREADS, int COLUMNS>
__device__ __forceinline__ void complete_gradient(const ConvolutionArguments& a, TileScratch<THREADS, COLUMNS>& scratch,
                                                  const float4 (&results)[4], const Gate4& gate, int row,
                                                  const unsigned (&places)[4], int count) {
    const int channel = blockIdx.y * COLUMNS + threadIdx.x % (COLUMNS / 4) * 4, stored = a.sizes.in_channels;
    const bool summed = a.finish.partials.values.first != nullptr;
    float4 gradient = splat(0.0f), product = splat(0.0f);
    if (channel < stored) {
        Value* target = found(here(a.target));
        const Value* input = found(here(a.finish.norm.input));
#pragma unroll
        for (int first = 0; first < 4; first += ROWS_AT_ONCE) {
            // What some rows read is asked for before the first of them is stored, which it might otherwise have to wait for.
            Four before[ROWS_AT_ONCE], x[ROWS_AT_ONCE], stored_result[ROWS_AT_ONCE];
            for (int i = 0; i < ROWS_AT_ONCE; ++i) before[i] = x[i] = stored_result[i] = {};
            if (a.flow == FLOW_ACCUMULATE) fetch_rows(before, target, places, first, count);
            if (summed) fetch_rows(x, input, places, first, count);
            if (summed && a.mask == MASK_STORED) fetch_rows(stored_result, found(here(a.stored)), places, first, count);
            float4 g[ROWS_AT_ONCE];
            for (int i = 0; i < ROWS_AT_ONCE; ++i) g[i] = results[first + i];
            if (a.flow == FLOW_ACCUMULATE) {
                for (int i = 0; i < ROWS_AT_ONCE; ++i) g[i] = numbers(before[i]) + g[i];
            }
            float4 centred[ROWS_AT_ONCE];
            for (int i = 0; i < ROWS_AT_ONCE; ++i) centred[i] = numbers(x[i]) - gate.forward.mean;
            if (summed && a.mask == MASK_MADE) {
                for (int i = 0; i < ROWS_AT_ONCE; ++i) g[i] = where_positive(from_centred(gate.forward, centred[i]), g[i]);
            }
            if (summed && a.mask == MASK_STORED) {
                for (int i = 0; i < ROWS_AT_ONCE; ++i) g[i] = where_positive(numbers(stored_result[i]), g[i]);
            }
            for (int i = 0; i < ROWS_AT_ONCE; ++i) {
                const Four rounded = kept(g[i]);
                g[i] = numbers(rounded);
                if (first + i < count) store_four(target + places[first + i], rounded);
            }
            if (!summed) continue;
            for (int i = 0; i < ROWS_AT_ONCE; ++i) {
                // Of rows that are not there, 0 times what is beyond float32 would be no number.
                if (first + i < count) {
                    gradient = gradient + g[i];
                    product = fma4(g[i], centred[i] * gate.inverse, product);
                }
            }
        }
    }
    if (!summed) return;
    scratch.sums.put(gradient, product);
    __syncthreads();
    finish_gradient(a.finish.partials, scratch.sums, row, stored);
}
