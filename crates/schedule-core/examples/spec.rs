//! Checks every statement of the theory and prints a table: `spec [CASES [SEED [FIELD_STEPS]]]`.

use std::process::ExitCode;
use std::thread;

use schedule_core::spec::{Outcome, Settings, Statement, statements};

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let defaults = Settings::default();
    let cases = numbers.next().unwrap_or(Ok(defaults.cases.into()));
    let seed = numbers.next().unwrap_or(Ok(defaults.seed));
    let field_steps = numbers.next().unwrap_or(Ok(defaults.field_steps));
    let (Ok(cases), Ok(seed), Ok(field_steps)) = (cases.map(u32::try_from), seed, field_steps)
    else {
        eprintln!(
            "error: the arguments are a number of cases, a seed and a number of steps in the prime \
             field, all whole numbers"
        );
        return ExitCode::from(2);
    };
    let Ok(cases) = cases else {
        eprintln!("error: there can be at most {} cases", u32::MAX);
        return ExitCode::from(2);
    };
    let settings = Settings {
        cases,
        seed,
        field_steps,
        ..defaults
    };

    let outcomes = check_all(&settings);
    println!(
        "{:<32} {:>7} {:>12} {:>12}  verdict\n",
        "statement", "cases", "largest dev.", "tolerance"
    );
    for (statement, outcome) in &outcomes {
        print(statement, outcome);
    }
    let failed = outcomes
        .iter()
        .filter(|(_, outcome)| outcome.failure.is_some())
        .count();
    println!(
        "{} statements, {failed} of them refuted; {cases} cases each, seed {seed}, \
         {field_steps} steps in the prime field.",
        outcomes.len()
    );
    ExitCode::from(u8::from(failed > 0))
}

/// The outcome of each statement, in order, on all cores.
fn check_all(settings: &Settings) -> Vec<(&'static Statement, Outcome)> {
    let all: Vec<_> = statements().collect();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let worker = || {
        let mut mine = Vec::new();
        // Claimed one by one: some take a hundred times as long as others.
        loop {
            let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(statement) = all.get(index) else {
                return mine;
            };
            mine.push((index, *statement, statement.check(settings)));
        }
    };
    let mut outcomes = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_default())
            .collect::<Vec<_>>()
    });
    outcomes.sort_by_key(|(index, ..)| *index);
    outcomes
        .into_iter()
        .map(|(_, statement, outcome)| (statement, outcome))
        .collect()
}

fn print(statement: &Statement, outcome: &Outcome) {
    let number = |value: f64| match value {
        0.0 => "0, exact".to_owned(),
        value => format!("{value:.1e}"),
    };
    let verdict = match &outcome.failure {
        None => "holds".to_owned(),
        Some(failure) => format!("REFUTED: {failure}"),
    };
    println!(
        "{:<32} {:>7} {:>12} {:>12}  {verdict}",
        statement.id,
        outcome.cases,
        number(outcome.largest_deviation),
        number(statement.tolerance),
    );
    println!("    {}", statement.words);
    println!("    {}   [{}]\n", statement.formula, statement.source);
}
