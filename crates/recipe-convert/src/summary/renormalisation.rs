//! Keeping the twin's numbers in a float format.

use schedule_core::EquivalentStep;
use schedule_core::renormalisation::{
    Bounds, FloatFormat, Magnitudes, Renormalisation, RenormalisationError, Renormaliser,
};

/// The rescalings by powers of two that keep the twin's rate, norms and variances in a format, if those of
/// the recipe's own run are near 1.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RenormalisationPlan {
    /// The format.
    pub format: FloatFormat,
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub first: Option<Renormalisation>,
    /// Why there is no plan for the whole training, if there is none.
    pub failure: Option<RenormalisationError>,
}

/// The largest degree of a normaliser's input that trainers have: behind a trained affine.
const INPUT_DEGREE: u16 = 2;

/// The largest norm of a momentum buffer, of gradients near 1 at the usual momentum of 0.9.
const LARGEST_BUFFER_NORM: f64 = 10.0;

/// Plans along with a conversion.
pub(super) struct Planner {
    renormaliser: Renormaliser,
    plan: RenormalisationPlan,
}

impl Planner {
    pub(super) fn new(format: FloatFormat) -> Result<Self, RenormalisationError> {
        let one = Bounds::just(1.0);
        let magnitudes = Magnitudes::new(one, one, LARGEST_BUFFER_NORM, one, INPUT_DEGREE)?;
        Ok(Self {
            renormaliser: Renormaliser::new(format, magnitudes),
            plan: RenormalisationPlan {
                format,
                count: 0,
                first: None,
                failure: None,
            },
        })
    }

    pub(super) fn see(&mut self, step: &EquivalentStep) {
        if self.plan.failure.is_some() {
            return;
        }
        match self.renormaliser.before(step) {
            Ok(None) => {}
            Ok(Some(due)) => {
                self.plan.count += 1;
                self.plan.first.get_or_insert(due);
            }
            Err(failure) => self.plan.failure = Some(failure),
        }
    }

    pub(super) fn plan(&self) -> RenormalisationPlan {
        self.plan
    }
}
