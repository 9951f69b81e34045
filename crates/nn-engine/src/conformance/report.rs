//! What the runner finds.

use std::fmt;

use nn_graph::GraphError;

use crate::EngineError;

/// When in a case a number was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// After one step without weight decay: momentum buffers are gradients.
    FirstStep,
    /// After all steps.
    LastStep,
    /// Evaluation with running statistics, after the last step.
    Evaluation,
    /// Without a reference: a fixed parameter changed, or a state that was read and loaded differs.
    Consistency,
    /// Without a reference: a run whose scale was changed between steps differs from the plain one.
    Rescaled,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::FirstStep => "after the first step",
            Stage::LastStep => "after the last step",
            Stage::Evaluation => "in evaluation",
            Stage::Consistency => "by the engine's own account",
            Stage::Rescaled => "after changes of scale, against the same run without",
        })
    }
}

/// A number or tensor that is further from the reference than rounding explains.
#[derive(Clone, Debug, PartialEq)]
pub struct Deviation {
    /// When.
    pub stage: Stage,
    /// Of which replica.
    pub replica: usize,
    /// Which number, or the name of the tensor.
    pub what: String,
    /// `‖candidate − reference‖₂`; not a number if the candidate is not.
    pub error: f64,
    /// The largest error allowed.
    pub allowed: f64,
    /// `‖reference‖₂`.
    pub reference: f64,
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stage,
            replica,
            what,
            error,
            allowed,
            reference,
        } = self;
        write!(
            f,
            "{stage}, {what} of replica {replica} is {error:.3e} away from the reference, whose norm is \
             {reference:.3e}; at most {allowed:.3e} is rounding"
        )
    }
}

/// Outcome of one case.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Name of the case.
    pub case: String,
    /// Everything beyond its bound; empty if the engine conforms.
    pub deviations: Vec<Deviation>,
    /// How many numbers and tensors were compared.
    pub comparisons: usize,
    /// Largest error as a share of its bound, and what it was: how much room is left.
    pub worst: (f64, String),
}

impl Report {
    /// An empty report on the case of this name.
    pub(super) fn new(case: &str) -> Self {
        Self {
            case: case.to_owned(),
            deviations: Vec::new(),
            comparisons: 0,
            worst: (0.0, "nothing".into()),
        }
    }

    /// Enters one comparison.
    pub(super) fn enter(&mut self, entry: Deviation) {
        self.comparisons += 1;
        // An error of 0 is fine even where the bound is 0.
        let share = match entry.error {
            0.0 => 0.0,
            error => error / entry.allowed,
        };
        if share > self.worst.0 || share.is_nan() {
            self.worst = (share, format!("{}, {}", entry.stage, entry.what));
        }
        if share > 1.0 || share.is_nan() {
            self.deviations.push(entry);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (share, what) = &self.worst;
        write!(
            f,
            "case `{}`: {} of {} comparisons beyond their bound; the worst is {share:.2e} of its bound ({what})",
            self.case,
            self.deviations.len(),
            self.comparisons
        )?;
        for deviation in &self.deviations {
            write!(f, "\n  {deviation}")?;
        }
        Ok(())
    }
}

/// Why a case could not be run to its end.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConformanceError {
    /// The case does not describe a network.
    #[error("case `{case}`: {source}")]
    Graph {
        /// Name of the case.
        case: String,
        /// What is wrong.
        source: GraphError,
    },
    /// An engine refused what every engine must do.
    #[error("case `{case}`: {engine}: {source}")]
    Engine {
        /// Name of the case.
        case: String,
        /// Which engine, or that it was the case itself.
        engine: &'static str,
        /// What it said.
        source: EngineError,
    },
}
