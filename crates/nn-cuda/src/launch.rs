//! Launches: which kernel, on how many blocks, with what.

use std::ffi::c_void;
use std::ptr::{from_ref, null_mut};

use cudarc::driver::{CudaGraph, DeviceRepr, sys};
use nn_engine::{EngineError, Products};

use crate::gpu::{Gpu, failed};

macro_rules! kernels {
    ($($kernel:ident = $name:literal, $threads:literal;)*) => {
        /// A kernel of `kernels/`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Kernel { $($kernel),* }

        impl Kernel {
            /// Every kernel with its name, in the order of the numbers.
            pub(crate) const ALL: &[(Self, &str)] = &[$((Self::$kernel, $name)),*];

            /// Threads of a block.
            fn threads(self) -> u32 {
                match self { $(Self::$kernel => $threads),* }
            }
        }
    };
}

kernels! {
    NormStatistics = "norm_statistics", 128;
    NormOutput = "norm_output", 256;
    NormGradientSums = "norm_gradient_sums", 128;
    NormInputGradient = "norm_input_gradient", 256;
    RunningStatistics = "running_statistics", 64;
    GroupStatistics = "group_statistics", 64;
    GroupGradients = "group_gradients", 64;
    Forward128x16 = "conv2d_forward_128x16", 128;
    Forward64x32 = "conv2d_forward_64x32", 128;
    Backward128x16 = "conv2d_backward_128x16", 128;
    Backward64x32 = "conv2d_backward_64x32", 128;
    WeightGradient144x16 = "conv2d_weight_gradient_144x16", 144;
    WeightGradient96x32 = "conv2d_weight_gradient_96x32", 192;
    Forward3x3By4x32x16 = "conv3x3_forward_4x32x16", 128;
    Forward3x3By4x16x32 = "conv3x3_forward_4x16x32", 128;
    Forward3x3By8x8x32 = "conv3x3_forward_8x8x32", 128;
    Backward3x3By4x32x16 = "conv3x3_backward_4x32x16", 128;
    Backward3x3By4x16x32 = "conv3x3_backward_4x16x32", 128;
    Backward3x3By8x8x32 = "conv3x3_backward_8x8x32", 128;
    WeightGradient3x3By4x32 = "conv3x3_weight_gradient_4x32", 192;
    WeightGradient3x3By8x16 = "conv3x3_weight_gradient_8x16", 192;
    WeightGradient3x3By8x8 = "conv3x3_weight_gradient_8x8", 192;
    RoundWeights = "round_weights", 256;
    TensorUnitForward8x32x16 = "tensor_unit_forward_8x32x16", 256;
    TensorUnitForward8x16x32 = "tensor_unit_forward_8x16x32", 256;
    TensorUnitForward8x8x32 = "tensor_unit_forward_8x8x32", 128;
    TensorUnitBackward8x32x16 = "tensor_unit_backward_8x32x16", 256;
    TensorUnitBackward8x16x32 = "tensor_unit_backward_8x16x32", 256;
    TensorUnitBackward8x8x32 = "tensor_unit_backward_8x8x32", 128;
    TensorForward4x16x32 = "tensor_forward_4x16x32", 128;
    TensorForward8x8x32 = "tensor_forward_8x8x32", 128;
    TensorBackward4x16x32 = "tensor_backward_4x16x32", 128;
    TensorBackward8x8x32 = "tensor_backward_8x8x32", 128;
    TensorUnitGradient4x32x16x16 = "tensor_unit_weight_gradient_4x32x16x16", 384;
    TensorUnitGradient4x16x32x32 = "tensor_unit_weight_gradient_4x16x32x32", 384;
    TensorUnitGradient8x8x32x32 = "tensor_unit_weight_gradient_8x8x32x32", 384;
    TensorGradient4x16 = "tensor_weight_gradient_4x16", 384;
    TensorPointGradient4x16 = "tensor_point_weight_gradient_4x16", 384;
    TensorGradient8x8 = "tensor_weight_gradient_8x8", 384;
    TensorPointGradient8x8 = "tensor_point_weight_gradient_8x8", 384;
    TensorGradients8x32x16x16 = "tensor_gradients_8x32x16x16", 256;
    TensorGradients8x16x32x32 = "tensor_gradients_8x16x32x32", 256;
    BiasGradient = "bias_gradient", 16;
    PointwiseForward = "pointwise_forward", 256;
    PointwiseBackward = "pointwise_backward", 256;
    AveragePoolForward = "average_pool_forward", 64;
    AveragePoolBackward = "average_pool_backward", 256;
    MaxPoolForward = "max_pool_forward", 256;
    MaxPoolBackward = "max_pool_backward", 256;
    ZeroPadForward = "zero_pad_forward", 256;
    ZeroPadBackward = "zero_pad_backward", 256;
    InputImages = "input_images", 256;
    Loss = "loss", 256;
    Update = "update", 256;
    UpdateAdam = "update_adam", 256;
    Compare = "compare", 256;
    Advance = "advance", 1;
}

impl Kernel {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Bytes of shared memory that a launch asks for, beside what the kernel declares: in some formats more than it could.
    pub(crate) fn shared_bytes(self, products: Products) -> u32 {
        match (self, products) {
            (Self::TensorUnitForward8x16x32, Products::Tf32x3 | Products::Tf32) => 67_392,
            (Self::TensorUnitForward8x8x32 | Self::TensorUnitBackward8x8x32, _) => 55_872,
            (Self::TensorGradients8x32x16x16, Products::Bf16) => 35_520,
            (Self::TensorGradients8x16x32x32, Products::Bf16) => 47_680,
            (Self::TensorGradients8x32x16x16, _) => 59_200,
            (Self::TensorGradients8x16x32x32, _) => 85_824,
            _ => 0,
        }
    }

