//! The groups' parameters for PyTorch.

use std::io::{self, Write};

use super::Groups;

/// Writes a Python file that gives a model's parameters in the recipe's groups; it needs nothing but Python.
///
/// `source` is the file of the network.
pub(in super::super) fn write(
    out: &mut dyn Write,
    groups: &Groups,
    source: &str,
) -> io::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    writeln!(
        out,
        "\"\"\"Parameter groups for a recipe whose weight decay becomes an exponential learning rate.\n\n\
         Made by texp inspect {version} from {}.\n",
        comment(source)
    )?;
    write!(out, "{}", include_str!("about.txt"))?;
    writeln!(
        out,
        "# The parameters of each group, with their shapes.\nGROUPS = {{"
    )?;
    for group in &groups.groups {
        writeln!(out, "    # Exponent {}.", group.decay.exponent())?;
        writeln!(out, "    {}: {{", text(&group.decay.name()))?;
        for member in &group.members {
            let lengths = member.extents.as_deref().unwrap_or_default();
            writeln!(out, "        {}: {},", text(&member.name), tuple(lengths))?;
        }
        writeln!(out, "    }},")?;
    }
    writeln!(out, "}}\n\n# Parameters that are not trained.\nFIXED = [")?;
    for name in &groups.fixed {
        writeln!(out, "    {},", text(name))?;
    }
    writeln!(
        out,
        "]\n\n# How what each batch normalisation reads scales, for correct_running_statistics.\nDEGREES = {{"
    )?;
    for (module, degree) in &groups.statistics.degrees {
        writeln!(out, "    {}: {degree},", text(module))?;
    }
    writeln!(out, "}}")?;
    if !groups.statistics.mixed.is_empty() {
        writeln!(
            out,
            "# Not corrected by any power, since it adds terms that scale differently: compute it again.\n# {}",
            groups.statistics.mixed.join(", ")
        )?;
    }
    write!(out, "{}", include_str!("param_groups.py"))
}

/// A text as Python has it: JSON's escapes are among Python's.
fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A shape as Python has it.
fn tuple(lengths: &[Option<usize>]) -> String {
    let lengths: Vec<String> = lengths
        .iter()
        .map(|length| length.map_or("None".into(), |length| length.to_string()))
        .collect();
    match lengths.as_slice() {
        [only] => format!("({only},)"),
        lengths => format!("({})", lengths.join(", ")),
    }
}

/// A text within a comment in triple quotes.
fn comment(text: &str) -> String {
    text.replace(['\\', '"'], "?")
}
