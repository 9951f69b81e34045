//! All memory on the GPU: allocated once, as long as the blueprint says.

use cudarc::driver::{CudaSlice, DevicePtr, DeviceRepr, DriverError, sys};
use nn_engine::{EngineError, Products};

use crate::arguments::{GroupRates, Parameter, Sample, Span, StepResult, WeightTile};
use crate::blueprint::{Blueprint, WINDOW};
use crate::comparison::NUMBERS;
use crate::gpu::{Gpu, failed};

/// A list of values for each replica, one behind the other; or one that all replicas share.
pub(crate) struct Buffer<T> {
    values: CudaSlice<T>,
    address: u64,
    /// Values of one replica.
    pub(crate) length: usize,
}

impl<T: DeviceRepr> Buffer<T> {
    /// Room for `length` values of each replica, of no particular value.
    fn new(gpu: &Gpu, length: usize, replicas: usize) -> Result<Self, DriverError> {
        // A list without values has an address, too.
        let room = (length * replicas).max(1);
        // SAFETY: kernels write every value before they read it, or it is set here.
        let values = unsafe { gpu.stream.alloc::<T>(room) }?;
        let (address, _) = values.device_ptr(&gpu.stream);
        Ok(Self {
            address,
            values,
            length,
        })
    }

    /// Where the values of replicas from `replica` on begin.
    pub(crate) fn span(&self, replica: usize) -> Span {
        self.span_at(replica, 0)
    }

    /// The same, from the value `first` of each on.
    pub(crate) fn span_at(&self, replica: usize, first: usize) -> Span {
        let before = replica * self.length + first;
        Span {
            first: self.address + (before * size_of::<T>()) as u64,
            stride: self.length as u64,
        }
    }

    /// The address of a list that all replicas share.
    pub(crate) fn address(&self) -> u64 {
        self.address
    }

    /// Copies values to those of a replica, from its value `first` on.
    ///
    /// # Errors
    /// [`EngineError::Device`].
    pub(crate) fn write(
        &mut self,
        gpu: &Gpu,
        replica: usize,
        first: usize,
        values: &[T],
    ) -> Result<(), EngineError> {
        if values.is_empty() {
            return Ok(());
        }
        let at = replica * self.length + first;
        let mut to = self.values.slice_mut(at..at + values.len());
        let copied = gpu.stream.memcpy_htod(values, &mut to);
        copied.map_err(failed("copying to the GPU"))
    }

    /// A copy of `length` values of a replica, from its value `first` on. Waits for all that was launched.
    ///
    /// # Errors
    /// [`EngineError::Device`].
    pub(crate) fn read(
        &self,
        gpu: &Gpu,
        replica: usize,
        first: usize,
        length: usize,
    ) -> Result<Vec<T>, EngineError> {
        if length == 0 {
            return Ok(Vec::new());
        }
        let at = replica * self.length + first;
        let from = self.values.slice(at..at + length);
        let copied = gpu.stream.clone_dtoh(&from);
        let copied = copied.and_then(|values| gpu.stream.synchronize().map(|()| values));
        copied.map_err(failed("copying from the GPU"))
    }

    fn clear(&mut self, gpu: &Gpu) -> Result<(), DriverError> {
        let bytes = self.values.num_bytes();
        // SAFETY: all values are numbers, for which bytes of 0 are one; the list is as long.
        unsafe {
            cudarc::driver::result::memset_d8_async(self.address, 0, bytes, gpu.stream.cu_stream())
        }
    }
}

/// An activation or a gradient of one, for each replica: see `Value` in `kernels/tensor.cu`.
pub(crate) enum Tensor {
    Float32(Buffer<f32>),
    /// Each as its 16 bits.
    Bf16(Buffer<u16>),
}

impl Tensor {
    fn new(
        gpu: &Gpu,
        products: Products,
        length: usize,
        replicas: usize,
    ) -> Result<Self, DriverError> {
        Ok(match products {
            Products::Bf16 => Self::Bf16(Buffer::new(gpu, length, replicas)?),
            Products::Full | Products::Tf32x3 | Products::Tf32 => {
                Self::Float32(Buffer::new(gpu, length, replicas)?)
            }
        })
    }

    /// Where the values of replicas from `replica` on begin.
    pub(crate) fn span(&self, replica: usize) -> Span {
        match self {
            Self::Float32(buffer) => buffer.span(replica),
            Self::Bf16(buffer) => buffer.span(replica),
        }
    }
}

/// Everything a step touches but images.
pub(crate) struct Memory {
    /// Of each node; none for a tensor that is not stored.
    pub(crate) activations: Vec<Option<Tensor>>,
    pub(crate) gradients: Vec<Tensor>,
    pub(crate) values: Buffer<f32>,
    /// Momentum buffers or first moments.
    pub(crate) momentum: Buffer<f32>,
    /// None without moments.
    pub(crate) second_moment: Option<Buffer<f32>>,
    pub(crate) parts: Buffer<f32>,
    /// Weights as tensor cores multiply them: words of one or two factors. None where convolutions multiply in full.
    pub(crate) rounded: Option<Buffer<f32>>,
    pub(crate) lists: Vec<Buffer<f32>>,
    pub(crate) partials: Vec<Buffer<f64>>,
    /// All 0 between launches.
    pub(crate) counters: Buffer<u32>,
    pub(crate) running: Buffer<f32>,
    pub(crate) epsilons: Buffer<f64>,
    pub(crate) rates: Buffer<GroupRates>,
    pub(crate) factors: Buffer<f64>,
    pub(crate) results: Buffer<StepResult>,
    pub(crate) samples: Buffer<Sample>,
    pub(crate) step: Buffer<i32>,
    pub(crate) parameters: Buffer<Parameter>,
    pub(crate) owners: Buffer<i32>,
    pub(crate) numbers: Buffer<i32>,
    pub(crate) rounded_tiles: Buffer<WeightTile>,
    pub(crate) comparison: Buffer<f64>,
}

