//! Groups that cannot be converted.

use crate::LawError;

/// Groups that cannot be converted together.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupsError {
    /// An exponent is NaN or infinite, or no number whose ratios are.
    #[error(
        "the exponent of group {group} is {value:?}; give a finite number, 0 for a group that is not scaled"
    )]
    ExponentNotFinite {
        /// Position of the group, from 0.
        group: usize,
        /// What was given.
        value: f64,
    },
    /// A group follows one that does not lead.
    #[error(
        "group {group} is to follow group {leader}, which does not lead; name one of the {groups} groups \
         (from 0) whose role is to lead"
    )]
    NotALeader {
        /// Position of the group, from 0.
        group: usize,
        /// Position of what it was to follow.
        leader: usize,
        /// How many groups there are.
        groups: usize,
    },
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
    /// A group's own schedules cannot be converted.
    #[error("parameter group {group}: {source}")]
    Group {
        /// Position of the group, from 0.
        group: usize,
        /// What is wrong.
        source: LawError,
    },
    /// A group that follows stands still while its leader shrinks.
    #[error(
        "step {step}: group {group} has learning rate 0 and cannot follow its leader, which shrinks by \
         {leader_shrink:?}; give it a positive rate, or leave it out of the scaling"
    )]
    CannotFollowAtRest {
        /// The step.
        step: u64,
        /// Position of the group, from 0.
        group: usize,
        /// `a_t` of the leader.
        leader_shrink: f64,
    },
    /// A quantity of a group that follows leaves float64.
    #[error(
        "step {step}: following its leader takes group {group} out of float64: shrink {shrink:?} of \
         exponent {exponent:?}, learning rate {learning_rate:?}; use a smaller exponent or weight decay"
    )]
    Overflow {
        /// The step.
        step: u64,
        /// Position of the group, from 0.
        group: usize,
        /// `d_p/d_leader`.
        exponent: f64,
        /// `a_t^{(p)}`.
        shrink: f64,
        /// `η_t^{(p)}`.
        learning_rate: f64,
    },
}
