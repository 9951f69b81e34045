//! Laws of verdicts.

use claims::{Claim, Evidence, Series, Verdict, evaluate};

struct Seed(f64);

impl Evidence for Seed {
    fn series(&self, name: &str) -> Option<Series> {
        let y = match name {
            "a/y" => self.0,
            "b/y" => 0.0,
            _ => return None,
        };
        let points = vec![(1.0, y)];
        Some(Series { points })
    }

    fn names(&self) -> Vec<String> {
        vec!["a/y".to_owned(), "b/y".to_owned()]
    }
}

#[test]
fn equivalence_is_decided_by_the_interval() {
    let claim: Claim = toml::from_str(
        r#"
        id = "same"
        says = "the same"
        source = "nobody"
        predicate = { kind = "equivalent", a = "a/y", b = "b/y", over = { last = 1 }, margin = 2 }
        "#,
    )
    .unwrap();
    let verdict = |seeds: &[Seed]| evaluate(&claim, seeds).unwrap();
    let inside = verdict(&[Seed(0.1), Seed(-0.1), Seed(0.3)]);
    assert_eq!(
        inside.to_string(),
        "mean difference +0.100 over 3 seeds, 90 % interval [−0.237, 0.437], inside ±2: reproduced"
    );
    let outside = verdict(&[Seed(3.1), Seed(3.0), Seed(3.3)]);
    assert_eq!(outside.verdict, Verdict::NotReproduced);
    assert_eq!(
        verdict(&[Seed(0.1), Seed(0.1)]).verdict,
        Verdict::NotDecided
    );
    assert_eq!(verdict(&[Seed(f64::NAN)]).verdict, Verdict::NotReproduced);
}
