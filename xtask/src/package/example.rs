//! The Rust examples of a README.

/// One example.
pub(super) struct Example {
    /// The code, with the lines that rustdoc hides.
    pub(super) code: String,
    /// Whether it is to be run, or only compiled.
    pub(super) runs: bool,
}

/// The examples that rustdoc would test, in order.
pub(super) fn of_readme(text: &str) -> Vec<Example> {
    let mut examples = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            continue;
        };
        let block = lines.by_ref().take_while(|line| *line != "```");
        let code: Vec<&str> = block
            .map(|line| match line {
                "#" => "",
                line => line.strip_prefix("# ").unwrap_or(line),
            })
            .collect();
        if matches!(language, "rust" | "no_run" | "") {
            examples.push(Example {
                code: code.join("\n"),
                runs: language != "no_run",
            });
        }
    }
    examples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_is_found_and_hidden_lines_are_shown() {
        let readme = "# T\n```rust\nlet a = 1;\n# Ok::<(), ()>(())\n```\n```sh\nls\n```\n```no_run\nb();\n```\n";
        let found = of_readme(readme);
        let code: Vec<(&str, bool)> = found
            .iter()
            .map(|example| (example.code.as_str(), example.runs))
            .collect();
        assert_eq!(
            code,
            [("let a = 1;\nOk::<(), ()>(())", true), ("b();", false)]
        );
    }
}
