// Operations that treat every value by itself: ReLU, addition, and handing a gradient on.
//
// Tested against nn-reference's relu and add.

struct PointwiseArguments {
    Span<const Value> first;   // operand
    Span<const Value> second;  // other operand, or none
    Span<Value> result;        // forward: y
    Span<const Value> stored;  // backward: y, where a ReLU masks the gradient
    Span<const Value> gradient;
    Span<Value> first_gradient;
    Span<Value> second_gradient;
    Offset values;  // of the batch, a multiple of four
    int relu;
    int first_flow;
    int second_flow;
    int unused;
};

// y = a (+ b), then perhaps ReLU.
// grid (ceil(values / 4 / 256), 1, replicas), block 256.
extern "C" __global__ void __launch_bounds__(256) pointwise_forward(const __grid_constant__ PointwiseArguments a) {
    wait_for_launch_before();
    const Offset at = 4 * ((Offset)blockIdx.x * blockDim.x + threadIdx.x);
    if (at >= a.values) return;
    float4 y = numbers(load_four(here(a.first) + at));
    if (a.second.first != nullptr) y = y + numbers(load_four(here(a.second) + at));
    keep_four(here(a.result) + at, a.relu ? relu4(y) : y);
}

// The gradient, masked where y came through a ReLU, to one operand or two.
// grid (ceil(values / 4 / 256), 1, replicas), block 256.
extern "C" __global__ void __launch_bounds__(256) pointwise_backward(const __grid_constant__ PointwiseArguments a) {
    wait_for_launch_before();
    const Offset at = 4 * ((Offset)blockIdx.x * blockDim.x + threadIdx.x);
    if (at >= a.values) return;
    float4 g = numbers(load_four(here(a.gradient) + at));
    if (a.relu) g = where_positive(numbers(load_four(here(a.stored) + at)), g);
    contribute(here(a.first_gradient) + at, g, a.first_flow);
    // The operands may be one tensor: the second contribution is added to the first.
    contribute(here(a.second_gradient) + at, g, a.second_flow);
}
