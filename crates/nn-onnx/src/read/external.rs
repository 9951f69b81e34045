//! Weights in files beside the model.

use std::fs::File;
use std::path::{Component, Path, PathBuf};

use crate::error::clean;
use crate::{Problem, proto};

use super::open_file;
use super::wire::{Span, Wire};

/// Where a tensor's numbers are.
pub(super) struct Place<'a> {
    tensor: &'a str,
    location: &'a str,
    offset: u64,
    length: Option<u64>,
}

impl<'a> Place<'a> {
    pub(super) fn of(tensor: &'a proto::Tensor) -> Result<Self, Problem> {
        let mut place = Self {
            tensor: &tensor.name,
            location: "",
            offset: 0,
            length: None,
        };
        for entry in &tensor.external_data {
            let number = || {
                entry.value.parse::<u64>().map_err(|_| {
                    let (key, value) = (clean(&entry.key), clean(&entry.value));
                    place.wrong(format!("but its {key} is `{value}`, which is no number"))
                })
            };
            match entry.key.as_str() {
                "location" => place.location = &entry.value,
                "offset" => place.offset = number()?,
                "length" => place.length = Some(number()?),
                _ => {}
            }
        }
        Ok(place)
    }

    /// The file, with the bytes in it: as many as the tensor takes, if the model does not say.
    pub(super) fn open(
        &self,
        folder: Option<&Path>,
        expected: Option<u64>,
    ) -> Result<(Wire<File>, Span), Problem> {
        let Some(folder) = folder else {
            let what =
                "a file beside the model, which is not read here: open the model by its path";
            return Err(self.wrong(what.into()));
        };
        let path = self.path(folder)?;
        let wire = open_file(&path)
            .and_then(Wire::new)
            .map_err(|problem| match problem {
                Problem::Read { reason } => {
                    let path = clean(&path.display().to_string());
                    let what =
                        format!("but `{path}` cannot be read ({reason}): put it beside the model");
                    self.wrong(what)
                }
                other => other,
            })?;
        let size = wire.whole().length();
        let length = self.length.or(expected);
        let length = length.unwrap_or(size.saturating_sub(self.offset));
        let end = self.offset.checked_add(length).filter(|&end| end <= size);
        let end = end.ok_or_else(|| {
            let offset = self.offset;
            self.wrong(format!(
                "{length} bytes from byte {offset} on, but that file has only {size} bytes: it is cut off, or of another \
                 model"
            ))
        })?;
        let start = self.offset;
        Ok((wire, Span { start, end }))
    }

    /// Refuses what leads out of the model's folder.
    fn path(&self, folder: &Path) -> Result<PathBuf, Problem> {
        let location = Path::new(self.location);
        let inside = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
        if self.location.is_empty() || !location.components().all(inside) {
            let what = "which is no file in the model's folder, and no other is read";
            return Err(self.wrong(what.into()));
        }
        Ok(folder.join(location))
    }

    fn wrong(&self, what: String) -> Problem {
        Problem::ExternalData {
            tensor: clean(self.tensor),
            location: clean(self.location),
            what,
        }
    }
}
