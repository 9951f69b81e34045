//! The page of a whole reproduction: every figure with its verdicts, curves, recipe and command.

mod panels;
mod tables;
mod verdicts;

use std::collections::BTreeSet;
use std::path::Path;

use claims::Outcome;
use run_records::{Run, RunFolder};

use crate::chart::Chart;
use crate::error::ReportError;
use crate::figures::Panel;
use crate::paths::{ReportPaths, unused};
use crate::{page, paths};

pub(crate) use panels::recorded;
pub(crate) use verdicts::Count;

/// Everything that the page of a reproduction says.
#[derive(Debug)]
pub struct Reproduction {
    /// One line for people.
    pub title: String,
    /// Preset that the experiments ran at, if any.
    pub preset: Option<String>,
    /// Command that makes all of it again.
    pub command: String,
    /// Engine, precision, hardware, threads.
    pub device: String,
    /// Git commit of the software.
    pub commit: Option<String>,
    /// Wall-clock time of all runs, if all are complete.
    pub seconds: Option<f64>,
    /// Where the images came from, in the words of the manifests.
    pub data_source: String,
    /// In the order of the page.
    pub figures: Vec<PaperFigure>,
}

/// One figure of the paper, reproduced.
#[derive(Debug)]
pub struct PaperFigure {
    /// Anchor in the page and beginning of file names, such as `figure-3`.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// What the paper states, in one's own words.
    pub statement: String,
    /// The experiment as TOML.
    pub experiment: String,
    /// Command that makes this figure again.
    pub command: String,
    /// What became of each claim.
    pub outcomes: Vec<Outcome>,
    /// The curves, in the order of their colours.
    pub runs: Vec<SeededRun>,
    /// Epochs at which the rate of a recipe jumps.
    pub milestones: Vec<f64>,
    /// Which charts are drawn.
    pub panels: Vec<PaperPanel>,
}

/// A run from one seed or more.
#[derive(Debug)]
pub struct SeededRun {
    /// Its name among the figure's runs, as claims have it.
    pub name: String,
    /// For legends.
    pub label: String,
    /// Steps in an epoch, above 0.
    pub steps_per_epoch: f64,
    /// What was recorded, from each seed.
    pub seeds: Vec<Run>,
}

/// One chart of a figure.
#[derive(Clone, Debug)]
pub enum PaperPanel {
    /// Something recorded of every run.
    Recorded(Quantity),
    /// Anything else: curves of a simulation, rates against batch size.
    Chart {
        /// Its curves; its id comes after the figure's.
        chart: Chart,
        /// One sentence below it.
        caption: String,
    },
}

/// What a run folder records of every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Training loss of every step, smoothed.
    TrainLoss,
    /// Accuracy on the test images after every epoch.
    TestAccuracy,
    /// Learning rate of every step.
    LearningRate,
    /// `‖w‖²` of all layers together.
    SquaredNorm,
    /// `‖w‖²/η`.
    SquaredNormOverRate,
    /// How far the weights' direction is from the twin's. Left out of a figure whose runs have no twin.
    TwinGap,
    /// How far a step from equal states is from the exact law. Left out of a figure none of whose runs checks it.
    LawDeviation,
}

impl Quantity {
    /// All of them, in the order in which a figure shows them.
    pub const ALL: [Self; 7] = [
        Self::TrainLoss,
        Self::TestAccuracy,
        Self::LearningRate,
        Self::SquaredNorm,
        Self::SquaredNormOverRate,
        Self::TwinGap,
        Self::LawDeviation,
    ];
}

impl PaperPanel {
    /// One panel for each [`Quantity`].
    pub fn all_recorded() -> Vec<Self> {
        Quantity::ALL.map(Self::Recorded).into()
    }
}

