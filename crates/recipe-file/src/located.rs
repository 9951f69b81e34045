//! Where in a TOML text a mistake was made.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::Problem;

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
    #[must_use]
    pub fn of_byte(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or(before);
        Self {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// What is wrong with a file, and where.
#[derive(Debug)]
pub struct Located<P> {
    /// The file, or what stands for it.
    pub file: String,
    /// Where in the file, if it is in one place.
    pub position: Option<Position>,
    /// What is wrong.
    pub problem: P,
}

impl<P: fmt::Display> fmt::Display for Located<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(position) = self.position {
            write!(f, ", {position}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl<P: Error> Error for Located<P> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The problem's own words are part of this error's; what caused it comes next.
        self.problem.source()
    }
}

/// A place in TOML by its path, such as `run.1.name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A key.
    Key(String),
    /// The value of a key, or an entry of a list.
    Value(String),
}

impl Place {
    /// The bytes of its text; those of the innermost table around it if it is not there, because that
    /// is where it is missing, and `None` where that table is the whole text.
    #[must_use]
    pub fn span(&self, root: &DeTable<'_>) -> Option<Range<usize>> {
        let (Self::Key(path) | Self::Value(path)) = self;
        let mut found = in_table(root, path);
        let mut span = None;
        while let Some(Found { key, value, rest }) = found {
            let at_key = rest.is_empty() && matches!(self, Self::Key(_));
            span = key.filter(|_| at_key).or(Some(value.span()));
            found = match value.get_ref() {
                _ if rest.is_empty() => None,
                DeValue::Table(table) => in_table(table, rest),
                DeValue::Array(values) => {
                    let (index, rest) = rest.split_once('.').unwrap_or((rest, ""));
                    let index = index.parse::<usize>().ok();
                    let value = index.and_then(|index| values.get(index));
                    value.map(|value| Found {
                        key: None,
                        value,
                        rest,
                    })
                }
                _ => None,
            };
        }
        span
    }
}

/// The first part of a path.
struct Found<'a, 'text, 'path> {
    key: Option<Range<usize>>,
    value: &'a Spanned<DeValue<'text>>,
    /// The path from there.
    rest: &'path str,
}

/// The key with which a path begins; keys may have dots themselves.
fn in_table<'a, 'text, 'path>(
    table: &'a DeTable<'text>,
    path: &'path str,
) -> Option<Found<'a, 'text, 'path>> {
    let begins = |(key, value): (&Spanned<_>, &'a Spanned<DeValue<'text>>)| {
        let name: &std::borrow::Cow<'_, str> = key.get_ref();
        let rest = path.strip_prefix(name.as_ref())?;
        let rest = if rest.is_empty() {
            Some(rest)
        } else {
            rest.strip_prefix('.')
        };
        let key = Some(key.span());
        rest.map(|rest| Found { key, value, rest })
    };
    let found = table.iter().filter_map(begins);
    found.min_by_key(|found| found.rest.len())
}

/// What is wrong at a place of a text that is not known, or not one.
#[derive(Debug)]
pub struct Mistake<P = Problem> {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub problem: P,
}

impl<P> Mistake<P> {
    /// The mistake that a value is wrong, or not there.
    #[must_use]
    pub fn at_value(path: impl Into<String>, problem: P) -> Self {
        let place = Place::Value(path.into());
        Self { place, problem }
    }

    /// The mistake in a file: `root` is what `text` says, or is merged from its parts.
    #[must_use]
    pub fn located(self, file: &str, text: &str, root: &DeTable<'_>) -> Located<P> {
        let span = self.place.span(root);
        Located {
            file: file.to_owned(),
            position: span.map(|span| Position::of_byte(text, span.start)),
            problem: self.problem,
        }
    }
}
