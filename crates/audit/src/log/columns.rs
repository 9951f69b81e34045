//! Which column is what.

use crate::LogError;
use crate::error::one_line;

/// Names of columns. Those that are not given are found among the [usual ones](Self::KNOWN).
///
/// Whether a column holds `‖w‖` or `‖w‖²` is said by its name, or by the key that names it: it is never guessed from values.
///
/// ```
/// use audit::Columns;
///
/// let columns: Columns = "step=batch,lr=sgd/lr,squared_norm=w2/*".parse()?;
/// assert!("rate=lr".parse::<Columns>().is_err());
/// # Ok::<(), audit::LogError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    pub(super) named: [Option<String>; 4],
    pub(super) norms: Vec<NormColumns>,
}

/// Columns of norms.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NormColumns {
    /// The name; or how the names of layers' columns start.
    pub(super) name: String,
    pub(super) of: NormsOf,
    pub(super) is: NormIs,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum NormsOf {
    /// All weights, as one vector.
    All,
    /// A layer each, named by what comes after.
    Layers,
}

/// What the number is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum NormIs {
    /// `‖w‖`.
    Plain,
    /// `‖w‖²`.
    Squared,
}

/// What else has a column.
pub(super) struct Wanted {
    pub(super) key: &'static str,
    pub(super) what: &'static str,
    pub(super) known: &'static [&'static str],
    /// How a log may do without, as the end of a sentence; nothing where it may not.
    pub(super) constant: &'static str,
}

/// In the order of [`Columns::named`].
pub(super) const WANTED: [Wanted; 4] = [
    Wanted {
        key: "step",
        what: "step",
        known: &[
            "step",
            "global_step",
            "iteration",
            "iter",
            "trainer/global_step",
        ],
        constant: "",
    },
    Wanted {
        key: "lr",
        what: "learning rate",
        known: &[
            "lr",
            "learning_rate",
            "train/lr",
            "train/learning_rate",
            "lr-SGD",
        ],
        constant: ", or give a constant one with --lr",
    },
    Wanted {
        key: "weight_decay",
        what: "weight decay",
        known: &["weight_decay", "wd", "train/weight_decay"],
        constant: ", or give a constant one with --weight-decay",
    },
    Wanted {
        key: "momentum",
        what: "momentum",
        known: &["momentum", "train/momentum"],
        constant: ", or give a constant one with --momentum",
    },
];

/// Usual names of norms of all weights.
const TOTALS: [(&str, NormIs); 4] = [
    ("weight_norm", NormIs::Plain),
    ("param_norm", NormIs::Plain),
    ("weight_norm_squared", NormIs::Squared),
    ("squared_weight_norm", NormIs::Squared),
];

/// Usual starts of the names of layers' norms.
const PREFIXES: [(&str, NormIs); 4] = [
    ("norm/", NormIs::Plain),
    ("weight_norm/", NormIs::Plain),
    ("norm_squared/", NormIs::Squared),
    ("squared_norm/", NormIs::Squared),
];

impl Columns {
    /// The names that are known: of each key of `--columns`, those that are looked for.
    pub const KNOWN: &'static str = "step: step, global_step, iteration, iter, trainer/global_step; lr: lr, learning_rate, \
        train/lr, train/learning_rate, lr-SGD; weight_decay: weight_decay, wd, train/weight_decay; momentum: momentum, \
        train/momentum; norm: weight_norm, param_norm, norm/*, weight_norm/*; squared_norm: weight_norm_squared, \
        squared_weight_norm, norm_squared/*, squared_norm/*";

    /// Columns of norms to look for: the named ones, or else the usual ones.
    pub(super) fn norm_columns(&self) -> Vec<NormColumns> {
        if !self.norms.is_empty() {
            return self.norms.clone();
        }
        let usual = |of| {
            move |(name, is): (&str, NormIs)| NormColumns {
                name: name.to_owned(),
                of,
                is,
            }
        };
        let totals = TOTALS.into_iter().map(usual(NormsOf::All));
        totals
            .chain(PREFIXES.into_iter().map(usual(NormsOf::Layers)))
            .collect()
    }
}

impl std::str::FromStr for Columns {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        let mut columns = Self::default();
        for entry in text.split(',') {
            let wrong = || LogError::Columns {
                entry: one_line(entry),
            };
            let (key, name) = entry.split_once('=').ok_or_else(wrong)?;
            let (key, name) = (key.trim(), name.trim());
            if name.is_empty() || name == "*" {
                return Err(wrong());
            }
            let is = match key {
                "norm" => Some(NormIs::Plain),
                "squared_norm" => Some(NormIs::Squared),
                _ => None,
            };
            if let Some(is) = is {
                let (name, of) = match name.strip_suffix('*') {
                    Some(prefix) => (prefix, NormsOf::Layers),
                    None => (name, NormsOf::All),
                };
                columns.norms.push(NormColumns {
                    name: name.to_owned(),
                    of,
                    is,
                });
                continue;
            }
            let index = WANTED.iter().position(|wanted| wanted.key == key);
            let place = index
                .and_then(|index| columns.named.get_mut(index))
                .ok_or_else(wrong)?;
            if place.replace(name.to_owned()).is_some() {
                return Err(wrong());
            }
        }
        Ok(columns)
    }
}
