//! What TOML's parser says, for people.

/// A parser's message as the beginning of a sentence on one line, in TOML's words and not in
/// Rust's.
///
/// ```
/// let message = recipe_file::in_toml_words("unknown field `dept`,\n expected `depth`");
/// assert_eq!(message, "unknown key `dept`, expected `depth`");
/// ```
#[must_use]
pub fn in_toml_words(message: &str) -> String {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    [
        ("unknown field", "unknown key"),
        ("missing field", "missing key"),
        ("unknown variant", "unknown value"),
        ("expected usize", "expected a whole number of at least 0"),
        ("expected u64", "expected a whole number of at least 0"),
        ("expected f64", "expected a number"),
        ("expected a sequence", "expected a list"),
        ("expected a map", "expected a table"),
    ]
    .into_iter()
    .fold(message, |message, (rust, toml)| message.replace(rust, toml))
}
