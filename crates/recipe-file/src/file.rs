//! A recipe on its own: a whole file.

use schedule_core::{Recipe, Schedule};
use toml::de::DeTable;

use crate::clock::Clock;
use crate::schedule::{ReadTable, Schedules};
use crate::section::Section;
use crate::{Group, Located, Mistake, Moments, Optimizer, Position, Problem, RecipeTables};
use crate::{group, tables};

/// A file that is no recipe: what is wrong, where, and what is allowed.
pub type RecipeFileError = Located<Problem>;

/// Far above any training, and few enough for steps to be exact in every formula.
const MOST_STEPS: u64 = 1_000_000_000;

/// A training's recipe, as a file gives it: its length, and the tables of [`RecipeTables`].
///
/// ```toml
/// steps_per_epoch = 391
/// epochs = 200
/// [optimizer]
/// kind = "sgd"
/// momentum = 0.9
/// weight_decay = 5e-4
/// [schedule]
/// kind = "step"
/// lr = 0.1
/// factor = 0.1
/// epochs = [80, 120]
/// ```
///
/// For a twin with another weight decay, the table `target` says with which, as a number or a table:
///
/// ```toml
/// [target]
/// weight_decay = 1e-4
/// ```
///
/// Tables `group` make parameter groups of SGD, which are scaled together:
/// [`GroupsLaw`](schedule_core::law::groups::GroupsLaw). Each has a `name`, and perhaps a `weight_decay` in place of the
/// optimiser's, an `lr_scale` that multiplies the rate, and an `exponent`, `d_p`: 1 if left out, 0 for a group
/// that is not scale-invariant and keeps its decay.
///
/// ```toml
/// [[group]]
/// name = "convolutions"
/// [[group]]
/// name = "head"
/// exponent = 0
/// weight_decay = 1e-4
/// ```
#[derive(Clone, Debug)]
pub struct RecipeFile {
    file: String,
    text: String,
    steps_per_epoch: u64,
    epochs: u64,
    tables: RecipeTables,
    groups: Vec<Group>,
    target_weight_decay: Option<Schedule>,
}

impl RecipeFile {
    /// Reads TOML; `file` is for messages, `read_table` gives the text of the CSV files that the recipe
    /// names.
    ///
    /// # Errors
    /// [`RecipeFileError`] with the position of the first mistake.
    ///
    /// ```
    /// use recipe_file::RecipeFile;
    ///
    /// let text = r#"
    /// steps_per_epoch = 391
    /// epochs = 200
    /// optimizer = { kind = "sgd", momentum = 0.9, weight_decay = 5e-4 }
    /// schedule = { kind = "cosine", lr = 0.1 }
    /// "#;
    /// let mut no_tables = |_: &str| Err(std::io::Error::other("no files here"));
    /// let file = RecipeFile::parse(text, "recipe.toml", &mut no_tables)?;
    /// assert_eq!(file.steps(), 78_200);
    /// assert_eq!(file.recipe().at(39_100).weight_decay, 5e-4);
    ///
    /// let wrong = text.replace("sgd", "adagrad");
    /// assert_eq!(
    ///     RecipeFile::parse(&wrong, "recipe.toml", &mut no_tables).unwrap_err().to_string(),
    ///     "recipe.toml, line 4, column 22: `optimizer.kind` is \"adagrad\"; it must be one of \
    ///      \"sgd\", \"sgdw\", \"adamw\"",
    /// );
    /// # Ok::<(), recipe_file::RecipeFileError>(())
    /// ```
    pub fn parse(
        text: &str,
        file: &str,
        read_table: &mut ReadTable<'_>,
    ) -> Result<Self, RecipeFileError> {
        let root = DeTable::parse(text).map_err(|wrong| {
            let words: Vec<&str> = wrong.message().split_whitespace().collect();
            Located {
                file: file.to_owned(),
                position: wrong.span().map(|span| Position::of_byte(text, span.start)),
                problem: Problem::Toml {
                    message: words.join(" "),
                },
            }
        })?;
        let root = root.get_ref();
        let read = Self::read(text, file, &Section::new(root, ""), read_table);
        read.map_err(|mistake| mistake.located(file, text, root))
    }

    fn read(
        text: &str,
        file: &str,
        root: &Section<'_, '_>,
        read_table: &mut ReadTable<'_>,
    ) -> Result<Self, Mistake> {
        root.allow_only(&[
            "steps_per_epoch",
            "epochs",
            "optimizer",
            "schedule",
            "group",
            "target",
        ])?;
        let steps_per_epoch = root.whole("steps_per_epoch", 1, MOST_STEPS)?;
        let epochs = root.whole("epochs", 1, MOST_STEPS / steps_per_epoch)?;
        let clock = Clock::new(steps_per_epoch, epochs);
        let mut schedules = Schedules { clock, read_table };
        let tables = tables::read(root, &mut schedules)?;
        let groups = group::read(root, &mut schedules, &tables.recipe)?;
        let mut target_weight_decay = None;
        if root.optional("target").is_some() {
            let target = root.section("target", "a table with weight_decay")?;
            target.allow_only(&["weight_decay"])?;
            let decay = tables::weight_decay(&target, &mut schedules, &tables.recipe)?;
            target_weight_decay = Some(decay);
        }
        Ok(Self {
            file: file.to_owned(),
            text: text.to_owned(),
            steps_per_epoch,
            epochs,
            tables,
            groups,
            target_weight_decay,
        })
    }

    /// The text that it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// An error of this recipe, at a key that should be changed first.
    #[must_use]
    pub fn error_at<P>(&self, path: &str, problem: P) -> Located<P> {
        let mistake = Mistake::at_value(path, problem);
        // The text has been parsed before, so that it has a table.
        let root = DeTable::parse(&self.text).map(toml::Spanned::into_inner);
        mistake.located(&self.file, &self.text, &root.unwrap_or_default())
    }

    /// The recipe in steps; without momentum where the optimiser has none.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.tables.recipe
    }

    /// The optimiser.
    #[must_use]
    pub fn optimizer(&self) -> Optimizer {
        self.tables.optimizer
    }

    /// What AdamW has in place of a momentum; `None` for another optimiser.
    #[must_use]
    pub fn moments(&self) -> Option<&Moments> {
        self.tables.moments.as_ref()
    }

    /// The parameter groups; none where there is only one, without a name.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The weight decay that the twin is to have, if the recipe has a table `target`.
    #[must_use]
    pub fn target_weight_decay(&self) -> Option<&Schedule> {
        self.target_weight_decay.as_ref()
    }

    /// Steps in an epoch.
    #[must_use]
    pub fn steps_per_epoch(&self) -> u64 {
        self.steps_per_epoch
    }

    /// Epochs of the training.
    #[must_use]
    pub fn epochs(&self) -> u64 {
        self.epochs
    }

    /// Steps of the training.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps_per_epoch * self.epochs
    }
}
