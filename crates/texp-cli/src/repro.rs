//! `texp repro`: figures from their experiments, each run once, each claim judged.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Instant;

use claims::Verdict;
use datasets::{Dataset, fingerprint};
use nn_engine::Precision;
use report::{PaperFigure, PaperPanel, Reproduction};
use repro::{Family, Figure, Found, Job, Jobs, Judged, Need, Plan, Store, judge, train_all};
use trainer::experiment::Experiment;
use trainer::run::{DeviceKind, Event, Observer, Place};

use crate::args::{MachineArgs, line, option};
use crate::train::{Places, options, print};
use crate::{CommandError, data, device, interrupt};

/// Which figures, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct ReproArgs {
    /// A figure, such as 3 or normalisers; may be given more than once [default: all].
    #[arg(long, value_name = "NAME")]
    pub figure: Vec<String>,
    /// Preset of the experiments.
    #[arg(long, value_name = "NAME", default_value = "small")]
    pub preset: String,
    /// Number of seeds.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,
    /// Trainings at a time [default: as many as there are threads].
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Where run folders are made, and runs that are there already are found [default: runs].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Images, and what to compute on.
    #[command(flatten)]
    pub machine: MachineArgs,
}

/// Trains what figures lack, judges their claims, and writes one report of all; results go to standard output, progress to
/// standard error. Runs that are there already are used, and unfinished ones are gone on with.
///
/// # Errors
/// [`CommandError`]; bad input is found before anything is trained.
pub fn repro(
    experiments: &Path,
    args: &ReproArgs,
    places: &Places,
    command: &[&str],
) -> Result<(), CommandError> {
    let started = Instant::now();
    let figures = read_figures(experiments, args)?;
    let plan = Plan::of(&figures);
    let mut experiments = plan.families.iter().map(|family| &family.experiment);
    // Float64 is computed on the CPU, whatever else is.
    let single = experiments.find(|experiment| experiment.training.precision == Precision::Float32);
    let device = single.map_or(Ok(DeviceKind::Cpu), |experiment| {
        device::find(experiment, args.machine.device)
    })?;
    let dataset = data::find(
        most_images(&plan.families),
        &args.machine,
        data::environment(),
        &places.data,
    )?;
    let images = |experiment: &Experiment| {
        let wanted = &experiment.data;
        dataset
            .clone()
            .truncated(wanted.train_images, wanted.test_images)
    };
    let out = args.out.clone().unwrap_or_else(|| places.runs.clone());
    let mut hashes = Hashes::default();
    // Of each seed, what of each family is there and what is not.
    let mut look = |store: &Store| -> Vec<Vec<Need>> {
        let need = |seed| {
            let families = plan.families.iter().map(|family| family.with_seed(seed));
            let needs = families
                .map(|family| store.look_for(&family, &hashes.of(&family.experiment, &images)));
            needs.collect()
        };
        (0..args.seeds).map(need).collect()
    };
    let needs = look(&Store::read(&out)?).into_iter().flatten();
    let work: Vec<Job> = needs.filter_map(Need::into_job).collect();
    let place = Place {
        runs: out.clone(),
        preset: Some(args.preset.clone()),
    };
    let words = args.command_line(command, &args.figure);
    train(args, device, place, &words, work, &images)?;

    let needs = look(&Store::read(&out)?);
    let mut judged = Vec::new();
    for (figure, members) in figures.iter().zip(&plan.members) {
        let of_seed = |needs: &Vec<Need>| {
            let found = members.iter().filter_map(|member| {
                let place = needs[member.family].found[member.run].clone();
                Some((member.claimed.clone(), place?))
            });
            found.collect::<HashMap<String, Found>>()
        };
        let found: Vec<_> = needs.iter().map(of_seed).collect();
        judged.push(judge(figure, &found)?);
    }
    let folder = new_folder(&out, &format!("reproduction-{}", args.preset))?;
    let page = page(args, command, &figures, judged);
    let paths = report::reproduction(&folder, &page)?;
    print(&verdicts(&page));
    print(&format!(
        "\n{} s in all\nReport: {}\n",
        started.elapsed().as_secs(),
        paths.page.display()
    ));
    Ok(())
}

