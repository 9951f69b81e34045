//! The ten patterns: functions of the plane with values from 0 (ground) to 1 (figure).
//!
//! Only sums, products, quotients and square roots are used, which every machine rounds alike: the images are the
//! same everywhere, to the bit.

use crate::rng::Stream;

/// Number of patterns.
pub(super) const COUNT: u32 = 10;

/// A pattern in its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pattern {
    class: u32,
    /// Centre, in pixels.
    centre: (f64, f64),
    /// Unit vector of the pattern's own first axis.
    axis: (f64, f64),
    /// Radius of a shape, in pixels.
    size: f64,
    /// Pixels of one period of a texture.
    period: f64,
    /// Shift of a texture, in periods.
    phase: f64,
}

impl Pattern {
    /// A random instance of a class.
    pub(super) fn draw(class: u32, stream: &mut Stream) -> Self {
        // Turns: stripes keep near their direction, all else points anywhere.
        let wobble = stream.between(-0.04, 0.04);
        let turn = match class {
            0 => 0.25 + wobble,
            1 => wobble,
            2 => 0.125 + wobble,
            3 => 0.375 + wobble,
            _ => stream.uniform(),
        };
        let (x, y) = (wave(turn + 0.25), wave(turn));
        let length = (x * x + y * y).sqrt();
        Self {
            class,
            centre: (stream.between(10.0, 22.0), stream.between(10.0, 22.0)),
            axis: (x / length, y / length),
            size: stream.between(6.0, 11.0),
            period: stream.between(5.0, 11.0),
            phase: stream.uniform(),
        }
    }

    /// Value at a pixel.
    pub(super) fn at(&self, x: f64, y: f64) -> f64 {
        let (dx, dy) = (x - self.centre.0, y - self.centre.1);
        let (cos, sin) = self.axis;
        let (u, v) = (cos * dx + sin * dy, cos * dy - sin * dx);
        let radius = (u * u + v * v).sqrt();
        let stripes = |distance: f64| soft(2.0 * wave(distance / self.period + self.phase));
        // Distance to the inside, in pixels, becomes an edge two pixels wide.
        match self.class {
            0..=3 => stripes(u),
            4 => {
                let wave = |distance: f64| wave(distance / (1.5 * self.period) + self.phase);
                soft(4.0 * wave(u) * wave(v))
            }
            5 => stripes(radius),
            6 => soft(self.size - radius),
            7 => soft(0.9 * self.size - u.abs().max(v.abs())),
            8 => {
                // Three half planes with normals 120° apart.
                let side = 0.866_025_403_784_438_6 * v;
                soft(0.6 * self.size - u.max(side - 0.5 * u).max(-side - 0.5 * u))
            }
            _ => {
                let (near, far) = (u.abs().min(v.abs()), u.abs().max(v.abs()));
                soft((0.3 * self.size - near).min(1.15 * self.size - far))
            }
        }
    }
}

/// A smooth wave of period 1 and amplitude 1 that looks like a sine: parabolas.
fn wave(turn: f64) -> f64 {
    let s = 2.0 * (turn - turn.floor()) - 1.0;
    -4.0 * s * (1.0 - s.abs())
}

/// 0 below −1, 1 above 1.
fn soft(distance: f64) -> f64 {
    (0.5 + 0.5 * distance).clamp(0.0, 1.0)
}
