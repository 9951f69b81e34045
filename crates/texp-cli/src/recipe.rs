//! Recipes as files.

use std::io::{self, Read};
use std::path::Path;

use recipe_convert::RecipeFile;

use crate::CommandError;

/// Reads a recipe, from standard input for `-`; the CSV files it names are found from its own folder.
pub(crate) fn read(path: &Path) -> Result<RecipeFile, CommandError> {
    let from_stdin = path == Path::new("-");
    let (name, text, folder) = if from_stdin {
        let mut text = String::new();
        let read = io::stdin().read_to_string(&mut text);
        ("standard input".to_owned(), read.map(|_| text), None)
    } else {
        let text = std::fs::read_to_string(path);
        (path.display().to_string(), text, path.parent())
    };
    let text = text.map_err(|source| CommandError::Input {
        file: name.clone(),
        source,
    })?;
    let folder = folder.unwrap_or(Path::new(""));
    let mut read_table = |table: &str| std::fs::read_to_string(folder.join(table));
    Ok(RecipeFile::parse(&text, &name, &mut read_table)?)
}
