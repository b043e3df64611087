use super::*;

fn falling(from: f64) -> Vec<(f64, f64)> {
    (0..50)
        .map(|i| (f64::from(i), from / (1.0 + f64::from(i))))
        .collect()
}

fn median(x: f64, median: f64) -> Point {
    let summary = Summary {
        count: 4,
        lower_quartile: median - 1.0,
        median,
        upper_quartile: median + 1.0,
    };
    Point::of_summary(x, &summary)
}

fn medians(points: Vec<Point>) -> Chart {
    Chart {
        name: "sdr-over-rank".into(),
        series: vec![Series {
            name: "NAE <4>".into(),
            points,
        }],
        ..Chart::default()
    }
}

#[test]
fn every_series_is_drawn_and_named() {
    let mut chart = Chart::losses("loss");
    for index in 0..6 {
        chart = chart.with_series(format!("voice {index}"), falling(10.0 + f64::from(index)));
    }
    let svg = chart.figure().unwrap().svg().unwrap();
    for index in 0..6 {
        let RGBColor(r, g, b) = SeriesStyle::of(index).colour;
        let colour = format!("#{r:02X}{g:02X}{b:02X}");
        // its curve and its line in the legend, at least
        assert!(
            svg.matches(&colour).count() >= 2,
            "curve {index} is not drawn"
        );
        assert!(
            svg.contains(&format!("voice {index}")),
            "no legend for {index}"
        );
    }
}

#[test]
fn medians_have_a_band_a_curve_and_markers() {
    let points = vec![median(100.0, 5.0), median(20.0, 4.0), median(50.0, 6.0)];
    let svg = medians(points).figure().unwrap().svg().unwrap();
    assert_eq!(svg.matches("<polygon").count(), 1, "{svg}");
    assert_eq!(svg.matches("<circle").count(), 3 + 1, "with its legend");
    assert!(svg.contains("NAE &lt;4&gt;"));
    for rank in ["20", "50", "100"] {
        assert!(svg.contains(&format!("\n{rank}\n")), "tick {rank}");
    }
}

#[test]
fn one_median_has_a_bar_and_nothing_has_axes() {
    let one = medians(vec![median(20.0, 4.0)]).figure().unwrap();
    assert!(!one.svg().unwrap().contains("<polygon"));
    let infinite = medians(vec![median(20.0, f64::INFINITY)]);
    infinite.figure().unwrap().png().unwrap();
    Chart::default().figure().unwrap();
}

#[test]
fn points_that_cannot_be_drawn_are_left_out_and_counted() {
    let points = vec![(0.0, f64::NAN), (1.0, 0.0), (2.0, -1.0), (3.0, 1.0)];
    let figure = Chart::losses("loss").with_series("a", points).figure();
    let html = figure.unwrap().render().unwrap();
    assert!(html.contains("could not be drawn: 3."), "{html}");
    assert!(!html.contains("NaN"));
}

#[test]
fn charts_of_little_or_nothing_are_drawn() {
    for points in [
        vec![],
        vec![(1.0, 1.0)],
        vec![(1.0, 2.0), (1.0, 2.0)],
        vec![(0.0, 1e300), (1.0, 1e-300)],
        vec![(f64::MAX, 1.0), (f64::MIN, 2.0)],
    ] {
        for scale in [YScale::Linear, YScale::Logarithmic] {
            let mut chart = Chart::new("c", "x", "y").with_series("a", points.clone());
            chart.y_scale = scale;
            chart.figure().unwrap();
        }
    }
    Chart::losses("none").figure().unwrap();
}

#[test]
fn the_page_describes_what_runs_where() {
    let figure = Chart::losses("<t>")
        .with_series("<script>", falling(3.0))
        .figure();
    let html = figure.unwrap().render().unwrap();
    assert!(html.contains("loss over step"));
    for raw in ["<t>", "<script>", "style="] {
        assert!(!html.contains(raw), "{raw}");
    }
}

#[test]
fn thinning_keeps_both_ends() {
    let points = thinned(&falling(1.0), 7);
    assert_eq!(points.len(), 7);
    assert_eq!(points[0].0, 0.0);
    assert_eq!(points[6].0, 49.0);
}

#[test]
fn crowded_places_have_round_ticks() {
    let ticks = x_ticks((0..200).map(f64::from), 0.0, 199.0);
    assert!(ticks.len() <= 11, "{}", ticks.len());
}
