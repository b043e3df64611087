//! Figures that stand on a page and as files of their own.

use askama::Template;
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use crate::ReportError;
use crate::canvas::WIDTH;
use crate::drawing::{Drawing, Raster};
use crate::heat_map::palette;

/// The typeface of files. It comes with the program, so that a PNG file looks the same on every
/// machine, whatever is installed there.
const TYPEFACE: &str = "DejaVu Sans";
/// Where an SVG file looks for letters.
const TYPEFACES: &str = "DejaVu Sans, Verdana, Arial, sans-serif";

/// A drawing with a title and a sentence, for a [`Block::Figure`](crate::Block::Figure) and for
/// files: the same picture on the page, as SVG and as PNG.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Name of its files, without an extension: letters, digits and hyphens.
    pub name: String,
    /// What it shows, in a few words.
    pub title: String,
    /// A sentence below it on the page; may be empty.
    pub caption: String,
    /// What it shows, for those who cannot see it.
    description: String,
    drawing: Drawing,
}

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FigureFile {
    /// Its name, with its extension and without a folder.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl Figure {
    pub(crate) fn new(
        name: impl Into<String>,
        title: impl Into<String>,
        caption: impl Into<String>,
        drawing: Drawing,
    ) -> Self {
        let title = title.into();
        Self {
            name: name.into(),
            description: title.clone(),
            title,
            caption: caption.into(),
            drawing,
        }
    }

    /// The same figure with more than its title for those who cannot see it.
    pub(crate) fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Its SVG and its PNG file.
    ///
    /// # Errors
    ///
    /// [`ReportError::Raster`] or [`ReportError::Png`] when the picture cannot be drawn.
    pub fn files(&self) -> Result<Vec<FigureFile>, ReportError> {
        let file = |extension: &str, bytes| FigureFile {
            name: format!("{}.{extension}", self.name),
            bytes,
        };
        Ok(vec![
            file("svg", self.svg()?.into_bytes()),
            file("png", self.png()?),
        ])
    }

    /// The figure as an SVG document, black on white.
    ///
    /// # Errors
    ///
    /// [`ReportError::Png`] when a heat map in it cannot be written.
    pub fn svg(&self) -> Result<String, ReportError> {
        let height = self.drawing.height;
        Ok(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             width=\"{WIDTH}\" height=\"{height}\">\n<title>{}</title>\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n{}{}</svg>\n",
            self.title.replace('&', "&amp;").replace('<', "&lt;"),
            self.images()?,
            self.in_black_on_white(),
        ))
    }

    /// The figure as a PNG file, 2400 pixels wide: 300 dots per inch on 20 cm.
    ///
    /// # Errors
    ///
    /// [`ReportError::Raster`] or [`ReportError::Png`] when it cannot be drawn.
    pub fn png(&self) -> Result<Vec<u8>, ReportError> {
        let height = self.drawing.height;
        let failed = |reason: String| ReportError::Raster {
            figure: self.title.clone(),
            reason,
        };
        let mut pixels = Pixmap::new(WIDTH, height)
            .ok_or_else(|| failed(format!("{WIDTH} × {height} pixels cannot be held")))?;
        pixels.fill(Color::WHITE);
        for raster in &self.drawing.rasters {
            raster
                .paint(&mut pixels)
                .ok_or_else(|| failed("a heat map has no cell".into()))?;
        }
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(dejavu::sans::regular().to_vec());
        fonts.set_sans_serif_family(TYPEFACE);
        let options = Options {
            font_family: TYPEFACE.into(),
            fontdb: fonts.into(),
            ..Options::default()
        };
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\">{}</svg>",
            self.in_black_on_white()
        );
        let tree = Tree::from_str(&svg, &options).map_err(|error| failed(error.to_string()))?;
        resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
        palette::rgba_file(WIDTH, height, pixels.data())
    }

    /// The figure as an element of a page, in the colours of the reader's theme.
    pub(crate) fn render(&self) -> Result<String, ReportError> {
        let view = View {
            title: &self.title,
            caption: &self.caption,
            description: &self.description,
            svg: format!(
                "<svg viewBox=\"0 0 {WIDTH} {}\">{}{}</svg>",
                self.drawing.height,
                self.images()?,
                self.drawing.elements
            ),
        };
        Ok(view.render()?)
    }

    fn images(&self) -> Result<String, ReportError> {
        self.drawing.rasters.iter().map(Raster::image).collect()
    }

    fn in_black_on_white(&self) -> String {
        self.drawing
            .elements
            .replace("#010101", "#1c2024")
            .replace("#020202", "#d9dfe5")
            .replace("#030303", "#ffffff")
            .replace(
                "font-family=\"sans-serif\"",
                &format!("font-family=\"{TYPEFACES}\""),
            )
    }
}

