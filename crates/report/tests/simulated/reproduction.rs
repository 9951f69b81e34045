//! A reproduction as `cargo xtask repro` would hand it over, of simulated runs.

use claims::{Outcome, Verdict};
use report::{Chart, Curve, PaperFigure, PaperPanel, Reproduction, Scale, SeededRun, Stroke};
use run_records::RunFolder;

use super::Simulation;

/// So many figures of so many seeds each; the last has a chart that no run folder records.
pub(crate) fn reproduction(simulation: &Simulation, figures: usize, seeds: u64) -> Reproduction {
    let (manifest, sitting) = (simulation.manifest(), simulation.sitting());
    let mut all: Vec<PaperFigure> = (1..=figures)
        .map(|number| figure(simulation, number, seeds))
        .collect();
    if let Some(last) = all.last_mut() {
        last.panels.push(toy());
    }
    Reproduction {
        title: "Every figure of the paper, simulated".to_owned(),
        preset: manifest.preset,
        command: "cargo xtask repro --preset small".to_owned(),
        device: sitting.device,
        commit: sitting.commit,
        seconds: Some(3_724.0),
        data_source: "JPEG copy of CIFAR-10 (quality 75, 4:2:0): no, simulated to show the page"
            .to_owned(),
        figures: all,
    }
}

fn figure(simulation: &Simulation, number: usize, seeds: u64) -> PaperFigure {
    let folders = (0..seeds).map(|seed| {
        let simulation = Simulation {
            seed: 100 * number as u64 + seed,
            ..simulation.clone()
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        simulation.write(folder.path()).expect("a run folder");
        RunFolder::read(folder.path()).expect("a run folder")
    });
    let outcome = |id: &str, says: &str, verdict, evidence: &str| Outcome {
        id: id.to_owned(),
        says: says.to_owned(),
        source: format!("Li & Arora 2020, figure {number}"),
        verdict,
        evidence: evidence.to_owned(),
    };
    PaperFigure {
        id: format!("figure-{number}"),
        title: format!("Figure {number} – step decay and its counterparts"),
        statement: "Step decay with weight decay and TEXP, the tapered exponential rate without \
                    weight decay, train along similar trajectories and reach similar accuracy."
            .to_owned(),
        experiment: "name = \"figure\"\n[recipe]\nlearning_rate = 0.1\n".to_owned(),
        command: format!("cargo xtask repro --figure {number} --preset small"),
        outcomes: vec![
            outcome(
                "same-accuracy",
                "The pair ends at the same test accuracy.",
                Verdict::Reproduced,
                "Differences over 3 seeds: mean 0.1 points, 90 % interval −0.4 to 0.6, within ±1 point.",
            ),
            outcome(
                "worse",
                "Without the instant decay the last phase ends worse.",
                [Verdict::NotReproduced, Verdict::NotDecided][number % 2],
                "Mean difference 0.2 points, 95 % interval −0.9 to 1.3.",
            ),
        ],
        runs: SeededRun::of_folders(folders),
        milestones: simulation.drops.iter().map(|&epoch| epoch as f64).collect(),
        panels: PaperPanel::all_recorded(),
    }
}

/// Error against batch size, on two logarithmic axes.
fn toy() -> PaperPanel {
    let sizes = (4..14).map(|power| f64::from(power) * 2f64.log10());
    let curve = |run: usize, floor: f64, slope: f64| {
        let points = sizes.clone().map(move |x| (x, floor - slope * x));
        let band = points.clone().map(|(x, y)| (x, y - 0.08, y + 0.08));
        let label = format!("ηλ = 10⁻{}", run + 3);
        Curve::new(Some(label), run, Stroke::Solid, points).with_band(band)
    };
    PaperPanel::Chart {
        chart: Chart {
            id: "toy".to_owned(),
            title: "Error of the toy example".to_owned(),
            x_label: "batch size".to_owned(),
            x_scale: Scale::Log10,
            y_scale: Scale::Log10,
            curves: vec![curve(0, -0.6, 0.25), curve(1, -0.85, 0.25)],
            ..Chart::default()
        },
        caption: "Mean angle over π, with the 95 % interval.".to_owned(),
    }
}
