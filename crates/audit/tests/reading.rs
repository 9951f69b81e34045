//! What logs are read, and what is said of those that are not.

use audit::{Audit, Columns, Constants, Log, LogError};
use proptest::prelude::*;

const CONSTANTS: Constants = Constants {
    learning_rate: None,
    weight_decay: Some(5e-4),
    momentum: Some(0.9),
};

fn read(text: &str) -> Result<Log, LogError> {
    Log::parse(text, "a.log", &Columns::default(), CONSTANTS)
}

#[track_caller]
fn refused(text: &str) -> String {
    let error = read(text).unwrap_err().to_string();
    assert!(!error.contains('\n'), "{error}");
    error
}

#[test]
fn the_same_log_in_every_form_is_the_same() {
    let plain = read("step,lr,norm/a,norm/b\n0,0.1,3,4\n10,0.1,,\n20,0.01,2,1\n").unwrap();
    for other in [
        // Squared, by the name of the column.
        "step,lr,squared_norm/a,squared_norm/b\n0,0.1,9,16\n10,0.1,,\n20,0.01,4,1\n",
        // Other names, another order, columns of something else, Windows' ends of lines, a byte order mark.
        "\u{feff}loss,learning_rate,global_step,weight_norm/a,weight_norm/b\r\nx,0.1,0,3,4\r\n,0.1,10,None,NaN\r\n,0.01,20,2,1\r\n",
        // Lines of one step, as PyTorch Lightning writes them; and a rate that is carried on.
        "step,lr,norm/a,norm/b\n0,0.1,,\n0,,3,\n0,,,4\n10,,,\n20,0.01,2,1\n",
        "{\"step\":0,\"lr\":0.1,\"norm\":{\"a\":3,\"b\":4}}\n\n{\"step\":10}\n{\"step\":20,\"lr\":0.01,\"norm/a\":2,\"norm/b\":1,\"tags\":[1]}",
        "{\"step\":0,\"lr\":0.1,\"norm\":{\"a\":3.0,\"b\":4}}\n{\"step\":1e1,\"lr\":null,\"note\":\"x\"}\n{\"step\":20,\"lr\":0.01,\"norm\":{\"a\":2,\"b\":1}}",
    ] {
        let other = read(other).unwrap_or_else(|error| panic!("{error}"));
        let audits = [&plain, &other].map(|log| Audit::new(log.clone(), None).unwrap());
        let mut found = audits.map(|audit| audit.findings().clone());
        for found in &mut found {
            found
                .advice
                .retain(|advice| !advice.sentence.contains("NaN"));
        }
        assert_eq!(format!("{:?}", found[0]), format!("{:?}", found[1]));
    }
}

#[test]
fn names_may_be_given() {
    let columns: Columns =
        "step=n, lr=sgd/lr,weight_decay=l2,momentum=beta,squared_norm=w2_*,norm=everything"
            .parse()
            .unwrap();
    let text = "n,sgd/lr,l2,beta,w2_a,w2_b,everything,step\n0,1,1e-3,0.5,9,16,5,x\n5,1,1e-3,0.5,9,16,5,y\n";
    let log = Log::parse(text, "a.csv", &columns, Constants::default()).unwrap();
    let audit = Audit::new(log, None).unwrap();
    let phase = &audit.findings().phases[0];
    assert_eq!((phase.weight_decay, phase.momentum), ([1e-3; 2], [0.5; 2]));
    let names: Vec<&str> = phase.norms.iter().map(|norm| norm.layer.as_str()).collect();
    assert_eq!(names, ["all", "a", "b"]);
    for (norm, square) in phase.norms.iter().zip([25.0_f64, 9.0, 16.0]) {
        assert!((norm.ln_squared_norm_end - square.ln()).abs() < 1e-12);
    }
    for wrong in ["", "lr", "lr=", "rate=lr", "norm=*", "lr=a,lr=b"] {
        let error = wrong.parse::<Columns>().unwrap_err().to_string();
        assert!(error.starts_with("--columns has `"), "{error}");
    }
}

