//! A figure: an experiment's file, and the experiments in it.

use std::fs;
use std::path::Path;

use trainer::experiment::{Arithmetic, Experiment, ExperimentError, Problem};
use trainer::plan::jumps;

use crate::ReproError;

/// A figure at a preset.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The name of its file, such as `figure-3`.
    pub id: String,
    /// What its file says.
    pub text: String,
    /// The experiment with what is said and claimed of all parts.
    pub head: Experiment,
    /// What is trained: the experiment itself, or each of its [variants](Experiment::variants).
    pub parts: Vec<Part>,
}

/// One network, its recipes and its runs.
#[derive(Clone, Debug)]
pub struct Part {
    /// Which variant it is, if the figure has any.
    pub variant: Option<String>,
    /// With the preset and the variant applied.
    pub experiment: Experiment,
}

impl Part {
    /// Steps at which the rate of a run's recipe jumps.
    pub(crate) fn milestones(&self) -> Vec<u64> {
        let recipes = self.experiment.run.iter();
        let recipes = recipes.filter_map(|run| self.experiment.recipe(run.recipe.as_deref()).ok());
        recipes
            .flat_map(|recipe| jumps(recipe.recipe.learning_rate()))
            .collect()
    }
}

impl Figure {
    /// Reads an experiment's file, at a preset if one is named.
    ///
    /// # Errors
    /// [`ReproError::Experiment`] with the place of the first mistake.
    pub fn read(path: &Path, preset: Option<&str>) -> Result<Self, ReproError> {
        let file = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| ExperimentError {
            file: file.clone(),
            position: None,
            problem: Problem::Unreadable(error),
        })?;
        let head = Experiment::parse(&text, &file, preset)?;
        let part = |variant: &String| {
            let presets = preset.map_or(variant.clone(), |preset| format!("{preset},{variant}"));
            Ok(Part {
                variant: Some(variant.clone()),
                experiment: Experiment::parse(&text, &file, Some(&presets))?,
            })
        };
        let parts = match head.variants.is_empty() {
            true => vec![Part {
                variant: None,
                experiment: head.clone(),
            }],
            false => head
                .variants
                .iter()
                .map(part)
                .collect::<Result<_, ReproError>>()?,
        };
        let stem = path.file_stem().unwrap_or(path.as_os_str());
        Ok(Self {
            id: stem.to_string_lossy().into_owned(),
            text,
            head,
            parts,
        })
    }

    /// The same figure, computed in another precision: every part but those that say what they are computed in, which are
    /// those in float64, and those that differ from another part in nothing else.
    #[must_use]
    pub fn at_precision(mut self, precision: Arithmetic) -> Self {
        let changed = |part: &Part| {
            let mut experiment = part.experiment.clone();
            experiment.training.precision = precision;
            experiment
        };
        let all: Vec<Experiment> = self.parts.iter().map(changed).collect();
        for (part, changed) in self.parts.iter_mut().zip(&all) {
            let alike = all.iter().filter(|other| *other == changed).count();
            if part.experiment.training.precision != Arithmetic::Float64 && alike == 1 {
                part.experiment.training.precision = precision;
            }
        }
        self
    }

    /// What a run of one of its parts is called in claims.
    pub fn claimed_name(part: &Part, run: &str) -> String {
        match &part.variant {
            Some(variant) => format!("{variant}/{run}"),
            None => run.to_owned(),
        }
    }
}
