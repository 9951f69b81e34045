//! How large the numbers of a run may become, before it is trained.

use nn_engine::Symmetry;
use nn_graph::{Graph, Init};
use recipe_file::RecipeTables;
use scale_invariance::SCALED_GROUP;
use schedule_core::renormalisation::{Bounds, Magnitudes, RenormalisationError};

/// A norm of the original run lies within this factor of where it starts, or of 1 where no start is known.
const ROOM: f64 = 1_024.0;

/// The smallest norm of a gradient that is looked after: one that is smaller changes nothing in float32.
const SMALLEST_GRADIENT: f64 = 1e-9;

/// The smallest element of a gradient whose second moment is looked after: unlike other rules, Adam follows it however small it
/// is, as far as `ε` does not stop it, and no `ε` in use is as small.
const SMALLEST_ROOT: f64 = 1e-12;

/// Bounds on the numbers of the original run of this recipe on this network, by which its twins are kept within an engine's numbers.
///
/// That run is still to come, so they are wide: the norm of the parameters that are scaled within a factor of 1024 of
/// its start, gradients from 10⁻⁹ to 1024, a momentum buffer up to 1024², variances of the inputs of normalisations
/// within a factor of 1024² of 1; of AdamW the second moments from 10⁻²⁴ to 1024², and its `ε`. A twin that stays in the format with all of that is never rescaled. One that does not
/// is rescaled early rather than late, which costs nothing, since it is exact.
///
/// # Errors
/// [`RenormalisationError::Bounds`] for a network whose initial norm is no finite number, or such an `ε`.
///
/// ```
/// use nn_graph::nets::{Architecture, NetConfig};
/// use scale_invariance::analyse;
/// use schedule_core::renormalisation::{FloatFormat, Renormaliser};
/// use schedule_core::{Recipe, Schedule};
/// use trainer::experiment::Transform;
/// use trainer::plan::{RunSchedule, magnitudes};
///
/// let constant = Schedule::constant;
/// let sgd = Recipe::new(constant(0.5)?, constant(0.5)?, constant(0.0)?)?.into();
/// let graph = NetConfig::new(Architecture::PreResNet, 8).build()?;
/// let magnitudes = magnitudes(&graph, &analyse(&graph).symmetry, &sgd)?;
/// let renormaliser = Renormaliser::new(FloatFormat::F32, magnitudes);
/// // η̃ grows by 16/9 a step, and far beyond float32; what the engine is told does not.
/// let mut schedule = RunSchedule::new(&sgd, Transform::WdFree)?.renormalised(renormaliser);
/// for _ in 0..2_000 {
///     schedule.next_step()?;
/// }
/// let late = schedule.next_step()?;
/// assert!(late.ln_learning_rate > 1_000.0 && late.hyper(0).learning_rate < 1e38);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn magnitudes(
    graph: &Graph,
    symmetry: &Symmetry,
    recipe: &RecipeTables,
) -> Result<Magnitudes, RenormalisationError> {
    let around = |value: f64, room: f64| Bounds {
        smallest: value / room,
        largest: value * room,
    };
    let gradients = Bounds {
        smallest: SMALLEST_GRADIENT,
        largest: ROOM,
    };
    let degrees = symmetry.degree.iter().map(|row| row[SCALED_GROUP]);
    let largest = degrees.map(i32::unsigned_abs).max().unwrap_or(0);
    let magnitudes = Magnitudes::new(
        around(initial_norm(graph, symmetry), ROOM),
        gradients,
        ROOM * ROOM,
        around(1.0, ROOM * ROOM),
        u16::try_from(largest).unwrap_or(u16::MAX),
    )?;
    let Some(moments) = &recipe.moments else {
        return Ok(magnitudes);
    };
    let squares = Bounds {
        smallest: SMALLEST_ROOT * SMALLEST_ROOT,
        largest: ROOM * ROOM,
    };
    let (_, largest_epsilon) = moments.epsilon.extremes(0, u64::MAX).largest;
    magnitudes.with_moments(squares, largest_epsilon)
}

/// The expected norm of the parameters that are scaled; 1 if there are none.
fn initial_norm(graph: &Graph, symmetry: &Symmetry) -> f64 {
    let parameters = graph.parameters().iter().zip(&symmetry.exponent);
    let squares = parameters.filter(|&(_, &exponent)| exponent != 0);
    let sum: f64 = squares
        .map(|(parameter, _)| {
            let size = match parameter.init {
                Init::Normal { standard_deviation } => standard_deviation,
                Init::Constant(value) => value,
            };
            size * size * parameter.elements() as f64
        })
        .sum();
    if sum > 0.0 { sum.sqrt() } else { 1.0 }
}
