//! Groups that cannot be converted.

use crate::LawError;

/// Groups that cannot be converted together.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupsError {
    /// The number of hyperparameters is not that of groups.
    #[error(
        "step {step}: there are {groups} groups and hyperparameters for {given}; give one for each group"
    )]
    GroupCount {
        /// The step.
        step: u64,
        /// How many groups there are.
        groups: usize,
        /// How many were given.
        given: usize,
    },
    /// The step counter is at its end.
    #[error("the step counter has reached its largest value, {step}; start a new law")]
    StepsExhausted {
        /// The largest step there is.
        step: u64,
    },
    /// One of the groups cannot be converted. Who has names for groups says the problem of a name instead.
    #[error("parameter group {group}: {problem}")]
    Group {
        /// Position of the group, from 0.
        group: usize,
        /// What is wrong with it.
        problem: GroupProblem,
    },
}

/// What is wrong with a parameter group.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupProblem {
    /// An exponent, `d_p` or `d_p/d_leader`, is NaN or infinite.
    #[error(
        "its exponent, over that of its leader, is {value:?}; give finite numbers of similar size, 0 for a \
         group that is not scaled"
    )]
    ExponentNotFinite {
        /// The exponent.
        value: f64,
    },
    /// It follows a group that does not lead.
    #[error(
        "it is to follow group {leader}, which does not lead; name one of the {groups} groups (from 0) whose \
         role is to lead"
    )]
    NotALeader {
        /// Position of what it was to follow.
        leader: usize,
        /// How many groups there are.
        groups: usize,
    },
    /// Its own schedules cannot be converted.
    #[error(transparent)]
    Law(#[from] LawError),
    /// It stands still while its leader shrinks.
    #[error(
        "at step {step} it has learning rate 0 and cannot follow its leader, which shrinks by \
         {leader_shrink:?}; give it a positive rate, or leave it out of the scaling"
    )]
    CannotFollowAtRest {
        /// The step.
        step: u64,
        /// `a_t` of the leader.
        leader_shrink: f64,
    },
    /// Following its leader, a quantity leaves float64.
    #[error(
        "at step {step}, following its leader takes it out of float64: shrink {shrink:?} of exponent \
         {exponent:?}, learning rate {learning_rate:?}; use a smaller exponent or weight decay"
    )]
    Overflow {
        /// The step.
        step: u64,
        /// `d_p/d_leader`.
        exponent: f64,
        /// `a_t^{(p)}`.
        shrink: f64,
        /// `η_t^{(p)}`.
        learning_rate: f64,
    },
}
