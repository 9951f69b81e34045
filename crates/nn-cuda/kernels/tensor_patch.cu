// What kernels on tensor cores read: tiles, one after another, and for each a patch of an image in shared memory, made and rounded on
// the way (convolution.cu, tensor_core.cu).

// A tile of the target: where it is, and which positions it has.
struct Target {
    int image;
    int top, left;          // of the tile, in positions of the class
    int down, across;       // positions of the class
    int y, x, apart;        // its first position in the image, and from one to the next
};

// Where there is one class.
template <int HEIGHT, int WIDTH>
__device__ __forceinline__ Target target_at(int height, int width, int number) {
    const int across = (width + WIDTH - 1) / WIDTH, tiles = (height + HEIGHT - 1) / HEIGHT * across;
    return {number / tiles, number % tiles / across * HEIGHT, number % across * WIDTH, height, width, 0, 0, 1};
}

// The next of those.
template <int HEIGHT, int WIDTH>
__device__ __forceinline__ void next_tile(Target& target) {
    target.left += WIDTH;
    if (target.left < target.across) return;
    target.left = 0;
    target.top += HEIGHT;
    if (target.top < target.down) return;
    target.top = 0;
    ++target.image;
}

// Whether a source is read in another way from this tile on than for the tile before: as it is normalised image by image.
__device__ __forceinline__ bool is_read_anew(const Norm& norm, const Target& target) {
    return norm.per_image && target.top == 0 && target.left == 0;
}

// Finds how the channels of a source from `first` on are read, QUADS quads of them, for an image: by that many threads, numbered from 0.
// In shared memory: found by every thread, they would take registers, and as often as there are threads. They are seen after a barrier.
template <bool GRADIENT, int QUADS>
__device__ __forceinline__ void prepare_readers(int thread, const Source& source, int image, int first, int channels,
                                                Reader<GRADIENT> (&readers)[QUADS]) {
    const int channel = first + 4 * thread;
    if (thread >= 0 && thread < QUADS && channel < channels) readers[thread].prepare(source, image, channel);
}

// A patch of an image, and how far its positions are apart there.
struct Patch {
    int image, top, left, step, height, width;
};

// What the compiler knows of a patch: ROWS, those of the border with them; WIDTH columns of the tile, and BORDER on either side of
// those. Nothing, where all are 0.
template <int ROWS_, int WIDTH_, int BORDER_>
struct KnownShape {
    static constexpr int ROWS = ROWS_, WIDTH = WIDTH_, BORDER = BORDER_;
};

// What is read or written at once, at a multiple of its bytes.
template <class T, int COUNT>
struct alignas(COUNT * sizeof(T)) Together {
    T of[COUNT];
};

// PER quads of channels at a position.
template <int PER>
using Fours = Together<Four, PER>;

template <int PER>
__device__ __forceinline__ Fours<PER> load_fours(const Value* at) {
    return *reinterpret_cast<const Fours<PER>*>(at);
}

// The ways in which values are read, so that a loop asks no question at each: what is fetched, what is made of its n-th quad, and
// whether that is 0 where nothing was fetched.
struct AsInput {
    template <int PER>
    struct Fetched {
        Fours<PER> x;
    };
    static constexpr bool LEAVES_0 = false;

    template <int PER>
    static __device__ __forceinline__ Fetched<PER> fetch(const Reader<false>::Lists& lists, unsigned at) {
        return {load_fours<PER>(lists.x + at)};
    }

    template <int PER>
    static __device__ __forceinline__ float4 make(const Reader<false>& reader, const Source& source, const Fetched<PER>& values, int n) {
        return reader.make(source, {values.x.of[n]});
    }
};

struct AsStored {
    template <int PER>
    struct Fetched {
        Fours<PER> dy;
    };
    static constexpr bool LEAVES_0 = true;

    template <int PER>
    static __device__ __forceinline__ Fetched<PER> fetch(const Reader<true>::Lists& lists, unsigned at) {
        return {load_fours<PER>(lists.dy + at)};
    }

