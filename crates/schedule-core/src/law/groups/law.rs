//! The law of several parameter groups.

use super::{GroupProblem, GroupsError};

use crate::recurrence::residual;
use crate::{EquivalentStep, ExactLaw, Hyperparameters, LawError};

/// Up to this share of the terms it is the difference of, a weight decay that is left is a rounding.
///
/// About eight roundings, of `ε/2` each, are in either term: the leader's shrink and its logarithm, that
/// times the exponent, its `exp_m1`, `κ`'s two quotients, and the sum of `λ` and `γκ`. The largest share
/// of what cancels in exact arithmetic was seen to be `2.7e-16`.
const NO_RESIDUAL: f64 = 4.0 * f64::EPSILON;

/// How a parameter group changes scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GroupRole {
    /// The loss is invariant under a scaling of this group (and of those that follow it): it loses all its
    /// weight decay, by the [exact law](ExactLaw) of its own schedules.
    Leads,
    /// The loss is invariant only if this group is scaled along with another: it is scaled by
    /// `A_t^{(leader)}` to the power `exponent = d_p/d_leader`, and keeps what that leaves of its decay.
    Follows {
        /// Position of a group that leads.
        leader: usize,
        /// `d_p/d_leader`.
        exponent: f64,
    },
    /// The loss is not invariant under any scaling of this group, `d_p = 0`: it keeps its decay, as it is.
    Keeps,
}

/// What is left of a group's weight decay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Residual {
    /// Nothing.
    WeightDecayFree,
    /// This much, in the scale of the run with weight decay: `ρ_t`, of which the equivalent run keeps
    /// `λ̃_t = A_t² ρ_t`; negative where the group's own decay is weaker than the shrink it is to follow.
    Left(f64),
}

/// One step of a group; made by [`GroupsLaw::step`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct GroupStep {
    /// The step of SGD with the weight decay that is left, and how the group's state relates to that of
    /// the original.
    pub equivalent: EquivalentStep,
    /// Whether weight decay is left.
    pub residual: Residual,
}

/// The equivalence of SGD with weight decay and several parameter groups, each with its own rate, decay
/// and momentum, to SGD whose weight decay is gone where it can be (new here).
///
/// Let the loss be invariant under `θ_p → c^{d_p}θ_p`, all groups `p` at once. For any `C_t > 0` the run at
/// `θ̃_p = θ_p/A_t^{(p)}`, `ln A_t^{(p)} = d_p ln C_t`, is the same run if each group keeps the
/// [residual](crate::recurrence::residual()) decay
/// ```text
/// λ̃_t = (A_t²/η_t)(a_t − 1 + η_tλ_t − γ_tr_t(1 − 1/a_{t−1}))      (all of group p; r_t = η_t/η_{t−1})
/// ```
/// `C_t` is chosen so that a group that [leads](GroupRole::Leads) keeps none. A loss with several such
/// symmetries has several leaders. Groups with `d_p = 0` are left as they are. Where no group has a
/// [residual](Residual::Left) but those, the conversion is that of the exact law.
///
/// ```
/// use schedule_core::law::groups::{GroupRole, GroupsLaw, Residual};
/// use schedule_core::Hyperparameters;
///
/// // Convolutions, an affine layer whose scale multiplies theirs, and the last layer.
/// let mut law = GroupsLaw::common_direction(&[1.0, 2.0, 0.0])?;
/// let sgd = Hyperparameters { learning_rate: 0.5, weight_decay: 0.25, momentum: 0.0 };
/// let groups = law.step(&[sgd, sgd, sgd])?;
/// assert_eq!(groups[0].residual, Residual::WeightDecayFree);
/// assert_eq!(groups[0].equivalent.shrink, 0.875);
/// // The second shrinks by 0.875², more than its own decay does: what is left is negative.
/// let left = (0.875f64.powi(2) - 1.0 + 0.125) / 0.5;
/// assert!((groups[1].equivalent.weight_decay - left).abs() < 1e-15);
/// assert_eq!(groups[2].equivalent.weight_decay, 0.25);
/// # Ok::<(), schedule_core::law::groups::GroupsError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GroupsLaw {
    step: u64,
    groups: Vec<Group>,
}

