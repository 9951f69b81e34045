//! The exact law over the steps of a recipe.

use crate::{EquivalentStep, ExactLaw, LawError, Recipe};

/// The equivalents of a recipe's steps; made by [`ExactLaw::steps`].
#[derive(Clone, Debug)]
pub struct ExactSteps<'a> {
    law: ExactLaw,
    recipe: &'a Recipe,
    failed: bool,
}

impl<'a> ExactSteps<'a> {
    pub(super) fn new(law: ExactLaw, recipe: &'a Recipe) -> Self {
        Self {
            law,
            recipe,
            failed: false,
        }
    }

    /// The law after the steps taken so far.
    #[must_use]
    pub fn law(&self) -> &ExactLaw {
        &self.law
    }
}

impl Iterator for ExactSteps<'_> {
    type Item = Result<EquivalentStep, LawError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let converted = self.law.step(self.recipe.at(self.law.next_step()));
        self.failed = converted.is_err();
        Some(converted)
    }
}

impl std::iter::FusedIterator for ExactSteps<'_> {}
