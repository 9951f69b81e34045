//! A plotters backend that writes SVG whose colours and dashes are left to a style sheet.
//!
//! The backend that comes with plotters writes fixed colours and whole pixels. A figure that follows
//! the reader's light or dark mode needs names instead of colours, and smooth curves need tenths of
//! pixels. So here a colour is the code of an [`Ink`], and lengths are in tenths ([`UNIT`]).

use std::convert::Infallible;

use maud::{Markup, Render, html};
use plotters::style::{RGBAColor, ShapeStyle};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontStyle,
};

use super::Stroke;
use super::svg::legal;

/// Units of the backend in one unit of the SVG.
pub(crate) const UNIT: i32 = 10;

/// Colours of curves before they repeat.
pub(crate) const COLOURS: usize = 7;

/// Dash patterns before they repeat.
pub(crate) const DASHES: u8 = 4;

/// What a mark on the page is, for the style sheet to say how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Title,
    Label,
    Grid,
    Axis,
    Milestone,
    Curve(usize, Stroke),
    Band(usize),
}

impl Ink {
    /// As the colour that plotters carries to the backend.
    pub(crate) fn colour(self) -> RGBAColor {
        let (kind, index, dash) = match self {
            Self::Title => (0, 0, 0),
            Self::Label => (1, 0, 0),
            Self::Grid => (2, 0, 0),
            Self::Axis => (3, 0, 0),
            Self::Milestone => (4, 0, 0),
            Self::Curve(run, stroke) => {
                let run = (run % COLOURS) as u8;
                match stroke {
                    Stroke::Broad => (5, run, 0),
                    Stroke::Dashed(dash) => (6, run, dash % DASHES),
                    Stroke::Solid => (7, run, 0),
                    Stroke::Faint => (8, run, 0),
                }
            }
            Self::Band(run) => (9, (run % COLOURS) as u8, 0),
        };
        RGBAColor(kind, index, dash, 1.0)
    }

    /// Classes of the style sheet.
    pub(crate) fn classes(self) -> String {
        let RGBAColor(kind, index, dash, alpha) = self.colour();
        classes(BackendColor {
            alpha,
            rgb: (kind, index, dash),
        })
    }

    pub(crate) fn stroke(self) -> ShapeStyle {
        ShapeStyle {
            color: self.colour(),
            filled: false,
            stroke_width: 1,
        }
    }

    pub(crate) fn fill(self) -> ShapeStyle {
        ShapeStyle {
            color: self.colour(),
            filled: true,
            stroke_width: 1,
        }
    }
}

/// Classes of the style sheet for a colour made by [`Ink::colour`].
fn classes(colour: BackendColor) -> String {
    let (kind, index, dash) = colour.rgb;
    match kind {
        0 => "title".to_owned(),
        1 => "label".to_owned(),
        2 => "grid".to_owned(),
        3 => "axis".to_owned(),
        4 => "milestone".to_owned(),
        5 => format!("run-{index} broad"),
        6 => format!("run-{index} dashed-{dash}"),
        8 => format!("run-{index} faint"),
        9 => format!("run-{index} band"),
        _ => format!("run-{index} solid"),
    }
}

/// A length in the units of the SVG, to a tenth.
struct Length(i32);

impl Render for Length {
    fn render_to(&self, buffer: &mut String) {
        if self.0 < 0 {
            buffer.push('-');
        }
        let (whole, tenth) = (
            self.0.unsigned_abs() / UNIT as u32,
            self.0.unsigned_abs() % UNIT as u32,
        );
        whole.render_to(buffer);
        if tenth != 0 {
            buffer.push('.');
            tenth.render_to(buffer);
        }
    }
}

/// Collects SVG elements.
pub(crate) struct Canvas<'a> {
    body: &'a mut String,
    size: (u32, u32),
}

impl<'a> Canvas<'a> {
    /// A canvas of this size in units of the SVG, which appends to `body`.
    pub(crate) fn new(body: &'a mut String, width: u32, height: u32) -> Self {
        Self {
            body,
            size: (width * UNIT as u32, height * UNIT as u32),
        }
    }

