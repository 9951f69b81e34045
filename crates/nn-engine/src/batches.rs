//! The batches of several steps, for all replicas.

use std::ops::Range;

use crate::{BatchSpec, EngineError};

/// The batches of some steps: of each step one that all replicas share, or one for each replica, all of one size.
///
/// ```
/// use nn_engine::{BatchSpec, Batches};
/// let specs = [[0, 1], [2, 3], [4, 5], [6, 7]].map(|images| BatchSpec::plain(images.to_vec()));
/// // Four steps, or two steps of two replicas.
/// assert_eq!(Batches::shared(&specs).steps(), 4);
/// let own = Batches::own(&specs, 2)?;
/// assert_eq!((own.steps(), own.images(1)), (2, 2));
/// assert_eq!(own.get(1, 0).indices, [4, 5]);
/// # Ok::<(), nn_engine::EngineError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batches<'a> {
    specs: &'a [BatchSpec],
    /// How many replicas have a batch of their own; none where they share it.
    own: Option<usize>,
}

impl<'a> Batches<'a> {
    /// One batch a step, for all replicas.
    pub fn shared(specs: &'a [BatchSpec]) -> Self {
        Self { specs, own: None }
    }

    /// A batch for each of so many replicas: `[step][replica]`.
    ///
    /// # Errors
    /// [`EngineError::Batch`] if the last step has not as many, or the batches of a step are not of one size.
    pub fn own(specs: &'a [BatchSpec], replicas: usize) -> Result<Self, EngineError> {
        for (step, row) in specs.chunks(replicas.max(1)).enumerate() {
            let refused = |why| Err(EngineError::Batch { batch: step, why });
            if row.len() != replicas {
                return refused(format!(
                    "there are batches for {} of {replicas} replicas",
                    row.len()
                ));
            }
            if let Some(other) = row.iter().find(|batch| batch.len() != row[0].len()) {
                return refused(format!(
                    "one replica has {} images and another {}; all must have as many",
                    row[0].len(),
                    other.len()
                ));
            }
        }
        Ok(Self {
            specs,
            own: Some(replicas),
        })
    }

    /// Number of steps.
    pub fn steps(&self) -> usize {
        self.specs.len() / self.row()
    }

    /// How many replicas have batches of their own; none where they share them.
    pub fn replicas(&self) -> Option<usize> {
        self.own
    }

    /// The batch of a replica.
    ///
    /// # Panics
    /// If there is no such step or replica.
    pub fn get(&self, step: usize, replica: usize) -> &'a BatchSpec {
        match self.own {
            None => &self.specs[step],
            Some(replicas) => {
                assert!(replica < replicas, "replica {replica} of {replicas}");
                &self.specs[step * replicas + replica]
            }
        }
    }

    /// Images of each replica in a step.
    ///
    /// # Panics
    /// If there is no such step.
    pub fn images(&self, step: usize) -> usize {
        self.get(step, 0).len()
    }

    /// Some of the steps.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn part(&self, steps: Range<usize>) -> Self {
        let row = self.row();
        Self {
            specs: &self.specs[steps.start * row..steps.end * row],
            own: self.own,
        }
    }

    /// The batches of a step, one for each replica or one for all.
    pub(crate) fn of_step(&self, step: usize) -> &'a [BatchSpec] {
        let row = self.row();
        &self.specs[step * row..][..row]
    }

    fn row(&self) -> usize {
        self.own.unwrap_or(1).max(1)
    }
}
