//! What the tests share: a device to run kernels on, one test at a time.
#![allow(unsafe_code)]
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part")]

pub mod raw;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cuda_sim::{Simulator, SimulatorError};
use cudarc::driver::{
    CudaContext, CudaFunction, CudaModule, CudaStream, DriverError, LaunchArgs, LaunchConfig,
};
use cudarc::nvrtc::{CompileOptions, Ptx, compile_ptx_with_opts};

/// The device is one for the process, and its errors stay until they are reset.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What has been compiled, by source.
static IMAGES: Mutex<Option<HashMap<String, Ptx>>> = Mutex::new(None);

/// The simulated device, in order.
pub struct Device {
    pub simulator: Simulator,
    pub context: Arc<CudaContext>,
    pub stream: Arc<CudaStream>,
    _turn: MutexGuard<'static, ()>,
}

/// The simulator; `None`, and a line that says why, where there is no compiler.
pub fn simulator() -> Option<Simulator> {
    match cuda_sim::load() {
        Ok(simulator) => Some(simulator),
        Err(error @ (SimulatorError::NoCompiler(_) | SimulatorError::Platform)) => {
            println!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A device for one test.
pub fn device() -> Option<Device> {
    let simulator = simulator()?;
    let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    simulator.reset();
    let context = CudaContext::new(0).expect("a context");
    let stream = context.new_stream().expect("a stream");
    Some(Device {
        simulator,
        context,
        stream,
        _turn: turn,
    })
}

/// Grid, block and bytes of dynamic shared memory of a launch.
pub fn config(grid: u32, block: u32, shared: u32) -> LaunchConfig {
    LaunchConfig {
        grid_dim: (grid, 1, 1),
        block_dim: (block, 1, 1),
        shared_mem_bytes: shared,
    }
}

impl Device {
    /// Compiles a source, once.
    pub fn image(&self, source: &str) -> Ptx {
        let mut images = IMAGES.lock().unwrap_or_else(PoisonError::into_inner);
        let images = images.get_or_insert_default();
        let image = images.entry(source.to_owned()).or_insert_with(|| {
            let options = CompileOptions {
                name: Some("kernel.cu".to_owned()),
                options: vec!["--gpu-architecture=sm_90".into(), "--std=c++17".into()],
                ..Default::default()
            };
            compile_ptx_with_opts(source, options).expect("the source compiles")
        });
        image.clone()
    }

    /// Compiles and loads a source.
    pub fn module(&self, source: &str) -> Arc<CudaModule> {
        self.context
            .load_module(self.image(source))
            .unwrap_or_else(|error| panic!("{error}: {:?}", self.simulator.last_error()))
    }

    /// Compiles a source and looks up a kernel in it.
    pub fn kernel(&self, source: &str, name: &str) -> CudaFunction {
        self.module(source)
            .load_function(name)
            .expect("the kernel exists")
    }

    /// Launches a kernel with the arguments that `push` adds.
    pub fn launch<'a>(
        &'a self,
        kernel: &'a CudaFunction,
        config: LaunchConfig,
        push: impl FnOnce(&mut LaunchArgs<'a>),
    ) -> Result<(), DriverError> {
        let mut arguments = self.stream.launch_builder(kernel);
        push(&mut arguments);
        // SAFETY: the kernel runs on the simulator, which reports what it does wrong.
        unsafe { arguments.launch(config) }.map(|_| ())
    }

    /// The report of what went wrong; panics where nothing did.
    pub fn report(&self) -> String {
        self.simulator.last_error().expect("a report")
    }
}
