//! `--probe`: what is found, against the network run at scaled parameters.

use std::io::{self, Write};
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use nn_engine::{BatchSpec, Engine, EngineError, EngineOptions, ImageSet, Split, State};
use nn_graph::{Graph, Node, Shape};
use nn_onnx::ImportedGraph;
use nn_reference::{ReferenceEngine, Statistics};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scale_invariance::{Check, Claim, Inspection, probe};

use crate::CommandError;

/// At this many random values of all parameters.
const POINTS: u64 = 3;

/// At least, so that no statistic of a batch is one of two numbers.
const IMAGES: usize = 4;

/// Sides of images, of which the smallest that will do is taken: a run takes less time.
const SIDES: [usize; 7] = [8, 16, 24, 32, 48, 64, 96];

/// What the network was run on, and what came of it.
pub(crate) struct Probed {
    image: Shape,
    images: usize,
    pub(crate) checks: Vec<Check>,
}

/// Runs a network, in float64 with `ε = 0`, and checks what is claimed of its parameters.
///
/// # Errors
/// [`CommandError::Probe`] where it takes too much memory.
pub(crate) fn run(imported: &ImportedGraph, claimed: &Inspection) -> Result<Probed, CommandError> {
    let graph = small(&imported.graph).without_epsilon();
    let (claims, classes) = (claimed.parameters.len(), graph.output_shape().elements());
    let images = IMAGES.max(claims.div_ceil(classes.max(1)) + 1);
    let mut network = Network::new(&graph, imported, claimed, images)?;
    let points: Vec<Vec<Vec<f64>>> = (0..POINTS).map(|seed| network.point(seed)).collect();
    let style = ProgressStyle::with_template("{spinner} the network has been run {pos} times");
    let bar = ProgressBar::new_spinner()
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    let checks = probe(claimed, &points, |values| {
        bar.inc(1);
        network.logits(values)
    });
    bar.finish_and_clear();
    Ok(Probed {
        image: graph.input_shape().clone(),
        images,
        checks: checks?,
    })
}

impl Probed {
    /// What numbers contradict.
    pub(crate) fn broken(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| !check.holds())
    }

    /// What was run, and what of the claims it bears out.
    pub(super) fn write(&self, out: &mut dyn Write, claimed: &Inspection) -> io::Result<()> {
        let lengths: Vec<String> = self.image.dims().iter().map(usize::to_string).collect();
        writeln!(
            out,
            "Probe: run in float64 without ε on {} random images of {}, at {POINTS} random values of its parameters: of {} \
             claims {} hold.",
            self.images,
            lengths.join("×"),
            self.checks.len(),
            self.checks.len() - self.broken().count(),
        )?;
        for check in self.broken() {
            let (claim, change) = (words(&check.claim, claimed), check.change);
            writeln!(
                out,
                "A mistake of texp: {claim}, and it changes by {change:.1e}."
            )?;
        }
        Ok(())
    }
}

/// A claim as the beginning of a sentence.
pub(super) fn words(claim: &Claim, claimed: &Inspection) -> String {
    let name = |place: usize| match claimed.parameters.get(place) {
        Some(parameter) => format!("`{}`", parameter.name),
        None => format!("parameter {place}"),
    };
    match claim {
        Claim::Scaling { exponents, .. } => {
            let factors = exponents
                .iter()
                .map(|(place, exponent)| format!("{} × c^{exponent}", name(*place)));
            let factors: Vec<String> = factors.collect();
            format!("{} leaves the function alone", factors.join(", "))
        }
        Claim::Pieces { parameter } => format!(
            "each piece of {} may be multiplied by a factor of its own",
            name(*parameter)
        ),
        Claim::NotAlone { parameter } => {
            format!("{} × c alone changes the function", name(*parameter))
        }
        Claim::Together { invariant: true } => {
            "all parameters × c leaves the function alone".to_owned()
        }
        Claim::Together { invariant: false } => {
            "all parameters × c changes the function".to_owned()
        }
        Claim::Complete { dimension } => {
            format!("whole parameters have no scalings but those in {dimension} dimensions")
        }
        claim => format!("{claim:?}"),
    }
}

/// The network for the smallest images in which nothing shrinks to a single position that does not in the file's: there
/// padding would have no effect, and what it breaks would not be seen.
fn small(graph: &Graph) -> Graph {
    let Some((channels, height, width)) = graph.input_shape().image() else {
        return graph.clone();
    };
    let is_point = |node: &Node| {
        let image = node.shape.image();
        image.is_some_and(|(_, height, width)| height.min(width) < 2)
    };
    let keeps_its_images = |small: &Graph| {
        let mut nodes = graph.nodes().iter().zip(small.nodes());
        nodes.all(|(node, small)| is_point(node) || !is_point(small))
    };
    let sides = SIDES.iter().filter(|&&side| side < height.min(width));
    sides
        .filter_map(|&side| graph.for_images(Shape::new([channels, side, side])).ok())
        .find(keeps_its_images)
        .unwrap_or_else(|| graph.clone())
}

/// The reference engine with random images, and where the claimed parameters stand in it.
struct Network {
    engine: ReferenceEngine,
    graph: Graph,
    state: State,
    batch: BatchSpec,
    /// Of each claimed parameter; `None` if the network's result does not depend on it.
    places: Vec<Option<Place>>,
}

/// A parameter in the graph.
#[derive(Clone, Copy)]
struct Place {
    index: usize,
    transposed: bool,
}

