//! How the parameters of two replicas compare: `kernels/comparison.cu`.

use nn_engine::{EngineError, ParameterComparison};

use crate::arguments;
use crate::gpu::Gpu;
use crate::launch::{Kernel, Program};
use crate::memory::Memory;

/// Numbers of each parameter.
pub(crate) const NUMBERS: usize = 3;

/// Norms and distances of all parameters.
///
/// # Errors
/// [`EngineError::Device`].
pub(crate) fn compare(
    gpu: &Gpu,
    memory: &Memory,
    [a, b]: [usize; 2],
) -> Result<Vec<ParameterComparison>, EngineError> {
    let parameters = memory.parameters.length;
    let arguments = arguments::Comparison {
        parameters: memory.parameters.address(),
        a: memory.values.span(a).first,
        b: memory.values.span(b).first,
        results: memory.comparison.address(),
    };
    let mut program = Program::default();
    if parameters > 0 {
        program.push(Kernel::Compare, [parameters, 1], 1, arguments);
    }
    program.launch(gpu)?;
    let numbers = memory.comparison.read(gpu, 0, 0, NUMBERS * parameters)?;
    let each = numbers.chunks_exact(NUMBERS);
    Ok(each
        .map(|of| ParameterComparison {
            norm_a: of[0],
            norm_b: of[1],
            distance: of[2],
        })
        .collect())
}
