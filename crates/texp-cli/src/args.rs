//! The arguments of every command that trains, and the way back from them to a command line.

use std::path::PathBuf;

use datasets::Source;
use trainer::experiment::Arithmetic;
use trainer::run::DeviceKind;

/// What to compute on, as the user says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DeviceChoice {
    /// The NVIDIA GPU if there is one that can train this, else the CPU; it is said which, and why.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The NVIDIA GPU, or an error.
    Cuda,
}

/// What is computed in, as the user says it; what each is, [`Arithmetic`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum PrecisionChoice {
    /// Numbers and products in float32.
    Float32,
    /// Numbers and products in float64: slow, and on the CPU only.
    Float64,
    /// Float32, whose products convolutions make of tf32's with float32's accuracy: on a GPU only.
    Tf32x3,
    /// Float32, of which convolutions multiply the first 11 bits: on a GPU only.
    Tf32,
    /// Float32, of which convolutions multiply the first 8 bits, and activations are stored with as many: on a GPU only.
    Bf16,
}

impl PrecisionChoice {
    /// As an experiment says it.
    pub fn arithmetic(self) -> Arithmetic {
        match self {
            Self::Float32 => Arithmetic::Float32,
            Self::Float64 => Arithmetic::Float64,
            Self::Tf32x3 => Arithmetic::Tf32x3,
            Self::Tf32 => Arithmetic::Tf32,
            Self::Bf16 => Arithmetic::Bf16,
        }
    }

    /// As it is typed.
    pub(crate) fn name(self) -> String {
        self.arithmetic().name().to_owned()
    }
}

/// What every command that starts a training accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct RunArgs {
    /// Preset of the experiment to apply.
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// In place of the experiment's `training.precision`; the run's experiment.toml says it, so that it is resumed in the same.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub precision: Option<PrecisionChoice>,
    /// Where run folders are made; one that exists is never overwritten [default: runs].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Images, and what to compute on.
    #[command(flatten)]
    pub machine: MachineArgs,
}

/// What every command that trains accepts: images, and what to compute on.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub struct MachineArgs {
    /// Folder that holds CIFAR-10 in its binary layout [default: $CIFAR10_DIR, then ./data, then a download].
    #[arg(long, value_name = "DIR", conflicts_with = "synthetic")]
    pub data: Option<PathBuf>,
    /// Use the built-in set of generated images.
    #[arg(long)]
    pub synthetic: bool,
    /// What to compute on. CPU and GPU agree up to the rounding of float32, and not in every bit; the records name the device.
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,
    /// Threads of the CPU to compute with, 0 for all; results do not depend on it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// Seconds between checkpoints: how much is done again after a crash; results do not depend on it.
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_CHECKPOINT)]
    pub checkpoint_every: u64,
}

/// Seconds: what a person does not mind to lose, and far more than it takes to save.
const DEFAULT_CHECKPOINT: u64 = 60;

impl Default for MachineArgs {
    fn default() -> Self {
        Self {
            data: None,
            synthetic: false,
            device: DeviceChoice::Auto,
            threads: 0,
            checkpoint_every: DEFAULT_CHECKPOINT,
        }
    }
}

impl RunArgs {
    /// `command` followed by these arguments, as one line for a POSIX shell. Defaults are left out.
    ///
    /// ```
    /// let mut args = texp_cli::RunArgs::default();
    /// args.machine.data = Some("my images".into());
    /// args.machine.threads = 2;
    /// assert_eq!(
    ///     args.command_line(&["texp", "train", "e.toml"]),
    ///     "texp train e.toml --data 'my images' --threads 2",
    /// );
    /// ```
    pub fn command_line(&self, command: &[&str]) -> String {
        let mut words = option("--preset", self.preset.clone());
        words.extend(option(
            "--precision",
            self.precision.map(PrecisionChoice::name),
        ));
        words.extend(option("--out", path(&self.out)));
        words.extend(self.machine.words());
        line(command, words)
    }
}

