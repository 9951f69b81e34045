//! From a claim and evidence to its outcome.

use crate::gather::{Seeds, Stop};
use crate::{Claim, Evidence, EvidenceError, Outcome, Verdict};

/// Judges a claim by the evidence of one or more seeds, each seed's independent of the others'.
///
/// A run that diverged bears no claim out: where a claim needs a number that does not exist, it is not reproduced.
///
/// # Errors
/// [`EvidenceError`] if the question cannot be asked of this evidence: there is none, a series is missing, has no points
/// where the claim is about them, or has others in one seed than in another, as when a run was stopped.
pub fn evaluate<E: Evidence>(claim: &Claim, seeds: &[E]) -> Result<Outcome, EvidenceError> {
    let evidence: Vec<&dyn Evidence> = seeds.iter().map(|seed| seed as &dyn Evidence).collect();
    if evidence.is_empty() {
        let claim = claim.id.clone();
        return Err(EvidenceError::NoSeeds { claim });
    }
    let seeds = Seeds {
        claim: &claim.id,
        evidence: &evidence,
    };
    let (verdict, evidence) = match claim.predicate.judge(&seeds) {
        Ok(judged) => judged,
        Err(Stop::Diverged(sentence)) => (Verdict::NotReproduced, sentence),
        Err(Stop::Error(error)) => return Err(error),
    };
    Ok(Outcome {
        id: claim.id.clone(),
        says: claim.says.clone(),
        source: claim.source.clone(),
        verdict,
        evidence,
    })
}
