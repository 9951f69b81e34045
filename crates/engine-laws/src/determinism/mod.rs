//! The same bits however a run is made.

mod networks;

use std::hash::{DefaultHasher, Hash, Hasher};

use nn_engine::{
    Batches, Engine, EngineOptions, Evaluation, GroupHyper, HyperTable, Optimiser, Split, State,
    StepStats,
};
use nn_graph::Graph;

use self::networks::{BATCH, IMAGES, batches, images, networks, smallest};
use crate::Subject;

/// A way to make a run.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// Threads to compute with.
    pub threads: usize,
    /// How many replicas are trained together. Those between the first and the last are other runs.
    pub replicas: usize,
    /// Steps of one call.
    pub steps_a_call: usize,
}

/// All that an engine tells of a run.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    steps: Vec<StepStats>,
    state: State,
    evaluation: Evaluation,
}

impl Outcome {
    fn is_finite(&self) -> bool {
        let mut values = self.state.tensors.iter().flat_map(|tensor| &tensor.values);
        values.all(|value| value.is_finite()) && self.evaluation.loss.is_finite()
    }

    fn hash(&self, hasher: &mut DefaultHasher) {
        for step in &self.steps {
            (step.loss.to_bits(), step.correct).hash(hasher);
        }
        for value in self.state.tensors.iter().flat_map(|tensor| &tensor.values) {
            value.to_bits().hash(hasher);
        }
        (self.evaluation.loss.to_bits(), self.evaluation.correct).hash(hasher);
    }
}

impl Way {
    /// One call of one replica on one thread.
    fn plainest(steps: usize) -> Self {
        Self {
            threads: 1,
            replicas: 1,
            steps_a_call: steps,
        }
    }

    fn kind(&self, replica: usize) -> Kind {
        match replica > 0 && replica + 1 < self.replicas {
            true => Kind::Other,
            false => Kind::Main,
        }
    }

    /// What becomes of each replica, each a run of the kind that is told.
    fn train(
        &self,
        subject: &Subject,
        (graph, optimiser): (&Graph, Optimiser),
        steps: usize,
        kind: impl Fn(usize) -> Kind,
    ) -> Vec<Outcome> {
        let options = EngineOptions {
            threads: self.threads,
            replicas: self.replicas,
            optimiser,
            ..EngineOptions::new(graph, BATCH)
        };
        let mut engine = ready(subject, graph, options);
        for replica in 0..self.replicas {
            let state = State::initial(graph, kind(replica).seed());
            let state = state.with_optimiser(graph, optimiser);
            engine.load_state(replica, &state).unwrap();
        }
        let mut told = vec![Vec::new(); self.replicas];
        for (call, batches) in batches(steps).chunks(self.steps_a_call).enumerate() {
            let first = call * self.steps_a_call;
            let hyper = HyperTable::from_fn(batches.len(), self.replicas, 1, |step, replica, _| {
                kind(replica).hyper(optimiser, first + step)
            });
            let stats = engine
                .run(Batches::shared(batches), &hyper.unwrap())
                .unwrap();
            for (replica, told) in told.iter_mut().enumerate() {
                told.extend((0..batches.len()).map(|step| stats.get(step, replica)));
            }
        }
        let outcome = |(replica, steps)| Outcome {
            steps,
            state: engine.state(replica).unwrap(),
            evaluation: engine.evaluate(replica, Split::Test, &[0.999]).unwrap(),
        };
        told.into_iter().enumerate().map(outcome).collect()
    }
}

/// The run that is looked at, or one beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Main,
    Other,
}

impl Kind {
    fn seed(self) -> u64 {
        match self {
            Kind::Main => 3,
            Kind::Other => 4,
        }
    }

    fn hyper(self, optimiser: Optimiser, step: usize) -> GroupHyper {
        let (learning_rate, scale_ratio) = match self {
            Kind::Main => (0.05, 0.999),
            Kind::Other => (0.02, 1.001),
        };
        GroupHyper {
            scale_ratio,
            ..hyper(optimiser, learning_rate, step)
        }
    }
}

/// Hyperparameters of a step.
fn hyper(optimiser: Optimiser, learning_rate: f64, step: usize) -> GroupHyper {
    match optimiser {
        Optimiser::Sgd | Optimiser::Sgdw => GroupHyper::new(learning_rate, 1e-3, 0.9),
        Optimiser::AdamW => {
            GroupHyper::adamw(0.1 * learning_rate, 0.1, [0.9, 0.99], 1e-8, step as u64)
        }
    }
}

/// What the laws train: every network with SGD, and little with the others.
fn trained() -> impl Iterator<Item = (Graph, Optimiser)> {
    let sgd = networks().map(|graph| (graph, Optimiser::Sgd));
    let others = [Optimiser::Sgdw, Optimiser::AdamW];
    sgd.into_iter()
        .chain(others.map(|optimiser| (smallest(), optimiser)))
}

fn ready(subject: &Subject, graph: &Graph, options: EngineOptions) -> Box<dyn Engine> {
    let mut engine = subject.make(graph, options);
    for split in [Split::Train, Split::Test] {
        engine.load_images(split, images(IMAGES)).unwrap();
    }
    engine
}

