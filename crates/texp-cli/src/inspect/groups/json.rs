//! The groups in the JSON object.

use serde::Serialize;

use super::{Groups, Member};

#[derive(Serialize)]
pub(in super::super) struct Group<'a> {
    name: String,
    exponent: [i64; 2],
    parameters: Vec<Parameter<'a>>,
}

#[derive(Serialize)]
struct Parameter<'a> {
    name: &'a str,
    reason: Option<&'a str>,
}

pub(in super::super) fn groups(groups: &Groups) -> Vec<Group<'_>> {
    let mut told = Vec::new();
    for group in &groups.groups {
        let exponent = group.decay.exponent();
        told.push(Group {
            name: group.decay.name(),
            exponent: [exponent.numerator, exponent.denominator],
            parameters: group.members.iter().map(parameter).collect(),
        });
    }
    told
}

fn parameter(member: &Member) -> Parameter<'_> {
    Parameter {
        name: &member.name,
        reason: member.why.as_deref(),
    }
}
