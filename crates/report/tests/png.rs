//! PNG figures: their size on paper, and that what is drawn is in them.

mod pages;
mod simulated;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use pages::small;

struct Picture {
    width: usize,
    height: usize,
    dims: png::PixelDimensions,
    /// Red, green, blue.
    pixels: Vec<[u8; 3]>,
}

fn read(path: &Path) -> Picture {
    let file = BufReader::new(File::open(path).expect("a PNG"));
    let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
    let frame = reader.next_frame(&mut bytes).expect("pixels");
    assert_eq!(frame.color_type, png::ColorType::Rgb);
    let pixels = bytes.chunks_exact(3);
    Picture {
        width: frame.width as usize,
        height: frame.height as usize,
        dims: reader.info().pixel_dims.expect("a size on paper"),
        pixels: pixels.map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
    }
}

impl Picture {
    /// Pixels of this colour in the rows from one share of the height to another.
    fn count(&self, from: f64, to: f64, is: impl Fn([u8; 3]) -> bool) -> usize {
        let row = |share: f64| (share * self.height as f64) as usize * self.width;
        let rows = &self.pixels[row(from)..row(to)];
        rows.iter().filter(|&&pixel| is(pixel)).count()
    }
}

#[test]
fn figures_fill_a_column_at_300_pixels_an_inch_and_have_letters_and_curves() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    small().write(folder.path()).expect("a run folder");
    let written = report::write(folder.path()).expect("a report");
    for path in &written.figures {
        let picture = read(&path.with_extension("png"));
        // 85 mm.
        assert_eq!(picture.width, 1004, "{}", path.display());
        assert_eq!((picture.dims.xppu, picture.dims.yppu), (11_811, 11_811));
        assert_eq!(picture.dims.unit, png::Unit::Meter);
        assert_eq!(picture.pixels[0], [255; 3], "on white");
        // The title on top, in bold; numbers of the axis below.
        let dark = |[red, green, blue]: [u8; 3]| red < 110 && green < 120 && blue < 130;
        assert!(picture.count(0.0, 0.09, dark) > 1000, "{}", path.display());
        assert!(picture.count(0.88, 1.0, dark) > 200, "{}", path.display());
    }
    let rates = folder.path().join("figures/figure-1-learning-rate.png");
    let picture = read(&rates);
    // Run 0 is broad and pale blue, run 1 dashed and orange.
    let blue = picture.count(0.2, 0.9, |[red, _, blue]| blue > 200 && red < 190);
    let orange = picture.count(0.2, 0.9, |[red, green, blue]| {
        red > 190 && green < 130 && blue < 60
    });
    assert!(blue > 5000 && orange > 1000, "{blue} {orange}");
}
