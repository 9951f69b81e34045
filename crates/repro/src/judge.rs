//! From runs to what became of a figure's claims.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use claims::{Evidence, Outcome, Series, Verdict, evaluate};
use report::SeededRun;
use run_records::RunFolder;

use crate::{Figure, Found, Part, ReproError};

/// A figure's runs, and what became of its claims.
#[derive(Debug)]
pub struct Judged {
    /// In the order of the claims.
    pub outcomes: Vec<Outcome>,
    /// In the order of parts and runs.
    pub runs: Vec<SeededRun>,
    /// Epochs at which the rate of a recipe jumps.
    pub milestones: Vec<f64>,
    /// The folders that the runs are in.
    pub folders: Vec<Arc<RunFolder>>,
}

/// Judges a figure's claims over seeds. `found[seed]` says where each run is, by its [name in claims](Figure::claimed_name).
///
/// # Errors
/// [`ReproError::Records`] for a folder that cannot be read. A claim that its runs cannot answer is not decided, and says why.
pub fn judge(figure: &Figure, found: &[HashMap<String, Found>]) -> Result<Judged, ReproError> {
    let mut read: HashMap<PathBuf, Arc<RunFolder>> = HashMap::new();
    let mut seeds = Vec::new();
    for (seed, found) in found.iter().enumerate() {
        let mut members = Vec::new();
        for part in &figure.parts {
            for run in &part.experiment.run {
                let claimed = Figure::claimed_name(part, &run.name);
                let Some(Found { folder, name }) = found.get(&claimed) else {
                    continue;
                };
                let folder = match read.get(folder) {
                    Some(folder) => Arc::clone(folder),
                    None => {
                        let opened = Arc::new(RunFolder::read(folder)?);
                        read.insert(folder.clone(), Arc::clone(&opened));
                        opened
                    }
                };
                members.push(Member {
                    claimed,
                    label: run.label.clone(),
                    folder,
                    name: name.clone(),
                });
            }
        }
        seeds.push(Seed {
            number: seed,
            members,
        });
    }
    let outcome = |claim: &claims::Claim| {
        let outcome = evaluate(claim, &seeds).unwrap_or_else(|error| Outcome {
            id: claim.id.clone(),
            says: claim.says.clone(),
            source: claim.source.clone(),
            verdict: Verdict::NotDecided,
            evidence: error.to_string(),
        });
        match figure.head.undecided.get(&claim.id) {
            None => outcome,
            Some(why) => Outcome {
                verdict: Verdict::NotDecided,
                evidence: format!("{why} ({})", outcome.evidence),
                ..outcome
            },
        }
    };
    let outcomes = figure.head.claim.iter().map(outcome).collect();
    let milestones = figure.parts.iter().flat_map(Part::milestones);
    let milestones: BTreeSet<u64> = milestones.collect();
    let steps_per_epoch = figure.parts.first();
    let steps_per_epoch =
        steps_per_epoch.map_or(1, |part| part.experiment.timeline().steps_per_epoch);
    let epochs = |step: u64| step as f64 / steps_per_epoch as f64;
    let mut folders: Vec<_> = read.into_iter().collect();
    folders.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(Judged {
        outcomes,
        runs: seeded(&seeds),
        milestones: milestones.into_iter().map(epochs).collect(),
        folders: folders.into_iter().map(|(_, folder)| folder).collect(),
    })
}

/// Each run of the first seed, with the same of the others.
fn seeded(seeds: &[Seed]) -> Vec<SeededRun> {
    let members = seeds.first().map_or(&[][..], |seed| &seed.members);
    let run = |member: &Member| SeededRun {
        name: member.claimed.clone(),
        label: match member.claimed.split_once('/') {
            Some((variant, _)) => format!("{variant}: {}", member.label),
            None => member.label.clone(),
        },
        steps_per_epoch: member.folder.steps_per_epoch(),
        seeds: seeds
            .iter()
            .filter_map(|seed| {
                let mut members = seed.members.iter();
                let same = members.find(|other| other.claimed == member.claimed)?;
                same.folder.run(&same.name).cloned()
            })
            .collect(),
    };
    members.iter().map(run).collect()
}

/// A figure's runs of one seed.
struct Seed {
    number: usize,
    members: Vec<Member>,
}

struct Member {
    /// Its name in claims.
    claimed: String,
    label: String,
    folder: Arc<RunFolder>,
    /// Its name in the folder.
    name: String,
}

impl Evidence for Seed {
    fn series(&self, name: &str) -> Option<Series> {
        let (run, quantity) = name.rsplit_once('/')?;
        let member = self.members.iter().find(|member| member.claimed == run)?;
        member.folder.series(&format!("{}/{quantity}", member.name))
    }

    fn names(&self) -> Vec<String> {
        let of_member = |member: &Member| {
            let prefix = format!("{}/", member.name);
            let names = member.folder.names().into_iter();
            let claimed = member.claimed.clone();
            names.filter_map(move |name| Some(format!("{claimed}/{}", name.strip_prefix(&prefix)?)))
        };
        self.members.iter().flat_map(of_member).collect()
    }

    fn seed(&self) -> Option<String> {
        Some(format!("seed {}", self.number + 1))
    }

    fn stopped(&self) -> Option<String> {
        self.members
            .iter()
            .find_map(|member| member.folder.stopped())
    }
}
