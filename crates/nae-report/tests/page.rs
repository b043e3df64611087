//! The page as a reader's browser gets it.

use nae_report::plots::{BoxEntry, BoxPlot, Chart, ReferenceLine};
use nae_report::{
    Block, Figure, HeatMap, Listing, Matrix, Page, Player, ReportError, Section, Table, Track,
};

const RATE: u32 = 8000;

/// Text that would be markup or script if it were not escaped.
const HOSTILE: &str = "</script><img src=x onerror=\"alert('1')\">&";

fn matrix() -> Result<Matrix, ReportError> {
    Matrix::new(2, 3, vec![0.0, f32::NAN, 2.0, 3.0, 4.0, 5.0])
}

fn figure(text: &str) -> Result<Figure, ReportError> {
    BoxPlot {
        title: text.into(),
        caption: text.into(),
        x_label: text.into(),
        y_label: text.into(),
        groups: vec![text.into()],
        series: vec![text.into()],
        boxes: vec![BoxEntry {
            group: 0,
            series: 0,
            values: vec![1.0, 2.0, 4.0],
        }],
        reference_lines: vec![ReferenceLine::new(text, 3.0)],
        ..BoxPlot::default()
    }
    .figure()
}

/// A page with one block of every kind and the given text wherever text goes.
fn page(text: &str) -> Result<Page, ReportError> {
    let samples = vec![0.5, -0.5, f32::INFINITY, 0.0];
    let mut pictured = HeatMap::spectrogram(text, matrix()?, 1.0, 4000.0).with_caption(text);
    pictured.x.label = text.into();
    let player = Player::new(text)
        .with_caption(text)
        .track(Track::mono(text, samples.clone(), RATE).with_note(text))
        .track(Track::mono(text, samples, RATE).with_heat_map(pictured.clone()));
    let mut page = Page::new(text, text);
    page.sections.push(
        Section::new(text)
            .with_intro(text)
            .with(Block::Text(text.into()))
            .with(Block::Table(
                Table::new([text]).row([text]).with_caption(text),
            ))
            .with(Block::Player(player))
            .with(Block::HeatMaps(vec![
                pictured,
                HeatMap::bases(text, matrix()?, 4000.0),
                HeatMap::activations(text, matrix()?, 1.0),
            ]))
            .with(Block::Figure(
                Chart::losses(text)
                    .with_series(text, vec![(0.0, 3.0), (1.0, f64::NAN), (2.0, 1.0)])
                    .figure()?,
            ))
            .with(Block::Figure(figure(text)?))
            .with(Block::Listing(Listing::new(text, text))),
    );
    Ok(page)
}

#[test]
fn the_same_page_renders_to_the_same_bytes() {
    assert_eq!(
        page("a").unwrap().render().unwrap(),
        page("a").unwrap().render().unwrap()
    );
}

#[test]
fn no_text_becomes_markup() {
    let html = page(HOSTILE).unwrap().render().unwrap();
    assert!(!html.contains("<img src=x"));
    assert!(!html.contains("onerror=\""));
    assert_eq!(html.matches("</script>").count(), 1, "only the page's own");
    assert_eq!(
        html.matches("<img").count(),
        // Two a picture (itself and its scale) and one in the player.
        3 * 2 + 1
    );
}

#[test]
fn nothing_comes_from_elsewhere() {
    let html = page("a").unwrap().render().unwrap();
    for outside in ["http:", "https:", "//cdn", "@import", "url(", "fetch("] {
        assert!(!html.contains(outside), "{outside}");
    }
    for (attribute, _) in html.match_indices(" src=\"") {
        assert!(html[attribute + 6..].starts_with("data:"));
    }
}

#[test]
fn the_policy_allows_data_and_the_pages_own_script_alone() {
    let html = page("a").unwrap().render().unwrap();
    let policy = html
        .split("http-equiv=\"Content-Security-Policy\" content=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap();
    assert!(policy.starts_with("default-src 'none'; img-src data:; media-src data:;"));
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(policy.matches("'sha256-").count(), 2, "{policy}");
    assert!(!html.contains(" style=\""), "the policy would refuse it");
    assert!(!html.contains(" onclick=\""), "the policy would refuse it");
}

#[test]
fn blocks_keep_their_order() {
    let mut page = Page::new("t", "l");
    for heading in ["first", "second", "third"] {
        page.sections
            .push(Section::new(heading).with(Block::Text(format!("inside {heading}"))));
    }
    let html = page.render().unwrap();
    let at = |text: &str| html.find(text).unwrap();
    assert!(at("inside first") < at("inside second"));
    assert!(at("inside second") < at("inside third"));
    assert_eq!(html.matches("<a href=\"#section-").count(), 3);
}

#[test]
fn an_empty_page_renders() {
    let html = Page::default().render().unwrap();
    assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"));
}

#[test]
fn what_cannot_be_shown_is_an_error_and_not_half_a_page() {
    let mut page = page("a").unwrap();
    page.sections[0]
        .blocks
        .push(Block::Player(Player::new("p").track(Track::mono(
            "nothing",
            vec![],
            RATE,
        ))));
    let error = page.render().unwrap_err();
    assert!(matches!(error, ReportError::TrackEmpty { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "the track \"nothing\" has no samples; leave it out"
    );
}
