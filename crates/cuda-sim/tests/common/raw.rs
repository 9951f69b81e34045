//! Memory, streams and launches without cudarc's safe part, which synchronises on its own.

use std::ffi::c_void;
use std::ptr::null_mut;

use cudarc::driver::sys::{self, CUfunction, CUstream};

use super::{Device, device};

pub const SOURCE: &str = r#"
extern "C" __global__ void store(int* x, int value) { x[threadIdx.x] = value; }
extern "C" __global__ void add(int* x, int value) { x[threadIdx.x] += value; }
extern "C" __global__ void copy(int* to, const int* from) { to[threadIdx.x] = from[threadIdx.x]; }
"#;

/// The kernels of [`SOURCE`].
pub struct Kernels {
    store: CUfunction,
    add: CUfunction,
    copy: CUfunction,
}

/// A device and the kernels.
pub struct Raw {
    pub device: Device,
    kernels: Kernels,
}

impl std::ops::Deref for Raw {
    type Target = Kernels;

    fn deref(&self) -> &Kernels {
        &self.kernels
    }
}

pub fn raw() -> Option<Raw> {
    let device = device()?;
    let kernels = kernels(&device);
    Some(Raw { device, kernels })
}

pub fn kernels(device: &Device) -> Kernels {
    let image = device.image(SOURCE);
    let bytes = image.as_bytes().expect("an image");
    let mut module = null_mut();
    // SAFETY: the image is whole.
    unsafe { sys::cuModuleLoadData(&mut module, bytes.as_ptr().cast()) }
        .result()
        .unwrap();
    let function = |name: &std::ffi::CStr| {
        let mut function = null_mut();
        // SAFETY: the module lives.
        unsafe { sys::cuModuleGetFunction(&mut function, module, name.as_ptr()) }
            .result()
            .unwrap();
        function
    };
    let (store, add, copy) = (function(c"store"), function(c"add"), function(c"copy"));
    Kernels { store, add, copy }
}

pub fn stream(flags: u32) -> CUstream {
    let mut stream = null_mut();
    // SAFETY: the stream's place is valid.
    unsafe { sys::cuStreamCreate(&mut stream, flags) }
        .result()
        .unwrap();
    stream
}

/// Device memory of 32 numbers, all -1 as it is fresh.
pub fn memory() -> u64 {
    let mut address = 0;
    // SAFETY: the address' place is valid.
    unsafe { sys::cuMemAlloc_v2(&mut address, 128) }
        .result()
        .unwrap();
    address
}

/// The last of 32 numbers.
pub fn read(address: u64) -> i32 {
    let mut value = [0i32; 32];
    // SAFETY: the memory has as many bytes.
    unsafe { sys::cuMemcpyDtoH_v2(value.as_mut_ptr().cast(), address, 128) }
        .result()
        .unwrap();
    value[31]
}

/// Memory of the host that the device may use.
pub fn pinned(count: usize) -> *mut i32 {
    let mut address = null_mut();
    // SAFETY: the address' place is valid.
    unsafe { sys::cuMemHostAlloc(&mut address, count * 4, 0) }
        .result()
        .unwrap();
    address.cast()
}

impl Kernels {
    fn call(&self, function: CUfunction, stream: CUstream, mut arguments: [*mut c_void; 2]) {
        // SAFETY: there are as many arguments as parameters, of their types.
        unsafe {
            sys::cuLaunchKernel(
                function,
                1,
                1,
                1,
                32,
                1,
                1,
                0,
                stream,
                arguments.as_mut_ptr(),
                null_mut(),
            )
        }
        .result()
        .unwrap();
    }

    /// Stores a number; the arguments are gone when it is done.
    pub fn store(&self, stream: CUstream, mut to: u64, mut value: i32) {
        self.call(
            self.store,
            stream,
            [(&raw mut to).cast(), (&raw mut value).cast()],
        );
    }

    pub fn add(&self, stream: CUstream, mut to: u64, mut value: i32) {
        self.call(
            self.add,
            stream,
            [(&raw mut to).cast(), (&raw mut value).cast()],
        );
    }

    pub fn copy(&self, stream: CUstream, mut to: u64, mut from: u64) {
        self.call(
            self.copy,
            stream,
            [(&raw mut to).cast(), (&raw mut from).cast()],
        );
    }
}
