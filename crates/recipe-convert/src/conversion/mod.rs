//! From a recipe to the rows of its twin.

mod error;
mod groups;
mod optimizer;
mod place;
mod row;
mod target;

use crate::summary::Observer;
use crate::{Located, Optimizer, RecipeFile, Summary};

pub use error::NoConversion;
pub(crate) use groups::leader;
pub(crate) use row::Converted;
pub use row::{MomentsRow, Row};
pub use target::Target;

/// A recipe without a conversion: why, and where in its file.
pub type ConversionError = Located<NoConversion>;

/// The steps of a twin from 0 on, without an end; an error, where there is one, comes last.
pub(crate) type Steps<'a> = Box<dyn Iterator<Item = Result<Converted, NoConversion>> + 'a>;

/// Rows of a conversion: one for each step and group.
pub(crate) fn rows(file: &RecipeFile) -> u64 {
    file.steps()
        .saturating_mul(file.groups().len().max(1) as u64)
}

/// The steps of a recipe's twin.
pub(crate) fn steps(file: &RecipeFile, target: Target) -> Result<Steps<'_>, NoConversion> {
    if !file.groups().is_empty() {
        return match (file.optimizer(), target) {
            (Optimizer::Sgd, Target::WdFree) => groups::steps(file),
            (optimizer, target) => Err(NoConversion::GroupsNeedWdFree { target, optimizer }),
        };
    }
    match (file.optimizer(), file.moments(), target) {
        (Optimizer::Sgd, _, _) => target.steps(file),
        (Optimizer::Sgdw, _, Target::WdFree) => Ok(optimizer::sgdw(file.recipe())),
        (Optimizer::AdamW, Some(moments), Target::WdFree) => {
            Ok(optimizer::adamw(file.recipe(), moments))
        }
        (optimizer, _, _) => Err(NoConversion::NeedsSgd { target, optimizer }),
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
    /// [`ConversionError`] with the step that has none.
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
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(file: &'a RecipeFile, target: Target) -> Result<Self, ConversionError> {
        let summary = Observer::summarise(file, target)
            .map_err(|error| file.error_at(&place::path(&error), error))?;
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

    /// Whether the twin has a weight decay.
    #[must_use]
    pub fn keeps_weight_decay(&self) -> bool {
        self.target.keeps_weight_decay() || !self.file.groups().is_empty()
    }

    /// The conversion in numbers and words.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// A row for every step of the training, and in it for every group, in order and in constant memory.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        // Every step was converted in `new`, and would be the same again: no error is left out.
        let steps = steps(self.file, self.target).into_iter().flatten();
        steps
            .map_while(Result::ok)
            .zip(0..rows(self.file))
            .map(|(converted, _)| converted.row)
    }
}
