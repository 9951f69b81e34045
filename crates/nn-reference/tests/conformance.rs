//! The corpus and its runner: the reference conforms to itself, damaged engines do not, and the
//! seeds keep what the corpus says of them.

use std::sync::Arc;

use nn_engine::conformance::{Algorithm, Bounds, Case, Kinks, Report, Tier, run_case};
use nn_engine::{
    BatchSpec, Batches, Device, Engine, EngineError, EngineOptions, Evaluation, HyperTable,
    ImageSet, ParameterComparison, Precision, Products, Split, State, Stats, Symmetry,
};
use nn_graph::Graph;
use nn_reference::ReferenceEngine;

/// An engine that is right but for one thing; says it computes in float32.
struct Damaged {
    inner: ReferenceEngine,
    damage: Damage,
}

#[derive(Clone, Copy, Debug)]
enum Damage {
    None,
    Batches(fn(&mut BatchSpec)),
    /// Every replica has the first one's.
    SharedBatches,
    Hyper(fn(&mut nn_engine::GroupHyper)),
    State(fn(&mut State)),
    Loss,
    Evaluation,
    Comparison,
    Rescaling(fn(&mut State)),
}

impl Engine for Damaged {
    fn device(&self) -> Device {
        Device {
            precision: Precision::Float32,
            ..self.inner.device()
        }
    }

    fn graph(&self) -> &Graph {
        self.inner.graph()
    }

    fn replicas(&self) -> usize {
        self.inner.replicas()
    }

    fn symmetry(&self) -> &Symmetry {
        self.inner.symmetry()
    }

    fn load_images(&mut self, split: Split, images: Arc<ImageSet>) -> Result<(), EngineError> {
        self.inner.load_images(split, images)
    }

    fn run(&mut self, batches: Batches<'_>, hyper: &HyperTable) -> Result<Stats, EngineError> {
        let of = |replica| match self.damage {
            Damage::SharedBatches => 0,
            _ => replica,
        };
        let row = |step| (0..self.replicas()).map(move |replica| (step, replica));
        let all = (0..batches.steps()).flat_map(row);
        let mut specs: Vec<_> = all
            .map(|(step, replica)| batches.get(step, of(replica)).clone())
            .collect();
        if let Damage::Batches(change) = self.damage {
            specs.iter_mut().for_each(change);
        }
        let (replicas, groups) = (hyper.replicas(), hyper.groups());
        let hyper = HyperTable::from_fn(hyper.steps(), replicas, groups, |s, r, g| {
            let mut entry = hyper.get(s, r)[g];
            if let Damage::Hyper(change) = self.damage {
                change(&mut entry);
            }
            entry
        })?;
        let batches = Batches::own(&specs, self.replicas())?;
        let mut stats = self.inner.run(batches, &hyper)?;
        if let Damage::Loss = self.damage {
            let mut first = stats.get(0, 0);
            first.loss *= 1.001;
            stats.set(0, 0, first);
        }
        if let Damage::State(change) = self.damage {
            for replica in 0..self.replicas() {
                let mut state = self.inner.state(replica)?;
                change(&mut state);
                self.inner.load_state(replica, &state)?;
            }
        }
        Ok(stats)
    }

    fn evaluate(
        &mut self,
        replica: usize,
        split: Split,
        scale_ratios: &[f64],
    ) -> Result<Evaluation, EngineError> {
        if let Damage::Evaluation = self.damage {
            let ratios = vec![1.0; scale_ratios.len()];
            return self.inner.evaluate(replica, split, &ratios);
        }
        self.inner.evaluate(replica, split, scale_ratios)
    }

    fn state(&self, replica: usize) -> Result<State, EngineError> {
        self.inner.state(replica)
    }

    fn load_state(&mut self, replica: usize, state: &State) -> Result<(), EngineError> {
        self.inner.load_state(replica, state)
    }

    fn rescale(&mut self, replica: usize, exponents: &[i64]) -> Result<(), EngineError> {
        self.inner.rescale(replica, exponents)?;
        if let Damage::Rescaling(change) = self.damage {
            let mut state = self.inner.state(replica)?;
            change(&mut state);
            self.inner.load_state(replica, &state)?;
        }
        Ok(())
    }

    fn compare(&self, a: usize, b: usize) -> Result<Vec<ParameterComparison>, EngineError> {
        let mut comparison = self.inner.compare(a, b)?;
        if let Damage::Comparison = self.damage {
            comparison[0].distance = 2.0 - comparison[0].distance;
        }
        Ok(comparison)
    }
}

