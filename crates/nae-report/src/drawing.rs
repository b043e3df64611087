//! What a figure consists of: elements of an SVG document, and heat maps below them.

use plotters::prelude::*;
use resvg::tiny_skia::{Color, FilterQuality, Pixmap, PixmapPaint, Transform};

use crate::ReportError;
use crate::canvas::{Area, Frame, WIDTH};
use crate::heat_map::palette;

/// What a figure consists of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Drawing {
    pub height: u32,
    /// Heat maps, below everything else.
    pub rasters: Vec<Raster>,
    /// Elements of an SVG document, with placeholders for ink, grid and paper.
    pub elements: String,
}

/// Palette entries stretched over a frame.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Raster {
    pub frame: Frame,
    pub width: usize,
    pub height: usize,
    /// Palette entries of the [`palette`], the top row first.
    pub levels: Vec<u8>,
}

impl Drawing {
    /// Draws on an area of [`WIDTH`] × `height`.
    pub(crate) fn new(
        height: u32,
        draw: impl FnOnce(&Area) -> Result<(), ReportError>,
    ) -> Result<Self, ReportError> {
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
            draw(&area)?;
            area.present()?;
        }
        // what `Figure` puts around it, pages and files need differently
        let inner = svg.split_once('>').map_or("", |(_, inner)| inner);
        let elements = inner.trim_end().trim_end_matches("</svg>").to_owned();
        Ok(Self {
            height,
            rasters: vec![],
            elements,
        })
    }
}

impl Raster {
    pub(crate) fn image(&self) -> Result<String, ReportError> {
        let Frame {
            left,
            top,
            right,
            bottom,
        } = self.frame;
        Ok(format!(
            "<image x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
             image-rendering=\"{}\" href=\"{}\"/>\n",
            right - left,
            bottom - top,
            if self.is_sharp() { "pixelated" } else { "auto" },
            palette::data_uri(self.width, self.height, &self.levels)?,
        ))
    }

    /// Whether cells are large enough to be seen one by one.
    fn is_sharp(&self) -> bool {
        self.width * 2 < (self.frame.right - self.frame.left).max(0) as usize
    }

    pub(crate) fn paint(&self, onto: &mut Pixmap) -> Option<()> {
        let mut cells = Pixmap::new(self.width as u32, self.height as u32)?;
        for (cell, level) in cells.pixels_mut().iter_mut().zip(&self.levels) {
            let [r, g, b] = palette::colour(*level);
            *cell = Color::from_rgba8(r, g, b, 255).premultiply().to_color_u8();
        }
        let Frame {
            left,
            top,
            right,
            bottom,
        } = self.frame;
        let scale = |length: i32, cells: usize| length as f32 / cells as f32;
        let place = Transform::from_row(
            scale(right - left, self.width),
            0.0,
            0.0,
            scale(bottom - top, self.height),
            left as f32,
            top as f32,
        );
        let paint = PixmapPaint {
            quality: match self.is_sharp() {
                true => FilterQuality::Nearest,
                false => FilterQuality::Bilinear,
            },
            ..PixmapPaint::default()
        };
        onto.draw_pixmap(0, 0, cells.as_ref(), &paint, place, None);
        Some(())
    }
}
