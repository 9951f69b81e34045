//! From TOML text to a checked experiment.

use std::ops::Range;
use std::path::Path;

use recipe_file::{Position, in_toml_words};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};

use super::check::{Mistake, check, check_claims, check_values};
use super::{Experiment, ExperimentError, Problem};

impl Experiment {
    /// Reads a file and applies one of its presets, if one is named.
    ///
    /// # Errors
    /// [`ExperimentError`]: the file cannot be read, or as [`Experiment::parse`].
    pub fn read(path: &Path, preset: Option<&str>) -> Result<Self, ExperimentError> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &file, preset),
            Err(error) => Err(ExperimentError {
                file,
                position: None,
                problem: Problem::Unreadable(error),
            }),
        }
    }

    /// Reads TOML and applies one of its presets, if one is named, or several, separated by commas, in this order; `file` is
    /// for messages.
    ///
    /// A preset is a table `[presets.<name>]` of keys that replace those of the file: tables are
    /// merged key by key, and a claim with that of the same `id`; everything else (also the list of runs, and a schedule of
    /// another `kind`) is replaced as a whole. The keys and values of every preset are checked; whether its network and
    /// recipe allow its runs, of the chosen one.
    ///
    /// # Errors
    /// [`ExperimentError`] with the position of the first mistake.
    ///
    /// ```
    /// use trainer::experiment::Experiment;
    /// # let text = include_str!("../../tests/data/tiny.toml");
    /// let experiment = Experiment::parse(text, "tiny.toml", None)?;
    /// assert_eq!(experiment.timeline().steps, 8);
    ///
    /// let wrong = text.replace("depth = 8", "depth = 9");
    /// assert_eq!(
    ///     Experiment::parse(&wrong, "tiny.toml", None).unwrap_err().to_string(),
    ///     "tiny.toml, line 6, column 9: `network.depth` is 9; it must be 6n + 2 with n from 1 to 1000 (8, 14, 20, 26, 32, …)",
    /// );
    /// # Ok::<(), trainer::experiment::ExperimentError>(())
    /// ```
    pub fn parse(text: &str, file: &str, preset: Option<&str>) -> Result<Self, ExperimentError> {
        let error = |span: Option<Range<usize>>, problem| ExperimentError {
            file: file.to_owned(),
            position: span.map(|span| Position::of_byte(text, span.start)),
            problem,
        };
        let wrong_toml = |wrong: toml::de::Error| {
            let message = in_toml_words(wrong.message());
            error(wrong.span(), Problem::Toml { message })
        };

        let read = |table: &Spanned<DeTable<'_>>| {
            let mut table = table.clone();
            complete_recipes(table.get_mut());
            Self::deserialize(Deserializer::from(table)).map_err(wrong_toml)
        };

        let mut base = DeTable::parse(text).map_err(wrong_toml)?;
        let presets = match base.get_mut().remove("presets") {
            None => DeTable::new(),
            Some(value) => {
                let span = value.span();
                let message = "presets must be a table of tables".to_owned();
                let DeValue::Table(presets) = value.into_inner() else {
                    return Err(error(Some(span), Problem::Toml { message }));
                };
                presets
            }
        };
        for (name, changes) in &presets {
            check_name("presets", name.get_ref())
                .map_err(|problem| error(Some(name.span()), problem))?;
            let Some(table) = changes.get_ref().as_table() else {
                let message = format!("presets.{} must be a table", name.get_ref());
                return Err(error(Some(changes.span()), Problem::Toml { message }));
            };
            let mut merged = base.clone();
            merge(merged.get_mut(), table);
            check_values(&read(&merged)?)
                .map_err(|mistake| mistake.located(file, text, merged.get_ref()))?;
        }
        let chosen = match preset {
            None => base,
            Some(names) => {
                changed(base, &presets, names).map_err(|problem| error(None, problem))?
            }
        };
        let experiment = read(&chosen)?;
        let located = |mistake: Mistake| mistake.located(file, text, chosen.get_ref());
        check(&experiment).map_err(located)?;
        let mut runs = Vec::new();
        for (index, variant) in experiment.variants.iter().enumerate() {
            let key = format!("variants.{index}");
            let unknown = |problem| located(Mistake::at_value(key, problem));
            let table = changed(chosen.clone(), &presets, variant).map_err(unknown)?;
            let names = read(&table)?.run.into_iter().map(|run| run.name);
            runs.extend(names.map(|run| format!("{variant}/{run}")));
        }
        if experiment.variants.is_empty() {
            runs.extend(experiment.run.iter().map(|run| run.name.clone()));
        }
        check_claims(&experiment, &runs).map_err(located)?;
        Ok(experiment)
    }

    /// The experiment as TOML, defaults and preset written out: what a run folder keeps.
    ///
    /// # Errors
    /// Only for values that no file can have given, such as a seed above 2⁶³.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(self)
    }
}

