//! What a number means nothing without.

use std::fs;
use std::thread::available_parallelism;

use serde::Serialize;
use texp_cli::{commit, now};

use super::contestant::Effort;

/// Where, when and how it was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Facts {
    pub(super) command: String,
    date: String,
    commit: Option<String>,
    cpu: String,
    /// Cores that this process may use, and threads that everybody trains with.
    pub(super) threads: usize,
}

impl Facts {
    pub(super) fn gather(command: String) -> Self {
        let threads = available_parallelism().map_or(1, usize::from);
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Self {
            command,
            date: now(),
            commit: commit(),
            cpu: cpu(&cpuinfo).unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            threads,
        }
    }

    /// As a list.
    pub(super) fn markdown(&self, effort: Effort) -> String {
        let Self {
            command,
            date,
            commit,
            cpu,
            threads,
        } = self;
        let commit = commit.as_deref().unwrap_or("not a checkout");
        let mut text = format!(
            "- Command: `{command}`\n- Date: {date}\n- Commit: {commit}\n- CPU: {cpu}\n\
             - Cores and threads: {threads}\n"
        );
        if effort == Effort::Quick {
            text += "- **Quick: to see that everything works. The numbers mean nothing.**\n";
        }
        text
    }
}

/// Name, family and model of the first processor: virtual machines tell little by the name alone.
fn cpu(cpuinfo: &str) -> Option<String> {
    let field = |name: &str| {
        let mut lines = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = lines.find(|(key, _)| key.trim() == name)?;
        Some(value.trim())
    };
    let (name, family, model) = (field("model name")?, field("cpu family")?, field("model")?);
    Some(format!("{name}, family {family}, model {model}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_processor_counts() {
        let text = "processor\t: 0\ncpu family\t: 26\nmodel\t\t: 2\nmodel name\t: AMD EPYC\n\
                    \nprocessor\t: 1\nmodel\t\t: 3\n";
        assert_eq!(cpu(text).unwrap(), "AMD EPYC, family 26, model 2");
        assert_eq!(cpu("Hardware: something else"), None);
    }

    #[test]
    fn a_quick_run_says_so() {
        let facts = Facts::gather("cargo xtask bench cpu --quick".to_owned());
        assert!(facts.threads >= 1);
        assert!(facts.markdown(Effort::Quick).contains("mean nothing"));
        assert!(!facts.markdown(Effort::Full).contains("mean nothing"));
    }
}