/// So many steps in each of these ways give what they give in one call, of one replica, on one thread: every loss, the
/// state, the evaluation. What other replicas do changes nothing.
///
/// # Panics
/// If a bit differs.
pub fn bits_do_not_depend_on_how_a_run_is_made(subject: &Subject, steps: usize, ways: &[Way]) {
    for (graph, optimiser) in trained() {
        check_ways(subject, (&graph, optimiser), steps, ways);
    }
}

/// So many steps, of a small network, in one call are what they are in many calls.
///
/// # Panics
/// If a bit differs.
pub fn a_long_call_is_many_short_ones(subject: &Subject, steps: usize) {
    let short = Way {
        steps_a_call: 7,
        ..Way::plainest(steps)
    };
    check_ways(subject, (&smallest(), Optimiser::Sgd), steps, &[short]);
}

fn check_ways(subject: &Subject, of: (&Graph, Optimiser), steps: usize, ways: &[Way]) {
    let alone = |kind| {
        Way::plainest(steps)
            .train(subject, of, steps, |_| kind)
            .remove(0)
    };
    let wanted = [alone(Kind::Main), alone(Kind::Other)];
    assert!(wanted.iter().all(Outcome::is_finite), "{subject}");
    assert!(wanted[0] != wanted[1], "{subject}");
    for way in ways {
        let found = way.train(subject, of, steps, |replica| way.kind(replica));
        for (replica, found) in found.iter().enumerate() {
            let wanted = &wanted[way.kind(replica) as usize];
            assert!(found == wanted, "{subject}, {way:?}, replica {replica}");
        }
    }
}

/// A number that stands for every bit of some runs, to compare with that of another process.
///
/// # Panics
/// If the engine refuses a call, or a number is none.
pub fn fingerprint(subject: &Subject, steps: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (graph, optimiser) in trained() {
        let way = Way {
            replicas: 2,
            ..Way::plainest(steps)
        };
        for outcome in way.train(subject, (&graph, optimiser), steps, |_| Kind::Main) {
            assert!(outcome.is_finite(), "{subject}");
            outcome.hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// Room for larger batches than there are changes nothing.
///
/// # Panics
/// If a bit differs.
pub fn bits_do_not_depend_on_room_for_larger_batches(subject: &Subject) {
    for graph in networks() {
        let hyper = |_, _, _| hyper(Optimiser::Sgd, 0.05, 0);
        let hyper = HyperTable::from_fn(6, 1, 1, hyper).unwrap();
        let states = [BATCH, 2 * BATCH + 1].map(|room| {
            let mut engine = ready(subject, &graph, EngineOptions::new(&graph, room));
            engine.run(Batches::shared(&batches(6)), &hyper).unwrap();
            engine.state(0).unwrap()
        });
        assert!(states[0] == states[1], "{subject}");
    }
}

/// An engine evaluates in chunks of the largest batch, whose losses it adds up: no loss of an image depends on them.
///
/// # Panics
/// If an answer differs, or a loss by more than such a sum rounds.
pub fn evaluation_does_not_depend_on_its_chunks(subject: &Subject) {
    let larger = networks().map(|graph| (graph, 20));
    for (graph, count) in larger.into_iter().chain([(smallest(), 150)]) {
        let evaluated = |chunk| {
            let mut engine = subject.make(&graph, EngineOptions::new(&graph, chunk));
            engine.load_images(Split::Test, images(count)).unwrap();
            engine.evaluate(0, Split::Test, &[1.0]).unwrap()
        };
        let whole = evaluated(count);
        for chunk in [1, 7, count + 1] {
            let found = evaluated(chunk);
            let at = format!("{subject}, {count} images in chunks of {chunk}");
            assert_eq!(
                (found.correct, found.images),
                (whole.correct, count),
                "{at}"
            );
            let off = (found.loss - whole.loss).abs();
            assert!(off <= 1e-13 * whole.loss, "{at}: off by {off:e}");
        }
    }
}

/// What a state holds is all that the rest of a run depends on.
///
/// # Panics
/// If a bit differs.
pub fn a_state_carries_the_whole_run(subject: &Subject) {
    for (graph, optimiser) in trained() {
        let all = batches(20);
        let hypers = [0, 10].map(|first| {
            let hyper = |step, _, _| hyper(optimiser, 0.05, first + step);
            HyperTable::from_fn(10, 1, 1, hyper).unwrap()
        });
        let options = || EngineOptions {
            optimiser,
            ..EngineOptions::new(&graph, BATCH)
        };
        let mut engine = ready(subject, &graph, options());
        engine.run(Batches::shared(&all[..10]), &hypers[0]).unwrap();
        let middle = engine.state(0).unwrap();
        engine.run(Batches::shared(&all[10..]), &hypers[1]).unwrap();
        let end = engine.state(0).unwrap();
        assert!(middle != end, "{subject}");

        let mut resumed = ready(subject, &graph, options());
        resumed.load_state(0, &middle).unwrap();
        assert!(resumed.state(0).unwrap() == middle, "{subject}");
        resumed
            .run(Batches::shared(&all[10..]), &hypers[1])
            .unwrap();
        assert!(resumed.state(0).unwrap() == end, "{subject}");
    }
}
