//! A run that is renormalised by powers of two is the plain run, bit for bit.

use std::sync::Arc;

use nn_engine::{BatchSpec, Engine, EngineOptions, GroupHyper, HyperTable, Split, State, Symmetry};
use nn_graph::nets::{Architecture, NetConfig, Normaliser, Stem};
use nn_graph::{Affine, Graph, Training as Head};
use scale_invariance::{SCALED_GROUP, analyse};

use super::Failure;
use crate::Choice;
use crate::training::{batch, images};

/// Images of a batch.
const BATCH: usize = 12;
/// Before how many steps the scale changes.
const EVERY: usize = 3;
/// `ln η̃` grows by this much a step: parameters by half of it.
const GROWTH: f64 = 0.3;

/// A network that may be scaled, by name.
struct Net {
    name: String,
    graph: Graph,
    symmetry: Symmetry,
}

/// Trains networks with every normalisation, with and without affine parameters, with a fixed and a trained head, each
/// twice on one engine: as it is and with changes of scale; and compares losses, states at one scale, and evaluations.
///
/// # Errors
/// What the engine says, or how many networks differ.
///
/// ```
/// use benches::Choice;
/// use benches::check::renormalisation;
/// assert!(renormalisation(Choice::Cpu, 4)?.starts_with("all 20 networks"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn renormalisation(engine: Choice, steps: usize) -> Result<String, Failure> {
    let nets = nets()?;
    let mut different = 0;
    for net in &nets {
        match compared(engine, net, steps)? {
            None => println!("{}: no bit differs in {steps} steps", net.name),
            Some(what) => {
                different += 1;
                println!("{}: {what} differs", net.name);
            }
        }
    }
    let count = nets.len();
    match different {
        0 => Ok(format!(
            "all {count} networks agree bit for bit, {steps} steps each"
        )),
        _ => Err(format!("{different} of {count} networks differ between scales").into()),
    }
}

fn nets() -> Result<Vec<Net>, Failure> {
    let normalisers = [
        ("batch", Normaliser::Batch),
        ("group", Normaliser::Group { groups: 4 }),
        ("layer", Normaliser::Layer),
        ("instance", Normaliser::Instance),
    ];
    let mut nets = Vec::new();
    for architecture in [Architecture::PreResNet, Architecture::ResNet] {
        for (name, normaliser) in normalisers {
            for affine in [Affine::None, Affine::ScaleAndShift] {
                for head in [Head::Fixed, Head::Trained] {
                    let mut config = NetConfig::new(architecture, 8);
                    (config.width, config.normaliser) = (8, normaliser);
                    (config.affine, config.head) = (affine, head);
                    // As large as the variances, so that a wrong ε shows.
                    config.epsilon = 0.1;
                    if architecture == Architecture::PreResNet && affine == Affine::ScaleAndShift {
                        config.stem = Stem::ConvNormReluConv;
                    }
                    let graph = config.build()?;
                    let analysis = analyse(&graph);
                    if analysis.is_convertible() {
                        let symmetry = analysis.symmetry;
                        let name =
                            format!("{architecture:?}-8, {name} norm, {affine:?}, head {head:?}");
                        nets.push(Net {
                            name,
                            graph,
                            symmetry,
                        });
                    }
                }
            }
        }
    }
    Ok(nets)
}

/// What differs, if something does.
fn compared(engine: Choice, net: &Net, steps: usize) -> Result<Option<String>, Failure> {
    let mut plain = Run::new(engine, net)?;
    let mut rescaled = Run::new(engine, net)?;
    for step in 0..steps {
        if step % EVERY == 0 {
            // Up and down, in steps of several sizes.
            rescaled.rescale([-3, 5, -11, 2][step / EVERY % 4])?;
        }
        let (wanted, found) = (plain.step(step)?, rescaled.step(step)?);
        if wanted.to_bits() != found.to_bits() || !wanted.is_finite() {
            return Ok(Some(format!(
                "the loss of step {step} ({found}, not {wanted})"
            )));
        }
    }
    if plain.evaluation()?.to_bits() != rescaled.evaluation()?.to_bits() {
        return Ok(Some("the test loss".to_owned()));
    }
    let (wanted, found) = (plain.state_at_start()?, rescaled.state_at_start()?);
    let mut pairs = wanted.tensors.iter().zip(&found.tensors);
    let tensor = pairs.find(|(wanted, found)| wanted != found);
    Ok(tensor.map(|(tensor, _)| format!("`{}` after {steps} steps", tensor.name)))
}

/// One engine with one replica, and by how much it has been rescaled.
struct Run {
    engine: Box<dyn Engine>,
    total: i64,
}

impl Run {
    fn new(choice: Choice, net: &Net) -> Result<Self, Failure> {
        let options = EngineOptions {
            symmetry: net.symmetry.clone(),
            ..EngineOptions::new(&net.graph, BATCH)
        };
        let mut engine = choice.engine(&net.graph, options)?;
        let images = Arc::new(images(BATCH)?);
        for split in [Split::Train, Split::Test] {
            engine.load_images(split, images.clone())?;
        }
        engine.load_state(0, &State::initial(&net.graph, 11))?;
        Ok(Self { engine, total: 0 })
    }

    /// `k` of the scaled group, 0 of the other.
    fn exponents(&self, k: i64) -> Vec<i64> {
        let groups = 0..self.engine.symmetry().groups();
        groups
            .map(|group| if group == SCALED_GROUP { k } else { 0 })
            .collect()
    }

    fn rescale(&mut self, k: i64) -> Result<(), Failure> {
        let exponents = self.exponents(k);
        self.total += k;
        Ok(self.engine.rescale(0, &exponents)?)
    }

    /// The loss of a step without weight decay of the scaled group.
    fn step(&mut self, step: usize) -> Result<f64, Failure> {
        let groups = self.engine.symmetry().groups();
        let table = HyperTable::from_fn(1, 1, groups, |_, _, group| {
            if group != SCALED_GROUP {
                return GroupHyper::new(0.05, 1e-3, 0.9);
            }
            let plain = 0.1 * (step as f64 * GROWTH).exp();
            GroupHyper {
                scale_ratio: scale_ratio(),
                ..GroupHyper::new(plain * 4f64.powi(self.total as i32), 0.0, 0.8)
            }
        })?;
        let batch: BatchSpec = batch(BATCH, step);
        Ok(self.engine.run(&[batch], &table)?.get(0, 0).loss)
    }

    fn evaluation(&mut self) -> Result<f64, Failure> {
        let groups = 0..self.engine.symmetry().groups();
        let ratio = |group| {
            if group == SCALED_GROUP {
                scale_ratio()
            } else {
                1.0
            }
        };
        let ratios: Vec<f64> = groups.map(ratio).collect();
        Ok(self.engine.evaluate(0, Split::Test, &ratios)?.loss)
    }

    /// The state, brought back to the scale of the start.
    fn state_at_start(&self) -> Result<State, Failure> {
        let (engine, state) = (&self.engine, self.engine.state(0)?);
        let precision = engine.device().precision;
        let exponents = self.exponents(-self.total);
        Ok(state.rescaled(engine.graph(), engine.symmetry(), &exponents, precision)?)
    }
}

fn scale_ratio() -> f64 {
    (-0.5 * GROWTH).exp()
}
