//! `cargo xtask kernels mutate`: kernels with one mistake each, and what finds it.

use std::fs;
use std::path::Path;

use cuda_sim::Sanitizer;
use nn_cuda::kernels::FILES;
use nn_engine::Products;

use super::sanitize;
use super::simulated::{Corpus, Found, Part};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only mistakes in this file, such as conv2d.cu.
    #[arg(long)]
    file: Option<String>,
    /// Only every so manieth of them.
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// Only barriers that are left out.
    #[arg(long)]
    barriers: bool,
}

/// A kernel's text with one mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mutant {
    file: &'static str,
    /// Counted from 1.
    line: usize,
    kind: Kind,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A barrier is left out.
    Barrier,
    /// An index is one too large.
    Index,
    /// A bound is one too large.
    Bound,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Barrier => "barrier left out",
            Kind::Index => "index + 1",
            Kind::Bound => "< becomes <=",
        }
    }
}

/// What found a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Device(String),
    Numbers(usize),
    Races(usize),
    Survived,
}

/// Trains the corpus with every mutant; under ThreadSanitizer the cases that launch every kernel, with those that nothing shows of. Returns the
/// survivors.
///
/// # Errors
/// That it could not be done.
pub(super) fn run(args: &Args) -> Result<Vec<String>, String> {
    let corpus = Corpus::build()?;
    let parts = sanitize::covering()?;
    let all = mutants().into_iter().filter(|mutant| {
        let file = args.file.as_deref().is_none_or(|file| file == mutant.file);
        file && (!args.barriers || mutant.kind == Kind::Barrier)
    });
    let chosen: Vec<Mutant> = all.step_by(args.every.max(1)).collect();
    let mut counts = [0; 4];
    let mut survivors = Vec::new();
    for mutant in &chosen {
        let verdict = judge(&corpus, &parts, mutant)?;
        let Mutant {
            file, line, kind, ..
        } = mutant;
        let place = format!("{file}:{line} {}", kind.name());
        let (column, found) = match &verdict {
            Verdict::Device(error) => (0, format!("the device: {error}")),
            Verdict::Numbers(count) => (1, format!("{count} wrong numbers")),
            Verdict::Races(count) => (2, format!("ThreadSanitizer, {count} reports")),
            Verdict::Survived => (3, "NOTHING".to_owned()),
        };
        counts[column] += 1;
        println!("{place}: {found}");
        if verdict == Verdict::Survived {
            survivors.push(place);
        }
    }
    let [device, numbers, races, nothing] = counts;
    println!(
        "{} mistakes: {device} found by the simulated device, {numbers} by wrong numbers, {races} by ThreadSanitizer \
         alone, {nothing} by nothing",
        chosen.len()
    );
    Ok(survivors)
}

fn judge(corpus: &Corpus, parts: &[Part], mutant: &Mutant) -> Result<Verdict, String> {
    let failed = |error: std::io::Error| error.to_string();
    let scratch = tempfile::tempdir().map_err(failed)?;
    let folder = scratch.path().join("kernels");
    write(&folder, mutant).map_err(failed)?;
    for products in Products::ALL {
        let part = Part {
            case: None,
            products,
        };
        let plain = corpus.run(part, Some(&folder), None, scratch.path())?;
        match plain {
            Found {
                error: Some(error), ..
            } => {
                let first = error.lines().next().unwrap_or_default();
                return Ok(Verdict::Device(first.chars().take(160).collect()));
            }
            Found { deviations, .. } if deviations > 0 => return Ok(Verdict::Numbers(deviations)),
            _ => {}
        }
    }
    for &part in parts {
        let sanitizer = Some(Sanitizer::Thread);
        let raced = corpus.run(part, Some(&folder), sanitizer, scratch.path())?;
        if !raced.reports.is_empty() {
            return Ok(Verdict::Races(raced.reports.len()));
        }
    }
    Ok(Verdict::Survived)
}

/// All files, one of them changed.
fn write(folder: &Path, mutant: &Mutant) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    for (name, text) in FILES {
        let text = if name == mutant.file {
            &mutant.text
        } else {
            text
        };
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}

