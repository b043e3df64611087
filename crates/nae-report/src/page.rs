//! The page itself.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::ReportError;
use crate::figure::Figure;
use crate::heat_map::HeatMap;
use crate::player::Player;
use crate::table::Table;

const STYLE: &str = include_str!("../templates/page.css");
const SCRIPT: &str = include_str!("../templates/player.js");

/// One page of results.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// Its heading, also the title of the browser's window.
    pub title: String,
    /// A few sentences below the heading; a blank line starts a new paragraph.
    pub lead: String,
    /// What it shows, from top to bottom.
    pub sections: Vec<Section>,
}

impl Page {
    /// A page without sections yet.
    pub fn new(title: impl Into<String>, lead: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            lead: lead.into(),
            sections: vec![],
        }
    }

    /// The page as one HTML file that needs nothing else.
    ///
    /// The only script and the only style sheet are named by their digests in the page's content
    /// security policy, which allows data URIs for sounds and pictures and nothing else.
    ///
    /// # Errors
    ///
    /// [`ReportError`] names the player, track, heat map or table that cannot be shown.
    pub fn render(&self) -> Result<String, ReportError> {
        let view = View {
            title: &self.title,
            lead: paragraphs(&self.lead),
            sections: self
                .sections
                .iter()
                .map(Section::view)
                .collect::<Result<_, _>>()?,
            policy: policy(),
            style: STYLE,
            script: SCRIPT,
        };
        Ok(view.render()?)
    }
}

/// A part of a page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Section {
    /// Its heading.
    pub heading: String,
    /// A few sentences below the heading; may be empty.
    pub intro: String,
    /// What it shows, from top to bottom.
    pub blocks: Vec<Block>,
}

impl Section {
    /// A section without blocks yet.
    pub fn new(heading: impl Into<String>) -> Self {
        Self {
            heading: heading.into(),
            ..Self::default()
        }
    }

    /// The same section with sentences below its heading.
    pub fn with_intro(mut self, intro: impl Into<String>) -> Self {
        self.intro = intro.into();
        self
    }

    /// The same section with one more block.
    pub fn with(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    fn view(&self) -> Result<SectionView<'_>, ReportError> {
        Ok(SectionView {
            heading: &self.heading,
            intro: paragraphs(&self.intro),
            blocks: self
                .blocks
                .iter()
                .map(Block::render)
                .collect::<Result<_, _>>()?,
        })
    }
}

/// One thing to show.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// Sentences; a blank line starts a new paragraph.
    Text(String),
    /// A table of results.
    Table(Table),
    /// Sounds to switch between.
    Player(Player),
    /// Heat maps side by side as far as there is room.
    HeatMaps(Vec<HeatMap>),
    /// A drawing, which is also a file.
    Figure(Figure),
    /// Text kept as it is.
    Listing(Listing),
}

/// Text kept as it is, such as a configuration file or a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// What it is, in a few words.
    pub title: String,
    /// The text, with its line breaks.
    pub text: String,
}

impl Listing {
    /// A named text.
    pub fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            text: text.into(),
        }
    }
}

impl Block {
    fn render(&self) -> Result<String, ReportError> {
        match self {
            Self::Text(text) => Ok(TextView {
                paragraphs: paragraphs(text),
            }
            .render()?),
            Self::Table(table) => table.render(),
            Self::Player(player) => player.render(),
            Self::HeatMaps(heat_maps) => {
                let heat_maps = heat_maps.iter().map(HeatMap::render);
                let heat_maps = heat_maps.collect::<Result<_, _>>()?;
                Ok(HeatMapsView { heat_maps }.render()?)
            }
            Self::Figure(figure) => figure.render(),
            Self::Listing(Listing { title, text }) => Ok(ListingView {
                title,
                text: text.trim_end(),
            }
            .render()?),
        }
    }
}

/// The content security policy: nothing but data URIs and what this page itself brings.
fn policy() -> String {
    format!(
        "default-src 'none'; img-src data:; media-src data:; style-src '{}'; script-src '{}'; \
         base-uri 'none'; form-action 'none'",
        digest(STYLE),
        digest(SCRIPT)
    )
}

fn digest(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in text.lines().map(str::trim) {
        match paragraphs.last_mut() {
            Some(last) if !line.is_empty() => {
                if !last.is_empty() {
                    last.push('\n');
                }
                last.push_str(line);
            }
            _ => paragraphs.push(String::new()),
        }
    }
    paragraphs.retain(|p| !p.is_empty());
    paragraphs
}

struct SectionView<'a> {
    heading: &'a str,
    intro: Vec<String>,
    blocks: Vec<String>,
}

#[derive(Template)]
#[template(path = "page.html")]
struct View<'a> {
    title: &'a str,
    lead: Vec<String>,
    sections: Vec<SectionView<'a>>,
    policy: String,
    style: &'static str,
    script: &'static str,
}

#[derive(Template)]
#[template(path = "text.html")]
struct TextView {
    paragraphs: Vec<String>,
}

#[derive(Template)]
#[template(path = "heat_maps.html")]
struct HeatMapsView {
    heat_maps: Vec<String>,
}

#[derive(Template)]
#[template(path = "listing.html")]
struct ListingView<'a> {
    title: &'a str,
    text: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_line_starts_a_paragraph() {
        assert_eq!(paragraphs("a\nb\n\n\nc\n"), ["a\nb", "c"]);
        assert!(paragraphs(" \n").is_empty());
    }

    #[test]
    fn the_digest_is_the_one_browsers_compute() {
        // The example of the W3C recommendation, computed by
        // `printf "alert('Hello, world.');" | openssl dgst -sha256 -binary | base64`.
        assert_eq!(
            digest("alert('Hello, world.');"),
            "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="
        );
    }

    #[test]
    fn the_script_cannot_end_its_own_element() {
        assert!(!SCRIPT.contains("</script") && !STYLE.contains("</style"));
    }
}
