//! Images in memory: bytes, labels, and how bytes become numbers.

use std::fmt;
use std::sync::Arc;

use nn_graph::Graph;

use crate::{Crop, EngineError};

/// Training or test images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// The images trained on.
    Train,
    /// The images held out.
    Test,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Split::Train => "training",
            Split::Test => "test",
        })
    }
}

/// The images that an engine was given, by split.
#[derive(Clone, Debug, Default)]
pub struct Images {
    train: Option<Arc<ImageSet>>,
    test: Option<Arc<ImageSet>>,
}

impl Images {
    /// Takes the images of a split for this graph, replacing those it had.
    ///
    /// # Errors
    /// [`EngineError::Images`] if their shape or a label does not fit the graph.
    pub fn load(
        &mut self,
        graph: &Graph,
        split: Split,
        images: Arc<ImageSet>,
    ) -> Result<(), EngineError> {
        images.check(graph)?;
        match split {
            Split::Train => self.train = Some(images),
            Split::Test => self.test = Some(images),
        }
        Ok(())
    }

    /// The images of a split.
    ///
    /// # Errors
    /// [`EngineError::NoImages`] if none were loaded.
    pub fn get(&self, split: Split) -> Result<&ImageSet, EngineError> {
        let images = match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        };
        images.as_deref().ok_or(EngineError::NoImages(split))
    }
}

/// Labelled images of one size, 8 bits a channel.
///
/// A byte `v` of channel `c` becomes `(v/255 − mean[c]) / deviation[c]`; cropping pads with `v = 0`.
///
/// ```
/// use nn_engine::{Crop, ImageSet};
///
/// let set = ImageSet::new([1, 2, 2], vec![0, 51, 102, 255], vec![3], vec![0.0], vec![1.0])?;
/// let mut pixels = Vec::new();
/// set.for_each_pixel(0, Crop::default(), true, |_, _, _, value| pixels.push(value));
/// assert_eq!(pixels, [0.2, 0.0, 1.0, 0.4]); // mirrored left to right
/// # Ok::<(), nn_engine::EngineError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct ImageSet {
    shape: [usize; 3],
    pixels: Vec<u8>,
    labels: Vec<u8>,
    /// Value of each byte, per channel.
    values: Vec<[f64; 256]>,
}

impl fmt::Debug for ImageSet {
    /// Sizes only: the pixels would fill the screen for minutes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ImageSet {{ {} images of {:?} }}",
            self.len(),
            self.shape
        )
    }
}

impl ImageSet {
    /// Images of `shape = [C, H, W]`: `pixels` holds `[image, C, H, W]`, `labels` a class per image,
    /// `mean` and `deviation` one number per channel in units of full brightness.
    ///
    /// # Errors
    /// [`EngineError::Images`] if the lengths do not agree, or a deviation is not positive.
    pub fn new(
        shape: [usize; 3],
        pixels: Vec<u8>,
        labels: Vec<u8>,
        mean: Vec<f64>,
        deviation: Vec<f64>,
    ) -> Result<Self, EngineError> {
        let bytes = shape
            .iter()
            .try_fold(labels.len(), |product, &dim| product.checked_mul(dim));
        if bytes != Some(pixels.len()) || shape.contains(&0) {
            return Err(EngineError::Images(format!(
                "{} images of shape {shape:?} do not fill {} bytes of pixels",
                labels.len(),
                pixels.len()
            )));
        }
        if mean.len() != shape[0] || deviation.len() != shape[0] {
            return Err(EngineError::Images(format!(
                "{} means and {} deviations for {} channels",
                mean.len(),
                deviation.len(),
                shape[0]
            )));
        }
        if let Some(bad) = deviation
            .iter()
            .find(|&&value| !(value > 0.0 && value.is_finite()))
        {
            return Err(EngineError::Images(format!(
                "a channel's standard deviation is {bad}; it must be positive"
            )));
        }
        let value = |channel: usize, byte: usize| {
            (byte as f64 / 255.0 - mean[channel]) / deviation[channel]
        };
        let values = (0..shape[0])
            .map(|c| std::array::from_fn(|byte| value(c, byte)))
            .collect();
        Ok(Self {
            shape,
            pixels,
            labels,
            values,
        })
    }

    /// `[C, H, W]` of every image.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The class of each image.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// All bytes, `[image, C, H, W]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The number that byte `byte` of channel `channel` stands for.
    pub fn value(&self, channel: usize, byte: u8) -> f64 {
        self.values[channel][usize::from(byte)]
    }

    /// The first `count` images, or all if there are fewer.
    pub fn truncated(mut self, count: usize) -> Self {
        let count = count.min(self.len());
        self.labels.truncate(count);
        self.pixels
            .truncate(count * self.shape.iter().product::<usize>());
        self
    }

    /// Checks shape and labels against the graph that is to read them.
    fn check(&self, graph: &Graph) -> Result<(), EngineError> {
        if graph.input_shape().dims() != self.shape {
            return Err(EngineError::Images(format!(
                "they have shape {:?} and the network reads {}",
                self.shape,
                graph.input_shape()
            )));
        }
        let classes = graph.output_shape().channels();
        let beyond = |&label: &u8| usize::from(label) >= classes;
        match self.labels.iter().position(beyond) {
            None => Ok(()),
            Some(image) => Err(EngineError::Images(format!(
                "image {image} has label {} and the network tells {classes} classes apart",
                self.labels[image]
            ))),
        }
    }

    /// Calls `put(channel, row, column, value)` for every position of the augmented image.
    ///
    /// This is the definition of crop, flip and normalisation that every engine follows.
    ///
    /// # Panics
    /// If `image` is not below [`len`](Self::len); engines check batches first.
    pub fn for_each_pixel(
        &self,
        image: usize,
        crop: Crop,
        flip: bool,
        mut put: impl FnMut(usize, usize, usize, f64),
    ) {
        let [channels, height, width] = self.shape;
        let size = channels * height * width;
        let bytes = &self.pixels[image * size..][..size];
        for channel in 0..channels {
            for y in 0..height {
                let row = y
                    .checked_add_signed(isize::from(crop.dy))
                    .filter(|&row| row < height);
                for x in 0..width {
                    let across = if flip { width - 1 - x } else { x };
                    let column = across
                        .checked_add_signed(isize::from(crop.dx))
                        .filter(|&column| column < width);
                    let byte = match (row, column) {
                        (Some(row), Some(column)) => {
                            bytes[(channel * height + row) * width + column]
                        }
                        _ => 0,
                    };
                    put(channel, y, x, self.values[channel][usize::from(byte)]);
                }
            }
        }
    }
}
