//! From a claim and evidence to its outcome.

use crate::gather::{Seeds, Stop};
use crate::{Claim, Evidence, EvidenceError, Outcome, Verdict};

/// Judges a claim by the evidence of one or more seeds, each seed's independent of the others'.
///
/// A run that diverged bears no claim out: where a claim needs a number that there is not because of that, it is not
/// reproduced, be it in one seed only. (With one seed in a hundred, an expected difference does not exist.)
///
/// # Errors
/// [`EvidenceError`] if the question cannot be asked: the [claim](Claim::check) is mistaken; there is no evidence, or one
/// seed's twice; a series is missing, has too few points where the claim is about them, or has others in one seed than in
/// another; or the claim is about what comes after a training was stopped.
///
/// ```
/// use claims::{Claim, Evidence, Over, Predicate, Series, Slope, Verdict, evaluate};
///
/// /// `y = 2x`, three points of it.
/// struct Line;
/// impl Evidence for Line {
///     fn series(&self, name: &str) -> Option<Series> {
///         let points = vec![(0.0, 0.0), (1.0, 2.0), (2.0, 4.0)];
///         (name == "line/y").then_some(Series { points })
///     }
///     fn names(&self) -> Vec<String> {
///         vec!["line/y".to_owned()]
///     }
/// }
///
/// let claim = |within| Claim {
///     id: "rises".to_owned(),
///     says: "it rises".to_owned(),
///     source: "the picture".to_owned(),
///     predicate: Predicate::Slope(Slope { of: "line/y".to_owned(), over: Over::Last(3), within }),
/// };
/// let outcome = evaluate(&claim([1.9, 2.1]), &[Line])?;
/// assert_eq!(outcome.to_string(), "slope 2.00 in 1 seed, inside [1.9, 2.1]: reproduced");
/// assert_eq!(evaluate(&claim([2.1, 2.3]), &[Line])?.verdict, Verdict::NotReproduced);
/// # Ok::<(), claims::EvidenceError>(())
/// ```
pub fn evaluate<E: Evidence>(claim: &Claim, seeds: &[E]) -> Result<Outcome, EvidenceError> {
    claim.check_form()?;
    let evidence: Vec<&dyn Evidence> = seeds.iter().map(|seed| seed as &dyn Evidence).collect();
    every_seed_once(claim, &evidence)?;
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

fn every_seed_once(claim: &Claim, evidence: &[&dyn Evidence]) -> Result<(), EvidenceError> {
    let claim = claim.id.clone();
    if evidence.is_empty() {
        return Err(EvidenceError::NoSeeds { claim });
    }
    let seeds: Vec<Option<String>> = evidence.iter().map(|evidence| evidence.seed()).collect();
    for (second, seed) in seeds.iter().enumerate() {
        let same = seeds[..second].iter().position(|other| other == seed);
        if let (Some(first), Some(seed)) = (same, seed) {
            return Err(EvidenceError::SameSeed {
                claim,
                first: first + 1,
                second: second + 1,
                seed: seed.clone(),
            });
        }
    }
    Ok(())
}
