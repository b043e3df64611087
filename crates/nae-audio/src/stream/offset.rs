//! A constant offset that is followed as samples come.

use crate::offset::is_offset;

/// Seconds over which mean and power are taken.
const MEMORY_S: f64 = 4.0;
/// Seconds in which the offset that is subtracted follows the one that is found: no step is heard.
const SMOOTHING_S: f64 = 0.1;
/// Evaluations a second.
const EVALUATIONS: u32 = 50;

/// Follows the offset of a channel: 0 as long as its mean is none, as for [`offset`](crate::offset()).
#[derive(Debug)]
pub struct OffsetTracker {
    rate: f64,
    /// Samples between two evaluations, and how many there were since the last.
    step: u32,
    since: u32,
    count: f64,
    sum: f64,
    power: f64,
    target: f64,
    current: f64,
}

impl OffsetTracker {
    /// - `rate`: in Hz
    pub fn new(rate: u32) -> Self {
        Self {
            rate: f64::from(rate.max(1)),
            step: (rate / EVALUATIONS).max(1),
            since: 0,
            count: 0.0,
            sum: 0.0,
            power: 0.0,
            target: 0.0,
            current: 0.0,
        }
    }

    /// Takes a sample and gives the offset there.
    pub fn next(&mut self, x: f32) -> f32 {
        self.sum += f64::from(x);
        self.power += f64::from(x) * f64::from(x);
        self.count += 1.0;
        self.since += 1;
        if self.since == self.step {
            self.evaluate();
        }
        if self.target == self.current {
            return self.current as f32;
        }
        self.current += (self.target - self.current) / (SMOOTHING_S * self.rate);
        if self.target == 0.0 && self.current.abs() < 1e-9 {
            self.current = 0.0;
        }
        self.current as f32
    }

    fn evaluate(&mut self) {
        let seconds = self.count / self.rate;
        let (mean, power) = (self.sum / self.count, self.power / self.count);
        self.target = match is_offset(mean, power, seconds) {
            true => mean,
            false => 0.0,
        };
        self.since = 0;
        if seconds > MEMORY_S {
            let kept = MEMORY_S / seconds;
            self.count *= kept;
            self.sum *= kept;
            self.power *= kept;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::TAU;

    #[test]
    fn a_tone_has_no_offset_and_an_offset_is_found_without_a_step() {
        let tone = |n: usize| 0.1 * (TAU * 440.0 * n as f32 / 16_000.0).sin();
        let mut tracker = OffsetTracker::new(16_000);
        assert!((0..64_000).all(|n| tracker.next(tone(n)) == 0.0));
        let mut tracker = OffsetTracker::new(16_000);
        let mut before = 0.0;
        for n in 0..64_000 {
            let now = tracker.next(0.05 + tone(n));
            assert!((now - before).abs() < 1e-4, "{n}: {before} {now}");
            before = now;
        }
        assert!((before - 0.05).abs() < 1e-3, "{before}");
    }
}