impl Memory {
    /// Allocates all.
    ///
    /// # Errors
    /// [`EngineError::DeviceMemory`] before anything is allocated if there is not enough; [`EngineError::Device`].
    pub(crate) fn new(gpu: &Gpu, blueprint: &Blueprint) -> Result<Self, EngineError> {
        let free = gpu.free_memory()?;
        blueprint.check_memory(free, 0)?;
        let mut memory = Self::allocate(gpu, blueprint).map_err(|error| match error.0 {
            sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY => blueprint.too_large(free),
            _ => failed("allocating memory")(error),
        })?;
        let (owners, numbers, parameters) = blueprint.parameters.tables();
        memory.owners.write(gpu, 0, 0, &owners)?;
        memory.numbers.write(gpu, 0, 0, &numbers)?;
        memory.parameters.write(gpu, 0, 0, &parameters)?;
        let tiles = blueprint.parameters.rounded_tiles();
        memory.rounded_tiles.write(gpu, 0, 0, &tiles)?;
        Ok(memory)
    }

    fn allocate(gpu: &Gpu, blueprint: &Blueprint) -> Result<Self, DriverError> {
        let (all, replicas) = (blueprint.inventory(), blueprint.options.replicas);
        let floats = |length: usize| Buffer::<f32>::new(gpu, length, replicas);
        let doubles = |length: usize| Buffer::<f64>::new(gpu, length, replicas);
        let stored = |length: usize| (length > 0).then(|| floats(length)).transpose();
        let tensor = |length: usize| Tensor::new(gpu, blueprint.options.products, length, replicas);
        let mut memory = Self {
            activations: all
                .activations
                .iter()
                .map(|&length| (length > 0).then(|| tensor(length)).transpose())
                .collect::<Result<_, _>>()?,
            gradients: all
                .gradients
                .iter()
                .map(|&length| tensor(length))
                .collect::<Result<_, _>>()?,
            values: floats(all.values)?,
            momentum: floats(all.values)?,
            second_moment: stored(all.second_moments)?,
            parts: floats(all.parts)?,
            rounded: stored(all.rounded)?,
            lists: all
                .lists
                .iter()
                .map(|&length| floats(length))
                .collect::<Result<_, _>>()?,
            partials: all
                .partials
                .iter()
                .map(|&length| doubles(length))
                .collect::<Result<_, _>>()?,
            counters: Buffer::new(gpu, all.counters, replicas)?,
            running: floats(all.running)?,
            epsilons: doubles(all.norms)?,
            rates: Buffer::new(gpu, all.rates, replicas)?,
            factors: doubles(all.factors)?,
            results: Buffer::new(gpu, WINDOW, replicas)?,
            samples: Buffer::new(gpu, all.samples, replicas)?,
            step: Buffer::new(gpu, 1, 1)?,
            parameters: Buffer::new(gpu, all.parameters, 1)?,
            owners: Buffer::new(gpu, all.blocks, 1)?,
            numbers: Buffer::new(gpu, all.blocks, 1)?,
            rounded_tiles: Buffer::new(gpu, all.rounded_tiles, 1)?,
            comparison: Buffer::new(gpu, NUMBERS * all.parameters, 1)?,
        };
        // A parameter that no gradient reaches has none; channels that fill up are 0.
        memory.parts.clear(gpu)?;
        memory.values.clear(gpu)?;
        memory.momentum.clear(gpu)?;
        if let Some(second) = &mut memory.second_moment {
            second.clear(gpu)?;
        }
        memory.running.clear(gpu)?;
        memory.counters.clear(gpu)?;
        Ok(memory)
    }
}

/// Values of a byte.
const BYTES: usize = 256;

/// The images of a split.
pub(crate) struct Pictures {
    pub(crate) pixels: Buffer<u8>,
    pub(crate) labels: Buffer<u8>,
    /// `[channel][256]`: what a byte stands for.
    pub(crate) values: Buffer<f32>,
}

impl Pictures {
    /// Bytes that images take on the GPU.
    pub(crate) fn bytes(images: &nn_engine::ImageSet) -> u128 {
        let [channels, ..] = images.shape();
        let values = channels * BYTES * size_of::<f32>();
        (images.pixels().len() + images.labels().len() + values) as u128
    }

    /// Copies images to the GPU.
    ///
    /// # Errors
    /// [`EngineError::Device`].
    pub(crate) fn new(gpu: &Gpu, images: &nn_engine::ImageSet) -> Result<Self, EngineError> {
        let [channels, ..] = images.shape();
        let of_byte = |channel: usize, byte: u8| images.value(channel, byte) as f32;
        let values: Vec<f32> = (0..channels)
            .flat_map(|channel| (0..=u8::MAX).map(move |byte| of_byte(channel, byte)))
            .collect();
        let lengths = [images.pixels().len(), images.labels().len()];
        let allocate = |length| Buffer::<u8>::new(gpu, length, 1);
        let error = failed("allocating memory for images");
        let mut pictures = Self {
            pixels: allocate(lengths[0]).map_err(&error)?,
            labels: allocate(lengths[1]).map_err(&error)?,
            values: Buffer::new(gpu, values.len(), 1).map_err(&error)?,
        };
        pictures.pixels.write(gpu, 0, 0, images.pixels())?;
        pictures.labels.write(gpu, 0, 0, images.labels())?;
        pictures.values.write(gpu, 0, 0, &values)?;
        Ok(pictures)
    }
}