impl SeededRun {
    /// The runs of folders that differ in their seeds: those of one name belong together, in the order in which they
    /// appear.
    ///
    /// ```no_run
    /// use report::SeededRun;
    /// use run_records::RunFolder;
    ///
    /// let folders = ["runs/figure-2-seed-1", "runs/figure-2-seed-2"]
    ///     .map(|folder| RunFolder::read(std::path::Path::new(folder)));
    /// let folders: Vec<RunFolder> = folders.into_iter().collect::<Result<_, _>>()?;
    /// for run in SeededRun::of_folders(folders) {
    ///     println!("{}: {} seeds", run.label, run.seeds.len());
    /// }
    /// # Ok::<(), run_records::RecordsError>(())
    /// ```
    pub fn of_folders(folders: impl IntoIterator<Item = RunFolder>) -> Vec<Self> {
        let mut grouped: Vec<Self> = Vec::new();
        for folder in folders {
            let steps_per_epoch = folder.steps_per_epoch();
            for run in folder.runs {
                let is_same = |other: &&mut Self| {
                    let mut seeds = other.seeds.iter();
                    seeds.any(|seed| seed.record.name == run.record.name)
                };
                match grouped.iter_mut().find(is_same) {
                    Some(group) => group.seeds.push(run),
                    None => grouped.push(Self {
                        name: run.record.name.clone(),
                        label: run.record.label.clone(),
                        steps_per_epoch,
                        seeds: vec![run],
                    }),
                }
            }
        }
        grouped
    }
}

/// Writes `report.html`, `claims.csv` (a line for each claim), `epochs.csv` (a line for each figure, run, seed and epoch)
/// and the figures into a folder, which is made if it
/// is not there.
///
/// # Errors
/// [`ReportError`] names what cannot be drawn or written. Nothing is written unless all figures can be drawn.
///
/// ```
/// use claims::{Outcome, Verdict};
/// use report::{PaperFigure, PaperPanel, Reproduction};
///
/// let outcome = Outcome {
///     id: "same-curves".to_owned(),
///     says: "both runs end at the same accuracy".to_owned(),
///     source: "figure 1".to_owned(),
///     verdict: Verdict::NotDecided,
///     evidence: "no run was made".to_owned(),
/// };
/// let figure = PaperFigure {
///     id: "figure-1".to_owned(),
///     title: "Figure 1".to_owned(),
///     statement: "Both curves coincide.".to_owned(),
///     experiment: String::new(),
///     command: "cargo xtask repro --figure 1".to_owned(),
///     outcomes: vec![outcome],
///     runs: vec![],
///     milestones: vec![],
///     panels: PaperPanel::all_recorded(),
/// };
/// let folder = tempfile::tempdir()?;
/// let paths = report::reproduction(
///     folder.path(),
///     &Reproduction {
///         title: "Every figure".to_owned(),
///         preset: None,
///         command: "cargo xtask repro".to_owned(),
///         device: "none".to_owned(),
///         commit: None,
///         seconds: None,
///         data_source: "none".to_owned(),
///         figures: vec![figure],
///     },
/// )?;
/// assert!(paths.page.is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn reproduction(
    folder: &Path,
    reproduction: &Reproduction,
) -> Result<ReportPaths, ReportError> {
    let mut names = BTreeSet::new();
    let figures: Vec<Section<'_>> = reproduction
        .figures
        .iter()
        .map(|figure| Section::draw(figure, &mut names))
        .collect::<Result<_, _>>()?;
    let tables = [
        ("claims.csv", tables::claims(reproduction)?),
        ("epochs.csv", tables::epochs(reproduction)?),
    ];
    let page = page::reproduction::render(reproduction, &figures);
    let panels = figures.iter().flat_map(|figure| &figure.panels);
    paths::write_files(folder, &page, &tables, panels, &[])
}

/// A figure, drawn.
pub(crate) struct Section<'a> {
    pub(crate) figure: &'a PaperFigure,
    /// Its id, as an anchor.
    pub(crate) anchor: String,
    pub(crate) panels: Vec<Panel>,
}

impl<'a> Section<'a> {
    fn draw(figure: &'a PaperFigure, names: &mut BTreeSet<String>) -> Result<Self, ReportError> {
        let anchor = unused(&figure.id, names);
        let charts = panels::charts(figure);
        let panels = charts.into_iter().map(|(chart, caption)| {
            let id = unused(&format!("{anchor}-{}", chart.id), names);
            Panel::draw(Chart { id, ..chart }, caption)
        });
        Ok(Self {
            figure,
            panels: panels.collect::<Result<_, _>>()?,
            anchor,
        })
    }
}