fn run(case: &Case, damage: Damage) -> Report {
    let damaged = |graph: &Graph, options: EngineOptions| {
        let inner = ReferenceEngine::new(graph, options)?;
        Ok(Damaged { inner, damage })
    };
    run_case(case, Algorithm::Direct, ReferenceEngine::new, damaged).unwrap()
}

/// How many cases of a tier notice the damage.
fn caught(tier: Tier, damage: Damage) -> usize {
    let cases = Case::all(tier);
    let reports = cases.iter().map(|case| run(case, damage));
    reports.filter(|r| !r.deviations.is_empty()).count()
}

#[test]
fn the_reference_conforms_to_itself() {
    for case in Case::all(Tier::Cpu) {
        let report = run_case(
            &case,
            Algorithm::Direct,
            ReferenceEngine::new,
            ReferenceEngine::new,
        )
        .unwrap();
        assert!(report.deviations.is_empty(), "{report}");
        assert!(report.comparisons > 10, "{report}");
        assert_eq!(report.worst.0, 0.0, "{report}");
    }
    assert_eq!(caught(Tier::Sim, Damage::None), 0);
}

/// A change of what AdamW alone has.
macro_rules! of_moments {
    ($change:expr) => {
        Damage::Hyper(|h| {
            let change: fn(&mut nn_engine::Moments) = $change;
            h.moments.iter_mut().for_each(change);
        })
    };
}

#[test]
fn damaged_engines_do_not_conform() {
    for (damage, least) in [
        (Damage::Loss, 10),
        (Damage::Comparison, 10),
        (Damage::Hyper(|h| h.learning_rate *= 1.001), 10),
        (Damage::Hyper(|h| h.momentum *= 0.999), 10),
        (Damage::Hyper(|h| h.weight_decay = 0.0), 8),
        (Damage::Hyper(|h| h.scale_ratio = 1.0), 1),
        (Damage::Hyper(|h| h.scale_ratio = h.scale_ratio.recip()), 1),
        (Damage::Hyper(|h| h.weight_decay *= 1.01), 1),
        (of_moments!(|m| m.first_weight *= 1.001), 2),
        (of_moments!(|m| m.second_keep *= 0.99), 1),
        (of_moments!(|m| m.second_weight *= 1.001), 2),
        (of_moments!(|m| m.bias_corrections[0] *= 0.99), 2),
        (of_moments!(|m| m.bias_corrections[1] *= 0.99), 2),
        (of_moments!(|m| m.epsilon *= 1.01), 2),
        (Damage::Evaluation, 1),
        (Damage::Batches(|b| b.flips.fill(false)), 1),
        (
            Damage::Batches(|b| b.crops.iter_mut().for_each(|c| c.dy = -c.dy)),
            1,
        ),
        (Damage::Batches(|b| b.indices.reverse()), 1),
        (Damage::SharedBatches, 1),
        (Damage::State(|s| change(s, ".running_variance", 1.001)), 8),
        (Damage::State(|s| change(s, ".running_mean", 1.001)), 8),
        (Damage::State(|s| change(s, ".momentum_buffer", 1.001)), 10),
        (Damage::State(|s| change(s, ".first_moment", 1.001)), 2),
        (Damage::State(|s| change(s, ".second_moment", 1.001)), 2),
        (Damage::State(|s| change(s, "0.weight", 1.0001)), 8),
        // An ε that is not rescaled, and another power of two for each kind of tensor.
        (Damage::Rescaling(|s| s.exponents.clear()), 3),
        (
            Damage::Rescaling(|s| change(s, ".running_variance", 2.0)),
            2,
        ),
        (Damage::Rescaling(|s| change(s, ".running_mean", 0.5)), 2),
        (Damage::Rescaling(|s| change(s, ".momentum_buffer", 2.0)), 3),
        (Damage::Rescaling(|s| change(s, ".first_moment", 2.0)), 1),
        (Damage::Rescaling(|s| change(s, ".second_moment", 2.0)), 1),
        (Damage::Rescaling(|s| change(s, "0.weight", 2.0)), 3),
    ] {
        let found = caught(Tier::Sim, damage);
        println!("{damage:?}: {found} cases");
        assert!(found >= least, "{damage:?}: only {found} cases notice");
    }
}

fn change(state: &mut State, suffix: &str, factor: f64) {
    for tensor in &mut state.tensors {
        if tensor.name.ends_with(suffix) {
            tensor.values.iter_mut().for_each(|value| *value *= factor);
        }
    }
}

