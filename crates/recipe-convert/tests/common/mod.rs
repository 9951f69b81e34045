//! What several tests use.

use std::io;
use std::num::NonZeroU64;

use recipe_convert::{
    Conversion, RecipeFile, RecipeFileError, TableFormat, Target, write_table, write_torch,
};

/// The paper's standard recipe.
#[allow(dead_code, reason = "not every test converts it")]
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
#[allow(dead_code, reason = "not every test reads it")]
pub(crate) const TABLE: &str = "step,lr,momentum\n0,0.1,0.9\n1,0.05,0.8\n2,0.025,0.7\n";

pub(crate) fn parse(text: &str) -> Result<RecipeFile, RecipeFileError> {
    RecipeFile::parse(text, "r.toml", &mut |path| match path {
        "table.csv" => Ok(TABLE.to_owned()),
        _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
    })
}

#[allow(dead_code, reason = "not every test writes tables")]
pub(crate) fn table(text: &str, target: Target, format: TableFormat, every: u64) -> String {
    let file = parse(text).unwrap();
    let conversion = Conversion::new(&file, target).unwrap();
    let mut out = Vec::new();
    write_table(
        &conversion,
        format,
        NonZeroU64::new(every).unwrap(),
        &mut out,
    )
    .unwrap();
    String::from_utf8(out).unwrap()
}

#[allow(dead_code, reason = "not every test writes Python")]
pub(crate) fn python(text: &str, target: Target) -> String {
    let file = parse(text).unwrap();
    let mut out = Vec::new();
    write_torch(&Conversion::new(&file, target).unwrap(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}
