//! Where and when a run was made, for its records.

use std::process::Command;
use std::time::SystemTime;

/// Now, RFC 3339, UTC, in whole seconds.
///
/// ```
/// assert!(texp_cli::now().ends_with('Z'));
/// ```
pub fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// Git commit of the software, with `-dirty` if files differ from it; `None` where it was not built from a
/// checkout that is still there.
///
/// ```
/// let commit = texp_cli::commit().unwrap_or_else(|| "none".to_owned());
/// println!("made at commit {commit}");
/// ```
pub fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(["-C", env!("CARGO_MANIFEST_DIR")])
            .args(arguments)
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok()
    };
    let commit = git(&["rev-parse", "HEAD"])?.trim().to_owned();
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.trim().is_empty() {
        commit
    } else {
        format!("{commit}-dirty")
    })
}
