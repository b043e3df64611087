//! The figures of a comparison.

use super::differences::Differences;
use super::scores::{Score, featured};
use super::systems::Systems;
use crate::plots::{
    BoxEntry, BoxPlot, Chart, DifferencePlot, DifferenceRow, DifferenceScale, Point, ReferenceLine,
    Series, YScale,
};
use crate::text::slug;
use crate::{Figure, ReportError};

/// Box plots of every featured score, grouped by rank.
pub(super) fn boxes(systems: &Systems, scores: &[Score]) -> Result<Vec<Figure>, ReportError> {
    let plot = |score: &Score| {
        let boxes: Vec<BoxEntry> = systems
            .all
            .iter()
            .map(|system| BoxEntry {
                group: systems
                    .ranks
                    .iter()
                    .position(|r| *r == system.rank)
                    .unwrap_or(0),
                series: system.series,
                values: system.values(score),
            })
            .collect();
        let counts = boxes.iter().map(|b| b.values.len()).filter(|n| *n > 0);
        let (least, most) = (counts.clone().min(), counts.max());
        BoxPlot {
            name: format!("boxes-{}", file_name(&score.key)),
            title: score.label(),
            caption: match (least, most) {
                (Some(1), Some(1)) => "1 value a box.".into(),
                (Some(least), Some(most)) if least == most => format!("{most} values a box."),
                (Some(least), Some(most)) => format!("{least} to {most} values a box."),
                _ => "No values.".into(),
            },
            x_label: "rank".into(),
            y_label: score.label(),
            groups: systems.ranks.iter().map(|rank| rank_name(*rank)).collect(),
            series: systems.series.clone(),
            boxes,
            reference_lines: floor_and_ceiling(systems, score),
        }
        .figure()
    };
    featured(scores).map(plot).collect()
}

/// Scores over the rank; none when no series has more than one rank.
pub(super) fn over_rank(systems: &Systems, scores: &[Score]) -> Result<Vec<Figure>, ReportError> {
    let ranks_of = |series: usize| systems.all.iter().filter(|s| s.series == series).count();
    if (0..systems.series.len()).all(|series| ranks_of(series) < 2) {
        return Ok(vec![]);
    }
    let plot = |score: &Score| {
        let series = systems.series.iter().enumerate().map(|(index, name)| {
            let members = systems.all.iter().filter(|system| system.series == index);
            let point = |system: &super::systems::System| {
                let summary = system.summary(score)?;
                Some(Point::of_summary(system.rank as f64, &summary))
            };
            Series {
                name: name.clone(),
                points: members.filter_map(point).collect(),
            }
        });
        Chart {
            name: format!("rank-{}", file_name(&score.key)),
            title: format!("{} over rank", score.name),
            caption: String::new(),
            x_label: "rank".into(),
            y_label: score.label(),
            y_scale: YScale::Linear,
            series: series.collect(),
            reference_lines: floor_and_ceiling(systems, score),
        }
        .figure()
    };
    featured(scores).map(plot).collect()
}

/// All systems against one baseline, a scale a featured score.
pub(super) fn differences(
    found: &Differences,
    systems: &Systems,
    scores: &[Score],
) -> Result<Figure, ReportError> {
    let shown: Vec<usize> = (0..scores.len())
        .filter(|i| featured(scores).any(|s| *s == scores[*i]))
        .collect();
    let rows = found.rows.iter().map(|row| DifferenceRow {
        label: row.system.name.into(),
        series: row.system.series,
        differences: shown
            .iter()
            .map(|i| row.scores[*i].map(|one| one.paired))
            .collect(),
    });
    DifferencePlot {
        name: format!("differences-from-{}", file_name(&found.name)),
        title: format!("Mean differences from {}", found.name),
        caption: "Markers are means over the units, bars their 95 % intervals; right of the line is better.".into(),
        series: systems.series.clone(),
        scales: shown.iter().map(|i| DifferenceScale { label: scores[*i].label() }).collect(),
        rows: rows.collect(),
    }
    .figure()
}

fn floor_and_ceiling(systems: &Systems, score: &Score) -> Vec<ReferenceLine> {
    let (floor, ceiling) = systems.floor_and_ceiling(score);
    let named = [("mixture", floor), ("ideal mask", ceiling)];
    named
        .into_iter()
        .filter_map(|(label, value)| Some(ReferenceLine::new(label, value?)))
        .collect()
}

/// A rank; nothing for systems without one.
fn rank_name(rank: usize) -> String {
    match rank {
        0 => "none".into(),
        rank => rank.to_string(),
    }
}

/// Part of a file's name: letters, digits and hyphens.
pub(super) fn file_name(text: &str) -> String {
    slug(text, |c| c.is_ascii_alphanumeric())
}
