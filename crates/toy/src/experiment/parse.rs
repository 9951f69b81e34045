//! From TOML text to a checked experiment.

use recipe_file::{Located, Position, in_toml_words};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::check::check;
use super::{Experiment, ExperimentError, Problem};

impl Experiment {
    /// Reads TOML and applies one of its presets, if one is named; `file` is for messages.
    ///
    /// A preset is a table `[presets.<name>]` of keys that replace those of the file: tables are merged key by key,
    /// lists are replaced as a whole. Every preset is checked, also those that are not asked for.
    ///
    /// # Errors
    /// [`ExperimentError`] with the position of the first mistake.
    ///
    /// ```
    /// use toy::experiment::Experiment;
    ///
    /// let text = r#"
    /// name = "mine"
    /// title = "Nothing yet"
    /// dimension = 10
    /// learning_rate = 0.1
    /// first_seed = 1
    /// seeds = 4
    /// threshold = 0.5
    /// stationary = { burn_in = 2, measured = 4 }
    /// [presets.quick]
    /// stationary = { measured = 1 }
    /// "#;
    /// let quick = Experiment::parse(text, "mine.toml", Some("quick"))?;
    /// assert_eq!((quick.stationary.burn_in, quick.stationary.measured), (2.0, 1.0));
    ///
    /// let wrong = text.replace("threshold = 0.5", "threshold = 2");
    /// assert_eq!(
    ///     Experiment::parse(&wrong, "mine.toml", None).unwrap_err().to_string(),
    ///     "mine.toml, line 8, column 13: `threshold` is 2; it must be above 0 and below 1",
    /// );
    /// # Ok::<(), toy::experiment::ExperimentError>(())
    /// ```
    pub fn parse(text: &str, file: &str, preset: Option<&str>) -> Result<Self, ExperimentError> {
        let error = |span: Option<std::ops::Range<usize>>, problem| Located {
            file: file.to_owned(),
            position: span.map(|span| Position::of_byte(text, span.start)),
            problem,
        };
        let wrong_toml = |wrong: toml::de::Error| {
            let message = in_toml_words(wrong.message());
            error(wrong.span(), Problem::Toml { message })
        };
        let wrong_type = |span, message: String| error(Some(span), Problem::Toml { message });
        let read = |table: &Spanned<DeTable<'_>>| -> Result<Self, ExperimentError> {
            let experiment =
                Self::deserialize(Deserializer::from(table.clone())).map_err(wrong_toml)?;
            check(&experiment).map_err(|mistake| mistake.located(file, text, table.get_ref()))?;
            Ok(experiment)
        };

        let mut base = DeTable::parse(text).map_err(wrong_toml)?;
        let presets = match base.get_mut().remove("presets") {
            None => DeTable::new(),
            Some(value) => {
                let span = value.span();
                let DeValue::Table(presets) = value.into_inner() else {
                    return Err(wrong_type(span, "presets must be a table of tables".into()));
                };
                presets
            }
        };
        let plain = read(&base)?;
        let mut chosen = preset.is_none().then_some(plain);
        for (name, changes) in &presets {
            let Some(table) = changes.get_ref().as_table() else {
                let message = format!("presets.{} must be a table", name.get_ref());
                return Err(wrong_type(changes.span(), message));
            };
            let mut merged = base.clone();
            merge(merged.get_mut(), table);
            let experiment = read(&merged)?;
            if preset == Some(name.get_ref().as_ref()) {
                chosen = Some(experiment);
            }
        }
        chosen.ok_or_else(|| {
            let known = presets.keys().map(|name| name.get_ref().to_string());
            let known = known.collect();
            let preset = preset.unwrap_or_default().to_owned();
            error(None, Problem::UnknownPreset { preset, known })
        })
    }

    /// The experiment as TOML, its preset written out: what a folder of results keeps.
    ///
    /// # Errors
    /// Only for values that no file can have given, such as a seed above 2⁶³.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(self)
    }
}

/// Puts `changes` into `base`; values keep the positions of the text they come from.
fn merge<'a>(base: &mut DeTable<'a>, changes: &DeTable<'a>) {
    for (key, value) in changes {
        if let (Some(old), DeValue::Table(new)) = (base.get_mut(key), value.get_ref())
            && let DeValue::Table(old) = old.get_mut()
        {
            merge(old, new);
            continue;
        }
        base.insert(key.clone(), value.clone());
    }
}
