//! A figure as PNG, for a column of a printed paper.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

use super::draw::WIDTH;

/// Pixels of an inch.
const RESOLUTION: f64 = 300.0;

/// Width on paper, metres: a column of most journals.
const COLUMN: f64 = 0.085;

/// Most rows of pixels: a legend of thousands of runs makes a figure smaller, not a picture of gigabytes.
const HIGHEST: f64 = 20_000.0;

const INCH: f64 = 0.0254;

/// Letters of figures, which must not hang on the machine.
static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(include_bytes!("fonts/Roboto-Regular.ttf").to_vec());
    fonts.load_font_data(include_bytes!("fonts/Roboto-Bold.ttf").to_vec());
    fonts.set_sans_serif_family("Roboto");
    Arc::new(fonts)
});

/// Why an SVG could not become a PNG.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PngError {
    /// The SVG is not one.
    #[error("the SVG cannot be read: {0}")]
    Svg(#[from] resvg::usvg::Error),
    /// Too high for any picture.
    #[error("{width} × {height} pixels are too many")]
    Size {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// The encoder failed.
    #[error(transparent)]
    Encoding(#[from] png::EncodingError),
}

/// Draws an SVG on white, 85 mm wide at 300 pixels an inch.
pub(super) fn from_svg(svg: &str, height: u32) -> Result<Vec<u8>, PngError> {
    let options = Options {
        fontdb: Arc::clone(&FONTS),
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options)?;
    let scale = (COLUMN / INCH * RESOLUTION / f64::from(WIDTH)).min(HIGHEST / f64::from(height));
    let pixels = |length: u32| (f64::from(length) * scale).round().max(1.0) as u32;
    let (width, height) = (pixels(WIDTH), pixels(height));
    let mut pixmap = Pixmap::new(width, height).ok_or(PngError::Size { width, height })?;
    pixmap.fill(Color::WHITE);
    let transform = Transform::from_scale(scale as f32, scale as f32);
    resvg::render(&tree, transform, &mut pixmap.as_mut());

    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: (RESOLUTION / INCH).round() as u32,
        yppu: (RESOLUTION / INCH).round() as u32,
        unit: png::Unit::Meter,
    }));
    // On white, every pixel is opaque.
    let opaque: Vec<u8> = pixmap
        .pixels()
        .iter()
        .flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()])
        .collect();
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&opaque)?;
    writer.finish()?;
    Ok(bytes)
}
