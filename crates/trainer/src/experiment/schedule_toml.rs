//! The form of a schedule in TOML: a number, or a flat table with a `kind`.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{EpochSchedule, Part};

/// The table form, flat: so that a mistake in one key is reported at that key.
#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Table {
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    factor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    milestones: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#final: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epochs: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    boundaries: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<Vec<Part>>,
}

impl Table {
    /// The keys that are set.
    fn keys(&self) -> Vec<&'static str> {
        let given = [
            ("value", self.value.is_some()),
            ("initial", self.initial.is_some()),
            ("factor", self.factor.is_some()),
            ("milestones", self.milestones.is_some()),
            ("final", self.r#final.is_some()),
            ("from", self.from.is_some()),
            ("to", self.to.is_some()),
            ("epochs", self.epochs.is_some()),
            ("values", self.values.is_some()),
            ("boundaries", self.boundaries.is_some()),
            ("parts", self.parts.is_some()),
        ];
        given
            .into_iter()
            .filter_map(|(key, is_given)| is_given.then_some(key))
            .collect()
    }

    fn into_schedule(self) -> Result<EpochSchedule, String> {
        let wanted: &[&str] = match self.kind.as_str() {
            "constant" => &["value"],
            "step" => &["initial", "factor", "milestones"],
            "cosine" => &["initial", "final", "epochs"],
            "linear-warmup" => &["from", "to", "epochs"],
            "piecewise" => &["values", "boundaries"],
            "joined" => &["parts"],
            unknown => {
                return Err(format!(
                    "unknown kind of schedule `{unknown}`, expected one of `constant`, `step`, `cosine`, \
                     `linear-warmup`, `piecewise`, `joined`"
                ));
            }
        };
        let keys = self.keys();
        if let Some(extra) = keys.iter().find(|key| !wanted.contains(key)) {
            return Err(format!(
                "a schedule of kind `{}` has no key `{extra}`, expected `{}`",
                self.kind,
                wanted.join("`, `")
            ));
        }
        if let Some(missing) = wanted.iter().find(|key| !keys.contains(key)) {
            return Err(format!(
                "a schedule of kind `{}` needs the key `{missing}`",
                self.kind
            ));
        }
        // Each kind's keys are there: the defaults below are never used.
        let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
        Ok(match self.kind.as_str() {
            "constant" => EpochSchedule::Constant {
                value: number(self.value),
            },
            "step" => EpochSchedule::Step {
                initial: number(self.initial),
                factor: number(self.factor),
                milestones: self.milestones.unwrap_or_default(),
            },
            "cosine" => EpochSchedule::Cosine {
                initial: number(self.initial),
                r#final: number(self.r#final),
                epochs: number(self.epochs),
            },
            "linear-warmup" => EpochSchedule::LinearWarmup {
                from: number(self.from),
                to: number(self.to),
                epochs: number(self.epochs),
            },
            "piecewise" => EpochSchedule::Piecewise {
                values: self.values.unwrap_or_default(),
                boundaries: self.boundaries.unwrap_or_default(),
            },
            _ => EpochSchedule::Joined {
                parts: self.parts.unwrap_or_default(),
            },
        })
    }
}

impl From<&EpochSchedule> for Table {
    fn from(schedule: &EpochSchedule) -> Self {
        let of = |kind: &str| Table {
            kind: kind.to_owned(),
            ..Table::default()
        };
        match schedule.clone() {
            EpochSchedule::Constant { value } => Table {
                value: Some(value),
                ..of("constant")
            },
            EpochSchedule::Step {
                initial,
                factor,
                milestones,
            } => Table {
                initial: Some(initial),
                factor: Some(factor),
                milestones: Some(milestones),
                ..of("step")
            },
            EpochSchedule::Cosine {
                initial,
                r#final,
                epochs,
            } => Table {
                initial: Some(initial),
                r#final: Some(r#final),
                epochs: Some(epochs),
                ..of("cosine")
            },
            EpochSchedule::LinearWarmup { from, to, epochs } => Table {
                from: Some(from),
                to: Some(to),
                epochs: Some(epochs),
                ..of("linear-warmup")
            },
            EpochSchedule::Piecewise { values, boundaries } => Table {
                values: Some(values),
                boundaries: Some(boundaries),
                ..of("piecewise")
            },
            EpochSchedule::Joined { parts } => Table {
                parts: Some(parts),
                ..of("joined")
            },
        }
    }
}

impl Serialize for EpochSchedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Constant { value } => serializer.serialize_f64(*value),
            _ => Table::from(self).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for EpochSchedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrTable;

        impl<'de> Visitor<'de> for NumberOrTable {
            type Value = EpochSchedule;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a table with a `kind` of schedule")
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<EpochSchedule, E> {
                Ok(EpochSchedule::Constant { value })
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<EpochSchedule, E> {
                Ok(EpochSchedule::Constant {
                    value: value as f64,
                })
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<EpochSchedule, E> {
                Ok(EpochSchedule::Constant {
                    value: value as f64,
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EpochSchedule, A::Error> {
                let table = Table::deserialize(MapAccessDeserializer::new(map))?;
                table.into_schedule().map_err(A::Error::custom)
            }
        }

        deserializer.deserialize_any(NumberOrTable)
    }
}