/// A group's role and what is carried from step to step.
#[derive(Clone, Debug, PartialEq)]
enum Group {
    Leads(ExactLaw),
    Follows {
        leader: usize,
        exponent: f64,
        buffer_coefficient: f64,
    },
    Keeps,
}

impl GroupsLaw {
    /// The law of groups with these roles, in this order, from equal momentum buffers.
    ///
    /// # Errors
    /// [`GroupProblem::NotALeader`] or [`GroupProblem::ExponentNotFinite`] of a group.
    pub fn new(roles: &[GroupRole]) -> Result<Self, GroupsError> {
        let group = |(group, role): (usize, &GroupRole)| {
            let failed = |problem| Err(GroupsError::Group { group, problem });
            match *role {
                GroupRole::Leads => Ok(Group::Leads(ExactLaw::new())),
                GroupRole::Keeps => Ok(Group::Keeps),
                GroupRole::Follows {
                    exponent: value, ..
                } if !value.is_finite() => failed(GroupProblem::ExponentNotFinite { value }),
                GroupRole::Follows { leader, .. }
                    if roles.get(leader) != Some(&GroupRole::Leads) =>
                {
                    let groups = roles.len();
                    failed(GroupProblem::NotALeader { leader, groups })
                }
                GroupRole::Follows { leader, exponent } => Ok(Group::Follows {
                    leader,
                    exponent,
                    buffer_coefficient: 0.0,
                }),
            }
        };
        let groups = roles.iter().enumerate().map(group);
        Ok(Self {
            step: 0,
            groups: groups.collect::<Result<_, _>>()?,
        })
    }

    /// The law of groups with exponents `d_p` of one common direction: the first that is not 0 leads,
    /// those that are 0 keep their decay.
    ///
    /// # Errors
    /// [`GroupProblem::ExponentNotFinite`] of a group.
    pub fn common_direction(exponents: &[f64]) -> Result<Self, GroupsError> {
        let not_finite = exponents.iter().position(|exponent| !exponent.is_finite());
        if let Some((group, &value)) =
            not_finite.and_then(|at| exponents.iter().enumerate().nth(at))
        {
            let problem = GroupProblem::ExponentNotFinite { value };
            return Err(GroupsError::Group { group, problem });
        }
        let leader = exponents.iter().enumerate().find(|(_, d)| **d != 0.0);
        let role = |(group, &exponent): (usize, &f64)| match leader {
            Some((leader, _)) if group == leader => GroupRole::Leads,
            Some((leader, of_leader)) if exponent != 0.0 => GroupRole::Follows {
                leader,
                exponent: exponent / of_leader,
            },
            _ => GroupRole::Keeps,
        };
        let roles: Vec<GroupRole> = exponents.iter().enumerate().map(role).collect();
        Self::new(&roles)
    }

    /// Converts the next step of every group. On an error the law stays where it was.
    ///
    /// # Errors
    /// [`GroupsError`], with the group.
    pub fn step(
        &mut self,
        hyperparameters: &[Hyperparameters],
    ) -> Result<Vec<GroupStep>, GroupsError> {
        let step = self.step;
        let (groups, given) = (self.groups.len(), hyperparameters.len());
        if groups != given {
            return Err(GroupsError::GroupCount {
                step,
                groups,
                given,
            });
        }
        let next = step
            .checked_add(1)
            .ok_or(GroupsError::StepsExhausted { step })?;
        let mut groups = self.groups.clone();
        let mut leaders: Vec<Option<EquivalentStep>> = Vec::with_capacity(given);
        for (group, (state, with)) in groups.iter_mut().zip(hyperparameters).enumerate() {
            let failed = |error: LawError| GroupsError::Group {
                group,
                problem: error.into(),
            };
            with.validate(step).map_err(|error| failed(error.into()))?;
            leaders.push(match state {
                Group::Leads(law) => Some(law.step(*with).map_err(failed)?),
                Group::Follows { .. } | Group::Keeps => None,
            });
        }
        let mut converted = Vec::with_capacity(given);
        for (group, (state, with)) in groups.iter_mut().zip(hyperparameters).enumerate() {
            let leader = match state {
                Group::Leads(_) => group,
                Group::Follows { leader, .. } => *leader,
                Group::Keeps => {
                    converted.push(kept(step, *with));
                    continue;
                }
            };
            let Some(leader) = leaders.get(leader).copied().flatten() else {
                continue; // `new` lets no group follow one that does not lead.
            };
            converted.push(match state {
                Group::Follows {
                    exponent,
                    buffer_coefficient,
                    ..
                } => {
                    let followed = follow(&leader, *exponent, *with, *buffer_coefficient)
                        .map_err(|problem| GroupsError::Group { group, problem })?;
                    *buffer_coefficient = followed.equivalent.buffer_coefficient_after;
                    followed
                }
                Group::Leads(_) | Group::Keeps => GroupStep {
                    equivalent: leader,
                    residual: Residual::WeightDecayFree,
                },
            });
        }
        *self = Self { step: next, groups };
        Ok(converted)
    }

