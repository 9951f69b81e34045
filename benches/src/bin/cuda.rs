//! What the GPU bundle's scripts run: checks and timings of nn-cuda on a machine that has nothing of this workspace.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use benches::check::{self, Conformance, Part};
use benches::side_by_side::{self, Contestant, Race};
use benches::{Capability, Choice, Format, Meter, Setting, Training};
use clap::{Args, Parser, Subcommand, ValueEnum};
use nn_engine::Engine;
use nn_engine::conformance::Tier;
use nn_graph::nets::Normaliser;

/// Checks nn-cuda on a GPU, and times it.
#[derive(Debug, Parser)]
struct Cli {
    /// What is checked or timed.
    #[arg(long, global = true, default_value = "cuda")]
    engine: Choice,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train every case of the corpus, and compare with the float64 reference on the CPU.
    Conformance {
        #[arg(long, default_value = "cpu")]
        tier: Depth,
        /// What convolutions multiply.
        #[arg(long, value_enum, default_value_t)]
        products: Format,
        /// Side by side; each trains its share of the cases [default: one for each core, at most 16].
        #[arg(long, value_name = "N")]
        processes: Option<usize>,
        /// Where a line of JSON for each case goes.
        #[arg(long, value_name = "FILE", default_value = "conformance.jsonl")]
        json: PathBuf,
        /// Only the cases of one process, the one that begins with this case; prints their lines.
        #[arg(long, value_name = "I", requires = "processes")]
        part: Option<usize>,
    },
    /// Train from one state several times, and compare every bit.
    Determinism(#[command(flatten)] Trained),
    /// Try the laws that hold for every engine.
    Laws {
        /// What convolutions multiply.
        #[arg(long, value_enum, default_value_t)]
        products: Format,
        /// Cases, or steps, of a law that has any.
        #[arg(long, value_name = "N", default_value_t = 64)]
        effort: usize,
    },
    /// Train, and write everything that another program needs to do the same, and the results.
    Export {
        #[command(flatten)]
        trained: Trained,
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
    },
    /// Name the formats that the engine multiplies in, one a line.
    Formats,
    /// Say how long a training of 200 epochs takes, from some of its steps and one pass over as many test images as CIFAR-10's.
    Epochs {
        #[arg(long, default_value_t = 32)]
        depth: usize,
        #[arg(long, default_value_t = 128)]
        batch: usize,
        /// What convolutions multiply.
        #[arg(long, value_enum, default_value_t)]
        products: Format,
        #[arg(long, default_value_t = 10_000)]
        test_images: usize,
        #[arg(long, value_name = "FILE", default_value = "epochs.json")]
        json: PathBuf,
    },
    /// Time every size of batch with every number of replicas.
    Sizes {
        #[arg(long, default_value_t = 32)]
        depth: usize,
        /// What convolutions multiply.
        #[arg(long, value_enum, default_value_t)]
        products: Format,
        #[arg(long, value_delimiter = ',', default_value = "32,128,512,1024")]
        batches: Vec<usize>,
        #[arg(long, value_delimiter = ',', default_value = "1,2,4,8,16")]
        replicas: Vec<usize>,
        #[arg(long, value_name = "FILE", default_value = "sizes.json")]
        json: PathBuf,
    },
    /// Say from counts alone how long a step of nn-cuda should take, by default on an H200.
    Predict {
        #[command(flatten)]
        trained: Trained,
        #[command(flatten)]
        capability: Capability,
    },
    /// Time every kernel of a step of nn-cuda.
    Profile {
        #[command(flatten)]
        trained: Trained,
        #[arg(long, value_name = "FILE", default_value = "profile.json")]
        json: PathBuf,
    },
    /// Train beside PyTorch, in turns, and compare: in every format that the engine has, alone and as several replicas.
    Race {
        #[arg(long, default_value_t = 32)]
        depth: usize,
        #[arg(long, value_delimiter = ',', default_value = "128,1024")]
        batches: Vec<usize>,
        /// Runs that the engine also trains side by side, on batches of the first size.
        #[arg(long, default_value_t = 8)]
        replicas: usize,
        #[arg(long, default_value_t = 7)]
        rounds: usize,
        /// Seconds to prepare PyTorch; compiled modes that take longer are left out.
        #[arg(long, value_name = "S", default_value_t = 290)]
        patience: u64,
        /// A Python with PyTorch.
        #[arg(long, value_name = "FILE", default_value = "python3")]
        python: PathBuf,
        /// `race.py`.
        #[arg(long, value_name = "FILE")]
        script: PathBuf,
        #[arg(long, value_name = "FILE", default_value = "race.json")]
        json: PathBuf,
    },
    /// Time training steps, as one line of JSON.
    Train {
        #[command(flatten)]
        trained: Trained,
        /// Calls of the engine before the clock starts.
        #[arg(long, default_value_t = 1)]
        warm_up: usize,
        /// Calls that are timed.
        #[arg(long, default_value_t = 5)]
        samples: usize,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Depth {
    Sim,
    Cpu,
    Full,
}

impl Depth {
    fn tier(self) -> Tier {
        match self {
            Self::Sim => Tier::Sim,
            Self::Cpu => Tier::Cpu,
            Self::Full => Tier::Full,
        }
    }

    /// As it is typed.
    fn name(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Cpu => "cpu",
            Self::Full => "full",
        }
    }
}

/// A PreResNet with trained affine parameters and head.
#[derive(Debug, Args)]
struct Trained {
    #[arg(long, default_value_t = 32)]
    depth: usize,
    #[arg(long, default_value_t = 16)]
    width: usize,
    /// Groups of a group normalisation, instead of batch normalisation.
    #[arg(long, value_name = "N")]
    groups: Option<usize>,
    #[arg(long, default_value_t = 128)]
    batch: usize,
    #[arg(long, default_value_t = 1)]
    replicas: usize,
    /// Steps of a training, or of each call that is timed.
    #[arg(long, default_value_t = 50)]
    steps: usize,
    /// What convolutions multiply.
    #[arg(long, value_enum, default_value_t)]
    products: Format,
}

impl Trained {
    fn setting(&self) -> Result<Setting, Box<dyn Error>> {
        if self.steps == 0 || self.batch == 0 {
            return Err("a training needs at least one step, and a batch one image".into());
        }
        Ok(Setting {
            depth: self.depth,
            width: self.width,
            normaliser: match self.groups {
                None => Normaliser::Batch,
                Some(groups) => Normaliser::Group { groups },
            },
            batch: self.batch,
            replicas: self.replicas,
            threads: 0,
            format: self.products,
        })
    }
}

fn main() -> ExitCode {
    let Cli { engine, command } = Cli::parse();
    match run(engine, command) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The last line of what is printed.
fn run(engine: Choice, command: Command) -> Result<String, Box<dyn Error>> {
    match command {
        Command::Conformance {
            tier,
            products,
            processes,
            json,
            part,
        } => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let processes = processes.unwrap_or(cores.min(16));
            let conformance = Conformance {
                engine,
                tier: tier.tier(),
                format: products,
            };
            if let Some(first) = part {
                let part = Part {
                    first,
                    step: processes,
                };
                conformance.part(part, &mut std::io::stdout())?;
                return Ok(String::new());
            }
            let mut again = vec!["conformance".to_owned(), "--engine".to_owned()];
            again.push(match engine {
                Choice::Cuda => "cuda".to_owned(),
                Choice::Cpu => "cpu".to_owned(),
            });
            again.extend(["--tier", tier.name(), "--products"].map(str::to_owned));
            again.extend([products.name(), "--processes".to_owned()]);
            again.push(processes.to_string());
            conformance.all(&again, processes, &json)
        }
        Command::Determinism(trained) => {
            check::determinism(engine, trained.setting()?, trained.steps)
        }
        Command::Laws { products, effort } => check::laws(engine, products, effort),
        Command::Formats => formats(engine),
        Command::Export { trained, out } => {
            check::export(engine, trained.setting()?, trained.steps, &out)
        }
        Command::Epochs {
            depth,
            batch,
            products,
            test_images,
            json,
        } => {
            let contestant = Contestant {
                engine,
                depth,
                batch,
                replicas: 1,
                format: products,
            };
            side_by_side::epochs(contestant, test_images, &json)
        }
        Command::Sizes {
            depth,
            products,
            batches,
            replicas,
            json,
        } => {
            let smallest = Contestant {
                engine,
                depth,
                batch: 1,
                replicas: 1,
                format: products,
            };
            side_by_side::sizes(smallest, &batches, &replicas, &json)
        }
        Command::Predict {
            trained,
            capability,
        } => benches::predict(trained.setting()?, &capability),
        Command::Profile { trained, json } => match engine {
            Choice::Cuda => benches::profile(trained.setting()?, trained.steps, &json),
            Choice::Cpu => {
                Err("kernels are timed of nn-cuda only; `cpu roofline` is for nn-cpu".into())
            }
        },
        Command::Race {
            depth,
            batches,
            replicas,
            rounds,
            patience,
            python,
            script,
            json,
        } => {
            let race = Race {
                engine,
                depth,
                batches,
                replicas,
                rounds,
                python,
                script,
                patience,
            };
            race.run(&json)
        }
        Command::Train {
            trained,
            warm_up,
            samples,
        } => {
            let meter = Meter::new();
            let make = |graph: &_, options| engine.engine(graph, options);
            let setting = trained.setting()?;
            let mut training: Training<dyn Engine> = Training::new(setting, trained.steps, make)?;
            let what = training.what();
            let sizes = [trained.batch * trained.replicas, trained.steps];
            let line = meter.time(&what, sizes, [warm_up, samples], || training.steps())?;
            Ok(line.to_string())
        }
    }
}

fn formats(engine: Choice) -> Result<String, Box<dyn Error>> {
    let mut names = Vec::new();
    for format in Format::ALL {
        if engine.has(format)? {
            names.push(format.name());
        }
    }
    Ok(names.join("\n"))
}
