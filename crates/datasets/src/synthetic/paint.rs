//! From a class to the bytes of an image.

use super::pattern::{COUNT, Pattern};
use crate::rng::Stream;

const SIZE: usize = 32;

/// Standard deviation of the noise at each pixel and channel, of full brightness.
const NOISE: f64 = 0.12;

/// Appends `[3, 32, 32]` bytes.
pub(super) fn paint(class: u32, stream: &mut Stream, pixels: &mut Vec<u8>) {
    let figure = Pattern::draw(class, stream);
    let other = stream.below(COUNT);
    let distraction = Pattern::draw(other, stream);
    let strength = stream.between(0.1, 0.65);
    let distraction_colour = colour(stream.uniform(), 1.0);
    // Hue of the class ± a quarter turn, so that hues of neighbouring classes overlap widely.
    let hue = f64::from(class) / f64::from(COUNT) + stream.between(-0.25, 0.25);
    let contrast = stream.between(0.2, 0.6);
    let mut ends = [colour(hue, contrast), colour(stream.uniform(), contrast)];
    // A difference in brightness, lest two similar hues hide the figure.
    let step = stream.between(0.05, 0.2);
    ends[0] = ends[0].map(|value| value + step);
    ends[1] = ends[1].map(|value| value - step);
    if stream.coin() {
        ends.swap(0, 1);
    }
    let slope = (stream.between(-0.15, 0.15), stream.between(-0.15, 0.15));
    for channel in 0..3 {
        for y in 0..SIZE {
            for x in 0..SIZE {
                let (px, py) = (x as f64 + 0.5, y as f64 + 0.5);
                let mix = figure.at(px, py);
                let clean = ends[0][channel] + (ends[1][channel] - ends[0][channel]) * mix;
                let veil = strength * distraction.at(px, py);
                let veiled = clean + (distraction_colour[channel] - clean) * veil;
                let light = slope.0 * (px / 16.0 - 1.0) + slope.1 * (py / 16.0 - 1.0);
                pixels.push(byte(veiled + light + NOISE * noise(stream)));
            }
        }
    }
}

/// A colour of this hue (in turns) around medium grey.
fn colour(hue: f64, saturation: f64) -> [f64; 3] {
    // Each channel rises and falls linearly over a turn, a third of a turn apart.
    [0.0, 1.0 / 3.0, 2.0 / 3.0].map(|shift| {
        let turn = hue + shift;
        let triangle = 1.0 - 4.0 * (turn - turn.floor() - 0.5).abs();
        0.5 + 0.5 * saturation * triangle
    })
}

/// Nearly normal, of mean 0 and variance 1: the sum of three uniform numbers, which have variance ¹⁄₁₂ each.
fn noise(stream: &mut Stream) -> f64 {
    2.0 * (stream.uniform() + stream.uniform() + stream.uniform() - 1.5)
}

/// Rounds to the nearest byte.
fn byte(value: f64) -> u8 {
    // The cast saturates.
    (255.0 * value + 0.5) as u8
}