    /// The step to be converted next, from 0.
    #[must_use]
    pub fn next_step(&self) -> u64 {
        self.step
    }
}

/// A step that is left as it is.
fn kept(step: u64, with: Hyperparameters) -> GroupStep {
    GroupStep {
        equivalent: EquivalentStep {
            step,
            ln_learning_rate: with.learning_rate.ln(),
            weight_decay: with.weight_decay,
            momentum: with.momentum,
            shrink: 1.0,
            ln_shrink: 0.0,
            ln_scale: 0.0,
            ln_scale_after: 0.0,
            buffer_coefficient: 0.0,
            buffer_coefficient_after: 0.0,
        },
        residual: match with.weight_decay {
            0.0 => Residual::WeightDecayFree,
            left => Residual::Left(left),
        },
    }
}

/// A step of a group that is scaled by a power of its leader's scale.
fn follow(
    leader: &EquivalentStep,
    exponent: f64,
    with: Hyperparameters,
    buffer_coefficient: f64,
) -> Result<GroupStep, GroupProblem> {
    let step = leader.step;
    let (ln_scale, ln_scale_after) = (exponent * leader.ln_scale, exponent * leader.ln_scale_after);
    let ln_shrink = exponent * leader.ln_shrink;
    let (shrink, shrink_minus_one) = (ln_shrink.exp(), ln_shrink.exp_m1());
    let Hyperparameters {
        learning_rate,
        weight_decay,
        momentum,
    } = with;
    let own = weight_decay + momentum * buffer_coefficient;
    let (left, buffer_coefficient_after) = if learning_rate > 0.0 {
        let algebra = residual(
            learning_rate,
            weight_decay,
            momentum,
            buffer_coefficient,
            shrink_minus_one,
        );
        let size = own.abs() + (shrink_minus_one / learning_rate).abs();
        let is_rounding = algebra.decay.abs() <= NO_RESIDUAL * size;
        let left = if is_rounding { 0.0 } else { algebra.decay };
        (left, algebra.buffer_coefficient)
    } else if shrink_minus_one == 0.0 {
        // At rest the buffer alone takes up the decay, as in the exact law.
        (0.0, own)
    } else {
        return Err(GroupProblem::CannotFollowAtRest {
            step,
            leader_shrink: leader.shrink,
        });
    };
    let weight_decay = left * (2.0 * ln_scale).exp();
    // A shrink of 0 makes the buffer coefficient infinite.
    let finite = weight_decay.is_finite() && buffer_coefficient_after.is_finite();
    if !(finite && shrink.is_finite() && ln_scale_after.is_finite()) {
        return Err(GroupProblem::Overflow {
            step,
            exponent,
            shrink,
            learning_rate,
        });
    }
    Ok(GroupStep {
        equivalent: EquivalentStep {
            step,
            ln_learning_rate: learning_rate.ln() - (ln_scale + ln_scale_after),
            weight_decay,
            momentum,
            shrink,
            ln_shrink,
            ln_scale,
            ln_scale_after,
            buffer_coefficient,
            buffer_coefficient_after,
        },
        residual: if left == 0.0 {
            Residual::WeightDecayFree
        } else {
            Residual::Left(left)
        },
    })
}
