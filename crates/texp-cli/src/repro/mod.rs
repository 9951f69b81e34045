//! `texp repro`: figures from their experiments, each run once, each claim judged.

mod cost;
mod lines;
mod page;
mod wanted;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Instant;

use datasets::{Dataset, fingerprint};
use repro::{
    Family, Figure, Found, Job, Jobs, Judged, Need, PassedOver, Plan, Store, judge, train_all,
};
use trainer::TrainerError;
use trainer::experiment::{Arithmetic, Experiment};
use trainer::run::{DeviceKind, Place, claim_folder};

use self::lines::Lines;
use self::page::{page, verdicts};
use self::wanted::{read_figures, wanted_files};

use crate::args::{MachineArgs, PrecisionChoice, line, option, path};
use crate::train::{Places, options, print};
use crate::{CommandError, DeviceChoice, data, degrees, device, interrupt, toy};

/// The figure that is simulated and not trained.
const TOY: &str = "toy";

/// The figure of which networks are only asked, whatever the preset.
const DEGREES: &str = "degrees";

/// Which figures, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct ReproArgs {
    /// A figure, such as 3 or normalisers; may be given more than once [default: all].
    #[arg(long, value_name = "NAME")]
    pub figure: Vec<String>,
    /// Preset of the experiments.
    #[arg(long, value_name = "NAME", default_value = "small")]
    pub preset: String,
    /// In place of each experiment's `training.precision`, but of what is in float64, and of a figure that compares formats.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub precision: Option<PrecisionChoice>,
    /// Number of seeds.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,
    /// Only say what would be trained if nothing of it were there yet: networks, runs, images and memory.
    #[arg(long)]
    pub dry_run: bool,
    /// Trainings at a time, on each device [default: as many as there are threads on the CPU, and 1 on a GPU].
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
/// standard error. Runs that are there already are used; the same command goes on with what it had not finished.
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
    let mut files = wanted_files(experiments, args)?;
    // Two figures train no network.
    let [degrees, toy] = [DEGREES, TOY].map(|name| {
        let place = files.iter().position(|(stem, _)| stem == name);
        place.map(|place| files.remove(place).1)
    });
    let figures = read_figures(&files, args)?;
    if args.dry_run {
        return say_cost(&figures, args.machine.device, args.seeds);
    }
    // Seconds, and a mistake in its file is found before hours of training.
    let again = |name: &str| args.command_line(command, &[name.to_owned()]);
    let degrees = degrees.map(|file| degrees::figure(&file, again(DEGREES)));
    let degrees = degrees.transpose()?;
    let out = args.out.clone().unwrap_or_else(|| places.runs.clone());
    let words = args.command_line(command, &args.figure);
    let judged = match figures.is_empty() {
        true => Vec::new(),
        false => train_and_judge(&figures, args, places, &out, &words)?,
    };
    let mut page = page(args, command, &figures, judged);
    page.figures.extend(degrees);
    if let Some(file) = toy {
        let threads = args.machine.threads;
        let figure = toy::figure(&file, &args.preset, args.seeds, threads, again(TOY))?;
        page.figures.push(figure);
    }
    let folder = claim_folder(&out, &format!("reproduction-{}", args.preset))?;
    let paths = report::reproduction(&folder, &page)?;
    print(&verdicts(&page));
    print(&format!(
        "\n{} s in all\nReport: {}\n",
        started.elapsed().as_secs(),
        paths.page.display()
    ));
    Ok(())
}

/// Writes what figures would train to standard output. Reads no images and trains nothing; with `--device cuda` no GPU need be
/// there.
fn say_cost(figures: &[Figure], choice: DeviceChoice, seeds: u64) -> Result<(), CommandError> {
    let plan = checked_plan(figures)?;
    let device = match choice {
        DeviceChoice::Cuda => DeviceKind::Cuda,
        choice => find_device(&plan, choice)?,
    };
    print(&cost::describe(&plan, device, seeds)?);
    Ok(())
}

fn checked_plan(figures: &[Figure]) -> Result<Plan, TrainerError> {
    let plan = Plan::of(figures);
    for family in &plan.families {
        family.experiment.validate()?;
    }
    Ok(plan)
}