#[derive(Template)]
#[template(path = "figure.html")]
struct View<'a> {
    title: &'a str,
    caption: &'a str,
    description: &'a str,
    svg: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::{Anchor, Area, Frame, text};

    const HEIGHT: u32 = 100;

    fn figure(rasters: Vec<Raster>, words: &str) -> Figure {
        let draw = |area: &Area| text(area, words, (1000, 50), Anchor::Left);
        let mut drawing = Drawing::new(HEIGHT, draw).unwrap();
        drawing.rasters = rasters;
        Figure::new("name", "Title & <more>", "", drawing)
    }

    /// Width, height and RGB pixels.
    fn decoded(figure: &Figure) -> (u32, u32, Vec<u8>) {
        let file = std::io::Cursor::new(figure.png().unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.width, info.height, pixels)
    }

    #[test]
    fn letters_are_drawn_without_fonts_of_the_machine() {
        let dark = |words: &str| {
            let (width, height, pixels) = decoded(&figure(vec![], words));
            assert_eq!((width, height), (WIDTH, HEIGHT));
            pixels.chunks(3).filter(|p| p[0] < 128).count()
        };
        assert_eq!(dark(""), 0);
        // letters outside ASCII that reports use are in the typeface
        for words in ["rank", "−3", "λ", "Ж", "∞", "…"] {
            assert!(dark(words) > 20, "{words}");
        }
        assert!(dark("ranks of") > dark("rank"));
    }

    #[test]
    fn heat_maps_lie_where_they_should() {
        let frame = Frame {
            left: 10,
            top: 20,
            right: 210,
            bottom: 60,
        };
        let raster = Raster {
            frame,
            width: 2,
            height: 1,
            levels: vec![0, 254],
        };
        let figure = figure(vec![raster], "");
        let (_, _, pixels) = decoded(&figure);
        let at = |x: usize, y: usize| &pixels[3 * (y * WIDTH as usize + x)..][..3];
        assert_eq!(at(50, 40), palette::colour(0));
        assert_eq!(at(150, 40), palette::colour(254));
        for (x, y) in [(8, 40), (212, 40), (100, 18), (100, 62)] {
            assert_eq!(at(x, y), [255; 3], "{x} {y}");
        }
        let svg = figure.svg().unwrap();
        assert!(svg.contains("<image x=\"10\" y=\"20\" width=\"200\" height=\"40\""));
    }

    #[test]
    fn files_are_black_on_white_and_pages_in_the_colours_of_the_theme() {
        let figure = figure(vec![], "<b>");
        let svg = figure.svg().unwrap();
        assert!(
            svg.contains("<title>Title &amp; &lt;more></title>"),
            "{svg}"
        );
        assert!(svg.contains("&lt;b&gt;") && !svg.contains("<b>"));
        assert!(svg.contains("#1c2024") && !svg.contains("#010101"));
        assert!(svg.contains("DejaVu Sans"));
        let html = figure.render().unwrap();
        assert!(html.contains("#010101") && html.contains("Title &#38; &#60;more&#62;"));
        assert!(!html.contains("style="), "the policy would refuse it");
    }
}
