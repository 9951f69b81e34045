//! `cargo xtask kernels sanitize`: every kernel under ThreadSanitizer and AddressSanitizer, on the simulated driver.

use cuda_sim::Sanitizer;

use super::simulated::Corpus;

/// Trains the small cases of the corpus, which launch every kernel, under both.
///
/// # Errors
/// That it could not be done.
pub(super) fn run() -> Result<Vec<String>, String> {
    let corpus = Corpus::build()?;
    let mut complaints = Vec::new();
    for (name, sanitizer) in [
        ("ThreadSanitizer", Sanitizer::Thread),
        ("AddressSanitizer", Sanitizer::Address),
    ] {
        let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
        let found = corpus.run(None, Some(sanitizer), scratch.path())?;
        println!(
            "{name}: {} cases, {} deviations, {} reports",
            found.cases,
            found.deviations,
            found.reports.len()
        );
        complaints.extend(found.error.map(|error| format!("{name}: {error}")));
        complaints.extend(
            found
                .reports
                .into_iter()
                .map(|report| format!("{name}:\n{report}")),
        );
        if found.cases == 0 {
            complaints.push(format!("{name}: no case was trained"));
        }
    }
    Ok(complaints)
}
