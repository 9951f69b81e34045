// Weights of convolutions, rounded once for all blocks that read them, and so ordered that neighbours are multiplied together.
//
// Tested by all that multiplies them: tensor_convolution.cu, tensor_gradients.cu.

struct WeightTile {
    Offset from;      // of the tap in the list of parameters: [in, stored][out, stored]
    Offset forward;   // quads before its copy [out][in]
    Offset backward;  // and before its copy [in][out]
    int in, out;
    int first_in, first_out;  // of the tile
};

struct RoundedArguments {
    const WeightTile* tiles;
    Span<const float> values;
    Span<float> rounded;
};

#define ROUNDED_SIDE 32

// 32 by 32 values of a tap.
// grid (tiles, 1, replicas), block 256.
extern "C" __global__ void __launch_bounds__(256) round_weights(const __grid_constant__ RoundedArguments a) {
    wait_for_launch_before();
    __shared__ float values[ROUNDED_SIDE][ROUNDED_SIDE + 1];
    const WeightTile tile = a.tiles[blockIdx.x];
    const int row = threadIdx.x / (ROUNDED_SIDE / 4), first = threadIdx.x % (ROUNDED_SIDE / 4) * 4;
    float4 x = splat(0.0f);
    if (tile.first_in + row < tile.in && tile.first_out + first < tile.out) {
        x = load4(here(a.values) + tile.from + (Offset)(tile.first_in + row) * tile.out + tile.first_out + first);
    }
    for (int i = 0; i < 4; ++i) values[row][first + i] = element(x, i);
    Format::Quad* to = reinterpret_cast<Format::Quad*>(here(a.rounded));
    if (tile.first_in + row < tile.in && tile.first_out + first < tile.out) {
        to[tile.backward + ((Offset)(tile.first_in + row) * tile.out + tile.first_out + first) / 4] = Format::rounded(x);
    }
    __syncthreads();
    if (tile.first_out + row < tile.out && tile.first_in + first < tile.in) {
        const float4 y = make_float4(values[first][row], values[first + 1][row], values[first + 2][row],
                                     values[first + 3][row]);
        to[tile.forward + ((Offset)(tile.first_out + row) * tile.in + tile.first_in + first) / 4] = Format::rounded(y);
    }
}