impl ReproArgs {
    /// The command that makes these figures again.
    fn command_line(&self, command: &[&str], figures: &[String]) -> String {
        let mut words = Vec::new();
        for figure in figures {
            words.extend(option("--figure", Some(figure.clone())));
        }
        words.extend(option("--preset", Some(self.preset.clone())));
        words.extend(option("--seeds", Some(self.seeds.to_string())));
        words.extend(self.machine.words());
        line(command, words)
    }
}

/// The figures that are asked for: the paper's own, then others, in the order of their names.
fn read_figures(folder: &Path, args: &ReproArgs) -> Result<Vec<Figure>, CommandError> {
    let unreadable = |source| CommandError::Input {
        file: folder.display().to_string(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let stem = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned());
        // The toy trains no network: `texp toy` simulates it.
        if let Some(stem) = stem
            && path
                .extension()
                .is_some_and(|extension| extension == "toml")
            && stem != "toy"
        {
            files.push((stem, path));
        }
    }
    // The paper's own first.
    files.sort_by_key(|(stem, _)| (!stem.starts_with("figure-"), stem.clone()));
    for figure in &args.figure {
        if !files.iter().any(|(stem, _)| is_called(stem, figure)) {
            return Err(CommandError::UnknownFigure {
                figure: figure.clone(),
                folder: folder.to_owned(),
                known: files.into_iter().map(|(stem, _)| stem).collect(),
            });
        }
    }
    let wanted = |stem: &str| {
        args.figure.is_empty() || args.figure.iter().any(|figure| is_called(stem, figure))
    };
    let wanted = files.iter().filter(|(stem, _)| wanted(stem));
    let figures = wanted.map(|(_, path)| Ok(Figure::read(path, Some(&args.preset))?));
    figures.collect()
}

/// Whether a figure's file is meant: by its name, or by a number alone.
fn is_called(stem: &str, figure: &str) -> bool {
    stem == figure || stem.strip_prefix("figure-") == Some(figure)
}

/// How many images of each split are asked for at most.
fn most_images(families: &[Family]) -> [usize; 2] {
    let data = || families.iter().map(|family| &family.experiment.data);
    [
        data().map(|data| data.train_images).max().unwrap_or(0),
        data().map(|data| data.test_images).max().unwrap_or(0),
    ]
}

/// Fingerprints of the first so many images, each found once.
#[derive(Default)]
struct Hashes(HashMap<(usize, usize), String>);

impl Hashes {
    fn of(&mut self, experiment: &Experiment, images: &impl Fn(&Experiment) -> Dataset) -> String {
        let key = (experiment.data.train_images, experiment.data.test_images);
        let hash = self
            .0
            .entry(key)
            .or_insert_with(|| fingerprint(&images(experiment)));
        hash.clone()
    }
}

fn train(
    args: &ReproArgs,
    device: DeviceKind,
    place: Place,
    command: &str,
    work: Vec<Job>,
    images: &(impl Fn(&Experiment) -> Dataset + Sync),
) -> Result<(), CommandError> {
    let cores = available_parallelism().map_or(1, usize::from);
    let threads = if args.machine.threads == 0 {
        cores
    } else {
        args.machine.threads
    };
    let usual = match device {
        DeviceKind::Cpu => threads,
        // One training fills it.
        DeviceKind::Cuda => 1,
    };
    let at_once = args.jobs.unwrap_or(usual).clamp(1, work.len().max(1));
    let mut options = options(&args.machine, device, command.to_owned());
    options.threads = (threads / at_once).max(1);
    let jobs = Jobs {
        at_once,
        place,
        options,
    };
    let count: usize = work.iter().map(|job| job.family.experiment.run.len()).sum();
    eprintln!(
        "{count} runs to train, in {} trainings, {at_once} at a time.",
        work.len()
    );
    interrupt::listen();
    train_all(&jobs, work, images, |name| Lines {
        name: name.to_owned(),
        start: Instant::now(),
        from_step: 0,
        steps: 0,
        steps_per_epoch: 1,
    })?;
    Ok(())
}

/// A folder that was not there.
fn new_folder(within: &Path, name: &str) -> Result<PathBuf, CommandError> {
    let mut path = within.join(name);
    let mut number = 1;
    while let Err(source) = fs::create_dir(&path) {
        if source.kind() != ErrorKind::AlreadyExists {
            return Err(CommandError::Output { path, source });
        }
        number += 1;
        path = within.join(format!("{name}-{number}"));
    }
    Ok(path)
}