impl MachineArgs {
    /// `command` followed by these arguments, as one line for a POSIX shell. Defaults are left out.
    pub(crate) fn command_line(&self, command: &[&str]) -> String {
        line(command, self.words())
    }

    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = option("--data", path(&self.data));
        words.extend(self.synthetic.then(|| "--synthetic".to_owned()));
        let device = match self.device {
            DeviceChoice::Auto => None,
            DeviceChoice::Cpu => Some("cpu".to_owned()),
            DeviceChoice::Cuda => Some("cuda".to_owned()),
        };
        words.extend(option("--device", device));
        let threads = (self.threads != 0).then(|| self.threads.to_string());
        words.extend(option("--threads", threads));
        let seconds = self.checkpoint_every;
        let seconds = (seconds != DEFAULT_CHECKPOINT).then(|| seconds.to_string());
        words.extend(option("--checkpoint-every", seconds));
        words
    }

    /// The arguments that find the same images and device as were found this time, `environment` being the value of
    /// `$CIFAR10_DIR`.
    pub(crate) fn finding_again(
        &self,
        found: &Source,
        environment: Option<PathBuf>,
        device: DeviceKind,
    ) -> Self {
        let mut args = self.clone();
        args.device = match device {
            DeviceKind::Cpu => DeviceChoice::Cpu,
            DeviceKind::Cuda => DeviceChoice::Cuda,
        };
        match found {
            // Also where they stood in for a CIFAR-10 that may be there next time.
            Source::Synthetic { .. } => (args.synthetic, args.data) = (true, None),
            _ => args.data = args.data.or(environment),
        }
        args
    }
}

pub(crate) fn path(path: &Option<PathBuf>) -> Option<String> {
    path.as_ref().map(|path| path.display().to_string())
}

/// A command and its options, as one line for a POSIX shell.
pub(crate) fn line(command: &[&str], options: Vec<String>) -> String {
    let options = options.iter().map(String::as_str);
    let words = || command.iter().copied().chain(options.clone());
    // NUL cannot be quoted, and no argument of a process can hold it.
    shlex::try_join(words()).unwrap_or_else(|_| words().collect::<Vec<_>>().join(" "))
}

/// The words of an option.
pub(crate) fn option(name: &str, value: Option<String>) -> Vec<String> {
    match value {
        None => Vec::new(),
        // Alone it would be read as an option.
        Some(value) if value.starts_with('-') => vec![format!("{name}={value}")],
        Some(value) => vec![name.to_owned(), value],
    }
}

#[cfg(test)]
mod tests {
    use clap::{Parser, ValueEnum};
    use datasets::NoCifar10;
    use proptest::option::of;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        run: RunArgs,
    }

    fn arguments() -> impl Strategy<Value = RunArgs> {
        // What shells take apart or replace, and what looks like an option.
        let text = || "[-=a ~'\"\\\\$!*?#;&|<>(){}`\n\tü]{0,6}";
        let path = move || of(text().prop_filter("a path", |path| !path.is_empty()));
        let device = select(DeviceChoice::value_variants());
        let precision = of(select(PrecisionChoice::value_variants()));
        let named = (of(text()), precision);
        (named, path(), any::<bool>(), path(), device, 0..3usize).prop_map(
            |((preset, precision), data, synthetic, out, device, threads)| RunArgs {
                preset,
                precision,
                out: out.map(PathBuf::from),
                machine: MachineArgs {
                    data: data.filter(|_| !synthetic).map(PathBuf::from),
                    synthetic,
                    device,
                    threads,
                    checkpoint_every: 30 * (1 + threads as u64),
                },
            },
        )
    }

    proptest! {
        #[test]
        fn a_command_line_gives_back_its_arguments(args in arguments()) {
            let line = args.command_line(&["my program"]);
            let words = shlex::split(&line).expect("words");
            prop_assert_eq!(&words[0], "my program");
            prop_assert_eq!(Cli::try_parse_from(words).expect("arguments").run, args);
        }
    }

    #[test]
    fn the_same_images_and_device_are_found_again() {
        let cifar = Source::Cifar10 {
            dir: "data/cifar-10-batches-bin".into(),
            note: None,
        };
        let synthetic = Source::Synthetic {
            seed: 0,
            reason: Some(NoCifar10::DownloadForbidden),
        };
        let again = |args: &MachineArgs, found, environment: Option<&str>| {
            let environment = environment.map(PathBuf::from);
            args.finding_again(found, environment, DeviceKind::Cpu)
                .command_line(&["texp"])
        };
        let none = MachineArgs::default();
        let named = MachineArgs {
            data: Some("named".into()),
            ..MachineArgs::default()
        };
        let cpu = "--device cpu";
        assert_eq!(again(&none, &cifar, None), format!("texp {cpu}"));
        for (args, found, data) in [
            (&none, &cifar, "--data e"),
            (&named, &cifar, "--data named"),
            (&none, &synthetic, "--synthetic"),
        ] {
            assert_eq!(again(args, found, Some("e")), format!("texp {data} {cpu}"));
        }
        let synthetic = again(&none, &synthetic, None);
        assert_eq!(synthetic, format!("texp --synthetic {cpu}"));
        let on_gpu = none.finding_again(&cifar, None, DeviceKind::Cuda);
        assert_eq!(on_gpu.command_line(&["texp"]), "texp --device cuda");
    }
}
