//! The columns of a table.

use crate::{Conversion, MomentsRow, Row};

/// A number of a row, with its name.
#[derive(Clone, Copy)]
struct Column {
    name: &'static str,
    value: fn(&Row) -> f64,
}

/// The columns after `step`, in their order.
pub(super) struct Columns {
    numbers: Vec<Column>,
    /// Names of the groups; one is the last column, if there are any.
    groups: Vec<String>,
}

impl Columns {
    pub(super) fn of(conversion: &Conversion<'_>) -> Self {
        let mut numbers = ALWAYS.to_vec();
        if conversion.keeps_weight_decay() {
            numbers.push(WEIGHT_DECAY);
        }
        if conversion.file().moments().is_some() {
            numbers.extend(MOMENTS);
        }
        let groups = conversion.file().groups().iter();
        Self {
            numbers,
            groups: groups.map(|group| group.name.clone()).collect(),
        }
    }

    /// The numbers of a row with their names.
    pub(super) fn numbers<'a>(
        &'a self,
        row: &'a Row,
    ) -> impl Iterator<Item = (&'static str, f64)> + 'a {
        self.numbers
            .iter()
            .map(|column| (column.name, (column.value)(row)))
    }

    /// The name of a row's group.
    pub(super) fn group(&self, row: &Row) -> Option<&str> {
        self.groups.get(row.group?).map(String::as_str)
    }

    /// The line of names, as CSV.
    pub(super) fn header(&self) -> String {
        let names: Vec<&str> = self.numbers.iter().map(|column| column.name).collect();
        let group = if self.groups.is_empty() { "" } else { ",group" };
        format!("step,{}{group}", names.join(","))
    }
}

const fn column(name: &'static str, value: fn(&Row) -> f64) -> Column {
    Column { name, value }
}

/// What every table has.
const ALWAYS: [Column; 7] = [
    column("lr", |row| row.recipe.learning_rate),
    column("weight_decay", |row| row.recipe.weight_decay),
    column("momentum", |row| row.recipe.momentum),
    column("ln_lr_exp", |row| row.ln_lr_exp),
    column("lr_exp", Row::lr_exp),
    column("momentum_exp", |row| row.momentum_exp),
    column("ln_scale", |row| row.ln_scale),
];

const WEIGHT_DECAY: Column = column("weight_decay_exp", |row| row.weight_decay_exp);

/// What AdamW has in place of a momentum.
const MOMENTS: [Column; 6] = [
    column("beta1", |row| moment(row, |with| with.beta1)),
    column("beta2", |row| moment(row, |with| with.beta2)),
    column("eps", |row| moment(row, |with| with.epsilon)),
    column("beta1_exp", |row| moment(row, |with| with.beta1_exp)),
    column("beta2_exp", |row| moment(row, |with| with.beta2_exp)),
    column("eps_exp", |row| moment(row, |with| with.epsilon_exp)),
];

fn moment(row: &Row, value: fn(&MomentsRow) -> f64) -> f64 {
    row.moments.as_ref().map_or(f64::NAN, value)
}
