//! The table that `nae evaluate` prints.

use nae_metrics::scores::{MetricGroup, RELIABLE_DB, ScoreSpec, Scores, TABLE, improvement};
use nae_metrics::summary::Summary;

use super::scores::Row;

/// One number of a summary.
type Statistic = fn(&Summary) -> f64;

/// A line an estimate, then the summary of all.
pub fn table(rows: &[Row]) -> String {
    let width = rows
        .iter()
        .map(|row| row.estimate.chars().count())
        .max()
        .unwrap_or(0)
        .max("median, ideal ratio mask".len());
    let line = |name: &str, scores: &Scores| {
        let cells = TABLE.iter().zip(scores);
        let cells: String = cells.map(|(spec, value)| cell(spec, *value)).collect();
        format!("{name:<width$}{cells}")
    };
    let mut lines = header(width);
    lines.extend(rows.iter().map(|row| line(&row.estimate, &row.scores)));
    let mut summarise = |name: &str, pick: &dyn Fn(&Row) -> Option<Scores>| {
        let all: Vec<Scores> = rows.iter().filter_map(pick).collect();
        if all.len() < rows.len() {
            return;
        }
        let of = |i: usize, part: Statistic| {
            let values: Option<Vec<f64>> = all.iter().map(|scores| scores[i]).collect();
            values
                .and_then(|values| Summary::of(&values))
                .map(|summary| part(&summary))
        };
        let parts: [(&str, Statistic); 3] = [
            ("median", |s| s.median),
            ("lower quartile", |s| s.lower_quartile),
            ("upper quartile", |s| s.upper_quartile),
        ];
        let shown = if rows.len() >= 4 { 3 } else { 1 };
        for (part, value) in &parts[..shown] {
            let scores: Scores = std::array::from_fn(|i| of(i, *value));
            lines.push(line(&format!("{part}{name}"), &scores));
        }
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
    let names: Vec<&str> = rows.iter().map(|row| row.reference.as_str()).collect();
    let notes = MetricGroup::ALL.map(MetricGroup::note);
    let notes: Vec<&str> = notes.into_iter().filter(|note| !note.is_empty()).collect();
    lines.push(format!(
        "{}; references: {}",
        notes.join("; "),
        names.join(", ")
    ));
    lines.join("\n")
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
