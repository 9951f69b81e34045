//! The answer as a table, with what it means in words.

use std::io::{self, Write};

use scale_invariance::{Invariance, ParameterInvariance};

use super::{Answer, groups, json};
use crate::output::table;

pub(super) fn write(out: &mut dyn Write, answer: &Answer) -> io::Result<()> {
    let inspection = &answer.inspection;
    let header = [
        "parameter",
        "shape",
        "scaled",
        "degree",
        "by",
        "group",
        "why not",
    ];
    writeln!(
        out,
        "{}\n",
        table(header, inspection.parameters.iter().map(row))
    )?;
    let count = |invariance| {
        let parameters = inspection.parameters.iter();
        parameters.filter(|p| p.invariance == invariance).count()
    };
    writeln!(
        out,
        "{} parameters: {} scale alone, {} jointly with their group, {} only balanced against others, {} not at all.",
        inspection.parameters.len(),
        count(Invariance::Alone),
        count(Invariance::Jointly),
        count(Invariance::Balanced),
        count(Invariance::None),
    )?;
    writeln!(
        out,
        "Scalings of whole parameters that leave the function alone: {} dimensions. All parameters by one factor: {}.",
        inspection.dimension,
        if inspection.scale_invariant {
            "yes"
        } else {
            "no"
        },
    )?;
    write_paper(out, answer)
}

fn row(found: &ParameterInvariance) -> [String; 7] {
    let extents = found.extents.iter().flatten();
    let lengths: Vec<String> = extents
        .map(|length| length.map_or("?".into(), |length| length.to_string()))
        .collect();
    [
        found.name.clone(),
        lengths.join("×"),
        json::invariance(found.invariance).to_owned(),
        found
            .degree
            .map_or(String::new(), |degree| degree.to_string()),
        found
            .granularity
            .map_or(String::new(), |g| json::granularity(g).to_owned()),
        found.group.map_or(String::new(), |group| group.to_string()),
        found.reason.clone().unwrap_or_default(),
    ]
}

/// What the paper's rules say, and what everything is said of.
pub(super) fn write_paper(out: &mut dyn Write, answer: &Answer) -> io::Result<()> {
    match &answer.inspection.paper_rules {
        Ok(()) => writeln!(out, "The paper's rules: scale-invariant.")?,
        Err(violation) => writeln!(out, "The paper's rules: not shown, since {violation}.")?,
    }
    writeln!(
        out,
        "Of the network as it is trained: normalised by the batch's statistics, whatever the file was exported for, and \
         without ε."
    )?;
    for unsupported in &answer.unsupported {
        writeln!(
            out,
            "No rule is known for {}, so nothing that it reads may be scaled: {}.",
            unsupported.operator,
            unsupported.layers.join(", ")
        )?;
    }
    if let Some(probed) = &answer.probed {
        probed.write(out, &answer.inspection)?;
    }
    match &answer.groups {
        Some(found) => groups::words::write(out, found),
        None => Ok(()),
    }
}
