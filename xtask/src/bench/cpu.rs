//! `cargo xtask bench cpu`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::ceilings::Ceilings;
use super::comparison::{compare, spin};
use super::contestant::{Contestant, Effort, NORMALISERS, own, pytorch, rust_peers};
use super::facts::Facts;
use super::program::{Program, built};
use super::record::{Record, Records};
use super::roofline::Roofline;
use super::scaling::Scaling;
use crate::peers::environment;
use crate::root;
use crate::verdict;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Train with PyTorch, burn and candle, too; downloads what they need into `target/peers`.
    #[arg(long)]
    peers: bool,
    /// A Python that has PyTorch, instead of an environment of its own in `target/peers`.
    #[arg(long, value_name = "FILE", requires = "peers")]
    python: Option<PathBuf>,
    /// Only see that everything works, in seconds: the numbers mean nothing.
    #[arg(long)]
    quick: bool,
    /// Keep the record in a new folder of this name in `benches/records`.
    #[arg(long, value_name = "NAME")]
    record: Option<String>,
}

impl Args {
    /// As it was typed, for the record.
    fn command(&self) -> String {
        let mut words = vec!["cargo xtask bench cpu".to_owned()];
        let named = |name: &str, value: String| format!("--{name} {value}");
        words.extend(self.peers.then(|| "--peers".to_owned()));
        // Where a Python lies is of this machine alone.
        words.extend(
            self.python
                .is_some()
                .then(|| named("python", "FILE".to_owned())),
        );
        words.extend(self.quick.then(|| "--quick".to_owned()));
        words.extend(self.record.clone().map(|name| named("record", name)));
        words.join(" ")
    }
}

/// Measures, prints the record, and keeps it if it has a name.
pub(super) fn run(args: &Args) -> ExitCode {
    verdict(measure(args))
}

/// What could not be measured.
fn measure(args: &Args) -> Result<Vec<String>, String> {
    let effort = if args.quick {
        Effort::Quick
    } else {
        Effort::Full
    };
    // Before minutes are spent on something that cannot be kept.
    let records = Records::new(&root().join("benches/records"));
    let folder = args
        .record
        .as_deref()
        .map(|name| records.place(name))
        .transpose()?;
    let facts = Facts::gather(args.command());
    let threads = facts.threads;
    let cpu = built(&["--package", "benches", "--bin", "cpu"], None)?;
    let mut contestants = own(&cpu, threads, effort);
    if args.peers {
        contestants.extend(peers(args.python.as_deref(), threads, effort)?);
    }

    eprintln!("the ceilings of this machine");
    let mut ceilings = Program::new(&cpu)
        .arg("ceilings")
        .options([("threads", threads)]);
    if effort == Effort::Quick {
        ceilings = ceilings.arg("--quick");
    }
    let ceilings = Ceilings::measure(&ceilings)?;
    // Before the others, which take most of the time.
    let rooflines = NORMALISERS.map(|(normaliser, _)| {
        eprintln!("time of each operation, {normaliser} norm");
        roofline(&cpu, normaliser, threads, effort)
    });
    let rooflines = rooflines.into_iter().collect::<Result<_, _>>()?;
    let entries = compare(&contestants, effort.choose(5, 1), &spin(&cpu));
    let record = Record {
        effort,
        facts,
        ceilings,
        rooflines,
        scaling: Scaling::measure(&cpu, threads, effort),
        entries,
    };
    println!("{}", record.markdown());
    if let Some(folder) = folder {
        record.write(&folder)?;
    }
    Ok(record.failures())
}

/// Everybody else.
fn peers(python: Option<&Path>, threads: usize, effort: Effort) -> Result<Vec<Contestant>, String> {
    let python = match python {
        Some(python) => environment::that_loads(python, "torch")?,
        None => environment::made(&root().join("target/peers/python"))?,
    };
    let mut contestants = pytorch(&python, threads, effort);
    contestants.extend(rust_peers(threads, effort));
    Ok(contestants)
}

fn roofline(
    cpu: &Path,
    normaliser: &str,
    threads: usize,
    effort: Effort,
) -> Result<Roofline, String> {
    let program = Program::new(cpu)
        .arg("roofline")
        .arg("--normaliser")
        .arg(normaliser);
    let program = program.options([("threads", threads), ("steps", effort.choose(12, 1))]);
    Roofline::measure(&program, effort.choose(3, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_how_to_make_it_again() {
        let args = Args {
            peers: true,
            python: Some("/somewhere/python".into()),
            quick: false,
            record: Some("zen5".to_owned()),
        };
        let command = "cargo xtask bench cpu --peers --python FILE --record zen5";
        assert_eq!(args.command(), command);
    }
}
