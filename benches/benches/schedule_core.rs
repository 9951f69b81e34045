//! The exact law: a million steps streaming, and any one step.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use schedule_core::{ExactAccess, ExactLaw, Recipe, Schedule};

const MILLION: u64 = 1_000_000;

fn recipe(rate: Schedule) -> Recipe {
    let constant = |value| Schedule::constant(value).expect("valid");
    Recipe::new(rate, constant(5e-4), constant(0.9)).expect("valid")
}

fn streaming(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exact law, a million steps");
    group.throughput(Throughput::Elements(MILLION));
    for (name, rate) in [
        ("constant", Schedule::constant(0.1)),
        (
            "step decay",
            Schedule::step_decay(0.1, 0.1, &[400_000, 600_000]),
        ),
        ("cosine", Schedule::cosine(0.1, 0.0, MILLION)),
    ] {
        let recipe = recipe(rate.expect("valid"));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let steps = ExactLaw::new().steps(black_box(&recipe));
                steps
                    .take(MILLION as usize)
                    .map(|step| step.map_or(0.0, |step| step.ln_learning_rate))
                    .fold(0.0, f64::max)
            });
        });
    }
    group.finish();
}

fn random_access(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exact law, any step");
    let boundaries: Vec<u64> = (1..1_000).map(|boundary| boundary * 1_000).collect();
    for (name, rate, momentum) in [
        ("constant", Schedule::constant(0.1), 0.9),
        (
            "step decay",
            Schedule::step_decay(0.1, 0.1, &[400_000, 600_000]),
            0.9,
        ),
        (
            "a thousand phases",
            Schedule::step_decay(0.1, 0.999, &boundaries),
            0.9,
        ),
        // Complex roots until step 400.
        (
            "from complex to real roots",
            Schedule::step_decay(0.1, 0.1, &[400]),
            0.99,
        ),
    ] {
        let constant = |value| Schedule::constant(value).expect("valid");
        let recipe = Recipe::new(rate.expect("valid"), constant(5e-4), constant(momentum));
        let access = ExactAccess::new(&recipe.expect("valid"), 0.0).expect("convertible");
        let end = if momentum > 0.9 { 800 } else { MILLION };
        let mut step = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                // Far from the step before, so that neither branches nor caches are of help.
                step = (step + 618_033) % end;
                access.at(black_box(step))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, streaming, random_access);
criterion_main!(benches);
