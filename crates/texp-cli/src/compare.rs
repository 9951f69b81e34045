//! `texp compare`: runs of any folders in one page.

use std::path::{Path, PathBuf};

use report::{ComparedRun, comparison};
use run_records::RunFolder;

use crate::CommandError;
use crate::output::write_to;

/// What `texp compare` accepts.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub struct CompareArgs {
    /// A run folder, for all its runs, or FOLDER/NAME for the run of that name.
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// The page to write; one that exists is replaced.
    #[arg(long, value_name = "FILE", default_value = "compare.html")]
    pub out: PathBuf,
}

/// Which runs of which folder an argument names.
struct Named {
    /// The folder's own name.
    name: String,
    folder: RunFolder,
    runs: Vec<usize>,
}

/// Writes a page with the curves of all runs that are named.
///
/// # Errors
/// [`CommandError`]: an argument is neither a run folder nor a run in one, a folder cannot be read, or the page cannot be
/// written. Nothing is written unless all runs could be read.
pub fn compare(args: &CompareArgs) -> Result<(), CommandError> {
    let named: Vec<Named> = args
        .runs
        .iter()
        .map(|path| find(path))
        .collect::<Result<_, _>>()?;
    let compared: Vec<ComparedRun<'_>> = named
        .iter()
        .flat_map(|named| {
            named.runs.iter().map(|&run| ComparedRun {
                folder_name: &named.name,
                folder: &named.folder,
                run,
            })
        })
        .collect();
    let page = comparison(&compared)?;
    write_to(Some(&args.out), |file| file.write_all(page.as_bytes()))?;
    println!("{}", args.out.display());
    Ok(())
}

/// A folder with a manifest, or what its last part names in the folder before it.
fn find(path: &Path) -> Result<Named, CommandError> {
    let is_run_folder = |folder: &Path| folder.join("manifest.json").is_file();
    let above = path.parent().filter(|above| is_run_folder(above));
    let (Some(above), false) = (above, is_run_folder(path)) else {
        let folder = read(path)?;
        return Ok(Named {
            name: name_of(path),
            runs: (0..folder.runs.len()).collect(),
            folder,
        });
    };
    let folder = read(above)?;
    let wanted = path.file_name().unwrap_or_default().to_string_lossy();
    let records = || folder.runs.iter().map(|run| run.record.name.as_str());
    let Some(run) = records().position(|name| name == wanted) else {
        return Err(CommandError::NoRun {
            folder: above.to_owned(),
            name: wanted.into_owned(),
            names: records().collect::<Vec<_>>().join(", "),
        });
    };
    Ok(Named {
        name: name_of(above),
        runs: vec![run],
        folder,
    })
}

fn read(folder: &Path) -> Result<RunFolder, CommandError> {
    Ok(RunFolder::read(folder).map_err(report::ReportError::from)?)
}

/// The last part of a path that has a name, else all of it.
fn name_of(folder: &Path) -> String {
    let named = folder.file_name().map(Path::new).unwrap_or(folder);
    named.display().to_string()
}
