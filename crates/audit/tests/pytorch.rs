//! A log that PyTorch wrote (`data/pytorch.py`), in which is also what an audit says without having seen it.

use audit::{AdviceKind, Audit, Columns, Constants, Log, NormVerdict};

const LOG: &str = include_str!("data/pytorch.csv");

/// The root mean square of a column's last values before a step.
fn measured_angle(column: &str, before: u64, rows: usize) -> f64 {
    let mut lines = LOG.lines();
    let index = lines
        .next()
        .unwrap()
        .split(',')
        .position(|name| name == column)
        .unwrap();
    let cells = lines.map(|line| line.split(',').collect::<Vec<_>>());
    let values = cells
        .filter(|cells| cells[0].parse::<u64>().unwrap() <= before && !cells[index].is_empty());
    let values: Vec<f64> = values.map(|cells| cells[index].parse().unwrap()).collect();
    let last = &values[values.len() - rows..];
    (last.iter().map(|angle| angle * angle).sum::<f64>() / rows as f64).sqrt()
}

#[test]
fn norms_of_a_real_training_show_how_far_a_step_turns() {
    let log = Log::parse(
        LOG,
        "pytorch.csv",
        &Columns::default(),
        Constants::default(),
    )
    .unwrap();
    let audit = Audit::new(log, Some(64)).unwrap();
    let [first, second] = &audit.findings().phases[..] else {
        panic!("two phases")
    };
    assert_eq!((first.end, second.start), (2000, 2000));
    for phase in [first, second] {
        let names: Vec<&str> = phase.norms.iter().map(|norm| norm.layer.as_str()).collect();
        assert_eq!(names, ["all", "hidden1", "hidden2", "hidden3", "head"]);
        for norm in &phase.norms[1..4] {
            assert_eq!(norm.verdict, NormVerdict::Known);
            let measured = measured_angle(&format!("angle/{}", norm.layer), phase.end, 20);
            let found = norm.rotation_per_step.unwrap();
            println!("{} {}: {:.4}", phase.start, norm.layer, found / measured);
            assert!(
                (found / measured - 1.0).abs() < 0.06,
                "{} {found} {measured}",
                norm.layer
            );
        }
    }
    // A layer without a normalisation after it: at rest it looks like the others, but not on the move.
    let head = &second.norms[4];
    let measured = measured_angle("angle/head", second.end, 20);
    assert!(head.rotation_per_step.unwrap() > 3.0 * measured);
    let apart = audit
        .findings()
        .advice
        .iter()
        .find(|advice| advice.kind == AdviceKind::Apart)
        .unwrap();
    assert_eq!(
        (apart.phase, &apart.layers[..]),
        (Some(1), &["head".to_owned()][..])
    );
}

/// Without the layer that does not belong, the forecast of the second phase from the first is good.
#[test]
fn what_the_first_phase_shows_holds_in_the_second() {
    let columns: Columns = "norm=norm/hidden*".parse().unwrap();
    let log = Log::parse(LOG, "pytorch.csv", &columns, Constants::default()).unwrap();
    let audit = Audit::new(log, None).unwrap();
    let norm = &audit.findings().phases[1].norms[0];
    let off = norm.ln_squared_norm_forecast.unwrap() - norm.ln_squared_norm_end;
    println!(
        "forecast {off:.4}, where the norm fell by {:.4}",
        norm.ln_squared_norm_start - norm.ln_squared_norm_end
    );
    assert!(off.abs() < 0.03, "{off}");
    assert!(norm.ln_squared_norm_start - norm.ln_squared_norm_end > 0.3);
}
