//! The table that `nae evaluate` prints.

use nae_metrics::scores::{MetricGroup, RELIABLE_DB, ScoreSpec, Scores, TABLE, improvement};
use nae_metrics::summary::Summary;

use super::example::Row;
use super::{LeftOut, Scored};
use nae_files::count;

/// One number of a summary.
type Statistic = fn(&Summary) -> f64;

/// A line an estimate, then the summary of all, and what was left out.
pub fn table(scored: &Scored) -> String {
    let rows = scored.rows.as_slice();
    let width = rows
        .iter()
        .map(|row| row.estimate.chars().count())
        .max()
        .unwrap_or(0)
        .max("median, ideal ratio mask".len());
    let mut lines = header(width);
    lines.extend(
        rows.iter()
            .map(|row| line(width, &row.estimate, &row.scores)),
    );
    let mut incomplete = Vec::new();
    let mut summarise = |name: &str, pick: &dyn Fn(&Row) -> Option<Scores>| {
        let all: Vec<Scores> = rows.iter().filter_map(pick).collect();
        lines.extend(summary_lines(width, name, &all));
        incomplete.extend(incomplete_note(name, &all, rows.len()));
    };
    summarise("", &|row| Some(row.scores));
    summarise(" gain over mixture", &|row| {
        let (floor, _) = row.bounds.as_ref()?;
        Some(improvement(&row.scores, floor))
    });
    summarise(", mixture", &|row| row.bounds.map(|bounds| bounds.0));
    summarise(", ideal ratio mask", &|row| {
        row.bounds.map(|bounds| bounds.1)
    });
    lines.extend(incomplete);
    let names: Vec<&str> = rows.iter().map(|row| row.reference.as_str()).collect();
    let notes = MetricGroup::ALL.map(MetricGroup::note);
    let notes: Vec<&str> = notes.into_iter().filter(|note| !note.is_empty()).collect();
    lines.push(format!(
        "{}; references: {}",
        notes.join("; "),
        names.join(", ")
    ));
    lines.extend(scored.hints.iter().map(|hint| format!("hint: {hint}")));
    if !scored.left_out.is_empty() {
        lines.push(format!(
            "left out: {}",
            count(scored.left_out.len(), "mixture")
        ));
        let reasons = scored.left_out.iter();
        lines.extend(reasons.map(|LeftOut { name, reason }| format!("  {name}: {reason}")));
    }
    lines.join("\n")
}

fn line(width: usize, name: &str, scores: &Scores) -> String {
    let cells = TABLE.iter().zip(scores);
    let cells: String = cells.map(|(spec, value)| cell(spec, *value)).collect();
    format!("{name:<width$}{cells}")
}

/// Median and, of at least four, quartiles of the scores there are.
fn summary_lines(width: usize, name: &str, all: &[Scores]) -> Vec<String> {
    let of = |i: usize, part: Statistic| {
        let values: Vec<f64> = all.iter().filter_map(|scores| scores[i]).collect();
        Summary::of(&values).map(|summary| part(&summary))
    };
    let parts: [(&str, Statistic); 3] = [
        ("median", |s| s.median),
        ("lower quartile", |s| s.lower_quartile),
        ("upper quartile", |s| s.upper_quartile),
    ];
    let shown = match all.len() {
        0 => 0,
        1..=3 => 1,
        _ => 3,
    };
    let lines = parts[..shown].iter().map(|(part, value)| {
        let scores: Scores = std::array::from_fn(|i| of(i, *value));
        line(width, &format!("{part}{name}"), &scores)
    });
    lines.collect()
}

/// A note, if a median is of some of the sources only.
fn incomplete_note(name: &str, all: &[Scores], sources: usize) -> Option<String> {
    let counted = TABLE.iter().enumerate().map(|(i, spec)| {
        let counted = all.iter().filter(|scores| scores[i].is_some()).count();
        (spec.label, counted)
    });
    let partial: Vec<String> = counted
        .filter(|(_, counted)| (1..sources).contains(counted))
        .map(|(label, counted)| format!("{label} of {counted}"))
        .collect();
    (!partial.is_empty()).then(|| {
        format!(
            "median{name}: {} of {sources} sources; the others have no such score",
            partial.join(", ")
        )
    })
}

/// Width of a column of scores.
const COLUMN: usize = 8;

/// The names of the scores, below those of their groups.
fn header(width: usize) -> Vec<String> {
    let groups = MetricGroup::ALL.iter();
    let groups: String = groups
        .map(|group| format!("{:>1$}", group.heading(), COLUMN * group.scores().count()))
        .collect();
    let scores: String = TABLE
        .iter()
        .map(|spec| format!("{:>COLUMN$}", spec.label))
        .collect();
    vec![
        format!("{:<width$}{}", "", groups.trim_end()),
        format!("{:<width$}{scores}", "estimate"),
    ]
}

fn cell(spec: &ScoreSpec, value: Option<f64>) -> String {
    match value {
        None => format!("{:>COLUMN$}", "–"),
        Some(value) if spec.unit == "dB" && value > RELIABLE_DB => format!("{:>COLUMN$}", ">100"),
        Some(value) => format!("{value:>COLUMN$.*}", spec.decimals),
    }
}