fn page(
    args: &ReproArgs,
    command: &[&str],
    figures: &[Figure],
    judged: Vec<Judged>,
) -> Reproduction {
    let folders = judged.iter().flat_map(|judged| &judged.folders);
    let mut folders: Vec<_> = folders.map(Arc::clone).collect();
    folders.sort_by(|a, b| {
        a.manifest
            .experiment_sha256
            .cmp(&b.manifest.experiment_sha256)
    });
    folders.dedup_by(|a, b| a.manifest.experiment_sha256 == b.manifest.experiment_sha256);
    let sittings = || folders.iter().flat_map(|folder| &folder.sittings);
    let distinct = |mut texts: Vec<String>| {
        texts.sort();
        texts.dedup();
        texts.join("; ")
    };
    let sources = folders
        .iter()
        .map(|folder| folder.manifest.data.source.clone());
    let figure = |(figure, judged): (&Figure, Judged)| PaperFigure {
        id: figure.id.clone(),
        title: match figure.id.strip_prefix("figure-") {
            Some(number) => format!("Figure {number}: {}", figure.head.title),
            None => figure.head.title.clone(),
        },
        statement: figure.head.paper.clone().unwrap_or_default(),
        experiment: fs::read_to_string(&figure.path).unwrap_or_default(),
        command: args.command_line(command, std::slice::from_ref(&figure.id)),
        outcomes: judged.outcomes,
        runs: judged.runs,
        milestones: judged.milestones,
        panels: PaperPanel::all_recorded(),
    };
    Reproduction {
        title: "An exponential learning rate schedule for deep learning: every figure".to_owned(),
        preset: Some(args.preset.clone()),
        command: args.command_line(command, &args.figure),
        device: distinct(sittings().map(|sitting| sitting.device.clone()).collect()),
        commit: Some(distinct(
            sittings()
                .filter_map(|sitting| sitting.commit.clone())
                .collect(),
        ))
        .filter(|commit| !commit.is_empty()),
        seconds: Some(folders.iter().map(|folder| folder.seconds()).sum()),
        data_source: distinct(sources.collect()),
        figures: figures.iter().zip(judged).map(figure).collect(),
    }
}

/// Each claim with what became of it.
fn verdicts(page: &Reproduction) -> String {
    let mut text = String::new();
    for figure in &page.figures {
        text += &format!("\n{} ({})\n", figure.title, figure.id);
        for outcome in &figure.outcomes {
            let verdict = match outcome.verdict {
                Verdict::Reproduced => "reproduced",
                Verdict::NotReproduced => "NOT REPRODUCED",
                Verdict::NotDecided => "not decided",
            };
            text += &format!(
                "  {verdict:<15} {}\n  {:<15} {}\n",
                outcome.says, "", outcome.evidence
            );
        }
    }
    text
}

/// A training among others, as a person watches it: a line an epoch.
struct Lines {
    name: String,
    start: Instant,
    from_step: u64,
    steps: u64,
    steps_per_epoch: u64,
}

impl Observer for Lines {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started {
                manifest,
                from_step,
                folder,
                ..
            } => {
                (self.from_step, self.steps) = (*from_step, manifest.steps);
                self.steps_per_epoch = manifest.steps_per_epoch.max(1);
                let verb = if *from_step == 0 { "begun" } else { "resumed" };
                eprintln!(
                    "{}: {verb} in {}, {} runs",
                    self.name,
                    folder.display(),
                    manifest.runs.len()
                );
            }
            Event::Diverged { run, step } => {
                eprintln!(
                    "{}: run {run} has no finite loss from step {step} on",
                    self.name
                );
            }
            Event::Epoch { epoch, .. } => {
                let step = epoch * self.steps_per_epoch;
                let done = step.saturating_sub(self.from_step).max(1) as f64;
                let left = self.steps.saturating_sub(step) as f64;
                let seconds = self.start.elapsed().as_secs_f64() / done * left;
                let epochs = self.steps / self.steps_per_epoch;
                eprintln!(
                    "{}: epoch {epoch} of {epochs}, {seconds:.0} s left",
                    self.name
                );
            }
            _ => {}
        }
    }

    fn wants_to_stop(&self) -> bool {
        interrupt::is_wanted()
    }
}