    /// Whether it multiplies on tensor cores.
    pub(crate) fn is_on_tensor_cores(self) -> bool {
        self.name().starts_with("tensor_")
    }
}

/// Arguments of a kernel: one value.
trait Arguments {
    /// Where it is.
    fn address(&self) -> *mut c_void;
}

impl<T: DeviceRepr> Arguments for T {
    fn address(&self) -> *mut c_void {
        from_ref(self).cast_mut().cast()
    }
}

/// Whether a launch may begin before the one before it has ended, as all but the first of a program may: every kernel waits
/// for that itself, before it reads what the launch before has written (`kernels/ptx.cu`).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    Early,
    After,
}

/// One launch, to be made as often as wanted.
pub(crate) struct Launch {
    pub(crate) kernel: Kernel,
    blocks: [u32; 3],
    arguments: Box<dyn Arguments + Send>,
}

/// Launches in order.
#[derive(Default)]
pub(crate) struct Program {
    pub(crate) launches: Vec<Launch>,
}

impl Program {
    /// Adds a launch of `blocks` blocks for each replica. The kernel is declared with an argument of type `T`.
    pub(crate) fn push<T: DeviceRepr + Send + 'static>(
        &mut self,
        kernel: Kernel,
        [x, y]: [usize; 2],
        replicas: usize,
        arguments: T,
    ) {
        // Sizes are checked by the blueprint.
        let count = |blocks: usize| u32::try_from(blocks).unwrap_or(u32::MAX);
        self.launches.push(Launch {
            kernel,
            blocks: [count(x), count(y), count(replicas)],
            arguments: Box::new(arguments),
        });
    }

    /// Makes the launches, all but the first beginning early where they do on this GPU.
    ///
    /// # Errors
    /// [`EngineError::Device`].
    pub(crate) fn launch(&self, gpu: &Gpu) -> Result<(), EngineError> {
        let mut begin = Begin::After;
        for launch in &self.launches {
            launch.run(gpu, begin)?;
            if gpu.begins_early {
                begin = Begin::Early;
            }
        }
        Ok(())
    }

    /// Makes the launches, and finds the time that each took, in seconds, with what lies between it and the one before.
    ///
    /// # Errors
    /// [`EngineError::Device`].
    pub(crate) fn time(&self, gpu: &Gpu) -> Result<Vec<f64>, EngineError> {
        let error = failed("timing a step");
        let flags = Some(sys::CUevent_flags::CU_EVENT_DEFAULT);
        let event = || gpu.stream.record_event(flags).map_err(&error);
        let mut events = vec![event()?];
        for launch in &self.launches {
            launch.run(gpu, Begin::After)?;
            events.push(event()?);
        }
        gpu.synchronize()?;
        let times = events.windows(2).map(|pair| pair[0].elapsed_ms(&pair[1]));
        times
            .map(|time| Ok(1e-3 * f64::from(time.map_err(&error)?)))
            .collect()
    }

    /// Captures the launches as a graph that the GPU replays.
    ///
    /// # Errors
    /// [`EngineError::Device`].
    pub(crate) fn capture(&self, gpu: &Gpu) -> Result<CudaGraph, EngineError> {
        let error = failed("capturing a step");
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        gpu.stream.begin_capture(mode).map_err(&error)?;
        let launched = self.launch(gpu);
        // Ended also after a failure, so that the stream can be used again.
        let graph = gpu.stream.end_capture(sys::CUgraphInstantiate_flags(0));
        launched?;
        graph.map_err(&error)?.ok_or(EngineError::Device {
            doing: "capturing a step",
            why: "the driver gave no graph".into(),
        })
    }
}

impl Launch {
    #[allow(unsafe_code)]
    fn run(&self, gpu: &Gpu, begin: Begin) -> Result<(), EngineError> {
        let error = failed("launching a kernel");
        let function = gpu.function(self.kernel)?.cu_function();
        let mut early = sys::CUlaunchAttribute {
            id: sys::CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION,
            pad: [0; 4],
            value: sys::CUlaunchAttributeValue {
                programmaticStreamSerializationAllowed: 1,
            },
        };
        let [x, y, z] = self.blocks;
        let config = sys::CUlaunchConfig {
            gridDimX: x,
            gridDimY: y,
            gridDimZ: z,
            blockDimX: self.kernel.threads(),
            blockDimY: 1,
            blockDimZ: 1,
            sharedMemBytes: self.kernel.shared_bytes(gpu.products),
            hStream: gpu.stream.cu_stream(),
            attrs: &raw mut early,
            numAttrs: u32::from(begin == Begin::Early),
        };
        let mut arguments = [self.arguments.address()];
        gpu.context.bind_to_thread().map_err(&error)?;
        // SAFETY: the kernel is declared with one argument, of the type that is at this address, which is copied; it points into
        // lists of values that are as long as the blueprint says and live as long as the engine.
        let launched = unsafe {
            sys::cuLaunchKernelEx(
                &raw const config,
                function,
                arguments.as_mut_ptr(),
                null_mut(),
            )
        };
        launched.result().map_err(error)
    }
}
