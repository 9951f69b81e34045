//! From rows to text.

mod columns;
mod csv;
mod json;
mod toml;
mod torch;

use std::io::{self, Write};
use std::num::NonZeroU64;

use crate::{Conversion, Row};

use columns::Columns;
pub use torch::write_torch;

/// Text formats of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TableFormat {
    /// A line of names, then a line a row.
    Csv,
    /// A list of objects, one a line. JSON has no infinity: where `lr_exp` leaves float64 and where
    /// `ln_lr_exp` is −∞ it has `null`.
    Json,
    /// A list of tables called `row`.
    Toml,
}

/// Writes every `every`-th row, from step 0 on.
///
/// The columns are `step`, `lr`, `weight_decay`, `momentum`, `ln_lr_exp`, `lr_exp`, `momentum_exp`,
/// `ln_scale`; then `weight_decay_exp` where the twin has a weight decay; and for AdamW, whose `momentum` is
/// 0, `beta1`, `beta2`, `eps`, `beta1_exp`, `beta2_exp`, `eps_exp`, which with `lr_exp` are the hyperparameters of
/// a stock Adam; and `group`, its name, where there are groups, each with a row of its own. Numbers are the shortest that read back as the same float64.
///
/// # Errors
/// Those of `out`.
///
/// ```
/// use std::num::NonZeroU64;
/// use recipe_convert::{Conversion, RecipeFile, TableFormat, Target, write_table};
///
/// let text = r#"
/// steps_per_epoch = 2
/// epochs = 1
/// optimizer = { kind = "sgd", momentum = 0.0, weight_decay = 0.5 }
/// schedule = { kind = "constant", lr = 1.0 }
/// "#;
/// let file = RecipeFile::parse(text, "recipe.toml", &mut |_| Ok(String::new()))?;
/// let mut table = Vec::new();
/// let twin = Conversion::new(&file, Target::WdFree)?;
/// write_table(&twin, TableFormat::Csv, NonZeroU64::MIN, &mut table)?;
/// assert_eq!(
///     String::from_utf8(table)?,
///     "step,lr,weight_decay,momentum,ln_lr_exp,lr_exp,momentum_exp,ln_scale\n\
///      0,1.0,0.5,0.0,0.6931471805599453,2.0,0.0,0.0\n\
///      1,1.0,0.5,0.0,2.0794415416798357,7.999999999999998,0.0,-0.6931471805599453\n",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_table(
    conversion: &Conversion<'_>,
    format: TableFormat,
    every: NonZeroU64,
    out: &mut dyn Write,
) -> io::Result<()> {
    let columns = Columns::of(conversion);
    let wanted = |row: &Row| row.step.is_multiple_of(every.get());
    let mut rows = conversion.rows().filter(wanted);
    match format {
        TableFormat::Csv => csv::write(&columns, &mut rows, out),
        TableFormat::Json => json::write(&columns, &mut rows, out),
        TableFormat::Toml => toml::write(&columns, &mut rows, out),
    }
}
