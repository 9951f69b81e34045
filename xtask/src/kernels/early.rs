//! What a kernel does before it waits for the launch before, which may still run: in the machine code, where nothing can be moved any
//! more.

use std::collections::{BTreeSet, HashMap};

use nn_engine::Products;

/// The instruction that waits, and the one that lets the next launch begin.
const WAIT: &str = "ACQBULK";
const LET_BEGIN: &str = "PREEXIT";

/// Instructions that touch memory outside of a multiprocessor.
const OF_MEMORY: [&str; 9] = [
    "LD", "LDG", "LDGSTS", "ST", "STG", "ATOM", "ATOMG", "RED", "REDG",
];

/// Whether generations of this architecture have launches that begin early, so that there is something to look for.
pub(super) fn begins_early(architecture: &str) -> bool {
    // Letters that may follow name what one generation alone has.
    let digits = architecture.trim_matches(|letter: char| !letter.is_ascii_digit());
    let capability = digits.parse();
    capability.is_ok_and(|capability: u32| capability >= 90)
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Instruction<'a> {
    /// With what follows after dots.
    name: &'a str,
    /// Whether it may do nothing: for a predicate before it, or among what a branch names.
    is_conditional: bool,
    /// The labels that it names: where it may go on.
    labels: Vec<&'a str>,
}

impl Instruction<'_> {
    fn base(&self) -> &str {
        self.name.split('.').next().unwrap_or_default()
    }

    fn is(&self, base: &str) -> bool {
        self.base() == base
    }

    /// Whether it touches memory, but for the copy that is allowed: of 16 bytes to shared memory, past the L1 cache,
    /// of what older launches have written.
    fn touches_memory(&self) -> bool {
        let is_allowed = self.is("LDGSTS") && self.name.contains("BYPASS");
        OF_MEMORY.contains(&self.base()) && !is_allowed
    }

    /// Whether the next may follow it.
    fn goes_on(&self) -> bool {
        self.is_conditional || !["BRA", "EXIT", "RET.REL.NODEC"].contains(&self.name)
    }
}

/// A kernel's instructions, and which of them labels name.
#[derive(Debug, Default)]
struct Kernel<'a> {
    instructions: Vec<Instruction<'a>>,
    labels: HashMap<&'a str, usize>,
}

/// What is wrong with each kernel that touches memory, or may end, before it has waited.
///
/// # Errors
/// What cannot be followed, in a sentence.
pub(super) fn complaints(
    disassembly: &str,
    products: Products,
    architecture: &str,
) -> Result<Vec<String>, String> {
    let kernels = read(disassembly);
    if kernels.is_empty() {
        return Err(format!(
            "the disassembler names no kernel for {architecture}"
        ));
    }
    let mut complaints = Vec::new();
    for (name, kernel) in kernels {
        let of = format!("`{name}` in {products} on {architecture}");
        let found =
            before_the_wait(&kernel).map_err(|what| format!("{of} cannot be followed: {what}"))?;
        complaints.extend(found.map(|what| {
            format!(
                "{of} {what} before it has waited for the launch before (`wait_for_launch_before`)"
            )
        }));
    }
    Ok(complaints)
}

/// The first thing that a kernel may do before it waits and must not, as the rest of a sentence.
fn before_the_wait(kernel: &Kernel<'_>) -> Result<Option<String>, String> {
    let mut open = BTreeSet::from([0]);
    let mut seen = BTreeSet::new();
    while let Some(index) = open.pop_first() {
        if !seen.insert(index) {
            continue;
        }
        let Some(instruction) = kernel.instructions.get(index) else {
            return Err("it goes on beyond its last instruction".into());
        };
        if instruction.is(WAIT) && !instruction.is_conditional {
            continue;
        }
        if instruction.is(LET_BEGIN) {
            return Ok(Some("lets the next launch begin".into()));
        }
        if instruction.touches_memory() {
            return Ok(Some(format!("touches memory ({})", instruction.name)));
        }
        if instruction.is("EXIT") {
            return Ok(Some("may end".into()));
        }
        if ["BRX", "JMX", "JMP"].contains(&instruction.base()) {
            return Err(format!("{} says not where to", instruction.name));
        }
        for label in &instruction.labels {
            let target = kernel.labels.get(label);
            open.insert(*target.ok_or_else(|| format!("there is no label {label}"))?);
        }
        if instruction.goes_on() {
            open.insert(index + 1);
        }
    }
    Ok(None)
}

/// The kernels of what `nvdisasm -c` prints, by name.
fn read(disassembly: &str) -> Vec<(&str, Kernel<'_>)> {
    let mut kernels: Vec<(&str, Kernel<'_>)> = Vec::new();
    for line in disassembly.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix(".text.") {
            let name = name.trim_end_matches(':');
            kernels.push((name, Kernel::default()));
        }
        let Some((_, kernel)) = kernels.last_mut() else {
            continue;
        };
        if let Some(label) = line.strip_suffix(':') {
            kernel.labels.insert(label, kernel.instructions.len());
        }
        kernel.instructions.extend(instruction(line));
    }
    kernels
}