    fn put(&mut self, element: Markup) -> Done {
        self.body.push_str(&element.into_string());
        self.body.push('\n');
        Ok(())
    }
}

type Done = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Done {
        Ok(())
    }

    fn present(&mut self) -> Done {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Done {
        let class = classes(colour);
        self.put(
            html! { rect class=(class) x=(Length(x)) y=(Length(y)) width="0.1" height="0.1" {} },
        )
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Done {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        _fill: bool,
    ) -> Done {
        let corners = [
            (left, top),
            (right, top),
            (right, bottom),
            (left, bottom),
            (left, top),
        ];
        self.draw_path(corners, style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Done {
        let class = classes(style.color());
        self.put(html! { polyline class=(class) points=(coordinates(path)) {} })
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        _fill: bool,
    ) -> Done {
        let (class, radius) = (classes(style.color()), Length(radius as i32));
        self.put(html! { circle class=(class) cx=(Length(x)) cy=(Length(y)) r=(radius) {} })
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Done {
        let class = classes(style.color());
        self.put(html! { polygon class=(class) points=(coordinates(corners)) {} })
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Done {
        let anchor = style.anchor();
        let side = match anchor.h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        // From the corner that plotters means to the base line that SVG means.
        let down = match anchor.v_pos {
            VPos::Top => 0.8,
            VPos::Center => 0.35,
            VPos::Bottom => -0.2,
        };
        let y = at.1 + (style.size() * down).round() as i32;
        let size = Length(style.size() as i32);
        let weight = matches!(style.style(), FontStyle::Bold).then_some("600");
        self.put(html! {
            text class=(classes(style.color())) x=(Length(at.0)) y=(Length(y)) font-size=(size)
                font-weight=[weight] text-anchor=(side) { (legal(text)) }
        })
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok((
            (text_width(text) * style.size()) as u32,
            style.size() as u32,
        ))
    }
}

/// Points as SVG lists them, each once where several in a row are the same.
fn coordinates(path: impl IntoIterator<Item = BackendCoord>) -> String {
    let mut points = String::new();
    let mut previous = None;
    for (x, y) in path {
        if previous == Some((x, y)) {
            continue;
        }
        if previous.is_some() {
            points.push(' ');
        }
        previous = Some((x, y));
        Length(x).render_to(&mut points);
        points.push(',');
        Length(y).render_to(&mut points);
    }
    points
}

/// Width of a text in units of its font's size, as no font is at hand: a little generous.
pub(crate) fn text_width(text: &str) -> f64 {
    text.chars()
        .map(|character| match character {
            'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 0.32,
            'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.92,
            '⁰'..='⁹' | '¹' | '²' | '³' | '⁻' => 0.4,
            // Chinese, Japanese, Korean, pictures.
            '\u{2e80}'.. => 1.0,
            'A'..='Z' | '×' | '−' => 0.7,
            _ => 0.57,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_tenths() {
        let written: Vec<String> = [0, 5, 10, 123, -5, -10, -123]
            .map(|length| Length(length).render().into_string())
            .into();
        assert_eq!(written, ["0", "0.5", "1", "12.3", "-0.5", "-1", "-12.3"]);
    }

    #[test]
    fn inks_have_classes_of_their_own() {
        let inks = [
            Ink::Title,
            Ink::Label,
            Ink::Grid,
            Ink::Axis,
            Ink::Milestone,
            Ink::Curve(1, Stroke::Broad),
            Ink::Curve(1, Stroke::Dashed(2)),
            Ink::Curve(1, Stroke::Solid),
            Ink::Curve(2, Stroke::Faint),
            Ink::Band(COLOURS + 3),
        ];
        let named: Vec<String> = inks.map(Ink::classes).into();
        let expected = [
            "title",
            "label",
            "grid",
            "axis",
            "milestone",
            "run-1 broad",
            "run-1 dashed-2",
            "run-1 solid",
            "run-2 faint",
            "run-3 band",
        ];
        assert_eq!(named, expected);
    }
}
