//! `--recipe`: the parameter groups in which weight decay becomes an exponential learning rate.

mod statistics;
mod why;

pub(super) mod json;
pub(super) mod python;
pub(super) mod toml;
pub(super) mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use nn_graph::network::Extents;
use nn_onnx::Imported;
use recipe_convert::{Optimizer, RecipeFile};
use scale_invariance::{Degree, Inspection, decay_free_exponents, inspect};

use super::names;
use crate::{CommandError, NoGroups, recipe};
use statistics::Statistics;
use why::Obstacles;

/// The recipe of a network, and what is made of the two.
#[derive(Clone, Debug, Args)]
pub(super) struct GroupArgs {
    /// The recipe, as TOML without parameter groups; `-` for standard input. Also tells which of its weight decay
    /// can become an exponential learning rate exactly, and which must stay.
    #[arg(long, value_name = "FILE", required_if_eq("format", "recipe"))]
    pub(super) recipe: Option<PathBuf>,
    /// Trained parameters that have no weight decay, often `*.bias` and those of normalisations: a name, or a
    /// pattern. Can be given again.
    #[arg(long, value_name = "NAME|GLOB", requires = "recipe")]
    no_decay: Vec<String>,
    /// Also write the groups' parameters to this file, in place of what is there, as Python for PyTorch.
    #[arg(long, value_name = "FILE.py", requires = "recipe")]
    pub(super) param_groups: Option<PathBuf>,
}

/// A recipe with its parameter groups.
pub(super) struct Groups {
    pub(super) recipe: RecipeFile,
    /// None is empty. Those that are scaled come first, the largest exponent before the others.
    pub(super) groups: Vec<ParameterGroup>,
    /// The exponent of every trained parameter, in the network's order.
    pub(super) exponents: Vec<Degree>,
    statistics: Statistics,
    /// Names of parameters that are not trained.
    fixed: Vec<String>,
}

/// What becomes of a group's weight decay; in the order in which groups are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decay {
    /// It becomes an exponential rate, with exponent 1.
    Gone,
    /// A part of it does, with an exponent between 0 and 1.
    Partly(Degree),
    /// It stays.
    Stays,
    /// There is none.
    None,
}

/// A parameter group.
pub(super) struct ParameterGroup {
    pub(super) decay: Decay,
    pub(super) members: Vec<Member>,
}

/// A parameter of a group.
pub(super) struct Member {
    pub(super) name: String,
    extents: Option<Extents>,
    /// Why not all its decay is gone.
    pub(super) why: Option<String>,
}

impl Decay {
    /// Of a parameter that has decay, by its exponent.
    fn with(exponent: Degree) -> Self {
        if exponent == 1.into() {
            Self::Gone
        } else if exponent == 0.into() {
            Self::Stays
        } else {
            Self::Partly(exponent)
        }
    }

    /// `d_p` of its parameters.
    pub(super) fn exponent(self) -> Degree {
        match self {
            Self::Gone => 1.into(),
            Self::Partly(exponent) => exponent,
            Self::Stays | Self::None => 0.into(),
        }
    }

    /// What a group with such parameters is called.
    pub(super) fn name(self) -> String {
        match self {
            Self::Gone => "decay-free".into(),
            Self::Partly(exponent) => {
                let (numerator, denominator) = (exponent.numerator, exponent.denominator);
                format!("partly-{numerator}-{denominator}")
            }
            Self::Stays => "keeps-decay".into(),
            Self::None => "no-decay".into(),
        }
    }

    /// Larger exponents first, then what stays, then what has none.
    fn order(self) -> (u8, f64) {
        let exponent = self.exponent();
        let value = exponent.numerator as f64 / exponent.denominator as f64;
        (u8::from(self == Self::None), -value)
    }
}

/// The groups of a network's parameters for a recipe; `inspection` is of it.
pub(super) fn find(
    args: &GroupArgs,
    file: &Path,
    imported: &Imported,
    inspection: &Inspection,
) -> Result<Groups, CommandError> {
    let network = &imported.network;
    let recipe = recipe_without_groups(file)?;
    let undecayed = names::named(network, "--no-decay", &args.no_decay)?;
    let decayed = network
        .clone()
        .with_trained(|name| !undecayed.contains(name));
    let with_decay = inspect(&decayed);
    let found = decay_free_exponents(&with_decay);
    let obstacles = Obstacles::new(inspection, &with_decay, &found);
    let found: BTreeMap<&str, Degree> = with_decay
        .parameters
        .iter()
        .map(|parameter| parameter.name.as_str())
        .zip(found)
        .collect();
    let mut groups: Vec<ParameterGroup> = Vec::new();
    let mut exponents = Vec::new();
    for parameter in &inspection.parameters {
        let decay = (found.get(parameter.name.as_str()))
            .map_or(Decay::None, |&exponent| Decay::with(exponent));
        exponents.push(decay.exponent());
        let member = Member {
            name: parameter.name.clone(),
            extents: parameter.extents.clone(),
            why: match decay {
                Decay::Gone | Decay::None => None,
                Decay::Partly(exponent) => Some(format!(
                    "`{}` is scaled by the power {exponent} of what it must be scaled with",
                    parameter.name
                )),
                Decay::Stays => obstacles.of(parameter),
            },
        };
        match groups.iter_mut().find(|group| group.decay == decay) {
            Some(group) => group.members.push(member),
            None => groups.push(ParameterGroup {
                decay,
                members: vec![member],
            }),
        }
    }
    groups.sort_by(|one, other| {
        let (one, other) = (one.decay.order(), other.decay.order());
        one.partial_cmp(&other).unwrap_or(std::cmp::Ordering::Equal)
    });
    let trained: BTreeSet<&str> = (inspection.parameters.iter())
        .map(|parameter| parameter.name.as_str())
        .collect();
    let names = network.parameters().map(|id| &network.tensor(id).name);
    Ok(Groups {
        recipe,
        groups,
        statistics: Statistics::of(imported, &exponents),
        exponents,
        fixed: names
            .filter(|name| !trained.contains(name.as_str()))
            .cloned()
            .collect(),
    })
}

fn recipe_without_groups(file: &Path) -> Result<RecipeFile, CommandError> {
    let recipe = recipe::read(file)?;
    if recipe.optimizer() != Optimizer::Sgd {
        let optimizer = recipe.optimizer();
        let problem = NoGroups::NeedsSgd { optimizer };
        return Err(recipe.error_at("optimizer.kind", problem).into());
    }
    if !recipe.groups().is_empty() {
        return Err(recipe.error_at("group", NoGroups::HasGroups).into());
    }
    Ok(recipe)
}
