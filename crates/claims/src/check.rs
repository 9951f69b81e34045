//! Mistakes in a claim, found before anything is trained.

use crate::number::list;
use crate::{Claim, Over};

/// A mistake in a claim, with the key at fault.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("claim `{claim}`: `{key}` {problem}")]
pub struct CheckError {
    /// The claim's short name.
    pub claim: String,
    /// The key, with dots, within the claim.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: CheckProblem,
}

/// What may be wrong with a key of a claim.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckProblem {
    /// A value that no claim can have.
    #[error("is {value}; it must be {needs}")]
    Value {
        /// What it is.
        value: String,
        /// What it must be.
        needs: &'static str,
    },
    /// A series' name without its run, or without its quantity.
    #[error("is \"{name}\"; it must be a run and a quantity, such as \"step-decay/test-accuracy\"")]
    Name {
        /// What it is.
        name: String,
    },
    /// A run that there is not.
    #[error(
        "names the run `{run}`, which there is not; the runs are {}",
        list(known)
    )]
    UnknownRun {
        /// The run.
        run: String,
        /// The runs there are.
        known: Vec<String>,
    },
    /// A quantity that is not recorded.
    #[error(
        "names the quantity `{quantity}`, which is not recorded; the quantities are {}",
        list(known)
    )]
    UnknownQuantity {
        /// The quantity.
        quantity: String,
        /// The quantities there are.
        known: Vec<String>,
    },
}

impl Claim {
    /// Finds the first mistake that can be found before training, where experiments have runs of these names, with these
    /// quantities: [`QUANTITIES`](crate::QUANTITIES) if they leave run folders.
    ///
    /// # Errors
    /// [`CheckError`] names the key: a threshold that no run could miss or none could meet, a series that there will not be.
    ///
    /// ```
    /// use claims::{Claim, Over, Predicate, QUANTITIES, Range};
    ///
    /// let mut claim = Claim {
    ///     id: "learns".to_owned(),
    ///     says: "training is better than guessing".to_owned(),
    ///     source: "common sense".to_owned(),
    ///     predicate: Predicate::Range(Range {
    ///         of: "decay/test-accuracy".to_owned(),
    ///         over: Over::Last(1),
    ///         within: [0.15, f64::INFINITY],
    ///     }),
    /// };
    /// assert_eq!(claim.check(&["decay"], &QUANTITIES), Ok(()));
    /// assert_eq!(
    ///     claim.check(&["step-decay", "exact"], &QUANTITIES).unwrap_err().to_string(),
    ///     "claim `learns`: `predicate.of` names the run `decay`, which there is not; the runs are `step-decay` and `exact`",
    /// );
    /// ```
    pub fn check(&self, runs: &[&str], quantities: &[&str]) -> Result<(), CheckError> {
        self.check_form()?;
        for (key, name) in self.predicate.names() {
            let at = |problem| self.mistake((key, problem));
            let (run, quantity) = name.rsplit_once('/').unwrap_or((name, ""));
            if !runs.contains(&run) {
                return Err(at(CheckProblem::UnknownRun {
                    run: run.to_owned(),
                    known: owned(runs),
                }));
            }
            if !quantities.contains(&quantity) {
                return Err(at(CheckProblem::UnknownQuantity {
                    quantity: quantity.to_owned(),
                    known: owned(quantities),
                }));
            }
        }
        Ok(())
    }

    /// The mistakes that can be found without knowing the runs.
    pub(crate) fn check_form(&self) -> Result<(), CheckError> {
        let words = [
            ("id", &self.id),
            ("says", &self.says),
            ("source", &self.source),
        ];
        for (key, words) in words {
            let blank = words.trim().is_empty();
            require(!blank, key, "\"\"", "words").map_err(|mistake| self.mistake(mistake))?;
        }
        for (key, name) in self.predicate.names() {
            let parts = name.rsplit_once('/');
            if parts.is_none_or(|(run, quantity)| run.is_empty() || quantity.is_empty()) {
                let name = name.to_owned();
                return Err(self.mistake((key, CheckProblem::Name { name })));
            }
        }
        let thresholds = self.predicate.check();
        thresholds.map_err(|mistake| self.mistake(mistake))
    }

    fn mistake(&self, (key, problem): Mistake) -> CheckError {
        let claim = self.id.clone();
        CheckError {
            claim,
            key,
            problem,
        }
    }
}

/// A key at fault, and what is wrong with it.
pub(crate) type Mistake = (&'static str, CheckProblem);

pub(crate) fn require(
    holds: bool,
    key: &'static str,
    value: impl ToString,
    needs: &'static str,
) -> Result<(), Mistake> {
    let value = value.to_string();
    match holds {
        true => Ok(()),
        false => Err((key, CheckProblem::Value { value, needs })),
    }
}

/// Two series that are compared.
pub(crate) fn two(a: &str, b: &str) -> Result<(), Mistake> {
    let needs = "another series than `predicate.a`";
    require(a != b, "predicate.b", format!("\"{b}\""), needs)
}

pub(crate) fn over(key: &'static str, over: Over) -> Result<(), Mistake> {
    match over {
        Over::Last(count) => require(count > 0, key, over, "at least 1 point"),
        Over::Between([from, to]) => require(
            from <= to,
            key,
            over,
            "two numbers of which the first is no larger than the second",
        ),
    }
}

/// Points of which there are at least two.
pub(crate) fn at_least_two(key: &'static str, points: Over) -> Result<(), Mistake> {
    over(key, points)?;
    let several = match points {
        Over::Last(count) => count > 1,
        Over::Between([from, to]) => from < to,
    };
    require(several, key, points, "at least 2 points")
}

/// An interval that a value may miss.
pub(crate) fn within([lowest, highest]: [f64; 2]) -> Result<(), Mistake> {
    let holds = lowest < highest && (lowest.is_finite() || highest.is_finite());
    let needs = "two numbers, the smaller first and at most one of them infinite: a claim must be able to fail";
    require(
        holds,
        "predicate.within",
        format!("[{lowest}, {highest}]"),
        needs,
    )
}

pub(crate) fn confidence(confidence: f64) -> Result<(), Mistake> {
    let holds = (0.5..1.0).contains(&confidence);
    require(
        holds,
        "predicate.confidence",
        confidence,
        "a number from 0.5 to below 1",
    )
}

/// A difference that is small enough not to matter.
pub(crate) fn margin(key: &'static str, margin: f64) -> Result<(), Mistake> {
    let holds = margin > 0.0 && margin.is_finite();
    require(holds, key, margin, "a finite number greater than 0")
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}