/// Logs, and how what is said of them begins.
const MISTAKES: &[(&str, &str)] = &[
    ("", "a.log has no row"),
    ("step,lr\n", "a.log has no row"),
    (
        "step,lr\n0,0.1\n1,0.1,2\n",
        "a.log, line 3: this is not CSV (it has 3 columns, the first line 2)",
    ),
    (
        "step,lr,lr\n0,1,2\n",
        "a.log, line 1: the column `lr` is there twice",
    ),
    (
        "step,lr\n0,0.1\n1,fast\n",
        "a.log, line 3, column `lr`: `fast` is not a number",
    ),
    (
        "step,lr,norm/a\n0,0.1,big\n",
        "a.log, line 2, column `norm/a`: `big` is not a number",
    ),
    (
        "step,lr,norm/a\n0,0.1,-1\n",
        "a.log, line 2, column `norm/a`: the norm is -1",
    ),
    (
        "step,lr\n0,0.1\n,0.1\n",
        "a.log, line 3, column `step`: the step is NaN; it must be a whole number",
    ),
    (
        "step,lr\n0.5,0.1\n",
        "a.log, line 2, column `step`: the step is 0.5",
    ),
    (
        "step,lr\n1e300,0.1\n",
        "a.log, line 2, column `step`: the step is 1e300",
    ),
    (
        "step,lr\n5,0.1\n4,0.1\n",
        "a.log, line 3: step 4 comes after step 5; sort the log",
    ),
    (
        "step,lr\n5,0.1\n5,0.2\n",
        "a.log, line 3, column `lr`: 0.2 at step 5, where an earlier line says 0.1",
    ),
    (
        "step,lr,norm/a\n5,0.1,2\n5,,3\n",
        "a.log, line 3, column `norm/a`: 3 at step 5, where an earlier line says 2",
    ),
    (
        "step,loss\n0,1\n",
        "a.log has no column for the learning rate; the names known are lr, ",
    ),
    (
        "n,lr\n0,1\n",
        "a.log has no column for the step; the names known are step, global_step",
    ),
    (
        "step,lr,learning_rate\n0,1,1\n",
        "a.log has two columns for the learning rate, `lr` and `learning_rate`",
    ),
    (
        "step,lr,norm/a,squared_norm/a\n0,1,1,1\n",
        "a.log has two columns for the norm of a layer",
    ),
    (
        "step,lr,weight_norm,param_norm\n0,1,1,1\n",
        "a.log has two columns for the norm of all weights",
    ),
    (
        "step,lr\n0,\n1,0.1\n",
        "a.log, line 2: step 0 has no learning rate, and no line before it has one",
    ),
    (
        "step,lr\n0,-1\n",
        "a.log, line 2: the learning rate is -1.0 at step 0",
    ),
    (
        "step,lr\n0,inf\n",
        "a.log, line 2: the learning rate is inf at step 0",
    ),
    (
        "step,lr,momentum\n0,1,1\n",
        "a.log, line 2: the momentum is 1.0 at step 0",
    ),
    (
        "{\"step\":0,\"lr\":NaN}\n",
        "a.log, line 1: this is not an object of JSON (expected value at line 1 column 16); write one",
    ),
    (
        "{\"step\":0,\"lr\":1}\n[1]\n",
        "a.log, line 2: this is not an object of JSON (it is another value)",
    ),
    (
        "{\"a\":{\"b\":1},\"a/b\":2}",
        "a.log, line 1: the column `a/b` is there twice",
    ),
    (
        "{\"step\":0,\"lr\":\"1\"}",
        "a.log, line 1, column `lr`: `1` is not a number",
    ),
];

#[test]
fn a_mistake_is_said_with_its_place() {
    for (text, said) in MISTAKES {
        let constants = if text.contains("momentum") {
            Constants {
                momentum: None,
                ..CONSTANTS
            }
        } else {
            CONSTANTS
        };
        let error = Log::parse(text, "a.log", &Columns::default(), constants)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(said), "{text:?}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
    let columns: Columns = "lr=rate".parse().unwrap();
    let error = Log::parse("step,lr\n0,1\n", "a.log", &columns, CONSTANTS)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "a.log has no column `rate`, which --columns names for lr; it has `step`, `lr`"
    );
    assert_eq!(
        Audit::new(read("step,lr\n0,1\n").unwrap(), Some(0)).unwrap_err(),
        LogError::NoEpoch
    );
}

#[test]
fn names_that_would_break_a_message_are_tamed() {
    let long = "x".repeat(500);
    let error = refused(&format!("step,\"a\nb\",{long}\n0,1,1\n"));
    assert!(error.contains("`a b`") && error.len() < 500, "{error}");
}

#[test]
fn norms_that_are_no_numbers_are_counted() {
    let log = read("step,lr,norm/a\n0,0.1,1\n1,0.1,nan\n2,0.1,inf\n3,0.1,1\n").unwrap();
    let audit = Audit::new(log, None).unwrap();
    assert_eq!(audit.findings().phases[0].norms[0].measurements, 2);
    let said = &audit.findings().advice[0].sentence;
    assert!(said.starts_with("2 norms are NaN or infinite and count as not measured, the first in line 3, column `norm/a`"), "{said}");
}

/// Gaps beyond anything that could be stepped through.
#[test]
fn huge_gaps_cost_nothing() {
    let text = "step,lr,norm/a\n0,1e-9,1\n1000000000000,1e-10,1.5\n9007199254740992,1e-10,1.2\n";
    let audit = Audit::new(read(text).unwrap(), Some(1)).unwrap();
    assert!(audit.findings().phases.len() <= 3);
    assert!(audit.findings().twin.ln_learning_rate_end > 0.0);
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0.0..2.0f64).prop_map(|x| x.to_string()),
        1 => any::<f64>().prop_map(|x| x.to_string()),
        1 => any::<f64>().prop_map(|x| x.abs().to_string()),
        1 => Just(String::new()),
        1 => Just("0".to_owned()),
    ]
}

proptest! {
    /// Whatever numbers: an error in one line, or findings in which steps are in order.
    #[test]
    fn any_numbers_are_audited_or_refused(
        rows in proptest::collection::vec((0..1u64 << 54, proptest::collection::vec(cell(), 5)), 1..12),
        steps_per_epoch in proptest::option::of(0..1000u64),
    ) {
        let mut rows = rows;
        rows.sort_by_key(|row| row.0);
        let mut text = "step,lr,wd,momentum,norm/a,squared_norm/b\n".to_owned();
        for (step, cells) in &rows {
            text += &format!("{step},{}\n", cells.join(","));
        }
        let log = Log::parse(&text, "a.log", &Columns::default(), Constants::default());
        match log.and_then(|log| Audit::new(log, steps_per_epoch)) {
            Err(error) => prop_assert!(!error.to_string().contains('\n')),
            Ok(audit) => {
                let found = audit.findings();
                let phases = &found.phases;
                prop_assert_eq!((phases[0].start, phases[phases.len() - 1].end), (found.first_step, found.end_step));
                prop_assert!(phases.windows(2).all(|pair| pair[0].end == pair[1].start && pair[0].start < pair[0].end));
                let _ = serde_json::to_string(found).unwrap();
            }
        }
    }
}
