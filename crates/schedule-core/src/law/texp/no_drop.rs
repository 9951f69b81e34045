//! A step decay's weight decay in place of its rate: the recipe behind TEXP−−.

use crate::{Hyperparameter, LawError, Recipe, Schedule};

impl Recipe {
    /// The recipe of constant learning rate `η_0` whose weight decay is `λ_I η_I/η_0` in phase `I`.
    ///
    /// Each phase has the same `λη` and so the same [root](crate::law::exact::ConstantPhase::root) `α_I`. Therefore
    /// [TEXP](crate::law::texp::Texp) of this recipe is TEXP−− of the original one, the schedule of figure 3 of
    /// Li & Arora (arXiv:1910.07454) without the factor `η_I/η_{I−1}` at the drops:
    /// ```text
    /// η̃_0 = η_0/α_0    η̃_t = η̃_{t−1} α_I⁻²    at t = T_I: η̃_t = η̃_{t−1} α_I⁻¹ α_{I−1}⁻¹
    /// ```
    /// and this recipe is the one that figure 5 compares it with. Like any TEXP it is exact with
    /// its [boundary momentum](crate::law::texp::Texp::boundary_momentum), here
    /// `γ(1/α_I − 1)/(1/α_{I−1} − 1)` (new here), or its [buffer shift](crate::law::texp::Texp::buffer_shift).
    ///
    /// # Errors
    /// [`LawError::NotPiecewiseConstant`]; [`LawError::NoConstantRate`] where `η_0 = 0` or a weight decay
    /// leaves float64.
    ///
    /// ```
    /// use schedule_core::law::texp::Texp;
    /// use schedule_core::{Recipe, Schedule};
    ///
    /// let recipe = Recipe::new(
    ///     Schedule::step_decay(0.1, 0.1, &[1_000])?,
    ///     Schedule::constant(5e-4)?,
    ///     Schedule::constant(0.9)?,
    /// )?;
    /// let no_drop = recipe.with_constant_rate()?;
    /// assert_eq!(no_drop.at(1_000).learning_rate, 0.1);
    /// assert!((no_drop.at(1_000).weight_decay - 5e-5).abs() < 1e-19);
    ///
    /// let (texp, no_drop) = (Texp::new(&recipe)?, Texp::new(&no_drop)?);
    /// let difference = no_drop.ln_learning_rate(1_500) - texp.ln_learning_rate(1_500);
    /// assert!((difference - 10f64.ln()).abs() < 1e-12);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_constant_rate(&self) -> Result<Self, LawError> {
        let phases = self
            .phases()
            .map_err(|it| self.not_piecewise_constant(it))?;
        let initial = self.at(0).learning_rate;
        let decays: Vec<f64> = phases
            .iter()
            .map(|phase| phase.hyperparameters)
            .map(|with| with.weight_decay * (with.learning_rate / initial))
            .collect();
        let boundaries: Vec<u64> = phases.iter().skip(1).map(|phase| phase.start).collect();
        // Phases are in order, so that only a value can be refused.
        let no_constant_rate = |_| LawError::NoConstantRate { initial };
        let decay = Schedule::piecewise(&decays, &boundaries).map_err(no_constant_rate)?;
        let rate = Schedule::constant(initial).map_err(no_constant_rate)?;
        let momentum = self.schedule(Hyperparameter::Momentum).clone();
        Ok(Self::new(rate, decay, momentum)?)
    }
}