impl Network {
    fn new(
        graph: &Graph,
        imported: &ImportedGraph,
        claimed: &Inspection,
        images: usize,
    ) -> Result<Self, CommandError> {
        let mut engine = ReferenceEngine::new(graph, EngineOptions::new(graph, images))?;
        engine.load_images(Split::Train, Arc::new(noise_images(graph, images)?))?;
        let place = |name: &str| {
            let index = imported.parameters.iter().position(|p| p.name == name)?;
            let transposed = imported.parameters[index].transposed;
            Some(Place { index, transposed })
        };
        let mut state = State::initial(graph, 0);
        // What is not claimed, such as what is frozen, stays where it is put here.
        let mut next = noise(u64::MAX);
        for (tensor, parameter) in state.tensors.iter_mut().zip(graph.parameters()) {
            let size = size(&parameter.shape);
            tensor.values.fill_with(|| size * next());
        }
        Ok(Self {
            engine,
            graph: graph.clone(),
            state,
            batch: BatchSpec::plain((0..images as u32).collect()),
            places: (claimed.parameters.iter())
                .map(|parameter| place(&parameter.name))
                .collect(),
        })
    }

    /// Random values of the claimed parameters, as they stand in the file.
    fn point(&self, seed: u64) -> Vec<Vec<f64>> {
        let mut next = noise(seed);
        let mut values = |place: &Option<Place>| match place {
            Some(place) => {
                let parameter = &self.graph.parameters()[place.index];
                let size = size(&parameter.shape);
                (0..parameter.elements()).map(|_| size * next()).collect()
            }
            None => Vec::new(),
        };
        self.places.iter().map(&mut values).collect()
    }

    fn logits(&mut self, values: &[Vec<f64>]) -> Result<Vec<f64>, EngineError> {
        for (place, values) in self.places.iter().zip(values) {
            let Some(place) = place else { continue };
            let tensor = &mut self.state.tensors[place.index].values;
            match (
                place.transposed,
                &self.graph.parameters()[place.index].shape[..],
            ) {
                (true, &[rows, columns]) => {
                    for (at, value) in tensor.iter_mut().enumerate() {
                        let (row, column) = (at / columns, at % columns);
                        *value = values[column * rows + row];
                    }
                }
                _ => tensor.clone_from(values),
            }
        }
        self.engine.load_state(0, &self.state)?;
        let logits = self.engine.logits(0, &self.batch, Statistics::Batch)?;
        Ok(logits.values)
    }
}

/// With which random weights of this shape, `[out, …]`, neither let the activations grow with depth nor vanish: a bias would
/// be lost beside very large ones.
fn size(shape: &[usize]) -> f64 {
    let inputs: usize = shape.iter().skip(1).product();
    match shape.len() {
        0 | 1 => 1.0,
        // He et al. (2015), of uniform numbers in (−½, ½).
        _ => (24.0 / inputs.max(1) as f64).sqrt(),
    }
}

fn noise_images(graph: &Graph, images: usize) -> Result<ImageSet, EngineError> {
    let shape = graph.input_shape();
    let (channels, height, width) = shape.image().unwrap_or((shape.elements(), 1, 1));
    let mut next = noise(u64::MAX / 2);
    let bytes = (0..images * shape.elements()).map(|_| ((next() + 0.5) * 256.0) as u8);
    let (mean, deviation) = (vec![0.5; channels], vec![0.25; channels]);
    let labels = vec![0; images];
    ImageSet::new(
        [channels, height, width],
        bytes.collect(),
        labels,
        mean,
        deviation,
    )
}

/// Random numbers in (−½, ½), the same for the same seed.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    move || generator.random_range(-0.5..0.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn_graph::nets::{Architecture, NetConfig, Shortcut};
    use nn_graph::network::Network;
    use nn_graph::{Affine, Training};
    use nn_onnx::Model;

    fn model() -> Model {
        let mut config = NetConfig::new(Architecture::PreResNet, 8);
        (config.width, config.input, config.classes) = (2, [2, 16, 16], 4);
        (config.affine, config.head) = (Affine::ScaleAndShift, Training::Trained);
        config.shortcut = Shortcut::Projection;
        let graph = config.build().unwrap();
        let state = State::initial(&graph, 0);
        let values = |name: &str| state.get(name).map(|tensor| tensor.values.clone());
        let mut file = Vec::new();
        nn_onnx::write(&graph, values, &mut file).unwrap();
        nn_onnx::from_reader(std::io::Cursor::new(file), "net.onnx").unwrap()
    }

    fn told(probed: &Probed, claimed: &Inspection) -> String {
        let mut text = Vec::new();
        probed.write(&mut text, claimed).unwrap();
        String::from_utf8(text).unwrap()
    }

    /// Only a wrong claim is told, and what it is of.
    #[test]
    fn a_wrong_claim_is_told() {
        let model = model();
        let network: Network = model.import().unwrap().network;
        let mut claimed = scale_invariance::inspect(&network);
        let imported = model.import_graph().unwrap();
        let right = run(&imported, &claimed).unwrap();
        assert_eq!(right.broken().count(), 0, "{}", told(&right, &claimed));
        // The last stage then has 2 × 2 positions; of a single one, padding would not be seen.
        assert_eq!(right.image, Shape::new([2, 8, 8]));

        let of_head = claimed
            .parameters
            .iter()
            .position(|p| p.name == "head.weight");
        let exponents = vec![(of_head.unwrap(), 1.into())];
        claimed.groups[0].basis.push(exponents);
        let wrong = run(&imported, &claimed).unwrap();
        let text = told(&wrong, &claimed);
        let expected =
            "A mistake of texp: `head.weight` × c^1 leaves the function alone, and it changes by ";
        assert!(text.contains(expected), "{text}");
        assert_eq!(wrong.broken().count(), 1, "{text}");
    }
}