#[test]
fn a_number_that_is_none_is_a_deviation() {
    let case = &Case::all(Tier::Sim)[0];
    let damage = Damage::State(|state| state.tensors[0].values[0] = f64::NAN);
    let report = run(case, damage);
    assert!(!report.deviations.is_empty());
    assert!(
        report.to_string().contains("away from the reference"),
        "{report}"
    );
}

#[test]
fn bounds_are_rounding_and_not_freedom() {
    for case in Case::all(Tier::Full) {
        let graph = case.graph().unwrap();
        let in_full = (Precision::Float32, Products::Full);
        let bounds = |algorithm| Bounds::new(&case, &graph, in_full, algorithm);
        let (direct, winograd) = (bounds(Algorithm::Direct), bounds(Algorithm::Winograd));
        println!("{}: {direct:?}, {winograd:?}", case.name);
        for bounds in [direct, winograd] {
            assert!(bounds.smooth < 2e-3, "{}: {bounds:?}", case.name);
            assert!(bounds.gradient < 4e-2, "{}: {bounds:?}", case.name);
        }
        // Most at a single channel, where transforms are long beside the sum: κ √(1 + 36) against √(9 + 4).
        let growth = winograd.smooth / direct.smooth;
        assert!((1.0..18.2).contains(&growth), "{}: {growth}", case.name);
    }
}

#[test]
fn seeds_avoid_kinks_where_the_corpus_says_so() {
    for case in Case::all(Tier::Cpu) {
        if case.kinks == Kinks::Avoided {
            let distance = kink_distance(&case);
            println!("{}: {distance:.1e}", case.name);
            assert!(distance > Kinks::MARGIN, "{}: {distance:e}", case.name);
        }
    }
}

/// Smallest over all replicas and steps; of the first steps only, once it is below the margin.
fn kink_distance(case: &Case) -> f64 {
    let graph = case.graph().unwrap();
    let mut engine = ReferenceEngine::new(&graph, case.options(&graph)).unwrap();
    let images = case.images(&graph, Split::Train).unwrap();
    engine.load_images(Split::Train, Arc::new(images)).unwrap();
    let mut smallest = f64::INFINITY;
    let hyper = case.hyper().unwrap();
    for replica in 0..engine.replicas() {
        engine
            .load_state(replica, &case.state(&graph, replica))
            .unwrap();
    }
    let specs = case.batches();
    let batches = case.arranged(&specs).unwrap();
    for step in 0..batches.steps() {
        for replica in 0..engine.replicas() {
            let batch = batches.get(step, replica);
            smallest = smallest.min(engine.kink_distance(replica, batch).unwrap());
            if smallest < Kinks::MARGIN {
                return smallest;
            }
        }
        let (replicas, groups) = (hyper.replicas(), hyper.groups());
        let row = HyperTable::from_fn(1, replicas, groups, |_, r, g| hyper.get(step, r)[g]);
        engine
            .run(batches.part(step..step + 1), &row.unwrap())
            .unwrap();
    }
    smallest
}

/// Writes the corpus's file of seeds: for every case that avoids kinks, its seed if that does, or the next that does.
#[test]
#[ignore = "a tool for whoever adds a case"]
fn find_seeds() {
    const TRIES: u64 = 10_000;
    let mut file = "# Written by `find_seeds`, see README.md.\n\n".to_owned();
    for case in Case::all(Tier::Full) {
        let avoids = |&seed: &u64| {
            let other = Case {
                seed,
                ..case.clone()
            };
            // A little more, for another machine's sums in another order.
            kink_distance(&other) > 1.01 * Kinks::MARGIN
        };
        // In steps, so that the draws of a case stay apart.
        let mut seeds = (0..TRIES).map(|n| case.seed + 100 * n);
        let seed = match case.kinks {
            Kinks::Possible => Some(case.seed),
            Kinks::Avoided => seeds.find(avoids),
        };
        let seed = seed.unwrap_or_else(|| {
            panic!(
                "`{}` has too many values: none of {TRIES} seeds avoids kinks",
                case.name
            )
        });
        if seed != case.seed {
            println!("{}: {} -> {seed}", case.name, case.seed);
        }
        file += &format!("\"{}\" = {seed}\n", case.name);
    }
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../nn-engine/conformance/seeds.toml"
    );
    std::fs::write(path, file).unwrap();
}