    template <int PER>
    static __device__ __forceinline__ float4 make(const Reader<true>&, const Source&, const Fetched<PER>& values, int n) {
        return numbers(values.dy.of[n]);
    }
};

struct AsPending {
    template <int PER>
    struct Fetched {
        Fours<PER> dy, x;
    };
    static constexpr bool LEAVES_0 = false;

    template <int PER>
    static __device__ __forceinline__ Fetched<PER> fetch(const Reader<true>::Lists& lists, unsigned at) {
        return {load_fours<PER>(lists.dy + at), load_fours<PER>(lists.x + at)};
    }

    template <int PER>
    static __device__ __forceinline__ float4 make(const Reader<true>& reader, const Source&, const Fetched<PER>& values, int n) {
        return input_gradient(reader.of, numbers(values.x.of[n]), numbers(values.dy.of[n]));
    }
};

// Each thread the same PER quads of channels of some positions. AHEAD: positions that it asks memory for before it uses the first.
template <class Way, int THREADS, int QUADS, int PITCH, int AHEAD, int PER, bool GRADIENT>
__device__ __forceinline__ void fill_patch_by(const Source& source, const Reader<GRADIENT>* readers, const Patch& patch, int height,
                                              int width, int channels, int first, unsigned char* target) {
    constexpr int APART = THREADS / (QUADS / PER);
    const int thread = anew(threadIdx.x), quad = thread % (QUADS / PER) * PER, channel = first + 4 * quad;
    const int positions = patch.height * patch.width;
    const bool own = channel < channels;
    const typename Reader<GRADIENT>::Lists lists = Reader<GRADIENT>::lists(source);
    // Values of a batch are counted in 32 bits.
    const unsigned origin = ((unsigned)(patch.image * height + patch.top) * width + patch.left) * channels + channel;
    readers += quad;
    target += quad * sizeof(Format::Quad);
#pragma unroll 1
    for (int start = thread / (QUADS / PER); start < positions; start += AHEAD * APART) {
        typename Way::template Fetched<PER> values[AHEAD];
        bool inside[AHEAD];
#pragma unroll
        for (int i = 0; i < AHEAD; ++i) {
            const int index = start + i * APART;
            const unsigned down = index / patch.width * patch.step, across = index % patch.width * patch.step;
            // What is above or left of the image is beyond it, too, as an unsigned number.
            inside[i] = own && index < positions && patch.top + down < (unsigned)height && patch.left + across < (unsigned)width;
            values[i] = {};
            if (inside[i]) values[i] = Way::template fetch<PER>(lists, origin + (down * width + across) * channels);
        }
        Together<Format::Quad, PER> quads[AHEAD];
#pragma unroll
        for (int n = 0; n < PER; ++n) {
            const Reader<GRADIENT> reader = readers[n];
#pragma unroll
            for (int i = 0; i < AHEAD; ++i) {
                const Format::Quad made = Format::rounded(Way::make(reader, source, values[i], n));
                quads[i].of[n] = Way::LEAVES_0 || inside[i] ? made : Format::Quad{};
            }
        }
#pragma unroll
        for (int i = 0; i < AHEAD; ++i) {
            const int index = start + i * APART;
            if (index < positions) *reinterpret_cast<Together<Format::Quad, PER>*>(target + index * PITCH) = quads[i];
        }
    }
}

