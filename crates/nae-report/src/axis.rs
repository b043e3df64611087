//! An axis of a heat map or of curves: what runs along it, from where to where.

/// What runs along one side of a drawing.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What is counted, with its unit: `"time (s)"`.
    pub label: String,
    /// Value at the left or lower edge.
    pub start: f64,
    /// Value at the right or upper edge.
    pub end: f64,
}

impl Axis {
    /// Time from 0 to `duration_s` seconds.
    pub fn time(duration_s: f64) -> Self {
        Self {
            label: "time (s)".into(),
            start: 0.0,
            end: duration_s,
        }
    }

    /// Frequency from 0 to `nyquist_hz`, labelled in kHz.
    pub fn frequency(nyquist_hz: f64) -> Self {
        Self {
            label: "frequency (kHz)".into(),
            start: 0.0,
            end: nyquist_hz / 1000.0,
        }
    }

    /// `count` things, numbered from 1, one a cell.
    pub fn counted(label: impl Into<String>, count: usize) -> Self {
        Self {
            label: label.into(),
            start: 0.5,
            end: count as f64 + 0.5,
        }
    }

    /// Where a value lies, from 0 at the start to 1 at the end.
    pub(crate) fn position(&self, value: f64) -> f64 {
        (value - self.start) / (self.end - self.start)
    }

    /// Whether it runs from one finite value up to another.
    pub(crate) fn is_drawable(&self) -> bool {
        self.start.is_finite() && self.end.is_finite() && self.end > self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_axes_number_the_middle_of_cells() {
        let axis = Axis::counted("component", 4);
        assert_eq!(axis.position(1.0), 0.125);
        assert_eq!(axis.position(4.0), 0.875);
    }
}
