//! The recipe with its groups.

use std::io::{self, Write};

use super::{Decay, Groups};

/// Writes the recipe as it was read, and its groups after it: what `texp convert` reads.
pub(in super::super) fn write(out: &mut dyn Write, groups: &Groups) -> io::Result<()> {
    writeln!(out, "{}", groups.recipe.text().trim_end())?;
    for group in &groups.groups {
        let exponent = group.decay.exponent();
        writeln!(out, "\n[[group]]\nname = \"{}\"", group.decay.name())?;
        if exponent.denominator == 1 {
            writeln!(out, "exponent = {exponent}")?;
        } else {
            let value = exponent.numerator as f64 / exponent.denominator as f64;
            writeln!(out, "exponent = {value:?} # {exponent}")?;
        }
        if group.decay == Decay::None {
            writeln!(out, "weight_decay = 0.0")?;
        }
        for member in &group.members {
            writeln!(out, "# {}", member.name)?;
        }
    }
    Ok(())
}
