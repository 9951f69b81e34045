//! A run of SGD on a scale-invariant loss that is all noise.

use schedule_core::Hyperparameters;
use schedule_core::optimiser::SgdState;

/// Standard normal numbers, from a counter (SplitMix64 and Box & Muller).
pub(crate) struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn next(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// The loss of a step is the direction's linear function `⟨x_t, θ⟩/‖θ‖`, `x_t` an AR(1) sequence of unit variance, so that
/// `E⟨∇L_t, ∇L_{t+τ}⟩‖θ‖² = (dimension − 1)·ρ^|τ|`.
pub(crate) struct Run {
    noise: Noise,
    correlation: f64,
    example: Vec<f64>,
    state: SgdState,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

impl Run {
    pub(crate) fn new(seed: u64, dimension: usize, norm: f64, correlation: f64) -> Self {
        let mut noise = Noise(seed << 40);
        let example = (0..dimension).map(|_| noise.next()).collect();
        let state = SgdState {
            parameters: vec![norm / (dimension as f64).sqrt(); dimension],
            buffer: vec![0.0; dimension],
        };
        Self {
            noise,
            correlation,
            example,
            state,
        }
    }

    pub(crate) fn norm(&self) -> f64 {
        dot(&self.state.parameters, &self.state.parameters).sqrt()
    }

    pub(crate) fn normal(&mut self) -> f64 {
        self.noise.next()
    }

    /// A step, and the square of the angle by which it turns.
    pub(crate) fn step(&mut self, learning_rate: f64, (weight_decay, momentum): (f64, f64)) -> f64 {
        let fresh = (1.0 - self.correlation * self.correlation).sqrt();
        for x in &mut self.example {
            *x = self.correlation * *x + fresh * self.noise.next();
        }
        let example = &self.example;
        let gradient = |parameters: &[f64]| {
            let square = dot(parameters, parameters);
            let along = dot(example, parameters) / square;
            let pairs = example.iter().zip(parameters);
            pairs
                .map(|(x, p)| (x - along * p) / square.sqrt())
                .collect()
        };
        let next = self.state.stepped(
            gradient,
            Hyperparameters {
                learning_rate,
                weight_decay,
                momentum,
            },
        );
        let (a, b) = (&self.state.parameters, &next.parameters);
        let (la, lb) = (dot(a, a).sqrt(), dot(b, b).sqrt());
        let chord: f64 = a
            .iter()
            .zip(b)
            .map(|(x, y)| (x / la - y / lb).powi(2))
            .sum();
        self.state = next;
        (2.0 * (chord.sqrt() / 2.0).asin()).powi(2)
    }
}

/// A log of phases of a rate and a number of steps, with a norm every so many, and the angle of a step, root mean square over
/// the last few.
pub(crate) fn log_of(
    run: &mut Run,
    phases: &[(f64, u64)],
    with: (f64, f64),
    every: u64,
    few: usize,
) -> (String, f64) {
    let mut csv = "step,lr,norm/w\n".to_owned();
    let (mut step, mut turned) = (0, Vec::new());
    for &(rate, steps) in phases {
        for _ in 0..steps {
            if step % every == 0 {
                csv += &format!("{step},{rate},{}\n", run.norm());
            }
            turned.push(run.step(rate, with));
            step += 1;
        }
    }
    csv += &format!(
        "{},{},{}\n",
        step - 1,
        phases[phases.len() - 1].0,
        run.norm()
    );
    let last = &turned[turned.len() - few..];
    (csv, (last.iter().sum::<f64>() / last.len() as f64).sqrt())
}
