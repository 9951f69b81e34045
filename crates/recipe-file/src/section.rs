//! Reading the keys of a TOML table, each with its place.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::{Mistake, Place, Problem};

/// A table of the file.
pub(crate) struct Section<'a, 'text> {
    table: &'a DeTable<'text>,
    /// Key of the table, with dots; empty for the file itself.
    path: String,
}

/// A value of the file.
pub(crate) struct Entry<'a, 'text> {
    value: &'a Spanned<DeValue<'text>>,
    path: String,
}

impl<'a, 'text> Section<'a, 'text> {
    pub(crate) fn new(table: &'a DeTable<'text>, path: &str) -> Self {
        let path = path.to_owned();
        Self { table, path }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Refuses keys other than these; the first in the text is named.
    pub(crate) fn allow_only(&self, allowed: &[&'static str]) -> Result<(), Mistake> {
        let unknown = self
            .table
            .keys()
            .filter(|key| !allowed.contains(&key.get_ref().as_ref()))
            .min_by_key(|key| key.span().start);
        let Some(key) = unknown else { return Ok(()) };
        let key = self.path_of(key.get_ref());
        Err(Mistake {
            place: Place::Key(key.clone()),
            problem: Problem::UnknownKey {
                key,
                allowed: allowed.to_vec(),
            },
        })
    }

    /// The value of a key, if it is there.
    pub(crate) fn optional(&self, key: &str) -> Option<Entry<'a, 'text>> {
        let (_, value) = self.table.iter().find(|(name, _)| name.get_ref() == key)?;
        Some(Entry {
            value,
            path: self.path_of(key),
        })
    }

    /// The value of a key that must be there; `needs` says what it must be, as the end of a sentence.
    pub(crate) fn required(&self, key: &str, needs: &str) -> Result<Entry<'a, 'text>, Mistake> {
        self.optional(key).ok_or_else(|| self.missing(key, needs))
    }

    /// The mistake that a key is not there.
    pub(crate) fn missing(&self, key: &str, needs: &str) -> Mistake {
        let key = self.path_of(key);
        let needs = needs.to_owned();
        Mistake::at_value(key.clone(), Problem::MissingKey { key, needs })
    }

    pub(crate) fn number(
        &self,
        key: &str,
        needs: &str,
        accepts: impl Fn(f64) -> bool,
    ) -> Result<f64, Mistake> {
        self.required(key, needs)?.number(needs, accepts)
    }

    pub(crate) fn number_or(
        &self,
        key: &str,
        default: f64,
        needs: &str,
        accepts: impl Fn(f64) -> bool,
    ) -> Result<f64, Mistake> {
        self.optional(key)
            .map_or(Ok(default), |entry| entry.number(needs, accepts))
    }

    /// A whole number between two others, both included.
    pub(crate) fn whole(&self, key: &str, least: u64, most: u64) -> Result<u64, Mistake> {
        let needs = format!("a whole number from {least} to {most}");
        let entry = self.required(key, &needs)?;
        let number = entry.value.get_ref().as_integer().and_then(|integer| {
            u64::from_str_radix(integer.as_str().trim_start_matches('+'), integer.radix()).ok()
        });
        number
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| entry.must_be(&needs))
    }

    /// One of several texts, by what they stand for.
    pub(crate) fn choice<T: Copy>(
        &self,
        key: &str,
        choices: &[(&'static str, T)],
    ) -> Result<T, Mistake> {
        let names: Vec<String> = choices
            .iter()
            .map(|(name, _)| format!("{name:?}"))
            .collect();
        let needs = match names.as_slice() {
            [only] => only.clone(),
            _ => format!("one of {}", names.join(", ")),
        };
        let entry = self.required(key, &needs)?;
        let found = entry.value.get_ref().as_str();
        choices
            .iter()
            .find(|(name, _)| Some(*name) == found)
            .map(|(_, choice)| *choice)
            .ok_or_else(|| entry.must_be(&needs))
    }

    pub(crate) fn section(&self, key: &str, needs: &str) -> Result<Section<'a, 'text>, Mistake> {
        let entry = self.required(key, needs)?;
        entry.section().ok_or_else(|| entry.must_be(needs))
    }
}

impl<'a, 'text> Entry<'a, 'text> {
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn section(&self) -> Option<Section<'a, 'text>> {
        Some(Section {
            table: self.value.get_ref().as_table()?,
            path: self.path.clone(),
        })
    }

    pub(crate) fn text(&self) -> Option<&'a str> {
        self.value.get_ref().as_str()
    }

    pub(crate) fn number(
        &self,
        needs: &str,
        accepts: impl Fn(f64) -> bool,
    ) -> Result<f64, Mistake> {
        number(self.value.get_ref())
            .filter(|number| number.is_finite() && accepts(*number))
            .ok_or_else(|| self.must_be(needs))
    }

    /// The entries of a list.
    pub(crate) fn entries(&self) -> Option<Vec<Entry<'a, 'text>>> {
        let entries = self.value.get_ref().as_array()?.iter().enumerate();
        Some(
            entries
                .map(|(index, value)| Entry {
                    value,
                    path: format!("{}.{index}", self.path),
                })
                .collect(),
        )
    }

    /// The mistake that this value is not what it must be.
    pub(crate) fn must_be(&self, needs: &str) -> Mistake {
        let problem = Problem::Value {
            key: self.path.clone(),
            value: described(self.value.get_ref()),
            needs: needs.to_owned(),
        };
        Mistake::at_value(self.path.clone(), problem)
    }
}

/// A number, whole or not.
fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Float(float) => float.as_str().parse().ok(),
        DeValue::Integer(integer) => i128::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .map(|integer| integer as f64),
        _ => None,
    }
}

/// A value in a sentence.
fn described(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() <= 60 => format!("{text:?}"),
        DeValue::String(_) => "a long text".to_owned(),
        DeValue::Integer(integer) => integer.to_string(),
        DeValue::Float(float) => float.to_string(),
        DeValue::Boolean(boolean) => boolean.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(entries) => format!("a list of {}", entries.len()),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
