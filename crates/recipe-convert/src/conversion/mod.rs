//! From a recipe to the rows of its twin.

mod tapered;
mod wd_free;

use std::fmt;

use schedule_core::{EquivalentStep, Hyperparameters, LawError, Recipe};

use crate::summary::Observer;
use crate::{RecipeFile, RecipeFileError, Summary};

/// What a recipe is converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// The same trajectory without weight decay, exactly: [`ExactLaw`](schedule_core::ExactLaw).
    WdFree,
    /// The paper's TEXP, for piecewise constant recipes: [`Texp`](schedule_core::Texp).
    Tapered,
}

impl Target {
    /// The twin's steps from 0 on; an error, where there is one, comes last.
    pub(crate) fn steps(
        self,
        recipe: &Recipe,
    ) -> Result<Box<dyn Iterator<Item = Result<EquivalentStep, LawError>> + '_>, LawError> {
        Ok(match self {
            Self::WdFree => Box::new(wd_free::steps(recipe)),
            Self::Tapered => Box::new(tapered::steps(recipe)?),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WdFree => "exact twin without weight decay",
            Self::Tapered => "TEXP, the tapered exponential twin without weight decay",
        })
    }
}

/// A step of the recipe beside its twin's: a line of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Row {
    /// `t`, from 0.
    pub step: u64,
    /// `η_t`, `λ_t` and `γ_t` of the recipe.
    pub recipe: Hyperparameters,
    /// `ln η̃_t` of the twin; −∞ where the rate is 0.
    pub ln_lr_exp: f64,
    /// `γ̃_t` of the twin.
    pub momentum_exp: f64,
    /// `ln A_t`: before the step, the twin's parameters are those of the recipe divided by `A_t`.
    pub ln_scale: f64,
}

impl Row {
    pub(crate) fn new(recipe: Hyperparameters, twin: &EquivalentStep) -> Self {
        Self {
            step: twin.step,
            recipe,
            ln_lr_exp: twin.ln_learning_rate,
            momentum_exp: twin.momentum,
            ln_scale: twin.ln_scale,
        }
    }

    /// `η̃_t`; infinite where it leaves float64.
    #[must_use]
    pub fn lr_exp(&self) -> f64 {
        self.ln_lr_exp.exp()
    }
}

/// A recipe and what it is converted to, known to have a conversion at every step.
#[derive(Clone, Debug)]
pub struct Conversion<'a> {
    file: &'a RecipeFile,
    target: Target,
    summary: Summary,
}

impl<'a> Conversion<'a> {
    /// Converts every step once, without keeping them: so that nothing is written of a recipe whose
    /// conversion ends early, and the summary is there before the table.
    ///
    /// # Errors
    /// [`Problem::Law`](crate::Problem::Law) with the step that has no conversion.
    ///
    /// ```
    /// use recipe_convert::{Conversion, RecipeFile, Target};
    ///
    /// let text = r#"
    /// steps_per_epoch = 391
    /// epochs = 200
    /// optimizer = { kind = "sgd", momentum = 0.9, weight_decay = 5e-4 }
    /// schedule = { kind = "step", lr = 0.1, factor = 0.1, epochs = [80, 120] }
    /// "#;
    /// let file = RecipeFile::parse(text, "recipe.toml", &mut |_| Ok(String::new()))?;
    /// let last = |target| Conversion::new(&file, target).map(|twin| twin.summary().ln_lr_exp_last);
    /// assert!((last(Target::WdFree)? - 26.390698).abs() < 1e-6);
    /// assert!((last(Target::Tapered)? - 26.399805).abs() < 1e-6);
    /// # Ok::<(), recipe_convert::RecipeFileError>(())
    /// ```
    pub fn new(file: &'a RecipeFile, target: Target) -> Result<Self, RecipeFileError> {
        let summary =
            Observer::summarise(file, target).map_err(|error| file.no_conversion(error))?;
        Ok(Self {
            file,
            target,
            summary,
        })
    }

    /// The recipe.
    #[must_use]
    pub fn file(&self) -> &RecipeFile {
        self.file
    }

    /// What it is converted to.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }

    /// The conversion in numbers and words.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// A row for every step of the training, in order and in constant memory.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        let recipe = self.file.recipe();
        // Every step was converted in `new`, and would be the same again: no error is left out.
        let steps = self.target.steps(recipe).into_iter().flatten();
        steps
            .map_while(Result::ok)
            .zip(0..self.file.steps())
            .map(|(twin, step)| Row::new(recipe.at(step), &twin))
    }
}
