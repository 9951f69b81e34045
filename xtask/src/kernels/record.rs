//! What the kernels use, as a table that is kept.

use super::toolchain::Toolchain;
use super::usage::Usage;
use benches::{Table, or_dash};

/// The record of these kernels, in Markdown.
pub(super) fn markdown(usages: &[Usage]) -> String {
    let mut table = Table::new([
        "kernel",
        "format",
        "architecture",
        "registers",
        "shared bytes",
        "stack bytes",
        "spilled bytes",
    ]);
    let mut usages: Vec<&Usage> = usages.iter().collect();
    // The compiler's order changes with the kernels' text.
    usages.sort_by_key(|usage| {
        (
            &usage.function,
            usage.products.to_string(),
            &usage.architecture,
        )
    });
    for usage in usages {
        table.row(vec![
            usage.function.clone(),
            usage.products.to_string(),
            usage.architecture.clone(),
            or_dash(usage.registers),
            usage.shared.to_string(),
            usage.stack.to_string(),
            usage.spilled.iter().sum::<u32>().to_string(),
        ]);
    }
    format!(
        "# What the kernels use\n\nOf a thread: registers, stack in local memory, bytes spilled to it and back; of a block: \
         shared memory, without what is asked for at launch. By nvcc {}. `cargo xtask kernels` compares, `cargo xtask \
         kernels --record` writes this file.\n\n{}",
        Toolchain::version(),
        table.markdown()
    )
}

/// The lines that only one of two records has: those of the old with `-`, those of the new with `+`.
pub(super) fn difference(old: &str, new: &str) -> Vec<String> {
    let only = |sign: char, lines: &str, other: &str| {
        let other: Vec<Vec<&str>> = other.lines().map(cells).collect();
        let lines = lines.lines().filter(|line| !other.contains(&cells(line)));
        let lines = lines.map(|line| format!("{sign} {line}"));
        lines.collect::<Vec<_>>()
    };
    [only('-', old, new), only('+', new, old)].concat()
}

/// Without the padding of columns, which one long name changes in every line.
fn cells(line: &str) -> Vec<&str> {
    let cells = line.split('|').map(|cell| cell.trim_matches([' ', '-']));
    cells.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(function: &str, architecture: &str, registers: u32) -> Usage {
        Usage {
            function: function.to_owned(),
            architecture: architecture.to_owned(),
            registers: Some(registers),
            shared: 1024,
            ..Usage::default()
        }
    }

    #[test]
    fn a_record_does_not_depend_on_the_compilers_order() {
        let mut usages = [
            usage("sum", "sm_90", 31),
            usage("copy", "sm_90", 10),
            usage("copy", "sm_80", 8),
        ];
        let record = markdown(&usages);
        usages.reverse();
        assert_eq!(markdown(&usages), record);
        let rows: Vec<&str> = record.lines().filter(|line| line.contains("sm_")).collect();
        assert!(rows[0].starts_with("| copy ") && rows[0].contains("sm_80"));
        assert!(rows[2].starts_with("| sum ") && rows[2].contains("1024"));
    }

    #[test]
    fn only_what_changed_is_a_difference() {
        let old = [usage("copy", "sm_80", 8), usage("sum", "sm_80", 31)];
        // Wider columns are no change.
        let new = [
            usage("copy", "sm_80", 8),
            usage("sum", "sm_80", 32),
            usage("a_kernel_with_a_long_name", "sm_80", 9),
        ];
        assert!(difference(&markdown(&old), &markdown(&old)).is_empty());
        let changed = difference(&markdown(&old), &markdown(&new));
        let starts: Vec<&str> = changed.iter().map(|line| &line[..7]).collect();
        assert_eq!(starts, ["- | sum", "+ | a_k", "+ | sum"]);
    }
}