/// Checks a name that becomes part of a folder's name.
pub(super) fn check_name(key: &str, name: &str) -> Result<(), Problem> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(allowed)
        && name.len() <= 100
    {
        return Ok(());
    }
    Err(Problem::Value {
        key: key.to_owned(),
        value: format!("{name:?}"),
        needs: "a name of up to 100 letters, digits, `-`, `_` and `.`, starting with a letter or digit, \
                because folders are named after it"
            .to_owned(),
    })
}

/// Whether a recipe leaves nothing unsaid: it says of what kind its optimiser and its schedule are.
fn is_whole(recipe: &DeTable<'_>) -> bool {
    let says_kind = |key: &str| {
        let table = recipe.get(key).and_then(|table| table.get_ref().as_table());
        table.is_some_and(|table| table.contains_key("kind"))
    };
    says_kind("optimizer") && says_kind("schedule")
}

/// An experiment with presets applied, named one after another between commas.
fn changed<'a>(
    mut experiment: Spanned<DeTable<'a>>,
    presets: &DeTable<'a>,
    names: &str,
) -> Result<Spanned<DeTable<'a>>, Problem> {
    for name in names.split(',') {
        let changes = presets.get(name);
        let Some(changes) = changes.and_then(|preset| preset.get_ref().as_table()) else {
            let known = presets.keys().map(|name| name.get_ref().to_string());
            return Err(Problem::UnknownPreset {
                preset: name.to_owned(),
                known: known.collect(),
            });
        };
        merge(experiment.get_mut(), changes);
    }
    Ok(experiment)
}

/// Puts what each recipe of `recipes` leaves unsaid from `recipe` into it.
fn complete_recipes(experiment: &mut DeTable<'_>) {
    let base = experiment
        .get("recipe")
        .and_then(|base| base.get_ref().as_table());
    let Some(base) = base.cloned() else { return };
    let recipes = experiment.get_mut("recipes").map(Spanned::get_mut);
    let Some(DeValue::Table(recipes)) = recipes else {
        return;
    };
    for (_, recipe) in recipes.iter_mut() {
        if let DeValue::Table(changes) = recipe.get_mut()
            && !is_whole(changes)
        {
            let mut whole = base.clone();
            merge(&mut whole, changes);
            *changes = whole;
        }
    }
}

/// Puts `changes` into `base`; values keep the positions of the text they come from.
fn merge<'a>(base: &mut DeTable<'a>, changes: &DeTable<'a>) {
    for (key, value) in changes {
        if let (Some(old), DeValue::Array(new)) = (base.get_mut(key), value.get_ref())
            && key.get_ref() == "claim"
            && let DeValue::Array(old) = old.get_mut()
        {
            merge_claims(old, new);
            continue;
        }
        if let (Some(old), DeValue::Table(new)) = (base.get_mut(key), value.get_ref())
            && let DeValue::Table(old) = old.get_mut()
            && !changes_kind(old, new)
        {
            merge(old, new);
            continue;
        }
        base.insert(key.clone(), value.clone());
    }
}

/// Puts claims into those of the same `id`, and others after them.
fn merge_claims<'a>(base: &mut DeArray<'a>, changes: &DeArray<'a>) {
    fn id<'v>(claim: &'v Spanned<DeValue<'_>>) -> Option<&'v str> {
        claim.get_ref().as_table()?.get("id")?.get_ref().as_str()
    }
    for change in changes.iter() {
        let old = base
            .iter_mut()
            .find(|old| id(old).is_some() && id(old) == id(change));
        match (old.map(Spanned::get_mut), change.get_ref()) {
            (Some(DeValue::Table(old)), DeValue::Table(new)) => merge(old, new),
            _ => base.push(change.clone()),
        }
    }
}

/// Whether two tables describe schedules of different kinds, whose keys do not mix.
fn changes_kind(old: &DeTable<'_>, new: &DeTable<'_>) -> bool {
    let kind = |table: &DeTable<'_>| -> Option<String> {
        let value: &Spanned<DeValue<'_>> = table.get("kind")?;
        value.get_ref().as_str().map(str::to_owned)
    };
    kind(new).is_some_and(|new| Some(new) != kind(old))
}
