//! Runs of any folders in one page.

use run_records::{Run, RunFolder};

use crate::chart::Stroke;
use crate::error::ReportError;
use crate::figures::Panel;
use crate::figures::curves::{Line, Selection};
use crate::page;
use crate::reproduction::{Quantity, recorded};

/// One run that is compared with others.
#[derive(Clone, Copy, Debug)]
pub struct ComparedRun<'a> {
    /// Name of its folder, for people.
    pub folder_name: &'a str,
    /// The folder.
    pub folder: &'a RunFolder,
    /// Index of the run.
    pub run: usize,
}

impl ComparedRun<'_> {
    /// Its records.
    ///
    /// # Panics
    /// If the folder has no run of this index.
    pub(crate) fn records(&self) -> &Run {
        &self.folder.runs[self.run]
    }
}

/// A page that shows runs of any folders together: how each was made, how each ended, and their curves. Whether they can
/// be compared is for the reader to say; the page names data, network and software of each.
///
/// Runs that the folder does not have are left out.
///
/// # Errors
/// [`ReportError::Drawing`] names the chart that cannot be drawn.
///
/// ```no_run
/// use report::{ComparedRun, comparison};
/// use run_records::RunFolder;
///
/// let folder = RunFolder::read(std::path::Path::new("runs/figure-2"))?;
/// let runs = [0, 1].map(|run| ComparedRun { folder_name: "figure-2", folder: &folder, run });
/// std::fs::write("compare.html", comparison(&runs)?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn comparison(runs: &[ComparedRun<'_>]) -> Result<String, ReportError> {
    let mut runs = runs.to_vec();
    runs.retain(|run| run.run < run.folder.runs.len());
    let labels = labels(&runs);
    let selection = Selection {
        lines: lines(&runs, &labels),
        marks: Vec::new(),
    };
    let charts = Quantity::ALL
        .into_iter()
        .filter_map(|quantity| recorded(&selection, quantity));
    let panels: Vec<Panel> = charts
        .map(|(chart, caption)| Panel::draw(chart, caption))
        .collect::<Result<_, _>>()?;
    Ok(page::comparison::render(&runs, &labels, &panels))
}

/// What tells the runs apart: their labels, with the folder if there are several, and with a number if even that does not.
fn labels(runs: &[ComparedRun<'_>]) -> Vec<String> {
    let one_folder = runs
        .windows(2)
        .all(|pair| pair[0].folder_name == pair[1].folder_name);
    let mut labels: Vec<String> = Vec::new();
    for run in runs {
        let own = &run.records().record.label;
        let label = if one_folder {
            own.clone()
        } else {
            format!("{}: {own}", run.folder_name)
        };
        let numbered = (2..).map(|number| format!("{label} ({number})"));
        let mut candidates = std::iter::once(label.clone()).chain(numbered);
        labels.extend(candidates.find(|candidate| !labels.contains(candidate)));
    }
    labels
}

/// Runs with a twin are dashed, others plain; each has its colour, as far as there are colours.
fn lines<'a>(runs: &[ComparedRun<'a>], labels: &[String]) -> Vec<Line<'a>> {
    let numbered = runs.iter().zip(labels).enumerate();
    let line = |(colour, (run, label)): (usize, (&ComparedRun<'a>, &String))| {
        let records = &run.folder.runs[run.run];
        Line {
            label: label.clone(),
            colour,
            stroke: match records.record.twin {
                Some(_) => Stroke::Dashed((colour / crate::chart::COLOURS) as u8),
                None => Stroke::Solid,
            },
            seeds: vec![records],
            per_epoch: run.folder.steps_per_epoch(),
        }
    };
    numbered.map(line).collect()
}
