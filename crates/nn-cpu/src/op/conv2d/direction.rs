//! A convolution in one direction, by the method that pays.

use nn_engine::EngineError;

use super::ahead::Ahead;
use super::epilogue::Epilogue;
use super::gather::Gather;
use super::weights::WeightShape;
use super::winograd::{self, Winograd};
use crate::layout::{Framed, Layout};
use crate::memory::Buffer;
use crate::simd::Level;

/// From a framed source to a target, with the weights as the kernels read them.
pub(super) struct Direction {
    method: Method,
    target: Layout,
    /// `[tap][source channel][target channel filled up]`.
    taps: Buffer,
    /// The same transformed, for Winograd's method.
    transformed: Buffer,
}

enum Method {
    Direct(Gather),
    Winograd(Winograd),
}

impl Direction {
    /// Output from input.
    pub(super) fn forward(
        input: Layout,
        output: Layout,
        shape: &WeightShape,
    ) -> Result<Self, EngineError> {
        let method = if winograd::pays(shape, output) {
            Method::Winograd(Winograd::new(input, output, shape.padding))
        } else {
            Method::Direct(Gather::forward(input, output, shape)?)
        };
        Self::new(method, output, shape.forward())
    }

    /// Gradient of the input from that of the output.
    pub(super) fn backward(
        input: Layout,
        output: Layout,
        shape: &WeightShape,
    ) -> Result<Self, EngineError> {
        let method = if winograd::pays(shape, input) {
            Method::Winograd(Winograd::new(
                output,
                input,
                shape.kernel - 1 - shape.padding,
            ))
        } else {
            Method::Direct(Gather::backward(input, output, shape)?)
        };
        Self::new(method, input, shape.backward())
    }

    fn new(method: Method, target: Layout, taps: usize) -> Result<Self, EngineError> {
        let transformed = match &method {
            Method::Direct(_) => 0,
            Method::Winograd(winograd) => winograd.weights(),
        };
        Ok(Self {
            method,
            target,
            taps: Buffer::zeros(taps)?,
            transformed: Buffer::zeros(transformed)?,
        })
    }

    /// The frame that the source must have.
    pub(super) fn source(&self) -> Framed {
        match &self.method {
            Method::Direct(gather) => gather.source(),
            Method::Winograd(winograd) => winograd.source(),
        }
    }

    /// Makes it read from a larger frame.
    pub(super) fn set_source(&mut self, source: Framed) {
        match &mut self.method {
            Method::Direct(gather) => gather.set_source(source),
            Method::Winograd(winograd) => winograd.set_source(source),
        }
    }

    /// Images that it is best given together.
    pub(super) fn images(&self) -> usize {
        match &self.method {
            Method::Direct(_) => 1,
            Method::Winograd(winograd) => winograd.images(),
        }
    }

    /// Scratch values that [`run`](Self::run) needs.
    pub(super) fn scratch(&self) -> usize {
        match &self.method {
            Method::Direct(_) => 0,
            Method::Winograd(winograd) => winograd.scratch(),
        }
    }

    /// Takes new weights: `pack` writes them in the layout of [`WeightShape`] for this direction.
    pub(super) fn set_weights(&mut self, level: Level, pack: impl FnOnce(&mut [f32])) {
        pack(&mut self.taps);
        if let Method::Winograd(winograd) = &self.method {
            winograd.transform_weights(level, &self.taps, &mut self.transformed);
        }
    }

    /// Computes whole images: as many as `target` holds.
    pub(super) fn run(
        &self,
        level: Level,
        source: &[f32],
        target: &mut [f32],
        epilogue: Epilogue<'_>,
        ahead: Ahead<'_>,
        scratch: &mut [f32],
    ) {
        debug_assert_eq!(target.len() % self.target.image(), 0);
        match &self.method {
            Method::Direct(gather) => gather.run(level, &self.taps, source, target, epilogue),
            Method::Winograd(winograd) => {
                winograd.run(
                    level,
                    (&self.transformed, source),
                    target,
                    epilogue,
                    ahead,
                    scratch,
                );
            }
        }
    }

    /// Bytes it owns.
    pub(super) fn bytes(&self) -> usize {
        4 * (self.taps.len() + self.transformed.len())
    }
}
