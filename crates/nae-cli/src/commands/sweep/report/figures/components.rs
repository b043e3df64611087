//! A panel of components over time or frequency.

use anyhow::Result;
use nae_report::plots::{CurveStack, Panel};
use nae_report::{Axis, ColourScale, HeatMap, Matrix};

/// Components that are drawn as curves; more become a heat map.
pub const MAX_CURVES: usize = 10;

/// What runs upwards once there are too many components for curves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Upwards {
    /// Components, in the order given.
    Components,
    /// Frequency, with components side by side.
    Frequency,
}

/// One curve a component, or a heat map of many.
pub fn components(
    title: &str,
    rows: Vec<Vec<f32>>,
    along: Axis,
    upwards: Upwards,
) -> Result<Panel> {
    if rows.len() <= MAX_CURVES {
        return Ok(Panel::Curves(CurveStack {
            title: title.into(),
            x: along,
            y_label: "component".into(),
            curves: rows,
        }));
    }
    let (count, length) = (rows.len(), rows[0].len());
    let peaks: Vec<f32> = rows
        .iter()
        .map(|row| {
            row.iter()
                .fold(f32::MIN_POSITIVE, |peak, x| peak.max(x.abs()))
        })
        .collect();
    let cell = |k: usize, i: usize| rows[k][i].abs() / peaks[k];
    let counted = Axis::counted("component", count);
    let (matrix, x, y) = match upwards {
        Upwards::Components => {
            let cells = (0..count).flat_map(|k| (0..length).map(move |i| (k, i)));
            let values = cells.map(|(k, i)| cell(k, i)).collect();
            (Matrix::new(count, length, values)?, along, counted)
        }
        Upwards::Frequency => {
            let cells = (0..length).flat_map(|i| (0..count).map(move |k| (k, i)));
            let values = cells.map(|(k, i)| cell(k, i)).collect();
            (Matrix::new(length, count, values)?, counted, along)
        }
    };
    Ok(Panel::HeatMap(HeatMap {
        title: title.into(),
        caption: String::new(),
        matrix,
        x,
        y,
        scale: ColourScale::Decibels {
            reference: Some(1.0),
            range_db: 50.0,
        },
    }))
}