fn mutants() -> Vec<Mutant> {
    FILES
        .iter()
        .flat_map(|(file, text)| of_file(file, text))
        .collect()
}

fn of_file(file: &'static str, text: &str) -> Vec<Mutant> {
    let mut all = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        for (kind, changed) in of_line(line) {
            let mut lines = lines.clone();
            lines[number] = &changed;
            let text = lines.join("\n") + "\n";
            let line = number + 1;
            all.push(Mutant {
                file,
                line,
                kind,
                text,
            });
        }
    }
    all
}

/// The line with each mistake that can be made in it.
fn of_line(line: &str) -> Vec<(Kind, String)> {
    let mut all = Vec::new();
    let trimmed = line.trim_start();
    if trimmed.starts_with("//") || trimmed.starts_with('#') {
        return all;
    }
    // No mistake is made in a comment.
    if let Some((code, comment)) = line.split_once("//") {
        let with_comment = |(kind, code): (Kind, String)| (kind, format!("{code}//{comment}"));
        return of_line(code).into_iter().map(with_comment).collect();
    }
    if trimmed == "__syncthreads();" {
        all.push((Kind::Barrier, String::new()));
    }
    if !declares(trimmed) {
        for (open, close) in subscripts(line) {
            let index = &line[open + 1..close];
            let changed = format!("{}[({index}) + 1{}", &line[..open], &line[close..]);
            all.push((Kind::Index, changed));
        }
    }
    if trimmed.starts_with("for (") || trimmed.starts_with("if (") {
        for (at, _) in line.match_indices(" < ") {
            let changed = format!("{} <= {}", &line[..at], &line[at + 3..]);
            all.push((Kind::Bound, changed));
        }
    }
    all
}

/// Whether brackets in a line are sizes.
fn declares(line: &str) -> bool {
    let types = [
        "__shared__",
        "float ",
        "double ",
        "float4 ",
        "int ",
        "bool ",
        "unsigned ",
        "const float (&",
        "typename ",
        "typename Reader",
        "Window ",
        "template",
        "struct",
    ];
    let starts = types.iter().any(|name| line.starts_with(name));
    // A declaration that is initialised may read by an index; its own brackets come before.
    (starts && !line.contains(" = ")) || line.contains(")[") || line.contains("(&")
}

/// Innermost brackets with something in them.
fn subscripts(line: &str) -> Vec<(usize, usize)> {
    let mut open = None;
    let mut all = Vec::new();
    for (at, character) in line.char_indices() {
        match character {
            '[' => open = Some(at),
            ']' => {
                if let Some(open) = open.take()
                    && at > open + 1
                {
                    all.push((open, at));
                }
            }
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_changed_in_one_place_at_a_time() {
        assert_eq!(
            of_line("    __syncthreads();"),
            [(Kind::Barrier, String::new())]
        );
        let changed = of_line("    for (int i = 0; i < n; ++i) sum += x[i];");
        assert_eq!(
            changed,
            [
                (
                    Kind::Index,
                    "    for (int i = 0; i < n; ++i) sum += x[(i) + 1];".to_owned()
                ),
                (
                    Kind::Bound,
                    "    for (int i = 0; i <= n; ++i) sum += x[i];".to_owned()
                ),
            ]
        );
        assert_eq!(of_line("    float sums[4];"), []);
        assert_eq!(of_line("    // x[i] < n"), []);
        assert_eq!(of_line("    Span<float> target;  // [image][row]"), []);
    }

    #[test]
    fn there_are_mistakes_of_every_kind_in_the_kernels() {
        let all = mutants();
        for kind in [Kind::Barrier, Kind::Index, Kind::Bound] {
            assert!(
                all.iter().filter(|mutant| mutant.kind == kind).count() > 10,
                "{kind:?}"
            );
        }
        // Each differs from its file.
        for mutant in &all {
            let (_, text) = FILES.iter().find(|(name, _)| *name == mutant.file).unwrap();
            assert_ne!(mutant.text, *text, "{}:{}", mutant.file, mutant.line);
        }
        println!("{} mistakes", all.len());
    }
}