/// A line such as `/*00f0*/ @!P3 BRA `(.L_x_1) ;`.
fn instruction(line: &str) -> Option<Instruction<'_>> {
    let (_, text) = line.strip_prefix("/*")?.split_once("*/")?;
    let text = text.trim();
    let (is_conditional, text) = match text.strip_prefix('@') {
        Some(rest) => (true, rest.split_once(' ')?.1.trim()),
        None => (false, text),
    };
    let name = text.split([' ', ';']).next()?;
    let operands = text[name.len()..].trim_start();
    let mut labels = text.split("`(");
    labels.next();
    Some(Instruction {
        name,
        is_conditional: is_conditional || name == "BRA" && !operands.starts_with('`'),
        labels: labels.filter_map(|rest| rest.split(')').next()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nvdisasm prints a kernel that copies before it waits, if it does, and reads after it.
    const COPIES: &str = "\
.text.copies:
        /*0000*/                   LDC R1, c[0x0][0x28] ;
        /*0010*/               @P0 BRA `(.L_x_1) ;
        /*0020*/                   LDGSTS.E.BYPASS.128 [R5], desc[UR6][R2.64] ;
        /*0030*/                   BRA `(.L_x_2) ;
.L_x_1:
        /*0040*/                   IMAD.MOV R2, RZ, RZ, R3 ;
.L_x_2:
        /*0050*/                   ACQBULK ;
        /*0060*/                   LDG.E R0, desc[UR6][R2.64] ;
        /*0070*/                   EXIT ;
";

    fn complaints_of(text: &str) -> Vec<String> {
        complaints(text, Products::Bf16, "sm_90").unwrap()
    }

    #[test]
    fn what_comes_after_the_wait_is_free() {
        assert_eq!(complaints_of(COPIES), Vec::<String>::new());
    }

    #[test]
    fn what_comes_before_it_is_complained_of() {
        let read = COPIES.replace("IMAD.MOV R2, RZ, RZ, R3", "LDG.E R2, desc[UR6][R2.64]");
        assert_eq!(
            complaints_of(&read),
            [
                "`copies` in bf16 on sm_90 touches memory (LDG.E) before it has waited for the launch before \
              (`wait_for_launch_before`)"
            ]
        );
        for (before, after, words) in [
            (".BYPASS.128", ".64", "touches memory (LDGSTS.E.64)"),
            ("LDC R1, c[0x0][0x28]", "@P1 EXIT", "may end"),
            (
                "LDC R1, c[0x0][0x28]",
                "PREEXIT",
                "lets the next launch begin",
            ),
            ("ACQBULK", "NOP", "touches memory (LDG.E)"),
            ("ACQBULK", "@P0 ACQBULK", "touches memory (LDG.E)"),
            // Branches that may be passed by.
            (
                "BRA `(.L_x_2)",
                "BRA P1, `(.L_x_2) ;\n /*0038*/ STG.E [R2], R0",
                "touches memory (STG.E)",
            ),
            (
                "BRA `(.L_x_2)",
                "BRA.DIV UR4, `(.L_x_2) ;\n /*0038*/ STG.E [R2], R0",
                "touches memory (STG.E)",
            ),
            // Behind the end, where compilers put what is seldom needed.
            (
                "BRA `(.L_x_2)",
                "BRA `(.L_x_3)",
                "touches memory (ATOMG.E.ADD)",
            ),
        ] {
            let end = "\n.L_x_3:\n /*0080*/ ATOMG.E.ADD PT, R0, desc[UR6][R2.64], R1 ;\n /*0090*/ BRA `(.L_x_2) ;\n";
            let text = COPIES.replace(before, after) + end;
            let found = complaints_of(&text);
            assert!(found.len() == 1 && found[0].contains(words), "{found:?}");
        }
    }

    #[test]
    fn what_cannot_be_followed_is_an_error() {
        for (text, words) in [
            (String::new(), "names no kernel"),
            (
                COPIES.replace("@P0 BRA", "@P0 BRX"),
                "BRX says not where to",
            ),
            (COPIES.replace(".L_x_1:", ""), "there is no label .L_x_1"),
            (
                COPIES
                    .split("        /*0040")
                    .next()
                    .unwrap()
                    .replace("BRA `(.L_x_2)", "NOP"),
                "beyond its last",
            ),
        ] {
            let error = complaints(&text, Products::Bf16, "sm_90").unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn generations_with_early_launches_are_known() {
        let early = ["sm_80", "sm_89", "sm_90", "sm_90a", "sm_100"].map(begins_early);
        assert_eq!(early, [false, false, true, true, true]);
    }
}