/// The device for what is not in float64, which is computed on the CPU, whatever else is.
fn find_device(plan: &Plan, choice: DeviceChoice) -> Result<DeviceKind, TrainerError> {
    let experiments = plan.families.iter().map(|family| &family.experiment);
    // What multiplies in another format does so on a GPU alone.
    let single = experiments
        .filter(|experiment| experiment.training.precision != Arithmetic::Float64)
        .min_by_key(|experiment| experiment.training.precision == Arithmetic::Float32);
    single.map_or(Ok(DeviceKind::Cpu), |experiment| {
        device::find(experiment, choice)
    })
}

/// Trains what the figures lack, into folders in `out`, and judges their claims.
fn train_and_judge(
    figures: &[Figure],
    args: &ReproArgs,
    places: &Places,
    out: &Path,
    command: &str,
) -> Result<Vec<Judged>, CommandError> {
    let plan = checked_plan(figures)?;
    let device = find_device(&plan, args.machine.device)?;
    let most = most_images(&plan.families);
    let dataset = data::find(most, &args.machine, data::environment(), &places.data)?;
    let images = |experiment: &Experiment| {
        let wanted = &experiment.data;
        dataset
            .clone()
            .truncated(wanted.train_images, wanted.test_images)
    };
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
    let store = Store::read(out)?;
    for PassedOver { path, why } in &store.passed_over {
        eprintln!("The run in {} is not used: {why}.", path.display());
    }
    let needs = look(&store).into_iter().flatten();
    let work: Vec<Job> = needs.filter_map(Need::into_job).collect();
    let place = Place {
        runs: out.to_owned(),
        preset: Some(args.preset.clone()),
    };
    train(args, device, place, command, work, &images)?;

    let needs = look(&Store::read(out)?);
    let judged = figures.iter().zip(&plan.members).map(|(figure, members)| {
        let of_seed = |needs: &Vec<Need>| {
            let found = members.iter().filter_map(|member| {
                let place = needs[member.family].found[member.run].clone();
                Some((member.claimed.clone(), place?))
            });
            found.collect::<HashMap<String, Found>>()
        };
        let found: Vec<_> = needs.iter().map(of_seed).collect();
        Ok(judge(figure, &found)?)
    });
    judged.collect()
}

impl ReproArgs {
    /// The command that makes these figures again.
    fn command_line(&self, command: &[&str], figures: &[String]) -> String {
        let mut words = Vec::new();
        for figure in figures {
            words.extend(option("--figure", Some(figure.clone())));
        }
        words.extend(option("--preset", Some(self.preset.clone())));
        words.extend(option(
            "--precision",
            self.precision.map(PrecisionChoice::name),
        ));
        words.extend(option("--seeds", Some(self.seeds.to_string())));
        words.extend(option("--out", path(&self.out)));
        words.extend(self.machine.words());
        line(command, words)
    }
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
    let is_on_gpu = |job: &&Job| job.device(device) == DeviceKind::Cuda;
    let gpu_work = work.iter().filter(is_on_gpu).count();
    let cpu_work = work.len() - gpu_work;
    let on_cpu = args.jobs.unwrap_or(threads).clamp(1, cpu_work.max(1));
    // One training fills a GPU.
    let on_gpu = args.jobs.unwrap_or(1).clamp(1, gpu_work.max(1));
    let mut options = options(&args.machine, device, command.to_owned());
    options.threads = (threads / on_cpu).max(1);
    let jobs = Jobs {
        on_cpu,
        on_gpu,
        place,
        options,
    };
    let count: usize = work.iter().map(|job| job.family.experiment.run.len()).sum();
    let at_once: Vec<String> = [(gpu_work, on_gpu, "GPU"), (cpu_work, on_cpu, "CPU")]
        .into_iter()
        .filter(|(work, ..)| *work > 0)
        .map(|(_, at_once, device)| format!("{at_once} at a time on the {device}"))
        .collect();
    let trainings = [vec![format!("{} trainings", work.len())], at_once].concat();
    eprintln!("{count} runs to train, in {}.", trainings.join(", "));
    interrupt::listen();
    train_all(&jobs, work, images, Lines::of)?;
    Ok(())
}
