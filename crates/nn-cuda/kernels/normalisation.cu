// Normalisation of each channel over the batch, or of groups of channels over each image: the phases of it.
//
// Forward:  y = (x - mean) * factor + shift, factor = scale / sqrt(variance + epsilon), then perhaps an addition and ReLU.
// Backward: dx = inverse * (scale * dy - mean_gradient - x^ * mean_product), x^ = (x - mean) * inverse, where dy has
//           passed the ReLU, and the two means are those of scale * dy and scale * dy * x^ over what was normalised over.
//
// Passes over memory find sums for each tile of positions of an image ("partials"), here or in the convolution beside
// (convolution.cu); they are put together in float64 in a fixed order (statistics.cu). Every formula commutes with a power of
// two: division and square root are correctly rounded, and nothing is compared with a constant but 0.
//
// Tested against nn-reference's batch_norm and group_norm.

// What one normalisation keeps. A "set" of lists serves all images, or there is one for each.
struct Norm {
    Span<const Value> input;  // x: [image][position][stored]
    Span<float> lists;        // [set][mean, inverse, factor, mean_gradient, mean_product][stored]
    Span<const float> scale;  // [stored], or none for 1
    Span<const float> shift;  // [stored], or none for 0
    int stored;
    int per_image;
    int relu;
    int channels;
};

enum List { LIST_MEAN, LIST_INVERSE, LIST_FACTOR, LIST_MEAN_GRADIENT, LIST_MEAN_PRODUCT, LISTS };

__device__ __forceinline__ float* list_of(const Norm& norm, int image, int list) {
    const int set = norm.per_image ? image : 0;
    return here(norm.lists) + (Offset)(set * LISTS + list) * norm.stored;
}

__device__ __forceinline__ float4 four_or(const Span<const float>& list, int channel, float otherwise) {
    const float* values = here(list);
    return values == nullptr ? splat(otherwise) : load4(values + channel);
}

__device__ __forceinline__ float one_or(const Span<const float>& list, int channel, float otherwise) {
    const float* values = here(list);
    return values == nullptr ? otherwise : values[channel];
}

// What four channels of an image are normalised with.
struct Forward4 {
    float4 mean, factor, shift;
};

__device__ __forceinline__ Forward4 forward_of(const Norm& norm, int image, int channel) {
    const float* lists = list_of(norm, image, 0) + channel;
    Forward4 of;
    of.mean = load4(lists + LIST_MEAN * norm.stored);
    of.factor = load4(lists + LIST_FACTOR * norm.stored);
    of.shift = four_or(norm.shift, channel, 0.0f);
    return of;
}

// What leaves x as it is, to the bit.
__device__ __forceinline__ Forward4 identity() { return {splat(0.0f), splat(1.0f), splat(-0.0f)}; }

// Before ReLU: its sign is the mask of the gradient. `centred` is x less the mean.
__device__ __forceinline__ float4 from_centred(const Forward4& of, float4 centred) { return fma4(centred, of.factor, of.shift); }

__device__ __forceinline__ float4 normalised(const Forward4& of, float4 x) { return from_centred(of, x - of.mean); }

// What the gradient of four channels of an image is made with.
struct Backward4 {
    float4 mean, inverse, scale, mean_gradient, mean_product;
};

__device__ __forceinline__ Backward4 backward_of(const Norm& norm, int image, int channel) {
    const float* lists = list_of(norm, image, 0) + channel;
    Backward4 of;
    of.mean = load4(lists + LIST_MEAN * norm.stored);
    of.inverse = load4(lists + LIST_INVERSE * norm.stored);
    of.scale = four_or(norm.scale, channel, 1.0f);
    of.mean_gradient = load4(lists + LIST_MEAN_GRADIENT * norm.stored);
    of.mean_product = load4(lists + LIST_MEAN_PRODUCT * norm.stored);
    return of;
}

__device__ __forceinline__ float4 input_gradient(const Backward4& of, float4 x, float4 dy) {
    const float4 centred = (x - of.mean) * of.inverse;
    // Where a single value is normalised, its mean is this product, and the difference 0.
    return of.inverse * (rounded_product(of.scale, dy) - fma4(centred, of.mean_product, of.mean_gradient));
}

// What lets the output's gradient through.
enum Mask {
    MASK_NONE = 0,    // everything: there is no ReLU
    MASK_STORED = 1,  // where the stored result is positive
    MASK_MADE = 2     // where the result, made anew, is positive
};

// Sums for tile t of image i, [i * tiles + t][2][stored]; and how an image is cut into tiles. Those at its right and
// lower edge may have fewer positions.
struct Partials {
    Span<double> values;
    int height, width;            // of the image; a pass takes all positions as one row
    int tile_height, tile_width;
    int tiles;
    int unused;
};

__device__ __forceinline__ int tile_positions(const Partials& p, int tile) {
    const int across = (p.width + p.tile_width - 1) / p.tile_width;
    return min(p.tile_height, p.height - tile / across * p.tile_height) *
           min(p.tile_width, p.width - tile % across * p.tile_width);
}

__device__ __forceinline__ double* partial_of(const Partials& partials, int image, int tile, int which, int stored) {
    return here(partials.values) + ((Offset)(image * partials.tiles + tile) * 2 + which) * stored;
}

// Mean of a tile's columns and sum of squares about it, from sums of differences from the tile's first row and of their squares: so
// a mean far from 0 costs no accuracy, and a constant channel has no variance. (A first row far from all others costs some: at most
// `count` roundings of the sum of squares, in which that row is.)
template <int THREADS, int COLUMNS>
__device__ __forceinline__ void finish_tile(const Partials& partials, const ColumnSums<THREADS, COLUMNS>& sums,
                                            const float (&starts)[COLUMNS], int row, int stored, int count) {
    const int channel = blockIdx.y * COLUMNS + threadIdx.x;
    if (threadIdx.x >= COLUMNS || channel >= stored) return;
    const double off = sums.sum(0, threadIdx.x) / count, square = sums.sum(1, threadIdx.x), about = count * off * off;
    partial_of(partials, 0, row, 0, stored)[channel] = starts[threadIdx.x] + off;
    // Not `max`, which would lose NaN.
    partial_of(partials, 0, row, 1, stored)[channel] = square > about ? square - about : square * 0.0;
}

// Both sums of a tile's gradient.
template <int THREADS, int COLUMNS>
__device__ __forceinline__ void finish_gradient(const Partials& partials, const ColumnSums<THREADS, COLUMNS>& sums,
                                                int row, int stored) {
    const int channel = blockIdx.y * COLUMNS + threadIdx.x;
    if (threadIdx.x >= COLUMNS || channel >= stored) return;
    for (int which = 0; which < 2; ++which) {
        partial_of(partials, 0, row, which, stored)[channel] = sums.sum(which, threadIdx.x);
    }
}
