//! What each kernel uses of a multiprocessor, as the assembler says it with `-v`.

use nn_engine::Products;

/// One function of one format on one architecture.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Usage {
    pub(super) function: String,
    pub(super) architecture: String,
    /// The format that convolutions multiply in.
    pub(super) products: Products,
    /// 32-bit registers of a thread; of a kernel, not of a function that kernels call.
    pub(super) registers: Option<u32>,
    /// Bytes of shared memory of a block, without what is asked for at launch.
    pub(super) shared: u32,
    /// Bytes of a thread's frame in local memory.
    pub(super) stack: u32,
    /// Bytes that a thread writes to and reads from local memory for want of registers.
    pub(super) spilled: [u32; 2],
}

impl Usage {
    /// What a kernel that waits for local memory is refused with; `None` if it does not.
    pub(super) fn complaint(&self) -> Option<String> {
        let Self {
            function,
            architecture,
            products,
            stack,
            spilled: [written, read],
            ..
        } = self;
        if *written > 0 || *read > 0 {
            return Some(format!(
                "`{function}` in {products} spills registers on {architecture}: {written} bytes a thread are written to local memory and \
                 {read} read back; give it fewer values to hold, or fewer threads a block"
            ));
        }
        (*stack > 0).then(|| {
            format!(
                "`{function}` in {products} keeps {stack} bytes a thread in local memory on {architecture}; index its arrays by \
                 constants, so that they fit into registers"
            )
        })
    }
}

/// Reads everything that the assembler says of functions, in its order.
///
/// # Errors
/// The first line that is not as expected: another version may say it otherwise, and a spill must not be missed.
pub(super) fn read(
    said: &str,
    products: Products,
    architecture: &str,
) -> Result<Vec<Usage>, String> {
    let mut found: Vec<Usage> = Vec::new();
    let mut entries = 0;
    let mut lines = said.lines();
    while let Some(line) = lines.next() {
        let unexpected = || format!("the assembler's line `{line}` cannot be read");
        let told = line.strip_prefix("ptxas info    : ").unwrap_or(line);
        if told.starts_with("Compiling entry function ") {
            entries += 1;
        } else if let Some(function) = told.strip_prefix("Function properties for ") {
            let frame = lines.next().unwrap_or_default();
            let amount = |of: &str| amount(frame, of).ok_or_else(unexpected);
            found.push(Usage {
                function: function.to_owned(),
                architecture: architecture.to_owned(),
                products,
                stack: amount("bytes stack frame")?,
                spilled: [amount("bytes spill stores")?, amount("bytes spill loads")?],
                ..Usage::default()
            });
        } else if let Some(used) = told.strip_prefix("Used ") {
            let usage = found.last_mut().ok_or_else(unexpected)?;
            usage.registers = Some(amount(used, "registers").ok_or_else(unexpected)?);
            usage.shared = amount(used, "bytes smem").unwrap_or(0);
        }
    }
    let kernels = found.iter().filter(|usage| usage.registers.is_some());
    match kernels.count() {
        0 => Err(format!("the assembler names no kernel for {architecture}")),
        count if count == entries => Ok(found),
        count => Err(format!(
            "the assembler compiled {entries} kernels for {architecture} and says of {count} what they use"
        )),
    }
}

/// The number in front of these words, of numbers and words between commas.
fn amount(line: &str, words: &str) -> Option<u32> {
    line.split(',')
        .find_map(|part| part.trim().strip_suffix(words)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What nvcc 13.0.88 said of four kernels, one of which calls a function and one of which has too few registers.
    const SAID: &str = "\
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'calls' for 'sm_80'
ptxas info    : Function properties for calls
    32 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 18 registers, used 0 barriers, 32 bytes cumulative stack size, 372 bytes cmem[0]
ptxas info    : Compile time = 3.437 ms
ptxas info    : Function properties for _Z6helperPKfi
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Compiling entry function 'spilling' for 'sm_80'
ptxas info    : Function properties for spilling
    64 bytes stack frame, 112 bytes spill stores, 108 bytes spill loads
ptxas info    : Used 32 registers, used 0 barriers, 64 bytes cumulative stack size
ptxas info    : Compile time = 13.627 ms
ptxas info    : Compiling entry function 'sum' for 'sm_80'
ptxas info    : Function properties for sum
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 31 registers, used 1 barriers, 1024 bytes smem, 372 bytes cmem[0]
ptxas info    : Compile time = 4.802 ms
ptxas info    : Compiling entry function 'copy' for 'sm_80'
ptxas info    : Function properties for copy
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 8 registers, used 0 barriers, 372 bytes cmem[0]
ptxas info    : Compile time = 0.881 ms
";

    #[test]
    fn everything_that_a_kernel_uses_is_read() {
        let found = read(SAID, Products::Full, "sm_80").unwrap();
        let numbers = |usage: &Usage| (usage.registers, usage.shared, usage.stack, usage.spilled);
        let read: Vec<_> = found
            .iter()
            .map(|usage| (&usage.function[..], numbers(usage)))
            .collect();
        let expected = [
            ("calls", (Some(18), 0, 32, [0, 0])),
            ("_Z6helperPKfi", (None, 0, 0, [0, 0])),
            ("spilling", (Some(32), 0, 64, [112, 108])),
            ("sum", (Some(31), 1024, 0, [0, 0])),
            ("copy", (Some(8), 0, 0, [0, 0])),
        ];
        assert_eq!(read, expected);
        assert!(found.iter().all(|usage| usage.architecture == "sm_80"));
    }

    #[test]
    fn local_memory_is_complained_of_by_name() {
        let found = read(SAID, Products::Full, "sm_80").unwrap();
        let complaints: Vec<String> = found.iter().filter_map(Usage::complaint).collect();
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(
            complaints[0]
                .starts_with("`calls` in full keeps 32 bytes a thread in local memory on sm_80")
        );
        let spill = "`spilling` in full spills registers on sm_80: 112 bytes a thread are written to local memory and 108 read back";
        assert!(complaints[1].starts_with(spill), "{}", complaints[1]);
    }

    #[test]
    fn what_cannot_be_read_is_no_kernel_without_spills() {
        for (said, reason) in [
            (String::new(), "names no kernel"),
            (
                SAID.replace("112 bytes spill stores", "some spill stores"),
                "`ptxas info    : Function properties for spilling` cannot be read",
            ),
            (
                SAID.replace("Used 31 registers", "31 registers"),
                "compiled 4 kernels for sm_80 and says of 3",
            ),
            (
                SAID.replace("8 registers", "few registers"),
                "cannot be read",
            ),
        ] {
            let error = read(&said, Products::Full, "sm_80").unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
