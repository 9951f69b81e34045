//! What a contestant says of its run.

use serde::{Deserialize, Serialize};

use benches::Spread;

/// The line of JSON that every contestant prints last; `benches/src/measure.rs` says what is in it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Timing {
    pub(super) what: String,
    pub(super) batch: usize,
    pub(super) step_ms: Vec<f64>,
    pub(super) steps_a_sample: usize,
    pub(super) start_mb: Option<f64>,
    pub(super) peak_mb: Option<f64>,
    pub(super) others_busy: Option<f64>,
    pub(super) loss: Option<f64>,
}

impl Timing {
    /// From everything that the program printed.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub(super) fn read(output: &str) -> Result<Self, String> {
        let line = output.lines().rev().find(|line| !line.trim().is_empty());
        let line = line.ok_or("it printed nothing, where a line of JSON was due")?;
        let timing: Self = serde_json::from_str(line)
            .map_err(|error| format!("its last line is not what was due: {error}: {line}"))?;
        if Spread::of(timing.step_ms.iter().copied()).is_none_or(|ms| ms.least <= 0.0) {
            return Err(format!("its steps have no times: {line}"));
        }
        if !timing.loss.is_some_and(f64::is_finite) {
            return Err(format!("it did not train, its loss is not finite: {line}"));
        }
        Ok(timing)
    }

    /// By the median of its samples.
    pub(super) fn images_a_second(&self) -> f64 {
        let median = Spread::of(self.step_ms.iter().copied()).map(|ms| ms.median);
        1e3 * self.batch as f64 / median.unwrap_or(f64::NAN)
    }

    /// Steps that were timed.
    pub(super) fn steps(&self) -> usize {
        self.step_ms.len() * self.steps_a_sample
    }

    /// Peak memory without what was there before the network.
    pub(super) fn own_mb(&self) -> Option<f64> {
        Some(self.peak_mb? - self.start_mb?)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A run at this rate, on batches of 100, which held 30 MB.
    pub(in super::super) fn timing(images_a_second: f64) -> Timing {
        Timing {
            what: "test".to_owned(),
            batch: 100,
            step_ms: vec![1e5 / images_a_second; 3],
            steps_a_sample: 4,
            start_mb: Some(10.0),
            peak_mb: Some(40.0),
            others_busy: Some(0.01),
            loss: Some(2.3),
        }
    }

    const LINE: &str = r#"{"what": "x", "batch": 128, "step_ms": [256.0, 128.0, 900.5],
        "steps_a_sample": 2, "start_mb": 500, "peak_mb": 1100.5, "others_busy": null, "loss": 2.25}"#;

    #[test]
    fn the_last_line_counts() {
        let line = LINE.replace('\n', " ");
        let timing = Timing::read(&format!("warning: something\n{line}\n\n")).unwrap();
        assert_eq!(timing.images_a_second(), 500.0);
        assert_eq!((timing.steps(), timing.own_mb()), (6, Some(600.5)));
        assert_eq!(timing.others_busy, None);
    }

    #[test]
    fn what_is_not_a_timing_says_why() {
        let line = LINE.replace('\n', " ");
        for (output, reason) in [
            ("", "printed nothing"),
            ("Segmentation fault", "is not what was due"),
            (
                &line.replace("\"batch\"", "\"patch\""),
                "missing field `batch`",
            ),
            (&line.replace("256.0, 128.0, 900.5", ""), "have no times"),
            (&line.replace("128.0", "0.0"), "have no times"),
            (&line.replace("2.25", "null"), "did not train"),
        ] {
            let error = Timing::read(output).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
