//! What several tests use.

use std::io;

use recipe_file::{RecipeFile, RecipeFileError};

/// The paper's standard recipe.
pub(crate) const PAPER: &str = "\
steps_per_epoch = 391
epochs = 200
[optimizer]
kind = \"sgd\"
momentum = 0.9
weight_decay = 5e-4
[schedule]
kind = \"step\"
lr = 0.1
factor = 0.1
epochs = [80, 120]
";

/// A table that a recipe may name.
const TABLE: &str = "step,lr,momentum\n0,0.1,0.9\n1,0.05,0.8\n2,0.025,0.7\n";

pub(crate) fn parse(text: &str) -> Result<RecipeFile, RecipeFileError> {
    RecipeFile::parse(text, "r.toml", &mut |path| match path {
        "table.csv" => Ok(TABLE.to_owned()),
        _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
    })
}