// As fill_patch_by, where an image is as wide as the tile, and positions are neighbours: a thread has one column of the image, goes down by
// constants, and asks of a row only whether it is in the image. Columns of the border are 0.
template <class Way, class Shape, int THREADS, int QUADS, int PITCH, int AHEAD, int PER, bool GRADIENT>
__device__ __forceinline__ void fill_rows_by(const Source& source, const Reader<GRADIENT>* readers, const Patch& patch, int height,
                                             int channels, int first, unsigned char* target) {
    using Quads = Together<Format::Quad, PER>;
    constexpr int WIDTH = Shape::WIDTH, APART = THREADS / (QUADS / PER), DOWN = APART / WIDTH;
    constexpr int STEPS = (Shape::ROWS + DOWN - 1) / DOWN, STEP = DOWN * (WIDTH + 2 * Shape::BORDER) * PITCH;
    static_assert(APART % WIDTH == 0, "whole rows at a time");
    // Unsigned: divided by a power of two in one instruction.
    const unsigned thread = anew(threadIdx.x), quad = thread % (QUADS / PER) * PER;
    const unsigned column = thread / (QUADS / PER) % WIDTH, row = thread / (QUADS / PER) / WIDTH;
    const int channel = first + 4 * quad;
    const bool own = channel < channels;
    const typename Reader<GRADIENT>::Lists lists = Reader<GRADIENT>::lists(source);
    const unsigned at = ((unsigned)(patch.image * height + patch.top + row) * WIDTH + column) * channels + channel;
    readers += quad;
    target += (row * (WIDTH + 2 * Shape::BORDER) + Shape::BORDER + column) * PITCH + quad * sizeof(Format::Quad);
    // The position of the border beside this thread's, if there is one.
    const bool is_beside = Shape::BORDER > 0 && (column == 0 || column == WIDTH - 1);
    unsigned char* beside = target + (column == 0 ? -PITCH : PITCH);
#pragma unroll
    for (int start = 0; start < STEPS; start += AHEAD) {
        typename Way::template Fetched<PER> values[AHEAD];
        bool inside[AHEAD];
#pragma unroll
        for (int i = 0; i < AHEAD && start + i < STEPS; ++i) {
            const unsigned down = (start + i) * DOWN;
            // What is above the image is beyond it, too, as an unsigned number.
            inside[i] = own && patch.top + row + down < (unsigned)height;
            values[i] = {};
            if (inside[i]) values[i] = Way::template fetch<PER>(lists, at + (start + i) * (unsigned)(APART * channels));
        }
        Quads quads[AHEAD];
#pragma unroll
        for (int n = 0; n < PER; ++n) {
            const Reader<GRADIENT> reader = readers[n];
#pragma unroll
            for (int i = 0; i < AHEAD && start + i < STEPS; ++i) {
                const Format::Quad made = Format::rounded(Way::make(reader, source, values[i], n));
                quads[i].of[n] = Way::LEAVES_0 || inside[i] ? made : Format::Quad{};
            }
        }
#pragma unroll
        for (int i = 0; i < AHEAD && start + i < STEPS; ++i) {
            if ((start + i + 1) * DOWN > Shape::ROWS && row + (start + i) * DOWN >= Shape::ROWS) break;
            *reinterpret_cast<Quads*>(target + (start + i) * STEP) = quads[i];
            if (is_beside) *reinterpret_cast<Quads*>(beside + (start + i) * STEP) = Quads{};
        }
    }
}

// Puts QUADS quads of channels of a patch of a source, from `first` on, into shared memory, 0 outside of the image.
template <class Shape, int THREADS, int QUADS, int PITCH, int AHEAD, bool GRADIENT>
__device__ __forceinline__ void fill_patch(const Source& source, const Reader<GRADIENT>* readers, const Patch& patch, int height,
                                           int width, int channels, int first, unsigned char* target) {
    // 16 bytes at a time, where all begin at a multiple of that.
    constexpr int PER = 16 / sizeof(Four);
    const auto fill = [&](auto way) {
        using Way = decltype(way);
        if (PER > 1 && channels % (4 * PER) != 0) {
            fill_patch_by<Way, THREADS, QUADS, PITCH, AHEAD, 1>(source, readers, patch, height, width, channels, first, target);
            return;
        }
        if constexpr (Shape::WIDTH > 0) {
            if (width == Shape::WIDTH) {
                fill_rows_by<Way, Shape, THREADS, QUADS, PITCH, AHEAD, PER>(source, readers, patch, height, channels, first, target);
                return;
            }
        }
        fill_patch_by<Way, THREADS, QUADS, PITCH, AHEAD, PER>(source, readers, patch, height, width, channels, first, target);
    };
    if constexpr (!GRADIENT) {
        fill(AsInput{});
    } else if (source.kind == SOURCE_PENDING) {
        fill(AsPending{});
    } else {
        fill(AsStored{});
    }
}
