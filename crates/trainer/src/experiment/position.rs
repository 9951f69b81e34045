//! Where in a TOML text something stands.

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column, in characters, from 1.
    pub column: usize,
}

impl Position {
    /// The position of a byte.
    pub(super) fn of_byte(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let start_of_line = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[start_of_line..].chars().count() + 1,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// The span of the value at a path such as `run.1.name`; of its last existing ancestor if there is
/// no such value, because that is where it is missing.
pub(super) fn span_of(root: &Spanned<DeTable<'_>>, path: &str) -> Option<Range<usize>> {
    let mut table = Some(root.get_ref());
    let mut array = None;
    let mut span = None;
    for segment in path.split('.') {
        let value: Option<&Spanned<DeValue<'_>>> = match (table, array) {
            (Some(table), _) => table
                .iter()
                .find_map(|(key, value)| (key.get_ref() == segment).then_some(value)),
            (None, Some(array)) => {
                let array: &toml::de::DeArray<'_> = array;
                segment
                    .parse()
                    .ok()
                    .and_then(|index: usize| array.get(index))
            }
            (None, None) => None,
        };
        let Some(value) = value else { break };
        span = Some(value.span());
        table = value.get_ref().as_table();
        array = value.get_ref().as_array();
    }
    span
}
