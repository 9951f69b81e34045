//! The groups in words.

use std::io::{self, Write};

use super::{Decay, Groups, ParameterGroup};

pub(in super::super) fn write(out: &mut dyn Write, groups: &Groups) -> io::Result<()> {
    for group in &groups.groups {
        writeln!(out)?;
        write_group(out, group)?;
    }
    if !groups.groups.iter().any(|group| group.decay == Decay::Gone) {
        writeln!(
            out,
            "\nNo weight decay can become a learning rate: the recipe has no twin without it."
        )?;
    }
    if !groups.statistics.mixed.is_empty() {
        writeln!(
            out,
            "\nThe running means of {} add terms that scale differently, and cannot be corrected: compute them \
             again before an evaluation.",
            groups.statistics.mixed.join(", ")
        )?;
    }
    Ok(())
}

fn write_group(out: &mut dyn Write, group: &ParameterGroup) -> io::Result<()> {
    let decay = group.decay;
    let becomes = match decay {
        Decay::Gone => "weight decay becomes an exponential learning rate, exactly",
        Decay::Partly(_) => {
            "a part of the weight decay becomes an exponential learning rate, the rest stays"
        }
        Decay::Stays => "weight decay stays",
        Decay::None => "no weight decay",
    };
    let (name, exponent) = (decay.name(), decay.exponent());
    let count = match group.members.len() {
        1 => "1 parameter".to_owned(),
        count => format!("{count} parameters"),
    };
    writeln!(out, "{name}, exponent {exponent}, {count}: {becomes}")?;
    if decay == Decay::Gone || decay == Decay::None {
        let names: Vec<&str> = group.members.iter().map(|m| m.name.as_str()).collect();
        return writeln!(out, "  {}", names.join(", "));
    }
    for member in &group.members {
        match &member.why {
            Some(why) => writeln!(out, "  {}: {why}", member.name)?,
            None => writeln!(out, "  {}", member.name)?,
        }
    }
    Ok(())
}
