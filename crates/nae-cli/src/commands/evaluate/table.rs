//! The table that `nae evaluate` prints.

use nae_metrics::scores::{RELIABLE_DB, Scores};
use nae_metrics::summary::Summary;

use super::scores::Row;

/// One number of a summary.
type Statistic = fn(&Summary) -> f64;

/// A line an estimate, then the summary of all.
pub fn table(rows: &[Row]) -> String {
    const HEADERS: [&str; 8] = [
        "SDR", "SIR", "SAR", "SI-SDR", "SI-SIR", "SI-SAR", "STOI", "ESTOI",
    ];
    let width = rows
        .iter()
        .map(|row| row.estimate.chars().count())
        .max()
        .unwrap_or(0)
        .max("median, ideal ratio mask".len());
    let cell = |i: usize, value: Option<f64>| match value {
        None => format!("{:>8}", "–"),
        Some(value) if i >= 6 => format!("{value:>8.3}"),
        Some(value) if value > RELIABLE_DB => format!("{:>8}", ">100"),
        Some(value) => format!("{value:>8.2}"),
    };
    let line = |name: &str, scores: &Scores| {
        format!(
            "{name:<width$}{}",
            scores
                .iter()
                .enumerate()
                .map(|(i, value)| cell(i, *value))
                .collect::<String>()
        )
    };
    let header = HEADERS
        .iter()
        .map(|name| format!("{name:>8}"))
        .collect::<String>();
    let mut lines = vec![
        format!("{:<width$}{:>24}{:>24}", "", "512 taps (dB)", "1 tap (dB)"),
        format!("{:<width$}{header}", "estimate"),
    ];
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
        let reliable = |i: usize| floor[i].filter(|db| *db <= RELIABLE_DB);
        Some(std::array::from_fn(|i| Some(row.scores[i]? - reliable(i)?)))
    });
    summarise(", mixture", &|row| row.bounds.map(|bounds| bounds.0));
    summarise(", ideal ratio mask", &|row| {
        row.bounds.map(|bounds| bounds.1)
    });
    let names: Vec<&str> = rows.iter().map(|row| row.reference.as_str()).collect();
    lines.push(format!("SDR, SIR, SAR: BSS_eval v3 sources, 512-tap projection; SI-: 1-tap projection; references: {}", names.join(", ")));
    lines.join("\n")
}
