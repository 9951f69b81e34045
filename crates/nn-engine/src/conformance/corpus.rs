//! The files of the corpus: tables that stand for products of cases.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Table, Value};

use super::Case;

const FILES: [&str; 8] = [
    include_str!("../../conformance/chains.toml"),
    include_str!("../../conformance/networks.toml"),
    include_str!("../../conformance/training.toml"),
    include_str!("../../conformance/convolutions.toml"),
    include_str!("../../conformance/normalisation.toml"),
    include_str!("../../conformance/shortcuts.toml"),
    include_str!("../../conformance/rescaling.toml"),
    include_str!("../../conformance/optimisers.toml"),
];
const SEEDS: &str = include_str!("../../conformance/seeds.toml");

/// What is wrong with a file of the corpus.
#[derive(Debug, thiserror::Error)]
enum CorpusError {
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    #[error("case `{case}` varies `{path}`, which it has not")]
    Path { case: String, path: String },
    #[error("case `{case}` varies `{path}` over nothing that can be named")]
    Values { case: String, path: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    /// Path to a field of the case → its values.
    #[serde(default)]
    vary: Table,
    /// How many cases of different seeds to make of each.
    #[serde(default = "one")]
    draws: u64,
    /// The fields of [`Case`], which refuses what it does not know.
    #[serde(flatten)]
    case: Table,
}

fn one() -> u64 {
    1
}

/// All cases in the order of the files.
pub(super) fn all() -> Vec<Case> {
    match read(&FILES, SEEDS) {
        Ok(cases) => cases,
        // The text is part of this crate, and every use of the corpus reads all of it.
        Err(error) => unreachable!("the corpus is not well-formed: {error}"),
    }
}

fn read(files: &[&str], seeds: &str) -> Result<Vec<Case>, CorpusError> {
    let seeds: BTreeMap<String, u64> = toml::from_str(seeds)?;
    let mut cases = Vec::new();
    for text in files {
        let file: File = toml::from_str(text)?;
        for entry in &file.case {
            for (name, case) in entry.products()? {
                for draw in 0..entry.draws {
                    let name = match entry.draws {
                        1 => name.clone(),
                        _ => format!("{name}, draw {draw}"),
                    };
                    let mut case: Case = with_name(&case, &name).try_into()?;
                    // Where there is none yet, a place to start the search from.
                    case.seed = seeds.get(&name).copied().unwrap_or(draw);
                    cases.push(case);
                }
            }
        }
    }
    Ok(cases)
}

fn with_name(case: &Value, name: &str) -> Value {
    let mut case = case.clone();
    if let Value::Table(table) = &mut case {
        table.insert("name".into(), Value::String(name.into()));
    }
    case
}

impl Entry {
    /// Every combination of varied values, with its name.
    fn products(&self) -> Result<Vec<(String, Value)>, CorpusError> {
        let mut products = vec![(self.name.clone(), Value::Table(self.case.clone()))];
        // By name: whether a table keeps the order of its text depends on how `toml` is built.
        let paths: BTreeMap<_, _> = self.vary.iter().collect();
        for (index, (path, values)) in paths.into_iter().enumerate() {
            let values = self.labelled(path, values)?;
            let separator = if index == 0 { ":" } else { "," };
            let mut next = Vec::new();
            for (name, case) in &products {
                for (label, value) in &values {
                    let mut case = case.clone();
                    self.place(&mut case, path, value.clone())?;
                    next.push((format!("{name}{separator} {label}"), case));
                }
            }
            products = next;
        }
        Ok(products)
    }

    /// The values to take, and how names of cases say which: a table names them itself.
    fn labelled(&self, path: &str, values: &Value) -> Result<Vec<(String, Value)>, CorpusError> {
        let field = path.rsplit('.').next().unwrap_or(path);
        let unnamed = || CorpusError::Values {
            case: self.name.clone(),
            path: path.to_owned(),
        };
        match values {
            Value::Table(named) if !named.is_empty() => {
                let named: BTreeMap<_, _> = named.iter().collect();
                let named = named.into_iter();
                Ok(named.map(|(n, v)| (n.clone(), v.clone())).collect())
            }
            Value::Array(values) if !values.is_empty() => values
                .iter()
                .map(|value| {
                    let text = label(value).ok_or_else(unnamed)?;
                    Ok((format!("{field} {text}"), value.clone()))
                })
                .collect(),
            _ => Err(unnamed()),
        }
    }

    /// Puts a value where a path like `network.ops.0.stride` leads. The last step may be a field that the case leaves
    /// out.
    fn place(&self, case: &mut Value, path: &str, value: Value) -> Result<(), CorpusError> {
        let nowhere = || CorpusError::Path {
            case: self.name.clone(),
            path: path.to_owned(),
        };
        let (parent, last) = path.rsplit_once('.').unwrap_or(("", path));
        let mut at = case;
        for step in parent.split('.').filter(|step| !step.is_empty()) {
            let next = match at {
                Value::Table(table) => table.get_mut(step),
                Value::Array(list) => step.parse().ok().and_then(|i: usize| list.get_mut(i)),
                _ => None,
            };
            at = next.ok_or_else(nowhere)?;
        }
        match at {
            Value::Table(table) => {
                table.insert(last.to_owned(), value);
            }
            Value::Array(list) => {
                let old = last.parse().ok().and_then(|i: usize| list.get_mut(i));
                *old.ok_or_else(nowhere)? = value;
            }
            _ => return Err(nowhere()),
        }
        Ok(())
    }
}

/// A value in a name, `3x7x5` for a list; nothing for a table, which needs a name.
fn label(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(yes) => Some(yes.to_string()),
        Value::Array(list) => Some(
            list.iter()
                .map(label)
                .collect::<Option<Vec<_>>>()?
                .join("x"),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
